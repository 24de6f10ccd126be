/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmroot-boot-image.h"
#include "vmroot-builder-private.h"
#include "vmroot-context-private.h"
#include "vmroot-error.h"
#include "vmroot-kernel-private.h"
#include "vmroot-nfs-mount-private.h"
#include "vmroot-translation-private.h"
#include "vmroot-tree-private.h"

#define INIT_PROGRAM "vmroot-init"

/* What the record holds: the key of the build, the kernel's release, the two files, the inputs. */
#define RECORD_NAME "inputs"
#define RECORD_TYPE "(ssss" VMROOT_TREE_INPUTS_TYPE ")"
#define MAX_RECORD_SIZE (4 * 1024 * 1024)
#define MAX_INPUTS 20000

/**
 * VmrootBootImage:
 *
 * A kernel and an initramfs, made from a [class@Tree] for a [class@Spec].
 *
 * Since: 1.0
 */
struct _VmrootBootImage
{
  GObject parent_instance;

  gchar *kernel;
  gchar *initramfs;
  gchar *kernel_version;
  gboolean rebuilt;
};

G_DEFINE_FINAL_TYPE (VmrootBootImage, vmroot_boot_image, G_TYPE_OBJECT)

static void
vmroot_boot_image_finalize (GObject *object)
{
  VmrootBootImage *self = (VmrootBootImage *)object;

  g_free (self->kernel);
  g_free (self->initramfs);
  g_free (self->kernel_version);

  G_OBJECT_CLASS (vmroot_boot_image_parent_class)->finalize (object);
}

static void
vmroot_boot_image_class_init (VmrootBootImageClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vmroot_boot_image_finalize;
}

static void
vmroot_boot_image_init (VmrootBootImage *self)
{
}

/* One build. */
typedef struct
{
  VmrootTree *tree;
  GVariant *request;
  /* What the image depends on beside the tree, as a checksum. */
  gchar *key;
  const gchar *directory;
  /* Locked. */
  int directory_fd;
  int init_fd;
} Build;

static void
build_clear (Build *build)
{
  g_clear_pointer (&build->request, g_variant_unref);
  g_clear_pointer (&build->key, g_free);
  if (build->directory_fd >= 0)
    close (build->directory_fd);
  if (build->init_fd >= 0)
    close (build->init_fd);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Build, build_clear)

static gboolean fail (GError **error, const gchar *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
fail (GError **error, const gchar *format, ...)
{
  va_list args;

  va_start (args, format);
  g_propagate_error (error, g_error_new_valist (VMROOT_ERROR, VMROOT_ERROR_FAILED, format, args));
  va_end (args);
  return FALSE;
}

static VmrootBootImage *
boot_image_new (const Build *build, const gchar *kernel_version, gboolean rebuilt)
{
  VmrootBootImage *self = g_object_new (VMROOT_TYPE_BOOT_IMAGE, NULL);

  self->kernel = g_build_filename (build->directory, "kernel", NULL);
  self->initramfs = g_build_filename (build->directory, "initramfs", NULL);
  self->kernel_version = g_strdup (kernel_version);
  self->rebuilt = rebuilt;
  return self;
}

/* Which file it is and when it was written. Not its change time: libvirt changes owner and label of
 * a guest's kernel each time it starts. */
static gchar *
describe (const struct stat *status)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT
                          ":%" G_GINT64_FORMAT ".%09ld",
                          (guint64)status->st_dev, (guint64)status->st_ino,
                          (guint64)status->st_size, (gint64)status->st_mtim.tv_sec,
                          status->st_mtim.tv_nsec);
}

