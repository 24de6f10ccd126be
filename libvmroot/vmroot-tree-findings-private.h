/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <mntent.h>

#include "vmroot-finding-private.h"
#include "vmroot-tree-private.h"

G_BEGIN_DECLS

#define VMROOT_TREE_MAX_CONFIGURATION_SIZE (256 * 1024)

/* What is looked at, and what was found so far. */
typedef struct
{
  VmrootTree *tree;
  VmrootSpec *spec;
  /* The one that the guest would boot, or NULL. */
  VmrootKernel *kernel;
  GPtrArray *findings;
} VmrootTreeCheck;

/* What hurts a root by NFS only. */

/* Of the line of /etc/fstab for the root, which is on no disk. */
void vmroot_tree_find_nfs_root_entry (VmrootTreeCheck *check, const struct mntent *entry);

/* Of the initramfs in the tree, made by `generator` (NULL: unknown), that the guest is to boot. */
void vmroot_tree_find_nfs_initramfs (VmrootTreeCheck *check, const gchar *generator);

/* Of the kernel, when there is none. */
void vmroot_tree_find_nfs_built_in (VmrootTreeCheck *check);

void vmroot_tree_find_nfs_selinux (VmrootTreeCheck *check);
void vmroot_tree_find_nfs_attributes (VmrootTreeCheck *check);
void vmroot_tree_find_nfs_journal (VmrootTreeCheck *check);
void vmroot_tree_find_nfs_network_service (VmrootTreeCheck *check);

G_END_DECLS
