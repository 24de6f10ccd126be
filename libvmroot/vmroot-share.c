/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "vmroot-enum-types.h"
#include "vmroot-share.h"

/**
 * VmrootShare:
 *
 * Another directory of the host that a guest sees.
 *
 * Since: 1.0
 */
struct _VmrootShare
{
  GObject parent_instance;

  gchar *directory;
  gchar *mount_point;
  gboolean read_only;
};

enum
{
  PROP_DIRECTORY = 1,
  PROP_MOUNT_POINT,
  PROP_READ_ONLY,
  N_PROPERTIES
};

static GParamSpec *obj_props[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (VmrootShare, vmroot_share, G_TYPE_OBJECT)

static void
vmroot_share_finalize (GObject *object)
{
  VmrootShare *self = (VmrootShare *)object;

  g_free (self->directory);
  g_free (self->mount_point);

  G_OBJECT_CLASS (vmroot_share_parent_class)->finalize (object);
}

static void
vmroot_share_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  VmrootShare *self = (VmrootShare *)object;

  switch (id)
    {
    case PROP_DIRECTORY:
      g_value_set_string (value, self->directory);
      break;
    case PROP_MOUNT_POINT:
      g_value_set_string (value, self->mount_point);
      break;
    case PROP_READ_ONLY:
      g_value_set_boolean (value, self->read_only);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
vmroot_share_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  VmrootShare *self = (VmrootShare *)object;

  switch (id)
    {
    case PROP_DIRECTORY:
      self->directory = g_value_dup_string (value);
      break;
    case PROP_MOUNT_POINT:
      self->mount_point = g_value_dup_string (value);
      break;
    case PROP_READ_ONLY:
      self->read_only = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
vmroot_share_class_init (VmrootShareClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = vmroot_share_finalize;
  object_class->get_property = vmroot_share_get_property;
  object_class->set_property = vmroot_share_set_property;

  /**
   * VmrootShare:directory:
   *
   * The directory on the host, an absolute path.
   *
   * Since: 1.0
   */
  obj_props[PROP_DIRECTORY] = g_param_spec_string ("directory", NULL, NULL, NULL, flags);

  /**
   * VmrootShare:mount-point:
   *
   * Where the guest sees it, an absolute path in its root.
   *
   * Since: 1.0
   */
  obj_props[PROP_MOUNT_POINT] = g_param_spec_string ("mount-point", NULL, NULL, NULL, flags);

  /**
   * VmrootShare:read-only:
   *
   * Whether the guest may only read it.
   *
   * Since: 1.0
   */
  obj_props[PROP_READ_ONLY] = g_param_spec_boolean ("read-only", NULL, NULL, FALSE, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, obj_props);
}

static void
vmroot_share_init (VmrootShare *self)
{
}

/**
 * vmroot_share_get_directory:
 *
 * The directory on the host, an absolute path.
 *
 * Returns: (transfer none): the value of [property@Vmroot.Share:directory]
 *
 * Since: 1.0
 */
const gchar *
vmroot_share_get_directory (VmrootShare *self)
{
  g_return_val_if_fail (VMROOT_IS_SHARE (self), NULL);

  return self->directory;
}

/**
 * vmroot_share_get_mount_point:
 *
 * Where the guest sees it, an absolute path in its root.
 *
 * Returns: (transfer none): the value of [property@Vmroot.Share:mount-point]
 *
 * Since: 1.0
 */
const gchar *
vmroot_share_get_mount_point (VmrootShare *self)
{
  g_return_val_if_fail (VMROOT_IS_SHARE (self), NULL);

  return self->mount_point;
}

/**
 * vmroot_share_get_read_only:
 *
 * Whether the guest may only read it.
 *
 * Returns: the value of [property@Vmroot.Share:read-only]
 *
 * Since: 1.0
 */
gboolean
vmroot_share_get_read_only (VmrootShare *self)
{
  g_return_val_if_fail (VMROOT_IS_SHARE (self), FALSE);

  return self->read_only;
}

/**
 * vmroot_share_new:
 * @directory: the directory on the host, an absolute path
 * @mount_point: where the guest sees it, an absolute path in its root
 * @read_only: whether the guest may only read it
 *
 * Describes a share. [method@Spec.validate] says whether it can be.
 *
 * Returns: (transfer full): a new share
 *
 * Since: 1.0
 */
VmrootShare *
vmroot_share_new (const gchar *directory, const gchar *mount_point, gboolean read_only)
{
  g_return_val_if_fail (directory != NULL, NULL);
  g_return_val_if_fail (mount_point != NULL, NULL);

  return g_object_new (VMROOT_TYPE_SHARE, "directory", directory, "mount-point", mount_point,
                       "read-only", read_only, NULL);
}
