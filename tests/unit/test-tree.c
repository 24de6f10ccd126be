/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "vmroot.h"

#include <elf.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fake-tree.h"
#include "vmroot-tree-private.h"

static void
test_a_directory_that_is_not_there (void)
{
  g_autoptr (FakeTree) root = fake_tree_new ();
  g_autofree gchar *missing = g_build_filename (root, "none", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootTree) tree = vmroot_tree_new (missing, &error);

  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_NOT_A_ROOT);
  g_assert_null (tree);
  g_assert_nonnull (strstr (error->message, missing));
}

static void
test_what_debian_is (void)
{
  g_autoptr (FakeTree) root = fake_tree_new_debian ();
  g_autoptr (VmrootTree) tree = fake_tree_open (root);
  g_autofree gchar *id = vmroot_tree_get_os_id (tree);
  g_autofree gchar *name = vmroot_tree_get_os_name (tree);
  g_autofree gchar *architecture = vmroot_tree_get_architecture (tree);
  g_autofree gchar *init = vmroot_tree_get_init (tree);
  g_autofree gchar *init_system = vmroot_tree_get_init_system (tree);

  g_assert_cmpstr (vmroot_tree_get_path (tree), ==, root);
  g_assert_cmpstr (id, ==, "debian");
  g_assert_cmpstr (name, ==, "Debian GNU/Linux 12 (bookworm)");
  g_assert_cmpstr (architecture, ==, "x86_64");
  g_assert_cmpstr (init, ==, "/sbin/init");
  g_assert_cmpstr (init_system, ==, "systemd");
}

static void
test_an_empty_directory_is_nothing (void)
{
  g_autoptr (FakeTree) root = fake_tree_new ();
  g_autoptr (VmrootTree) tree = fake_tree_open (root);

  g_assert_null (vmroot_tree_get_os_id (tree));
  g_assert_null (vmroot_tree_get_os_name (tree));
  g_assert_null (vmroot_tree_get_architecture (tree));
  g_assert_null (vmroot_tree_get_init (tree));
  g_assert_null (vmroot_tree_get_init_system (tree));
}

/* os-release(5): /etc first, quotes as in a shell, defaults where a name is missing. */
static void
test_os_release (void)
{
  g_autoptr (FakeTree) root = fake_tree_new ();
  g_autoptr (VmrootTree) tree = fake_tree_open (root);
  g_autofree gchar *id = NULL;
  g_autofree gchar *name = NULL;

  fake_tree_write (root, "/usr/lib/os-release", "ID=vendor\n");
  fake_tree_write (root, "/etc/os-release", "# ID=comment\nMY_ID=wrong\nNAME='It''s own'\n");
  id = vmroot_tree_get_os_id (tree);
  name = vmroot_tree_get_os_name (tree);

  g_assert_cmpstr (id, ==, "linux");
  g_assert_cmpstr (name, ==, "Its own");
}

