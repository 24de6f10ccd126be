/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <gio/gio.h>

#include "vmroot-error.h"
#include "vmroot-exports-private.h"
#include "vmroot-translation-private.h"

/* Longer than any line: a path has at most PATH_MAX bytes, each written with four at most. */
#define READ_SIZE (64 * 1024)

/* Letters, digits, and what has a meaning neither to exports(5) nor to etab. */
static gboolean
is_plain (gchar c)
{
  return g_ascii_isalnum (c) || strchr ("/._+-", c) != NULL;
}

gchar *
vmroot_exports_escape (const gchar *path, GError **error)
{
  g_autoptr (GString) word = g_string_new (NULL);

  if (strpbrk (path, "\n\r") != NULL)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_DIRECTORY,
                   _ ("The path of %s has a line break in it, which the NFS server cannot export: "
                      "rename the directory"),
                   path);
      return NULL;
    }

  /* Three octal digits stand for any byte (nfs-utils, support/nfs/xio.c). */
  for (const gchar *p = path; *p != '\0'; p++)
    if (is_plain (*p))
      g_string_append_c (word, *p);
    else
      g_string_append_printf (word, "\\%03o", (guint)(guchar)*p);

  return g_string_free (g_steal_pointer (&word), FALSE);
}

gchar *
vmroot_exports_line (const gchar *path, const gchar *client, const gchar *options, GError **error)
{
  g_autofree gchar *word = vmroot_exports_escape (path, error);

  return word != NULL ? g_strdup_printf ("%s %s(%s)\n", word, client, options) : NULL;
}

static gboolean
is_octal (gchar c)
{
  return c >= '0' && c <= '7';
}

/* The byte that `*word` starts with, after which it is put. */
static gchar
next_byte (const gchar **word)
{
  const gchar *p = *word;

  if (p[0] == '\\' && is_octal (p[1]) && is_octal (p[2]) && is_octal (p[3]))
    {
      *word += 4;
      return (gchar)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
    }

  *word += 1;
  return *p;
}

static gboolean
word_is (const gchar *word, const gchar *end, const gchar *text)
{
  while (word < end && *text != '\0' && next_byte (&word) == *text)
    text++;

  return word == end && *text == '\0';
}

static gchar *
unescape (const gchar *word, const gchar *end)
{
  GString *text = g_string_new (NULL);

  while (word < end)
    g_string_append_c (text, next_byte (&word));
  return g_string_free (text, FALSE);
}

/* One line, "PATH CLIENT(OPTIONS)", in place. */
typedef struct
{
  const gchar *path, *path_end;
  const gchar *client, *client_end;
  const gchar *options, *options_end;
} Entry;

static gboolean
is_blank (gchar c)
{
  return c == ' ' || c == '\t';
}

/* The next entry from *text on, which is put behind its line. A line without an end, as of a table
 * that is being written, is none. */
static gboolean
next_entry (const gchar **text, Entry *entry)
{
  const gchar *end;

  for (; (end = strchr (*text, '\n')) != NULL; *text = end + 1)
    {
      const gchar *p = *text;

      for (entry->path = p; p < end && !is_blank (*p); p++)
        continue;
      for (entry->path_end = p; p < end && is_blank (*p); p++)
        continue;
      entry->client = p;
      entry->client_end = memchr (p, '(', (gsize)(end - p));
      if (*entry->path == '#' || entry->client_end == NULL || end[-1] != ')')
        continue;

      entry->options = entry->client_end + 1;
      entry->options_end = end - 1;
      *text = end + 1;
      return TRUE;
    }

  return FALSE;
}

static gboolean
is_client (const Entry *entry, const gchar *client)
{
  const gsize length = strlen (client);

  return (gsize)(entry->client_end - entry->client) == length &&
         memcmp (entry->client, client, length) == 0;
}

gchar *
vmroot_exports_find (const gchar *etab, const gchar *path, const gchar *client)
{
  Entry entry;

  while (next_entry (&etab, &entry))
    if (is_client (&entry, client) && word_is (entry.path, entry.path_end, path))
      return g_strndup (entry.options, (gsize)(entry.options_end - entry.options));

  return NULL;
}

/* The whole lines of `text` that have `word` in them. */
static void
append_lines_with (GString *lines, const gchar *word, const gchar *text, gsize size)
{
  const gchar *const end = text + size;
  const gchar *found;

  while ((found = memmem (text, (gsize)(end - text), word, strlen (word))) != NULL)
    {
      const gchar *before = memrchr (text, '\n', (gsize)(found - text));
      const gchar *line = before != NULL ? before + 1 : text;

      text = (const gchar *)memchr (found, '\n', (gsize)(end - found)) + 1;
      g_string_append_len (lines, line, text - line);
    }
}

gchar *
vmroot_exports_read (const gchar *file, const gchar *client)
{
  g_autofree gchar *word = g_strconcat (client, "(", NULL);
  g_autoptr (GString) lines = g_string_new (NULL);
  gchar buffer[READ_SIZE];
  gsize size = 0;
  gssize n;
  const int fd = open (file, O_RDONLY | O_CLOEXEC);

  if (fd < 0)
    return g_strdup ("");

  while ((n = read (fd, buffer + size, sizeof buffer - size)) > 0)
    {
      const gchar *last;
      gsize whole;

      size += (gsize)n;
      last = memrchr (buffer, '\n', size);
      whole = last != NULL ? (gsize)(last + 1 - buffer) : 0;
      append_lines_with (lines, word, buffer, whole);
      size -= whole;
      memmove (buffer, buffer + whole, size);
    }
  close (fd);
  return g_string_free (g_steal_pointer (&lines), FALSE);
}

static void
export_free (VmrootExport *export)
{
  g_free (export->path);
  g_free (export->client);
  g_strfreev (export->options);
  g_free (export);
}

static VmrootExport *
export_new (const Entry *entry)
{
  VmrootExport *export = g_new0 (VmrootExport, 1);
  g_autofree gchar *options =
      g_strndup (entry->options, (gsize)(entry->options_end - entry->options));

  export->path = unescape (entry->path, entry->path_end);
  export->client = g_strndup (entry->client, (gsize)(entry->client_end - entry->client));
  export->options = g_strsplit (options, ",", -1);
  return export;
}

GPtrArray *
vmroot_exports_list (const gchar *etab)
{
  GPtrArray *exports = g_ptr_array_new_with_free_func ((GDestroyNotify)export_free);
  Entry entry;

  while (next_entry (&etab, &entry))
    g_ptr_array_add (exports, export_new (&entry));

  return exports;
}

/* exports(5), “Machine Name Formats”: a network has a slash, a netgroup an at sign, the rest are
 * wildcards. */
gboolean
vmroot_export_is_wide (const VmrootExport *self)
{
  return strpbrk (self->client, "/@*?[") != NULL;
}
