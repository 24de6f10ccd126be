/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-tree-private.h"

G_BEGIN_DECLS

/* Whether `kernel` mounts a root by NFS itself, without an initramfs: it has all of it built in, as
 * its configuration in the tree says. `missing`: the first option that it has not, or that nothing
 * says what it has. */
gboolean vmroot_kernel_config_mounts_nfs (VmrootTree *tree, VmrootKernel *kernel, gchar **missing);

G_END_DECLS
