/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "vmroot-enum-types.h"
#include "vmroot-error.h"
#include "vmroot-journal-private.h"
#include "vmroot-translation-private.h"

#define GUESTS_DIRECTORY "/run/vmroot/guests"
#define RECORDS_DIRECTORY "/var/lib/vmroot/migrated"
#define GROUP "guest"

VmrootJournal *
vmroot_journal_new (const gchar *uuid)
{
  VmrootJournal *self = g_new0 (VmrootJournal, 1);

  self->uuid = g_strdup (uuid);
  self->domain_id = -1;
  self->steps = g_ptr_array_new_with_free_func (g_free);
  self->directories = g_ptr_array_new_with_free_func ((GDestroyNotify)vmroot_served_directory_free);
  return self;
}

void
vmroot_journal_free (VmrootJournal *self)
{
  g_free (self->uuid);
  g_free (self->name);
  g_free (self->client);
  g_clear_pointer (&self->since, g_date_time_unref);
  g_clear_pointer (&self->unheard, g_date_time_unref);
  g_ptr_array_unref (self->steps);
  g_ptr_array_unref (self->directories);
  g_free (self);
}

static gchar *
get_path (const gchar *uuid)
{
  return g_build_filename (GUESTS_DIRECTORY, uuid, NULL);
}

static gchar *
get_record_path (const gchar *uuid)
{
  return g_build_filename (RECORDS_DIRECTORY, uuid, NULL);
}

static const gchar *
enum_to_nick (GType type, gint value)
{
  g_autoptr (GEnumClass) enum_class = g_type_class_ref (type);

  return g_enum_get_value (enum_class, value)->value_nick;
}

static gboolean
read_enum (GKeyFile *file, const gchar *key, GType type, gint *value, GError **error)
{
  g_autoptr (GEnumClass) enum_class = g_type_class_ref (type);
  g_autofree gchar *nick = g_key_file_get_string (file, GROUP, key, error);
  const GEnumValue *enum_value;

  if (nick == NULL)
    return FALSE;

  enum_value = g_enum_get_value_by_nick (enum_class, nick);
  if (enum_value == NULL)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, _ ("%s cannot be \"%s\""), key, nick);
      return FALSE;
    }

  *value = enum_value->value;
  return TRUE;
}

static gboolean
read_steps (VmrootJournal *self, GKeyFile *file, GError **error)
{
  g_auto (GStrv) steps = g_key_file_get_string_list (file, GROUP, "steps", NULL, error);

  if (steps == NULL)
    return FALSE;

  for (gsize i = 0; steps[i] != NULL; i++)
    g_ptr_array_add (self->steps, g_strdup (steps[i]));
  return TRUE;
}

static gboolean
read_directories (VmrootJournal *self, GKeyFile *file, GError **error)
{
  g_auto (GStrv) groups = g_key_file_get_groups (file, NULL);

  for (gsize i = 0; groups[i] != NULL; i++)
    {
      VmrootServedDirectory *directory;

      if (!g_str_has_prefix (groups[i], "directory "))
        continue;

      directory = vmroot_served_directory_load (file, groups[i], error);
      if (directory == NULL)
        return FALSE;

      g_ptr_array_add (self->directories, directory);
    }
  if (self->directories->len > 0)
    return TRUE;

  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, _ ("there is no directory in it"));
  return FALSE;
}

static gboolean
read_time (GKeyFile *file, const gchar *key, GDateTime **time, GError **error)
{
  g_autofree gchar *text = g_key_file_get_string (file, GROUP, key, error);

  if (text == NULL)
    return FALSE;

  *time = g_date_time_new_from_iso8601 (text, NULL);
  if (*time != NULL)
    return TRUE;

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, _ ("\"%s\" is no time"), text);
  return FALSE;
}

