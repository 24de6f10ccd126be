/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "config.h"

#include "vmroot-json.h"

static JsonNode *
node_from_value (const GValue *value)
{
  JsonNode *node = json_node_new (JSON_NODE_VALUE);

  if (G_VALUE_HOLDS_STRING (value) && g_value_get_string (value) != NULL)
    return json_node_init_string (node, g_value_get_string (value));
  if (G_VALUE_HOLDS_BOOLEAN (value))
    return json_node_init_boolean (node, g_value_get_boolean (value));
  if (G_VALUE_HOLDS_UINT64 (value))
    return json_node_init_int (node, (gint64)g_value_get_uint64 (value));
  if (G_VALUE_HOLDS_ENUM (value))
    {
      g_autoptr (GEnumClass) klass = g_type_class_ref (G_VALUE_TYPE (value));
      const GEnumValue *choice = g_enum_get_value (klass, g_value_get_enum (value));

      return json_node_init_string (node, choice->value_nick);
    }
  if (G_VALUE_HOLDS (value, G_TYPE_DATE_TIME) && g_value_get_boxed (value) != NULL)
    {
      g_autofree gchar *time = g_date_time_format_iso8601 (g_value_get_boxed (value));

      return json_node_init_string (node, time);
    }

  return json_node_init_null (node);
}

JsonObject *
json_from_object (GObject *object)
{
  JsonObject *json = json_object_new ();
  guint n;
  g_autofree GParamSpec **properties =
      g_object_class_list_properties (G_OBJECT_GET_CLASS (object), &n);

  for (guint i = 0; i < n; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      g_object_get_property (object, properties[i]->name, &value);
      json_object_set_member (json, properties[i]->name, node_from_value (&value));
    }
  return json;
}

JsonArray *
json_from_objects (GPtrArray *objects)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < objects->len; i++)
    json_array_add_object_element (array, json_from_object (g_ptr_array_index (objects, i)));
  return array;
}

JsonObject *
json_from_spec (VmrootSpec *spec)
{
  JsonObject *json = json_from_object (G_OBJECT (spec));
  JsonObject *files = json_object_new ();
  g_autoptr (GPtrArray) shares = vmroot_spec_list_shares (spec);
  g_autoptr (GPtrArray) tmpfs = vmroot_spec_list_tmpfs (spec);
  g_auto (GStrv) paths = vmroot_spec_list_run_files (spec);

  for (guint i = 0; paths[i] != NULL; i++)
    json_object_set_string_member (files, paths[i], vmroot_spec_get_run_file (spec, paths[i]));

  json_object_set_array_member (json, "shares", json_from_objects (shares));
  json_object_set_array_member (json, "tmpfs", json_from_objects (tmpfs));
  json_object_set_object_member (json, "run-files", files);
  return json;
}

static void
print_node (JsonNode *node)
{
  g_autofree gchar *text = json_to_string (node, TRUE);

  g_print ("%s\n", text);
  json_node_unref (node);
}

void
json_print_object (JsonObject *object)
{
  print_node (json_node_init_object (json_node_alloc (), object));
  json_object_unref (object);
}

void
json_print_array (JsonArray *array)
{
  print_node (json_node_init_array (json_node_alloc (), array));
  json_array_unref (array);
}
