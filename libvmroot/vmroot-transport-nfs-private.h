/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-transport-private.h"

G_BEGIN_DECLS

/* The table of what is exported. */
#define VMROOT_TRANSPORT_NFS_ETAB "/var/lib/nfs/etab"

/* Where the files of ours are: PREFIX UUID ".exports", or PREFIX MIGRATED UUID ".exports". */
#define VMROOT_TRANSPORT_NFS_DIRECTORY VMROOT_SYSCONFDIR "/exports.d"
#define VMROOT_TRANSPORT_NFS_PREFIX "vmroot-"
#define VMROOT_TRANSPORT_NFS_MIGRATED "migrated-"

/* How the options of each export of ours have it, and of nobody else's. */
#define VMROOT_TRANSPORT_NFS_MARK "fsid=766d7274-"

/* The text of a file of this host; the empty string where there is no such file. */
gchar *vmroot_transport_nfs_read (VmrootContext *context, const gchar *file)
    G_GNUC_WARN_UNUSED_RESULT;

/* The network interface of this host that has `address`; NULL: none has. */
gboolean
vmroot_transport_nfs_find_interface (const gchar *address, gchar **interface, GError **error);

/* Whether this host's NFS server runs and speaks what guests do. */
gboolean vmroot_transport_nfs_check_server (VmrootContext *context, GError **error);

/* Whether NFS can export what `directory` lies on. */
gboolean vmroot_transport_nfs_check_file_system (const VmrootServedDirectory *directory,
                                                 GError **error);

/* Whether a guest's SELinux labels can be kept in `directory` over NFS. */
gboolean vmroot_transport_nfs_check_labels (VmrootContext *context,
                                            const VmrootServedDirectory *directory,
                                            GError **error);

/* Where the share `index` of a guest is bound to be exported from; NULL for the root, which is not.
 */
gchar *vmroot_transport_nfs_get_place (VmrootJournal *journal, guint index)
    G_GNUC_WARN_UNUSED_RESULT;

/* From where it is exported. */
gchar *vmroot_transport_nfs_get_path (VmrootContext *context, VmrootJournal *journal, guint index)
    G_GNUC_WARN_UNUSED_RESULT;

/* Export `path` to `client` with `options`; NULL: take the export away. */
gboolean vmroot_transport_nfs_run_exportfs (VmrootContext *context,
                                            const gchar *options,
                                            const gchar *client,
                                            const gchar *path,
                                            GCancellable *cancellable,
                                            GError **error);

/* VmrootTransportBackend.remove_stale */
gboolean vmroot_transport_nfs_remove_stale (VmrootContext *context,
                                            GPtrArray *journals,
                                            GPtrArray *done,
                                            GCancellable *cancellable,
                                            GError **error);

/* VmrootTransportBackend.check */
gboolean vmroot_transport_nfs_check (VmrootContext *context,
                                     VmrootConfiguration *configuration,
                                     VmrootSpec *spec,
                                     GPtrArray *directories,
                                     GPtrArray *findings,
                                     GCancellable *cancellable,
                                     GError **error);

G_END_DECLS
