/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * The words of exports(5), and of the table of what is exported, /var/lib/nfs/etab, which has the
 * same form.
 */

/* `path` as a word of exports(5), in which white space, quotes and the like would end or change it.
 * Newlines are refused: exportfs(8) reads line by line. NULL: `path` cannot be exported. */
gchar *vmroot_exports_escape (const gchar *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A line of a file in /etc/exports.d: `path` to the one address `client`. */
gchar *
vmroot_exports_line (const gchar *path, const gchar *client, const gchar *options, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* The lines about `client`, and few others, of a `file` like etab, which may have thousands; "":
 * there are none, or no such file. */
gchar *vmroot_exports_read (const gchar *file, const gchar *client) G_GNUC_WARN_UNUSED_RESULT;

/* The options with which `path` is exported to `client` according to the text of etab; NULL: it is
 * not. */
gchar *vmroot_exports_find (const gchar *etab, const gchar *path, const gchar *client)
    G_GNUC_WARN_UNUSED_RESULT;

/* A line of etab. */
typedef struct
{
  gchar *path;
  gchar *client;
  gchar **options;
} VmrootExport;

/* All of them, as VmrootExport; lines that are not whole are left out. */
GPtrArray *vmroot_exports_list (const gchar *etab) G_GNUC_WARN_UNUSED_RESULT;

/* Whether it is not to a single host: a network, a netgroup, a domain, everybody. */
gboolean vmroot_export_is_wide (const VmrootExport *self);

G_END_DECLS
