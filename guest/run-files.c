/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "run-files.h"

#include "emergency.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static int
open_source (const struct init_run_file *file)
{
  char path[64];
  int fd;

  snprintf (path, sizeof path, "/run-files/%u", file->number);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    emergency ("cannot open %s of the initramfs for /run/%s: %s: build the boot image anew", path,
               file->path, strerror (errno));
  return fd;
}

static int
open_target (const struct init_run_file *file)
{
  char path[PATH_MAX];
  int fd;

  snprintf (path, sizeof path, "/run/%s", file->path);
  for (char *slash = strchr (path + 5, '/'); slash != NULL; slash = strchr (slash + 1, '/'))
    {
      *slash = '\0';
      mkdir (path, 0755);
      *slash = '/';
    }
  fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  /* fchmod: no umask takes part. */
  if (fd < 0 || fchmod (fd, file->mode) < 0)
    emergency ("cannot create %s: %s", path, strerror (errno));
  return fd;
}

static void
copy (const struct init_run_file *file)
{
  int source = open_source (file), target = open_target (file);
  ssize_t n;

  while ((n = sendfile (target, source, NULL, 1 << 20)) > 0)
    continue;
  if (n < 0)
    emergency ("cannot write /run/%s: %s", file->path, strerror (errno));
  close (source);
  close (target);
}

void
run_files_copy (const struct configuration *configuration)
{
  for (size_t i = 0; i < configuration->n_run_files; i++)
    copy (&configuration->run_files[i]);
}
