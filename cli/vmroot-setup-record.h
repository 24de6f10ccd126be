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

/* One thing of the host that setup made or changed. */
typedef struct
{
  const gchar *kind;
  const gchar *path;     /* what it is called where its kind is not one of files */
  const gchar *content;  /* of a file its checksum; where a link leads; what a setting is */
  const gchar *previous; /* the content that is being replaced, ours as well; or NULL */
  const gchar *before;   /* what was there before setup came, in base64 for a file; or NULL */
  const gchar *backup;   /* the same of the copy that who writes the file keeps; or NULL */
  const gchar *piece;    /* the piece of setup that it belongs to; NULL: to the record itself */
} SetupThing;

#define SETUP_DIRECTORY "directory"
#define SETUP_FILE "file"
#define SETUP_LINK "link"
#define SETUP_UNIT_ENABLED "enabled unit"
#define SETUP_UNIT_STARTED "started unit"
#define SETUP_UNIT_RESTARTED "restarted unit"
#define SETUP_FIREWALLD "firewalld"
#define SETUP_SETTING "setting"

/* What the record in `file` says; one that is not there is empty. */
SetupRecord *setup_record_load (const gchar *file, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void setup_record_free (SetupRecord *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SetupRecord, setup_record_free)

guint setup_record_get_length (SetupRecord *self);

/* What was made as number `i`, for as long as nothing is written. */
SetupThing setup_record_get (SetupRecord *self, guint i);

/* The number of what is of that kind and name; -1 if it is not in the record. */
gint setup_record_find (SetupRecord *self, const gchar *kind, const gchar *path);

/* These write the file. What is of the same kind and name is replaced; the newest is the last. */
gboolean setup_record_set (SetupRecord *self, const SetupThing *thing, GError **error);
gboolean setup_record_remove (SetupRecord *self, guint i, GError **error);

/* Whether the libvirt daemon has yet to be told of the hook. */
gboolean setup_record_get_reload (SetupRecord *self);
gboolean setup_record_set_reload (SetupRecord *self, gboolean reload, GError **error);

gchar *setup_checksum (const gchar *content, gsize length) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
