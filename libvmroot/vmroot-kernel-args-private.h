/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The arguments of a kernel command line, quotes kept. `balanced` (may be NULL): whether every
 * quotation mark is closed; where one is not, the last argument goes on to the end, as the kernel
 * has it. */
gchar **vmroot_kernel_args_split (const gchar *line, gboolean *balanced) G_GNUC_WARN_UNUSED_RESULT;

/* Whether `arg` says what or where the root is. */
gboolean vmroot_kernel_arg_names_root (const gchar *arg);

/* `line` (may be NULL) with `ours` before it, without what `ours` replaces or already has. */
gchar *vmroot_kernel_args_add (const gchar *line, const gchar *ours) G_GNUC_WARN_UNUSED_RESULT;

/* `line` without what distinguishes `wrote` from `was`: where `wrote` is the command line that
 * vmroot_kernel_args_add() once made of `was`, and `line` what somebody made of it since. */
gchar *vmroot_kernel_args_remove (const gchar *line, const gchar *wrote, const gchar *was)
    G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
