/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * SetupRecord: what `vmroot setup` made on this host, in /var/lib/vmroot/setup.json, so that
 * --undo takes away that and nothing else.
 *
 * Something is recorded before it is made: a setup that was killed can be undone, too.
 */
typedef struct _SetupRecord SetupRecord;

/* One thing of the host. `content` is the text of a file, or where a link leads. */
typedef struct
{
  const gchar *kind;
  const gchar *path;
  const gchar *content;
} SetupThing;

#define SETUP_DIRECTORY "directory"
#define SETUP_FILE "file"
#define SETUP_LINK "link"

/* What the record in `file` says; one that is not there is empty. */
SetupRecord *setup_record_load (const gchar *file, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void setup_record_free (SetupRecord *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SetupRecord, setup_record_free)

guint setup_record_get_length (SetupRecord *self);

/* What was made as number `i`. Of a file, `content` is its checksum as setup_checksum() has it. */
SetupThing setup_record_get (SetupRecord *self, guint i);

/* These write the file. */
gboolean setup_record_add (SetupRecord *self, const SetupThing *thing, GError **error);
gboolean setup_record_remove (SetupRecord *self, guint i, GError **error);

/* Whether the libvirt daemon has yet to be told of the hook. */
gboolean setup_record_get_reload (SetupRecord *self);
gboolean setup_record_set_reload (SetupRecord *self, gboolean reload, GError **error);

gchar *setup_checksum (const gchar *content) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
