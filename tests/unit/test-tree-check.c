/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "vmroot.h"

#include <archive.h>
#include <archive_entry.h>
#include <elf.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fake-tree.h"
#include "vmroot-tree-private.h"

#define NOBODY 65534

static GPtrArray *
check (FakeTree *root, VmrootSpec *spec)
{
  g_autoptr (VmrootTree) tree = fake_tree_open (root);
  g_autoptr (GError) error = NULL;
  GPtrArray *findings = vmroot_tree_check (tree, spec, NULL, &error);

  g_assert_no_error (error);
  return findings;
}

static VmrootFinding *
find (GPtrArray *findings, const gchar *id)
{
  for (guint i = 0; i < findings->len; i++)
    if (g_str_equal (vmroot_finding_get_id (findings->pdata[i]), id))
      return findings->pdata[i];
  return NULL;
}

/* Asserts that just these were found, in this order, and that each says what it is. */
static void
assert_findings (FakeTree *root, VmrootSpec *spec, const gchar *const *ids)
{
  g_autoptr (GPtrArray) findings = check (root, spec);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) found = NULL;

  for (guint i = 0; i < findings->len; i++)
    {
      g_strv_builder_add (builder, vmroot_finding_get_id (findings->pdata[i]));
      g_assert_nonnull (vmroot_finding_get_title (findings->pdata[i]));
      g_assert_nonnull (vmroot_finding_get_detail (findings->pdata[i]));
    }
  found = g_strv_builder_end (builder);
  g_assert_cmpstrv (found, ids);
}

static void
assert_finding (FakeTree *root, VmrootSpec *spec, const gchar *id)
{
  const gchar *const ids[] = { id, NULL };

  assert_findings (root, spec, ids);
}

/* The fake tree is for x86_64; elsewhere it is rightly found to be for another processor. */
static gboolean
skip_elsewhere (void)
{
  struct utsname host;

  uname (&host);
  if (g_str_equal (host.machine, "x86_64"))
    return FALSE;
  g_test_skip ("the tree made for this test is for x86_64");
  return TRUE;
}

static void
test_nothing_is_wrong_with_debian (void)
{
  g_autoptr (FakeTree) root = fake_tree_new_debian ();
  const gchar *const none[] = { NULL };

  if (skip_elsewhere ())
    return;
  fake_tree_write (root, "/etc/fstab",
                   "# /dev/sda1 / ext4\n"
                   "proc /proc proc defaults 0 0\n"
                   "server:/home /home nfs4 defaults 0 0\n"
                   "/dev/cdrom /media/cdrom iso9660 ro,noauto 0 0\n"
                   "/dev/sdb1 /data ext4 defaults,nofail 0 0\n");
  assert_findings (root, NULL, none);
}

static void
test_not_a_root (void)
{
  g_autoptr (FakeTree) root = fake_tree_new ();

  fake_tree_write (root, "/holiday/photo.jpg", "");
  assert_finding (root, NULL, "not-a-root");
}

static void
test_an_unfinished_root (void)
{
  g_autoptr (FakeTree) root = fake_tree_new ();
  const gchar *const ids[] = { "no-init", "no-os-release", "no-kernel", NULL };

  fake_tree_make_directory (root, "/etc");
  fake_tree_make_directory (root, "/usr");
  assert_findings (root, NULL, ids);
}

/* What root may read and this user may not is no fault of the tree. */
static void
test_a_closed_boot_directory (void)
{
  g_autoptr (FakeTree) root = NULL;
  g_autofree gchar *boot = NULL;
  g_autoptr (GPtrArray) findings = NULL;
  VmrootFinding *finding;

  /* Nothing is closed to root. */
  if (getuid () == 0)
    g_assert_no_errno (seteuid (NOBODY));
  root = fake_tree_new_debian ();
  boot = g_build_filename (root, "boot", NULL);
  g_assert_cmpint (chmod (boot, 0), ==, 0);
  findings = check (root, NULL);
  g_assert_cmpint (chmod (boot, 0755), ==, 0);
  g_assert_no_errno (seteuid (getuid ()));

  finding = find (findings, "kernel-unreadable");
  g_assert_nonnull (finding);
  g_assert_cmpint (vmroot_finding_get_severity (finding), ==, VMROOT_SEVERITY_INFO);
}

