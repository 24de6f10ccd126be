/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The kernel's own NFSv4 client, which needs no helper: nfs(5) lists what mount.nfs does for it,
 * which is to look up names (there are none here: addr= is an address) and to wait for the server.
 */

#include "nfs.h"

#include "console.h"
#include "emergency.h"
#include "uevents.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#define NFS_PORT 2049
/* Between two tries at a server that refuses. */
#define RETRY_SECONDS 0.2

struct server
{
  char name[INET6_ADDRSTRLEN];
  char client[INET6_ADDRSTRLEN]; /* what the guest says its address is; may be empty */
  unsigned port;
  socklen_t length;
  union
  {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
  } address;
};

/* The value of an option of the form name=value; the empty string when it is not there. */
static void
get_option (const struct init_mount *entry, const char *name, char *value, size_t size)
{
  const char *option = entry->data == NULL ? "" : entry->data;
  size_t name_length = strlen (name);

  *value = '\0';
  for (size_t length; *option != '\0'; option += length + (option[length] == ','))
    {
      length = strcspn (option, ",");
      if (length > name_length && option[name_length] == '=' &&
          memcmp (option, name, name_length) == 0)
        snprintf (value, size, "%.*s", (int)(length - name_length - 1), option + name_length + 1);
    }
}

static void
find_server (const struct init_mount *entry, struct server *server)
{
  char port[8];

  *server = (struct server){ 0 };
  get_option (entry, "addr", server->name, sizeof server->name);
  get_option (entry, "clientaddr", server->client, sizeof server->client);
  get_option (entry, "port", port, sizeof port);
  server->port = *port == '\0' ? NFS_PORT : (unsigned)atoi (port);
  if (inet_pton (AF_INET, server->name, &server->address.in.sin_addr) == 1)
    {
      server->address.in.sin_family = AF_INET;
      server->address.in.sin_port = htons ((unsigned short)server->port);
      server->length = sizeof server->address.in;
    }
  else if (inet_pton (AF_INET6, server->name, &server->address.in6.sin6_addr) == 1)
    {
      server->address.in6.sin6_family = AF_INET6;
      server->address.in6.sin6_port = htons ((unsigned short)server->port);
      server->length = sizeof server->address.in6;
    }
  else
    emergency ("cannot mount %s \"%s\": its options %s name no server with addr=", entry->type,
               entry->source, entry->options);
}

static int
milliseconds_until (double deadline)
{
  double left = deadline - uevents_now ();

  return left <= 0 ? 0 : (int)(left * 1000) + 1;
}

/* 0, or why there is no connection. */
static int
try_to_connect (const struct server *server, double deadline)
{
  int fd = socket (server->address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  struct pollfd pollfd = { .fd = fd, .events = POLLOUT };
  socklen_t length = sizeof (int);
  int error = 0;

  if (fd < 0)
    return errno;
  if (connect (fd, &server->address.any, server->length) < 0)
    error = errno;
  if (error == EINPROGRESS && poll (&pollfd, 1, milliseconds_until (deadline)) <= 0)
    error = ETIMEDOUT;
  else if (error == EINPROGRESS && getsockopt (fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
    error = errno;
  close (fd);
  return error;
}

static _Noreturn void
does_not_answer (const struct init_mount *entry,
                 const struct server *server,
                 int error,
                 double waited)
{
  emergency ("cannot mount %s \"%s\" on %s: the server %s does not answer on port %u (waited %.0f "
             "s): %s: is its NFS server running, and does its firewall let %s in?",
             entry->type, entry->source, entry->target, server->name, server->port, waited,
             strerror (error), *server->client == '\0' ? "this guest" : server->client);
}

/* The kernel would wait for minutes, and not say for whom. */
static void
wait_for_server (const struct init_mount *entry,
                 const struct server *server,
                 int uevents,
                 double deadline)
{
  double start = uevents_now ();
  int error;

  for (unsigned n = 0; (error = try_to_connect (server, deadline)) != 0; n++)
    {
      double retry = uevents_now () + RETRY_SECONDS;

      if (retry >= deadline)
        does_not_answer (entry, server, error, uevents_now () - start);
      if (n == 0)
        console_log ("waiting for the NFS server %s: %s", server->name, strerror (error));
      while (uevents_wait (uevents, retry))
        continue;
    }
}

static const char *
explain (int error)
{
  switch (error)
    {
    case ENODEV:
      return ": the kernel knows no file system nfs4, and the initramfs has no module for it";
    case ENOENT:
    case ESTALE:
      return ": the server does not export this directory to this guest, or has no such directory";
    case EACCES:
    case EPERM:
      return ": the server does not let this guest in: is the directory exported to its address?";
    case EPROTONOSUPPORT:
      return ": the server does not speak this version of NFS";
    default:
      return "";
    }
}

void
nfs_mount (const struct init_mount *entry,
           const char *target,
           unsigned long flags,
           int uevents,
           double deadline)
{
  struct server server;
  int error;

  find_server (entry, &server);
  wait_for_server (entry, &server, uevents, deadline);
  if (mount (entry->source, target, entry->type, flags, entry->data) == 0)
    return;
  if (errno == ENOENT && entry->other_source != NULL &&
      mount (entry->other_source, target, entry->type, flags, entry->data) == 0)
    return;
  error = errno;
  emergency ("cannot mount %s \"%s\" on %s from %s with %s: %s%s", entry->type, entry->source,
             entry->target, server.name, entry->options, strerror (error), explain (error));
}
