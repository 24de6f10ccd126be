/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-transport-private.h"

G_BEGIN_DECLS

/* Whether the kernel's NFS server knows a client with this address. It forgets one that does not
 * renew its lease after a minute and a half at the earliest, and from Linux 5.19 on, where nobody
 * is in want of what the client holds, after a day (Documentation/filesystems/nfs, “courteous
 * server”). UNKNOWN: it does not run, or does not tell. */
VmrootTransportUse vmroot_nfs_clients_has (VmrootContext *context, const gchar *address);

/* Has the server forget the clients with this address at once, whose machine has ended without a
 * word: otherwise it waits for them, 45 seconds for each file that they may keep a copy of,
 * whenever something on this host wants to rename, link, remove or change one (fs/nfsd/nfs4state.c,
 * force_expire_client()). Where that cannot be done, it forgets them in its own time. */
void vmroot_nfs_clients_expire (VmrootContext *context, const gchar *address);

G_END_DECLS
