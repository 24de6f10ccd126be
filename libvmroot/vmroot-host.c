/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "vmroot-error.h"
#include "vmroot-host.h"

struct _VmrootHost
{
  GObject parent_instance;
};

G_DEFINE_FINAL_TYPE (VmrootHost, vmroot_host, G_TYPE_OBJECT)

static void
vmroot_host_class_init (VmrootHostClass *klass)
{
}

static void
vmroot_host_init (VmrootHost *self)
{
}

VmrootHost *
vmroot_host_new (const gchar *sysroot)
{
  return NULL;
}

gboolean
vmroot_host_prepare (VmrootHost *self,
                     VmrootDomain *domain,
                     GCancellable *cancellable,
                     GError **error)
{
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "Not there yet");
  return 0;
}

gboolean
vmroot_host_release (VmrootHost *self,
                     VmrootDomain *domain,
                     GCancellable *cancellable,
                     GError **error)
{
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "Not there yet");
  return 0;
}

GPtrArray *
vmroot_host_reconcile (VmrootHost *self, GCancellable *cancellable, GError **error)
{
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "Not there yet");
  return NULL;
}

GPtrArray *
vmroot_host_list_roots (VmrootHost *self, GError **error)
{
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "Not there yet");
  return NULL;
}

GPtrArray *
vmroot_host_check (VmrootHost *self, VmrootSpec *spec, GCancellable *cancellable, GError **error)
{
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "Not there yet");
  return NULL;
}
