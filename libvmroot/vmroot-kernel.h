/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-types.h"

G_BEGIN_DECLS

#define VMROOT_TYPE_KERNEL (vmroot_kernel_get_type ())

VMROOT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (VmrootKernel, vmroot_kernel, VMROOT, KERNEL, GObject)

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_kernel_get_version (VmrootKernel *self);

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_kernel_get_path (VmrootKernel *self);

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_kernel_get_modules (VmrootKernel *self);

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_kernel_get_initramfs (VmrootKernel *self);

G_END_DECLS
