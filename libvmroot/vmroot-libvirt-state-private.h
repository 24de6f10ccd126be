/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-context-private.h"
#include "vmroot-domain.h"

G_BEGIN_DECLS

/*
 * What libvirt's QEMU driver keeps in files, for who must not call it: a hook that does waits for
 * itself.
 */

/* The running domains (VmrootDomain) that have metadata of ours. A domain is running while its
 * status file /run/libvirt/qemu/NAME.xml is there and its process lives (libvirt's
 * src/qemu/qemu_process.c, src/util/virpidfile.c). */
GPtrArray *vmroot_libvirt_state_list_running (VmrootContext *context, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* Whether `domain`, which runs, is still on its way here from another host. */
gboolean vmroot_libvirt_state_is_arriving (VmrootContext *context, VmrootDomain *domain);

/* Why the domain `name` stopped, after `since`, as libvirt writes in its log before it calls the
 * hook for `stopped` and `release`: "shutdown", "migrated", … (virDomainShutoffReason). NULL: it
 * cannot be told. */
gchar *vmroot_libvirt_state_get_stop_reason (VmrootContext *context,
                                             const gchar *name,
                                             GDateTime *since) G_GNUC_WARN_UNUSED_RESULT;

/* Whether /etc/libvirt/qemu defines a domain with this UUID. TRUE where that cannot be read. */
gboolean vmroot_libvirt_state_defines (VmrootContext *context, const gchar *uuid);

G_END_DECLS
