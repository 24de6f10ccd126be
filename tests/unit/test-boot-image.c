/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "vmroot.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake-tree.h"
#include "vmroot-builder-private.h"

/* A tree, a spec for it, and where its boot image goes. */
typedef struct
{
  FakeTree *root;
  FakeTree *output;
  VmrootTree *tree;
  VmrootSpec *spec;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->root = fake_tree_new_debian ();
  fixture->output = fake_tree_new ();
  fixture->tree = fake_tree_open (fixture->root);
  fixture->spec = vmroot_spec_new (fixture->root);
  fake_tree_settle ();
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_object_unref (fixture->tree);
  g_object_unref (fixture->spec);
  fake_tree_free (fixture->root);
  fake_tree_free (fixture->output);
}

static VmrootBootImage *
build (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  VmrootBootImage *image =
      vmroot_boot_image_build (fixture->tree, fixture->spec, fixture->output, NULL, &error);

  g_assert_no_error (error);
  return image;
}

static void
assert_build (Fixture *fixture, gboolean rebuilt)
{
  g_autoptr (VmrootBootImage) image = build (fixture);

  g_assert_cmpint (vmroot_boot_image_get_rebuilt (image), ==, rebuilt);
}

static void
assert_fails (Fixture *fixture, VmrootError code, const gchar *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (
      vmroot_boot_image_build (fixture->tree, fixture->spec, fixture->output, NULL, &error));
  g_assert_error (error, VMROOT_ERROR, (gint)code);
  g_assert_nonnull (strstr (error->message, word));
}

static gchar *
read_output (Fixture *fixture, const gchar *name, gsize *size)
{
  g_autofree gchar *path = g_build_filename (fixture->output, name, NULL);
  g_autoptr (GError) error = NULL;
  gchar *content = NULL;

  g_file_get_contents (path, &content, size, &error);
  g_assert_no_error (error);
  return content;
}

/* Path to contents; "" for what is not a file. */
static GHashTable *
unpack (Fixture *fixture)
{
  GHashTable *files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  struct archive *reader = archive_read_new ();
  struct archive_entry *entry;
  gsize size;
  g_autofree gchar *content = read_output (fixture, "initramfs", &size);

  archive_read_support_format_cpio (reader);
  g_assert_cmpint (archive_read_open_memory (reader, content, size), ==, ARCHIVE_OK);
  while (archive_read_next_header (reader, &entry) == ARCHIVE_OK)
    {
      gsize length = (gsize)archive_entry_size (entry);
      gchar *text = g_malloc0 (length + 1);

      g_assert_cmpint (archive_read_data (reader, text, length), ==, length);
      g_hash_table_insert (files, g_strdup (archive_entry_pathname (entry)), text);
    }
  archive_read_free (reader);
  return files;
}

static void
assert_configuration (Fixture *fixture, const gchar *expected)
{
  g_autoptr (GHashTable) files = NULL;

  assert_build (fixture, TRUE);
  files = unpack (fixture);
  g_assert_cmpstr (g_hash_table_lookup (files, "vmroot-init.conf"), ==, expected);
}

#define MODULE_LINES                                                                               \
  "module kernel/drivers/virtio/virtio.ko\n"                                                       \
  "module kernel/drivers/virtio/virtio_ring.ko\n"                                                  \
  "module kernel/drivers/virtio/virtio_pci.ko\n"                                                   \
  "module kernel/fs/fuse/fuse.ko\n"                                                                \
  "module kernel/fs/fuse/virtiofs.ko\n"

