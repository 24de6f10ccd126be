/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <string.h>

#include "vmroot-domain-metadata-private.h"
#include "vmroot-error.h"
#include "vmroot-translation-private.h"

#define NAMESPACE_FAMILY "urn:vmroot:domain:"
#define NAMESPACE NAMESPACE_FAMILY "1"
#define VERSION "1"

VmrootChange *
vmroot_change_new (const gchar *element)
{
  VmrootChange *change = g_new0 (VmrootChange, 1);

  change->element = g_strdup (element);
  change->index = -1;
  return change;
}

void
vmroot_change_free (VmrootChange *change)
{
  g_free (change->element);
  g_free (change->target);
  g_free (change->attribute);
  g_free (change->wrote);
  g_free (change->was);
  vmroot_space_clear (&change->space);
  g_free (change);
}

VmrootMetadata *
vmroot_metadata_new (VmrootSpec *spec, const gchar *uuid)
{
  VmrootMetadata *self = g_new0 (VmrootMetadata, 1);

  self->spec = g_object_ref (spec);
  self->uuid = g_strdup (uuid);
  self->changes = g_ptr_array_new_with_free_func ((GDestroyNotify)vmroot_change_free);
  return self;
}

void
vmroot_metadata_free (VmrootMetadata *self)
{
  g_object_unref (self->spec);
  g_free (self->uuid);
  g_ptr_array_unref (self->changes);
  vmroot_space_clear (&self->space);
  g_free (self);
}

/* Finding */

static gboolean
is_ours (xmlNode *node)
{
  return node->type == XML_ELEMENT_NODE && node->ns != NULL &&
         g_str_equal ((const gchar *)node->ns->href, NAMESPACE);
}

static gboolean
is_of_another_version (xmlNode *node)
{
  return node->type == XML_ELEMENT_NODE && node->ns != NULL && !is_ours (node) &&
         g_str_has_prefix ((const gchar *)node->ns->href, NAMESPACE_FAMILY);
}

static gboolean
find_in (xmlNode *metadata, xmlNode **element, GError **error)
{
  for (xmlNode *node = metadata->children; node != NULL; node = node->next)
    {
      if (is_of_another_version (node))
        {
          g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_METADATA_VERSION,
                       _ ("The domain was described by a later vmroot (%s): use that one"),
                       (const gchar *)node->ns->href);
          return FALSE;
        }
      if (!is_ours (node))
        continue;
      if (*element != NULL)
        {
          g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_METADATA_DUPLICATE,
                               _ ("The domain's metadata has two roots described by vmroot: take "
                                  "one of the elements out"));
          return FALSE;
        }
      *element = node;
    }

  return TRUE;
}

gboolean
vmroot_metadata_find (VmrootDocument *document, xmlNode **element, GError **error)
{
  xmlNode *root = vmroot_document_root (document);

  *element = NULL;
  for (xmlNode *node = root->children; node != NULL; node = node->next)
    if (vmroot_node_is (node, "metadata") && !find_in (node, element, error))
      return FALSE;
  return TRUE;
}

/* Reading */

static gboolean
invalid (GError **error, xmlNode *element, const gchar *problem)
{
  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_METADATA_INVALID,
               _ ("vmroot's metadata in the domain are broken: <%s> %s"),
               (const gchar *)element->name, problem);
  return FALSE;
}

static gboolean
invalid_attribute (GError **error, xmlNode *element, const gchar *name)
{
  g_autofree gchar *value = vmroot_node_get_attribute (element, name);
  g_autofree gchar *problem = value != NULL ? g_strdup_printf (_ ("has %s=“%s”"), name, value)
                                            : g_strdup_printf (_ ("lacks %s"), name);

  return invalid (error, element, problem);
}

/* Whether every attribute of `element` is one of `known`. */
static gboolean
has_only (xmlNode *element, const gchar *const *known, GError **error)
{
  for (xmlAttr *attr = element->properties; attr != NULL; attr = attr->next)
    if (attr->ns != NULL || !g_strv_contains (known, (const gchar *)attr->name))
      return invalid_attribute (error, element, (const gchar *)attr->name);
  return TRUE;
}

static gboolean
read_boolean (xmlNode *element, const gchar *name, gboolean *value, GError **error)
{
  g_autofree gchar *text = vmroot_node_get_attribute (element, name);

  *value = g_strcmp0 (text, "yes") == 0;
  if (text != NULL && !*value && !g_str_equal (text, "no"))
    return invalid_attribute (error, element, name);
  return TRUE;
}

static gboolean
read_number (xmlNode *element, const gchar *name, guint64 max, guint64 *value, GError **error)
{
  g_autofree gchar *text = vmroot_node_get_attribute (element, name);

  if (text != NULL && !g_ascii_string_to_unsigned (text, 10, 0, max, value, NULL))
    return invalid_attribute (error, element, name);
  return TRUE;
}

