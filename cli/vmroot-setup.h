/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What `vmroot setup` can be asked for one by one. */
typedef enum
{
  SETUP_CONFIGURATION = 1 << 0,
  SETUP_EXPORT = 1 << 1,
  SETUP_HOOK = 1 << 2,
  SETUP_NFS = 1 << 3,
  SETUP_FIREWALL = 1 << 4,
  SETUP_NSS = 1 << 5,

  /* What `vmroot setup` alone is: what every guest needs, over virtiofs too. */
  SETUP_DEFAULT = SETUP_CONFIGURATION | SETUP_EXPORT | SETUP_HOOK,
  SETUP_ALL = SETUP_DEFAULT | SETUP_NFS | SETUP_FIREWALL | SETUP_NSS,
} SetupPieces;

/* What `vmroot setup` does, without a word. `sysroot`: a host for tests; NULL: this one. */
gboolean setup_host (const gchar *sysroot, GCancellable *cancellable, GError **error);

/* What `vmroot setup PIECE…` does, without a word. */
gboolean setup_host_pieces (const gchar *sysroot,
                            SetupPieces pieces,
                            GCancellable *cancellable,
                            GError **error);

G_END_DECLS
