/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "vmroot-error.h"
#include "vmroot-share-mount-private.h"
#include "vmroot-translation-private.h"

gchar *
vmroot_share_mount_path (const gchar *client, guint index)
{
  g_autofree gchar *name = g_strdelimit (g_strdup (client), ":", '-');

  return g_strdup_printf (VMROOT_SHARES_DIRECTORY "/%s/%u", name, index + 1);
}

static gboolean
fail_from_errno (const VmrootServedDirectory *directory, const gchar *what, GError **error)
{
  const int saved_errno = errno;

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
               _ ("Cannot bind the share %s to its place below %s: %s: %s"), directory->directory,
               VMROOT_SHARES_DIRECTORY, what, g_strerror (saved_errno));
  return FALSE;
}

static gboolean
has_id (const struct stat *status, const VmrootServedDirectory *directory)
{
  g_autofree gchar *id = vmroot_served_directory_format_id (status->st_dev, status->st_ino);

  return g_str_equal (id, directory->id);
}

static int
open_checked (const VmrootServedDirectory *directory, GError **error)
{
  const int fd = g_open (directory->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  struct stat status;

  if (fd == -1 || fstat (fd, &status) < 0)
    {
      fail_from_errno (directory, _ ("open"), error);
      return -1;
    }
  if (has_id (&status, directory))
    return fd;

  close (fd);
  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
               _ ("%s was replaced by another directory just now; start the guest again"),
               directory->path);
  return -1;
}

/* A mount of that directory alone, which is nowhere yet. */
static int
clone_mount (int fd, const VmrootServedDirectory *directory, GError **error)
{
  struct mount_attr attributes = { .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };
  const int tree = open_tree (fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

  if (!directory->writable)
    attributes.attr_set |= MOUNT_ATTR_RDONLY;
  if (tree != -1 && mount_setattr (tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) == 0)
    return tree;

  fail_from_errno (directory, _ ("clone its mount"), error);
  if (tree != -1)
    close (tree);
  return -1;
}

static gboolean
bind (const VmrootServedDirectory *directory, const gchar *target, GError **error)
{
  const int fd = open_checked (directory, error);
  int tree;
  gboolean moved;

  if (fd == -1)
    return FALSE;

  tree = clone_mount (fd, directory, error);
  close (fd);
  if (tree == -1)
    return FALSE;

  moved = move_mount (tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) == 0;
  if (!moved)
    fail_from_errno (directory, _ ("mount"), error);
  close (tree);
  return moved;
}

gboolean
vmroot_share_mount_is_taken (VmrootContext *context,
                             const VmrootServedDirectory *directory,
                             const gchar *path)
{
  g_autofree gchar *target = vmroot_context_path (context, path);
  struct stat status;

  return lstat (target, &status) == 0 && has_id (&status, directory);
}

gboolean
vmroot_share_mount_take (VmrootContext *context,
                         const VmrootServedDirectory *directory,
                         const gchar *path,
                         GError **error)
{
  g_autofree gchar *target = vmroot_context_path (context, path);

  if (vmroot_share_mount_is_taken (context, directory, path))
    return TRUE;

  return vmroot_share_mount_undo (context, path, error) &&
         vmroot_context_make_directory (context, path, 0700, error) &&
         bind (directory, target, error);
}

/* Detached: the server may hold files that the guest had open for a moment longer. */
gboolean
vmroot_share_mount_undo (VmrootContext *context, const gchar *path, GError **error)
{
  g_autofree gchar *target = vmroot_context_path (context, path);
  g_autofree gchar *above = g_path_get_dirname (target);
  int saved_errno;

  while (umount2 (target, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
    continue;
  saved_errno = errno;
  /* EINVAL: nothing is mounted there. EPERM: nor can we have, without the privilege. */
  if ((saved_errno == EINVAL || saved_errno == ENOENT || saved_errno == EPERM) &&
      (g_rmdir (target) == 0 || errno == ENOENT))
    {
      /* Where it was the last of the guest's. */
      g_rmdir (above);
      return TRUE;
    }

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, _ ("Cannot unmount the share at %s: %s"),
               target, g_strerror (saved_errno == EINVAL ? errno : saved_errno));
  return FALSE;
}

static void
list_below (const gchar *directory, const gchar *path, GStrvBuilder *places)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  const gchar *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree gchar *place = g_build_filename (path, name, NULL);

      g_strv_builder_add (places, place);
    }
}

gchar **
vmroot_share_mount_list (VmrootContext *context)
{
  g_autoptr (GStrvBuilder) clients = g_strv_builder_new ();
  g_autoptr (GStrvBuilder) places = g_strv_builder_new ();
  g_autofree gchar *directory = vmroot_context_path (context, VMROOT_SHARES_DIRECTORY);
  g_auto (GStrv) paths = NULL;

  list_below (directory, VMROOT_SHARES_DIRECTORY, clients);
  paths = g_strv_builder_end (clients);
  for (gsize i = 0; paths[i] != NULL; i++)
    {
      g_autofree gchar *below = vmroot_context_path (context, paths[i]);

      list_below (below, paths[i], places);
    }

  return g_strv_builder_end (places);
}
