/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-share.h"
#include "vmroot-tmpfs.h"
#include "vmroot-types.h"

G_BEGIN_DECLS

#define VMROOT_TYPE_SPEC (vmroot_spec_get_type ())

VMROOT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (VmrootSpec, vmroot_spec, VMROOT, SPEC, GObject)

VMROOT_AVAILABLE_IN_1_0
VmrootSpec *vmroot_spec_new (const gchar *directory) G_GNUC_WARN_UNUSED_RESULT;

VMROOT_AVAILABLE_IN_1_0
gboolean vmroot_spec_validate (VmrootSpec *self, GError **error);

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_spec_get_directory (VmrootSpec *self);
VMROOT_AVAILABLE_IN_1_0
void vmroot_spec_set_directory (VmrootSpec *self, const gchar *directory);

VMROOT_AVAILABLE_IN_1_0
VmrootTransport vmroot_spec_get_transport (VmrootSpec *self);
VMROOT_AVAILABLE_IN_1_0
void vmroot_spec_set_transport (VmrootSpec *self, VmrootTransport transport);

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_spec_get_tag (VmrootSpec *self);
VMROOT_AVAILABLE_IN_1_0
void vmroot_spec_set_tag (VmrootSpec *self, const gchar *tag);

VMROOT_AVAILABLE_IN_1_0
VmrootXattrs vmroot_spec_get_xattrs (VmrootSpec *self);
VMROOT_AVAILABLE_IN_1_0
void vmroot_spec_set_xattrs (VmrootSpec *self, VmrootXattrs xattrs);

VMROOT_AVAILABLE_IN_1_0
VmrootCache vmroot_spec_get_cache (VmrootSpec *self);
VMROOT_AVAILABLE_IN_1_0
void vmroot_spec_set_cache (VmrootSpec *self, VmrootCache cache);

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_spec_get_network (VmrootSpec *self);
VMROOT_AVAILABLE_IN_1_0
void vmroot_spec_set_network (VmrootSpec *self, const gchar *network);

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_spec_get_address (VmrootSpec *self);
VMROOT_AVAILABLE_IN_1_0
void vmroot_spec_set_address (VmrootSpec *self, const gchar *address);

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_spec_get_mac_address (VmrootSpec *self);
VMROOT_AVAILABLE_IN_1_0
void vmroot_spec_set_mac_address (VmrootSpec *self, const gchar *mac_address);

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_spec_get_server (VmrootSpec *self);
VMROOT_AVAILABLE_IN_1_0
void vmroot_spec_set_server (VmrootSpec *self, const gchar *server);
VMROOT_AVAILABLE_IN_1_0
gboolean vmroot_spec_resolve_server (VmrootSpec *self, GCancellable *cancellable, GError **error);

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_spec_get_gateway (VmrootSpec *self);
VMROOT_AVAILABLE_IN_1_0
void vmroot_spec_set_gateway (VmrootSpec *self, const gchar *gateway);

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_spec_get_kernel (VmrootSpec *self);
VMROOT_AVAILABLE_IN_1_0
void vmroot_spec_set_kernel (VmrootSpec *self, const gchar *kernel);

VMROOT_AVAILABLE_IN_1_0
VmrootBootSource vmroot_spec_get_boot_source (VmrootSpec *self);
VMROOT_AVAILABLE_IN_1_0
void vmroot_spec_set_boot_source (VmrootSpec *self, VmrootBootSource boot_source);

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_spec_get_kernel_args (VmrootSpec *self);
VMROOT_AVAILABLE_IN_1_0
void vmroot_spec_set_kernel_args (VmrootSpec *self, const gchar *kernel_args);

VMROOT_AVAILABLE_IN_1_0
gboolean vmroot_spec_get_read_only (VmrootSpec *self);
VMROOT_AVAILABLE_IN_1_0
void vmroot_spec_set_read_only (VmrootSpec *self, gboolean read_only);

VMROOT_AVAILABLE_IN_1_0
gboolean vmroot_spec_get_ephemeral (VmrootSpec *self);
VMROOT_AVAILABLE_IN_1_0
void vmroot_spec_set_ephemeral (VmrootSpec *self, gboolean ephemeral);

VMROOT_AVAILABLE_IN_1_0
VmrootOnFailure vmroot_spec_get_on_failure (VmrootSpec *self);
VMROOT_AVAILABLE_IN_1_0
void vmroot_spec_set_on_failure (VmrootSpec *self, VmrootOnFailure on_failure);

VMROOT_AVAILABLE_IN_1_0
void vmroot_spec_add_share (VmrootSpec *self, VmrootShare *share);
VMROOT_AVAILABLE_IN_1_0
GPtrArray *vmroot_spec_list_shares (VmrootSpec *self);
VMROOT_AVAILABLE_IN_1_0
void vmroot_spec_clear_shares (VmrootSpec *self);

VMROOT_AVAILABLE_IN_1_0
void vmroot_spec_add_tmpfs (VmrootSpec *self, VmrootTmpfs *tmpfs);
VMROOT_AVAILABLE_IN_1_0
GPtrArray *vmroot_spec_list_tmpfs (VmrootSpec *self);
VMROOT_AVAILABLE_IN_1_0
void vmroot_spec_clear_tmpfs (VmrootSpec *self);

VMROOT_AVAILABLE_IN_1_0
void vmroot_spec_set_run_file (VmrootSpec *self, const gchar *path, const gchar *content);
VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_spec_get_run_file (VmrootSpec *self, const gchar *path);
VMROOT_AVAILABLE_IN_1_0
gchar **vmroot_spec_list_run_files (VmrootSpec *self);

G_END_DECLS
