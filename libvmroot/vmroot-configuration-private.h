/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-context-private.h"

G_BEGIN_DECLS

#define VMROOT_CONFIGURATION_PATH VMROOT_SYSCONFDIR "/vmroot/vmroot.conf"

/* What the administrator of this host wants; see vmroot.conf(5). */
typedef struct
{
  gchar **allowed_directories; /* absolute paths; guests are given what lies strictly beneath */
  gchar *virtiofsd;            /* absolute path; NULL: look for it */
  gboolean trusted_xattrs;     /* guests may have trusted.* attributes */
  gboolean nfs_sync;           /* what a guest wrote is on the disk before it is told so */
} VmrootConfiguration;

/* A missing file is the defaults. Anything in it that is not understood is an error. */
VmrootConfiguration *vmroot_configuration_load (VmrootContext *context, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
void vmroot_configuration_free (VmrootConfiguration *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmrootConfiguration, vmroot_configuration_free)

G_END_DECLS
