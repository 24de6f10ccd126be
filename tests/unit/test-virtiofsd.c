/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "config.h"

#include <sys/stat.h>

#include <glib/gstdio.h>

#include "fake-tree.h"
#include "vmroot-error.h"
#include "vmroot-virtiofsd-private.h"

#define HELP_OF_C                                                                                  \
  "usage: virtiofsd [options]\n  -o xattr|no_xattr\n  -o source=PATH  shared directory tree\n"     \
  "  -o killpriv_v2/no_killpriv_v2\n"
#define HELP_OF_OLD_C "usage: virtiofsd [options]\n  -o source=PATH  shared directory tree\n"
#define HELP_OF_RUST                                                                               \
  "Usage: virtiofsd --shared-dir <SHARED_DIR>\n  --inode-file-handles=<WHEN>\n  --killpriv-v2\n"
#define HELP_OF_OLD_RUST "Usage: virtiofsd --shared-dir <SHARED_DIR>\n"

typedef struct
{
  FakeTree *sysroot;
  VmrootContext *context;
  const gchar *help;
} Fixture;

static gboolean
answer_help (const gchar *const *argv, gchar **standard_output, gpointer user_data, GError **error)
{
  Fixture *fixture = user_data;

  g_assert_cmpstr (argv[1], ==, "--help");
  *standard_output = g_strdup (fixture->help);
  return TRUE;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->sysroot = fake_tree_new ();
  fixture->context = vmroot_context_new (fixture->sysroot);
  fixture->help = HELP_OF_C;
  vmroot_context_set_run_func (fixture->context, answer_help, fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  vmroot_context_unref (fixture->context);
  fake_tree_free (fixture->sysroot);
}

static void
add_file (Fixture *fixture, const gchar *path, const gchar *content, gint mode)
{
  g_autofree gchar *directory = g_path_get_dirname (path);
  g_autofree gchar *full_path = vmroot_context_path (fixture->context, path);

  g_assert_true (vmroot_context_make_directory (fixture->context, directory, 0755, NULL));
  g_assert_true (g_file_set_contents_full (full_path, content, -1, 0, mode, NULL));
}

static void
add_program (Fixture *fixture, const gchar *path)
{
  add_file (fixture, path, "#!/bin/false\n", 0755);
}

static void
add_json (Fixture *fixture, const gchar *path, const gchar *type, const gchar *binary)
{
  g_autofree gchar *json = g_strdup_printf (
      "{ \"description\": \"x\", \"type\": \"%s\", \"binary\": \"%s\" }", type, binary);

  add_file (fixture, path, json, 0644);
}

static void
assert_found (Fixture *fixture, const gchar *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootConfiguration) configuration =
      vmroot_configuration_load (fixture->context, NULL);
  g_autofree gchar *path = vmroot_virtiofsd_find_path (fixture->context, configuration, &error);
  g_autofree gchar *expected_path = NULL;

  if (expected == NULL)
    {
      g_assert_null (path);
      g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_VIRTIOFSD);
      return;
    }
  expected_path = vmroot_context_path (fixture->context, expected);
  g_assert_no_error (error);
  g_assert_cmpstr (path, ==, expected_path);
}

static void
test_descriptions_decide_before_known_places (Fixture *fixture, gconstpointer data)
{
  assert_found (fixture, NULL);

  add_program (fixture, "/usr/lib/qemu/virtiofsd");
  assert_found (fixture, "/usr/lib/qemu/virtiofsd");
  add_program (fixture, "/usr/libexec/virtiofsd");
  assert_found (fixture, "/usr/libexec/virtiofsd");

  add_program (fixture, "/opt/c");
  add_json (fixture, "/usr/share/qemu/vhost-user/50-c.json", "fs", "/opt/c");
  assert_found (fixture, "/opt/c");
}

static void
test_descriptions_are_read_in_the_order_of_their_names (Fixture *fixture, gconstpointer data)
{
  add_program (fixture, "/opt/share");
  add_program (fixture, "/opt/etc");
  add_program (fixture, "/opt/gpu");
  add_json (fixture, "/usr/share/qemu/vhost-user/50-x.json", "fs", "/opt/share");
  add_json (fixture, "/usr/share/qemu/vhost-user/10-gpu.json", "gpu", "/opt/gpu");
  add_json (fixture, "/usr/share/qemu/vhost-user/20-gone.json", "fs", "/opt/gone");
  assert_found (fixture, "/opt/share");

  add_json (fixture, "/etc/qemu/vhost-user/60-x.json", "fs", "/opt/etc");
  assert_found (fixture, "/opt/share");
  add_json (fixture, "/etc/qemu/vhost-user/40-x.json", "fs", "/opt/etc");
  assert_found (fixture, "/opt/etc");
}

