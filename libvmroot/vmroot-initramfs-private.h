/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* An initramfs in the making: a cpio archive as the kernel unpacks it, the same bytes for the same
 * contents, whatever the order they are added in. Paths have no leading "/"; parents are made. */
typedef struct _VmrootInitramfs VmrootInitramfs;

VmrootInitramfs *vmroot_initramfs_new (void) G_GNUC_WARN_UNUSED_RESULT;
void vmroot_initramfs_free (VmrootInitramfs *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmrootInitramfs, vmroot_initramfs_free)

void vmroot_initramfs_add_directory (VmrootInitramfs *self, const gchar *path);
void
vmroot_initramfs_add_file (VmrootInitramfs *self, const gchar *path, guint mode, GBytes *content);
void vmroot_initramfs_add_character_device (
    VmrootInitramfs *self, const gchar *path, guint mode, guint device_major, guint device_minor);

/* Writes all of it to `fd`. */
gboolean vmroot_initramfs_write (VmrootInitramfs *self, int fd, GError **error);

G_END_DECLS
