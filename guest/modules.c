/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "modules.h"

#include "command-line.h"
#include "emergency.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

/* "virtio_fs" from "kernel/fs/fuse/virtio_fs.ko". */
static void
module_name (const char *path, char *name, size_t size)
{
  const char *slash = strrchr (path, '/');

  snprintf (name, size, "%s", slash == NULL ? path : slash + 1);
  name[strcspn (name, ".")] = '\0';
}

static _Noreturn void
cannot_load (const char *path, int error)
{
  struct utsname system;

  uname (&system);
  if (error == ENOEXEC)
    emergency ("cannot load the module %s: it was not built for the running kernel %s: build the "
               "boot image anew",
               path, system.release);
  if (error == ENOENT)
    emergency ("cannot load the module %s: it is not in the initramfs, or needs a module that was "
               "not loaded before it: build the boot image anew",
               path);
  emergency ("cannot load the module %s: %s", path, strerror (error));
}

static void
load (const char *path, const char *command_line)
{
  char full[512], name[128], *parameters;
  int fd;

  snprintf (full, sizeof full, "/modules/%s", path);
  module_name (path, name, sizeof name);
  fd = open (full, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    cannot_load (path, errno);
  parameters = command_line_get_module_parameters (command_line, name);
  /* EEXIST: loaded already, or built into this kernel. */
  if (syscall (SYS_finit_module, fd, parameters, 0) < 0 && errno != EEXIST)
    cannot_load (path, errno);
  free (parameters);
  close (fd);
}

void
modules_load (const struct configuration *configuration, const char *command_line)
{
  for (size_t i = 0; i < configuration->n_modules; i++)
    load (configuration->modules[i], command_line);
}
