/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "vmroot-spec-options.h"

G_BEGIN_DECLS

/* The exit status: 0 done, 1 failed, 2 misused. */
enum
{
  COMMAND_DONE,
  COMMAND_FAILED,
  COMMAND_MISUSED,
};

/* One word after `vmroot`. It runs in a thread of its own; `cancellable` is cancelled by Ctrl-C. */
typedef struct
{
  const gchar *name;
  const gchar *arguments;
  const gchar *summary;
  gint (*run) (gchar **argv, GCancellable *cancellable);
} Command;

extern const Command commands[];

const Command *command_find (const gchar *name);

/* Options that more than one command has. */
typedef struct
{
  gchar *connect;
  gchar *xml;
  gchar *sysroot; /* every command's, hidden: a host for tests */
  gboolean json;
} CommonOptions;

enum
{
  COMMON_CONNECT = 1 << 0,
  COMMON_XML = 1 << 1,
  COMMON_JSON = 1 << 2,
};

void common_options_clear (CommonOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CommonOptions, common_options_clear)

/*
 * Takes the options of the command argv[0] out of `argv`: its own `entries`, those of a root where
 * `spec` is not NULL, and `which` of the common ones. What remains are its operands, at most
 * `max_operands`, without the command's name.
 */
GStrv command_parse (gchar **argv,
                     const GOptionEntry *entries,
                     SpecOptions *spec,
                     CommonOptions *common,
                     guint which,
                     guint max_operands,
                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* An error that is the user's: wrong options, wrong words. */
void command_set_misused (GError **error, const gchar *format, ...) G_GNUC_PRINTF (2, 3);

/* Says `error` on stderr; the exit status that it deserves. */
gint command_fail (const gchar *command, const GError *error);

/* The path `path` of this host; `sysroot`: one for tests. */
gchar *command_host_path (const gchar *sysroot, const gchar *path) G_GNUC_WARN_UNUSED_RESULT;

/* Says something on stderr that is no failure. */
void command_note (const gchar *format, ...) G_GNUC_PRINTF (1, 2);

/* A domain document from a file, or from stdin where `path` is `-`. */
VmrootDomain *command_read_domain (const gchar *path, GCancellable *cancellable, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* What is described in `domain`. The error names the domain and the way to describe something. */
VmrootSpec *command_get_spec (VmrootDomain *domain, GError **error) G_GNUC_WARN_UNUSED_RESULT;

gint run_apply (gchar **argv, GCancellable *cancellable);
gint run_boot_image (gchar **argv, GCancellable *cancellable);
gint run_check (gchar **argv, GCancellable *cancellable);
gint run_help (gchar **argv, GCancellable *cancellable);
gint run_list (gchar **argv, GCancellable *cancellable);
gint run_reconcile (gchar **argv, GCancellable *cancellable);
gint run_release (gchar **argv, GCancellable *cancellable);
gint run_remove (gchar **argv, GCancellable *cancellable);
gint run_setup (gchar **argv, GCancellable *cancellable);
gint run_show (gchar **argv, GCancellable *cancellable);
gint run_wait_for_address (gchar **argv, GCancellable *cancellable);

G_END_DECLS
