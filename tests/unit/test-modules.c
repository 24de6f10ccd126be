/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "vmroot.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include "fake-tree.h"
#include "vmroot-modules-private.h"
#include "vmroot-tree-private.h"

static VmrootModules *
load (FakeTree *root, GError **error)
{
  g_autoptr (VmrootTree) tree = fake_tree_open (root);
  g_autoptr (VmrootKernel) kernel = vmroot_tree_find_kernel (tree, NULL, NULL);

  return vmroot_modules_new (tree, kernel, error);
}

static GStrv
resolve (FakeTree *root, gboolean ephemeral, GError **error)
{
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/a");
  g_autoptr (VmrootModules) modules = load (root, error);
  g_autoptr (GPtrArray) needs = NULL;

  vmroot_spec_set_ephemeral (spec, ephemeral);
  needs = vmroot_modules_needed_for (spec);
  return modules != NULL ? vmroot_modules_resolve (modules, needs, error) : NULL;
}

static void
assert_resolves (FakeTree *root, gboolean ephemeral, const gchar *const *expected)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) paths = resolve (root, ephemeral, &error);

  g_assert_no_error (error);
  g_assert_cmpstrv (paths, expected);
}

static void
assert_refused (FakeTree *root, VmrootError code, const gchar *const *words)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) paths = resolve (root, FALSE, &error);

  g_assert_error (error, VMROOT_ERROR, (gint)code);
  g_assert_null (paths);
  for (; *words != NULL; words++)
    g_assert_nonnull (strstr (error->message, *words));
}

/* What a module depends on comes before it, each once. */
static void
test_load_order (void)
{
  g_autoptr (FakeTree) root = fake_tree_new_debian ();
  const gchar *const expected[] = {
    "kernel/drivers/virtio/virtio.ko",     "kernel/drivers/virtio/virtio_ring.ko",
    "kernel/drivers/virtio/virtio_pci.ko", "kernel/fs/fuse/fuse.ko",
    "kernel/fs/fuse/virtiofs.ko",          NULL,
  };
  const gchar *const with_overlay[] = {
    "kernel/drivers/virtio/virtio.ko",
    "kernel/drivers/virtio/virtio_ring.ko",
    "kernel/drivers/virtio/virtio_pci.ko",
    "kernel/fs/fuse/fuse.ko",
    "kernel/fs/fuse/virtiofs.ko",
    "kernel/fs/overlayfs/overlay.ko",
    NULL,
  };

  assert_resolves (root, FALSE, expected);
  assert_resolves (root, TRUE, with_overlay);
}

static void
test_what_is_built_in_is_left_out (void)
{
  g_autoptr (FakeTree) root = fake_tree_new_debian ();
  const gchar *const expected[] = { "kernel/fs/fuse/virtiofs.ko", NULL };

  fake_tree_write (root, FAKE_DEBIAN_MODULES "/modules.builtin",
                   "kernel/drivers/virtio/virtio.ko\nkernel/drivers/virtio/virtio-ring.ko\n"
                   "kernel/drivers/virtio/virtio_pci.ko\nkernel/fs/fuse/fuse.ko\n");
  assert_resolves (root, FALSE, expected);
}

static void
test_everything_built_in (void)
{
  g_autoptr (FakeTree) root = fake_tree_new ();
  const gchar *const expected[] = { NULL };

  fake_tree_write_kernel (root, "/boot/vmlinuz-6.6.1", "6.6.1");
  assert_resolves (root, FALSE, expected);

  fake_tree_write (root, "/lib/modules/6.6.1/modules.builtin",
                   "kernel/drivers/virtio/virtio_pci.ko\nkernel/fs/fuse/virtiofs.ko\n");
  assert_resolves (root, FALSE, expected);
}

static void
test_soft_dependencies (void)
{
  g_autoptr (FakeTree) root = fake_tree_new_debian ();
  const gchar *const expected[] = {
    "kernel/drivers/virtio/virtio.ko",
    "kernel/drivers/virtio/virtio_ring.ko",
    "kernel/drivers/virtio/virtio_pci.ko",
    "kernel/fs/overlayfs/overlay.ko",
    "kernel/fs/fuse/fuse.ko",
    "kernel/fs/fuse/virtiofs.ko",
    NULL,
  };

  fake_tree_write (root, FAKE_DEBIAN_MODULES "/modules.softdep",
                   "# comment\nsoftdep virtiofs pre: overlay no-such-module post: fuse\n");
  assert_resolves (root, FALSE, expected);
}