static void
test_architectures (void)
{
  static const struct
  {
    guint16 machine;
    const gchar *name;
  } cases[] = {
    { EM_X86_64, "x86_64" }, { EM_386, "i686" },      { EM_AARCH64, "aarch64" },
    { EM_RISCV, "riscv64" }, { EM_PPC64, "ppc64le" }, { EM_ARM, "armv7l" },
    { EM_S390, "s390x" },    { EM_PARISC, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (FakeTree) root = fake_tree_new ();
      g_autoptr (VmrootTree) tree = fake_tree_open (root);
      g_autofree gchar *name = NULL;

      fake_tree_write_program (root, "/sbin/init", cases[i].machine);
      name = vmroot_tree_get_architecture (tree);
      g_assert_cmpstr (name, ==, cases[i].name);
    }
}

/* An init that is a script is as good as its interpreter. */
static void
test_architecture_of_a_script (void)
{
  g_autoptr (FakeTree) root = fake_tree_new ();
  g_autoptr (VmrootTree) tree = fake_tree_open (root);
  g_autofree gchar *script = g_build_filename (root, "sbin/init", NULL);
  g_autofree gchar *name = NULL;

  fake_tree_write (root, "/sbin/init", "#! /bin/sh -e\nexec true\n");
  g_assert_cmpint (chmod (script, 0755), ==, 0);
  fake_tree_write_program (root, "/bin/sh", EM_AARCH64);
  name = vmroot_tree_get_architecture (tree);

  g_assert_cmpstr (name, ==, "aarch64");
}

static void
test_init_systems (void)
{
  static const struct
  {
    const gchar *program;
    const gchar *link_target;
    const gchar *inittab;
    const gchar *name;
  } cases[] = {
    { "/usr/lib/systemd/systemd", "../usr/lib/systemd/systemd", NULL, "systemd" },
    { "/bin/busybox", "/bin/busybox", "::sysinit:/sbin/openrc sysinit\n", "openrc" },
    { "/bin/busybox", "/bin/busybox", "::sysinit:/etc/init.d/rcS\n", "busybox" },
    { "/sbin/openrc-init", "openrc-init", NULL, "openrc" },
    { "/usr/bin/runit-init", "../usr/bin/runit-init", NULL, "runit" },
    { "/sbin/init-sysvinit", "init-sysvinit", "id:2:initdefault:\n", "sysvinit" },
    { "/sbin/something-else", "something-else", NULL, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (FakeTree) root = fake_tree_new ();
      g_autoptr (VmrootTree) tree = fake_tree_open (root);
      g_autofree gchar *name = NULL;

      fake_tree_write_program (root, cases[i].program, EM_X86_64);
      fake_tree_link (root, "/sbin/init", cases[i].link_target);
      if (cases[i].inittab != NULL)
        fake_tree_write (root, "/etc/inittab", cases[i].inittab);
      name = vmroot_tree_get_init_system (tree);
      g_assert_cmpstr (name, ==, cases[i].name);
    }
}

/* A link out of the tree leads to the place of that name inside it. */
static void
test_links_stay_inside (void)
{
  g_autoptr (FakeTree) root = fake_tree_new ();
  g_autoptr (VmrootTree) tree = fake_tree_open (root);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = NULL;
  g_autofree gchar *dots = NULL;

  fake_tree_link (root, "/etc/os-release", "/etc/passwd");
  fake_tree_link (root, "/etc/hostname", "../../../../../../../../etc/passwd");
  g_assert_null (vmroot_tree_read_text (tree, "/etc/os-release", 4096, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);

  fake_tree_write (root, "/etc/passwd", "of the tree");
  text = vmroot_tree_read_text (tree, "/etc/os-release", 4096, NULL);
  dots = vmroot_tree_read_text (tree, "/etc/hostname", 4096, NULL);
  g_assert_cmpstr (text, ==, "of the tree");
  g_assert_cmpstr (dots, ==, "of the tree");
}

static void
assert_unsafe (FakeTree *root, const gchar *path)
{
  g_autoptr (VmrootTree) tree = fake_tree_open (root);
  g_autoptr (GError) error = NULL;

  g_assert_null (vmroot_tree_read_text (tree, path, 4096, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_UNSAFE_TREE);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, root));
}

static void
test_what_is_not_a_file_is_not_read (void)
{
  g_autoptr (FakeTree) root = fake_tree_new ();
  g_autofree gchar *large = g_strnfill (5000, 'x');

  fake_tree_make_fifo (root, "/fifo");
  fake_tree_write (root, "/large", large);
  fake_tree_write (root, "/latin-1", "na\xefve");
  fake_tree_write_data (root, "/nul", "a\0b", 3);

  assert_unsafe (root, "/fifo");
  assert_unsafe (root, "/large");
  assert_unsafe (root, "/latin-1");
  assert_unsafe (root, "/nul");
}

static void
test_a_device_is_not_opened (void)
{
  g_autoptr (FakeTree) root = fake_tree_new ();
  g_autofree gchar *device = g_build_filename (root, "device", NULL);

  if (mknod (device, S_IFCHR | 0666, makedev (1, 5)) < 0)
    {
      g_test_skip ("device nodes can be made by root only");
      return;
    }
  assert_unsafe (root, "/device");
}

static void
test_loops_end (void)
{
  g_autoptr (FakeTree) root = fake_tree_new ();
  g_autoptr (VmrootTree) tree = fake_tree_open (root);
  g_autoptr (GPtrArray) kernels = NULL;
  g_autoptr (GError) error = NULL;

  fake_tree_link (root, "/boot", "/boot");
  fake_tree_link (root, "/usr", "/usr");
  fake_tree_link (root, "/lib", "/lib");
  fake_tree_link (root, "/sbin", "sbin");
  kernels = vmroot_tree_list_kernels (tree, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (kernels->len, ==, 0);
  g_assert_null (vmroot_tree_get_init (tree));
}

/* Names that are not UTF-8 cannot be a kernel's, and do not stop the search. */
static void
test_names_that_are_not_text (void)
{
  g_autoptr (FakeTree) root = fake_tree_new_debian ();
  g_autoptr (VmrootTree) tree = fake_tree_open (root);
  g_autoptr (GPtrArray) kernels = NULL;

  fake_tree_write_kernel (root, "/boot/vmlinuz-9.9-\xff", "9.9.9");
  kernels = vmroot_tree_list_kernels (tree, NULL);

  g_assert_cmpuint (kernels->len, ==, 1);
  g_assert_cmpstr (vmroot_kernel_get_version (kernels->pdata[0]), ==, FAKE_DEBIAN_RELEASE);
}

static void
test_a_directory_without_end (void)
{
  g_autoptr (FakeTree) root = fake_tree_new_debian ();
  g_autoptr (VmrootTree) tree = fake_tree_open (root);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 5000; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("/boot/%u", i);

      fake_tree_link (root, name, "nowhere");
    }
  g_assert_null (vmroot_tree_list_kernels (tree, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_UNSAFE_TREE);
}

/* Everything that was looked at counts, also what was not there. */
static void
test_inputs_notice_change (void)
{
  static const gchar *const changes[] = { "/boot/vmlinuz-6.2.0-1-amd64", "/etc/os-release",
                                          "/usr/lib/modules/7.0.0/modules.dep" };

  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    {
      g_autoptr (FakeTree) root = fake_tree_new_debian ();
      g_autoptr (VmrootTree) tree = fake_tree_open (root);
      g_autoptr (GPtrArray) kernels = NULL;
      g_autoptr (GVariant) inputs = NULL;
      g_autofree gchar *id = NULL;

      vmroot_tree_record_inputs (tree);
      kernels = vmroot_tree_list_kernels (tree, NULL);
      id = vmroot_tree_get_os_id (tree);
      inputs = vmroot_tree_get_inputs (tree);
      fake_tree_settle ();
      g_assert_true (vmroot_tree_matches_inputs (tree, inputs));

      fake_tree_write (root, "/srv/data", "does not matter");
      g_assert_true (vmroot_tree_matches_inputs (tree, inputs));

      fake_tree_write (root, changes[i], "matters");
      g_assert_false (vmroot_tree_matches_inputs (tree, inputs));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tree/missing", test_a_directory_that_is_not_there);
  g_test_add_func ("/tree/debian", test_what_debian_is);
  g_test_add_func ("/tree/empty", test_an_empty_directory_is_nothing);
  g_test_add_func ("/tree/os-release", test_os_release);
  g_test_add_func ("/tree/architectures", test_architectures);
  g_test_add_func ("/tree/architecture-of-a-script", test_architecture_of_a_script);
  g_test_add_func ("/tree/init-systems", test_init_systems);
  g_test_add_func ("/tree/hostile/links", test_links_stay_inside);
  g_test_add_func ("/tree/hostile/not-a-file", test_what_is_not_a_file_is_not_read);
  g_test_add_func ("/tree/hostile/device", test_a_device_is_not_opened);
  g_test_add_func ("/tree/hostile/loops", test_loops_end);
  g_test_add_func ("/tree/hostile/names", test_names_that_are_not_text);
  g_test_add_func ("/tree/hostile/endless-directory", test_a_directory_without_end);
  g_test_add_func ("/tree/inputs", test_inputs_notice_change);
  return g_test_run ();
}