static void
test_a_kernel_and_an_initramfs (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootBootImage) image = build (fixture);
  g_autoptr (GHashTable) files = unpack (fixture);
  g_autofree gchar *kernel_path = g_build_filename (fixture->output, "kernel", NULL);
  g_autofree gchar *initramfs_path = g_build_filename (fixture->output, "initramfs", NULL);
  g_autofree gchar *kernel = NULL;
  struct stat status;
  gsize size;

  g_assert_true (vmroot_boot_image_get_rebuilt (image));
  g_assert_cmpstr (vmroot_boot_image_get_kernel_version (image), ==, FAKE_DEBIAN_RELEASE);
  g_assert_cmpstr (vmroot_boot_image_get_kernel (image), ==, kernel_path);
  g_assert_cmpstr (vmroot_boot_image_get_initramfs (image), ==, initramfs_path);

  kernel = read_output (fixture, "kernel", &size);
  g_assert_cmpuint (size, ==, 2048);
  g_assert_cmpmem (kernel + 0x202, 4, "HdrS", 4);
  g_assert_cmpint (stat (initramfs_path, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 07777, ==, 0644);

  g_assert_cmpstr (g_hash_table_lookup (files, "modules/kernel/fs/fuse/virtiofs.ko"), ==,
                   "\177ELFkernel/fs/fuse/virtiofs.ko");
  g_assert_true (g_str_has_prefix (g_hash_table_lookup (files, "init"), "\177ELF"));
  g_assert_true (g_hash_table_contains (files, "dev/console"));
  g_assert_true (g_hash_table_contains (files, "proc"));
  g_assert_false (g_hash_table_contains (files, "modules/kernel/fs/overlayfs/overlay.ko"));
}

static void
test_configuration (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootShare) packages =
      vmroot_share_new ("/srv/packages", "/var/cache/my\\ pkgs", TRUE);
  g_autoptr (VmrootShare) work = vmroot_share_new ("/srv/work", "/work", FALSE);
  g_autoptr (VmrootTmpfs) small = vmroot_tmpfs_new ("/var/tmp", 1073741824);
  g_autoptr (VmrootTmpfs) plain = vmroot_tmpfs_new ("/scratch", 0);

  assert_configuration (fixture, "version 1\n" MODULE_LINES "timeout 30\n"
                                 "on-failure power-off\n"
                                 "mount virtiofs vmroot / rw,relatime\n");

  vmroot_spec_set_tag (fixture->spec, "my-root");
  vmroot_spec_set_read_only (fixture->spec, TRUE);
  vmroot_spec_set_on_failure (fixture->spec, VMROOT_ON_FAILURE_SHELL);
  vmroot_spec_add_share (fixture->spec, packages);
  vmroot_spec_add_share (fixture->spec, work);
  vmroot_spec_add_tmpfs (fixture->spec, small);
  vmroot_spec_add_tmpfs (fixture->spec, plain);
  vmroot_spec_set_run_file (fixture->spec, "systemd/network/10-a.network", "[Network]\n");
  assert_configuration (fixture, "version 1\n" MODULE_LINES "timeout 30\n"
                                 "on-failure shell\n"
                                 "mount virtiofs my-root / ro,relatime\n"
                                 "mount virtiofs vmroot-share-1 /var/cache/my\\134\\040pkgs ro\n"
                                 "mount virtiofs vmroot-share-2 /work rw\n"
                                 "mount tmpfs tmpfs /var/tmp size=1073741824,mode=1777\n"
                                 "mount tmpfs tmpfs /scratch mode=1777\n"
                                 "run-file systemd/network/10-a.network 0644 1\n");
}

/* Whether the server is a host with vmroot, only the guest can find out. */
static void
test_shares_over_nfs (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootShare) share = vmroot_share_new ("/srv/my pkgs", "/pkgs", TRUE);
  g_autoptr (GVariant) request = NULL;
  const gchar *configuration;

  vmroot_spec_set_transport (fixture->spec, VMROOT_TRANSPORT_NFS);
  vmroot_spec_set_mac_address (fixture->spec, "52:54:00:12:34:56");
  vmroot_spec_set_address (fixture->spec, "192.168.122.5/24");
  vmroot_spec_set_server (fixture->spec, "192.168.122.1");
  vmroot_spec_add_share (fixture->spec, share);
  request = vmroot_builder_request_new ("build", fixture->tree, fixture->spec);
  g_assert_true (g_variant_lookup (request, "configuration", "&s", &configuration));
  g_test_message ("%s", configuration);
  g_assert_nonnull (strstr (
      configuration, "\nmount nfs4 192.168.122.1:/run/vmroot/shares/192.168.122.5/1 /pkgs ro,"));
  g_assert_nonnull (strstr (configuration, "\nor 192.168.122.1:/srv/my\\040pkgs\n"));
}