static gchar *
describe_file (int directory_fd, const gchar *path)
{
  struct stat status;

  if (fstatat (directory_fd, path, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG (status.st_mode))
    return g_strdup ("missing");
  return describe (&status);
}

static gchar *
describe_images (const Build *build)
{
  g_autofree gchar *kernel = describe_file (build->directory_fd, "kernel");
  g_autofree gchar *initramfs = describe_file (build->directory_fd, "initramfs");

  return g_strconcat (kernel, " ", initramfs, NULL);
}

static gchar *
make_key (const Build *build, const gchar *builder, const gchar *init)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree gchar *programs = g_strjoin (" ", PACKAGE_VERSION, builder, init, NULL);

  g_checksum_update (checksum, (const guchar *)programs, -1);
  g_checksum_update (checksum, g_variant_get_data (build->request),
                     (gssize)g_variant_get_size (build->request));
  return g_strdup (g_checksum_get_string (checksum));
}

static gboolean
open_programs (Build *build, GError **error)
{
  g_autoptr (VmrootContext) context = vmroot_context_new (NULL);
  g_autofree gchar *builder_path = vmroot_context_program (context, VMROOT_BUILDER_PROGRAM);
  g_autofree gchar *init_path = vmroot_context_program (context, INIT_PROGRAM);
  g_autofree gchar *builder = describe_file (AT_FDCWD, builder_path);
  g_autofree gchar *init = describe_file (AT_FDCWD, init_path);

  build->init_fd = open (init_path, O_RDONLY | O_CLOEXEC);
  if (build->init_fd < 0)
    {
      fail (error, _ ("Cannot open %s: %s"), init_path, g_strerror (errno));
      g_prefix_error (error, _ ("vmroot is not installed completely: "));
      return FALSE;
    }
  build->key = make_key (build, builder, init);
  return TRUE;
}

/* The lock is held until the descriptor is closed. Who holds it is done within the time limit of
 * the builder. */
static gboolean
open_directory (Build *build, GError **error)
{
  if (g_mkdir_with_parents (build->directory, 0755) < 0)
    return fail (error, _ ("Cannot make the directory %s: %s"), build->directory,
                 g_strerror (errno));

  build->directory_fd = open (build->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (build->directory_fd < 0)
    return fail (error, _ ("Cannot open the directory %s: %s"), build->directory,
                 g_strerror (errno));

  while (flock (build->directory_fd, LOCK_EX) < 0)
    if (errno != EINTR)
      return fail (error, _ ("Cannot lock the directory %s: %s"), build->directory,
                   g_strerror (errno));
  return TRUE;
}

static GVariant *
read_record (const Build *build)
{
  g_autofree gchar *path = g_build_filename (build->directory, RECORD_NAME, NULL);
  g_autofree gchar *text = NULL;
  gsize length;

  if (!g_file_get_contents (path, &text, &length, NULL) || length > MAX_RECORD_SIZE)
    return NULL;
  return g_variant_parse (G_VARIANT_TYPE (RECORD_TYPE), text, text + length, NULL, NULL);
}

/* The image that is there, if it still is what a build would make; else NULL. */
static VmrootBootImage *
find_current (const Build *build)
{
  g_autoptr (GVariant) record = read_record (build);
  g_autoptr (GVariant) inputs = NULL;
  g_autofree gchar *images_now = NULL;
  const gchar *key, *version, *images;

  if (record == NULL)
    return NULL;

  g_variant_get (record, "(&s&s&s&s@" VMROOT_TREE_INPUTS_TYPE ")", NULL, &key, &version, &images,
                 &inputs);
  images_now = describe_images (build);
  if (!g_str_equal (key, build->key) || !g_str_equal (images, images_now) ||
      !vmroot_tree_matches_inputs (build->tree, inputs))
    return NULL;
  return boot_image_new (build, version, FALSE);
}

/* One fixed name for what is being written: what a killed build leaves, the next one overwrites. */
static int
create_file (const Build *build, const gchar *name, GError **error)
{
  g_autofree gchar *path = g_build_filename (build->directory, name, NULL);
  int fd;

  if (unlinkat (build->directory_fd, name, 0) < 0 && errno != ENOENT)
    {
      fail (error, _ ("Cannot remove %s: %s"), path, g_strerror (errno));
      return -1;
    }
  fd = openat (build->directory_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    fail (error, _ ("Cannot make %s: %s"), path, g_strerror (errno));
  return fd;
}

/* On disk and readable for QEMU's user, before it gets its name. */
static gboolean
finish_file (const Build *build, int fd, const gchar *name, GError **error)
{
  struct stat status;

  if (fstat (fd, &status) < 0 || fchmod (fd, 0644) < 0 || fsync (fd) < 0)
    return fail (error, _ ("Cannot finish %s: %s"), name, g_strerror (errno));
  if (status.st_size == 0)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_UNSAFE_TREE,
                   _ ("The %s made from %s is empty: the tree's own is, too"), name + 1,
                   vmroot_tree_get_path (build->tree));
      return FALSE;
    }
  return TRUE;
}

