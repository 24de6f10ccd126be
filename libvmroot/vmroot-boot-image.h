/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-tree.h"

G_BEGIN_DECLS

#define VMROOT_TYPE_BOOT_IMAGE (vmroot_boot_image_get_type ())

VMROOT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (VmrootBootImage, vmroot_boot_image, VMROOT, BOOT_IMAGE, GObject)

VMROOT_AVAILABLE_IN_1_0
VmrootBootImage *vmroot_boot_image_build (VmrootTree *tree,
                                          VmrootSpec *spec,
                                          const gchar *directory,
                                          GCancellable *cancellable,
                                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
VMROOT_AVAILABLE_IN_1_0
void vmroot_boot_image_build_async (VmrootTree *tree,
                                    VmrootSpec *spec,
                                    const gchar *directory,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
VMROOT_AVAILABLE_IN_1_0
VmrootBootImage *vmroot_boot_image_build_finish (GAsyncResult *result, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_boot_image_get_kernel (VmrootBootImage *self);
VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_boot_image_get_initramfs (VmrootBootImage *self);
VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_boot_image_get_kernel_version (VmrootBootImage *self);
VMROOT_AVAILABLE_IN_1_0
gboolean vmroot_boot_image_get_rebuilt (VmrootBootImage *self);

G_END_DECLS