static void
test_an_ephemeral_root (Fixture *fixture, gconstpointer data)
{
  vmroot_spec_set_ephemeral (fixture->spec, TRUE);
  assert_configuration (fixture,
                        "version 1\n" MODULE_LINES "module kernel/fs/overlayfs/overlay.ko\n"
                        "timeout 30\n"
                        "on-failure power-off\n"
                        "mount virtiofs vmroot / ro,relatime\n"
                        "overlay\n");
}

static void
test_run_files_are_packed (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GHashTable) files = NULL;

  vmroot_spec_set_run_file (fixture->spec, "b", "second");
  vmroot_spec_set_run_file (fixture->spec, "a", "first");
  assert_build (fixture, TRUE);
  files = unpack (fixture);

  g_assert_cmpstr (g_hash_table_lookup (files, "run-files/1"), ==, "first");
  g_assert_cmpstr (g_hash_table_lookup (files, "run-files/2"), ==, "second");
}

static void
test_nothing_is_built_twice (Fixture *fixture, gconstpointer data)
{
  assert_build (fixture, TRUE);
  assert_build (fixture, FALSE);
  assert_build (fixture, FALSE);

  /* What does not go into the image. */
  fake_tree_write (fixture->root, "/etc/hostname", "guest\n");
  fake_tree_write (fixture->root, "/usr/bin/program", "");
  assert_build (fixture, FALSE);
}

/* What libvirt does to the files of each guest it starts. */
static void
test_a_change_of_owner_is_none (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *kernel = g_build_filename (fixture->output, "kernel", NULL);

  assert_build (fixture, TRUE);
  g_assert_cmpint (chmod (kernel, 0600), ==, 0);
  assert_build (fixture, FALSE);
}

static void
test_a_new_kernel_is_noticed (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootBootImage) image = NULL;

  assert_build (fixture, TRUE);
  fake_tree_write_kernel (fixture->root, "/boot/vmlinuz-6.12.0", "6.12.0");
  fake_tree_write (fixture->root, "/usr/lib/modules/6.12.0/modules.builtin",
                   "kernel/virtio_pci.ko\nkernel/virtiofs.ko\n");
  image = build (fixture);

  g_assert_true (vmroot_boot_image_get_rebuilt (image));
  g_assert_cmpstr (vmroot_boot_image_get_kernel_version (image), ==, "6.12.0");
}

static void
test_changes_of_the_tree_are_noticed (Fixture *fixture, gconstpointer data)
{
  static const gchar *const paths[] = { FAKE_DEBIAN_MODULES "/kernel/fs/fuse/fuse.ko",
                                        FAKE_DEBIAN_MODULES "/modules.softdep",
                                        FAKE_DEBIAN_MODULES "/modules.builtin" };
  static const gchar *const texts[] = { "\177ELF another", "# another\n", "kernel/a.ko\n" };

  assert_build (fixture, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      fake_tree_write (fixture->root, paths[i], texts[i]);
      fake_tree_settle ();
      assert_build (fixture, TRUE);
      assert_build (fixture, FALSE);
    }
}

static void
test_changes_of_the_spec_are_noticed (Fixture *fixture, gconstpointer data)
{
  assert_build (fixture, TRUE);
  vmroot_spec_set_read_only (fixture->spec, TRUE);
  assert_build (fixture, TRUE);
  vmroot_spec_set_run_file (fixture->spec, "a", "text");
  assert_build (fixture, TRUE);
  vmroot_spec_set_run_file (fixture->spec, "a", "other");
  assert_build (fixture, TRUE);

  /* The kernel's arguments are libvirt's to give. */
  vmroot_spec_set_kernel_args (fixture->spec, "quiet");
  assert_build (fixture, FALSE);
}

