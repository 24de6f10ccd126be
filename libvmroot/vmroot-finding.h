/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-types.h"

G_BEGIN_DECLS

#define VMROOT_TYPE_FINDING (vmroot_finding_get_type ())

VMROOT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (VmrootFinding, vmroot_finding, VMROOT, FINDING, GObject)

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_finding_get_id (VmrootFinding *self);

VMROOT_AVAILABLE_IN_1_0
VmrootSeverity vmroot_finding_get_severity (VmrootFinding *self);

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_finding_get_title (VmrootFinding *self);

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_finding_get_detail (VmrootFinding *self);

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_finding_get_fix (VmrootFinding *self);

VMROOT_AVAILABLE_IN_1_0
gboolean vmroot_finding_get_can_fix (VmrootFinding *self);

G_END_DECLS
