/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "vmroot-enum-types.h"
#include "vmroot-kernel.h"

/**
 * VmrootKernel:
 *
 * A kernel in a [class@Tree].
 *
 * Since: 1.0
 */
struct _VmrootKernel
{
  GObject parent_instance;

  gchar *version;
  gchar *path;
  gchar *modules;
  gchar *initramfs;
};

enum
{
  PROP_VERSION = 1,
  PROP_PATH,
  PROP_MODULES,
  PROP_INITRAMFS,
  N_PROPERTIES
};

static GParamSpec *obj_props[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (VmrootKernel, vmroot_kernel, G_TYPE_OBJECT)

static void
vmroot_kernel_finalize (GObject *object)
{
  VmrootKernel *self = (VmrootKernel *)object;

  g_free (self->version);
  g_free (self->path);
  g_free (self->modules);
  g_free (self->initramfs);

  G_OBJECT_CLASS (vmroot_kernel_parent_class)->finalize (object);
}

static void
vmroot_kernel_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  VmrootKernel *self = (VmrootKernel *)object;

  switch (id)
    {
    case PROP_VERSION:
      g_value_set_string (value, self->version);
      break;
    case PROP_PATH:
      g_value_set_string (value, self->path);
      break;
    case PROP_MODULES:
      g_value_set_string (value, self->modules);
      break;
    case PROP_INITRAMFS:
      g_value_set_string (value, self->initramfs);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
vmroot_kernel_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  VmrootKernel *self = (VmrootKernel *)object;

  switch (id)
    {
    case PROP_VERSION:
      self->version = g_value_dup_string (value);
      break;
    case PROP_PATH:
      self->path = g_value_dup_string (value);
      break;
    case PROP_MODULES:
      self->modules = g_value_dup_string (value);
      break;
    case PROP_INITRAMFS:
      self->initramfs = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
vmroot_kernel_class_init (VmrootKernelClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = vmroot_kernel_finalize;
  object_class->get_property = vmroot_kernel_get_property;
  object_class->set_property = vmroot_kernel_set_property;

  /**
   * VmrootKernel:version:
   *
   * The release, as `uname -r` prints it: `6.1.0-49-amd64`.
   *
   * Since: 1.0
   */
  obj_props[PROP_VERSION] = g_param_spec_string ("version", NULL, NULL, NULL, flags);

  /**
   * VmrootKernel:path:
   *
   * The image, as an absolute path inside the tree.
   *
   * Since: 1.0
   */
  obj_props[PROP_PATH] = g_param_spec_string ("path", NULL, NULL, NULL, flags);

  /**
   * VmrootKernel:modules:
   *
   * The directory of its modules, as an absolute path inside the tree.
   *
   * Since: 1.0
   */
  obj_props[PROP_MODULES] = g_param_spec_string ("modules", NULL, NULL, NULL, flags);

  /**
   * VmrootKernel:initramfs:
   *
   * The initramfs that the tree has for this kernel, as an absolute path inside the tree.
   *
   * Since: 1.0
   */
  obj_props[PROP_INITRAMFS] = g_param_spec_string ("initramfs", NULL, NULL, NULL, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, obj_props);
}

static void
vmroot_kernel_init (VmrootKernel *self)
{
}

/**
 * vmroot_kernel_get_version:
 *
 * The release, as `uname -r` prints it: `6.1.0-49-amd64`.
 *
 * Returns: (transfer none): the value of [property@Vmroot.Kernel:version]
 *
 * Since: 1.0
 */
const gchar *
vmroot_kernel_get_version (VmrootKernel *self)
{
  g_return_val_if_fail (VMROOT_IS_KERNEL (self), NULL);

  return self->version;
}

/**
 * vmroot_kernel_get_path:
 *
 * The image, as an absolute path inside the tree.
 *
 * Returns: (transfer none): the value of [property@Vmroot.Kernel:path]
 *
 * Since: 1.0
 */
const gchar *
vmroot_kernel_get_path (VmrootKernel *self)
{
  g_return_val_if_fail (VMROOT_IS_KERNEL (self), NULL);

  return self->path;
}

/**
 * vmroot_kernel_get_modules:
 *
 * The directory of its modules, as an absolute path inside the tree.
 *
 * Returns: (nullable) (transfer none): the value of [property@Vmroot.Kernel:modules]
 *
 * Since: 1.0
 */
const gchar *
vmroot_kernel_get_modules (VmrootKernel *self)
{
  g_return_val_if_fail (VMROOT_IS_KERNEL (self), NULL);

  return self->modules;
}

/**
 * vmroot_kernel_get_initramfs:
 *
 * The initramfs that the tree has for this kernel, as an absolute path inside the tree.
 *
 * Returns: (nullable) (transfer none): the value of [property@Vmroot.Kernel:initramfs]
 *
 * Since: 1.0
 */
const gchar *
vmroot_kernel_get_initramfs (VmrootKernel *self)
{
  g_return_val_if_fail (VMROOT_IS_KERNEL (self), NULL);

  return self->initramfs;
}
