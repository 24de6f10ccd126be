/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What needs file contents of any kind read: as root, that is left to the builder. */

#include "config.h"

#include <unistd.h>

#include "vmroot-builder-private.h"
#include "vmroot-error.h"
#include "vmroot-tree-private.h"

#define MAX_FINDINGS 1000

static gboolean
is_privileged (void)
{
  return geteuid () == 0;
}

/**
 * vmroot_tree_get_initramfs_generator:
 *
 * The program that made the initramfs of the kernel that a guest would boot.
 *
 * Returns: (nullable) (transfer full): `dracut`, `initramfs-tools`, `mkinitcpio`, `mkinitfs`,
 *   `genkernel`, `booster`, or %NULL if there is no initramfs or it cannot be told
 *
 * Since: 1.0
 */
gchar *
vmroot_tree_get_initramfs_generator (VmrootTree *self)
{
  g_autoptr (VmrootSpec) spec = NULL;
  g_autoptr (GVariant) request = NULL;
  g_autoptr (GVariant) answer = NULL;
  const gchar *generator = NULL;

  g_return_val_if_fail (VMROOT_IS_TREE (self), NULL);

  if (!is_privileged ())
    return vmroot_tree_find_generator (self);

  spec = vmroot_spec_new (self->path);
  request = vmroot_builder_request_new ("recognise", self, spec);
  answer = vmroot_builder_run (self, request, NULL, NULL, NULL);
  if (answer != NULL)
    g_variant_lookup (answer, "generator", "&s", &generator);
  return generator != NULL ? vmroot_builder_clean_text (generator) : NULL;
}

GVariant *
vmroot_tree_pack_findings (GPtrArray *findings)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE (VMROOT_BUILDER_FINDINGS_TYPE));
  for (guint i = 0; i < findings->len; i++)
    {
      VmrootFinding *finding = findings->pdata[i];

      g_variant_builder_add (&builder, "(susmsmsb)", vmroot_finding_get_id (finding),
                             (guint32)vmroot_finding_get_severity (finding),
                             vmroot_finding_get_title (finding),
                             vmroot_finding_get_detail (finding), vmroot_finding_get_fix (finding),
                             vmroot_finding_get_can_fix (finding));
    }
  return g_variant_builder_end (&builder);
}

/* The child may lie: text is cleaned, and a severity that there is not is the worst. */
static VmrootFinding *
unpack_finding (GVariant *packed)
{
  const gchar *id, *title, *detail, *fix;
  g_autofree gchar *clean_id = NULL;
  g_autofree gchar *clean_title = NULL;
  g_autofree gchar *clean_detail = NULL;
  g_autofree gchar *clean_fix = NULL;
  guint32 severity;
  gboolean can_fix;

  g_variant_get (packed, "(&su&sm&sm&sb)", &id, &severity, &title, &detail, &fix, &can_fix);
  clean_id = vmroot_builder_clean_text (id);
  clean_title = vmroot_builder_clean_text (title);
  clean_detail = vmroot_builder_clean_text (detail);
  clean_fix = vmroot_builder_clean_text (fix);
  return g_object_new (VMROOT_TYPE_FINDING, "id", clean_id, "severity",
                       MIN (severity, VMROOT_SEVERITY_ERROR), "title", clean_title, "detail",
                       clean_detail, "fix", clean_fix, "can-fix", can_fix, NULL);
}

static GPtrArray *
unpack_findings (GVariant *answer)
{
  g_autoptr (GVariant) packed =
      g_variant_lookup_value (answer, "findings", G_VARIANT_TYPE (VMROOT_BUILDER_FINDINGS_TYPE));
  GPtrArray *findings = g_ptr_array_new_with_free_func (g_object_unref);
  gsize n = packed != NULL ? MIN (g_variant_n_children (packed), MAX_FINDINGS) : 0;

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) finding = g_variant_get_child_value (packed, i);

      g_ptr_array_add (findings, unpack_finding (finding));
    }
  return findings;
}

/**
 * vmroot_tree_check:
 * @self: a tree
 * @spec: (nullable): how it shall be used; %NULL: as a new [class@Spec] says
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for a #GError
 *
 * Looks for what would keep a guest with this root from starting, or from working as it should.
 * What this host would refuse is not part of it: see [method@Host.check].
 *
 * Called as root, it reads the tree in a child process that can do nothing else.
 *
 * Returns: (transfer container) (element-type VmrootFinding): the findings; empty if there are
 *   none. %NULL on error
 *
 * Since: 1.0
 */
GPtrArray *
vmroot_tree_check (VmrootTree *self, VmrootSpec *spec, GCancellable *cancellable, GError **error)
{
  g_autoptr (VmrootSpec) own_spec = NULL;
  g_autoptr (GVariant) request = NULL;
  g_autoptr (GVariant) answer = NULL;

  g_return_val_if_fail (VMROOT_IS_TREE (self), NULL);
  g_return_val_if_fail (spec == NULL || VMROOT_IS_SPEC (spec), NULL);

  own_spec = spec != NULL ? g_object_ref (spec) : vmroot_spec_new (self->path);
  if (!is_privileged ())
    return vmroot_tree_collect_findings (self, own_spec);

  request = vmroot_builder_request_new ("check", self, own_spec);
  answer = vmroot_builder_run (self, request, NULL, cancellable, error);
  return answer != NULL ? unpack_findings (answer) : NULL;
}

static void
check_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  GPtrArray *findings = vmroot_tree_check (source, data, cancellable, &error);

  if (findings != NULL)
    g_task_return_pointer (task, findings, (GDestroyNotify)g_ptr_array_unref);
  else
    g_task_return_error (task, error);
}

/**
 * vmroot_tree_check_async:
 * @self: a tree
 * @spec: (nullable): how it shall be used; it must not be changed meanwhile
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when it is done
 * @user_data: for @callback
 *
 * Does in a thread what [method@Tree.check] does.
 *
 * Since: 1.0
 */
void
vmroot_tree_check_async (VmrootTree *self,
                         VmrootSpec *spec,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (VMROOT_IS_TREE (self));
  g_return_if_fail (spec == NULL || VMROOT_IS_SPEC (spec));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, vmroot_tree_check_async);
  if (spec != NULL)
    g_task_set_task_data (task, g_object_ref (spec), g_object_unref);
  g_task_run_in_thread (task, check_in_thread);
}

/**
 * vmroot_tree_check_finish:
 * @self: a tree
 * @result: what the callback got
 * @error: return location for a #GError
 *
 * Ends [method@Tree.check_async].
 *
 * Returns: (transfer container) (element-type VmrootFinding): the findings, or %NULL on error
 *
 * Since: 1.0
 */
GPtrArray *
vmroot_tree_check_finish (VmrootTree *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
