/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * An NFS server that is another host, as far as this host can tell.
 */

#define VMROOT_NFS_SERVER_PORT 2049

/* Asks the server at `address` for an empty COMPOUND of NFS 4.2, which needs no export.
 *
 * FALSE: no server of NFS answered. `refuses`: it did, and does not speak that version. */
gboolean vmroot_nfs_server_ask (const gchar *address,
                                guint seconds,
                                gboolean *refuses,
                                GCancellable *cancellable,
                                GError **error);

G_END_DECLS
