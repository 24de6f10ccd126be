/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "vmroot-setup-host.h"

G_BEGIN_DECLS

/* Directories, links and files that a host shall have. Each is recorded before it is made. */

/* Made if there is none. Something else in its place is an error. */
gboolean setup_want_directory (Setup *setup, const gchar *path, guint mode, GError **error);
gboolean setup_want_link (Setup *setup, const gchar *path, const gchar *target, GError **error);
gboolean setup_want_file (Setup *setup, const gchar *path, const gchar *text, GError **error);

/* A file that is ours: made, or written anew. One that somebody else wrote or changed is left
 * alone, with a note. `is_ours`: whether it has the text now. */
gboolean setup_write_file (
    Setup *setup, const gchar *path, const gchar *text, gboolean *is_ours, GError **error);

/* A file of somebody else's gets another text; undoing gives back what it was. Links are followed,
 * `what` says what changes in it. */
gboolean setup_edit_file (
    Setup *setup, const gchar *path, const gchar *text, const gchar *what, GError **error);

/* Whether there is such a link. -1 with an error if something else is in its place. */
gint setup_has_link (Setup *setup, const gchar *path, const gchar *target, GError **error);

/* Each takes away what is number `i` in the record, or says why it stays. */
gboolean setup_undo_directory (Setup *setup, guint i, GError **error);
gboolean setup_undo_link (Setup *setup, guint i, GError **error);
gboolean setup_undo_file (Setup *setup, guint i, GError **error);

G_END_DECLS
