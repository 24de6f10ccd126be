/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * VmrootPacketFilter: the chains of a packet filter of the kernel, and what they do to one packet:
 * the first of a TCP connection to the NFS server, coming in by a given interface.
 *
 * Of a rule that asks for something else, such as the address it comes from, nobody can say whether
 * it matches: such a rule is passed over. So a list of banned addresses is no closed door, and
 * neither is an open one what is open to some addresses.
 */
typedef struct _VmrootPacketFilter VmrootPacketFilter;

typedef struct
{
  const gchar *interface;
  gboolean ipv6;
} VmrootPacket;

typedef enum
{
  VMROOT_PACKET_MATCH_NO,
  VMROOT_PACKET_MATCH_MAYBE,
  VMROOT_PACKET_MATCH_YES,
} VmrootPacketMatch;

typedef enum
{
  VMROOT_PACKET_VERDICT_NONE, /* the next rule decides */
  VMROOT_PACKET_VERDICT_ACCEPT,
  VMROOT_PACKET_VERDICT_DROP,
  VMROOT_PACKET_VERDICT_RETURN,
  VMROOT_PACKET_VERDICT_JUMP,
  VMROOT_PACKET_VERDICT_GOTO,
} VmrootPacketVerdict;

VmrootPacketFilter *vmroot_packet_filter_new (void) G_GNUC_WARN_UNUSED_RESULT;
void vmroot_packet_filter_free (VmrootPacketFilter *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmrootPacketFilter, vmroot_packet_filter_free)

/* `is_hook`: packets come to it from the kernel; `drops`: its policy. A chain is named once. */
void vmroot_packet_filter_add_chain (VmrootPacketFilter *self,
                                     const gchar *name,
                                     gboolean is_hook,
                                     gboolean drops);

/* Adds a rule to the end of a chain. `target`: of a jump or goto. */
void vmroot_packet_filter_add_rule (VmrootPacketFilter *self,
                                    const gchar *chain,
                                    VmrootPacketMatch match,
                                    VmrootPacketVerdict verdict,
                                    const gchar *target);

/* The names of the hooks that drop the packet. */
GPtrArray *vmroot_packet_filter_list_closed (VmrootPacketFilter *self) G_GNUC_WARN_UNUSED_RESULT;

/* The same, but none whose rules of doubtful match may let the packet through. */
GPtrArray *vmroot_packet_filter_list_surely_closed (VmrootPacketFilter *self)
    G_GNUC_WARN_UNUSED_RESULT;

VmrootPacketMatch vmroot_packet_match_not (VmrootPacketMatch match);

/* Whether `interface` is what `pattern` says, which ends with `wildcard` if it may go on. */
gboolean
vmroot_packet_match_interface (const gchar *pattern, gchar wildcard, const gchar *interface);

/* What `nft --json list ruleset` prints, for the packet: chains are named FAMILY TABLE CHAIN. The
 * chain INPUT that belongs to iptables is left out where `with_iptables` is FALSE. */
VmrootPacketFilter *vmroot_packet_filter_new_from_nft (const gchar *json,
                                                       const VmrootPacket *packet,
                                                       gboolean with_iptables,
                                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What `iptables --list-rules` prints, for the packet. */
VmrootPacketFilter *vmroot_packet_filter_new_from_iptables (const gchar *rules,
                                                            const VmrootPacket *packet)
    G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
