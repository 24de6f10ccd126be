/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is left of guests that nobody knows any more: files, exports and mounts of ours. */

#include "config.h"

#include <string.h>

#include "vmroot-exports-private.h"
#include "vmroot-share-mount-private.h"
#include "vmroot-transport-nfs-private.h"

#define UUID_LENGTH 36

/* The UUID in a file's name, or in that of what a killed program was writing; NULL: it is none of
 * ours. */
static gchar *
get_uuid (const gchar *name)
{
  g_autofree gchar *uuid = NULL;

  if (!g_str_has_prefix (name, VMROOT_TRANSPORT_NFS_PREFIX))
    return NULL;

  name += strlen (VMROOT_TRANSPORT_NFS_PREFIX);
  if (g_str_has_prefix (name, VMROOT_TRANSPORT_NFS_MIGRATED))
    name += strlen (VMROOT_TRANSPORT_NFS_MIGRATED);
  uuid = g_strndup (name, UUID_LENGTH);
  return g_uuid_string_is_valid (uuid) && g_str_has_prefix (name + UUID_LENGTH, ".exports")
             ? g_steal_pointer (&uuid)
             : NULL;
}

static gboolean
is_known (GPtrArray *journals, const gchar *uuid)
{
  for (guint i = 0; i < journals->len; i++)
    if (g_str_equal (((VmrootJournal *)g_ptr_array_index (journals, i))->uuid, uuid))
      return TRUE;

  return FALSE;
}

static gboolean
remove_files (VmrootContext *context, GPtrArray *journals, GPtrArray *done, GError **error)
{
  g_autofree gchar *path = vmroot_context_path (context, VMROOT_TRANSPORT_NFS_DIRECTORY);
  g_autoptr (GDir) files = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (files != NULL && (name = g_dir_read_name (files)) != NULL)
    {
      g_autofree gchar *uuid = get_uuid (name);
      g_autofree gchar *file = g_build_filename (VMROOT_TRANSPORT_NFS_DIRECTORY, name, NULL);

      if (uuid == NULL || is_known (journals, uuid))
        continue;
      if (!vmroot_context_remove_file (context, file, error))
        return FALSE;
      g_ptr_array_add (done, g_strdup_printf ("removed %s, of a guest that does not run", file));
    }

  return TRUE;
}

static gboolean
has_export (VmrootContext *context, VmrootJournal *journal, const VmrootExport *export)
{
  if (g_strcmp0 (journal->client, export->client) != 0)
    return FALSE;

  for (guint i = 0; i < journal->directories->len; i++)
    {
      g_autofree gchar *path = vmroot_transport_nfs_get_path (context, journal, i);

      if (g_str_equal (path, export->path))
        return TRUE;
    }

  return FALSE;
}

static gboolean
is_stale (VmrootContext *context, GPtrArray *journals, const VmrootExport *export)
{
  gboolean is_ours = FALSE;

  for (gchar **option = export->options; *option != NULL; option++)
    is_ours = is_ours || g_str_has_prefix (*option, VMROOT_TRANSPORT_NFS_MARK);
  for (guint i = 0; is_ours && i < journals->len; i++)
    if (has_export (context, g_ptr_array_index (journals, i), export))
      return FALSE;

  return is_ours;
}

static gboolean
remove_exports (VmrootContext *context,
                GPtrArray *journals,
                GPtrArray *done,
                GCancellable *cancellable,
                GError **error)
{
  g_autofree gchar *etab = vmroot_transport_nfs_read (context, VMROOT_TRANSPORT_NFS_ETAB);
  g_autoptr (GPtrArray) exports = vmroot_exports_list (etab);

  for (guint i = 0; i < exports->len; i++)
    {
      const VmrootExport *export = g_ptr_array_index (exports, i);

      if (!is_stale (context, journals, export))
        continue;
      if (!vmroot_transport_nfs_run_exportfs (context, NULL, export->client, export->path,
                                              cancellable, error))
        return FALSE;
      g_ptr_array_add (done, g_strdup_printf ("took back the export of %s to %s, where no guest of "
                                              "this host is",
                                              export->path, export->client));
    }

  return TRUE;
}

static gboolean
has_place (VmrootJournal *journal, const gchar *path)
{
  for (guint i = 0; journal->client != NULL && i < journal->directories->len; i++)
    {
      g_autofree gchar *place = vmroot_transport_nfs_get_place (journal, i);

      if (g_strcmp0 (place, path) == 0)
        return TRUE;
    }

  return FALSE;
}

static gboolean
remove_mounts (VmrootContext *context, GPtrArray *journals, GPtrArray *done, GError **error)
{
  g_auto (GStrv) places = vmroot_share_mount_list (context);

  for (gsize i = 0; places[i] != NULL; i++)
    {
      gboolean known = FALSE;

      for (guint j = 0; j < journals->len; j++)
        known = known || has_place (g_ptr_array_index (journals, j), places[i]);
      if (known)
        continue;
      if (!vmroot_share_mount_undo (context, places[i], error))
        return FALSE;
      g_ptr_array_add (done,
                       g_strdup_printf ("unmounted %s, of a guest that does not run", places[i]));
    }

  return TRUE;
}

gboolean
vmroot_transport_nfs_remove_stale (VmrootContext *context,
                                   GPtrArray *journals,
                                   GPtrArray *done,
                                   GCancellable *cancellable,
                                   GError **error)
{
  return remove_files (context, journals, done, error) &&
         remove_exports (context, journals, done, cancellable, error) &&
         remove_mounts (context, journals, done, error);
}
