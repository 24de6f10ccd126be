/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "vmroot-error.h"
#include "vmroot-spec.h"

struct _VmrootSpec
{
  GObject parent_instance;
};

G_DEFINE_FINAL_TYPE (VmrootSpec, vmroot_spec, G_TYPE_OBJECT)

static void
vmroot_spec_class_init (VmrootSpecClass *klass)
{
}

static void
vmroot_spec_init (VmrootSpec *self)
{
}

VmrootSpec *
vmroot_spec_new (const gchar *directory)
{
  return NULL;
}

gboolean
vmroot_spec_validate (VmrootSpec *self, GError **error)
{
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "Not there yet");
  return 0;
}

const gchar *
vmroot_spec_get_directory (VmrootSpec *self)
{
  return NULL;
}

void
vmroot_spec_set_directory (VmrootSpec *self, const gchar *directory)
{
}

VmrootTransport
vmroot_spec_get_transport (VmrootSpec *self)
{
  return 0;
}

void
vmroot_spec_set_transport (VmrootSpec *self, VmrootTransport transport)
{
}

const gchar *
vmroot_spec_get_tag (VmrootSpec *self)
{
  return NULL;
}

void
vmroot_spec_set_tag (VmrootSpec *self, const gchar *tag)
{
}

VmrootXattrs
vmroot_spec_get_xattrs (VmrootSpec *self)
{
  return 0;
}

void
vmroot_spec_set_xattrs (VmrootSpec *self, VmrootXattrs xattrs)
{
}

VmrootCache
vmroot_spec_get_cache (VmrootSpec *self)
{
  return 0;
}

void
vmroot_spec_set_cache (VmrootSpec *self, VmrootCache cache)
{
}

const gchar *
vmroot_spec_get_network (VmrootSpec *self)
{
  return NULL;
}

void
vmroot_spec_set_network (VmrootSpec *self, const gchar *network)
{
}

const gchar *
vmroot_spec_get_address (VmrootSpec *self)
{
  return NULL;
}

void
vmroot_spec_set_address (VmrootSpec *self, const gchar *address)
{
}

const gchar *
vmroot_spec_get_mac_address (VmrootSpec *self)
{
  return NULL;
}

void
vmroot_spec_set_mac_address (VmrootSpec *self, const gchar *mac_address)
{
}

const gchar *
vmroot_spec_get_server (VmrootSpec *self)
{
  return NULL;
}

void
vmroot_spec_set_server (VmrootSpec *self, const gchar *server)
{
}

const gchar *
vmroot_spec_get_kernel (VmrootSpec *self)
{
  return NULL;
}

void
vmroot_spec_set_kernel (VmrootSpec *self, const gchar *kernel)
{
}

VmrootBootSource
vmroot_spec_get_boot_source (VmrootSpec *self)
{
  return 0;
}

void
vmroot_spec_set_boot_source (VmrootSpec *self, VmrootBootSource boot_source)
{
}

const gchar *
vmroot_spec_get_kernel_args (VmrootSpec *self)
{
  return NULL;
}

void
vmroot_spec_set_kernel_args (VmrootSpec *self, const gchar *kernel_args)
{
}

gboolean
vmroot_spec_get_read_only (VmrootSpec *self)
{
  return 0;
}

void
vmroot_spec_set_read_only (VmrootSpec *self, gboolean read_only)
{
}

gboolean
vmroot_spec_get_ephemeral (VmrootSpec *self)
{
  return 0;
}

void
vmroot_spec_set_ephemeral (VmrootSpec *self, gboolean ephemeral)
{
}

VmrootOnFailure
vmroot_spec_get_on_failure (VmrootSpec *self)
{
  return 0;
}

void
vmroot_spec_set_on_failure (VmrootSpec *self, VmrootOnFailure on_failure)
{
}

void
vmroot_spec_add_share (VmrootSpec *self, VmrootShare *share)
{
}

GPtrArray *
vmroot_spec_list_shares (VmrootSpec *self)
{
  return NULL;
}

void
vmroot_spec_clear_shares (VmrootSpec *self)
{
}

void
vmroot_spec_add_tmpfs (VmrootSpec *self, VmrootTmpfs *tmpfs)
{
}

GPtrArray *
vmroot_spec_list_tmpfs (VmrootSpec *self)
{
  return NULL;
}

void
vmroot_spec_clear_tmpfs (VmrootSpec *self)
{
}

void
vmroot_spec_set_run_file (VmrootSpec *self, const gchar *path, const gchar *content)
{
}

const gchar *
vmroot_spec_get_run_file (VmrootSpec *self, const gchar *path)
{
  return NULL;
}

gchar **
vmroot_spec_list_run_files (VmrootSpec *self)
{
  return NULL;
}
