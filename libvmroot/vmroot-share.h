/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-types.h"

G_BEGIN_DECLS

#define VMROOT_TYPE_SHARE (vmroot_share_get_type ())

VMROOT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (VmrootShare, vmroot_share, VMROOT, SHARE, GObject)

VMROOT_AVAILABLE_IN_1_0
VmrootShare *
vmroot_share_new (const gchar *directory, const gchar *mount_point, gboolean read_only);

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_share_get_directory (VmrootShare *self);

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_share_get_mount_point (VmrootShare *self);

VMROOT_AVAILABLE_IN_1_0
gboolean vmroot_share_get_read_only (VmrootShare *self);

G_END_DECLS
