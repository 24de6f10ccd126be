/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What `vmroot setup` does, without a word. `sysroot`: a host for tests; NULL: this one. */
gboolean setup_host (const gchar *sysroot, GCancellable *cancellable, GError **error);

G_END_DECLS
