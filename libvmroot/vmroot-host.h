/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-domain.h"
#include "vmroot-finding.h"
#include "vmroot-guest-root.h"

G_BEGIN_DECLS

#define VMROOT_TYPE_HOST (vmroot_host_get_type ())

VMROOT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (VmrootHost, vmroot_host, VMROOT, HOST, GObject)

VMROOT_AVAILABLE_IN_1_0
VmrootHost *vmroot_host_new (const gchar *sysroot) G_GNUC_WARN_UNUSED_RESULT;

VMROOT_AVAILABLE_IN_1_0
gboolean vmroot_host_prepare (VmrootHost *self,
                              VmrootDomain *domain,
                              GCancellable *cancellable,
                              GError **error);
VMROOT_AVAILABLE_IN_1_0
gboolean vmroot_host_release (VmrootHost *self,
                              VmrootDomain *domain,
                              GCancellable *cancellable,
                              GError **error);
VMROOT_AVAILABLE_IN_1_0
GPtrArray *vmroot_host_reconcile (VmrootHost *self, GCancellable *cancellable, GError **error);
VMROOT_AVAILABLE_IN_1_0
gboolean vmroot_host_forget (VmrootHost *self,
                             const gchar *guest,
                             GCancellable *cancellable,
                             GError **error);

VMROOT_AVAILABLE_IN_1_0
GPtrArray *vmroot_host_list_roots (VmrootHost *self, GError **error);
VMROOT_AVAILABLE_IN_1_0
GPtrArray *vmroot_host_check (VmrootHost *self,
                              VmrootSpec *spec,
                              const gchar *uuid,
                              GCancellable *cancellable,
                              GError **error);

G_END_DECLS
