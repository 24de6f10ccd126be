/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "config.h"

#include "fake-exportfs.h"
#include "vmroot-exports-private.h"

static void
write_file (VmrootContext *context, const gchar *path, const gchar *text)
{
  g_autofree gchar *directory = g_path_get_dirname (path);

  g_assert_true (vmroot_context_make_directory (context, directory, 0755, NULL));
  g_assert_true (vmroot_context_write_file (context, path, text, NULL));
}

/* `what` is CLIENT:PATH, `options` NULL to take it away. */
static void
change_etab (VmrootContext *context, const gchar *what, const gchar *options)
{
  g_auto (GStrv) parts = g_strsplit (what, ":", 2);
  g_autofree gchar *word = vmroot_exports_escape (parts[1], NULL);
  g_autofree gchar *entry = g_strdup_printf ("%s\t%s(", word, parts[0]);
  g_autofree gchar *path = vmroot_context_path (context, FAKE_ETAB);
  g_autofree gchar *old = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (GString) etab = g_string_new (NULL);

  g_assert_true (g_file_get_contents (path, &old, NULL, NULL));
  lines = g_strsplit (old, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (*lines[i] != '\0' && !g_str_has_prefix (lines[i], entry))
      g_string_append_printf (etab, "%s\n", lines[i]);
  if (options != NULL)
    g_string_append_printf (etab, "%s%s)\n", entry, options);
  write_file (context, FAKE_ETAB, etab->str);
}

void
fake_exportfs (VmrootContext *context, const gchar *const *argv)
{
  g_assert_cmpstr (argv[0], ==, "exportfs");
  if (g_str_equal (argv[1], "-u"))
    change_etab (context, argv[2], NULL);
  else
    change_etab (context, argv[4], argv[3]);
}

static gboolean
run (const gchar *const *argv, gchar **output, gpointer context, GError **error)
{
  fake_exportfs (context, argv);
  *output = g_strdup ("");
  return TRUE;
}

void
fake_exportfs_install (VmrootContext *context)
{
  vmroot_context_set_run_func (context, run, context);
  write_file (context, "/proc/fs/nfsd/threads", "8\n");
  write_file (context, "/proc/fs/nfsd/versions", "+3 +4 +4.1 +4.2\n");
  write_file (context, FAKE_ETAB, FAKE_ETAB_OF_OTHERS);
}