static void
test_an_empty_description_masks (Fixture *fixture, gconstpointer data)
{
  add_program (fixture, "/opt/a");
  add_program (fixture, "/opt/b");
  add_json (fixture, "/usr/share/qemu/vhost-user/10-a.json", "fs", "/opt/a");
  add_json (fixture, "/usr/share/qemu/vhost-user/20-b.json", "fs", "/opt/b");
  assert_found (fixture, "/opt/a");

  add_file (fixture, "/etc/qemu/vhost-user/10-a.json", "", 0644);
  assert_found (fixture, "/opt/b");
}

static void
test_the_configuration_decides_before_all (Fixture *fixture, gconstpointer data)
{
  add_program (fixture, "/usr/libexec/virtiofsd");
  add_program (fixture, "/opt/mine");
  add_file (fixture, "/etc/vmroot/vmroot.conf", "[virtiofs]\nvirtiofsd=/opt/mine\n", 0644);
  assert_found (fixture, "/opt/mine");

  add_file (fixture, "/etc/vmroot/vmroot.conf", "[virtiofs]\nvirtiofsd=/opt/gone\n", 0644);
  assert_found (fixture, NULL);
}

static void
test_the_wrapper_is_never_found (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *link = vmroot_context_path (fixture->context, "/usr/libexec/virtiofsd");
  g_autofree gchar *target =
      vmroot_context_path (fixture->context, "/usr/lib/libvirt/vmroot-virtiofsd");

  add_program (fixture, "/usr/lib/libvirt/vmroot-virtiofsd");
  add_json (fixture, "/etc/qemu/vhost-user/10-a.json", "fs", "/usr/lib/libvirt/vmroot-virtiofsd");
  assert_found (fixture, NULL);

  g_assert_true (vmroot_context_make_directory (fixture->context, "/usr/libexec", 0755, NULL));
  g_assert_no_errno (symlink (target, link));
  assert_found (fixture, NULL);
}

static VmrootVirtiofsd *
find (Fixture *fixture, const gchar *help)
{
  g_autoptr (VmrootConfiguration) configuration =
      vmroot_configuration_load (fixture->context, NULL);
  g_autoptr (GError) error = NULL;
  VmrootVirtiofsd *virtiofsd;

  fixture->help = help;
  add_program (fixture, "/usr/libexec/virtiofsd");
  virtiofsd = vmroot_virtiofsd_find (fixture->context, configuration, NULL, &error);
  g_assert_no_error (error);
  return virtiofsd;
}

static void
test_another_program_is_refused (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootConfiguration) configuration =
      vmroot_configuration_load (fixture->context, NULL);
  g_autoptr (GError) error = NULL;

  fixture->help = "usage: cat [FILE]\n";
  add_program (fixture, "/usr/libexec/virtiofsd");
  g_assert_null (vmroot_virtiofsd_find (fixture->context, configuration, NULL, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_VIRTIOFSD);
}

static void
test_the_source_is_read_in_every_form (void)
{
  static const gchar *const forms[][6] = {
    { "virtiofsd", "--fd=27", "-o", "source=/export/a,cache=always,xattr", NULL },
    { "virtiofsd", "--fd=27", "-o", "xattr,source=/export/a", NULL },
    { "virtiofsd", "--fd", "27", "--shared-dir", "/export/a", NULL },
    { "virtiofsd", "--fd=27", "--shared-dir=/export/a", NULL },
  };
  const gchar *const without[] = { "virtiofsd", "--print-capabilities", NULL };

  for (gsize i = 0; i < G_N_ELEMENTS (forms); i++)
    {
      g_autofree gchar *source = vmroot_virtiofsd_get_source (forms[i]);

      g_assert_cmpstr (source, ==, "/export/a");
      g_assert_cmpint (vmroot_virtiofsd_get_socket (forms[i]), ==, 27);
    }
  g_assert_null (vmroot_virtiofsd_get_source (without));
  g_assert_cmpint (vmroot_virtiofsd_get_socket (without), ==, -1);
}

/* What libvirt 9.0 and 11.3 pass. */
static const gchar *const argv_of_9[] = { "/usr/lib/libvirt/vmroot-virtiofsd", "--fd=27", "-o",
                                          "source=/export/link,xattr", NULL };
static const gchar *const argv_of_11[] = {
  "/usr/lib/libvirt/vmroot-virtiofsd", "--fd=27", "--shared-dir", "/export/link", "--xattr", NULL
};

