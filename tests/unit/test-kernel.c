/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "vmroot.h"

#include <string.h>

#include "fake-tree.h"
#include "vmroot-kernel-private.h"
#include "vmroot-tree-private.h"

/* Each line from old to new. */
static void
test_versions_are_ordered (void)
{
  static const gchar *const ordered[][4] = {
    { "6.9.12", "6.10.0", "6.10.1", "6.100" },
    { "6.1.0-9-amd64", "6.1.0-10-amd64", "6.1.0-49-amd64", "6.12.0-1-amd64" },
    { "6.10.0-rc3", "6.10.0-rc10", "6.10.0", "6.10.1-rc1" },
    { "6.10~rc3-amd64", "6.10-amd64", "6.10.2-amd64", "6.11~rc1-amd64" },
    { "6.10.0-0.rc3.20240611.fc41.x86_64", "6.10.0-0.rc7.61.fc41.x86_64", "6.10.0-64.fc41.x86_64",
      "6.10.3-200.fc41.x86_64" },
    { "6.6.30-gentoo", "6.6.30-gentoo-r1", "6.6.31-gentoo", "6.6.31-gentoo-r2" },
    { "6.6.9-0-lts", "6.6.32-0-lts", "6.6.32-1-lts", "6.12.1-0-lts" },
    { "5.15.0-91-generic", "5.15.0-101-generic", "6.2.0-39-generic", "6.5.0-14-generic" },
    { "6.9.1-arch1-1", "6.9.1-arch1-2", "6.9.1-arch2-1", "6.9.10-arch1-1" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (ordered); i++)
    for (guint old = 0; old < 4; old++)
      for (guint new = 0; new < 4; new ++)
        {
          gint order = vmroot_kernel_compare_versions (ordered[i][old], ordered[i][new]);

          g_assert_cmpint (CLAMP (order, -1, 1), ==, (old > new) - (old < new));
        }
}

static void
test_what_a_version_is (void)
{
  g_autofree gchar *long_version = g_strnfill (65, '6');

  g_assert_true (vmroot_kernel_is_version ("6.1.0-49-amd64"));
  g_assert_true (vmroot_kernel_is_version ("6.10~rc3+bpo_1"));
  g_assert_false (vmroot_kernel_is_version (""));
  g_assert_false (vmroot_kernel_is_version (".."));
  g_assert_false (vmroot_kernel_is_version ("6.1/../../etc"));
  g_assert_false (vmroot_kernel_is_version ("6.1 amd64"));
  g_assert_false (vmroot_kernel_is_version (long_version));
}

/* Asserts what list_kernels() gives, as "version path modules initramfs" lines. */
static void
assert_kernels (FakeTree *root, const gchar *const *expected)
{
  g_autoptr (VmrootTree) tree = fake_tree_open (root);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) kernels = vmroot_tree_list_kernels (tree, &error);
  g_autoptr (GStrvBuilder) lines = g_strv_builder_new ();
  g_auto (GStrv) found = NULL;

  g_assert_no_error (error);
  for (guint i = 0; i < kernels->len; i++)
    {
      VmrootKernel *kernel = kernels->pdata[i];
      const gchar *modules = vmroot_kernel_get_modules (kernel);
      const gchar *initramfs = vmroot_kernel_get_initramfs (kernel);
      g_autofree gchar *line = g_strdup_printf (
          "%s %s %s %s", vmroot_kernel_get_version (kernel), vmroot_kernel_get_path (kernel),
          modules != NULL ? modules : "-", initramfs != NULL ? initramfs : "-");

      g_strv_builder_add (lines, line);
    }
  found = g_strv_builder_end (lines);
  g_assert_cmpstrv (found, expected);
}

static void
test_debian (void)
{
  g_autoptr (FakeTree) root = fake_tree_new_debian ();
  const gchar *const expected[] = {
    "6.1.0-49-cloud-amd64 /boot/vmlinuz-6.1.0-49-cloud-amd64"
    " /usr/lib/modules/6.1.0-49-cloud-amd64 /boot/initrd.img-6.1.0-49-cloud-amd64",
    "6.1.0-9-amd64 /boot/vmlinuz-6.1.0-9-amd64 /usr/lib/modules/6.1.0-9-amd64 -",
    "6.12.0-1-amd64 /boot/vmlinuz-6.12.0-1-amd64 - -",
    NULL,
  };

  fake_tree_write (root, "/boot/initrd.img-6.1.0-49-cloud-amd64", "");
  fake_tree_write_kernel (root, "/boot/vmlinuz-6.1.0-9-amd64", "6.1.0-9-amd64");
  fake_tree_make_directory (root, "/usr/lib/modules/6.1.0-9-amd64");
  /* The newest, but its modules are gone. */
  fake_tree_write_kernel (root, "/boot/vmlinuz-6.12.0-1-amd64", "6.12.0-1-amd64");
  assert_kernels (root, expected);
}

