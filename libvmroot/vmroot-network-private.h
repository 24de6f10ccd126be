/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "vmroot-ip-address-private.h"

G_BEGIN_DECLS

typedef struct
{
  VmrootIpAddress first;
  VmrootIpAddress last;
} VmrootAddressRange;

typedef struct
{
  gchar *mac_address; /* NULL: it is known by its name, or by an id that says nothing of it */
  VmrootIpAddress address;
} VmrootReservation;

/*
 * VmrootNetwork: what a libvirt network's XML says of the addresses of one kind, IPv4 or IPv6.
 */
typedef struct
{
  gchar *name;
  gchar *bridge;  /* nullable */
  gchar *forward; /* the mode; NULL: the host forwards nothing from it */
  gint ip_index;  /* of the <ip>, as virNetworkUpdate() counts; -1: none, so that nobody can be
                   * asked for an address */
  VmrootIpAddress address; /* of the host */
  guint prefix;
  GArray *own; /* VmrootIpAddress: every address that the host has there */
  gboolean has_dhcp;
  GArray *ranges;          /* VmrootAddressRange, that DHCP gives away */
  GPtrArray *reservations; /* VmrootReservation */
} VmrootNetwork;

/* ipv6: whether the addresses of IPv6 are wanted. */
VmrootNetwork *vmroot_network_new_from_xml (const gchar *xml, gboolean ipv6, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
void vmroot_network_free (VmrootNetwork *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmrootNetwork, vmroot_network_free)

/* Whether guests are on a bridge, where libvirt can filter what they send. */
gboolean vmroot_network_is_bridged (VmrootNetwork *self);

/*
 * An address for the guest with `mac_address`: `wanted`, or that which is reserved for it, or one
 * that is free; outside of what DHCP gives away if there is room, since addresses in use there are
 * known to `taken` only while their guests run. Only for networks with an <ip>.
 *
 * wanted: nullable. taken: of the addresses that others use (VmrootIpAddress), whose they are.
 */
gboolean vmroot_network_choose (VmrootNetwork *self,
                                const gchar *mac_address,
                                const VmrootIpAddress *wanted,
                                GHashTable *taken,
                                VmrootIpAddress *address,
                                GError **error);

/* Whether `address` is reserved for `mac_address`. */
gboolean vmroot_network_has_reservation (VmrootNetwork *self,
                                         const gchar *mac_address,
                                         const VmrootIpAddress *address);

/*
 * libvirt's <host> element. That of IPv6 has no MAC address but the id by which DHCPv6 knows a
 * client (RFC 8415, 11.4): the one that is made of the MAC address alone.
 */
gchar *vmroot_network_format_reservation (const gchar *mac_address, const VmrootIpAddress *address)
    G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
