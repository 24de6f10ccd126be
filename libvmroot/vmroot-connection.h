/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-domain.h"

G_BEGIN_DECLS

#define VMROOT_TYPE_CONNECTION (vmroot_connection_get_type ())

VMROOT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (VmrootConnection, vmroot_connection, VMROOT, CONNECTION, GObject)

VMROOT_AVAILABLE_IN_1_0
VmrootConnection *vmroot_connection_open (const gchar *uri, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

VMROOT_AVAILABLE_IN_1_0
VmrootDomain *vmroot_connection_get_domain (VmrootConnection *self,
                                            const gchar *name,
                                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
VMROOT_AVAILABLE_IN_1_0
gchar **vmroot_connection_list_domains (VmrootConnection *self, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

VMROOT_AVAILABLE_IN_1_0
gboolean vmroot_connection_attach (VmrootConnection *self,
                                   const gchar *name,
                                   VmrootSpec *spec,
                                   gboolean *running,
                                   GCancellable *cancellable,
                                   GError **error);
VMROOT_AVAILABLE_IN_1_0
gboolean vmroot_connection_detach (VmrootConnection *self,
                                   const gchar *name,
                                   gboolean *running,
                                   GCancellable *cancellable,
                                   GError **error);

G_END_DECLS