/* Alpine's files are named by flavour; /usr is not merged. */
static void
test_alpine (void)
{
  g_autoptr (FakeTree) root = fake_tree_new ();
  const gchar *const expected[] = {
    "6.6.32-0-lts /boot/vmlinuz-lts /lib/modules/6.6.32-0-lts /boot/initramfs-lts",
    "6.6.31-0-virt /boot/vmlinuz-virt /lib/modules/6.6.31-0-virt -",
    NULL,
  };

  fake_tree_write_kernel (root, "/boot/vmlinuz-lts", "6.6.32-0-lts");
  fake_tree_write (root, "/boot/initramfs-lts", "");
  /* As on aarch64, where the image does not say its release. */
  fake_tree_write_kernel (root, "/boot/vmlinuz-virt", NULL);
  fake_tree_make_directory (root, "/lib/modules/6.6.32-0-lts");
  fake_tree_make_directory (root, "/lib/modules/6.6.31-0-virt");
  assert_kernels (root, expected);
}

static void
test_gentoo (void)
{
  g_autoptr (FakeTree) root = fake_tree_new ();
  const gchar *const expected[] = {
    "6.6.31-gentoo /boot/kernel-6.6.31-gentoo /lib/modules/6.6.31-gentoo -",
    "6.6.30-gentoo-dist /boot/vmlinuz-6.6.30-gentoo-dist /lib/modules/6.6.30-gentoo-dist"
    " /boot/initramfs-6.6.30-gentoo-dist.img",
    NULL,
  };

  fake_tree_write_kernel (root, "/boot/vmlinuz-6.6.30-gentoo-dist", "6.6.30-gentoo-dist");
  fake_tree_write_kernel (root, "/boot/vmlinuz-6.6.30-gentoo-dist.old", "6.6.30-gentoo-dist");
  fake_tree_write (root, "/boot/initramfs-6.6.30-gentoo-dist.img", "");
  fake_tree_write_kernel (root, "/boot/kernel-6.6.31-gentoo", "6.6.31-gentoo");
  fake_tree_make_directory (root, "/lib/modules/6.6.30-gentoo-dist");
  fake_tree_make_directory (root, "/lib/modules/6.6.31-gentoo");
  assert_kernels (root, expected);
}

/* Fedora: beside the modules, a boot loader entry, and a rescue kernel that must not win. */
static void
test_fedora (void)
{
  g_autoptr (FakeTree) root = fake_tree_new ();
  const gchar *const expected[] = {
    "6.8.5-301.fc40.x86_64 /usr/lib/modules/6.8.5-301.fc40.x86_64/vmlinuz"
    " /usr/lib/modules/6.8.5-301.fc40.x86_64 /boot/initramfs-6.8.5-301.fc40.x86_64.img",
    "6.9.0-1.fc40.x86_64 /boot/vmlinuz-0-rescue-0123 /usr/lib/modules/6.9.0-1.fc40.x86_64 -",
    NULL,
  };

  fake_tree_write_kernel (root, "/usr/lib/modules/6.8.5-301.fc40.x86_64/vmlinuz",
                          "6.8.5-301.fc40.x86_64");
  fake_tree_write_kernel (root, "/boot/vmlinuz-0-rescue-0123", "6.9.0-1.fc40.x86_64");
  fake_tree_make_directory (root, "/usr/lib/modules/6.9.0-1.fc40.x86_64");
  fake_tree_write (root, "/boot/initramfs-6.8.5-301.fc40.x86_64.img", "");
  assert_kernels (root, expected);
}

static void
test_arch (void)
{
  g_autoptr (FakeTree) root = fake_tree_new ();
  const gchar *const expected[] = {
    "6.9.1-arch1-1 /boot/vmlinuz-linux /usr/lib/modules/6.9.1-arch1-1 /boot/initramfs-linux.img",
    NULL,
  };

  fake_tree_write_kernel (root, "/usr/lib/modules/6.9.1-arch1-1/vmlinuz", "6.9.1-arch1-1");
  fake_tree_write_kernel (root, "/boot/vmlinuz-linux", "6.9.1-arch1-1");
  fake_tree_write (root, "/boot/initramfs-linux.img", "");
  assert_kernels (root, expected);
}

