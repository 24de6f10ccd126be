/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/stat.h>

#include "vmroot-tree.h"

G_BEGIN_DECLS

/* What a file or directory of the tree was when it was read: path, whether it existed, device,
 * inode, size, modification and change time in nanoseconds. */
#define VMROOT_TREE_INPUT_TYPE "(sbtttxx)"
#define VMROOT_TREE_INPUTS_TYPE "a" VMROOT_TREE_INPUT_TYPE

struct _VmrootTree
{
  GObject parent_instance;

  gchar *path;
  int fd;
  struct stat status;

  /* Path to VMROOT_TREE_INPUT_TYPE; NULL while nothing is recorded. */
  GHashTable *inputs;
};

/* Takes over a descriptor of the root directory; `path` is for messages only. */
VmrootTree *vmroot_tree_new_for_fd (int fd, const gchar *path) G_GNUC_WARN_UNUSED_RESULT;

/* The O_PATH descriptor of the root directory. It stays the tree's. */
int vmroot_tree_get_fd (VmrootTree *self);

/* Device and inode of the root directory: what a claim is keyed by. */
void vmroot_tree_get_identity (VmrootTree *self, dev_t *dev, ino_t *ino);

/*
 * Reading a tree that may lie. Every path is resolved beneath the tree's root: absolute links and
 * ".." stay inside. Errors are of G_IO_ERROR where the kernel refused (so that a caller can tell
 * G_IO_ERROR_NOT_FOUND), and VMROOT_ERROR_UNSAFE_TREE where a file is not what it must be.
 */
gboolean
vmroot_tree_stat (VmrootTree *self, const gchar *path, struct stat *status, GError **error);
gboolean vmroot_tree_is_directory (VmrootTree *self, const gchar *path);
gboolean vmroot_tree_is_file (VmrootTree *self, const gchar *path);

/* Opens a regular file of at most `max_size` bytes for reading. Returns a descriptor, or -1. */
int vmroot_tree_open_file (VmrootTree *self, const gchar *path, guint64 max_size, GError **error);

/* The whole of a file of at most `max_size` bytes. */
GBytes *vmroot_tree_read_file (VmrootTree *self, const gchar *path, gsize max_size, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* The same as text: UTF-8, without NUL. */
gchar *vmroot_tree_read_text (VmrootTree *self, const gchar *path, gsize max_size, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* The names in a directory, sorted, those that are not UTF-8 left out. A directory of more entries
 * than any distribution makes is an error. */
GStrv vmroot_tree_list_directory (VmrootTree *self, const gchar *path, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* From now on, remembers every path that is looked at. */
void vmroot_tree_record_inputs (VmrootTree *self);

/* What was looked at since, as a VMROOT_TREE_INPUTS_TYPE. */
GVariant *vmroot_tree_get_inputs (VmrootTree *self) G_GNUC_WARN_UNUSED_RESULT;

/* Whether each of `inputs` still is what it was. Opens nothing for reading. */
gboolean vmroot_tree_matches_inputs (VmrootTree *self, GVariant *inputs);

/* The kernel that a guest with this wish boots: a release, a path inside the tree, or NULL for the
 * newest. */
VmrootKernel *vmroot_tree_find_kernel (VmrootTree *self, const gchar *wish, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* What made the initramfs at `path` in the tree, by what it holds, or NULL. */
gchar *vmroot_tree_recognise_initramfs (VmrootTree *self, const gchar *path);

/* Whether the initramfs at `path` has a file of one of these names in it, each a whole component of
 * its path or more. */
gboolean vmroot_tree_initramfs_has (VmrootTree *self, const gchar *path, const gchar *const *names);

/* What vmroot_tree_get_initramfs_generator() answers, read here. */
gchar *vmroot_tree_find_generator (VmrootTree *self);

/* What vmroot_tree_check() answers, read here. */
GPtrArray *vmroot_tree_collect_findings (VmrootTree *self, VmrootSpec *spec)
    G_GNUC_WARN_UNUSED_RESULT;

/* Findings as the builder passes them on: VMROOT_BUILDER_FINDINGS_TYPE. */
GVariant *vmroot_tree_pack_findings (GPtrArray *findings) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
