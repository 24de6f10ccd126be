/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-virtiofs-policy-private.h"

G_BEGIN_DECLS

/*
 * VmrootVirtiofsd: the virtiofsd of this host, and how it wants to be spoken to.
 *
 * There are two: the one in C that came with QEMU up to 7.2, which has `-o` options only, and the
 * one in Rust, with long options, which also takes most of the other's for libvirt's sake.
 */
typedef struct
{
  gchar *path;
  gboolean is_rust;
  gboolean
      has_file_handles; /* --inode-file-handles: no open descriptor for each file the guest knows */
  gboolean has_killpriv_v2; /* writing takes setuid bits away */
} VmrootVirtiofsd;

/* Where it is: vmroot.conf(5), else as QEMU's docs/interop/vhost-user.json has it, else known
 * places. */
gchar *vmroot_virtiofsd_find_path (VmrootContext *context,
                                   VmrootConfiguration *configuration,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Find it and ask it what it understands. */
VmrootVirtiofsd *vmroot_virtiofsd_find (VmrootContext *context,
                                        VmrootConfiguration *configuration,
                                        GCancellable *cancellable,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
void vmroot_virtiofsd_free (VmrootVirtiofsd *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmrootVirtiofsd, vmroot_virtiofsd_free)

/* What libvirt asked for, read from its arguments: the directory (NULL: none), and the number of
 * the socket's descriptor (-1: none). */
gchar *vmroot_virtiofsd_get_source (const gchar *const *argv) G_GNUC_WARN_UNUSED_RESULT;
gint vmroot_virtiofsd_get_socket (const gchar *const *argv);

/* libvirt's arguments for this virtiofsd: `served` in place of the directory, and what the policy
 * adds. */
gchar **vmroot_virtiofsd_get_argv (VmrootVirtiofsd *self,
                                   const gchar *const *argv,
                                   VmrootVirtiofsPolicy *policy,
                                   const VmrootServedDirectory *served) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
