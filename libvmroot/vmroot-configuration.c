/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <string.h>

#include "vmroot-configuration-private.h"
#include "vmroot-error.h"
#include "vmroot-translation-private.h"

typedef struct
{
  const gchar *group;
  const gchar *key;
  gboolean (*read) (VmrootConfiguration *self, GKeyFile *file, GError **error);
} Key;

static gboolean
check_path (const gchar *path, GError **error)
{
  if (g_path_is_absolute (path))
    return TRUE;

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_CONFIGURATION,
               _ ("\"%s\" is not an absolute path"), path);
  return FALSE;
}

static gboolean
read_allowed_directories (VmrootConfiguration *self, GKeyFile *file, GError **error)
{
  g_auto (GStrv) directories =
      g_key_file_get_string_list (file, "host", "allowed-directories", NULL, error);

  if (directories == NULL)
    return FALSE;

  for (gsize i = 0; directories[i] != NULL; i++)
    {
      g_autofree gchar *canonical = NULL;

      if (!check_path (directories[i], error))
        return FALSE;

      canonical = g_canonicalize_filename (directories[i], NULL);
      if (g_str_equal (canonical, "/"))
        {
          g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_CONFIGURATION,
                               _ ("\"/\" would let a guest have every directory of this host, /etc "
                                  "among them; name the directories that hold guests' roots"));
          return FALSE;
        }
    }

  g_strfreev (self->allowed_directories);
  self->allowed_directories = g_steal_pointer (&directories);
  return TRUE;
}

static gboolean
read_virtiofsd (VmrootConfiguration *self, GKeyFile *file, GError **error)
{
  g_autofree gchar *path = g_key_file_get_string (file, "virtiofs", "virtiofsd", error);

  if (path == NULL || !check_path (path, error))
    return FALSE;

  self->virtiofsd = g_steal_pointer (&path);
  return TRUE;
}

static gboolean
read_boolean (
    GKeyFile *file, const gchar *group, const gchar *name, gboolean *value, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  *value = g_key_file_get_boolean (file, group, name, &local_error);
  if (local_error == NULL)
    return TRUE;

  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_CONFIGURATION,
                       _ ("the value must be true or false"));
  return FALSE;
}

static gboolean
read_trusted_xattrs (VmrootConfiguration *self, GKeyFile *file, GError **error)
{
  return read_boolean (file, "virtiofs", "trusted-xattrs", &self->trusted_xattrs, error);
}

static gboolean
read_nfs_sync (VmrootConfiguration *self, GKeyFile *file, GError **error)
{
  return read_boolean (file, "nfs", "sync", &self->nfs_sync, error);
}

static const Key keys[] = {
  { "host", "allowed-directories", read_allowed_directories },
  { "virtiofs", "virtiofsd", read_virtiofsd },
  { "virtiofs", "trusted-xattrs", read_trusted_xattrs },
  { "nfs", "sync", read_nfs_sync },
};

static const Key *
find_key (const gchar *group, const gchar *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    if (g_str_equal (keys[i].group, group) && g_str_equal (keys[i].key, name))
      return &keys[i];

  return NULL;
}

/* GKeyFile forgets where it read a key, but a person looks for a line. */
static guint
find_line (const gchar *text, const gchar *group, const gchar *name)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autofree gchar *header = g_strdup_printf ("[%s]", group);
  gboolean in_group = FALSE;

  for (guint i = 0; lines[i] != NULL; i++)
    {
      const gsize length = strlen (name);
      const gchar *line = g_strchug (lines[i]);

      if (line[0] == '[')
        in_group = g_str_has_prefix (line, header);
      else if (in_group && strncmp (line, name, length) == 0 &&
               strchr (" \t=", line[length]) != NULL)
        return i + 1;
    }

  return 0;
}

static gboolean
read_key (VmrootConfiguration *self,
          GKeyFile *file,
          const gchar *text,
          const gchar *group,
          const gchar *name,
          GError **error)
{
  const Key *key = find_key (group, name);

  if (key != NULL && key->read (self, file, error))
    return TRUE;

  if (key == NULL)
    g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_CONFIGURATION,
                         _ ("there is no such key; see vmroot.conf(5)"));
  g_prefix_error (error, _ ("line %u: %s in [%s]: "), find_line (text, group, name), name, group);
  return FALSE;
}

static gboolean
read_group (VmrootConfiguration *self,
            GKeyFile *file,
            const gchar *text,
            const gchar *group,
            GError **error)
{
  g_auto (GStrv) names = g_key_file_get_keys (file, group, NULL, error);
  gboolean known = FALSE;

  if (names == NULL)
    return FALSE;

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    known = known || g_str_equal (keys[i].group, group);
  if (!known)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_CONFIGURATION,
                   _ ("there is no group [%s]; see vmroot.conf(5)"), group);
      return FALSE;
    }

  for (gsize i = 0; names[i] != NULL; i++)
    if (!read_key (self, file, text, group, names[i], error))
      return FALSE;

  return TRUE;
}

static gboolean
read_text (VmrootConfiguration *self, const gchar *text, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_auto (GStrv) groups = NULL;

  if (!g_key_file_load_from_data (file, text, strlen (text), G_KEY_FILE_NONE, error))
    return FALSE;

  groups = g_key_file_get_groups (file, NULL);
  for (gsize i = 0; groups[i] != NULL; i++)
    if (!read_group (self, file, text, groups[i], error))
      return FALSE;

  return TRUE;
}

static VmrootConfiguration *
new_with_defaults (void)
{
  VmrootConfiguration *self = g_new0 (VmrootConfiguration, 1);

  self->allowed_directories = g_strsplit ("/export;/srv/vmroot", ";", -1);
  self->trusted_xattrs = TRUE;
  return self;
}

VmrootConfiguration *
vmroot_configuration_load (VmrootContext *context, GError **error)
{
  g_autoptr (VmrootConfiguration) self = new_with_defaults ();
  g_autofree gchar *path = vmroot_context_path (context, VMROOT_CONFIGURATION_PATH);
  g_autofree gchar *text = NULL;
  g_autoptr (GError) local_error = NULL;

  if (!g_file_get_contents (path, &text, NULL, &local_error))
    {
      if (g_error_matches (local_error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return g_steal_pointer (&self);

      g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_CONFIGURATION, local_error->message);
      return NULL;
    }

  if (!read_text (self, text, &local_error))
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_CONFIGURATION, "%s: %s", path,
                   local_error->message);
      return NULL;
    }

  return g_steal_pointer (&self);
}

void
vmroot_configuration_free (VmrootConfiguration *self)
{
  g_strfreev (self->allowed_directories);
  g_free (self->virtiofsd);
  g_free (self);
}