static VmrootJournal *
read_file (const gchar *uuid, const gchar *path, GError **error)
{
  g_autoptr (VmrootJournal) self = vmroot_journal_new (uuid);
  g_autoptr (GKeyFile) file = g_key_file_new ();
  gint transport;
  gint xattrs;

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, error))
    return NULL;

  self->name = g_key_file_get_string (file, GROUP, "name", error);
  if (self->name == NULL || !read_time (file, "since", &self->since, error) ||
      !read_enum (file, "transport", VMROOT_TYPE_TRANSPORT, &transport, error) ||
      !read_enum (file, "xattrs", VMROOT_TYPE_XATTRS, &xattrs, error) ||
      !read_steps (self, file, error) || !read_directories (self, file, error))
    return NULL;

  self->transport = (VmrootTransport)transport;
  self->xattrs = (VmrootXattrs)xattrs;
  self->domain_id = g_key_file_get_integer (file, GROUP, "domain-id", NULL);
  self->client = g_key_file_get_string (file, GROUP, "client", NULL);
  self->complete = g_key_file_get_boolean (file, GROUP, "complete", NULL);
  read_time (file, "unheard", &self->unheard, NULL);
  return g_steal_pointer (&self);
}

/* TRUE with *journal NULL: there is no such file. */
static gboolean
load_file (VmrootContext *context,
           const gchar *uuid,
           const gchar *relative_path,
           VmrootJournal **journal,
           GError **error)
{
  g_autofree gchar *path = vmroot_context_path (context, relative_path);
  g_autoptr (GError) local_error = NULL;

  *journal = read_file (uuid, path, &local_error);
  if (*journal != NULL || g_error_matches (local_error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return TRUE;

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
               _ ("Cannot read what was done for a guest, %s: %s; if no guest with this UUID runs, "
                  "remove the file"),
               path, local_error->message);
  return FALSE;
}

gboolean
vmroot_journal_load (VmrootContext *context,
                     const gchar *uuid,
                     VmrootJournal **journal,
                     GError **error)
{
  g_autofree gchar *path = get_path (uuid);
  g_autofree gchar *record_path = get_record_path (uuid);
  g_autofree gchar *full_record_path = vmroot_context_path (context, record_path);

  if (!load_file (context, uuid, path, journal, error))
    return FALSE;
  if (*journal != NULL)
    {
      (*journal)->recorded = g_file_test (full_record_path, G_FILE_TEST_EXISTS);
      return TRUE;
    }
  if (!load_file (context, uuid, record_path, journal, error))
    return FALSE;
  if (*journal != NULL)
    (*journal)->recorded = (*journal)->away = TRUE;
  return TRUE;
}

static gint
compare_strings (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const gchar *const *)a, *(const gchar *const *)b);
}

/* Names that are no UUID are what a killed program left of a file it was writing. */
static gboolean
list_directory (VmrootContext *context,
                const gchar *relative_path,
                GPtrArray *uuids,
                GError **error)
{
  g_autofree gchar *path = vmroot_context_path (context, relative_path);
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GDir) directory = g_dir_open (path, 0, &local_error);
  const gchar *name;

  if (directory == NULL && !g_error_matches (local_error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    if (g_uuid_string_is_valid (name) &&
        !g_ptr_array_find_with_equal_func (uuids, name, g_str_equal, NULL))
      g_ptr_array_add (uuids, g_strdup (name));
  return TRUE;
}

/* The records first: a guest that is prepared meanwhile is then in one of the two at least. */
static GPtrArray *
list_uuids (VmrootContext *context, GError **error)
{
  g_autoptr (GPtrArray) uuids = g_ptr_array_new_with_free_func (g_free);

  if (!list_directory (context, RECORDS_DIRECTORY, uuids, error) ||
      !list_directory (context, GUESTS_DIRECTORY, uuids, error))
    return NULL;

  g_ptr_array_sort (uuids, compare_strings);
  return g_steal_pointer (&uuids);
}

GPtrArray *
vmroot_journal_load_all (VmrootContext *context, GError **error)
{
  g_autoptr (GPtrArray) journals =
      g_ptr_array_new_with_free_func ((GDestroyNotify)vmroot_journal_free);
  g_autoptr (GPtrArray) uuids = list_uuids (context, error);

  if (uuids == NULL)
    return NULL;

  for (guint i = 0; i < uuids->len; i++)
    {
      VmrootJournal *journal;

      if (!vmroot_journal_load (context, g_ptr_array_index (uuids, i), &journal, error))
        return NULL;
      if (journal != NULL)
        g_ptr_array_add (journals, journal);
    }

  return g_steal_pointer (&journals);
}

static gboolean
save_record (VmrootJournal *self, VmrootContext *context, const gchar *text, GError **error)
{
  g_autofree gchar *path = get_path (self->uuid);
  g_autofree gchar *record_path = get_record_path (self->uuid);

  return vmroot_context_make_directory (context, RECORDS_DIRECTORY, 0700, error) &&
         vmroot_context_write_durably (context, record_path, text, error) &&
         vmroot_context_remove_file (context, path, error);
}

static gchar *
to_text (VmrootJournal *self)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree gchar *since = g_date_time_format_iso8601 (self->since);
  g_autofree gchar *unheard =
      self->unheard != NULL ? g_date_time_format_iso8601 (self->unheard) : NULL;

  g_key_file_set_string (file, GROUP, "name", self->name);
  g_key_file_set_integer (file, GROUP, "domain-id", self->domain_id);
  g_key_file_set_string (file, GROUP, "transport",
                         enum_to_nick (VMROOT_TYPE_TRANSPORT, self->transport));
  g_key_file_set_string (file, GROUP, "xattrs", enum_to_nick (VMROOT_TYPE_XATTRS, self->xattrs));
  if (self->client != NULL)
    g_key_file_set_string (file, GROUP, "client", self->client);
  g_key_file_set_string (file, GROUP, "since", since);
  if (unheard != NULL)
    g_key_file_set_string (file, GROUP, "unheard", unheard);
  g_key_file_set_boolean (file, GROUP, "complete", self->complete);
  g_key_file_set_string_list (file, GROUP, "steps", (const gchar *const *)self->steps->pdata,
                              self->steps->len);
  for (guint i = 0; i < self->directories->len; i++)
    {
      g_autofree gchar *group = g_strdup_printf ("directory %u", i);

      vmroot_served_directory_save (g_ptr_array_index (self->directories, i), file, group);
    }

  return g_key_file_to_data (file, NULL, NULL);
}

