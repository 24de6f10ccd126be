/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "fake-tree.h"

#include <elf.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

FakeTree *
fake_tree_new (void)
{
  g_autoptr (GError) error = NULL;
  gchar *root = g_dir_make_tmp ("vmroot-tree-XXXXXX", &error);

  g_assert_no_error (error);
  return root;
}

static int
remove_one (const char *path, const struct stat *status, int type, struct FTW *ftw)
{
  return remove (path);
}

void
fake_tree_free (FakeTree *root)
{
  g_assert_cmpint (nftw (root, remove_one, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
  g_free (root);
}

static gchar *
path_in (FakeTree *root, const gchar *path)
{
  gchar *full = g_build_filename (root, path, NULL);
  g_autofree gchar *parent = g_path_get_dirname (full);

  g_assert_cmpint (g_mkdir_with_parents (parent, 0755), ==, 0);
  return full;
}

void
fake_tree_write_data (FakeTree *root, const gchar *path, gconstpointer data, gsize size)
{
  g_autofree gchar *full = path_in (root, path);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (full, data, (gssize)size, &error);
  g_assert_no_error (error);
}

void
fake_tree_write (FakeTree *root, const gchar *path, const gchar *text)
{
  fake_tree_write_data (root, path, text, strlen (text));
}

void
fake_tree_link (FakeTree *root, const gchar *path, const gchar *target)
{
  g_autofree gchar *full = path_in (root, path);

  g_assert_cmpint (symlink (target, full), ==, 0);
}

void
fake_tree_make_directory (FakeTree *root, const gchar *path)
{
  g_autofree gchar *full = path_in (root, path);

  g_assert_cmpint (g_mkdir_with_parents (full, 0755), ==, 0);
}

void
fake_tree_make_fifo (FakeTree *root, const gchar *path)
{
  g_autofree gchar *full = path_in (root, path);

  g_assert_cmpint (mkfifo (full, 0644), ==, 0);
}

void
fake_tree_write_program (FakeTree *root, const gchar *path, guint16 machine)
{
  g_autofree gchar *full = path_in (root, path);
  gboolean wide = machine != EM_386 && machine != EM_ARM;
  Elf64_Ehdr header = {
    .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, wide ? ELFCLASS64 : ELFCLASS32, ELFDATA2LSB },
    .e_machine = GUINT16_TO_LE (machine),
  };

  fake_tree_write_data (root, path, &header, sizeof header);
  g_assert_cmpint (chmod (full, 0755), ==, 0);
}

void
fake_tree_write_kernel (FakeTree *root, const gchar *path, const gchar *release)
{
  guint8 image[2048] = { 0 };

  if (release != NULL)
    {
      memcpy (image + 0x202, "HdrS", 4);
      image[0x20e] = 0x00;
      image[0x20f] = 0x02;
      g_snprintf ((gchar *)image + 0x400, 100, "%s (builder@host) #1 SMP", release);
    }
  else
    memcpy (image + 56, "ARM\x64", 4);
  fake_tree_write_data (root, path, image, sizeof image);
}

static void
write_module (FakeTree *root, const gchar *path)
{
  g_autofree gchar *content = g_strconcat ("\177ELF", path, NULL);
  g_autofree gchar *full = g_build_filename (FAKE_DEBIAN_MODULES, path, NULL);

  fake_tree_write (root, full, content);
}

FakeTree *
fake_tree_new_debian (void)
{
  FakeTree *root = fake_tree_new ();

  fake_tree_make_directory (root, "/usr/lib");
  fake_tree_make_directory (root, "/usr/sbin");
  fake_tree_link (root, "/lib", "usr/lib");
  fake_tree_link (root, "/sbin", "usr/sbin");
  fake_tree_write (root, "/usr/lib/os-release",
                   "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\n"
                   "ID=debian\n");
  fake_tree_link (root, "/etc/os-release", "../usr/lib/os-release");
  fake_tree_write_program (root, "/usr/lib/systemd/systemd", EM_X86_64);
  fake_tree_link (root, "/usr/sbin/init", "/lib/systemd/systemd");

  fake_tree_write_kernel (root, "/boot/vmlinuz-" FAKE_DEBIAN_RELEASE, FAKE_DEBIAN_RELEASE);
  fake_tree_link (root, "/vmlinuz", "boot/vmlinuz-" FAKE_DEBIAN_RELEASE);
  fake_tree_write (root, FAKE_DEBIAN_MODULES "/modules.builtin", "kernel/drivers/char/random.ko\n");
  fake_tree_write (root, FAKE_DEBIAN_MODULES "/modules.softdep", "# Soft dependencies\n");
  fake_tree_write (root, FAKE_DEBIAN_MODULES "/modules.dep",
                   "kernel/fs/fuse/fuse.ko:\n"
                   "kernel/fs/fuse/virtiofs.ko: kernel/drivers/virtio/virtio.ko"
                   " kernel/drivers/virtio/virtio_ring.ko kernel/fs/fuse/fuse.ko\n"
                   "kernel/fs/overlayfs/overlay.ko:\n"
                   "kernel/drivers/virtio/virtio.ko:\n"
                   "kernel/drivers/virtio/virtio_ring.ko: kernel/drivers/virtio/virtio.ko\n"
                   "kernel/drivers/virtio/virtio_pci.ko: kernel/drivers/virtio/virtio_ring.ko"
                   " kernel/drivers/virtio/virtio.ko\n");
  write_module (root, "kernel/fs/fuse/fuse.ko");
  write_module (root, "kernel/fs/fuse/virtiofs.ko");
  write_module (root, "kernel/fs/overlayfs/overlay.ko");
  write_module (root, "kernel/drivers/virtio/virtio.ko");
  write_module (root, "kernel/drivers/virtio/virtio_ring.ko");
  write_module (root, "kernel/drivers/virtio/virtio_pci.ko");
  return root;
}

/* File systems stamp files with a clock that only moves some hundred times a second, or with a
 * finer one that is ahead of it (from Linux 6.13 on). */
void
fake_tree_settle (void)
{
  struct timespec start, now;

  clock_gettime (CLOCK_REALTIME, &start);
  do
    clock_gettime (CLOCK_REALTIME_COARSE, &now);
  while (now.tv_sec < start.tv_sec || (now.tv_sec == start.tv_sec && now.tv_nsec <= start.tv_nsec));
}

VmrootTree *
fake_tree_open (FakeTree *root)
{
  g_autoptr (GError) error = NULL;
  VmrootTree *tree = vmroot_tree_new (root, &error);

  g_assert_no_error (error);
  return tree;
}
