/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * VmrootNetwork: what a libvirt network's XML says of its IPv4 addresses.
 *
 * Addresses are numbers in the order of the host, as they are compared and counted.
 */
typedef struct
{
  guint32 first;
  guint32 last;
} VmrootAddressRange;

typedef struct
{
  gchar *mac_address; /* NULL: it is known by its name or client id */
  guint32 address;
} VmrootReservation;

typedef struct
{
  gchar *name;
  guint32 address; /* of the host */
  guint prefix;
  gboolean isolated; /* the host forwards nothing from it */
  gboolean has_dhcp;
  GArray *ranges;          /* VmrootAddressRange, that DHCP gives away */
  GPtrArray *reservations; /* VmrootReservation */
} VmrootNetwork;

/* NULL with an error for a network on which this host has no IPv4 address. */
VmrootNetwork *vmroot_network_new_from_xml (const gchar *xml, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
void vmroot_network_free (VmrootNetwork *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmrootNetwork, vmroot_network_free)

/* Whether `text` is an IPv4 address, and which. */
gboolean vmroot_network_parse_address (const gchar *text, guint32 *address);
gchar *vmroot_network_format_address (guint32 address) G_GNUC_WARN_UNUSED_RESULT;

/*
 * An address for the guest with `mac_address`: `wanted`, or that which is reserved for it, or one
 * that is free; outside of what DHCP gives away if there is room, since addresses in use there are
 * known to `taken` only while their guests run.
 *
 * wanted: nullable. taken: the addresses that others use, as keys, GUINT_TO_POINTER().
 */
gboolean vmroot_network_choose (VmrootNetwork *self,
                                const gchar *mac_address,
                                const gchar *wanted,
                                GHashTable *taken,
                                guint32 *address,
                                GError **error);

/* Whether `address` is reserved for `mac_address`. */
gboolean
vmroot_network_has_reservation (VmrootNetwork *self, const gchar *mac_address, guint32 address);

/* libvirt's <host> element. */
gchar *vmroot_network_format_reservation (const gchar *mac_address, guint32 address)
    G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