/* Sets the property of `spec` that has the attribute's name. */
static gboolean
read_property (xmlNode *element, GParamSpec *property, VmrootSpec *spec, GError **error)
{
  g_autofree gchar *text = vmroot_node_get_attribute (element, property->name);
  GEnumValue *enum_value;
  gboolean boolean;

  if (text == NULL)
    return TRUE;

  if (G_IS_PARAM_SPEC_ENUM (property))
    {
      enum_value = g_enum_get_value_by_nick (G_PARAM_SPEC_ENUM (property)->enum_class, text);
      if (enum_value == NULL)
        return invalid_attribute (error, element, property->name);
      g_object_set (spec, property->name, enum_value->value, NULL);
    }
  else if (G_IS_PARAM_SPEC_BOOLEAN (property))
    {
      if (!read_boolean (element, property->name, &boolean, error))
        return FALSE;
      g_object_set (spec, property->name, boolean, NULL);
    }
  else
    {
      g_object_set (spec, property->name, text, NULL);
    }

  return TRUE;
}

static gboolean
read_properties (xmlNode *element, VmrootSpec *spec, GError **error)
{
  const gchar *const others[] = { "version", "uuid",  "vhost-user", "address-reserved",
                                  "before",  "after", NULL };
  g_autofree GParamSpec **properties = NULL;
  g_autoptr (GPtrArray) known = g_ptr_array_new ();
  guint n;

  properties = g_object_class_list_properties (G_OBJECT_GET_CLASS (spec), &n);
  for (guint i = 0; i < n; i++)
    {
      if (!read_property (element, properties[i], spec, error))
        return FALSE;
      g_ptr_array_add (known, (gpointer)properties[i]->name);
    }

  for (guint i = 0; others[i] != NULL; i++)
    g_ptr_array_add (known, (gpointer)others[i]);
  g_ptr_array_add (known, NULL);
  return has_only (element, (const gchar *const *)known->pdata, error);
}

static gboolean
read_share (xmlNode *element, VmrootMetadata *self, GError **error)
{
  const gchar *const known[] = { "directory", "mount-point", "read-only", NULL };
  g_autofree gchar *directory = vmroot_node_get_attribute (element, "directory");
  g_autofree gchar *mount_point = vmroot_node_get_attribute (element, "mount-point");
  g_autoptr (VmrootShare) share = NULL;
  gboolean read_only;

  if (directory == NULL)
    return invalid_attribute (error, element, "directory");
  if (mount_point == NULL)
    return invalid_attribute (error, element, "mount-point");
  if (!has_only (element, known, error) || !read_boolean (element, "read-only", &read_only, error))
    return FALSE;

  share = vmroot_share_new (directory, mount_point, read_only);
  vmroot_spec_add_share (self->spec, share);
  return TRUE;
}

static gboolean
read_tmpfs (xmlNode *element, VmrootMetadata *self, GError **error)
{
  const gchar *const known[] = { "mount-point", "size", NULL };
  g_autofree gchar *mount_point = vmroot_node_get_attribute (element, "mount-point");
  g_autoptr (VmrootTmpfs) tmpfs = NULL;
  guint64 size = 0;

  if (mount_point == NULL)
    return invalid_attribute (error, element, "mount-point");
  if (!has_only (element, known, error) ||
      !read_number (element, "size", G_MAXUINT64, &size, error))
    return FALSE;

  tmpfs = vmroot_tmpfs_new (mount_point, size);
  vmroot_spec_add_tmpfs (self->spec, tmpfs);
  return TRUE;
}

/* The content is an attribute: libvirt drops white space between elements (it parses with
 * xmlKeepBlanksDefault(0)), and with it the text of a file that has nothing else. */
static gboolean
read_run_file (xmlNode *element, VmrootMetadata *self, GError **error)
{
  const gchar *const known[] = { "path", "content", NULL };
  g_autofree gchar *path = vmroot_node_get_attribute (element, "path");
  g_autofree gchar *content = vmroot_node_get_attribute (element, "content");

  if (path == NULL)
    return invalid_attribute (error, element, "path");
  if (content == NULL)
    return invalid_attribute (error, element, "content");
  if (!has_only (element, known, error))
    return FALSE;

  vmroot_spec_set_run_file (self->spec, path, content);
  return TRUE;
}

static void
read_space (xmlNode *element, VmrootSpace *space)
{
  space->before = vmroot_node_get_attribute (element, "before");
  space->after = vmroot_node_get_attribute (element, "after");
  if (space->before == NULL)
    space->before = g_strdup ("");
  if (space->after == NULL)
    space->after = g_strdup ("");
}

