/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-kernel.h"
#include "vmroot-spec.h"
#include "vmroot-tree.h"

G_BEGIN_DECLS

/* A module that a root needs: its name, and the kernel option it comes from. */
typedef struct
{
  const gchar *name;
  const gchar *option;
} VmrootModuleNeed;

/* What a kernel must be able to do before it can mount this root. */
GPtrArray *vmroot_modules_needed_for (VmrootSpec *spec) G_GNUC_WARN_UNUSED_RESULT;

/* The modules of one kernel: modules.dep, modules.builtin and modules.softdep, read once. */
typedef struct _VmrootModules VmrootModules;

VmrootModules *vmroot_modules_new (VmrootTree *tree, VmrootKernel *kernel, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
void vmroot_modules_free (VmrootModules *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmrootModules, vmroot_modules_free)

/* Whether the kernel has it, built in or as a module. */
gboolean vmroot_modules_has (VmrootModules *self, const VmrootModuleNeed *need, GError **error);

/* The needed modules and what they depend on, in load order, as modules.dep names them. Empty for a
 * kernel without a directory of modules: such a kernel has everything built in, or will say in the
 * guest what it lacks. */
GStrv vmroot_modules_resolve (VmrootModules *self, GPtrArray *needs, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* What finit_module(2) takes: decompressed. */
GBytes *vmroot_modules_read (VmrootModules *self, const gchar *path, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* "kernel/fs/fuse/fuse.ko.xz" is packed as "kernel/fs/fuse/fuse.ko". */
gchar *vmroot_modules_packed_name (const gchar *path) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