static gboolean
check_answer (const Build *build, GVariant *answer, GError **error)
{
  g_autoptr (GVariant) inputs =
      g_variant_lookup_value (answer, "inputs", G_VARIANT_TYPE (VMROOT_TREE_INPUTS_TYPE));
  const gchar *version = NULL;
  gboolean settled;

  if (inputs != NULL && g_variant_n_children (inputs) <= MAX_INPUTS &&
      g_variant_lookup (answer, "kernel-version", "&s", &version) &&
      vmroot_kernel_is_version (version) && g_variant_lookup (answer, "settled", "b", &settled))
    return TRUE;

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_UNSAFE_TREE,
               _ ("The process that reads %s gave an answer that it never gives: a file in the tree"
                  " was made to attack it"),
               vmroot_tree_get_path (build->tree));
  return FALSE;
}

static gboolean
rename_file (const Build *build, const gchar *from, const gchar *to, GError **error)
{
  if (renameat (build->directory_fd, from, build->directory_fd, to) < 0)
    return fail (error, _ ("Cannot put in place %s: %s"), to, g_strerror (errno));
  return TRUE;
}

static gboolean
write_record (const Build *build, GVariant *answer, GError **error)
{
  g_autofree gchar *path = g_build_filename (build->directory, RECORD_NAME, NULL);
  g_autofree gchar *images = describe_images (build);
  g_autoptr (GVariant) inputs =
      g_variant_lookup_value (answer, "inputs", G_VARIANT_TYPE (VMROOT_TREE_INPUTS_TYPE));
  g_autoptr (GVariant) record = NULL;
  g_autofree gchar *text = NULL;
  const gchar *version = "";

  g_variant_lookup (answer, "kernel-version", "&s", &version);
  record = g_variant_ref_sink (g_variant_new ("(ssss@" VMROOT_TREE_INPUTS_TYPE ")", PACKAGE_VERSION,
                                              build->key, version, images, inputs));
  text = g_variant_print (record, FALSE);
  /* Not synced: a record that a power cut broke is no record. */
  return g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_NONE, 0644, error);
}

/*
 * Without its record an image is made anew. So the record goes first and comes last: whenever this
 * is interrupted, a kernel never stays with the initramfs of another.
 */
static gboolean
install (const Build *build, GVariant *answer, GError **error)
{
  gboolean settled = FALSE;

  if (unlinkat (build->directory_fd, RECORD_NAME, 0) < 0 && errno != ENOENT)
    return fail (error, _ ("Cannot remove %s: %s"), RECORD_NAME, g_strerror (errno));
  if (!rename_file (build, ".kernel", "kernel", error) ||
      !rename_file (build, ".initramfs", "initramfs", error))
    return FALSE;

  g_variant_lookup (answer, "settled", "b", &settled);
  return !settled || write_record (build, answer, error);
}

static VmrootBootImage *
rebuild_into (
    const Build *build, int kernel_fd, int initramfs_fd, GCancellable *cancellable, GError **error)
{
  const int fds[VMROOT_BUILDER_N_FDS] = {
    [VMROOT_BUILDER_KERNEL_FD] = kernel_fd,
    [VMROOT_BUILDER_INITRAMFS_FD] = initramfs_fd,
    [VMROOT_BUILDER_INIT_FD] = build->init_fd,
  };
  g_autoptr (GVariant) answer =
      vmroot_builder_run (build->tree, build->request, fds, cancellable, error);
  const gchar *version = "";

  if (answer == NULL || !check_answer (build, answer, error) ||
      !finish_file (build, kernel_fd, ".kernel", error) ||
      !finish_file (build, initramfs_fd, ".initramfs", error) || !install (build, answer, error))
    return NULL;

  g_variant_lookup (answer, "kernel-version", "&s", &version);
  return boot_image_new (build, version, TRUE);
}

