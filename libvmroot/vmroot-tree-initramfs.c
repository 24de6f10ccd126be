/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which program made an initramfs, told by files that only it puts in. */

#include "config.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <unistd.h>

#include "vmroot-tree-private.h"

#define MAX_INITRAMFS_SIZE (G_GUINT64_CONSTANT (1) << 30)
#define MAX_UNPACKED_SIZE (G_GINT64_CONSTANT (2) << 30)
#define MAX_ENTRIES 100000

/* cpio(5), "New ASCII Format": eight hexadecimal digits a field after the magic. */
#define CPIO_HEADER_SIZE 110
#define CPIO_FILE_SIZE_OFFSET 54
#define CPIO_NAME_SIZE_OFFSET 94
#define CPIO_ALIGNMENT 4

typedef struct archive Archive;

static void
archive_reader_free (Archive *archive)
{
  archive_read_free (archive);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Archive, archive_reader_free)

/* Whether `part` is one or more whole components of `path`. */
static gboolean
has_part (const gchar *path, const gchar *part)
{
  const gchar *found = strstr (path, part);
  gchar after = found != NULL ? found[strlen (part)] : 'x';

  return found != NULL && (after == '\0' || after == '/') && (found == path || found[-1] == '/');
}

/* A file by which one tells what an initramfs is. */
typedef struct
{
  const gchar *part;
  const gchar *means;
} Mark;

static const Mark generator_marks[] = {
  { "lib/dracut", "dracut" },
  { "scripts/init-top", "initramfs-tools" },
  { "conf/initramfs.conf", "initramfs-tools" },
  { "init_functions", "mkinitcpio" },
  { "sbin/nlplug-findfs", "mkinitfs" },
  { "etc/initrd.defaults", "genkernel" },
  { "etc/booster.init.yaml", "booster" },
  { NULL },
};

static const gchar *
recognise_name (const gchar *name, const Mark *marks)
{
  for (const Mark *mark = marks; mark->part != NULL; mark++)
    if (has_part (name, mark->part))
      return mark->means;
  return NULL;
}

static gboolean
parse_hex (const gchar *digits, guint64 *value)
{
  g_autofree gchar *text = g_strndup (digits, 8);

  return g_ascii_string_to_unsigned (text, 16, 0, G_MAXUINT32, value, NULL);
}

static gint64
align (gint64 offset)
{
  return (offset + CPIO_ALIGNMENT - 1) / CPIO_ALIGNMENT * CPIO_ALIGNMENT;
}

/*
 * Where the archive at `offset`, or what follows it, is compressed: an initramfs may begin with an
 * uncompressed archive of processor microcode (Documentation/driver-api/early-userspace/
 * buffer-format.rst). `means` is set when an uncompressed name already tells. -1: nowhere.
 */
static gint64
skip_uncompressed (int fd, const Mark *marks, const gchar **means)
{
  gint64 offset = 0;

  for (guint i = 0; i < MAX_ENTRIES; i++)
    {
      gchar header[CPIO_HEADER_SIZE + 256] = { 0 };
      guint64 file_size, name_size;

      if (pread (fd, header, sizeof header - 1, offset) < CPIO_ALIGNMENT)
        return -1;
      if (memcmp (header, "\0\0\0\0", CPIO_ALIGNMENT) == 0)
        {
          offset += CPIO_ALIGNMENT;
          continue;
        }
      if (memcmp (header, "070701", 6) != 0 && memcmp (header, "070702", 6) != 0)
        return offset;
      if (!parse_hex (header + CPIO_FILE_SIZE_OFFSET, &file_size) ||
          !parse_hex (header + CPIO_NAME_SIZE_OFFSET, &name_size))
        return -1;

      *means = recognise_name (header + CPIO_HEADER_SIZE, marks);
      if (*means != NULL)
        return -1;
      offset = align (align (offset + CPIO_HEADER_SIZE + (gint64)name_size) + (gint64)file_size);
    }
  return -1;
}

static const gchar *
recognise_compressed (int fd, const Mark *marks)
{
  g_autoptr (Archive) reader = archive_read_new ();
  struct archive_entry *entry;

  archive_read_support_format_cpio (reader);
  archive_read_support_filter_bzip2 (reader);
  archive_read_support_filter_gzip (reader);
  archive_read_support_filter_lz4 (reader);
  archive_read_support_filter_lzma (reader);
  archive_read_support_filter_xz (reader);
  archive_read_support_filter_zstd (reader);
  if (archive_read_open_fd (reader, fd, 64 * 1024) != ARCHIVE_OK)
    return NULL;

  for (guint i = 0; i < MAX_ENTRIES && archive_read_next_header (reader, &entry) == ARCHIVE_OK &&
                    archive_filter_bytes (reader, 0) < MAX_UNPACKED_SIZE;
       i++)
    {
      const gchar *name = archive_entry_pathname (entry);
      const gchar *means = name != NULL ? recognise_name (name, marks) : NULL;

      if (means != NULL)
        return means;
    }
  return NULL;
}

/* What the first file means that one of `marks` is for, or NULL. */
static const gchar *
search (VmrootTree *self, const gchar *path, const Mark *marks)
{
  int fd = vmroot_tree_open_file (self, path, MAX_INITRAMFS_SIZE, NULL);
  const gchar *means = NULL;
  gint64 offset;

  if (fd < 0)
    return NULL;

  offset = skip_uncompressed (fd, marks, &means);
  if (offset >= 0 && lseek (fd, offset, SEEK_SET) == offset)
    means = recognise_compressed (fd, marks);
  close (fd);
  return means;
}

gchar *
vmroot_tree_recognise_initramfs (VmrootTree *self, const gchar *path)
{
  return g_strdup (search (self, path, generator_marks));
}

gboolean
vmroot_tree_initramfs_has (VmrootTree *self, const gchar *path, const gchar *const *names)
{
  g_autoptr (GArray) marks = g_array_new (TRUE, FALSE, sizeof (Mark));

  for (; *names != NULL; names++)
    {
      const Mark mark = { *names, "is there" };

      g_array_append_val (marks, mark);
    }
  return search (self, path, (const Mark *)(gpointer)marks->data) != NULL;
}

gchar *
vmroot_tree_find_generator (VmrootTree *self)
{
  static const struct
  {
    const gchar *program;
    const gchar *generator;
  } programs[] = {
    { "/usr/sbin/update-initramfs", "initramfs-tools" },
    { "/usr/bin/dracut", "dracut" },
    { "/usr/bin/mkinitcpio", "mkinitcpio" },
    { "/sbin/mkinitfs", "mkinitfs" },
    { "/usr/sbin/mkinitfs", "mkinitfs" },
  };
  g_autoptr (VmrootKernel) kernel = vmroot_tree_find_kernel (self, NULL, NULL);
  const gchar *initramfs = kernel != NULL ? vmroot_kernel_get_initramfs (kernel) : NULL;
  g_autofree gchar *generator = NULL;

  if (initramfs == NULL)
    return NULL;

  generator = vmroot_tree_recognise_initramfs (self, initramfs);
  for (guint i = 0; generator == NULL && i < G_N_ELEMENTS (programs); i++)
    if (vmroot_tree_is_file (self, programs[i].program))
      generator = g_strdup (programs[i].generator);
  return g_steal_pointer (&generator);
}
