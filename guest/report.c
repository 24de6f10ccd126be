/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "report.h"

#include "console.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VIRTIO_DEVICES "/sys/bus/virtio/devices"
#define NETWORK_INTERFACES "/sys/class/net"

/* Virtio 1.2, chapter 5, "Device Types". */
static const struct
{
  unsigned id;
  const char *name;
} virtio_types[] = {
  { 1, "network" },
  { 2, "block" },
  { 3, "console" },
  { 4, "entropy" },
  { 5, "balloon" },
  { 8, "SCSI" },
  { 9, "9P" },
  { 16, "GPU" },
  { 18, "input" },
  { 19, "vsock" },
  { 20, "crypto" },
  { 24, "memory" },
  { 26, "file system (virtiofs)" },
};

/* The start of a file of /proc or /sys; the empty string when it cannot be read. */
static void
read_start (const char *path, char *text, size_t size)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  size_t length = 0;
  ssize_t n;

  while (fd >= 0 && length < size - 1 && (n = read (fd, text + length, size - 1 - length)) > 0)
    length += n;
  text[length] = '\0';
  if (fd >= 0)
    close (fd);
}

/* Says the last (or only the first) word of each line of a file, in one line. */
static void
report_words (const char *title, const char *path, bool last)
{
  char text[16384], words[3072] = "", *rest;
  size_t used = 0;

  read_start (path, text, sizeof text);
  for (char *line = strtok_r (text, "\n", &rest); line != NULL; line = strtok_r (NULL, "\n", &rest))
    {
      const char *tab = strrchr (line, '\t');
      const char *word = last && tab != NULL ? tab + 1 : line;
      int length = (int)strcspn (word, " ");

      if (used + length + 2 > sizeof words)
        break;
      used += sprintf (words + used, " %.*s", length, word);
    }
  console_say ("  %s:%s", title, used > 0 ? words : " none");
}

static const char *
virtio_name (unsigned id)
{
  for (size_t i = 0; i < sizeof virtio_types / sizeof *virtio_types; i++)
    if (virtio_types[i].id == id)
      return virtio_types[i].name;
  return "unknown";
}

static void
report_virtio_device (const char *name)
{
  char path[512], text[32], driver[256];
  unsigned id;
  ssize_t length;

  snprintf (path, sizeof path, VIRTIO_DEVICES "/%s/device", name);
  read_start (path, text, sizeof text);
  id = (unsigned)strtoul (text, NULL, 16);
  snprintf (path, sizeof path, VIRTIO_DEVICES "/%s/driver", name);
  length = readlink (path, driver, sizeof driver - 1);
  driver[length < 0 ? 0 : length] = '\0';
  console_say ("  virtio device %s: type %u, %s; %s%s", name, id, virtio_name (id),
               length < 0 ? "no driver" : "driver ",
               length < 0                      ? ""
               : strrchr (driver, '/') == NULL ? driver
                                               : strrchr (driver, '/') + 1);
}

static void
report_interface (const char *name)
{
  char path[512], state[32], mac[64];

  snprintf (path, sizeof path, NETWORK_INTERFACES "/%s/operstate", name);
  read_start (path, state, sizeof state);
  snprintf (path, sizeof path, NETWORK_INTERFACES "/%s/address", name);
  read_start (path, mac, sizeof mac);
  console_say ("  network interface %s: %.*s, %.*s", name, (int)strcspn (mac, "\n"), mac,
               (int)strcspn (state, "\n"), state);
}

/* Calls `report` for each entry of a directory; says so when there is none. */
static void
report_each (const char *directory, const char *what, void (*report_entry) (const char *name))
{
  DIR *entries = opendir (directory);
  unsigned n = 0;

  for (struct dirent *entry; entries != NULL && (entry = readdir (entries)) != NULL;)
    if (entry->d_name[0] != '.')
      {
        report_entry (entry->d_name);
        n++;
      }
  if (entries != NULL)
    closedir (entries);
  if (n == 0)
    console_say ("  %s: none", what);
}

static void
report_addresses (void)
{
  struct ifaddrs *addresses = NULL;
  char text[INET6_ADDRSTRLEN];

  if (getifaddrs (&addresses) < 0)
    return;
  for (struct ifaddrs *at = addresses; at != NULL; at = at->ifa_next)
    {
      const void *address;

      if (at->ifa_addr == NULL)
        continue;
      if (at->ifa_addr->sa_family == AF_INET)
        address = &((struct sockaddr_in *)(void *)at->ifa_addr)->sin_addr;
      else if (at->ifa_addr->sa_family == AF_INET6)
        address = &((struct sockaddr_in6 *)(void *)at->ifa_addr)->sin6_addr;
      else
        continue;
      console_say ("  address of %s: %s", at->ifa_name,
                   inet_ntop (at->ifa_addr->sa_family, address, text, sizeof text));
    }
  freeifaddrs (addresses);
}

void
report (void)
{
  char text[3072];

  console_say ("vmroot-init: what this guest has:");
  read_start ("/proc/cmdline", text, sizeof text);
  console_say ("  kernel command line: %.*s", (int)strcspn (text, "\n"), text);
  report_each (VIRTIO_DEVICES, "virtio devices", report_virtio_device);
  report_words ("file systems", "/proc/filesystems", true);
  report_each (NETWORK_INTERFACES, "network interfaces", report_interface);
  report_addresses ();
  report_words ("modules", "/proc/modules", false);
}
