/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <string.h>

#include <gio/gio.h>

#include "vmroot-error.h"
#include "vmroot-exports-private.h"

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
                   "The path of %s has a line break in it, which the NFS server cannot export: "
                   "rename the directory",
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

static gchar *
unescape (const gchar *word, gsize length)
{
  GString *text = g_string_new (NULL);

  for (gsize i = 0; i < length; i++)
    if (word[i] == '\\' && i + 3 < length && is_octal (word[i + 1]) && is_octal (word[i + 2]) &&
        is_octal (word[i + 3]))
      {
        g_string_append_c (text, (gchar)((word[i + 1] - '0') << 6 | (word[i + 2] - '0') << 3 |
                                         (word[i + 3] - '0')));
        i += 3;
      }
    else
      {
        g_string_append_c (text, word[i]);
      }

  return g_string_free (text, FALSE);
}

/* The options in "CLIENT(OPTIONS)", if it is that client. */
static gchar *
find_client (const gchar *clients, const gchar *client)
{
  const gchar *options = clients + strlen (client);
  gsize length;

  if (!g_str_has_prefix (clients, client) || *options != '(')
    return NULL;

  length = strlen (++options);
  return length > 0 && options[length - 1] == ')' ? g_strndup (options, length - 1) : NULL;
}

gchar *
vmroot_exports_find (const gchar *etab, const gchar *path, const gchar *client)
{
  g_auto (GStrv) lines = g_strsplit (etab, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      const gsize length = strcspn (lines[i], " \t");
      g_autofree gchar *exported = unescape (lines[i], length);
      const gchar *clients = lines[i] + length + strspn (lines[i] + length, " \t");
      gchar *options = g_str_equal (exported, path) ? find_client (clients, client) : NULL;

      if (options != NULL)
        return options;
    }

  return NULL;
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
parse_line (const gchar *line)
{
  const gsize length = strcspn (line, " \t");
  const gchar *client = line + length + strspn (line + length, " \t");
  const gsize client_length = strcspn (client, "(");
  const gchar *options = client + client_length;
  g_autofree gchar *inner = NULL;
  VmrootExport *export;

  if (client_length == 0 || *options != '(' || !g_str_has_suffix (options, ")"))
    return NULL;

  inner = g_strndup (options + 1, strlen (options) - 2);
  export = g_new0 (VmrootExport, 1);
  export->path = unescape (line, length);
  export->client = g_strndup (client, client_length);
  export->options = g_strsplit (inner, ",", -1);
  return export;
}

GPtrArray *
vmroot_exports_list (const gchar *etab)
{
  GPtrArray *exports = g_ptr_array_new_with_free_func ((GDestroyNotify)export_free);
  g_auto (GStrv) lines = g_strsplit (etab, "\n", -1);

  for (gchar **line = lines; *line != NULL; line++)
    {
      VmrootExport *export = parse_line (*line);

      if (export != NULL)
        g_ptr_array_add (exports, export);
    }

  return exports;
}

/* exports(5), “Machine Name Formats”: a network has a slash, a netgroup an at sign, the rest are
 * wildcards. */
gboolean
vmroot_export_is_wide (const VmrootExport *self)
{
  return strpbrk (self->client, "/@*?[") != NULL;
}
