/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "vmroot.h"

G_BEGIN_DECLS

/* What tree and host say about `spec` for the guest `uuid` (NULL: any), the worst first. Looks at
 * this host (`sysroot`: one for tests): not for a guest of another one. */
GPtrArray *findings_collect (const gchar *sysroot,
                             VmrootSpec *spec,
                             const gchar *uuid,
                             GCancellable *cancellable,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Puts right what can be, and says on stderr what it did; `any`: whether there was something. */
gboolean findings_fix (const gchar *sysroot,
                       VmrootSpec *spec,
                       GPtrArray *findings,
                       gboolean *any,
                       GCancellable *cancellable,
                       GError **error);

/* Those of `least` or worse. */
void findings_print_stderr (GPtrArray *findings, VmrootSeverity least);
void findings_print (GPtrArray *findings);

guint findings_count (GPtrArray *findings, VmrootSeverity severity);

G_END_DECLS