/* Of an NFS root with IPv6, which some kernels have as a module. */
static void
test_ipv6 (void)
{
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/guest");
  g_autoptr (GPtrArray) ipv4 = NULL;
  g_autoptr (GPtrArray) ipv6 = NULL;
  const VmrootModuleNeed *last;

  g_object_set (spec, "transport", VMROOT_TRANSPORT_NFS, "address", "192.168.122.5/24", NULL);
  ipv4 = vmroot_modules_needed_for (spec);
  vmroot_spec_set_address (spec, "fd00::5/64");
  ipv6 = vmroot_modules_needed_for (spec);

  g_assert_cmpuint (ipv6->len, ==, ipv4->len + 1);
  last = g_ptr_array_index (ipv6, ipv6->len - 1);
  g_assert_cmpstr (last->name, ==, "ipv6");
}

static void
test_a_missing_module (void)
{
  g_autoptr (FakeTree) root = fake_tree_new_debian ();
  const gchar *const words[] = { FAKE_DEBIAN_RELEASE, root, "virtiofs", "CONFIG_VIRTIO_FS=m",
                                 NULL };

  fake_tree_write (root, FAKE_DEBIAN_MODULES "/modules.dep",
                   "kernel/drivers/virtio/virtio_pci.ko:\n");
  assert_refused (root, VMROOT_ERROR_NO_MODULE, words);
}

static void
test_no_modules_dep (void)
{
  g_autoptr (FakeTree) root = fake_tree_new ();
  const gchar *const words[] = { "depmod -b", root, "6.6.1", NULL };

  fake_tree_write_kernel (root, "/boot/vmlinuz-6.6.1", "6.6.1");
  fake_tree_make_directory (root, "/lib/modules/6.6.1/kernel");
  assert_refused (root, VMROOT_ERROR_NO_MODULE, words);
}

static void
test_a_dependency_that_is_not_listed (void)
{
  g_autoptr (FakeTree) root = fake_tree_new_debian ();
  const gchar *const words[] = { "fuse", "depmod", NULL };

  fake_tree_write (root, FAKE_DEBIAN_MODULES "/modules.dep",
                   "kernel/virtio_pci.ko:\nkernel/virtiofs.ko: kernel/fuse.ko\n");
  assert_refused (root, VMROOT_ERROR_NO_MODULE, words);
}

static void
test_circles_end (void)
{
  g_autoptr (FakeTree) root = fake_tree_new_debian ();
  const gchar *const expected[] = { "kernel/fuse.ko", "kernel/virtiofs.ko", "kernel/virtio_pci.ko",
                                    NULL };

  fake_tree_write (root, FAKE_DEBIAN_MODULES "/modules.dep",
                   "kernel/virtio_pci.ko: kernel/virtiofs.ko\n"
                   "kernel/virtiofs.ko: kernel/fuse.ko\n"
                   "kernel/fuse.ko: kernel/virtio_pci.ko kernel/fuse.ko\n");
  assert_resolves (root, FALSE, expected);
}

/* A chain that must not be followed to its end: a longer one would exhaust the stack. */
static void
test_depth_is_limited (void)
{
  g_autoptr (FakeTree) root = fake_tree_new_debian ();
  g_autoptr (GString) text = g_string_new ("kernel/virtio_pci.ko: kernel/m0.ko\n");
  const gchar *const words[] = { "broken", NULL };

  for (guint i = 0; i < 5000; i++)
    g_string_append_printf (text, "kernel/m%u.ko: kernel/m%u.ko\n", i, i + 1);
  g_string_append (text, "kernel/m5000.ko:\n");
  fake_tree_write (root, FAKE_DEBIAN_MODULES "/modules.dep", text->str);
  assert_refused (root, VMROOT_ERROR_NO_MODULE, words);
}

static void
test_paths_stay_inside (void)
{
  static const gchar *const bad[] = { "../../../../etc/shadow/virtio_pci.ko",
                                      "/etc/virtio_pci.ko",
                                      "kernel//virtio_pci.ko",
                                      "kernel/a b/virtio_pci.ko",
                                      "kernel/./virtio_pci.ko",
                                      "kernel/\xc3\xa4/virtio_pci.ko" };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (FakeTree) root = fake_tree_new_debian ();
      g_autofree gchar *text = g_strconcat (bad[i], ":\n", NULL);
      const gchar *const words[] = { "modules.dep", root, NULL };

      fake_tree_write (root, FAKE_DEBIAN_MODULES "/modules.dep", text);
      assert_refused (root, VMROOT_ERROR_UNSAFE_TREE, words);
    }
}

