/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "uevents.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* <linux/netlink.h>, which musl-gcc does not find. */
#define NETLINK_KOBJECT_UEVENT 15
struct netlink_address
{
  unsigned short family;
  unsigned short padding;
  unsigned port;
  unsigned groups;
};

int
uevents_open (void)
{
  struct netlink_address address = { .family = AF_NETLINK, .groups = 1 };
  int fd = socket (AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

  if (fd < 0)
    return -1;
  if (bind (fd, (struct sockaddr *)&address, sizeof address) == 0)
    return fd;
  close (fd);
  return -1;
}

double
uevents_now (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

bool
uevents_wait (int fd, double deadline)
{
  struct pollfd pollfd = { .fd = fd, .events = POLLIN };
  double left = deadline - uevents_now ();
  char event[8192];

  if (left <= 0 || poll (&pollfd, 1, (int)(left * 1000) + 1) <= 0)
    return false;
  /* ENOBUFS says that events were lost: then, too, something happened. */
  while (recv (fd, event, sizeof event, 0) >= 0 || errno == ENOBUFS)
    continue;
  return true;
}