gboolean
vmroot_journal_save (VmrootJournal *self, VmrootContext *context, GError **error)
{
  g_autofree gchar *path = get_path (self->uuid);
  g_autofree gchar *text = to_text (self);

  if (self->away)
    return save_record (self, context, text, error);

  return vmroot_context_make_directory (context, GUESTS_DIRECTORY, 0700, error) &&
         vmroot_context_write_file (context, path, text, error);
}

gboolean
vmroot_journal_remove_record (VmrootJournal *self, VmrootContext *context, GError **error)
{
  g_autofree gchar *path = get_record_path (self->uuid);

  if (!self->recorded)
    return TRUE;
  if (!vmroot_context_remove_file (context, path, error))
    return FALSE;

  self->recorded = FALSE;
  return TRUE;
}

gboolean
vmroot_journal_remove (VmrootJournal *self, VmrootContext *context, GError **error)
{
  g_autofree gchar *path = get_path (self->uuid);

  return vmroot_journal_remove_record (self, context, error) &&
         vmroot_context_remove_file (context, path, error);
}

gboolean
vmroot_journal_begin_step (VmrootJournal *self,
                           VmrootContext *context,
                           const gchar *step,
                           GError **error)
{
  if (!g_ptr_array_find_with_equal_func (self->steps, step, g_str_equal, NULL))
    g_ptr_array_add (self->steps, g_strdup (step));

  return vmroot_journal_save (self, context, error) &&
         vmroot_context_reached (context, step, error);
}

gboolean
vmroot_journal_end_undoing (VmrootJournal *self, VmrootContext *context, GError **error)
{
  g_autofree gchar *step = g_ptr_array_steal_index (self->steps, self->steps->len - 1);

  return vmroot_journal_save (self, context, error) &&
         vmroot_context_reached (context, step, error);
}

const VmrootServedDirectory *
vmroot_journal_get_root (VmrootJournal *self)
{
  return g_ptr_array_index (self->directories, 0);
}

gboolean
vmroot_journal_serves_the_same (VmrootJournal *self, VmrootJournal *other)
{
  if (self->transport != other->transport || g_strcmp0 (self->client, other->client) != 0 ||
      self->directories->len != other->directories->len)
    return FALSE;

  for (guint i = 0; i < self->directories->len; i++)
    if (!vmroot_served_directory_equal (g_ptr_array_index (self->directories, i),
                                        g_ptr_array_index (other->directories, i)))
      return FALSE;

  return TRUE;
}