static void
test_arguments (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const gchar *help;
    const gchar *const *argv;
    VmrootXattrs xattrs;
    gboolean trusted_xattrs;
    const gchar *expected;
  } cases[] = {
    { HELP_OF_C, argv_of_9, VMROOT_XATTRS_NATIVE, TRUE,
      "--fd=27 -o source=/export/a,xattr -o xattr,posix_acl,killpriv_v2,modcaps=+sys_admin" },
    { HELP_OF_C, argv_of_9, VMROOT_XATTRS_NATIVE, FALSE,
      "--fd=27 -o source=/export/a,xattr -o xattr,posix_acl,killpriv_v2" },
    { HELP_OF_OLD_C, argv_of_9, VMROOT_XATTRS_NATIVE, FALSE,
      "--fd=27 -o source=/export/a,xattr -o xattr,posix_acl" },
    { HELP_OF_C, argv_of_9, VMROOT_XATTRS_SELINUX, FALSE,
      "--fd=27 -o source=/export/a,xattr -o xattr,posix_acl,security_label,"
      "xattrmap=:map:security.selinux:trusted.virtiofs.:,killpriv_v2,modcaps=+sys_admin" },
    { HELP_OF_C, argv_of_9, VMROOT_XATTRS_USER, FALSE,
      "--fd=27 -o source=/export/a,xattr -o xattr,xattrmap=:map::user.virtiofs.:" },
    { HELP_OF_RUST, argv_of_9, VMROOT_XATTRS_NATIVE, TRUE,
      "--fd=27 -o source=/export/a,xattr --posix-acl --killpriv-v2 "
      "--inode-file-handles=prefer --modcaps=+dac_read_search:+sys_admin" },
    { HELP_OF_RUST, argv_of_11, VMROOT_XATTRS_NATIVE, FALSE,
      "--fd=27 --shared-dir /export/a --xattr --posix-acl --killpriv-v2 "
      "--inode-file-handles=prefer --modcaps=+dac_read_search" },
    { HELP_OF_RUST, argv_of_11, VMROOT_XATTRS_SELINUX, FALSE,
      "--fd=27 --shared-dir /export/a --xattr --posix-acl --security-label "
      "--xattrmap=:map:security.selinux:trusted.virtiofs.: --killpriv-v2 "
      "--inode-file-handles=prefer --modcaps=+dac_read_search:+sys_admin" },
    { HELP_OF_OLD_RUST, argv_of_11, VMROOT_XATTRS_USER, FALSE,
      "--fd=27 --shared-dir /export/a --xattr --xattrmap=:map::user.virtiofs.:" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (VmrootVirtiofsd) virtiofsd = find (fixture, cases[i].help);
      g_autoptr (VmrootVirtiofsPolicy) policy =
          vmroot_virtiofs_policy_new ("6d3d3a7e-2b1f-4f0e-9a56-0f3b8a0f1c11");
      const VmrootServedDirectory served = { .path = (gchar *)"/export/a" };
      g_auto (GStrv) argv = NULL;
      g_autofree gchar *arguments = NULL;

      policy->xattrs = cases[i].xattrs;
      policy->trusted_xattrs = cases[i].trusted_xattrs;
      argv = vmroot_virtiofsd_get_argv (virtiofsd, cases[i].argv, policy, &served);
      arguments = g_strjoinv (" ", argv + 1);
      g_assert_cmpstr (argv[0], ==, virtiofsd->path);
      g_assert_cmpstr (arguments, ==, cases[i].expected);
    }
}

/* One that was installed must be understood as well as the made-up ones. */
static void
test_the_real_one (void)
{
  g_autoptr (VmrootContext) context = vmroot_context_new ("/");
  g_autoptr (VmrootConfiguration) configuration = vmroot_configuration_load (context, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootVirtiofsd) virtiofsd = NULL;

  if (configuration == NULL)
    {
      g_test_skip ("this host has a vmroot.conf that cannot be read");
      return;
    }
  virtiofsd = vmroot_virtiofsd_find (context, configuration, NULL, &error);
  if (virtiofsd == NULL)
    {
      g_test_skip ("no virtiofsd here: install virtiofsd, or qemu-system-common on Debian 12");
      return;
    }

  g_assert_cmpint (virtiofsd->is_rust, ==, g_str_equal (virtiofsd->path, "/usr/libexec/virtiofsd"));
  g_assert_true (virtiofsd->has_killpriv_v2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)
  ADD ("/virtiofsd/find/known-places", test_descriptions_decide_before_known_places);
  ADD ("/virtiofsd/find/order", test_descriptions_are_read_in_the_order_of_their_names);
  ADD ("/virtiofsd/find/mask", test_an_empty_description_masks);
  ADD ("/virtiofsd/find/configuration", test_the_configuration_decides_before_all);
  ADD ("/virtiofsd/find/wrapper", test_the_wrapper_is_never_found);
  ADD ("/virtiofsd/find/another-program", test_another_program_is_refused);
  ADD ("/virtiofsd/arguments", test_arguments);
  g_test_add_func ("/virtiofsd/source", test_the_source_is_read_in_every_form);
  g_test_add_func ("/virtiofsd/real", test_the_real_one);
  return g_test_run ();
}
