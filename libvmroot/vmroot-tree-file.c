/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "vmroot-error.h"
#include "vmroot-translation-private.h"
#include "vmroot-tree-private.h"

/* A full /boot or /usr/lib/modules has some tens of entries. */
#define MAX_DIRECTORY_ENTRIES 4096

/* RESOLVE_IN_ROOT gives EAGAIN when something was renamed while ".." was followed (openat2(2)). */
#define MAX_RESOLVE_ATTEMPTS 16

/*
 * The one way into the tree. Mounts below the root are crossed: the host's administrator made them
 * (a separate /boot), a guest cannot.
 */
static int
open_beneath (VmrootTree *self, const gchar *path, int flags)
{
  struct open_how how = {
    .flags = (guint64)flags | O_CLOEXEC,
    .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
  };
  int fd = -1;

  for (guint i = 0; i < MAX_RESOLVE_ATTEMPTS; i++)
    {
      fd = (int)syscall (SYS_openat2, vmroot_tree_get_fd (self), path, &how, sizeof how);
      if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
        break;
    }
  return fd;
}

static void
set_error_from_errno (GError **error, VmrootTree *self, const gchar *path, int saved_errno)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved_errno),
               _ ("Cannot read %s in %s: %s"), path, vmroot_tree_get_path (self),
               g_strerror (saved_errno));
}

static void
set_error_unsafe (GError **error, VmrootTree *self, const gchar *path, const gchar *what)
{
  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_UNSAFE_TREE,
               _ ("%s in %s %s: refusing to read it. Look at how it got there, then remove it"),
               path, vmroot_tree_get_path (self), what);
}

static gint64
nanoseconds (struct timespec time)
{
  return (gint64)time.tv_sec * G_GINT64_CONSTANT (1000000000) + time.tv_nsec;
}

static GVariant *
input_new (const gchar *path, const struct stat *status)
{
  GVariant *input;

  if (status == NULL)
    input = g_variant_new (VMROOT_TREE_INPUT_TYPE, path, FALSE, (guint64)0, (guint64)0, (guint64)0,
                           (gint64)0, (gint64)0);
  else
    input = g_variant_new (VMROOT_TREE_INPUT_TYPE, path, TRUE, (guint64)status->st_dev,
                           (guint64)status->st_ino, (guint64)status->st_size,
                           nanoseconds (status->st_mtim), nanoseconds (status->st_ctim));
  return g_variant_ref_sink (input);
}

void
vmroot_tree_record_inputs (VmrootTree *self)
{
  self->inputs =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_variant_unref);
}

/* The first look counts: a file that changes later then no longer matches. */
static void
remember_input (VmrootTree *self, const gchar *path, const struct stat *status)
{
  if (self->inputs != NULL && !g_hash_table_contains (self->inputs, path))
    g_hash_table_insert (self->inputs, g_strdup (path), input_new (path, status));
}

GVariant *
vmroot_tree_get_inputs (VmrootTree *self)
{
  g_autoptr (GList) paths =
      g_list_sort (g_hash_table_get_keys (self->inputs), (GCompareFunc)strcmp);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE (VMROOT_TREE_INPUTS_TYPE));
  for (GList *l = paths; l != NULL; l = l->next)
    g_variant_builder_add_value (&builder, g_hash_table_lookup (self->inputs, l->data));
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

gboolean
vmroot_tree_stat (VmrootTree *self, const gchar *path, struct stat *status, GError **error)
{
  int fd = open_beneath (self, path, O_PATH);
  int saved_errno = errno;

  if (fd < 0)
    {
      remember_input (self, path, NULL);
      set_error_from_errno (error, self, path, saved_errno);
      return FALSE;
    }

  if (fstat (fd, status) < 0)
    {
      set_error_from_errno (error, self, path, errno);
      close (fd);
      return FALSE;
    }

  remember_input (self, path, status);
  close (fd);
  return TRUE;
}

gboolean
vmroot_tree_is_directory (VmrootTree *self, const gchar *path)
{
  struct stat status;

  return vmroot_tree_stat (self, path, &status, NULL) && S_ISDIR (status.st_mode);
}

gboolean
vmroot_tree_is_file (VmrootTree *self, const gchar *path)
{
  struct stat status;

  return vmroot_tree_stat (self, path, &status, NULL) && S_ISREG (status.st_mode);
}

/* A host's /proc or /sys mounted below the root (a chroot in use) has regular files too. */
static gboolean
is_on_disk (int fd)
{
  struct statfs file_system;

  if (fstatfs (fd, &file_system) < 0)
    return FALSE;
  return file_system.f_type != PROC_SUPER_MAGIC && file_system.f_type != SYSFS_MAGIC;
}

static gboolean
check_file (VmrootTree *self,
            const gchar *path,
            const struct stat *status,
            guint64 max_size,
            GError **error)
{
  if (S_ISDIR (status->st_mode))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY, _ ("%s in %s is a directory"), path,
                   vmroot_tree_get_path (self));
      return FALSE;
    }
  if (!S_ISREG (status->st_mode))
    {
      set_error_unsafe (error, self, path, _ ("is neither a file nor a directory"));
      return FALSE;
    }
  if ((guint64)status->st_size > max_size)
    {
      g_autofree gchar *what =
          g_strdup_printf (_ ("has %llu bytes, over the limit of %llu"),
                           (unsigned long long)status->st_size, (unsigned long long)max_size);

      set_error_unsafe (error, self, path, what);
      return FALSE;
    }
  return TRUE;
}

