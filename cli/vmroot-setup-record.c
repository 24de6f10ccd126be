/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "config.h"

#include <json-glib/json-glib.h>

#include "vmroot-setup-record.h"

struct _SetupRecord
{
  gchar *file;
  JsonObject *root;
};

/* A record that somebody has edited must not make us remove what we did not make. */
static gboolean
is_record (JsonNode *node)
{
  JsonObject *root = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  JsonNode *made = root != NULL ? json_object_get_member (root, "made") : NULL;
  JsonArray *things =
      made != NULL && JSON_NODE_HOLDS_ARRAY (made) ? json_node_get_array (made) : NULL;

  for (guint i = 0; things != NULL && i < json_array_get_length (things); i++)
    {
      JsonNode *one = json_array_get_element (things, i);
      JsonObject *thing = JSON_NODE_HOLDS_OBJECT (one) ? json_node_get_object (one) : NULL;

      if (thing == NULL ||
          json_object_get_string_member_with_default (thing, "kind", NULL) == NULL ||
          json_object_get_string_member_with_default (thing, "path", NULL) == NULL)
        return FALSE;
    }
  return things != NULL;
}

static JsonObject *
read_root (const gchar *file, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (JsonNode) node = NULL;

  if (!json_parser_load_from_file (parser, file, error))
    return NULL;

  node = json_parser_steal_root (parser);
  if (node != NULL && is_record (node))
    return json_node_dup_object (node);

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
               "%s is not what vmroot setup wrote. Move it away: then nothing is known to be made "
               "by vmroot",
               file);
  return NULL;
}

static JsonObject *
new_root (void)
{
  JsonObject *root = json_object_new ();

  json_object_set_int_member (root, "version", 1);
  json_object_set_boolean_member (root, "reload", FALSE);
  json_object_set_array_member (root, "made", json_array_new ());
  return root;
}

SetupRecord *
setup_record_load (const gchar *file, GError **error)
{
  g_autoptr (SetupRecord) self = g_new0 (SetupRecord, 1);

  self->file = g_strdup (file);
  self->root = g_file_test (file, G_FILE_TEST_EXISTS) ? read_root (file, error) : new_root ();
  return self->root != NULL ? g_steal_pointer (&self) : NULL;
}

void
setup_record_free (SetupRecord *self)
{
  g_free (self->file);
  g_clear_pointer (&self->root, json_object_unref);
  g_free (self);
}

static JsonArray *
get_made (SetupRecord *self)
{
  return json_object_get_array_member (self->root, "made");
}

guint
setup_record_get_length (SetupRecord *self)
{
  return json_array_get_length (get_made (self));
}

SetupThing
setup_record_get (SetupRecord *self, guint i)
{
  JsonObject *thing = json_array_get_object_element (get_made (self), i);

  return (SetupThing){
    .kind = json_object_get_string_member (thing, "kind"),
    .path = json_object_get_string_member (thing, "path"),
    .content = json_object_get_string_member_with_default (thing, "content", ""),
    .previous = json_object_get_string_member_with_default (thing, "previous", NULL),
    .before = json_object_get_string_member_with_default (thing, "before", NULL),
    .backup = json_object_get_string_member_with_default (thing, "backup", NULL),
    .piece = json_object_get_string_member_with_default (thing, "piece", NULL),
  };
}

gint
setup_record_find (SetupRecord *self, const gchar *kind, const gchar *path)
{
  for (guint i = 0; i < setup_record_get_length (self); i++)
    {
      const SetupThing thing = setup_record_get (self, i);

      if (g_str_equal (thing.kind, kind) && g_str_equal (thing.path, path))
        return (gint)i;
    }
  return -1;
}

static gboolean
save (SetupRecord *self, GError **error)
{
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), self->root);
  g_autofree gchar *text = json_to_string (node, TRUE);

  return g_file_set_contents_full (self->file, text, -1,
                                   G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                   0644, error);
}

static void
set_member (JsonObject *object, const gchar *name, const gchar *value)
{
  if (value != NULL)
    json_object_set_string_member (object, name, value);
}

static JsonObject *
object_of_thing (const SetupThing *thing)
{
  JsonObject *object = json_object_new ();

  set_member (object, "kind", thing->kind);
  set_member (object, "path", thing->path);
  set_member (object, "content", thing->content);
  set_member (object, "previous", thing->previous);
  set_member (object, "before", thing->before);
  set_member (object, "backup", thing->backup);
  set_member (object, "piece", thing->piece);
  return object;
}

gboolean
setup_record_set (SetupRecord *self, const SetupThing *thing, GError **error)
{
  const gint i = setup_record_find (self, thing->kind, thing->path);
  JsonObject *object = object_of_thing (thing);

  if (i >= 0)
    {
      /* What `thing` points to may belong to the old one. */
      json_array_remove_element (get_made (self), (guint)i);
    }
  json_array_add_object_element (get_made (self), object);
  return save (self, error);
}

gboolean
setup_record_remove (SetupRecord *self, guint i, GError **error)
{
  json_array_remove_element (get_made (self), i);
  return save (self, error);
}

gboolean
setup_record_get_reload (SetupRecord *self)
{
  return json_object_get_boolean_member_with_default (self->root, "reload", FALSE);
}

gboolean
setup_record_set_reload (SetupRecord *self, gboolean reload, GError **error)
{
  json_object_set_boolean_member (self->root, "reload", reload);
  return save (self, error);
}

gchar *
setup_checksum (const gchar *content, gsize length)
{
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *)content, length);
}