static void
test_missing_modules (void)
{
  g_autoptr (FakeTree) root = fake_tree_new_debian ();
  g_autoptr (VmrootSpec) spec = vmroot_spec_new (root);
  g_autoptr (GPtrArray) findings = NULL;
  VmrootFinding *finding;

  if (skip_elsewhere ())
    return;
  fake_tree_write (root, FAKE_DEBIAN_MODULES "/modules.dep",
                   "kernel/drivers/virtio/virtio_pci.ko:\nkernel/fs/fuse/virtiofs.ko:\n");
  vmroot_spec_set_ephemeral (spec, TRUE);
  findings = check (root, spec);

  g_assert_cmpuint (findings->len, ==, 1);
  finding = find (findings, "no-module");
  g_assert_nonnull (finding);
  g_assert_cmpint (vmroot_finding_get_severity (finding), ==, VMROOT_SEVERITY_ERROR);
  g_assert_nonnull (strstr (vmroot_finding_get_detail (finding), "CONFIG_OVERLAY_FS"));
}

static void
test_a_kernel_without_modules (void)
{
  g_autoptr (FakeTree) root = fake_tree_new_debian ();
  g_autoptr (VmrootSpec) spec = vmroot_spec_new (root);

  if (skip_elsewhere ())
    return;
  fake_tree_write_kernel (root, "/boot/vmlinuz-6.6.1", "6.6.1");
  vmroot_spec_set_kernel (spec, "6.6.1");
  assert_finding (root, spec, "no-modules");
}

static void
test_another_processor (void)
{
  g_autoptr (FakeTree) root = fake_tree_new_debian ();
  g_autoptr (GPtrArray) findings = NULL;
  VmrootFinding *finding;

  fake_tree_write_program (root, "/usr/lib/systemd/systemd", EM_S390);
  findings = check (root, NULL);
  finding = find (findings, "architecture");

  g_assert_nonnull (finding);
  g_assert_nonnull (strstr (vmroot_finding_get_detail (finding), "s390x"));
}

static void
test_fstab (void)
{
  g_autoptr (FakeTree) root = fake_tree_new_debian ();
  g_autoptr (GPtrArray) findings = NULL;
  const gchar *const ids[] = { "fstab-root", "fstab-device", "fstab-swap", NULL };

  if (skip_elsewhere ())
    return;
  fake_tree_write (root, "/etc/fstab",
                   "UUID=0123-4567 / ext4 errors=remount-ro 0 1\n"
                   "/dev/sda1\t/boot/my\\040efi vfat umask=0077 0 1\n"
                   "/swapfile none swap sw 0 0\n");
  assert_findings (root, NULL, ids);

  findings = check (root, NULL);
  g_assert_nonnull (
      strstr (vmroot_finding_get_detail (find (findings, "fstab-device")), "/boot/my efi"));
}

static void
test_a_hostile_fstab (void)
{
  g_autoptr (FakeTree) root = fake_tree_new_debian ();
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GPtrArray) findings = NULL;

  for (guint i = 0; i < 5000; i++)
    g_string_append_printf (text, "/dev/sd%u /mnt/\\033[31m%u ext4\n", i, i);
  fake_tree_write (root, "/etc/fstab", text->str);
  findings = check (root, NULL);

  g_assert_cmpuint (findings->len, <=, 60);
}

static void
test_selinux (void)
{
  g_autoptr (FakeTree) root = fake_tree_new_debian ();
  g_autoptr (VmrootSpec) spec = vmroot_spec_new (root);
  const gchar *const none[] = { NULL };

  if (skip_elsewhere ())
    return;
  fake_tree_write (root, "/etc/selinux/config", "# SELINUX=\nSELINUX=enforcing\n");
  assert_finding (root, spec, "selinux");

  vmroot_spec_set_xattrs (spec, VMROOT_XATTRS_SELINUX);
  assert_findings (root, spec, none);
}

static void
append_names (struct archive *archive, const gchar *const *names)
{
  for (; *names != NULL; names++)
    {
      struct archive_entry *entry = archive_entry_new ();

      archive_entry_set_pathname (entry, *names);
      archive_entry_set_mode (entry, S_IFREG | 0644);
      archive_entry_set_size (entry, 0);
      g_assert_cmpint (archive_write_header (archive, entry), ==, ARCHIVE_OK);
      archive_entry_free (entry);
    }
}

