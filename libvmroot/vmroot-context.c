/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "vmroot-context-private.h"

struct _VmrootContext
{
  gatomicrefcount ref_count;
  gchar *sysroot;
};

VmrootContext *
vmroot_context_new (const gchar *sysroot)
{
  VmrootContext *self = g_new0 (VmrootContext, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->sysroot = g_strdup (sysroot != NULL ? sysroot : "/");
  return self;
}

VmrootContext *
vmroot_context_ref (VmrootContext *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
vmroot_context_unref (VmrootContext *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_free (self->sysroot);
  g_free (self);
}

gchar *
vmroot_context_path (VmrootContext *self, const gchar *path)
{
  return g_build_filename (self->sysroot, path, NULL);
}

gchar *
vmroot_context_program (VmrootContext *self, const gchar *name)
{
  const gchar *directory = g_getenv ("VMROOT_LIBEXEC_DIR");

  return g_build_filename (directory != NULL ? directory : VMROOT_LIBEXECDIR, name, NULL);
}