/* Names of libvirt's elements and attributes, several as a path. */
static gboolean
is_path (const gchar *path)
{
  return g_regex_match_simple ("^[A-Za-z]+(/[A-Za-z]+)*$", path, G_REGEX_DOLLAR_ENDONLY, 0);
}

static gboolean
read_change (xmlNode *element, VmrootMetadata *self, GError **error)
{
  const gchar *const known[] = { "element", "target", "index",  "attribute", "wrote",
                                 "was",     "added",  "before", "after",     NULL };
  g_autofree gchar *path = vmroot_node_get_attribute (element, "element");
  VmrootChange *change;
  guint64 index = G_MAXINT;

  if (path == NULL || !is_path (path))
    return invalid_attribute (error, element, "element");
  if (!has_only (element, known, error) ||
      !read_number (element, "index", G_MAXINT - 1, &index, error))
    return FALSE;

  change = vmroot_change_new (path);
  g_ptr_array_add (self->changes, change);
  change->target = vmroot_node_get_attribute (element, "target");
  change->index = index == G_MAXINT ? -1 : (gint)index;
  change->attribute = vmroot_node_get_attribute (element, "attribute");
  change->wrote = vmroot_node_get_attribute (element, "wrote");
  change->was = vmroot_node_get_attribute (element, "was");
  read_space (element, &change->space);
  if (!read_boolean (element, "added", &change->added, error))
    return FALSE;

  if (change->attribute != NULL && !is_path (change->attribute))
    return invalid_attribute (error, element, "attribute");
  if (!change->added && change->wrote == NULL)
    return invalid_attribute (error, element, "wrote");
  return TRUE;
}

static gboolean
read_child (xmlNode *element, VmrootMetadata *self, GError **error)
{
  static const struct
  {
    const gchar *name;
    gboolean (*read) (xmlNode *element, VmrootMetadata *self, GError **error);
  } readers[] = {
    { "share", read_share },
    { "tmpfs", read_tmpfs },
    { "run-file", read_run_file },
    { "change", read_change },
  };

  for (guint i = 0; i < G_N_ELEMENTS (readers); i++)
    if (is_ours (element) && g_str_equal ((const gchar *)element->name, readers[i].name))
      return readers[i].read (element, self, error);
  return invalid (error, element, _ ("is not known here"));
}

static gboolean
read_root_attributes (xmlNode *element, VmrootMetadata *self, GError **error)
{
  g_autofree gchar *version = vmroot_node_get_attribute (element, "version");
  guint64 vhost_user = 0;

  if (version == NULL)
    return invalid_attribute (error, element, "version");
  if (!g_str_equal (version, VERSION))
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_METADATA_VERSION,
                   _ ("The domain was described by a later vmroot (version “%s”): use that one"),
                   version);
      return FALSE;
    }
  if (!g_str_equal ((const gchar *)element->name, "root"))
    return invalid (error, element, _ ("is not known here"));
  if (!g_uuid_string_is_valid (self->uuid))
    return invalid_attribute (error, element, "uuid");
  if (!read_number (element, "vhost-user", G_MAXUINT, &vhost_user, error))
    return FALSE;

  self->vhost_user = (guint)vhost_user;
  read_space (element, &self->space);
  return read_properties (element, self->spec, error);
}

VmrootMetadata *
vmroot_metadata_read (xmlNode *element, GError **error)
{
  g_autoptr (VmrootSpec) spec = vmroot_spec_new (NULL);
  g_autofree gchar *uuid = vmroot_node_get_attribute (element, "uuid");
  g_autoptr (VmrootMetadata) self = vmroot_metadata_new (spec, uuid != NULL ? uuid : "");

  if (!read_root_attributes (element, self, error))
    return NULL;
  for (xmlNode *node = element->children; node != NULL; node = node->next)
    if (node->type == XML_ELEMENT_NODE && !read_child (node, self, error))
      return NULL;

  if (!vmroot_spec_validate (spec, error))
    {
      g_prefix_error (error, _ ("vmroot's metadata in the domain are broken: "));
      return NULL;
    }
  return g_steal_pointer (&self);
}

/* Writing */

static xmlNode *
add_element (xmlNode *parent, const gchar *name)
{
  xmlNode *element = vmroot_node_insert (parent, NULL, name, NULL);

  xmlSetNs (element, parent->ns);
  return element;
}

