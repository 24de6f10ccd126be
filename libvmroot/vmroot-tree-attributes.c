/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "vmroot-builder-private.h"
#include "vmroot-tree-attributes-private.h"
#include "vmroot-tree-private.h"

/* A desktop has 300,000 files, and few directories have its programs: most lie near the top, where
 * the walk begins. Both limits together are a second or two with a cold cache. */
#define MAX_ENTRIES 500000
#define MAX_MICROSECONDS (3 * G_USEC_PER_SEC)

/* Enough to see what it is about. */
#define MAX_PATHS 10

/* Of all names of attributes of one file. */
#define MAX_NAMES_SIZE 4096

typedef struct
{
  VmrootTree *tree;
  VmrootTreeAttributes *attributes;
  GQueue directories; /* paths relative to the root of the tree, "" first */
  guint n_entries;
  gint64 deadline;
} Walk;

void
vmroot_tree_attributes_free (VmrootTreeAttributes *self)
{
  g_ptr_array_unref (self->capabilities);
  g_ptr_array_unref (self->acls);
  g_free (self);
}

/* A name in a directory that is open: neither a link nor what waits to be opened. */
static int
open_name (int directory_fd, const gchar *name, int flags)
{
  struct open_how how = {
    .flags = (guint64)flags | O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
  };

  return (int)syscall (SYS_openat2, directory_fd, name, &how, sizeof how);
}

static void
add_path (GPtrArray *paths, guint *n, const gchar *path)
{
  g_autofree gchar *whole = g_strconcat ("/", path, NULL);

  if (++*n <= MAX_PATHS)
    g_ptr_array_add (paths, vmroot_builder_clean_text (whole));
}

static void
look_at (Walk *walk, int fd, const gchar *path)
{
  gchar names[MAX_NAMES_SIZE];
  const gssize size = flistxattr (fd, names, sizeof names);
  gboolean has_acl = FALSE;

  for (const gchar *name = names; size > 0 && name < names + size; name += strlen (name) + 1)
    if (g_str_equal (name, "security.capability"))
      add_path (walk->attributes->capabilities, &walk->attributes->n_capabilities, path);
    else if (g_str_has_prefix (name, "system.posix_acl_"))
      has_acl = TRUE;

  if (has_acl)
    add_path (walk->attributes->acls, &walk->attributes->n_acls, path);
}

static void
look_at_file (Walk *walk, int directory_fd, const gchar *name, const gchar *path)
{
  struct stat status;
  int fd;

  if (fstatat (directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
    return;
  if (S_ISDIR (status.st_mode))
    {
      g_queue_push_tail (&walk->directories, g_strdup (path));
      return;
    }
  if (!S_ISREG (status.st_mode) || (status.st_mode & 0111) == 0)
    return;

  fd = open_name (directory_fd, name, 0);
  if (fd < 0)
    return;
  look_at (walk, fd, path);
  close (fd);
}

static gboolean
is_exhausted (Walk *walk)
{
  return walk->n_entries >= MAX_ENTRIES || g_get_monotonic_time () > walk->deadline;
}

static void
read_directory (Walk *walk, DIR *directory, const gchar *path)
{
  struct dirent *entry;

  while (!is_exhausted (walk) && (entry = readdir (directory)) != NULL)
    {
      g_autofree gchar *child = g_build_filename (path, entry->d_name, NULL);

      walk->n_entries++;
      if (g_str_equal (entry->d_name, ".") || g_str_equal (entry->d_name, ".."))
        continue;
      if (entry->d_type == DT_DIR)
        g_queue_push_tail (&walk->directories, g_steal_pointer (&child));
      else if (entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN)
        look_at_file (walk, dirfd (directory), entry->d_name, child);
    }
}

static void
walk_directory (Walk *walk, const gchar *path)
{
  const int fd =
      open_name (vmroot_tree_get_fd (walk->tree), *path != '\0' ? path : ".", O_DIRECTORY);
  DIR *directory = fd >= 0 ? fdopendir (fd) : NULL;

  if (directory == NULL)
    {
      if (fd >= 0)
        close (fd);
      return;
    }

  look_at (walk, fd, path);
  read_directory (walk, directory, path);
  closedir (directory);
}

VmrootTreeAttributes *
vmroot_tree_attributes_new (VmrootTree *tree)
{
  VmrootTreeAttributes *self = g_new0 (VmrootTreeAttributes, 1);
  Walk walk = {
    .tree = tree,
    .attributes = self,
    .directories = G_QUEUE_INIT,
    .deadline = g_get_monotonic_time () + MAX_MICROSECONDS,
  };

  self->capabilities = g_ptr_array_new_with_free_func (g_free);
  self->acls = g_ptr_array_new_with_free_func (g_free);
  g_queue_push_tail (&walk.directories, g_strdup (""));
  while (!g_queue_is_empty (&walk.directories) && !is_exhausted (&walk))
    {
      g_autofree gchar *path = g_queue_pop_head (&walk.directories);

      walk_directory (&walk, path);
    }

  self->complete = !is_exhausted (&walk);
  g_queue_clear_full (&walk.directories, g_free);
  return self;
}
