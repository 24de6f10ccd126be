/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "vmroot-error.h"
#include "vmroot-domain.h"

struct _VmrootDomain
{
  GObject parent_instance;
};

G_DEFINE_FINAL_TYPE (VmrootDomain, vmroot_domain, G_TYPE_OBJECT)

static void
vmroot_domain_class_init (VmrootDomainClass *klass)
{
}

static void
vmroot_domain_init (VmrootDomain *self)
{
}

VmrootDomain *
vmroot_domain_new_from_xml (const gchar *xml, GError **error)
{
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "Not there yet");
  return NULL;
}

VmrootDomain *
vmroot_domain_new_from_bytes (GBytes *bytes, GError **error)
{
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "Not there yet");
  return NULL;
}

gchar *
vmroot_domain_get_name (VmrootDomain *self)
{
  return NULL;
}

gchar *
vmroot_domain_get_uuid (VmrootDomain *self)
{
  return NULL;
}

VmrootSpec *
vmroot_domain_get_spec (VmrootDomain *self, GError **error)
{
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "Not there yet");
  return NULL;
}

gboolean
vmroot_domain_set_spec (VmrootDomain *self, VmrootSpec *spec, GError **error)
{
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "Not there yet");
  return 0;
}

gchar *
vmroot_domain_to_xml (VmrootDomain *self)
{
  return NULL;
}
