/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * VmrootContext: the way to every path of this host and to every program it runs.
 *
 * Tests give it a temporary sysroot; the programs of vmroot use "/".
 */
typedef struct _VmrootContext VmrootContext;

VmrootContext *vmroot_context_new (const gchar *sysroot) G_GNUC_WARN_UNUSED_RESULT;
VmrootContext *vmroot_context_ref (VmrootContext *self);
void vmroot_context_unref (VmrootContext *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmrootContext, vmroot_context_unref)

/* The absolute path `path` of this host, below the sysroot. */
gchar *vmroot_context_path (VmrootContext *self, const gchar *path) G_GNUC_WARN_UNUSED_RESULT;

/* One of our own programs in libexecdir, by its name. VMROOT_LIBEXEC_DIR in the environment takes
 * the place of libexecdir, for programs that run from the build directory. */
gchar *vmroot_context_program (VmrootContext *self, const gchar *name) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
