/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-served-directory-private.h"

G_BEGIN_DECLS

/*
 * VmrootShareMount: a share of a guest, bound to a place of its own, from where it is exported.
 *
 * The NFS server looks a path up again whenever it is asked for the export anew; here, that leads
 * to the directory that was opened and checked when the guest was prepared, whatever has become of
 * the path it was found at. Without what is mounted below it, and read-only where the share is. It
 * does not confine file handles: those are of the file system, whichever mount they come through.
 */

#define VMROOT_SHARES_DIRECTORY "/run/vmroot/shares"

/* The place for the share `index`, from 0, of the guest with the address `client`: both the host
 * that exports it and the guest that mounts it know it by that. */
gchar *vmroot_share_mount_path (const gchar *client, guint index) G_GNUC_WARN_UNUSED_RESULT;

/* Doing it again, or finishing what was left half done, is fine. */
gboolean vmroot_share_mount_take (VmrootContext *context,
                                  const VmrootServedDirectory *directory,
                                  const gchar *path,
                                  GError **error);
gboolean vmroot_share_mount_undo (VmrootContext *context, const gchar *path, GError **error);
gboolean vmroot_share_mount_is_taken (VmrootContext *context,
                                      const VmrootServedDirectory *directory,
                                      const gchar *path);

/* The places there are, mounted or not. */
gchar **vmroot_share_mount_list (VmrootContext *context) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
