/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "vmroot-enum-types.h"
#include "vmroot-finding-private.h"

/**
 * VmrootFinding:
 *
 * One thing about a tree, a guest or this host that will go wrong, or is good to know.
 *
 * Since: 1.0
 */
struct _VmrootFinding
{
  GObject parent_instance;

  gchar *id;
  VmrootSeverity severity;
  gchar *title;
  gchar *detail;
  gchar *fix;
  gboolean can_fix;
};

enum
{
  PROP_ID = 1,
  PROP_SEVERITY,
  PROP_TITLE,
  PROP_DETAIL,
  PROP_FIX,
  PROP_CAN_FIX,
  N_PROPERTIES
};

static GParamSpec *obj_props[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (VmrootFinding, vmroot_finding, G_TYPE_OBJECT)

static void
vmroot_finding_finalize (GObject *object)
{
  VmrootFinding *self = (VmrootFinding *)object;

  g_free (self->id);
  g_free (self->title);
  g_free (self->detail);
  g_free (self->fix);

  G_OBJECT_CLASS (vmroot_finding_parent_class)->finalize (object);
}

static void
vmroot_finding_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  VmrootFinding *self = (VmrootFinding *)object;

  switch (id)
    {
    case PROP_ID:
      g_value_set_string (value, self->id);
      break;
    case PROP_SEVERITY:
      g_value_set_enum (value, self->severity);
      break;
    case PROP_TITLE:
      g_value_set_string (value, self->title);
      break;
    case PROP_DETAIL:
      g_value_set_string (value, self->detail);
      break;
    case PROP_FIX:
      g_value_set_string (value, self->fix);
      break;
    case PROP_CAN_FIX:
      g_value_set_boolean (value, self->can_fix);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
vmroot_finding_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  VmrootFinding *self = (VmrootFinding *)object;

  switch (id)
    {
    case PROP_ID:
      self->id = g_value_dup_string (value);
      break;
    case PROP_SEVERITY:
      self->severity = g_value_get_enum (value);
      break;
    case PROP_TITLE:
      self->title = g_value_dup_string (value);
      break;
    case PROP_DETAIL:
      self->detail = g_value_dup_string (value);
      break;
    case PROP_FIX:
      self->fix = g_value_dup_string (value);
      break;
    case PROP_CAN_FIX:
      self->can_fix = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
vmroot_finding_class_init (VmrootFindingClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = vmroot_finding_finalize;
  object_class->get_property = vmroot_finding_get_property;
  object_class->set_property = vmroot_finding_set_property;

  /**
   * VmrootFinding:id:
   *
   * What was found, as a fixed word for programs: `no-kernel`, `fstab-root`.
   *
   * Since: 1.0
   */
  obj_props[PROP_ID] = g_param_spec_string ("id", NULL, NULL, NULL, flags);

  /**
   * VmrootFinding:severity:
   *
   * How bad it is.
   *
   * Since: 1.0
   */
  obj_props[PROP_SEVERITY] =
      g_param_spec_enum ("severity", NULL, NULL, VMROOT_TYPE_SEVERITY, 0, flags);

  /**
   * VmrootFinding:title:
   *
   * One line for a person.
   *
   * Since: 1.0
   */
  obj_props[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, NULL, flags);

  /**
   * VmrootFinding:detail:
   *
   * What it means and where it comes from, in a few sentences.
   *
   * Since: 1.0
   */
  obj_props[PROP_DETAIL] = g_param_spec_string ("detail", NULL, NULL, NULL, flags);

  /**
   * VmrootFinding:fix:
   *
   * What to do: a command to run, or a sentence.
   *
   * Since: 1.0
   */
  obj_props[PROP_FIX] = g_param_spec_string ("fix", NULL, NULL, NULL, flags);

  /**
   * VmrootFinding:can-fix:
   *
   * Whether `vmroot check --fix` can do it.
   *
   * Since: 1.0
   */
  obj_props[PROP_CAN_FIX] = g_param_spec_boolean ("can-fix", NULL, NULL, FALSE, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, obj_props);
}

static void
vmroot_finding_init (VmrootFinding *self)
{
}

/**
 * vmroot_finding_get_id:
 *
 * What was found, as a fixed word for programs: `no-kernel`, `fstab-root`.
 *
 * Returns: (transfer none): the value of [property@Vmroot.Finding:id]
 *
 * Since: 1.0
 */
const gchar *
vmroot_finding_get_id (VmrootFinding *self)
{
  g_return_val_if_fail (VMROOT_IS_FINDING (self), NULL);

  return self->id;
}

/**
 * vmroot_finding_get_severity:
 *
 * How bad it is.
 *
 * Returns: the value of [property@Vmroot.Finding:severity]
 *
 * Since: 1.0
 */
VmrootSeverity
vmroot_finding_get_severity (VmrootFinding *self)
{
  g_return_val_if_fail (VMROOT_IS_FINDING (self), 0);

  return self->severity;
}

/**
 * vmroot_finding_get_title:
 *
 * One line for a person.
 *
 * Returns: (transfer none): the value of [property@Vmroot.Finding:title]
 *
 * Since: 1.0
 */
const gchar *
vmroot_finding_get_title (VmrootFinding *self)
{
  g_return_val_if_fail (VMROOT_IS_FINDING (self), NULL);

  return self->title;
}

/**
 * vmroot_finding_get_detail:
 *
 * What it means and where it comes from, in a few sentences.
 *
 * Returns: (nullable) (transfer none): the value of [property@Vmroot.Finding:detail]
 *
 * Since: 1.0
 */
const gchar *
vmroot_finding_get_detail (VmrootFinding *self)
{
  g_return_val_if_fail (VMROOT_IS_FINDING (self), NULL);

  return self->detail;
}

/**
 * vmroot_finding_get_fix:
 *
 * What to do: a command to run, or a sentence.
 *
 * Returns: (nullable) (transfer none): the value of [property@Vmroot.Finding:fix]
 *
 * Since: 1.0
 */
const gchar *
vmroot_finding_get_fix (VmrootFinding *self)
{
  g_return_val_if_fail (VMROOT_IS_FINDING (self), NULL);

  return self->fix;
}

/**
 * vmroot_finding_get_can_fix:
 *
 * Whether `vmroot check --fix` can do it.
 *
 * Returns: the value of [property@Vmroot.Finding:can-fix]
 *
 * Since: 1.0
 */
gboolean
vmroot_finding_get_can_fix (VmrootFinding *self)
{
  g_return_val_if_fail (VMROOT_IS_FINDING (self), FALSE);

  return self->can_fix;
}

static void
add (GPtrArray *findings,
     const gchar *id,
     VmrootSeverity severity,
     const gchar *title,
     const gchar *detail,
     const gchar *fix,
     gboolean can_fix)
{
  g_ptr_array_add (findings,
                   g_object_new (VMROOT_TYPE_FINDING, "id", id, "severity", severity, "title",
                                 title, "detail", detail, "fix", fix, "can-fix", can_fix, NULL));
}

void
vmroot_findings_add (GPtrArray *findings,
                     const gchar *id,
                     VmrootSeverity severity,
                     const gchar *title,
                     const gchar *detail,
                     const gchar *fix)
{
  add (findings, id, severity, title, detail, fix, FALSE);
}

void
vmroot_findings_add_fixable (GPtrArray *findings,
                             const gchar *id,
                             VmrootSeverity severity,
                             const gchar *title,
                             const gchar *detail,
                             const gchar *fix)
{
  add (findings, id, severity, title, detail, fix, TRUE);
}
