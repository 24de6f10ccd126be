/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <string.h>

#include "vmroot-enum-types.h"
#include "vmroot-error.h"
#include "vmroot-virtiofs-policy-private.h"

#define POLICY_DIRECTORY "/run/vmroot/virtiofs"
#define SUFFIX ".conf"
#define GROUP "guest"

VmrootVirtiofsPolicy *
vmroot_virtiofs_policy_new (const gchar *uuid)
{
  VmrootVirtiofsPolicy *self = g_new0 (VmrootVirtiofsPolicy, 1);

  self->uuid = g_strdup (uuid);
  self->domain_id = -1;
  self->directories = g_ptr_array_new_with_free_func ((GDestroyNotify)vmroot_served_directory_free);
  return self;
}

void
vmroot_virtiofs_policy_free (VmrootVirtiofsPolicy *self)
{
  g_free (self->uuid);
  g_ptr_array_unref (self->directories);
  g_free (self);
}

static gchar *
get_path (const gchar *uuid)
{
  return g_strconcat (POLICY_DIRECTORY "/", uuid, SUFFIX, NULL);
}

gboolean
vmroot_virtiofs_policy_save (VmrootVirtiofsPolicy *self, VmrootContext *context, GError **error)
{
  g_autofree gchar *path = get_path (self->uuid);
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GEnumClass) xattrs_class = g_type_class_ref (VMROOT_TYPE_XATTRS);
  g_autofree gchar *text = NULL;

  g_key_file_set_integer (file, GROUP, "domain-id", self->domain_id);
  g_key_file_set_string (file, GROUP, "xattrs",
                         g_enum_get_value (xattrs_class, (gint)self->xattrs)->value_nick);
  g_key_file_set_boolean (file, GROUP, "trusted-xattrs", self->trusted_xattrs);
  for (guint i = 0; i < self->directories->len; i++)
    {
      g_autofree gchar *group = g_strdup_printf ("directory %u", i);

      vmroot_served_directory_save (g_ptr_array_index (self->directories, i), file, group);
    }

  text = g_key_file_to_data (file, NULL, NULL);
  return vmroot_context_make_directory (context, POLICY_DIRECTORY, 0700, error) &&
         vmroot_context_write_file (context, path, text, error);
}

gboolean
vmroot_virtiofs_policy_remove (VmrootContext *context, const gchar *uuid, GError **error)
{
  g_autofree gchar *path = get_path (uuid);

  return vmroot_context_remove_file (context, path, error);
}

gboolean
vmroot_virtiofs_policy_exists (VmrootContext *context, const gchar *uuid)
{
  g_autofree gchar *relative_path = get_path (uuid);
  g_autofree gchar *path = vmroot_context_path (context, relative_path);

  return g_file_test (path, G_FILE_TEST_IS_REGULAR);
}

static gboolean
read_directories (VmrootVirtiofsPolicy *self, GKeyFile *file, GError **error)
{
  g_auto (GStrv) groups = g_key_file_get_groups (file, NULL);

  for (gsize i = 0; groups[i] != NULL; i++)
    {
      VmrootServedDirectory *directory;

      if (g_str_equal (groups[i], GROUP))
        continue;

      directory = vmroot_served_directory_load (file, groups[i], error);
      if (directory == NULL)
        return FALSE;

      g_ptr_array_add (self->directories, directory);
    }

  return TRUE;
}

static VmrootVirtiofsPolicy *
load (VmrootContext *context, const gchar *uuid, GError **error)
{
  g_autoptr (VmrootVirtiofsPolicy) self = vmroot_virtiofs_policy_new (uuid);
  g_autofree gchar *relative_path = get_path (uuid);
  g_autofree gchar *path = vmroot_context_path (context, relative_path);
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GEnumClass) xattrs_class = g_type_class_ref (VMROOT_TYPE_XATTRS);
  g_autofree gchar *xattrs = NULL;
  const GEnumValue *xattrs_value;

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, error) ||
      (xattrs = g_key_file_get_string (file, GROUP, "xattrs", error)) == NULL ||
      !read_directories (self, file, error))
    {
      g_prefix_error (error, "%s: ", path);
      return NULL;
    }
  xattrs_value = g_enum_get_value_by_nick (xattrs_class, xattrs);
  if (xattrs_value == NULL)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "%s: xattrs cannot be \"%s\"", path,
                   xattrs);
      return NULL;
    }

  self->xattrs = (VmrootXattrs)xattrs_value->value;
  self->domain_id = g_key_file_get_integer (file, GROUP, "domain-id", NULL);
  self->trusted_xattrs = g_key_file_get_boolean (file, GROUP, "trusted-xattrs", NULL);
  return g_steal_pointer (&self);
}

static const VmrootServedDirectory *
find_directory (VmrootVirtiofsPolicy *self, const gchar *directory)
{
  for (guint i = 0; i < self->directories->len; i++)
    {
      const VmrootServedDirectory *served = g_ptr_array_index (self->directories, i);

      if (g_str_equal (served->directory, directory))
        return served;
    }

  return NULL;
}

static gchar *
get_uuid (const gchar *file_name)
{
  g_autofree gchar *uuid = NULL;

  if (!g_str_has_suffix (file_name, SUFFIX))
    return NULL;

  uuid = g_strndup (file_name, strlen (file_name) - strlen (SUFFIX));
  return g_uuid_string_is_valid (uuid) ? g_steal_pointer (&uuid) : NULL;
}

static gboolean
take_candidate (VmrootVirtiofsPolicy *candidate,
                const gchar *directory,
                VmrootVirtiofsPolicy **policy,
                GError **error)
{
  if (*policy == NULL)
    {
      *policy = candidate;
      return TRUE;
    }

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
               "%s is served to the guests %s and %s, and which of them this is for cannot be told",
               directory, (*policy)->uuid, candidate->uuid);
  vmroot_virtiofs_policy_free (candidate);
  return FALSE;
}

gboolean
vmroot_virtiofs_policy_find (VmrootContext *context,
                             const gchar *directory,
                             gint domain_id,
                             VmrootVirtiofsPolicy **policy,
                             const VmrootServedDirectory **served,
                             GError **error)
{
  g_autofree gchar *path = vmroot_context_path (context, POLICY_DIRECTORY);
  g_autoptr (GDir) files = g_dir_open (path, 0, NULL);
  g_autoptr (VmrootVirtiofsPolicy) found = NULL;
  const gchar *name;

  *policy = NULL;
  *served = NULL;
  while (files != NULL && (name = g_dir_read_name (files)) != NULL)
    {
      g_autofree gchar *uuid = get_uuid (name);
      g_autoptr (VmrootVirtiofsPolicy) candidate = NULL;

      if (uuid == NULL)
        continue;

      candidate = load (context, uuid, error);
      if (candidate == NULL)
        return FALSE;
      if (find_directory (candidate, directory) == NULL ||
          (domain_id != -1 && candidate->domain_id != -1 && candidate->domain_id != domain_id))
        continue;
      if (!take_candidate (g_steal_pointer (&candidate), directory, &found, error))
        return FALSE;
    }

  if (found != NULL)
    *served = find_directory (found, directory);
  *policy = g_steal_pointer (&found);
  return TRUE;
}
