/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "vmroot-error.h"
#include "vmroot-connection.h"

struct _VmrootConnection
{
  GObject parent_instance;
};

G_DEFINE_FINAL_TYPE (VmrootConnection, vmroot_connection, G_TYPE_OBJECT)

static void
vmroot_connection_class_init (VmrootConnectionClass *klass)
{
}

static void
vmroot_connection_init (VmrootConnection *self)
{
}

VmrootConnection *
vmroot_connection_open (const gchar *uri, GError **error)
{
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "Not there yet");
  return NULL;
}

VmrootDomain *
vmroot_connection_get_domain (VmrootConnection *self, const gchar *name, GError **error)
{
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "Not there yet");
  return NULL;
}

gchar **
vmroot_connection_list_domains (VmrootConnection *self, GError **error)
{
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "Not there yet");
  return NULL;
}

gboolean
vmroot_connection_attach (VmrootConnection *self,
                          const gchar *name,
                          VmrootSpec *spec,
                          gboolean *running,
                          GCancellable *cancellable,
                          GError **error)
{
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "Not there yet");
  return 0;
}

gboolean
vmroot_connection_detach (VmrootConnection *self,
                          const gchar *name,
                          gboolean *running,
                          GCancellable *cancellable,
                          GError **error)
{
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "Not there yet");
  return 0;
}
