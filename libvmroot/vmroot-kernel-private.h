/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-kernel.h"

G_BEGIN_DECLS

/* Orders two kernel releases as their makers number them: below, at or above 0 as `a` is older
 * than, as new as, or newer than `b`. */
gint vmroot_kernel_compare_versions (const gchar *a, const gchar *b);

/* Whether `version` can be what `uname -r` prints: a single name, safe in a path. */
gboolean vmroot_kernel_is_version (const gchar *version);

G_END_DECLS
