/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-types.h"

G_BEGIN_DECLS

#define VMROOT_TYPE_TMPFS (vmroot_tmpfs_get_type ())

VMROOT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (VmrootTmpfs, vmroot_tmpfs, VMROOT, TMPFS, GObject)

VMROOT_AVAILABLE_IN_1_0
VmrootTmpfs *vmroot_tmpfs_new (const gchar *mount_point, guint64 size);

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_tmpfs_get_mount_point (VmrootTmpfs *self);

VMROOT_AVAILABLE_IN_1_0
guint64 vmroot_tmpfs_get_size (VmrootTmpfs *self);

G_END_DECLS
