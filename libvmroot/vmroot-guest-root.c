/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "vmroot-enum-types.h"
#include "vmroot-guest-root.h"

/**
 * VmrootGuestRoot:
 *
 * A root that this host serves at the moment.
 *
 * Since: 1.0
 */
struct _VmrootGuestRoot
{
  GObject parent_instance;

  gchar *uuid;
  gchar *name;
  gchar *directory;
  VmrootTransport transport;
  GDateTime *since;
  gboolean complete;
  gboolean migrated;
};

enum
{
  PROP_UUID = 1,
  PROP_NAME,
  PROP_DIRECTORY,
  PROP_TRANSPORT,
  PROP_SINCE,
  PROP_COMPLETE,
  PROP_MIGRATED,
  N_PROPERTIES
};

static GParamSpec *obj_props[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (VmrootGuestRoot, vmroot_guest_root, G_TYPE_OBJECT)

static void
vmroot_guest_root_finalize (GObject *object)
{
  VmrootGuestRoot *self = (VmrootGuestRoot *)object;

  g_free (self->uuid);
  g_free (self->name);
  g_free (self->directory);
  g_clear_pointer (&self->since, g_date_time_unref);

  G_OBJECT_CLASS (vmroot_guest_root_parent_class)->finalize (object);
}

static void
vmroot_guest_root_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  VmrootGuestRoot *self = (VmrootGuestRoot *)object;

  switch (id)
    {
    case PROP_UUID:
      g_value_set_string (value, self->uuid);
      break;
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;
    case PROP_DIRECTORY:
      g_value_set_string (value, self->directory);
      break;
    case PROP_TRANSPORT:
      g_value_set_enum (value, self->transport);
      break;
    case PROP_SINCE:
      g_value_set_boxed (value, self->since);
      break;
    case PROP_COMPLETE:
      g_value_set_boolean (value, self->complete);
      break;
    case PROP_MIGRATED:
      g_value_set_boolean (value, self->migrated);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
vmroot_guest_root_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  VmrootGuestRoot *self = (VmrootGuestRoot *)object;

  switch (id)
    {
    case PROP_UUID:
      self->uuid = g_value_dup_string (value);
      break;
    case PROP_NAME:
      self->name = g_value_dup_string (value);
      break;
    case PROP_DIRECTORY:
      self->directory = g_value_dup_string (value);
      break;
    case PROP_TRANSPORT:
      self->transport = g_value_get_enum (value);
      break;
    case PROP_SINCE:
      self->since = g_value_dup_boxed (value);
      break;
    case PROP_COMPLETE:
      self->complete = g_value_get_boolean (value);
      break;
    case PROP_MIGRATED:
      self->migrated = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
vmroot_guest_root_class_init (VmrootGuestRootClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = vmroot_guest_root_finalize;
  object_class->get_property = vmroot_guest_root_get_property;
  object_class->set_property = vmroot_guest_root_set_property;

  /**
   * VmrootGuestRoot:uuid:
   *
   * The UUID of the domain.
   *
   * Since: 1.0
   */
  obj_props[PROP_UUID] = g_param_spec_string ("uuid", NULL, NULL, NULL, flags);

  /**
   * VmrootGuestRoot:name:
   *
   * The name of the domain.
   *
   * Since: 1.0
   */
  obj_props[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);

  /**
   * VmrootGuestRoot:directory:
   *
   * The directory on the host.
   *
   * Since: 1.0
   */
  obj_props[PROP_DIRECTORY] = g_param_spec_string ("directory", NULL, NULL, NULL, flags);

  /**
   * VmrootGuestRoot:transport:
   *
   * How the guest reaches it.
   *
   * Since: 1.0
   */
  obj_props[PROP_TRANSPORT] =
      g_param_spec_enum ("transport", NULL, NULL, VMROOT_TYPE_TRANSPORT, 0, flags);

  /**
   * VmrootGuestRoot:since:
   *
   * When it was prepared.
   *
   * Since: 1.0
   */
  obj_props[PROP_SINCE] = g_param_spec_boxed ("since", NULL, NULL, G_TYPE_DATE_TIME, flags);

  /**
   * VmrootGuestRoot:complete:
   *
   * Whether every step of preparing it was done; if not, the next `vmroot reconcile` undoes it.
   *
   * Since: 1.0
   */
  obj_props[PROP_COMPLETE] = g_param_spec_boolean ("complete", NULL, NULL, FALSE, flags);

  /**
   * VmrootGuestRoot:migrated:
   *
   * Whether the guest was migrated to another host, which has the root from this one.
   *
   * Since: 1.0
   */
  obj_props[PROP_MIGRATED] = g_param_spec_boolean ("migrated", NULL, NULL, FALSE, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, obj_props);
}

static void
vmroot_guest_root_init (VmrootGuestRoot *self)
{
}

/**
 * vmroot_guest_root_get_uuid:
 *
 * The UUID of the domain.
 *
 * Returns: (transfer none): the value of [property@Vmroot.GuestRoot:uuid]
 *
 * Since: 1.0
 */
const gchar *
vmroot_guest_root_get_uuid (VmrootGuestRoot *self)
{
  g_return_val_if_fail (VMROOT_IS_GUEST_ROOT (self), NULL);

  return self->uuid;
}

/**
 * vmroot_guest_root_get_name:
 *
 * The name of the domain.
 *
 * Returns: (transfer none): the value of [property@Vmroot.GuestRoot:name]
 *
 * Since: 1.0
 */
const gchar *
vmroot_guest_root_get_name (VmrootGuestRoot *self)
{
  g_return_val_if_fail (VMROOT_IS_GUEST_ROOT (self), NULL);

  return self->name;
}

/**
 * vmroot_guest_root_get_directory:
 *
 * The directory on the host.
 *
 * Returns: (transfer none): the value of [property@Vmroot.GuestRoot:directory]
 *
 * Since: 1.0
 */
const gchar *
vmroot_guest_root_get_directory (VmrootGuestRoot *self)
{
  g_return_val_if_fail (VMROOT_IS_GUEST_ROOT (self), NULL);

  return self->directory;
}

/**
 * vmroot_guest_root_get_transport:
 *
 * How the guest reaches it.
 *
 * Returns: the value of [property@Vmroot.GuestRoot:transport]
 *
 * Since: 1.0
 */
VmrootTransport
vmroot_guest_root_get_transport (VmrootGuestRoot *self)
{
  g_return_val_if_fail (VMROOT_IS_GUEST_ROOT (self), 0);

  return self->transport;
}

/**
 * vmroot_guest_root_get_since:
 *
 * When it was prepared.
 *
 * Returns: (transfer none): the value of [property@Vmroot.GuestRoot:since]
 *
 * Since: 1.0
 */
GDateTime *
vmroot_guest_root_get_since (VmrootGuestRoot *self)
{
  g_return_val_if_fail (VMROOT_IS_GUEST_ROOT (self), NULL);

  return self->since;
}

/**
 * vmroot_guest_root_get_complete:
 *
 * Whether every step of preparing it was done; if not, the next `vmroot reconcile` undoes it.
 *
 * Returns: the value of [property@Vmroot.GuestRoot:complete]
 *
 * Since: 1.0
 */
gboolean
vmroot_guest_root_get_complete (VmrootGuestRoot *self)
{
  g_return_val_if_fail (VMROOT_IS_GUEST_ROOT (self), FALSE);

  return self->complete;
}

/**
 * vmroot_guest_root_get_migrated:
 *
 * Whether the guest was migrated to another host, which has the root from this one.
 *
 * Returns: the value of [property@Vmroot.GuestRoot:migrated]
 *
 * Since: 1.0
 */
gboolean
vmroot_guest_root_get_migrated (VmrootGuestRoot *self)
{
  g_return_val_if_fail (VMROOT_IS_GUEST_ROOT (self), FALSE);

  return self->migrated;
}
