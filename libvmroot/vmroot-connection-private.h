/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libvirt/libvirt.h>

#include "vmroot-connection.h"

G_BEGIN_DECLS

/*
 * For vmroot-connection*.c, the only files of the library that know libvirt.
 */

virConnectPtr vmroot_connection_get_handle (VmrootConnection *self);

/* Turns the last error that libvirt reported in this thread into a GError. */
void vmroot_connection_set_error (GError **error, const gchar *what);

/*
 * What was done on a libvirt network so that a guest has an address of its own.
 */
typedef struct
{
  VmrootSpec *spec; /* with all that was left open filled in */
  gboolean made;    /* the network got an entry that it did not have */
  gboolean ours;    /* it has one, which goes when the guest's root does */
} VmrootAddress;

void vmroot_address_free (VmrootAddress *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmrootAddress, vmroot_address_free)

/* Gives the guest `domain`, whose root is to be `spec`, an address. */
VmrootAddress *vmroot_address_reserve (VmrootConnection *connection,
                                       VmrootDomain *domain,
                                       VmrootSpec *spec,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Takes the entry for the address of `spec` out of its network. Whatever is not there is fine. */
gboolean vmroot_address_release (VmrootConnection *connection, VmrootSpec *spec, GError **error);

G_END_DECLS
