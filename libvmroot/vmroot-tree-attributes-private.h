/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-tree.h"

G_BEGIN_DECLS

/*
 * VmrootTreeAttributes: what files of a tree have in extended attributes that NFS does not carry
 * (RFC 8276 has user.* alone).
 */
typedef struct
{
  GPtrArray *capabilities; /* the first paths of programs with capabilities, in the tree */
  guint n_capabilities;
  GPtrArray *acls; /* of directories and programs: other files are not opened */
  guint n_acls;
  gboolean complete; /* FALSE: the tree is so large that only a part was looked at */
} VmrootTreeAttributes;

/* Walks the tree, the top first, as far as it may take. Mounts below it are left out, as they are
 * not exported with it. */
VmrootTreeAttributes *vmroot_tree_attributes_new (VmrootTree *tree) G_GNUC_WARN_UNUSED_RESULT;
void vmroot_tree_attributes_free (VmrootTreeAttributes *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmrootTreeAttributes, vmroot_tree_attributes_free)

G_END_DECLS