/* Whatever is left of a build that was killed, the next one does not use. */
static void
test_an_interrupted_build (Fixture *fixture, gconstpointer data)
{
  static const gchar *const lost[] = { "kernel", "initramfs", "inputs" };

  assert_build (fixture, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (lost); i++)
    {
      g_autofree gchar *path = g_build_filename (fixture->output, lost[i], NULL);

      g_assert_cmpint (unlink (path), ==, 0);
      fake_tree_write (fixture->output, "/.kernel", "half of a ker");
      fake_tree_write (fixture->output, "/.initramfs", "");
      assert_build (fixture, TRUE);
      assert_build (fixture, FALSE);
    }

  fake_tree_write (fixture->output, "/inputs", "('0.1.0', 'half of a rec");
  assert_build (fixture, TRUE);
  fake_tree_write (fixture->output, "/kernel", "of another image");
  assert_build (fixture, TRUE);
}

/* A failed build leaves the image that was there. */
static void
test_a_failed_build (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GHashTable) files = NULL;
  g_autofree gchar *temporary = g_build_filename (fixture->output, ".initramfs", NULL);

  assert_build (fixture, TRUE);
  fake_tree_write (fixture->root, FAKE_DEBIAN_MODULES "/modules.dep", "kernel/a.ko:\n");
  assert_fails (fixture, VMROOT_ERROR_NO_MODULE, "virtio_pci");

  files = unpack (fixture);
  g_assert_true (g_hash_table_contains (files, "modules/kernel/fs/fuse/virtiofs.ko"));
  g_assert_false (g_file_test (temporary, G_FILE_TEST_EXISTS));
}

static void
test_the_same_bytes (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *inputs = g_build_filename (fixture->output, "inputs", NULL);
  g_autofree gchar *first = NULL;
  g_autofree gchar *second = NULL;
  gsize first_size, second_size;

  assert_build (fixture, TRUE);
  first = read_output (fixture, "initramfs", &first_size);
  g_assert_cmpint (unlink (inputs), ==, 0);
  assert_build (fixture, TRUE);
  second = read_output (fixture, "initramfs", &second_size);

  g_assert_cmpmem (first, first_size, second, second_size);
}

static void
test_the_initramfs_of_the_guest (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *initramfs = NULL;

  vmroot_spec_set_boot_source (fixture->spec, VMROOT_BOOT_SOURCE_GUEST);
  assert_fails (fixture, VMROOT_ERROR_NO_INITRAMFS, FAKE_DEBIAN_RELEASE);

  fake_tree_write (fixture->root, "/boot/initrd.img-" FAKE_DEBIAN_RELEASE, "as it is");
  assert_build (fixture, TRUE);
  initramfs = read_output (fixture, "initramfs", NULL);
  g_assert_cmpstr (initramfs, ==, "as it is");
}

/* Nothing is in it but the end of the archive, and the kernel looks for its root by itself. */
static void
test_a_kernel_that_mounts_nfs (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *initramfs = NULL;
  gsize size;

  g_object_set (fixture->spec, "transport", VMROOT_TRANSPORT_NFS, "boot-source",
                VMROOT_BOOT_SOURCE_GUEST, "mac-address", "52:54:00:12:34:56", "address",
                "192.168.122.5/24", "server", "192.168.122.1", NULL);
  fake_tree_write (fixture->root, "/boot/config-" FAKE_DEBIAN_RELEASE,
                   "#\nCONFIG_ROOT_NFS=y\nCONFIG_IP_PNP=y\nCONFIG_NFS_V4=y\nCONFIG_NFS_V4_1=y\n"
                   "CONFIG_NFS_V4_2=y\nCONFIG_VIRTIO_PCI=y\nCONFIG_VIRTIO_NET=y\n");
  assert_build (fixture, TRUE);
  initramfs = read_output (fixture, "initramfs", &size);
  g_assert_cmpuint (size, <, 1024);

  fake_tree_write (fixture->root, "/boot/config-" FAKE_DEBIAN_RELEASE, "#\n");
  assert_fails (fixture, VMROOT_ERROR_NO_INITRAMFS, FAKE_DEBIAN_RELEASE);
}

