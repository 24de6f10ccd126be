/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "vmroot-error.h"
#include "vmroot-served-directory-private.h"
#include "vmroot-translation-private.h"

/* Deeper than any path that PATH_MAX allows. */
#define MAX_DEPTH 4096

gchar *
vmroot_served_directory_format_id (dev_t device, ino_t inode)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT, (guint64)device,
                          (guint64)inode);
}

static gchar *
get_id (int fd)
{
  struct stat st;

  return fstat (fd, &st) == 0 ? vmroot_served_directory_format_id (st.st_dev, st.st_ino) : NULL;
}

/* By descriptor, not by path: a path can lead elsewhere by the time it is looked at again. */
static gchar **
list_above (int fd)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree gchar *id = get_id (fd);
  int above = openat (fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

  for (guint depth = 0; above != -1 && depth < MAX_DEPTH; depth++)
    {
      g_autofree gchar *above_id = get_id (above);
      int next;

      if (g_strcmp0 (id, above_id) == 0)
        break;

      g_strv_builder_add (builder, above_id);
      next = openat (above, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
      close (above);
      above = next;
      g_free (id);
      id = g_steal_pointer (&above_id);
    }
  if (above != -1)
    close (above);

  return g_strv_builder_end (builder);
}

static gboolean
is_mount (int fd)
{
  struct statx status;

  return statx (fd, "", AT_EMPTY_PATH, 0, &status) == 0 &&
         (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

static gchar *
get_path (int fd)
{
  g_autofree gchar *link = g_strdup_printf ("/proc/self/fd/%d", fd);

  return g_file_read_link (link, NULL);
}

static int
open_directory (VmrootContext *context, const gchar *directory)
{
  g_autofree gchar *path = vmroot_context_path (context, directory);

  return g_open (path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
}

static gboolean
is_allowed (VmrootServedDirectory *self, VmrootContext *context, VmrootConfiguration *configuration)
{
  for (gsize i = 0; configuration->allowed_directories[i] != NULL; i++)
    {
      const int fd = open_directory (context, configuration->allowed_directories[i]);
      g_autofree gchar *id = NULL;

      if (fd == -1)
        continue;

      id = get_id (fd);
      close (fd);
      if (id != NULL && g_strv_contains ((const gchar *const *)self->above, id))
        return TRUE;
    }

  return FALSE;
}

static void
set_not_allowed (VmrootServedDirectory *self,
                 VmrootContext *context,
                 VmrootConfiguration *configuration,
                 GError **error)
{
  g_autofree gchar *file = vmroot_context_path (context, VMROOT_CONFIGURATION_PATH);
  g_autofree gchar *allowed = g_strjoinv (", ", configuration->allowed_directories);

  if (g_str_has_suffix (self->path, self->directory))
    g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NOT_ALLOWED,
                 _ ("%s is not beneath a directory that guests of this host may have (%s): move "
                    "it, or add the directory it lies in to allowed-directories in %s"),
                 self->directory, allowed, file);
  else
    g_set_error (
        error, VMROOT_ERROR, VMROOT_ERROR_NOT_ALLOWED,
        _ ("%s leads to %s, which is not beneath a directory that guests of this host may have "
           "(%s): move it, or add the directory it lies in to allowed-directories in %s"),
        self->directory, self->path, allowed, file);
}

VmrootServedDirectory *
vmroot_served_directory_new (VmrootContext *context,
                             VmrootConfiguration *configuration,
                             const gchar *tag,
                             const gchar *directory,
                             GError **error)
{
  g_autoptr (VmrootServedDirectory) self = g_new0 (VmrootServedDirectory, 1);
  const int fd = open_directory (context, directory);

  if (fd == -1)
    {
      const int saved_errno = errno;

      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_DIRECTORY,
                   _ ("Cannot open the directory %s: %s"), directory, g_strerror (saved_errno));
      return NULL;
    }

  self->tag = g_strdup (tag);
  self->directory = g_strdup (directory);
  self->path = get_path (fd);
  self->id = get_id (fd);
  self->above = list_above (fd);
  self->is_mount = is_mount (fd);
  close (fd);

  if (self->path == NULL || self->id == NULL || !g_utf8_validate (self->path, -1, NULL))
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_DIRECTORY,
                   _ ("%s leads to a directory that has no name in UTF-8, or none at all"),
                   directory);
      return NULL;
    }
  if (!is_allowed (self, context, configuration))
    {
      set_not_allowed (self, context, configuration, error);
      return NULL;
    }

  return g_steal_pointer (&self);
}

void
vmroot_served_directory_free (VmrootServedDirectory *self)
{
  g_free (self->tag);
  g_free (self->directory);
  g_free (self->path);
  g_free (self->id);
  g_strfreev (self->above);
  g_free (self);
}

gboolean
vmroot_served_directory_equal (const VmrootServedDirectory *a, const VmrootServedDirectory *b)
{
  return g_str_equal (a->tag, b->tag) && g_str_equal (a->directory, b->directory) &&
         g_str_equal (a->path, b->path) && g_str_equal (a->id, b->id) && a->is_root == b->is_root &&
         a->writable == b->writable;
}

gboolean
vmroot_served_directory_is_beneath (const VmrootServedDirectory *self,
                                    const VmrootServedDirectory *other)
{
  return g_strv_contains ((const gchar *const *)self->above, other->id);
}

gboolean
vmroot_served_directory_conflicts (const VmrootServedDirectory *a, const VmrootServedDirectory *b)
{
  if (!a->writable && !b->writable)
    return FALSE;
  if (g_str_equal (a->id, b->id))
    return a->is_root || b->is_root;

  return vmroot_served_directory_is_beneath (a, b) || vmroot_served_directory_is_beneath (b, a);
}

void
vmroot_served_directory_save (const VmrootServedDirectory *self, GKeyFile *file, const gchar *group)
{
  g_key_file_set_string (file, group, "tag", self->tag);
  g_key_file_set_string (file, group, "directory", self->directory);
  g_key_file_set_string (file, group, "path", self->path);
  g_key_file_set_string (file, group, "id", self->id);
  g_key_file_set_string_list (file, group, "above", (const gchar *const *)self->above,
                              g_strv_length (self->above));
  g_key_file_set_boolean (file, group, "root", self->is_root);
  g_key_file_set_boolean (file, group, "writable", self->writable);
}

VmrootServedDirectory *
vmroot_served_directory_load (GKeyFile *file, const gchar *group, GError **error)
{
  g_autoptr (VmrootServedDirectory) self = g_new0 (VmrootServedDirectory, 1);

  if ((self->tag = g_key_file_get_string (file, group, "tag", error)) == NULL ||
      (self->directory = g_key_file_get_string (file, group, "directory", error)) == NULL ||
      (self->path = g_key_file_get_string (file, group, "path", error)) == NULL ||
      (self->id = g_key_file_get_string (file, group, "id", error)) == NULL ||
      (self->above = g_key_file_get_string_list (file, group, "above", NULL, error)) == NULL)
    return NULL;

  self->is_root = g_key_file_get_boolean (file, group, "root", NULL);
  self->writable = g_key_file_get_boolean (file, group, "writable", NULL);
  return g_steal_pointer (&self);
}
