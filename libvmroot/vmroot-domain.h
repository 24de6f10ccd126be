/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-spec.h"

G_BEGIN_DECLS

#define VMROOT_TYPE_DOMAIN (vmroot_domain_get_type ())

VMROOT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (VmrootDomain, vmroot_domain, VMROOT, DOMAIN, GObject)

VMROOT_AVAILABLE_IN_1_0
VmrootDomain *vmroot_domain_new_from_xml (const gchar *xml, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
VMROOT_AVAILABLE_IN_1_0
VmrootDomain *vmroot_domain_new_from_bytes (GBytes *bytes, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

VMROOT_AVAILABLE_IN_1_0
gchar *vmroot_domain_get_name (VmrootDomain *self);
VMROOT_AVAILABLE_IN_1_0
gchar *vmroot_domain_get_uuid (VmrootDomain *self);

VMROOT_AVAILABLE_IN_1_0
VmrootSpec *vmroot_domain_get_spec (VmrootDomain *self, GError **error) G_GNUC_WARN_UNUSED_RESULT;
VMROOT_AVAILABLE_IN_1_0
gboolean vmroot_domain_set_spec (VmrootDomain *self, VmrootSpec *spec, GError **error);
VMROOT_AVAILABLE_IN_1_0
gchar *vmroot_domain_to_xml (VmrootDomain *self);

G_END_DECLS
