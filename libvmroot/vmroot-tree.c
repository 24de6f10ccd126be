/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "vmroot-error.h"
#include "vmroot-tree.h"

struct _VmrootTree
{
  GObject parent_instance;
};

G_DEFINE_FINAL_TYPE (VmrootTree, vmroot_tree, G_TYPE_OBJECT)

static void
vmroot_tree_class_init (VmrootTreeClass *klass)
{
}

static void
vmroot_tree_init (VmrootTree *self)
{
}

VmrootTree *
vmroot_tree_new (const gchar *path, GError **error)
{
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "Not there yet");
  return NULL;
}

const gchar *
vmroot_tree_get_path (VmrootTree *self)
{
  return NULL;
}

gchar *
vmroot_tree_get_os_id (VmrootTree *self)
{
  return NULL;
}

gchar *
vmroot_tree_get_os_name (VmrootTree *self)
{
  return NULL;
}

gchar *
vmroot_tree_get_architecture (VmrootTree *self)
{
  return NULL;
}

gchar *
vmroot_tree_get_init (VmrootTree *self)
{
  return NULL;
}

gchar *
vmroot_tree_get_init_system (VmrootTree *self)
{
  return NULL;
}

gchar *
vmroot_tree_get_initramfs_generator (VmrootTree *self)
{
  return NULL;
}

GPtrArray *
vmroot_tree_list_kernels (VmrootTree *self, GError **error)
{
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "Not there yet");
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