/* kernel-install with systemd-boot: only the entry knows where the kernel is. */
static void
test_boot_loader_entries (void)
{
  g_autoptr (FakeTree) root = fake_tree_new ();
  const gchar *const expected[] = {
    "6.11.4-1-default /boot/0123abcd/6.11.4-1-default/linux /usr/lib/modules/6.11.4-1-default"
    " /boot/0123abcd/6.11.4-1-default/initrd",
    NULL,
  };

  fake_tree_write (root, "/boot/loader/entries/0123abcd-6.11.4.conf",
                   "title   openSUSE\nversion\t6.11.4-1-default\n"
                   "linux   /0123abcd/6.11.4-1-default/linux\n"
                   "initrd  /0123abcd/6.11.4-1-default/initrd\n");
  fake_tree_write (root, "/boot/loader/entries/broken.conf", "linux /nowhere\n");
  fake_tree_write (root, "/boot/loader/entries/outside.conf", "linux ../../../../etc/passwd\n");
  fake_tree_write_kernel (root, "/boot/0123abcd/6.11.4-1-default/linux", "6.11.4-1-default");
  fake_tree_write (root, "/boot/0123abcd/6.11.4-1-default/initrd", "");
  fake_tree_make_directory (root, "/usr/lib/modules/6.11.4-1-default");
  assert_kernels (root, expected);
}

static void
test_what_only_looks_like_a_kernel (void)
{
  g_autoptr (FakeTree) root = fake_tree_new ();
  const gchar *const expected[] = { NULL };

  fake_tree_make_fifo (root, "/boot/vmlinuz-6.1");
  fake_tree_make_directory (root, "/boot/vmlinuz-6.2");
  fake_tree_link (root, "/boot/vmlinuz-6.3", "/proc/kcore");
  fake_tree_write (root, "/boot/vmlinuz-6.4", "<html>404 not found</html>");
  fake_tree_write_kernel (root, "/boot/vmlinuz-6.5/../kernel-x", "6.5/../../../etc");
  assert_kernels (root, expected);
}

static void
assert_found (VmrootTree *tree, const gchar *wish, const gchar *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootKernel) kernel = vmroot_tree_find_kernel (tree, wish, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (vmroot_kernel_get_path (kernel), ==, path);
}

static void
test_a_kernel_is_chosen (void)
{
  g_autoptr (FakeTree) root = fake_tree_new_debian ();
  g_autoptr (VmrootTree) tree = fake_tree_open (root);
  g_autoptr (GError) error = NULL;

  fake_tree_write_kernel (root, "/boot/vmlinuz-6.0.0", "6.0.0");
  fake_tree_write_kernel (root, "/opt/bzImage", "6.2.0-mine");
  assert_found (tree, NULL, "/boot/vmlinuz-" FAKE_DEBIAN_RELEASE);
  assert_found (tree, "6.0.0", "/boot/vmlinuz-6.0.0");
  assert_found (tree, "/opt/bzImage", "/opt/bzImage");

  g_assert_null (vmroot_tree_find_kernel (tree, "5.0", &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_KERNEL);
  g_assert_nonnull (strstr (error->message, FAKE_DEBIAN_RELEASE ", 6.0.0"));
  g_clear_error (&error);

  g_assert_null (vmroot_tree_find_kernel (tree, "/etc/os-release", &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_KERNEL);
}

static void
test_a_tree_without_kernel (void)
{
  g_autoptr (FakeTree) root = fake_tree_new ();
  g_autoptr (VmrootTree) tree = fake_tree_open (root);
  g_autoptr (GError) error = NULL;

  g_assert_null (vmroot_tree_find_kernel (tree, NULL, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_KERNEL);
  g_assert_nonnull (strstr (error->message, root));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kernel/versions", test_versions_are_ordered);
  g_test_add_func ("/kernel/is-version", test_what_a_version_is);
  g_test_add_func ("/kernel/debian", test_debian);
  g_test_add_func ("/kernel/alpine", test_alpine);
  g_test_add_func ("/kernel/gentoo", test_gentoo);
  g_test_add_func ("/kernel/fedora", test_fedora);
  g_test_add_func ("/kernel/arch", test_arch);
  g_test_add_func ("/kernel/boot-loader-entries", test_boot_loader_entries);
  g_test_add_func ("/kernel/impostors", test_what_only_looks_like_a_kernel);
  g_test_add_func ("/kernel/choice", test_a_kernel_is_chosen);
  g_test_add_func ("/kernel/none", test_a_tree_without_kernel);
  return g_test_run ();
}
