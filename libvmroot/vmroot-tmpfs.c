/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "vmroot-enum-types.h"
#include "vmroot-tmpfs.h"

/**
 * VmrootTmpfs:
 *
 * A directory of the guest that lives in its memory.
 *
 * Since: 1.0
 */
struct _VmrootTmpfs
{
  GObject parent_instance;

  gchar *mount_point;
  guint64 size;
};

enum
{
  PROP_MOUNT_POINT = 1,
  PROP_SIZE,
  N_PROPERTIES
};

static GParamSpec *obj_props[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (VmrootTmpfs, vmroot_tmpfs, G_TYPE_OBJECT)

static void
vmroot_tmpfs_finalize (GObject *object)
{
  VmrootTmpfs *self = (VmrootTmpfs *)object;

  g_free (self->mount_point);

  G_OBJECT_CLASS (vmroot_tmpfs_parent_class)->finalize (object);
}

static void
vmroot_tmpfs_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  VmrootTmpfs *self = (VmrootTmpfs *)object;

  switch (id)
    {
    case PROP_MOUNT_POINT:
      g_value_set_string (value, self->mount_point);
      break;
    case PROP_SIZE:
      g_value_set_uint64 (value, self->size);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
vmroot_tmpfs_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  VmrootTmpfs *self = (VmrootTmpfs *)object;

  switch (id)
    {
    case PROP_MOUNT_POINT:
      self->mount_point = g_value_dup_string (value);
      break;
    case PROP_SIZE:
      self->size = g_value_get_uint64 (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
vmroot_tmpfs_class_init (VmrootTmpfsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = vmroot_tmpfs_finalize;
  object_class->get_property = vmroot_tmpfs_get_property;
  object_class->set_property = vmroot_tmpfs_set_property;

  /**
   * VmrootTmpfs:mount-point:
   *
   * An absolute path in the root of the guest.
   *
   * Since: 1.0
   */
  obj_props[PROP_MOUNT_POINT] = g_param_spec_string ("mount-point", NULL, NULL, NULL, flags);

  /**
   * VmrootTmpfs:size:
   *
   * The most it may hold, in bytes; 0: half of the memory of the guest, the default of the kernel.
   *
   * Since: 1.0
   */
  obj_props[PROP_SIZE] = g_param_spec_uint64 ("size", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, obj_props);
}

static void
vmroot_tmpfs_init (VmrootTmpfs *self)
{
}

/**
 * vmroot_tmpfs_get_mount_point:
 *
 * An absolute path in the root of the guest.
 *
 * Returns: (transfer none): the value of [property@Vmroot.Tmpfs:mount-point]
 *
 * Since: 1.0
 */
const gchar *
vmroot_tmpfs_get_mount_point (VmrootTmpfs *self)
{
  g_return_val_if_fail (VMROOT_IS_TMPFS (self), NULL);

  return self->mount_point;
}

/**
 * vmroot_tmpfs_get_size:
 *
 * The most it may hold, in bytes; 0: half of the memory of the guest, the default of the kernel.
 *
 * Returns: the value of [property@Vmroot.Tmpfs:size]
 *
 * Since: 1.0
 */
guint64
vmroot_tmpfs_get_size (VmrootTmpfs *self)
{
  g_return_val_if_fail (VMROOT_IS_TMPFS (self), 0);

  return self->size;
}

/**
 * vmroot_tmpfs_new:
 * @mount_point: an absolute path in the root of the guest
 * @size: the most it may hold, in bytes; 0: half of the memory of the guest
 *
 * Describes a memory-backed directory. [method@Spec.validate] says whether it can be.
 *
 * Returns: (transfer full): a new memory-backed directory
 *
 * Since: 1.0
 */
VmrootTmpfs *
vmroot_tmpfs_new (const gchar *mount_point, guint64 size)
{
  g_return_val_if_fail (mount_point != NULL, NULL);

  return g_object_new (VMROOT_TYPE_TMPFS, "mount-point", mount_point, "size", size, NULL);
}
