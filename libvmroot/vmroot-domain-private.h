/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-domain.h"

G_BEGIN_DECLS

/* Below it, <uuid>/kernel and <uuid>/initramfs are what a domain boots. */
#define VMROOT_BOOT_DIRECTORY "/var/lib/vmroot/boot"

/* The network filters that bind a guest to its address: libvirt's own, which lets no IPv6 through,
 * and the one that VmrootConnection defines. */
#define VMROOT_IPV4_FILTER "clean-traffic"
#define VMROOT_IPV6_FILTER "vmroot-clean-traffic-ipv6"

/* The number of a running guest (<domain id=…>), or -1. */
gint vmroot_domain_get_id (VmrootDomain *self);

/* The MAC address of the first interface on the libvirt network `network`, or, without one, of the
 * first of all; NULL: there is none. */
gchar *vmroot_domain_find_mac_address (VmrootDomain *self, const gchar *network)
    G_GNUC_WARN_UNUSED_RESULT;
gboolean vmroot_domain_has_mac_address (VmrootDomain *self, const gchar *mac_address);

/* What the interface with this MAC address is on: the name of its "network" or "bridge"; NULL:
 * there is none, or it is on nothing of that kind. */
gchar *vmroot_domain_find_source (VmrootDomain *self, const gchar *mac_address, const gchar *kind)
    G_GNUC_WARN_UNUSED_RESULT;

/* Whether an interface has the network filter `name`. */
gboolean vmroot_domain_has_filter (VmrootDomain *self, const gchar *name);

/* Whether the network of the guest has an entry for its address that vmroot made. Of the root that
 * is described: describing it anew forgets it. */
gboolean vmroot_domain_get_address_reserved (VmrootDomain *self);
void vmroot_domain_set_address_reserved (VmrootDomain *self);

G_END_DECLS
