/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libvirt/libvirt.h>

#include "vmroot-connection.h"

G_BEGIN_DECLS

/*
 * For vmroot-connection*.c, the only files of the library that know libvirt.
 */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (virDomain, virDomainFree)

virConnectPtr vmroot_connection_get_handle (VmrootConnection *self);

/* The definition of `domain`, or with `flags` 0 what runs; NULL: it has gone, or is none that could
 * have a root. */
VmrootDomain *vmroot_connection_read_domain (virDomainPtr domain, guint flags)
    G_GNUC_WARN_UNUSED_RESULT;

/* The domain with this name, UUID or id. */
virDomainPtr vmroot_connection_look_up (VmrootConnection *self, const gchar *name, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* The definition that the domain has at its next start. Secrets are part of it, but over a
 * read-only connection: without them defining it again would lose them. */
gchar *vmroot_connection_read_definition (VmrootConnection *self,
                                          virDomainPtr domain,
                                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Turns the last error that libvirt reported in this thread into a GError. */
void vmroot_connection_set_error (GError **error, const gchar *what);

/*
 * What was done on libvirt's side so that a guest has an address of its own.
 */
typedef struct
{
  VmrootSpec *spec; /* with all that was left open filled in */
  guint made;       /* where the network got an entry that it did not have: virNetworkUpdateFlags */
  gboolean made_filter; /* libvirt got the network filter */
  gboolean ours;        /* the network has an entry that goes when the guest's root does */
} VmrootAddress;

void vmroot_address_free (VmrootAddress *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmrootAddress, vmroot_address_free)

/* Gives the guest `domain`, whose root is to be `spec`, an address. All of it or nothing is done.
 */
VmrootAddress *vmroot_address_reserve (VmrootConnection *connection,
                                       VmrootDomain *domain,
                                       VmrootSpec *spec,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Takes back what was done. */
gboolean vmroot_address_undo (VmrootConnection *connection, VmrootAddress *self, GError **error);

/* Takes the entry for the address of `spec` out of its network. Whatever is not there is fine. */
gboolean vmroot_address_release (VmrootConnection *connection, VmrootSpec *spec, GError **error);

/* Whether libvirt has the network filter that binds guests to their addresses; that of IPv6 is
 * defined.
 *
 * made: (out): whether it was not there. */
gboolean
vmroot_filter_ensure (VmrootConnection *connection, gboolean ipv6, gboolean *made, GError **error);

/* Takes the filter of IPv6 away if no guest has it any more. */
void vmroot_filter_remove_unused (VmrootConnection *connection);

G_END_DECLS
