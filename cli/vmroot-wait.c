/* SPDX-License-Identifier: GPL-2.0-or-later */

/* vmroot wait-for-address: for a server that can listen only on addresses that are there. */

#include "config.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gio/gio.h>

#include "vmroot-command.h"

#define DEFAULT_SECONDS 60

/* Which a duplicate IPv6 address, or one that may still be one, is not. */
static gboolean
can_listen (GInetAddress *address, GError **error)
{
  g_autoptr (GSocketAddress) any_port = g_inet_socket_address_new (address, 0);
  g_autoptr (GSocket) listener = g_socket_new (
      g_inet_address_get_family (address), G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, error);

  return listener != NULL && g_socket_bind (listener, any_port, FALSE, error);
}

/* A descriptor that can be read from when an address comes or goes (rtnetlink(7)). One of IPv4 can
 * be bound to when its route is in the local table, of which the kernel tells later
 * (fib_inetaddr_event() in net/ipv4/fib_frontend.c). */
static int
watch_addresses (GError **error)
{
  const struct sockaddr_nl groups = { .nl_family = AF_NETLINK,
                                      .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE |
                                                   RTMGRP_IPV6_IFADDR };
  const int fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

  if (fd >= 0 && bind (fd, (const struct sockaddr *)&groups, sizeof groups) == 0)
    return fd;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
               "Cannot watch the addresses of this host: %s", g_strerror (errno));
  if (fd >= 0)
    close (fd);
  return -1;
}

/* What they say does not matter: who waits looks for himself. */
static void
drop_messages (int fd)
{
  gchar message[4096];

  while (recv (fd, message, sizeof message, 0) >= 0 || errno == EINTR || errno == ENOBUFS)
    continue;
}

static gboolean
wait_for (const gchar *text, int fd, gint64 end, GCancellable *cancellable, GError **error)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);
  GPollFD watched[2] = { { .fd = fd, .events = G_IO_IN } };
  const guint n = g_cancellable_make_pollfd (cancellable, &watched[1]) ? 2 : 1;
  gboolean there;

  while (TRUE)
    {
      const gint64 left = end - g_get_monotonic_time ();

      drop_messages (fd);
      g_clear_error (error);
      there = can_listen (address, error);
      if (!there && left <= 0)
        g_prefix_error (error, "This host has no address %s: ", text);
      if (there || left <= 0)
        break;
      g_poll (watched, n, (gint)(left / 1000) + 1);
      if (g_cancellable_is_cancelled (cancellable))
        {
          g_clear_error (error);
          g_cancellable_set_error_if_cancelled (cancellable, error);
          break;
        }
    }
  if (n == 2)
    g_cancellable_release_fd (cancellable);
  return there;
}

static gboolean
wait_for_all (gchar **texts, gint seconds, GCancellable *cancellable, GError **error)
{
  const gint64 end = g_get_monotonic_time () + (gint64)seconds * G_USEC_PER_SEC;
  const int fd = watch_addresses (error);

  if (fd < 0)
    return FALSE;

  while (*texts != NULL && wait_for (*texts, fd, end, cancellable, error))
    texts++;
  close (fd);
  return *texts == NULL;
}

static gboolean
wait_for_address (gchar **argv, GCancellable *cancellable, GError **error)
{
  gint seconds = DEFAULT_SECONDS;
  g_auto (CommonOptions) common = { NULL };
  const GOptionEntry entries[] = {
    { "timeout", 't', 0, G_OPTION_ARG_INT, &seconds, "How long to wait (60)", "SECONDS" },
    { NULL },
  };
  g_auto (GStrv) operands = command_parse (argv, entries, NULL, &common, 0, G_MAXUINT16, error);

  if (operands == NULL)
    return FALSE;
  if (operands[0] == NULL)
    {
      command_set_misused (error, "Which address?");
      return FALSE;
    }
  for (guint i = 0; operands[i] != NULL; i++)
    {
      g_autoptr (GInetAddress) address = g_inet_address_new_from_string (operands[i]);

      if (address != NULL)
        continue;
      command_set_misused (error, "%s is no address", operands[i]);
      return FALSE;
    }
  return wait_for_all (operands, seconds, cancellable, error);
}

gint
run_wait_for_address (gchar **argv, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;

  return wait_for_address (argv, cancellable, &error) ? COMMAND_DONE
                                                      : command_fail (argv[0], error);
}
