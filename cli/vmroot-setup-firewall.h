/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "vmroot-setup-host.h"

G_BEGIN_DECLS

gboolean setup_firewalld_runs (Setup *setup);

/* Lets NFS through from libvirt's zones, now and permanently. */
gboolean setup_firewalld (Setup *setup, GError **error);
gboolean setup_undo_firewalld (Setup *setup, guint i, GError **error);

G_END_DECLS
