/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "vmroot-setup-host.h"

G_BEGIN_DECLS

#define SETUP_NFS_SERVER "nfs-server.service"

/* Whether the options for the NFS server make sense. `has_use`: it is to be set up. */
gboolean setup_nfs_check_options (const Setup *setup, gboolean has_use, GError **error);

/* Whether the NFS server exports anything, to anybody. */
gboolean setup_nfs_has_exports (Setup *setup);

/* Gives the NFS server that runs at least so many threads; it goes on meanwhile. */
gboolean setup_nfs_raise_threads (Setup *setup, guint threads, GError **error);
gboolean setup_undo_nfs_threads (Setup *setup, guint i, GError **error);

/* Whether the NFS server that runs speaks 4.2, and no other version where `alone`. */
gboolean setup_nfs_speaks_4_2 (Setup *setup, gboolean alone);

/* Whether the NFS server that runs listens on these addresses, separated by commas, and no others;
 * an empty string: on all that the host has. */
gboolean setup_nfs_listens_on (Setup *setup, const gchar *addresses);

G_END_DECLS
