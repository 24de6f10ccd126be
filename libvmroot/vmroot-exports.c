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

gchar **
vmroot_exports_list_wide (const gchar *etab, const gchar *path)
{
  g_autoptr (GStrvBuilder) wide = g_strv_builder_new ();
  g_auto (GStrv) lines = g_strsplit (etab, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      const gsize length = strcspn (lines[i], " \t");
      g_autofree gchar *exported = unescape (lines[i], length);
      const gchar *clients = lines[i] + length + strspn (lines[i] + length, " \t");
      g_autofree gchar *client = g_strndup (clients, strcspn (clients, "("));

      if (*client != '\0' && g_str_equal (exported, path) && !g_hostname_is_ip_address (client))
        g_strv_builder_add (wide, client);
    }

  return g_strv_builder_end (wide);
}