/* An archive with these names, compressed, behind an uncompressed one of microcode. */
static void
write_initramfs_of (FakeTree *root,
                    const gchar *path,
                    const gchar *filter,
                    const gchar *const *names)
{
  static const gchar *const early[] = { "bin", "kernel/x86/microcode/GenuineIntel.bin", NULL };
  g_autofree gchar *buffer = g_malloc0 (1 << 20);
  gsize total = 0;

  for (guint part = 0; part < 2; part++)
    {
      struct archive *archive = archive_write_new ();
      gsize used = 0;

      archive_write_set_format_cpio_newc (archive);
      if (part == 1 && filter != NULL)
        archive_write_add_filter_by_name (archive, filter);
      archive_write_open_memory (archive, buffer + total, (1 << 20) - total, &used);
      append_names (archive, part == 0 ? early : names);
      g_assert_cmpint (archive_write_close (archive), ==, ARCHIVE_OK);
      archive_write_free (archive);
      total += used;
    }
  fake_tree_write_data (root, path, buffer, total);
}

static void
write_initramfs (FakeTree *root, const gchar *path, const gchar *filter, const gchar *name)
{
  const gchar *const names[] = { "bin", name, NULL };

  write_initramfs_of (root, path, filter, names);
}

static void
test_generators (void)
{
  static const struct
  {
    const gchar *filter;
    const gchar *name;
    const gchar *generator;
  } cases[] = {
    { "zstd", "usr/lib/dracut/build-parameter.txt", "dracut" },
    { "zstd", "scripts/init-top", "initramfs-tools" },
    { "xz", "init_functions", "mkinitcpio" },
    { "gzip", "usr/sbin/nlplug-findfs", "mkinitfs" },
    { NULL, "etc/initrd.defaults", "genkernel" },
    { "gzip", "etc/passwd", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (FakeTree) root = fake_tree_new_debian ();
      g_autoptr (VmrootTree) tree = fake_tree_open (root);
      g_autofree gchar *generator = NULL;

      write_initramfs (root, "/boot/initrd.img-" FAKE_DEBIAN_RELEASE, cases[i].filter,
                       cases[i].name);
      generator = vmroot_tree_get_initramfs_generator (tree);
      g_assert_cmpstr (generator, ==, cases[i].generator);
    }
}

static void
test_a_generator_that_is_installed (void)
{
  g_autoptr (FakeTree) root = fake_tree_new_debian ();
  g_autoptr (VmrootTree) tree = fake_tree_open (root);
  g_autofree gchar *generator = NULL;

  fake_tree_write (root, "/usr/bin/dracut", "");
  g_assert_null (vmroot_tree_get_initramfs_generator (tree));

  fake_tree_write (root, "/boot/initrd.img-" FAKE_DEBIAN_RELEASE, "not an archive");
  generator = vmroot_tree_get_initramfs_generator (tree);
  g_assert_cmpstr (generator, ==, "dracut");
}

static void
test_the_initramfs_of_the_guest (void)
{
  g_autoptr (FakeTree) root = fake_tree_new_debian ();
  g_autoptr (VmrootSpec) spec = vmroot_spec_new (root);
  const gchar *const none[] = { NULL };

  if (skip_elsewhere ())
    return;
  vmroot_spec_set_boot_source (spec, VMROOT_BOOT_SOURCE_GUEST);
  assert_finding (root, spec, "no-initramfs");

  write_initramfs (root, "/boot/initrd.img-" FAKE_DEBIAN_RELEASE, "gzip", "sbin/nlplug-findfs");
  assert_finding (root, spec, "guest-initramfs");

  write_initramfs (root, "/boot/initrd.img-" FAKE_DEBIAN_RELEASE, "gzip", "scripts/init-top");
  assert_findings (root, spec, none);
}

/* A spec of a root by NFS, described whole. */
static VmrootSpec *
new_nfs_spec (FakeTree *root)
{
  VmrootSpec *spec = vmroot_spec_new (root);

  vmroot_spec_set_transport (spec, VMROOT_TRANSPORT_NFS);
  vmroot_spec_set_mac_address (spec, "52:54:00:12:34:56");
  vmroot_spec_set_address (spec, "192.168.122.5/24");
  vmroot_spec_set_server (spec, "192.168.122.1");
  return spec;
}

/* Debian's, and its kernel has what a root by NFS needs. */
static FakeTree *
new_nfs_tree (void)
{
  FakeTree *root = fake_tree_new_debian ();

  fake_tree_write (root, FAKE_DEBIAN_MODULES "/modules.dep",
                   "kernel/drivers/virtio/virtio_pci.ko:\nkernel/drivers/net/virtio_net.ko:\n"
                   "kernel/fs/nfs/nfsv4.ko:\n");
  return root;
}

static void
assert_says (FakeTree *root, VmrootSpec *spec, const gchar *id, const gchar *text)
{
  g_autoptr (GPtrArray) findings = check (root, spec);
  VmrootFinding *finding = find (findings, id);

  g_assert_nonnull (finding);
  g_assert_nonnull (strstr (vmroot_finding_get_detail (finding), text));
}

static void
test_nothing_is_wrong_by_nfs (void)
{
  g_autoptr (FakeTree) root = new_nfs_tree ();
  g_autoptr (VmrootSpec) spec = new_nfs_spec (root);
  const gchar *const none[] = { NULL };

  if (skip_elsewhere ())
    return;
  assert_findings (root, spec, none);
}

static void
test_an_initramfs_by_nfs (void)
{
  static const struct
  {
    const gchar *mark;
    const gchar *without;
    const gchar *with;
  } cases[] = {
    { "usr/lib/dracut/build-parameter.txt", "usr/lib/nfs", "usr/lib/nfs-lib.sh" },
    { "scripts/init-top", "bin/nfsmount", "sbin/mount.nfs" },
    { "init_functions", "usr/lib/modules/6.1.0/kernel/nfsv3.ko.zst",
      "usr/lib/modules/6.1.0/kernel/nfsv4.ko.zst" },
  };
  const gchar *const none[] = { NULL };

  if (skip_elsewhere ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (FakeTree) root = new_nfs_tree ();
      g_autoptr (VmrootSpec) spec = new_nfs_spec (root);
      const gchar *const without[] = { cases[i].mark, cases[i].without, NULL };
      const gchar *const with[] = { cases[i].mark, cases[i].with, NULL };

      vmroot_spec_set_boot_source (spec, VMROOT_BOOT_SOURCE_GUEST);
      write_initramfs_of (root, "/boot/initrd.img-" FAKE_DEBIAN_RELEASE, "gzip", without);
      assert_finding (root, spec, "guest-initramfs-nfs");

      write_initramfs_of (root, "/boot/initrd.img-" FAKE_DEBIAN_RELEASE, "gzip", with);
      assert_findings (root, spec, none);
    }
}

#define CONFIG                                                                                     \
  "# Linux\nCONFIG_ROOT_NFS=y\nCONFIG_IP_PNP=y\nCONFIG_NFS_V4=y\nCONFIG_NFS_V4_1=y\n"              \
  "CONFIG_VIRTIO_PCI=y\nCONFIG_VIRTIO_NET=y\n"

/* A kernel that mounts its root by itself needs no initramfs. */
static void
test_a_kernel_that_mounts_nfs (void)
{
  g_autoptr (FakeTree) root = new_nfs_tree ();
  g_autoptr (VmrootSpec) spec = new_nfs_spec (root);
  const gchar *const none[] = { NULL };

  if (skip_elsewhere ())
    return;
  vmroot_spec_set_boot_source (spec, VMROOT_BOOT_SOURCE_GUEST);
  assert_says (root, spec, "no-initramfs", "/boot/config-" FAKE_DEBIAN_RELEASE);

  fake_tree_write (root, "/boot/config-" FAKE_DEBIAN_RELEASE, CONFIG "CONFIG_NFS_V4_2=m\n");
  assert_says (root, spec, "no-initramfs", "CONFIG_NFS_V4_2=y");

  fake_tree_write (root, "/boot/config-" FAKE_DEBIAN_RELEASE, CONFIG "CONFIG_NFS_V4_2=y\n");
  assert_findings (root, spec, none);
}

static void
test_fstab_by_nfs (void)
{
  static const struct
  {
    const gchar *line; /* %s: the directory of the host */
    const gchar *id;   /* NULL: nothing is wrong */
    const gchar *says;
  } cases[] = {
    { "192.168.122.1:%s / nfs4 defaults 0 0\n", NULL, NULL },
    { "192.168.122.1:%s / nfs4 rw,vers=4.2,hard,_netdev,x-a=b 0 0\n", NULL, NULL },
    { "192.168.1.1:%s / nfs4 defaults 0 0\n", "fstab-root", "192.168.1.1:/" },
    { "192.168.122.1:/other%s / nfs defaults 0 0\n", "fstab-root", "192.168.122.1:/other" },
    { "vmroot / virtiofs rw 0 0\n", "fstab-root", "virtiofs" },
    { "192.168.122.1:%s / nfs4 ro 0 0\n", "fstab-root-options", "“ro”" },
    { "192.168.122.1:%s / nfs4 vers=3 0 0\n", "fstab-root-options", "“vers=3”" },
  };
  const gchar *const none[] = { NULL };

  if (skip_elsewhere ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (FakeTree) root = new_nfs_tree ();
      g_autoptr (VmrootSpec) spec = new_nfs_spec (root);
      g_auto (GStrv) parts = g_strsplit (cases[i].line, "%s", 2);
      g_autofree gchar *line = g_strjoinv (root, parts);

      fake_tree_write (root, "/etc/fstab", line);
      if (cases[i].id == NULL)
        assert_findings (root, spec, none);
      else
        {
          assert_finding (root, spec, cases[i].id);
          assert_says (root, spec, cases[i].id, cases[i].says);
        }
    }
}

/* A root by virtiofs is no NFS root either; without a server, nobody knows what it will be. */
static void
test_fstab_with_a_root_by_nfs (void)
{
  g_autoptr (FakeTree) root = new_nfs_tree ();
  g_autoptr (VmrootSpec) undescribed = vmroot_spec_new (root);

  fake_tree_write (root, "/etc/fstab", "192.168.1.1:/srv / nfs4 defaults 0 0\n");
  assert_says (root, NULL, "fstab-root", "192.168.1.1:/srv (nfs4)");

  if (skip_elsewhere ())
    return;
  vmroot_spec_set_transport (undescribed, VMROOT_TRANSPORT_NFS);
  assert_findings (root, undescribed, (const gchar *const[]){ NULL });
}

static void
test_swap_unit (void)
{
  g_autoptr (FakeTree) root = fake_tree_new_debian ();

  if (skip_elsewhere ())
    return;
  fake_tree_write (root, "/etc/systemd/system/swapfile.swap", "[Swap]\nWhat=/swapfile\n");
  assert_finding (root, NULL, "swap-unit");
}

static void
test_selinux_by_nfs (void)
{
  g_autoptr (FakeTree) root = new_nfs_tree ();
  g_autoptr (VmrootSpec) spec = new_nfs_spec (root);
  const gchar *const none[] = { NULL };

  if (skip_elsewhere ())
    return;
  fake_tree_write (root, "/etc/selinux/config", "SELINUX=enforcing\n");
  assert_finding (root, spec, "selinux");
  assert_says (root, spec, "selinux", "nfs_t");

  vmroot_spec_set_kernel_args (spec, "quiet enforcing=0");
  assert_findings (root, spec, none);
}

static VmrootSeverity
get_severity_of_journal (FakeTree *root, VmrootSpec *spec)
{
  g_autoptr (GPtrArray) findings = check (root, spec);

  g_assert_nonnull (find (findings, "nfs-journal"));
  return vmroot_finding_get_severity (find (findings, "nfs-journal"));
}

static void
test_journal (void)
{
  g_autoptr (FakeTree) root = new_nfs_tree ();
  g_autoptr (VmrootSpec) spec = new_nfs_spec (root);
  g_autoptr (GPtrArray) of_virtiofs = NULL;
  g_autoptr (VmrootTmpfs) tmpfs = vmroot_tmpfs_new ("/var/log/journal", 0);
  const gchar *const none[] = { NULL };

  if (skip_elsewhere ())
    return;
  fake_tree_write (root, "/usr/lib/systemd/systemd-journald", "");
  assert_findings (root, spec, none);

  fake_tree_make_directory (root, "/var/log/journal");
  g_assert_cmpint (get_severity_of_journal (root, spec), ==, VMROOT_SEVERITY_INFO);

  fake_tree_write (root, "/etc/systemd/journald.conf", "[Journal]\n#Storage=auto\n");
  fake_tree_write (root, "/etc/systemd/journald.conf.d/a.conf", "[Journal]\nStorage=persistent\n");
  g_assert_cmpint (get_severity_of_journal (root, spec), ==, VMROOT_SEVERITY_WARNING);

  fake_tree_write (root, "/etc/systemd/journald.conf.d/b.conf", "[Journal]\n Storage=volatile\n");
  assert_findings (root, spec, none);

  fake_tree_write (root, "/etc/systemd/journald.conf.d/b.conf", "");
  vmroot_spec_add_tmpfs (spec, tmpfs);
  assert_findings (root, spec, none);

  of_virtiofs = check (root, NULL);
  g_assert_null (find (of_virtiofs, "nfs-journal"));
}

/* The same with another init than systemd. */
static FakeTree *
new_nfs_tree_without_systemd (void)
{
  FakeTree *root = new_nfs_tree ();
  g_autofree gchar *init = g_build_filename (root, "/usr/sbin/init", NULL);

  g_assert_no_errno (unlink (init));
  fake_tree_write_program (root, "/usr/sbin/init", EM_X86_64);
  return root;
}

/* Services that are told by a file below /run to leave the root's interface alone are not named. */
static void
test_network_services (void)
{
  static const struct
  {
    const gchar *start;
    const gchar *file;
    const gchar *taking; /* what the file says, and what its lines say once it is put right */
    const gchar *leaving;
    const gchar *text;
  } cases[] = {
    { "/etc/runlevels/default/dhcpcd", "/etc/dhcpcd.conf", "#persistent\nhostname\n",
      "hostname\n persistent\n", "dhcpcd" },
    { "/etc/rc2.d/S03dhcpcd", "/etc/dhcpcd.conf", "", "denyinterfaces eth0\n", "dhcpcd" },
    { "/etc/runlevels/boot/networking", "/etc/network/interfaces",
      "auto lo\niface lo inet loopback\n\nauto eth7\niface eth7 inet dhcp\n",
      "auto lo\niface lo inet loopback\n", "eth7" },
    { "/etc/runlevels/default/net.eth0", "/etc/conf.d/net", "config_eth0=\"dhcp\"\n",
      "config_eth0=\"null\"\n", "net.eth0" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (FakeTree) root = new_nfs_tree_without_systemd ();
      g_autoptr (VmrootSpec) spec = new_nfs_spec (root);
      g_autoptr (GPtrArray) not_started = NULL;
      g_autoptr (GPtrArray) put_right = NULL;
      g_autoptr (GPtrArray) of_virtiofs = NULL;

      fake_tree_write (root, "/etc/runlevels/boot/net.lo", "");
      fake_tree_write (root, "/etc/rc2.d/K01dhcpcd", "");
      fake_tree_write (root, cases[i].file, cases[i].taking);
      not_started = check (root, spec);
      g_assert_null (find (not_started, "network-service"));

      fake_tree_write (root, cases[i].start, "");
      assert_says (root, spec, "network-service", cases[i].text);
      of_virtiofs = check (root, NULL);
      g_assert_null (find (of_virtiofs, "network-service"));

      fake_tree_write (root, cases[i].file, cases[i].leaving);
      put_right = check (root, spec);
      g_assert_null (find (put_right, "network-service"));
    }
}

static void
test_network_services_that_a_file_tells (void)
{
  g_autoptr (FakeTree) debian = new_nfs_tree ();
  g_autoptr (FakeTree) sysvinit = new_nfs_tree_without_systemd ();
  g_autoptr (VmrootSpec) debian_spec = new_nfs_spec (debian);
  g_autoptr (VmrootSpec) sysvinit_spec = new_nfs_spec (sysvinit);
  g_autoptr (GPtrArray) of_debian = NULL;
  g_autoptr (GPtrArray) of_sysvinit = NULL;

  fake_tree_write (debian, "/etc/rc2.d/S03dhcpcd", "");
  of_debian = check (debian, debian_spec);
  g_assert_null (find (of_debian, "network-service"));

  fake_tree_write (sysvinit, "/usr/lib/ifupdown/settle-dad.sh", "");
  fake_tree_write (sysvinit, "/etc/network/interfaces", "auto eth0\niface eth0 inet dhcp\n");
  fake_tree_write (sysvinit, "/etc/rcS.d/S10networking", "");
  of_sysvinit = check (sysvinit, sysvinit_spec);
  g_assert_null (find (of_sysvinit, "network-service"));
}

/* What setcap(8) writes for cap_net_raw+ep. */
static gboolean
set_capability (FakeTree *root, const gchar *path)
{
  static const guint8 value[] = { 1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
  g_autofree gchar *full = g_build_filename (root, path, NULL);

  g_assert_cmpint (chmod (full, 0755), ==, 0);
  return setxattr (full, "security.capability", value, sizeof value, 0) == 0;
}

static void
test_capabilities (void)
{
  g_autoptr (FakeTree) root = new_nfs_tree ();
  g_autoptr (VmrootSpec) spec = new_nfs_spec (root);
  g_autoptr (GPtrArray) of_virtiofs = NULL;

  fake_tree_write (root, "/usr/bin/ping", "");
  fake_tree_write (root, "/usr/bin/bad\033name", "");
  if (!set_capability (root, "/usr/bin/ping") || !set_capability (root, "/usr/bin/bad\033name"))
    {
      g_test_skip ("only root, on a file system that has them, can set capabilities");
      return;
    }
  assert_says (root, spec, "nfs-capabilities", "/usr/bin/ping");
  assert_says (root, spec, "nfs-capabilities", "/usr/bin/bad?name");

  of_virtiofs = check (root, NULL);
  g_assert_null (find (of_virtiofs, "nfs-capabilities"));

  for (guint i = 0; i < 12; i++)
    {
      g_autofree gchar *path = g_strdup_printf ("/opt/deep/er/%u", i);

      fake_tree_write (root, path, "");
      g_assert_true (set_capability (root, path));
    }
  assert_says (root, spec, "nfs-capabilities", "and 4 more");
}

/* A directory's access list, as setfacl(1) writes it: u::rwx, u:1000:rwx, g::r-x, m::rwx, o::r-x.
 */
static void
test_acls (void)
{
  static const guint8 value[] = {
    2, 0,    0,    0,    1,    0,    7,    0, 0xff, 0xff, 0xff, 0xff, 2,    0,    7,
    0, 0xe8, 3,    0,    0,    4,    0,    5, 0,    0xff, 0xff, 0xff, 0xff, 0x10, 0,
    7, 0,    0xff, 0xff, 0xff, 0xff, 0x20, 0, 5,    0,    0xff, 0xff, 0xff, 0xff
  };
  g_autoptr (FakeTree) root = new_nfs_tree ();
  g_autoptr (VmrootSpec) spec = new_nfs_spec (root);
  g_autofree gchar *path = g_build_filename (root, "srv", NULL);

  fake_tree_make_directory (root, "/srv");
  if (setxattr (path, "system.posix_acl_access", value, sizeof value, 0) < 0)
    {
      g_test_skip ("this file system has no POSIX ACLs");
      return;
    }
  assert_says (root, spec, "nfs-acls", "/srv");
}

/* Neither what cannot be opened nor what leads out of the tree is followed. */
static void
test_a_hostile_tree (void)
{
  g_autoptr (FakeTree) root = new_nfs_tree ();
  g_autoptr (VmrootSpec) spec = new_nfs_spec (root);
  g_autoptr (GPtrArray) findings = NULL;

  fake_tree_link (root, "/outside", "/usr");
  fake_tree_link (root, "/loop", "loop");
  fake_tree_link (root, "/usr/up", "../..");
  fake_tree_make_fifo (root, "/usr/bin/fifo");
  findings = check (root, spec);

  g_assert_null (find (findings, "nfs-capabilities"));
}

static void
on_checked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GPtrArray **findings = user_data;
  g_autoptr (GError) error = NULL;

  *findings = vmroot_tree_check_finish (VMROOT_TREE (source), result, &error);
  g_assert_no_error (error);
}

static void
test_in_a_thread (void)
{
  g_autoptr (FakeTree) root = fake_tree_new ();
  g_autoptr (VmrootTree) tree = fake_tree_open (root);
  g_autoptr (GPtrArray) findings = NULL;

  vmroot_tree_check_async (tree, NULL, NULL, on_checked, &findings);
  while (findings == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_nonnull (find (findings, "not-a-root"));
}

/* Root's call goes through the child, anyone else's does not: both say the same. */
static void
test_child_and_parent_agree (void)
{
  g_autoptr (FakeTree) root = fake_tree_new ();
  g_autoptr (VmrootTree) tree = fake_tree_open (root);
  g_autoptr (VmrootSpec) spec = vmroot_spec_new (root);
  g_autoptr (GPtrArray) here = NULL;
  g_autoptr (GPtrArray) there = NULL;
  g_autoptr (GVariant) one = NULL;
  g_autoptr (GVariant) other = NULL;

  if (geteuid () != 0)
    {
      g_test_skip ("only root's calls go through the child");
      return;
    }
  fake_tree_make_directory (root, "/etc");
  fake_tree_make_directory (root, "/usr");
  vmroot_spec_set_transport (spec, VMROOT_TRANSPORT_NFS);
  vmroot_spec_set_server (spec, "192.168.122.1");
  vmroot_spec_set_kernel_args (spec, "enforcing=0");
  fake_tree_write (root, "/etc/selinux/config", "SELINUX=enforcing\n");
  fake_tree_write (root, "/etc/fstab", "192.168.1.1:/srv / nfs ro 0 0\n");
  here = vmroot_tree_collect_findings (tree, spec);
  there = check (root, spec);
  one = g_variant_ref_sink (vmroot_tree_pack_findings (here));
  other = g_variant_ref_sink (vmroot_tree_pack_findings (there));

  g_assert_cmpuint (here->len, >, 2);
  g_assert_true (g_variant_equal (one, other));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tree-check/nothing", test_nothing_is_wrong_with_debian);
  g_test_add_func ("/tree-check/not-a-root", test_not_a_root);
  g_test_add_func ("/tree-check/unfinished", test_an_unfinished_root);
  g_test_add_func ("/tree-check/closed", test_a_closed_boot_directory);
  g_test_add_func ("/tree-check/modules", test_missing_modules);
  g_test_add_func ("/tree-check/no-modules", test_a_kernel_without_modules);
  g_test_add_func ("/tree-check/architecture", test_another_processor);
  g_test_add_func ("/tree-check/fstab", test_fstab);
  g_test_add_func ("/tree-check/hostile-fstab", test_a_hostile_fstab);
  g_test_add_func ("/tree-check/selinux", test_selinux);
  g_test_add_func ("/tree-check/generators", test_generators);
  g_test_add_func ("/tree-check/installed-generator", test_a_generator_that_is_installed);
  g_test_add_func ("/tree-check/guest-initramfs", test_the_initramfs_of_the_guest);
  g_test_add_func ("/tree-check/nfs/nothing", test_nothing_is_wrong_by_nfs);
  g_test_add_func ("/tree-check/nfs/initramfs", test_an_initramfs_by_nfs);
  g_test_add_func ("/tree-check/nfs/built-in", test_a_kernel_that_mounts_nfs);
  g_test_add_func ("/tree-check/nfs/fstab", test_fstab_by_nfs);
  g_test_add_func ("/tree-check/nfs/fstab-elsewhere", test_fstab_with_a_root_by_nfs);
  g_test_add_func ("/tree-check/nfs/selinux", test_selinux_by_nfs);
  g_test_add_func ("/tree-check/nfs/journal", test_journal);
  g_test_add_func ("/tree-check/nfs/network-services", test_network_services);
  g_test_add_func ("/tree-check/nfs/network-services/told",
                   test_network_services_that_a_file_tells);
  g_test_add_func ("/tree-check/nfs/capabilities", test_capabilities);
  g_test_add_func ("/tree-check/nfs/acls", test_acls);
  g_test_add_func ("/tree-check/nfs/hostile", test_a_hostile_tree);
  g_test_add_func ("/tree-check/swap-unit", test_swap_unit);
  g_test_add_func ("/tree-check/async", test_in_a_thread);
  g_test_add_func ("/tree-check/child", test_child_and_parent_agree);
  return g_test_run ();
}
