/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-host.h"
#include "vmroot-journal-private.h"
#include "vmroot-transport-private.h"

G_BEGIN_DECLS

/* Held by who looks at the claims of all guests to make a new one, and by who must not be disturbed
 * by that. */
#define VMROOT_HOST_CLAIMS_LOCK "claims"

/* Makes the boot image of `spec` from the root at `tree_path` in `directory`; tests have their own.
 */
typedef gboolean (*VmrootHostBuildFunc) (const VmrootServedDirectory *root,
                                         VmrootSpec *spec,
                                         const gchar *directory,
                                         GCancellable *cancellable,
                                         GError **error);

struct _VmrootHost
{
  GObject parent_instance;

  VmrootContext *context;
  VmrootHostBuildFunc build_boot_image;
};

VmrootHost *vmroot_host_new_for_context (VmrootContext *context) G_GNUC_WARN_UNUSED_RESULT;

/* For a guest that runs: whatever is missing of what `prepare` did is done again. Its boot image is
 * left alone: the guest has it in memory. */
gboolean vmroot_host_repair (VmrootHost *self,
                             VmrootDomain *domain,
                             GCancellable *cancellable,
                             GError **error);

/* For a guest that stopped for `reason`, as libvirt's hook is told (virDomainShutoffReason); "-" or
 * NULL: it was not told. What a guest that was migrated to another host has from here stays. */
gboolean vmroot_host_release_after (VmrootHost *self,
                                    VmrootDomain *domain,
                                    const gchar *reason,
                                    GCancellable *cancellable,
                                    GError **error);

/* Let what was done for the guest last, for another host, or do it again. */
gboolean vmroot_host_keep_uuid (VmrootHost *self,
                                const gchar *uuid,
                                GCancellable *cancellable,
                                GError **error);

/* A guest that was migrated away runs here again, and nowhere else. */
gboolean vmroot_host_take_back_uuid (VmrootHost *self,
                                     const gchar *uuid,
                                     GCancellable *cancellable,
                                     GError **error);

/* Undo what was done for the guest, newest first, whatever has become of its domain. */
gboolean vmroot_host_release_uuid (VmrootHost *self,
                                   const gchar *uuid,
                                   GCancellable *cancellable,
                                   GError **error);

/* NULL with an error for a transport that this host cannot do. */
const VmrootTransportBackend *vmroot_host_get_backend (VmrootTransport transport, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Open the directories that `spec` asks for, the root first. */
gboolean vmroot_host_open_directories (VmrootHost *self,
                                       VmrootConfiguration *configuration,
                                       VmrootSpec *spec,
                                       GPtrArray *directories,
                                       GError **error);

/* The guest whose claim forbids one of `directories`, in *owner, and which that is, in *conflict.
 * NULL: none. TRUE unless the claims cannot be read. */
gboolean vmroot_host_find_conflict (VmrootHost *self,
                                    const gchar *uuid,
                                    GPtrArray *directories,
                                    VmrootJournal **owner,
                                    const VmrootServedDirectory **conflict,
                                    GError **error);

G_END_DECLS
