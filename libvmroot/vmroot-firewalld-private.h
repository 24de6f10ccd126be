/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-context-private.h"

G_BEGIN_DECLS

typedef enum
{
  VMROOT_FIREWALLD_UNKNOWN, /* it does not run, does not say, or it depends on more than that */
  VMROOT_FIREWALLD_OPEN,
  VMROOT_FIREWALLD_CLOSED,
} VmrootFirewalldAnswer;

/* Whether firewalld lets through to this host's NFS server what comes in by `interface`. Only
 * asked, not changed. `zone`: the one that the interface is in, or NULL. */
VmrootFirewalldAnswer vmroot_firewalld_ask (VmrootContext *context,
                                            const gchar *interface,
                                            gchar **zone,
                                            GCancellable *cancellable);

G_END_DECLS
