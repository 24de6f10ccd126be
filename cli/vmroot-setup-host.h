/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "vmroot-setup-record.h"

G_BEGIN_DECLS

#define SETUP_STATE_DIRECTORY "/var/lib/vmroot"

/* Setup: one run of `vmroot setup` on a host, and what every piece of it needs. */
typedef struct
{
  gchar *sysroot;
  gboolean dry_run;
  gboolean quiet;
  GCancellable *cancellable;
  SetupRecord *record;
  const gchar *piece;           /* the one being set up */
  gboolean has_state_directory; /* made by this run, or said to be made */
  guint changes;

  /* What was asked for the NFS server; NULL: as it is. */
  gchar *nfs_host;
  gchar *nfs_versions;
  gboolean nfs_restart;
} Setup;

/* The path `path` of the host. */
gchar *setup_path (Setup *setup, const gchar *path) G_GNUC_WARN_UNUSED_RESULT;

/* Counts a change and says it: `done`, or `planned` in a dry run, and then the rest. */
void setup_say (Setup *setup, const gchar *done, const gchar *planned, const gchar *format, ...)
    G_GNUC_PRINTF (4, 5);

/* Says on stderr why something was not done, which is no failure. */
void setup_note (Setup *setup, const gchar *format, ...) G_GNUC_PRINTF (2, 3);

/* Says what undoing leaves alone. */
void setup_say_left (const gchar *what, const gchar *reason);

gboolean setup_set_errno (GError **error, const gchar *what, const gchar *path);

/* Records `thing` as of the piece being set up; not in a dry run. */
gboolean setup_remember (Setup *setup, SetupThing thing, GError **error);

/* Records whether the libvirt daemon has yet to be told of the hook; not in a dry run. */
gboolean setup_remember_reload (Setup *setup, gboolean reload, GError **error);

/* Takes number `i` out of the record; not in a dry run. */
gboolean setup_forget (Setup *setup, guint i, GError **error);

/* Runs a program of this host; its standard output, or NULL with what it said on standard error. */
gchar *setup_run (Setup *setup, const gchar *const *argv, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
