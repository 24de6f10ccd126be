/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-journal-private.h"

G_BEGIN_DECLS

/*
 * VmrootVirtiofsPolicy: /run/vmroot/virtiofs/UUID.conf, how virtiofsd is to serve a guest's
 * directories.
 *
 * The hook writes it; vmroot-virtiofsd, which libvirt starts in place of virtiofsd and tells
 * little, reads it.
 */
typedef struct
{
  gchar *uuid;
  gint domain_id; /* -1: not known */
  VmrootXattrs xattrs;
  gboolean trusted_xattrs;
  GPtrArray *directories; /* VmrootServedDirectory */
} VmrootVirtiofsPolicy;

VmrootVirtiofsPolicy *vmroot_virtiofs_policy_new (const gchar *uuid) G_GNUC_WARN_UNUSED_RESULT;
void vmroot_virtiofs_policy_free (VmrootVirtiofsPolicy *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmrootVirtiofsPolicy, vmroot_virtiofs_policy_free)

gboolean
vmroot_virtiofs_policy_save (VmrootVirtiofsPolicy *self, VmrootContext *context, GError **error);
gboolean vmroot_virtiofs_policy_remove (VmrootContext *context, const gchar *uuid, GError **error);
gboolean vmroot_virtiofs_policy_exists (VmrootContext *context, const gchar *uuid);

/*
 * The policy for `directory` of the running domain `domain_id` (-1: not known).
 *
 * TRUE with *policy NULL: no guest of ours has that directory. *served belongs to the policy.
 */
gboolean vmroot_virtiofs_policy_find (VmrootContext *context,
                                      const gchar *directory,
                                      gint domain_id,
                                      VmrootVirtiofsPolicy **policy,
                                      const VmrootServedDirectory **served,
                                      GError **error);

G_END_DECLS
