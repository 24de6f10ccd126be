/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-finding.h"
#include "vmroot-kernel.h"
#include "vmroot-spec.h"

G_BEGIN_DECLS

#define VMROOT_TYPE_TREE (vmroot_tree_get_type ())

VMROOT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (VmrootTree, vmroot_tree, VMROOT, TREE, GObject)

VMROOT_AVAILABLE_IN_1_0
VmrootTree *vmroot_tree_new (const gchar *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_tree_get_path (VmrootTree *self);
VMROOT_AVAILABLE_IN_1_0
gchar *vmroot_tree_get_os_id (VmrootTree *self);
VMROOT_AVAILABLE_IN_1_0
gchar *vmroot_tree_get_os_name (VmrootTree *self);
VMROOT_AVAILABLE_IN_1_0
gchar *vmroot_tree_get_architecture (VmrootTree *self);
VMROOT_AVAILABLE_IN_1_0
gchar *vmroot_tree_get_init (VmrootTree *self);
VMROOT_AVAILABLE_IN_1_0
gchar *vmroot_tree_get_init_system (VmrootTree *self);
VMROOT_AVAILABLE_IN_1_0
gchar *vmroot_tree_get_initramfs_generator (VmrootTree *self);
VMROOT_AVAILABLE_IN_1_0
GPtrArray *vmroot_tree_list_kernels (VmrootTree *self, GError **error);

VMROOT_AVAILABLE_IN_1_0
GPtrArray *
vmroot_tree_check (VmrootTree *self, VmrootSpec *spec, GCancellable *cancellable, GError **error);
VMROOT_AVAILABLE_IN_1_0
void vmroot_tree_check_async (VmrootTree *self,
                              VmrootSpec *spec,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
VMROOT_AVAILABLE_IN_1_0
GPtrArray *vmroot_tree_check_finish (VmrootTree *self, GAsyncResult *result, GError **error);

G_END_DECLS
