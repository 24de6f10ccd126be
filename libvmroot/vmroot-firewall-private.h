/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-context-private.h"

G_BEGIN_DECLS

/*
 * The packet filters of this host, made with nft(8) or iptables(8), between libvirt's bridges and
 * the NFS server. Not firewalld's, which is asked with firewall-cmd.
 *
 * They are opened as libvirt opens them for DNS and DHCP: by a rule at the head of each chain that
 * would drop what comes in. Ours has a comment, by which it is found again.
 */

/* libvirt's bridges: a pattern for those it names itself, and the names of others that its networks
 * have. Bridges of the host, which lead elsewhere, are not among them. */
GPtrArray *vmroot_firewall_list_bridges (VmrootContext *context) G_GNUC_WARN_UNUSED_RESULT;

/* The chains that drop NFS from one of the bridges, as `nft inet filter input`. */
GPtrArray *vmroot_firewall_list_closed (VmrootContext *context,
                                        GCancellable *cancellable,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The chains that drop NFS from `interface` whatever the address of the guest: where that may
 * matter, nothing is said. */
GPtrArray *vmroot_firewall_list_surely_closed (VmrootContext *context,
                                               const gchar *interface,
                                               gboolean ipv6,
                                               GCancellable *cancellable,
                                               GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether `interface` is one of libvirt's bridges. */
gboolean vmroot_firewall_is_bridge (VmrootContext *context, const gchar *interface);

/* Opens these chains, and says which in `changed`. */
gboolean vmroot_firewall_open (VmrootContext *context,
                               GPtrArray *changed,
                               GCancellable *cancellable,
                               GError **error);

/* Takes away every rule of ours, and says where in `changed`. */
gboolean vmroot_firewall_close (VmrootContext *context,
                                GPtrArray *changed,
                                GCancellable *cancellable,
                                GError **error);

G_END_DECLS