int
vmroot_tree_open_file (VmrootTree *self, const gchar *path, guint64 max_size, GError **error)
{
  struct stat status;
  int fd;

  /* Looked at before it is opened: opening a device can do something. */
  if (!vmroot_tree_stat (self, path, &status, error) ||
      !check_file (self, path, &status, max_size, error))
    return -1;

  fd = open_beneath (self, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (fd < 0 || fstat (fd, &status) < 0)
    {
      set_error_from_errno (error, self, path, errno);
      if (fd >= 0)
        close (fd);
      return -1;
    }

  if (!check_file (self, path, &status, max_size, error))
    {
      close (fd);
      return -1;
    }
  if (!is_on_disk (fd))
    {
      set_error_unsafe (error, self, path, _ ("is the host's own /proc or /sys"));
      close (fd);
      return -1;
    }
  return fd;
}

static GByteArray *
read_all (int fd, gsize max_size)
{
  g_autoptr (GByteArray) content = g_byte_array_new ();
  guint8 buffer[16384];

  while (content->len <= max_size)
    {
      gssize n = read (fd, buffer, sizeof buffer);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return NULL;
      if (n == 0)
        return g_steal_pointer (&content);
      g_byte_array_append (content, buffer, (guint)n);
    }

  errno = EFBIG;
  return NULL;
}

GBytes *
vmroot_tree_read_file (VmrootTree *self, const gchar *path, gsize max_size, GError **error)
{
  int fd = vmroot_tree_open_file (self, path, max_size, error);
  GByteArray *content;

  if (fd < 0)
    return NULL;

  content = read_all (fd, max_size);
  if (content == NULL)
    set_error_from_errno (error, self, path, errno);
  close (fd);
  return content != NULL ? g_byte_array_free_to_bytes (content) : NULL;
}

gchar *
vmroot_tree_read_text (VmrootTree *self, const gchar *path, gsize max_size, GError **error)
{
  g_autoptr (GBytes) bytes = vmroot_tree_read_file (self, path, max_size, error);
  const gchar *data;
  gsize size;

  if (bytes == NULL)
    return NULL;

  data = g_bytes_get_data (bytes, &size);
  if (size > 0 && !g_utf8_validate_len (data, size, NULL))
    {
      set_error_unsafe (error, self, path, _ ("is not text"));
      return NULL;
    }
  return g_strndup (data != NULL ? data : "", size);
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar *const *)a, *(const gchar *const *)b);
}

static GPtrArray *
read_names (DIR *directory)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  struct dirent *entry;

  while ((errno = 0, entry = readdir (directory)) != NULL)
    {
      if (names->len >= MAX_DIRECTORY_ENTRIES)
        {
          errno = EOVERFLOW;
          return NULL;
        }
      if (!g_str_equal (entry->d_name, ".") && !g_str_equal (entry->d_name, "..") &&
          g_utf8_validate (entry->d_name, -1, NULL))
        g_ptr_array_add (names, g_strdup (entry->d_name));
    }
  if (errno != 0)
    return NULL;

  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return g_steal_pointer (&names);
}

GStrv
vmroot_tree_list_directory (VmrootTree *self, const gchar *path, GError **error)
{
  g_autoptr (GPtrArray) names = NULL;
  struct stat status;
  DIR *directory;
  int fd;

  if (!vmroot_tree_stat (self, path, &status, error))
    return NULL;

  fd = open_beneath (self, path, O_RDONLY | O_DIRECTORY);
  directory = fd >= 0 ? fdopendir (fd) : NULL;
  if (directory == NULL)
    {
      set_error_from_errno (error, self, path, errno);
      if (fd >= 0)
        close (fd);
      return NULL;
    }

  names = read_names (directory);
  if (names == NULL && errno == EOVERFLOW)
    set_error_unsafe (error, self, path,
                      _ ("has more entries than a directory of its kind can have"));
  else if (names == NULL)
    set_error_from_errno (error, self, path, errno);
  closedir (directory);

  return names != NULL ? (GStrv)g_ptr_array_free (g_steal_pointer (&names), FALSE) : NULL;
}

static gboolean
matches_input (VmrootTree *self, GVariant *input)
{
  g_autoptr (GVariant) now = NULL;
  const gchar *path;
  struct stat status;
  int fd;

  g_variant_get_child (input, 0, "&s", &path);
  fd = open_beneath (self, path, O_PATH);
  if (fd >= 0 && fstat (fd, &status) < 0)
    {
      close (fd);
      return FALSE;
    }

  now = input_new (path, fd >= 0 ? &status : NULL);
  if (fd >= 0)
    close (fd);
  return g_variant_equal (now, input);
}

gboolean
vmroot_tree_matches_inputs (VmrootTree *self, GVariant *inputs)
{
  for (gsize i = 0; i < g_variant_n_children (inputs); i++)
    {
      g_autoptr (GVariant) input = g_variant_get_child_value (inputs, i);

      if (!matches_input (self, input))
        return FALSE;
    }
  return TRUE;
}