/* Every property that is not as it would be without an attribute. */
static void
write_properties (VmrootSpec *spec, xmlNode *element)
{
  g_autofree GParamSpec **properties = NULL;
  guint n;

  properties = g_object_class_list_properties (G_OBJECT_GET_CLASS (spec), &n);
  for (guint i = 0; i < n; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      g_object_get_property (G_OBJECT (spec), g_param_spec_get_name (properties[i]),
                             g_value_init (&value, properties[i]->value_type));
      if (g_param_value_defaults (properties[i], &value))
        continue;

      if (G_VALUE_HOLDS_ENUM (&value))
        vmroot_node_set_attribute (element, properties[i]->name,
                                   g_enum_get_value (G_PARAM_SPEC_ENUM (properties[i])->enum_class,
                                                     g_value_get_enum (&value))
                                       ->value_nick);
      else if (G_VALUE_HOLDS_BOOLEAN (&value))
        vmroot_node_set_attribute (element, properties[i]->name, "yes");
      else
        vmroot_node_set_attribute (element, properties[i]->name, g_value_get_string (&value));
    }
}

static void
write_shares (VmrootSpec *spec, xmlNode *root)
{
  g_autoptr (GPtrArray) shares = vmroot_spec_list_shares (spec);

  for (guint i = 0; i < shares->len; i++)
    {
      VmrootShare *share = g_ptr_array_index (shares, i);
      xmlNode *element = add_element (root, "share");

      vmroot_node_set_attribute (element, "directory", vmroot_share_get_directory (share));
      vmroot_node_set_attribute (element, "mount-point", vmroot_share_get_mount_point (share));
      if (vmroot_share_get_read_only (share))
        vmroot_node_set_attribute (element, "read-only", "yes");
    }
}

static void
write_tmpfs (VmrootSpec *spec, xmlNode *root)
{
  g_autoptr (GPtrArray) list = vmroot_spec_list_tmpfs (spec);

  for (guint i = 0; i < list->len; i++)
    {
      VmrootTmpfs *tmpfs = g_ptr_array_index (list, i);
      g_autofree gchar *size =
          g_strdup_printf ("%" G_GUINT64_FORMAT, vmroot_tmpfs_get_size (tmpfs));
      xmlNode *element = add_element (root, "tmpfs");

      vmroot_node_set_attribute (element, "mount-point", vmroot_tmpfs_get_mount_point (tmpfs));
      if (vmroot_tmpfs_get_size (tmpfs) > 0)
        vmroot_node_set_attribute (element, "size", size);
    }
}

static void
write_run_files (VmrootSpec *spec, xmlNode *root)
{
  g_auto (GStrv) paths = vmroot_spec_list_run_files (spec);

  for (guint i = 0; paths[i] != NULL; i++)
    {
      xmlNode *element = add_element (root, "run-file");

      vmroot_node_set_attribute (element, "path", paths[i]);
      vmroot_node_set_attribute (element, "content", vmroot_spec_get_run_file (spec, paths[i]));
    }
}

static void
write_space (const VmrootSpace *space, xmlNode *element)
{
  if (space->before != NULL && *space->before != '\0')
    vmroot_node_set_attribute (element, "before", space->before);
  if (space->after != NULL && *space->after != '\0')
    vmroot_node_set_attribute (element, "after", space->after);
}

static void
write_change (const VmrootChange *change, xmlNode *root)
{
  xmlNode *element = add_element (root, "change");
  g_autofree gchar *index = g_strdup_printf ("%d", change->index);

  vmroot_node_set_attribute (element, "element", change->element);
  if (change->target != NULL)
    vmroot_node_set_attribute (element, "target", change->target);
  if (change->index >= 0)
    vmroot_node_set_attribute (element, "index", index);
  if (change->attribute != NULL)
    vmroot_node_set_attribute (element, "attribute", change->attribute);
  if (change->wrote != NULL)
    vmroot_node_set_attribute (element, "wrote", change->wrote);
  if (change->was != NULL)
    vmroot_node_set_attribute (element, "was", change->was);
  if (change->added)
    vmroot_node_set_attribute (element, "added", "yes");
  write_space (&change->space, element);
}

void
vmroot_metadata_write (VmrootMetadata *self, xmlNode *parent)
{
  xmlNode *root = vmroot_node_insert (parent, NULL, "root", &self->space);
  g_autofree gchar *vhost_user = g_strdup_printf ("%u", self->vhost_user);

  xmlSetNs (root, xmlNewNs (root, BAD_CAST NAMESPACE, BAD_CAST "vmroot"));
  vmroot_node_set_attribute (root, "version", VERSION);
  vmroot_node_set_attribute (root, "uuid", self->uuid);
  write_properties (self->spec, root);
  if (self->vhost_user > 0)
    vmroot_node_set_attribute (root, "vhost-user", vhost_user);
  write_space (&self->space, root);

  write_shares (self->spec, root);
  write_tmpfs (self->spec, root);
  write_run_files (self->spec, root);
  for (guint i = 0; i < self->changes->len; i++)
    write_change (g_ptr_array_index (self->changes, i), root);
}
