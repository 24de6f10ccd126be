/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <sys/stat.h>

#include "vmroot-error.h"
#include "vmroot-initramfs-private.h"
#include "vmroot-translation-private.h"

typedef struct
{
  /* File type and permissions. */
  guint mode;
  guint device_major;
  guint device_minor;
  GBytes *content;
} Entry;

struct _VmrootInitramfs
{
  /* Path to Entry, sorted: a directory comes before what is in it. */
  GTree *entries;
};

typedef struct archive Archive;
typedef struct archive_entry ArchiveEntry;

static void
archive_writer_free (Archive *archive)
{
  archive_write_free (archive);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Archive, archive_writer_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArchiveEntry, archive_entry_free)

static gint
compare_paths (gconstpointer a, gconstpointer b, gpointer user_data)
{
  return strcmp (a, b);
}

static void
entry_free (Entry *entry)
{
  g_clear_pointer (&entry->content, g_bytes_unref);
  g_free (entry);
}

VmrootInitramfs *
vmroot_initramfs_new (void)
{
  VmrootInitramfs *self = g_new0 (VmrootInitramfs, 1);

  self->entries = g_tree_new_full (compare_paths, NULL, g_free, (GDestroyNotify)entry_free);
  return self;
}

void
vmroot_initramfs_free (VmrootInitramfs *self)
{
  g_tree_unref (self->entries);
  g_free (self);
}

static void
add_entry (VmrootInitramfs *self, const gchar *path, const Entry *entry)
{
  g_autofree gchar *parent = g_path_get_dirname (path);

  if (!g_str_equal (parent, ".") && g_tree_lookup (self->entries, parent) == NULL)
    vmroot_initramfs_add_directory (self, parent);
  g_tree_insert (self->entries, g_strdup (path), g_memdup2 (entry, sizeof *entry));
}

void
vmroot_initramfs_add_directory (VmrootInitramfs *self, const gchar *path)
{
  add_entry (self, path, &(Entry){ .mode = S_IFDIR | 0755 });
}

void
vmroot_initramfs_add_file (VmrootInitramfs *self, const gchar *path, guint mode, GBytes *content)
{
  add_entry (self, path, &(Entry){ .mode = S_IFREG | mode, .content = g_bytes_ref (content) });
}

void
vmroot_initramfs_add_character_device (
    VmrootInitramfs *self, const gchar *path, guint mode, guint device_major, guint device_minor)
{
  add_entry (self, path,
             &(Entry){ .mode = S_IFCHR | mode,
                       .device_major = device_major,
                       .device_minor = device_minor });
}

/* Where an archive is being written to. */
typedef struct
{
  Archive *archive;
  guint inode;
  gboolean failed;
} Output;

/* Nothing of this host or of this moment: no times, no owners, inodes in order. */
static gboolean
write_entry (gpointer key, gpointer value, gpointer user_data)
{
  const Entry *entry = value;
  Output *output = user_data;
  g_autoptr (ArchiveEntry) header = archive_entry_new ();
  gsize size = 0;
  gconstpointer data = entry->content != NULL ? g_bytes_get_data (entry->content, &size) : NULL;

  archive_entry_set_pathname (header, key);
  archive_entry_set_mode (header, entry->mode);
  archive_entry_set_ino64 (header, ++output->inode);
  archive_entry_set_nlink (header, S_ISDIR (entry->mode) ? 2 : 1);
  archive_entry_set_size (header, (gint64)size);
  archive_entry_set_mtime (header, 0, 0);
  archive_entry_set_rdevmajor (header, entry->device_major);
  archive_entry_set_rdevminor (header, entry->device_minor);

  output->failed = archive_write_header (output->archive, header) != ARCHIVE_OK ||
                   (size > 0 && archive_write_data (output->archive, data, size) != (gssize)size);
  return output->failed;
}

gboolean
vmroot_initramfs_write (VmrootInitramfs *self, int fd, GError **error)
{
  g_autoptr (Archive) archive = archive_write_new ();
  Output output = { .archive = archive };

  archive_write_set_format_cpio_newc (archive);
  archive_write_set_bytes_per_block (archive, 64 * 1024);
  archive_write_set_bytes_in_last_block (archive, 1);

  if (archive_write_open_fd (archive, fd) == ARCHIVE_OK)
    g_tree_foreach (self->entries, write_entry, &output);
  if (archive_errno (archive) != 0 || output.failed || archive_write_close (archive) != ARCHIVE_OK)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, _ ("Cannot write the initramfs: %s"),
                   archive_error_string (archive) != NULL ? archive_error_string (archive)
                                                          : _ ("no reason given"));
      return FALSE;
    }
  return TRUE;
}
