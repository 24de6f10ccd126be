/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "vmroot-error.h"
#include "vmroot-boot-image.h"

struct _VmrootBootImage
{
  GObject parent_instance;
};

G_DEFINE_FINAL_TYPE (VmrootBootImage, vmroot_boot_image, G_TYPE_OBJECT)

static void
vmroot_boot_image_class_init (VmrootBootImageClass *klass)
{
}

static void
vmroot_boot_image_init (VmrootBootImage *self)
{
}

VmrootBootImage *
vmroot_boot_image_build (VmrootTree *tree,
                         VmrootSpec *spec,
                         const gchar *directory,
                         GCancellable *cancellable,
                         GError **error)
{
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "Not there yet");
  return NULL;
}

void
vmroot_boot_image_build_async (VmrootTree *tree,
                               VmrootSpec *spec,
                               const gchar *directory,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
}

VmrootBootImage *
vmroot_boot_image_build_finish (GAsyncResult *result, GError **error)
{
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "Not there yet");
  return NULL;
}

const gchar *
vmroot_boot_image_get_kernel (VmrootBootImage *self)
{
  return NULL;
}

const gchar *
vmroot_boot_image_get_initramfs (VmrootBootImage *self)
{
  return NULL;
}

const gchar *
vmroot_boot_image_get_kernel_version (VmrootBootImage *self)
{
  return NULL;
}

gboolean
vmroot_boot_image_get_rebuilt (VmrootBootImage *self)
{
  return 0;
}