/* `text` as gzip, xz or zstd would leave it. */
static GBytes *
compress (const gchar *text, const gchar *filter)
{
  struct archive *archive = archive_write_new ();
  struct archive_entry *entry = archive_entry_new ();
  gsize used = 0;
  gchar *buffer = g_malloc0 (65536);

  g_assert_cmpint (archive_write_set_format_raw (archive), ==, ARCHIVE_OK);
  g_assert_cmpint (archive_write_add_filter_by_name (archive, filter), ==, ARCHIVE_OK);
  g_assert_cmpint (archive_write_open_memory (archive, buffer, 65536, &used), ==, ARCHIVE_OK);
  archive_entry_set_filetype (entry, AE_IFREG);
  g_assert_cmpint (archive_write_header (archive, entry), ==, ARCHIVE_OK);
  g_assert_cmpint (archive_write_data (archive, text, strlen (text)), ==, strlen (text));
  g_assert_cmpint (archive_write_close (archive), ==, ARCHIVE_OK);
  archive_entry_free (entry);
  archive_write_free (archive);
  return g_bytes_new_take (buffer, used);
}

static void
test_compressed_modules (void)
{
  static const gchar *const filters[][2] = { { "gzip", "gz" }, { "xz", "xz" }, { "zstd", "zst" } };

  for (guint i = 0; i < G_N_ELEMENTS (filters); i++)
    {
      g_autoptr (FakeTree) root = fake_tree_new_debian ();
      g_autoptr (VmrootModules) modules = load (root, NULL);
      g_autofree gchar *path = g_strconcat ("kernel/virtio-fs.ko.", filters[i][1], NULL);
      g_autofree gchar *full = g_build_filename (FAKE_DEBIAN_MODULES, path, NULL);
      g_autofree gchar *packed = vmroot_modules_packed_name (path);
      g_autoptr (GBytes) compressed = compress ("\177ELF and so on", filters[i][0]);
      g_autoptr (GBytes) content = NULL;
      g_autoptr (GError) error = NULL;

      fake_tree_write_data (root, full, g_bytes_get_data (compressed, NULL),
                            g_bytes_get_size (compressed));
      content = vmroot_modules_read (modules, path, &error);
      g_assert_no_error (error);
      g_assert_cmpmem (g_bytes_get_data (content, NULL), g_bytes_get_size (content),
                       "\177ELF and so on", 14);
      g_assert_cmpstr (packed, ==, "kernel/virtio-fs.ko");
    }
}

static void
test_what_is_not_a_module (void)
{
  g_autoptr (FakeTree) root = fake_tree_new_debian ();
  g_autoptr (VmrootModules) modules = load (root, NULL);
  g_autoptr (GBytes) compressed = compress ("#!/bin/sh", "xz");
  g_autoptr (GError) error = NULL;

  fake_tree_write (root, FAKE_DEBIAN_MODULES "/kernel/a.ko", "#!/bin/sh");
  g_assert_null (vmroot_modules_read (modules, "kernel/a.ko", &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_UNSAFE_TREE);
  g_clear_error (&error);

  fake_tree_write_data (root, FAKE_DEBIAN_MODULES "/kernel/b.ko.xz",
                        g_bytes_get_data (compressed, NULL), g_bytes_get_size (compressed));
  g_assert_null (vmroot_modules_read (modules, "kernel/b.ko.xz", &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_UNSAFE_TREE);
  g_clear_error (&error);

  /* Cut short. */
  fake_tree_write_data (root, FAKE_DEBIAN_MODULES "/kernel/c.ko.xz",
                        g_bytes_get_data (compressed, NULL), 20);
  g_assert_null (vmroot_modules_read (modules, "kernel/c.ko.xz", &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_UNSAFE_TREE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/modules/load-order", test_load_order);
  g_test_add_func ("/modules/built-in", test_what_is_built_in_is_left_out);
  g_test_add_func ("/modules/everything-built-in", test_everything_built_in);
  g_test_add_func ("/modules/soft-dependencies", test_soft_dependencies);
  g_test_add_func ("/modules/missing", test_a_missing_module);
  g_test_add_func ("/modules/ipv6", test_ipv6);
  g_test_add_func ("/modules/no-modules-dep", test_no_modules_dep);
  g_test_add_func ("/modules/not-listed", test_a_dependency_that_is_not_listed);
  g_test_add_func ("/modules/hostile/circles", test_circles_end);
  g_test_add_func ("/modules/hostile/depth", test_depth_is_limited);
  g_test_add_func ("/modules/hostile/paths", test_paths_stay_inside);
  g_test_add_func ("/modules/compressed", test_compressed_modules);
  g_test_add_func ("/modules/hostile/not-a-module", test_what_is_not_a_module);
  return g_test_run ();
}
