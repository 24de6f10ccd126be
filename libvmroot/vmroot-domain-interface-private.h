/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-domain-metadata-private.h"

G_BEGIN_DECLS

/*
 * The <interface> over which a guest reaches a root on an NFS server: the one with the MAC address
 * of the spec, made if there is none, and bound to the guest's address.
 *
 * For vmroot-domain*.c alone.
 */

/* The <interface> of `domain` with this MAC address; NULL: none. */
xmlNode *vmroot_interface_find (xmlNode *domain, const gchar *mac_address);

/* Whether `domain` can have the interface that `metadata`'s spec asks for. */
gboolean vmroot_interface_check (xmlNode *domain, VmrootMetadata *metadata, GError **error);

/* Makes it so. */
void vmroot_interface_apply (xmlNode *domain, xmlNode *devices, VmrootMetadata *metadata);

G_END_DECLS
