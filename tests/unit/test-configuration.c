/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "config.h"

#include <glib/gstdio.h>

#include "fake-tree.h"
#include "vmroot-configuration-private.h"
#include "vmroot-error.h"

static VmrootConfiguration *
load (const gchar *text, GError **error)
{
  g_autoptr (FakeTree) sysroot = fake_tree_new ();
  g_autoptr (VmrootContext) context = vmroot_context_new (sysroot);
  g_autofree gchar *directory = vmroot_context_path (context, "/etc/vmroot");
  g_autofree gchar *path = vmroot_context_path (context, "/etc/vmroot/vmroot.conf");

  g_assert_no_errno (g_mkdir_with_parents (directory, 0700));
  if (text != NULL)
    g_assert_true (g_file_set_contents (path, text, -1, NULL));

  return vmroot_configuration_load (context, error);
}

static void
test_without_a_file_the_defaults_hold (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootConfiguration) configuration = load (NULL, &error);
  const gchar *const expected[] = { "/export", "/srv/vmroot", NULL };

  g_assert_no_error (error);
  g_assert_cmpstrv (configuration->allowed_directories, expected);
  g_assert_null (configuration->virtiofsd);
  g_assert_true (configuration->trusted_xattrs);
}

static void
test_each_key_is_read (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootConfiguration) configuration =
      load ("# the roots\n[host]\nallowed-directories=/tank/guests;/mnt\n"
            "[virtiofs]\nvirtiofsd=/opt/virtiofsd\ntrusted-xattrs=false\n",
            &error);
  const gchar *const expected[] = { "/tank/guests", "/mnt", NULL };

  g_assert_no_error (error);
  g_assert_cmpstrv (configuration->allowed_directories, expected);
  g_assert_cmpstr (configuration->virtiofsd, ==, "/opt/virtiofsd");
  g_assert_false (configuration->trusted_xattrs);
}

/* The shipped file documents the defaults: each of its lines is a comment or a group. */
static void
test_the_shipped_file_is_the_defaults (void)
{
  g_autofree gchar *path = g_test_build_filename (G_TEST_DIST, "..", "data", "vmroot.conf", NULL);
  g_autofree gchar *text = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootConfiguration) configuration = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  configuration = load (text, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (configuration->allowed_directories), ==, 2);
}

static void
test_what_is_not_understood_is_an_error (void)
{
  static const struct
  {
    const gchar *text;
    const gchar *message;
  } cases[] = {
    { "[host]\nallowed-directorys=/export\n", "vmroot.conf: line 2: allowed-directorys in [host]" },
    { "[guest]\nname=a\n", "no group [guest]" },
    { "[host]\n\nallowed-directories=export\n",
      "line 3: allowed-directories in [host]: \"export\"" },
    { "[host]\nallowed-directories=/export;/\n", "every directory of this host" },
    { "[host]\nallowed-directories=/export/../\n", "every directory of this host" },
    { "[virtiofs]\ntrusted-xattrs=perhaps\n", "true or false" },
    { "[virtiofs]\nvirtiofsd=virtiofsd\n", "not an absolute path" },
    { "allowed-directories=/export\n", "vmroot.conf" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (VmrootConfiguration) configuration = load (cases[i].text, &error);

      g_test_message ("%s", cases[i].text);
      g_assert_null (configuration);
      g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_CONFIGURATION);
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, cases[i].message));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/configuration/defaults", test_without_a_file_the_defaults_hold);
  g_test_add_func ("/configuration/keys", test_each_key_is_read);
  g_test_add_func ("/configuration/shipped", test_the_shipped_file_is_the_defaults);
  g_test_add_func ("/configuration/errors", test_what_is_not_understood_is_an_error);
  return g_test_run ();
}
