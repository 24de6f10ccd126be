/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib/gstdio.h>

#include "vmroot-error.h"
#include "vmroot-exports-private.h"

static void
test_line (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *line =
      vmroot_exports_line ("/export/guest", "192.168.122.5", "rw,async", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (line, ==, "/export/guest 192.168.122.5(rw,async)\n");
}

static void
test_escape (void)
{
  const struct
  {
    const gchar *path;
    const gchar *word;
  } cases[] = {
    { "/export/a-b_c.d+1", "/export/a-b_c.d+1" },
    { "/export/a b\tc", "/export/a\\040b\\011c" },
    { "/export/\"a\" 'b'", "/export/\\042a\\042\\040\\047b\\047" },
    { "/export/a\\b", "/export/a\\134b" },
    { "/export/#a", "/export/\\043a" },
    { "/export/a(rw)", "/export/a\\050rw\\051" },
    { "/export/\xc3\xa9", "/export/\\303\\251" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree gchar *word = vmroot_exports_escape (cases[i].path, &error);

      g_assert_no_error (error);
      g_assert_cmpstr (word, ==, cases[i].word);
    }
}

static void
test_line_break (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (vmroot_exports_line ("/export/a\n/etc", "192.168.122.5", "rw", &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_DIRECTORY);
}

/* etab as exportfs of nfs-utils 2.6.2 writes it. */
static void
test_find (void)
{
  const gchar *etab = "/export/a\\040b\t192.168.122.5(rw,async,fsid=1)\n"
                      "/export/a\t192.168.122.50(ro,sync)\n"
                      "/export/a\t192.168.122.5(rw,async)\n"
                      "/export/\\303\\251\t192.168.122.6(rw)\n";
  const struct
  {
    const gchar *path;
    const gchar *client;
    const gchar *options;
  } cases[] = {
    { "/export/a b", "192.168.122.5", "rw,async,fsid=1" },
    { "/export/a", "192.168.122.5", "rw,async" },
    { "/export/a", "192.168.122.50", "ro,sync" },
    { "/export/a", "192.168.122.6", NULL },
    { "/export", "192.168.122.5", NULL },
    { "/export/\xc3\xa9", "192.168.122.6", "rw" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *options = vmroot_exports_find (etab, cases[i].path, cases[i].client);

      g_assert_cmpstr (options, ==, cases[i].options);
    }
}

/* A table that is being written, or none. */
static void
test_find_in_pieces (void)
{
  const gchar *etab = "/export/a\\040b\t192.168.122.5(rw)\n";

  for (gsize length = 0; length < strlen (etab) - 1; length++)
    {
      g_autofree gchar *piece = g_strndup (etab, length);

      g_assert_null (vmroot_exports_find (piece, "/export/a b", "192.168.122.5"));
    }
}

/* More than is read at once. */
static void
test_read (void)
{
  g_autofree gchar *directory = g_dir_make_tmp ("vmroot-exports-XXXXXX", NULL);
  g_autofree gchar *file = g_build_filename (directory, "etab", NULL);
  g_autoptr (GString) etab = g_string_new ("/export/first\t192.168.122.5(rw)\n");
  g_autoptr (GString) expected = g_string_new (etab->str);
  g_autofree gchar *lines = NULL;
  g_autofree gchar *none = NULL;
  g_autofree gchar *no_table = NULL;

  for (guint i = 0; i < 10000; i++)
    {
      g_string_append_printf (etab, "/export/%u\t192.168.122.50(rw)\n", i);
      g_string_append_printf (etab, "/export/%u\t192.168.122.5(rw)\n", i);
      g_string_append_printf (expected, "/export/%u\t192.168.122.5(rw)\n", i);
    }
  g_string_append (etab, "/export/in-part\t192.168.122.5(r");
  g_file_set_contents (file, etab->str, -1, NULL);

  lines = vmroot_exports_read (file, "192.168.122.5");
  none = vmroot_exports_read (file, "192.168.122.6");
  g_assert_true (g_str_equal (lines, expected->str));
  g_assert_cmpstr (none, ==, "");

  g_remove (file);
  g_rmdir (directory);
  no_table = vmroot_exports_read (file, "192.168.122.5");
  g_assert_cmpstr (no_table, ==, "");
}

static void
test_list (void)
{
  const gchar *etab =
      "/export/a\\040b\t192.168.122.5(rw,crossmnt)\n/export/a\t192.168.122.0/24(rw)\n"
      "/export/a\t192.168.122.6(r";
  g_autoptr (GPtrArray) exports = vmroot_exports_list (etab);
  const VmrootExport *first;

  g_assert_cmpuint (exports->len, ==, 2);
  first = g_ptr_array_index (exports, 0);
  g_assert_cmpstr (first->path, ==, "/export/a b");
  g_assert_cmpstr (first->client, ==, "192.168.122.5");
  g_assert_cmpstr (first->options[1], ==, "crossmnt");
}

static void
test_wide (void)
{
  static const struct
  {
    const gchar *client;
    gboolean wide;
  } cases[] = {
    { "192.168.122.5", FALSE },   { "fd00::1", FALSE },  { "web.example.org", FALSE },
    { "192.168.122.0/24", TRUE }, { "fd00::/64", TRUE }, { "*", TRUE },
    { "*.example.org", TRUE },    { "web[12]", TRUE },   { "@trusted", TRUE },
    { "gss/krb5", TRUE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *etab = g_strdup_printf ("/export/a\t%s(rw)\n", cases[i].client);
      g_autoptr (GPtrArray) exports = vmroot_exports_list (etab);

      g_assert_cmpuint (exports->len, ==, 1);
      g_assert_cmpint (vmroot_export_is_wide (g_ptr_array_index (exports, 0)), ==, cases[i].wide);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/exports/line", test_line);
  g_test_add_func ("/exports/escape", test_escape);
  g_test_add_func ("/exports/line-break", test_line_break);
  g_test_add_func ("/exports/find", test_find);
  g_test_add_func ("/exports/find-in-pieces", test_find_in_pieces);
  g_test_add_func ("/exports/read", test_read);
  g_test_add_func ("/exports/list", test_list);
  g_test_add_func ("/exports/wide", test_wide);
  return g_test_run ();
}
