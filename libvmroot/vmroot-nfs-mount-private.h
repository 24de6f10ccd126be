/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-ip-address-private.h"
#include "vmroot-spec.h"

G_BEGIN_DECLS

/*
 * How a guest mounts its directories by NFS: what nfs(5) calls them.
 */

/* Whether `spec` says all that a mount needs; the others need that. */
gboolean vmroot_nfs_mount_is_described (VmrootSpec *spec);

/* "192.168.122.1:/export/guest", "[fd00::1]:/export/guest". */
gchar *vmroot_nfs_mount_source (VmrootSpec *spec, const gchar *path) G_GNUC_WARN_UNUSED_RESULT;

/* For mount(2). */
gchar *vmroot_nfs_mount_options (VmrootSpec *spec, gboolean read_only) G_GNUC_WARN_UNUSED_RESULT;

/* For the kernel's command line. */
gchar *vmroot_nfs_mount_kernel_args (VmrootSpec *spec) G_GNUC_WARN_UNUSED_RESULT;

/* The address of the guest, without the length of its prefix. */
gchar *vmroot_nfs_mount_client (VmrootSpec *spec) G_GNUC_WARN_UNUSED_RESULT;

/* The same as a number, with the length of its prefix, or 0. FALSE: it has none. */
gboolean vmroot_nfs_mount_get_client (VmrootSpec *spec, VmrootIpAddress *client, guint *prefix);

/* Whether any of the addresses of `spec` is one of IPv6: then all are. */
gboolean vmroot_nfs_mount_is_ipv6 (VmrootSpec *spec);

G_END_DECLS