static VmrootBootImage *
rebuild (const Build *build, GCancellable *cancellable, GError **error)
{
  VmrootBootImage *image = NULL;
  int kernel_fd = create_file (build, ".kernel", error);
  int initramfs_fd;

  if (kernel_fd < 0)
    return NULL;

  initramfs_fd = create_file (build, ".initramfs", error);
  if (initramfs_fd >= 0)
    {
      image = rebuild_into (build, kernel_fd, initramfs_fd, cancellable, error);
      close (initramfs_fd);
    }
  close (kernel_fd);

  if (image == NULL)
    {
      unlinkat (build->directory_fd, ".kernel", 0);
      unlinkat (build->directory_fd, ".initramfs", 0);
    }
  return image;
}

/* The image of an NFS root holds the guest's address, which a spec may not have yet. */
static gboolean
check_spec (VmrootSpec *spec, GError **error)
{
  if (!vmroot_spec_validate (spec, error))
    return FALSE;
  if (vmroot_spec_get_transport (spec) == VMROOT_TRANSPORT_NFS &&
      !vmroot_nfs_mount_is_described (spec))
    {
      g_set_error_literal (
          error, VMROOT_ERROR, VMROOT_ERROR_INVALID_SPEC,
          _ ("A root by NFS needs the guest's MAC address, its address with the length of the "
             "network's prefix (192.168.122.5/24), and the address of the server: give all three"));
      return FALSE;
    }
  return TRUE;
}

/**
 * vmroot_boot_image_build:
 * @tree: the tree with the kernel and its modules
 * @spec: what the guest's root is. Its directory is not looked at: @tree is
 * @directory: (type filename): where `kernel` and `initramfs` shall be; made if it is missing
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for a #GError
 *
 * Makes the kernel and the initramfs that a guest boots, unless those in @directory still are what
 * would be made: nothing in the tree that they came from has changed, nor has the spec, nor vmroot.
 *
 * With [enum@BootSource.vmroot], the initramfs holds vmroot's own init and those modules of the
 * kernel that reaching the root needs; with [enum@BootSource.guest], it is the tree's own. A kernel
 * without a directory of modules is taken to have everything built in.
 *
 * The tree is read by a child process that can do nothing else. Both files appear at once and
 * complete, or what was there stays. The same inputs give the same bytes.
 *
 * Returns: (transfer full): the boot image, or %NULL on error: %VMROOT_ERROR_NO_KERNEL,
 *   %VMROOT_ERROR_NO_MODULE and %VMROOT_ERROR_NO_INITRAMFS name what is missing,
 *   %VMROOT_ERROR_UNSAFE_TREE a file of the tree that cannot be read safely. A @spec that is not
 *   valid is refused as by [method@Spec.validate]
 *
 * Since: 1.0
 */
VmrootBootImage *
vmroot_boot_image_build (VmrootTree *tree,
                         VmrootSpec *spec,
                         const gchar *directory,
                         GCancellable *cancellable,
                         GError **error)
{
  g_auto (Build) build = { .tree = tree, .directory_fd = -1, .init_fd = -1 };
  VmrootBootImage *image;

  g_return_val_if_fail (VMROOT_IS_TREE (tree), NULL);
  g_return_val_if_fail (VMROOT_IS_SPEC (spec), NULL);
  g_return_val_if_fail (directory != NULL, NULL);

  if (!check_spec (spec, error))
    {
      g_prefix_error (error, _ ("Cannot make the boot image: "));
      return NULL;
    }

  build.directory = directory;
  build.request = vmroot_builder_request_new ("build", tree, spec);
  if (!open_programs (&build, error) || !open_directory (&build, error))
    return NULL;

  image = find_current (&build);
  if (image == NULL)
    image = rebuild (&build, cancellable, error);
  if (image == NULL)
    g_prefix_error (error, _ ("Cannot make the boot image: "));
  return image;
}

