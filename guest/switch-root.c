/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "switch-root.h"

#include "emergency.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* <linux/magic.h>, which musl-gcc does not find. */
#define RAMFS_MAGIC 0x858458f6
#define TMPFS_MAGIC 0x01021994

static const char *const taken_along[] = { "dev", "proc", "sys", "run" };

static bool
is_directory (const char *path)
{
  struct stat status;

  return stat (path, &status) == 0 && S_ISDIR (status.st_mode);
}

/* In the new root: a tree made by a package manager lacks what it never had to mount. */
static void
make_mount_points (void)
{
  for (size_t i = 0; i < sizeof taken_along / sizeof *taken_along; i++)
    {
      char path[16];
      int error = 0;

      snprintf (path, sizeof path, "/%s", taken_along[i]);
      if (mkdir (path, 0755) < 0)
        error = errno;
      if (is_directory (path))
        continue;
      /* Back to where /proc and /sys are, for the report. */
      if (chroot (".") < 0)
        error = errno;
      emergency ("the guest's root has no directory %s, and it cannot be created: %s: create it on "
                 "the host",
                 path, strerror (error));
    }
}

int
switch_root_enter (void)
{
  int initramfs = open ("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (initramfs < 0 || fchdir (initramfs) < 0)
    emergency ("cannot open the initramfs: %s", strerror (errno));
  if (chroot ("/root") < 0)
    emergency ("cannot enter the guest's root: %s", strerror (errno));

  /* From here on an absolute path is one of the new root, links and all, while a relative one still
   * begins in the initramfs. */
  make_mount_points ();
  for (size_t i = 0; i < sizeof taken_along / sizeof *taken_along; i++)
    {
      char path[16];

      snprintf (path, sizeof path, "/%s", taken_along[i]);
      if (mount (taken_along[i], path, NULL, MS_MOVE, NULL) < 0)
        emergency ("cannot move %s to the guest's root: %s", path, strerror (errno));
    }
  if (mount ("root", ".", NULL, MS_MOVE, NULL) < 0 || chdir ("/") < 0)
    emergency ("cannot make the guest's root that of all: %s", strerror (errno));
  emergency_set_root ("/");
  return initramfs;
}

static void
empty (int directory, dev_t device)
{
  DIR *entries = fdopendir (directory);

  if (entries == NULL)
    {
      close (directory);
      return;
    }
  for (struct dirent *entry; (entry = readdir (entries)) != NULL;)
    {
      struct stat status;
      int fd = dirfd (entries), below;

      if (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0 ||
          fstatat (fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 || status.st_dev != device)
        continue;
      if (!S_ISDIR (status.st_mode))
        {
          unlinkat (fd, entry->d_name, 0);
          continue;
        }
      below = openat (fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      if (below >= 0)
        empty (below, device);
      unlinkat (fd, entry->d_name, AT_REMOVEDIR);
    }
  closedir (entries);
}

void
switch_root_empty (int initramfs)
{
  struct stat status, root;
  struct statfs file_system;

  /* What is deleted here is deleted for good: only ever files in memory that are not the root. */
  if (fstat (initramfs, &status) < 0 || stat ("/", &root) < 0 || status.st_dev == root.st_dev ||
      fstatfs (initramfs, &file_system) < 0 ||
      (file_system.f_type != RAMFS_MAGIC && file_system.f_type != TMPFS_MAGIC))
    {
      close (initramfs);
      return;
    }
  empty (initramfs, status.st_dev);
}
