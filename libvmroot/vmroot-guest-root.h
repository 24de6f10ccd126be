/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-types.h"

G_BEGIN_DECLS

#define VMROOT_TYPE_GUEST_ROOT (vmroot_guest_root_get_type ())

VMROOT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (VmrootGuestRoot, vmroot_guest_root, VMROOT, GUEST_ROOT, GObject)

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_guest_root_get_uuid (VmrootGuestRoot *self);

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_guest_root_get_name (VmrootGuestRoot *self);

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_guest_root_get_directory (VmrootGuestRoot *self);

VMROOT_AVAILABLE_IN_1_0
VmrootTransport vmroot_guest_root_get_transport (VmrootGuestRoot *self);

VMROOT_AVAILABLE_IN_1_0
GDateTime *vmroot_guest_root_get_since (VmrootGuestRoot *self);

VMROOT_AVAILABLE_IN_1_0
gboolean vmroot_guest_root_get_complete (VmrootGuestRoot *self);

VMROOT_AVAILABLE_IN_1_0
gboolean vmroot_guest_root_get_migrated (VmrootGuestRoot *self);

G_END_DECLS