/* What a thread needs of a call. */
typedef struct
{
  VmrootTree *tree;
  VmrootSpec *spec;
  gchar *directory;
} Call;

static void
call_free (Call *call)
{
  g_object_unref (call->tree);
  g_object_unref (call->spec);
  g_free (call->directory);
  g_free (call);
}

static void
build_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Call *call = data;
  GError *error = NULL;
  VmrootBootImage *image =
      vmroot_boot_image_build (call->tree, call->spec, call->directory, cancellable, &error);

  if (image != NULL)
    g_task_return_pointer (task, image, g_object_unref);
  else
    g_task_return_error (task, error);
}

/**
 * vmroot_boot_image_build_async:
 * @tree: the tree with the kernel and its modules
 * @spec: what the guest's root is; it must not be changed meanwhile
 * @directory: (type filename): where `kernel` and `initramfs` shall be
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when it is done
 * @user_data: for @callback
 *
 * Does in a thread what [func@BootImage.build] does.
 *
 * Since: 1.0
 */
void
vmroot_boot_image_build_async (VmrootTree *tree,
                               VmrootSpec *spec,
                               const gchar *directory,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  Call *call;

  g_return_if_fail (VMROOT_IS_TREE (tree));
  g_return_if_fail (VMROOT_IS_SPEC (spec));
  g_return_if_fail (directory != NULL);

  call = g_new0 (Call, 1);
  call->tree = g_object_ref (tree);
  call->spec = g_object_ref (spec);
  call->directory = g_strdup (directory);

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, vmroot_boot_image_build_async);
  g_task_set_task_data (task, call, (GDestroyNotify)call_free);
  g_task_run_in_thread (task, build_in_thread);
}

/**
 * vmroot_boot_image_build_finish:
 * @result: what the callback got
 * @error: return location for a #GError
 *
 * Ends [func@BootImage.build_async].
 *
 * Returns: (transfer full): the boot image, or %NULL on error, as [func@BootImage.build]
 *
 * Since: 1.0
 */
VmrootBootImage *
vmroot_boot_image_build_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * vmroot_boot_image_get_kernel:
 *
 * The file to boot, as for `<kernel>` of a libvirt domain.
 *
 * Returns: (transfer none) (type filename): a path on this host
 *
 * Since: 1.0
 */
const gchar *
vmroot_boot_image_get_kernel (VmrootBootImage *self)
{
  g_return_val_if_fail (VMROOT_IS_BOOT_IMAGE (self), NULL);

  return self->kernel;
}

/**
 * vmroot_boot_image_get_initramfs:
 *
 * The initramfs, as for `<initrd>` of a libvirt domain.
 *
 * Returns: (transfer none) (type filename): a path on this host
 *
 * Since: 1.0
 */
const gchar *
vmroot_boot_image_get_initramfs (VmrootBootImage *self)
{
  g_return_val_if_fail (VMROOT_IS_BOOT_IMAGE (self), NULL);

  return self->initramfs;
}

/**
 * vmroot_boot_image_get_kernel_version:
 *
 * The release of the kernel, as `uname -r` will print it in the guest.
 *
 * Returns: (transfer none): the release
 *
 * Since: 1.0
 */
const gchar *
vmroot_boot_image_get_kernel_version (VmrootBootImage *self)
{
  g_return_val_if_fail (VMROOT_IS_BOOT_IMAGE (self), NULL);

  return self->kernel_version;
}

/**
 * vmroot_boot_image_get_rebuilt:
 *
 * Whether the files were made now.
 *
 * Returns: %FALSE if those that were there were still right
 *
 * Since: 1.0
 */
gboolean
vmroot_boot_image_get_rebuilt (VmrootBootImage *self)
{
  g_return_val_if_fail (VMROOT_IS_BOOT_IMAGE (self), FALSE);

  return self->rebuilt;
}
