/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * What vmroot-init is to do: the contents of /vmroot-init.conf in its initramfs.
 *
 * libvmroot writes that file (vmroot-boot-image.c) from the spec of the guest. One directive a
 * line, fields separated by one space, with \040 \011 \012 \134 as in /proc/mounts:
 *
 *     version 1
 *     module kernel/fs/fuse/fuse.ko       in load order, below /modules
 *     timeout 30                          seconds to wait for a device or a server
 *     on-failure power-off                or: shell
 *     mount virtiofs vmroot / rw,relatime the root comes first: TYPE SOURCE TARGET OPTIONS
 *     overlay                             the root below, a tmpfs for what is written above
 *     mount tmpfs tmpfs /tmp size=1g
 *     or 10.0.0.1:/srv/packages           the NFS mount above, if its server has no such path
 *     interface 52:54:00:12:34:56 192.168.122.5/24 192.168.122.1
 *                                         MAC ADDRESS/PREFIX GATEWAY, or - for none
 *     run-file systemd/network/a 0644 1   path below /run, mode, N of /run-files/N
 *     interface-file 52:54:00:12:34:56 network/ifstate.@interface@ 0644 2
 *                                         the same, and @interface@ in path and content is the name
 *                                         of the interface with this MAC
 *
 * A mistake anywhere is an error: a guest that starts with half of what was asked for is worse than
 * one that says what is wrong.
 */

#define CONFIGURATION_MAX_TIMEOUT 3600

struct init_mount
{
  const char *type;
  const char *source;
  const char *other_source; /* where the server has no `source`; may be NULL */
  const char *target;
  const char *options; /* as written, for messages */
  unsigned long flags; /* of mount(2) */
  char *data;          /* of mount(2): the options that are not flags; NULL when there are none */
};

struct init_interface
{
  const char *mac;
  const char *text; /* the address as written, for messages */
  int family;
  unsigned char address[16];
  unsigned prefix;
  unsigned char gateway[16];
  bool has_gateway;
};

struct init_run_file
{
  const char *path; /* below /run */
  unsigned mode;
  unsigned number; /* of /run-files/ */
  const char *mac; /* of the interface that it is about; NULL for none */
};

struct configuration
{
  char *text; /* every string above points into it, but for `data` */
  const char **modules;
  size_t n_modules;
  struct init_mount *mounts; /* the first is the root */
  size_t n_mounts;
  struct init_interface *interfaces;
  size_t n_interfaces;
  struct init_run_file *run_files;
  size_t n_run_files;
  unsigned timeout;
  bool overlay;
  bool shell_on_failure;
};

/* Takes over `text`, `length` bytes with a NUL after them. FALSE: `message` says what is wrong,
 * with the line's number; there is nothing to clear. */
bool configuration_parse (
    struct configuration *self, char *text, size_t length, char *message, size_t message_size);

void configuration_clear (struct configuration *self);