/* Its image would hold an address that the spec does not have; checking the tree needs none. */
static void
test_a_root_on_nfs_without_address (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) findings = NULL;

  vmroot_spec_set_transport (fixture->spec, VMROOT_TRANSPORT_NFS);
  assert_fails (fixture, VMROOT_ERROR_INVALID_SPEC, "address");

  findings = vmroot_tree_check (fixture->tree, fixture->spec, NULL, NULL);
  g_assert_nonnull (findings);
}

static void
test_a_spec_that_cannot_be (Fixture *fixture, gconstpointer data)
{
  vmroot_spec_set_tag (fixture->spec, "a tag that is much longer than virtiofs allows it");
  assert_fails (fixture, VMROOT_ERROR_INVALID_TAG, "tag");
}

static void
test_no_kernel (Fixture *fixture, gconstpointer data)
{
  vmroot_spec_set_kernel (fixture->spec, "5.10.0");
  assert_fails (fixture, VMROOT_ERROR_NO_KERNEL, FAKE_DEBIAN_RELEASE);
}

/* The kernel is a link out of the tree; the host's file of that name must not be read. */
static void
test_a_kernel_outside (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FakeTree) host = fake_tree_new ();
  g_autofree gchar *secret = g_build_filename (host, "secret", NULL);

  fake_tree_write_kernel (host, "/secret", "9.0.0");
  fake_tree_link (fixture->root, "/boot/vmlinuz-9.0.0", secret);
  vmroot_spec_set_kernel (fixture->spec, "9.0.0");
  assert_fails (fixture, VMROOT_ERROR_NO_KERNEL, FAKE_DEBIAN_RELEASE);
}

static void
test_a_module_that_is_a_fifo (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *path =
      g_build_filename (fixture->root, FAKE_DEBIAN_MODULES, "kernel/fs/fuse/fuse.ko", NULL);

  g_assert_cmpint (unlink (path), ==, 0);
  fake_tree_make_fifo (fixture->root, FAKE_DEBIAN_MODULES "/kernel/fs/fuse/fuse.ko");
  assert_fails (fixture, VMROOT_ERROR_UNSAFE_TREE, "fuse.ko");
}

static void
test_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_null (
      vmroot_boot_image_build (fixture->tree, fixture->spec, fixture->output, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
on_built (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VmrootBootImage **image = user_data;
  g_autoptr (GError) error = NULL;

  *image = vmroot_boot_image_build_finish (result, &error);
  g_assert_no_error (error);
}

static void
test_in_a_thread (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootBootImage) image = NULL;

  vmroot_boot_image_build_async (fixture->tree, fixture->spec, fixture->output, NULL, on_built,
                                 &image);
  while (image == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (vmroot_boot_image_get_rebuilt (image));
}

#define ADD(name, function)                                                                        \
  g_test_add ("/boot-image/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("contents", test_a_kernel_and_an_initramfs);
  ADD ("configuration", test_configuration);
  ADD ("shares-over-nfs", test_shares_over_nfs);
  ADD ("ephemeral", test_an_ephemeral_root);
  ADD ("run-files", test_run_files_are_packed);
  ADD ("unchanged", test_nothing_is_built_twice);
  ADD ("owner", test_a_change_of_owner_is_none);
  ADD ("new-kernel", test_a_new_kernel_is_noticed);
  ADD ("changed-tree", test_changes_of_the_tree_are_noticed);
  ADD ("changed-spec", test_changes_of_the_spec_are_noticed);
  ADD ("interrupted", test_an_interrupted_build);
  ADD ("failed", test_a_failed_build);
  ADD ("reproducible", test_the_same_bytes);
  ADD ("guest-initramfs", test_the_initramfs_of_the_guest);
  ADD ("built-inbuilt-in", test_a_kernel_that_mounts_nfs);
  ADD ("nfs", test_a_root_on_nfs_without_address);
  ADD ("invalid-spec", test_a_spec_that_cannot_be);
  ADD ("no-kernel", test_no_kernel);
  ADD ("hostile/kernel-outside", test_a_kernel_outside);
  ADD ("hostile/fifo", test_a_module_that_is_a_fifo);
  ADD ("cancelled", test_cancelled);
  ADD ("async", test_in_a_thread);
  return g_test_run ();
}
