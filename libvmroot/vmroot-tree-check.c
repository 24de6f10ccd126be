/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "vmroot-error.h"
#include "vmroot-tree-private.h"

gchar *
vmroot_tree_get_initramfs_generator (VmrootTree *self)
{
  return NULL;
}

GPtrArray *
vmroot_tree_check (VmrootTree *self, VmrootSpec *spec, GCancellable *cancellable, GError **error)
{
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "Not there yet");
  return NULL;
}

void
vmroot_tree_check_async (VmrootTree *self,
                         VmrootSpec *spec,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
}

GPtrArray *
vmroot_tree_check_finish (VmrootTree *self, GAsyncResult *result, GError **error)
{
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "Not there yet");
  return NULL;
}
