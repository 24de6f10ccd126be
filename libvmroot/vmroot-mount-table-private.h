/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-context-private.h"

G_BEGIN_DECLS

/*
 * VmrootMount: what is mounted on this host, as proc(5) has it in mountinfo.
 */
typedef struct
{
  gchar *device; /* "MAJOR:MINOR": the same for all mounts of one file system */
  gchar *root;   /* the directory of the file system that is mounted: "/" is all of it */
  gchar *mount_point;
  gchar **options;
  gchar *type;
} VmrootMount;

/* Of VmrootMount; empty where it cannot be read. */
GPtrArray *vmroot_mount_table_read (VmrootContext *context) G_GNUC_WARN_UNUSED_RESULT;

/* The one that the directory `path` is on, or NULL. `path` has no symbolic link in it. */
const VmrootMount *vmroot_mount_table_find (GPtrArray *table, const gchar *path);

gboolean vmroot_mount_has_option (const VmrootMount *self, const gchar *option);

/* Whether `path` is `directory`, or lies beneath it. */
gboolean vmroot_path_is_within (const gchar *path, const gchar *directory);

G_END_DECLS
