/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "network.h"

#include "emergency.h"
#include "uevents.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NETWORK_INTERFACES "/sys/class/net"

/* <linux/ipv6.h>, which musl-gcc does not find. */
struct interface_address6
{
  struct in6_addr address;
  unsigned prefix;
  int index;
};

static bool
has_mac (const char *name, const char *mac)
{
  char path[512], text[64] = "";
  FILE *file;
  bool has;

  snprintf (path, sizeof path, NETWORK_INTERFACES "/%s/address", name);
  file = fopen (path, "re");
  has = file != NULL && fscanf (file, "%63s", text) == 1 && strcasecmp (text, mac) == 0;
  if (file != NULL)
    fclose (file);
  return has;
}

bool
network_find_interface (const char *mac, char name[IFNAMSIZ])
{
  DIR *interfaces = opendir (NETWORK_INTERFACES);
  bool found = false;

  for (struct dirent *entry; !found && interfaces != NULL && (entry = readdir (interfaces));)
    if (strlen (entry->d_name) < IFNAMSIZ && has_mac (entry->d_name, mac))
      {
        strcpy (name, entry->d_name);
        found = true;
      }
  if (interfaces != NULL)
    closedir (interfaces);
  return found;
}

static void
wait_for_interface (const char *mac, char name[IFNAMSIZ], int uevents, double deadline)
{
  double start = uevents_now ();
  bool waiting = true;

  while (!network_find_interface (mac, name))
    {
      if (!waiting)
        emergency ("no network interface has the MAC address %s (waited %.0f s): has the domain an "
                   "<interface> with <mac address='%s'/>, and its kernel a driver for the model?",
                   mac, uevents_now () - start, mac);
      /* One more time after the last wait: an event may have come too late to be told. */
      waiting = uevents_wait (uevents, deadline);
    }
}

static _Noreturn void
cannot_configure (const struct init_interface *interface, const char *name, int error)
{
  emergency ("cannot give %s (%s) the address %s: %s%s", name, interface->mac, interface->text,
             strerror (error),
             error == EAFNOSUPPORT && interface->family == AF_INET6
                 ? ": the kernel has no IPv6 (CONFIG_IPV6)"
                 : "");
}

/* Of two IPv4 addresses the second would replace the first: configuration.c allows only one. */
static bool
add_address4 (int fd, const struct init_interface *interface, struct ifreq *request)
{
  struct sockaddr_in *address = (struct sockaddr_in *)(void *)&request->ifr_addr;

  *address = (struct sockaddr_in){ .sin_family = AF_INET };
  memcpy (&address->sin_addr, interface->address, sizeof address->sin_addr);
  if (ioctl (fd, SIOCSIFADDR, request) < 0)
    return false;
  address->sin_addr.s_addr =
      interface->prefix == 0 ? 0 : htonl (0xffffffffU << (32 - interface->prefix));
  return ioctl (fd, SIOCSIFNETMASK, request) == 0;
}

static bool
add_gateway4 (int fd, const struct init_interface *interface, char *name)
{
  struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY, .rt_dev = name };
  struct sockaddr_in *gateway = (struct sockaddr_in *)(void *)&route.rt_gateway;

  route.rt_dst.sa_family = route.rt_genmask.sa_family = gateway->sin_family = AF_INET;
  memcpy (&gateway->sin_addr, interface->gateway, sizeof gateway->sin_addr);
  return ioctl (fd, SIOCADDRT, &route) == 0 || errno == EEXIST;
}

/* Kernels without these files have no IPv6. */
static void
set_ipv6_option (const char *name, const char *option, const char *value)
{
  char path[128];
  FILE *file;

  snprintf (path, sizeof path, "/proc/sys/net/ipv6/conf/%s/%s", name, option);
  file = fopen (path, "we");
  if (file == NULL)
    return;
  fputs (value, file);
  fclose (file);
}

/* The address is this guest's alone; asking the network first would keep it from being used for a
 * second (RFC 4862, 5.4). What routers advertise would give the guest another one, with which it
 * would go to the server, which knows it by the first. */
static void
keep_to_one_address (const char *name)
{
  set_ipv6_option (name, "accept_dad", "0\n");
  set_ipv6_option (name, "accept_ra", "0\n");
}

static bool
add_address6 (int fd, const struct init_interface *interface, int index)
{
  struct interface_address6 request = { .prefix = interface->prefix, .index = index };

  memcpy (&request.address, interface->address, sizeof request.address);
  return ioctl (fd, SIOCSIFADDR, &request) == 0 || errno == EEXIST;
}

static bool
add_gateway6 (int fd, const struct init_interface *interface, int index)
{
  struct in6_rtmsg route = { .rtmsg_flags = RTF_UP | RTF_GATEWAY,
                             .rtmsg_metric = 1024,
                             .rtmsg_ifindex = index };

  memcpy (&route.rtmsg_gateway, interface->gateway, sizeof route.rtmsg_gateway);
  return ioctl (fd, SIOCADDRT, &route) == 0 || errno == EEXIST;
}

static bool
bring_up (int fd, struct ifreq *request)
{
  if (ioctl (fd, SIOCGIFFLAGS, request) < 0)
    return false;
  request->ifr_flags |= IFF_UP;
  return ioctl (fd, SIOCSIFFLAGS, request) == 0;
}

static bool
configure (int fd, const struct init_interface *interface, char name[IFNAMSIZ])
{
  struct ifreq request = { 0 };
  int index = (int)if_nametoindex (name);

  strcpy (request.ifr_name, name);
  if (interface->family == AF_INET)
    return add_address4 (fd, interface, &request) && bring_up (fd, &request) &&
           (!interface->has_gateway || add_gateway4 (fd, interface, name));
  keep_to_one_address (name);
  return bring_up (fd, &request) && add_address6 (fd, interface, index) &&
         (!interface->has_gateway || add_gateway6 (fd, interface, index));
}

void
network_configure (const struct configuration *configuration, int uevents, double deadline)
{
  for (size_t i = 0; i < configuration->n_interfaces; i++)
    {
      const struct init_interface *interface = &configuration->interfaces[i];
      char name[IFNAMSIZ];
      int fd;

      wait_for_interface (interface->mac, name, uevents, deadline);
      fd = socket (interface->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      if (fd < 0 || !configure (fd, interface, name))
        cannot_configure (interface, name, errno);
      close (fd);
    }
}
