/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * VmrootIpAddress: an address of IPv4 or IPv6 that can be compared and counted.
 */
typedef struct
{
  guint size;       /* in bytes: 4 or 16 */
  guint8 bytes[16]; /* in the order of the network; the rest is zero */
} VmrootIpAddress;

/* Whether `text` is an address, and which. */
gboolean vmroot_ip_address_parse (const gchar *text, VmrootIpAddress *self);

/* The same for "192.168.122.5/24", as interfaces have it; without a prefix, that is 0. */
gboolean
vmroot_ip_address_parse_interface (const gchar *text, VmrootIpAddress *self, guint *prefix);

/* In the one form that the kernel and its tools write, too (RFC 5952). */
gchar *vmroot_ip_address_to_string (const VmrootIpAddress *self) G_GNUC_WARN_UNUSED_RESULT;

gboolean vmroot_ip_address_is_ipv6 (const VmrootIpAddress *self);

/* For GHashTable. */
guint vmroot_ip_address_hash (gconstpointer self);
gboolean vmroot_ip_address_equal (gconstpointer a, gconstpointer b);

/* The order of addresses of one kind. */
gint vmroot_ip_address_compare (const VmrootIpAddress *a, const VmrootIpAddress *b);

/* Whether both are in one network with this length of its prefix. */
gboolean
vmroot_ip_address_same_network (const VmrootIpAddress *a, const VmrootIpAddress *b, guint prefix);

/* Whether a host can have it in a network with this length of its prefix: neither its first, which
 * stands for the network (IPv4) or for any of its routers (IPv6), nor the last one of IPv4, which
 * is everybody. */
gboolean vmroot_ip_address_is_host (const VmrootIpAddress *self, guint prefix);

/* Whether it is the address of one host that others can reach, and not only on the same link. */
gboolean vmroot_ip_address_is_routable (const VmrootIpAddress *self);

/* fe80::/10 */
gboolean vmroot_ip_address_is_ipv6_link_local (const VmrootIpAddress *self);

/* The last one that a host should have in the network of `self`. */
VmrootIpAddress vmroot_ip_address_last_host (const VmrootIpAddress *self, guint prefix);

/* The one before. */
void vmroot_ip_address_decrease (VmrootIpAddress *self);

/* What a host with this MAC address gives itself in the IPv6 network of `self`, whose prefix has
 * 64 bits (RFC 4291, appendix A). */
VmrootIpAddress vmroot_ip_address_for_mac (const VmrootIpAddress *self, const gchar *mac_address);

G_END_DECLS
