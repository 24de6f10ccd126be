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
VmrootConnection *vmroot_connection_open_read_only (const gchar *uri, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
VMROOT_AVAILABLE_IN_1_0
void vmroot_connection_open_async (const gchar *uri,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);
VMROOT_AVAILABLE_IN_1_0
VmrootConnection *vmroot_connection_open_finish (GAsyncResult *result, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

VMROOT_AVAILABLE_IN_1_0
VmrootConnection *vmroot_connection_new_for_handle (gpointer handle) G_GNUC_WARN_UNUSED_RESULT;

VMROOT_AVAILABLE_IN_1_0
const gchar *vmroot_connection_get_uri (VmrootConnection *self);
VMROOT_AVAILABLE_IN_1_0
gboolean vmroot_connection_get_read_only (VmrootConnection *self);
VMROOT_AVAILABLE_IN_1_0
gboolean vmroot_connection_get_remote (VmrootConnection *self);

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
void vmroot_connection_attach_async (VmrootConnection *self,
                                     const gchar *name,
                                     VmrootSpec *spec,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
VMROOT_AVAILABLE_IN_1_0
gboolean vmroot_connection_attach_finish (VmrootConnection *self,
                                          GAsyncResult *result,
                                          gboolean *running,
                                          GError **error);

VMROOT_AVAILABLE_IN_1_0
gboolean vmroot_connection_detach (VmrootConnection *self,
                                   const gchar *name,
                                   gboolean *running,
                                   GCancellable *cancellable,
                                   GError **error);
VMROOT_AVAILABLE_IN_1_0
void vmroot_connection_detach_async (VmrootConnection *self,
                                     const gchar *name,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
VMROOT_AVAILABLE_IN_1_0
gboolean vmroot_connection_detach_finish (VmrootConnection *self,
                                          GAsyncResult *result,
                                          gboolean *running,
                                          GError **error);

G_END_DECLS
