/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "mounts.h"

#include "emergency.h"
#include "nfs.h"
#include "uevents.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define VIRTIO_ID_FS 26

static const struct
{
  const char *type;
  const char *target;
  unsigned long flags;
  const char *data;
  const char *option; /* of the kernel's configuration */
} system_mounts[] = {
  { "proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, "CONFIG_PROC_FS" },
  { "sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, "CONFIG_SYSFS" },
  { "devtmpfs", "/dev", MS_NOSUID, "mode=0755", "CONFIG_DEVTMPFS" },
  { "tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=0755", "CONFIG_TMPFS" },
};

void
mounts_system (void)
{
  for (size_t i = 0; i < sizeof system_mounts / sizeof *system_mounts; i++)
    {
      const char *type = system_mounts[i].type, *target = system_mounts[i].target;

      if (mkdir (target, 0755) < 0 && errno != EEXIST)
        emergency ("cannot create %s in the initramfs: %s", target, strerror (errno));
      if (mount (type, target, type, system_mounts[i].flags, system_mounts[i].data) < 0)
        emergency ("cannot mount %s on %s: %s: is the kernel built with %s?", type, target,
                   strerror (errno), system_mounts[i].option);
    }
}

static unsigned
count_virtiofs_devices (void)
{
  DIR *devices = opendir ("/sys/bus/virtio/devices");
  unsigned n = 0;

  for (struct dirent *entry; devices != NULL && (entry = readdir (devices)) != NULL;)
    {
      char path[512];
      FILE *file;
      unsigned id;

      snprintf (path, sizeof path, "/sys/bus/virtio/devices/%s/device", entry->d_name);
      file = fopen (path, "re");
      if (file == NULL)
        continue;
      n += fscanf (file, "%x", &id) == 1 && id == VIRTIO_ID_FS;
      fclose (file);
    }
  if (devices != NULL)
    closedir (devices);
  return n;
}

static _Noreturn void
cannot_mount (const struct init_mount *mount, int error, double waited)
{
  unsigned n;

  if (error == ENODEV)
    emergency (
        "cannot mount %s \"%s\" on %s: the kernel knows no file system %s, and the initramfs "
        "has no module for it",
        mount->type, mount->source, mount->target, mount->type);
  if (error != EINVAL || strcmp (mount->type, "virtiofs") != 0)
    emergency ("cannot mount %s \"%s\" on %s with %s: %s", mount->type, mount->source,
               mount->target, mount->options, strerror (error));
  n = count_virtiofs_devices ();
  if (n == 0)
    emergency ("cannot mount virtiofs \"%s\" on %s: the guest has no virtiofs device (waited %.0f "
               "s): has its domain a <filesystem> with <target dir='%s'/>?",
               mount->source, mount->target, waited, mount->source);
  emergency ("cannot mount virtiofs \"%s\" on %s with %s: none of the guest's %u virtiofs devices "
             "has this tag, or an option is unknown (waited %.0f s): has its domain a <filesystem> "
             "with <target dir='%s'/>?",
             mount->source, mount->target, mount->options, n, waited, mount->source);
}

/* virtiofs calls a tag that no device has (yet) an invalid argument: fs/fuse/virtio_fs.c. */
static bool
may_appear (const struct init_mount *mount, int error)
{
  return error == EINVAL && strcmp (mount->type, "virtiofs") == 0;
}

static void
mount_one (const struct init_mount *entry,
           const char *target,
           unsigned long flags,
           int uevents,
           double deadline)
{
  double start = uevents_now ();
  bool waiting = true;

  if (strcmp (entry->type, "nfs4") == 0)
    {
      nfs_mount (entry, target, flags, uevents, deadline);
      return;
    }
  while (mount (entry->source, target, entry->type, flags, entry->data) < 0)
    {
      int error = errno;

      if (!waiting || !may_appear (entry, error))
        cannot_mount (entry, error, uevents_now () - start);
      /* One more time after the last wait: an event may have come too late to be told. */
      waiting = uevents_wait (uevents, deadline);
    }
}

static void
make_directory (const char *path)
{
  if (mkdir (path, 0755) < 0 && errno != EEXIST)
    emergency ("cannot create %s in the initramfs: %s", path, strerror (errno));
}

/* The tree below, which nothing may change any more, and what is written in memory above it. */
static void
mount_overlay (void)
{
  make_directory ("/upper");
  if (mount ("tmpfs", "/upper", "tmpfs", 0, "mode=0755") < 0)
    emergency ("cannot mount a tmpfs for what is written to the ephemeral root: %s",
               strerror (errno));
  make_directory ("/upper/files");
  make_directory ("/upper/work");
  /* redirect_dir: without it, renaming a directory of the tree fails (EXDEV). */
  if (mount ("overlay", "/root", "overlay", 0,
             "lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work,redirect_dir=on") < 0)
    emergency ("cannot mount the overlay of the ephemeral root: %s%s", strerror (errno),
               errno == ENODEV ? ": the kernel has no overlay (CONFIG_OVERLAY_FS)" : "");
  /* The overlay holds on to its layers; the guest has no business with them. */
  umount2 ("/lower", MNT_DETACH);
  umount2 ("/upper", MNT_DETACH);
}

void
mounts_root (const struct configuration *configuration, int uevents, double deadline)
{
  const struct init_mount *mount = configuration->mounts;

  make_directory ("/root");
  if (!configuration->overlay)
    {
      mount_one (mount, "/root", mount->flags, uevents, deadline);
      return;
    }
  make_directory ("/lower");
  mount_one (mount, "/lower", mount->flags | MS_RDONLY, uevents, deadline);
  mount_overlay ();
}

/* mkdir -p. Links of the tree may lead anywhere: "/" is the tree's root by now. */
static void
make_mount_point (const struct init_mount *mount)
{
  char *path = strdup (mount->target);
  struct stat status;

  for (char *slash = path; slash != NULL; *slash = '/')
    {
      slash = strchr (slash + 1, '/');
      if (slash == NULL)
        break;
      *slash = '\0';
      mkdir (path, 0755);
    }
  if (mkdir (path, 0755) < 0 && errno != EEXIST)
    emergency ("cannot create the mount point %s of %s \"%s\": %s: create this directory in the "
               "guest's root on the host",
               mount->target, mount->type, mount->source, strerror (errno));
  if (stat (path, &status) < 0 || !S_ISDIR (status.st_mode))
    emergency ("the mount point %s of %s \"%s\" is no directory in the guest's root", mount->target,
               mount->type, mount->source);
  free (path);
}

void
mounts_rest (const struct configuration *configuration, int uevents, double deadline)
{
  for (size_t i = 1; i < configuration->n_mounts; i++)
    {
      const struct init_mount *mount = &configuration->mounts[i];

      make_mount_point (mount);
      mount_one (mount, mount->target, mount->flags, uevents, deadline);
    }
}
