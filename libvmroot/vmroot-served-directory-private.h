/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "vmroot-configuration-private.h"

G_BEGIN_DECLS

/*
 * VmrootServedDirectory: a directory of the host that a guest is given, as it was found when the
 * guest was prepared. Two of them are the same directory when their `id` is, whatever their paths
 * are.
 */
typedef struct
{
  gchar *tag;        /* the virtiofs tag; says which file system of the guest this is */
  gchar *directory;  /* as the domain has it */
  gchar *path;       /* where that was: no symbolic link in it */
  gchar *id;         /* "DEVICE:INODE" */
  gchar **above;     /* the `id` of every directory above it, up to "/" */
  gboolean is_root;  /* the guest's root, not a share beside it */
  gboolean is_mount; /* something is mounted there; not in the journal */
  gboolean writable;
} VmrootServedDirectory;

/* The form of `id`. */
gchar *vmroot_served_directory_format_id (dev_t device, ino_t inode) G_GNUC_WARN_UNUSED_RESULT;

/* Open `directory`, which must lie beneath one of the allowed directories wherever symbolic links
 * lead. */
VmrootServedDirectory *vmroot_served_directory_new (VmrootContext *context,
                                                    VmrootConfiguration *configuration,
                                                    const gchar *tag,
                                                    const gchar *directory,
                                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;
void vmroot_served_directory_free (VmrootServedDirectory *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmrootServedDirectory, vmroot_served_directory_free)

gboolean vmroot_served_directory_equal (const VmrootServedDirectory *a,
                                        const VmrootServedDirectory *b);
gboolean vmroot_served_directory_is_beneath (const VmrootServedDirectory *self,
                                             const VmrootServedDirectory *other);

/* Whether two guests cannot have both at a time: one would write below the other's feet, or could
 * put a symbolic link where the other's directory was. Shares may be written by several. */
gboolean vmroot_served_directory_conflicts (const VmrootServedDirectory *a,
                                            const VmrootServedDirectory *b);

/* One group of a key file each. */
void vmroot_served_directory_save (const VmrootServedDirectory *self,
                                   GKeyFile *file,
                                   const gchar *group);
VmrootServedDirectory *vmroot_served_directory_load (GKeyFile *file,
                                                     const gchar *group,
                                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
