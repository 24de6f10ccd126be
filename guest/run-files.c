/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "run-files.h"

#include "emergency.h"
#include "network.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define INTERFACE "@interface@"

/* In newly allocated memory: `text` with the interface's name wherever it stands for one. */
static char *
expand (const char *text, const char *interface)
{
  size_t n = 0;
  char *expanded, *end;

  for (const char *at = text; (at = strstr (at, INTERFACE)) != NULL; at += strlen (INTERFACE))
    n++;
  expanded = end = malloc (strlen (text) + n * IFNAMSIZ + 1);
  if (expanded == NULL)
    emergency ("cannot name the files of the interface %s: %s", interface, strerror (errno));
  for (const char *at; (at = strstr (text, INTERFACE)) != NULL; text = at + strlen (INTERFACE))
    {
      end = mempcpy (end, text, (size_t)(at - text));
      end = stpcpy (end, interface);
    }
  strcpy (end, text);
  return expanded;
}

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
open_target (const char *name, unsigned mode)
{
  char path[PATH_MAX];
  int fd;

  snprintf (path, sizeof path, "/run/%s", name);
  for (char *slash = strchr (path + 5, '/'); slash != NULL; slash = strchr (slash + 1, '/'))
    {
      *slash = '\0';
      mkdir (path, 0755);
      *slash = '/';
    }
  fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  /* fchmod: no umask takes part. */
  if (fd < 0 || fchmod (fd, mode) < 0)
    emergency ("cannot create %s: %s", path, strerror (errno));
  return fd;
}

static void
copy (const struct init_run_file *file)
{
  int source = open_source (file), target = open_target (file->path, file->mode);
  ssize_t n;

  while ((n = sendfile (target, source, NULL, 1 << 20)) > 0)
    continue;
  if (n < 0)
    emergency ("cannot write /run/%s: %s", file->path, strerror (errno));
  close (source);
  close (target);
}

static void
read_text (int fd, char *text, size_t size)
{
  ssize_t n;

  while (size > 1 && (n = read (fd, text, size - 1)) > 0)
    {
      text += n;
      size -= (size_t)n;
    }
  *text = '\0';
}

static void
copy_for_interface (const struct init_run_file *file)
{
  char interface[IFNAMSIZ], text[4096];
  char *path, *content;
  int source = open_source (file), target;

  if (!network_find_interface (file->mac, interface))
    emergency ("the network interface with the MAC address %s is gone", file->mac);
  read_text (source, text, sizeof text);
  path = expand (file->path, interface);
  content = expand (text, interface);
  target = open_target (path, file->mode);
  if (write (target, content, strlen (content)) != (ssize_t)strlen (content))
    emergency ("cannot write /run/%s: %s", path, strerror (errno));
  close (source);
  close (target);
  free (path);
  free (content);
}

void
run_files_copy (const struct configuration *configuration)
{
  for (size_t i = 0; i < configuration->n_run_files; i++)
    if (configuration->run_files[i].mac == NULL)
      copy (&configuration->run_files[i]);
    else
      copy_for_interface (&configuration->run_files[i]);
}
