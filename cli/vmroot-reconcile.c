/* SPDX-License-Identifier: GPL-2.0-or-later */

/* vmroot reconcile: after a crash, a killed hook or a power cut. vmroot release: for a guest that
 * was migrated away and does not run any more. */

#include "config.h"

#include "vmroot-command.h"
#include "vmroot-json.h"

static void
print_done (GPtrArray *done, gboolean json)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < done->len; i++)
    {
      json_array_add_string_element (array, g_ptr_array_index (done, i));
      if (!json)
        g_print ("%s\n", (const gchar *)g_ptr_array_index (done, i));
    }

  if (json)
    json_print_array (array);
  else
    json_array_unref (array);
  if (!json && done->len == 0)
    g_print ("This host agrees with its guests: nothing to do.\n");
}

static gboolean
reconcile (gchar **argv, GCancellable *cancellable, GError **error)
{
  g_auto (CommonOptions) common = { NULL };
  g_auto (GStrv) operands = command_parse (argv, NULL, NULL, &common, COMMON_JSON, 0, error);
  g_autoptr (VmrootHost) host = NULL;
  g_autoptr (GPtrArray) done = NULL;

  if (operands == NULL)
    return FALSE;

  host = vmroot_host_new (common.sysroot);
  done = vmroot_host_reconcile (host, cancellable, error);
  if (done == NULL)
    return FALSE;

  print_done (done, common.json);
  return TRUE;
}

gint
run_reconcile (gchar **argv, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;

  return reconcile (argv, cancellable, &error) ? COMMAND_DONE : command_fail (argv[0], error);
}

static gboolean
release (gchar **argv, GCancellable *cancellable, GError **error)
{
  g_auto (CommonOptions) common = { NULL };
  g_auto (GStrv) operands = command_parse (argv, NULL, NULL, &common, 0, 1, error);
  g_autoptr (VmrootHost) host = NULL;

  if (operands == NULL)
    return FALSE;
  if (operands[0] == NULL)
    {
      command_set_misused (error, "Which guest? Name it, or its UUID");
      return FALSE;
    }

  host = vmroot_host_new (common.sysroot);
  return vmroot_host_forget (host, operands[0], cancellable, error);
}

gint
run_release (gchar **argv, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;

  return release (argv, cancellable, &error) ? COMMAND_DONE : command_fail (argv[0], error);
}
