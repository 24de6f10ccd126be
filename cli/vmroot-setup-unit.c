/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "config.h"

#include "vmroot-setup-nfs.h"
#include "vmroot-setup-unit.h"

gboolean
setup_has_systemd (Setup *setup)
{
  g_autofree gchar *systemd = setup_path (setup, "/run/systemd/system");

  return g_file_test (systemd, G_FILE_TEST_IS_DIR);
}

static gboolean
systemctl (Setup *setup, const gchar *verb, const gchar *unit, GError **error)
{
  const gchar *const argv[] = { "systemctl", "--quiet", verb, unit, NULL };
  g_autofree gchar *output = setup_run (setup, argv, error);

  return output != NULL;
}

gboolean
setup_unit_is_active (Setup *setup, const gchar *unit)
{
  return systemctl (setup, "is-active", unit, NULL);
}

gboolean
setup_tell_unit (
    Setup *setup, const gchar *verb, const gchar *done, const gchar *unit, GError **error)
{
  g_autofree gchar *planned = g_strconcat ("would ", verb, NULL);

  if (g_cancellable_set_error_if_cancelled (setup->cancellable, error))
    return FALSE;
  if (!setup->dry_run && !systemctl (setup, verb, unit, error))
    return FALSE;

  setup_say (setup, done, planned, "%s", unit);
  return TRUE;
}

gboolean
setup_refresh_unit (Setup *setup, const gchar *unit, GError **error)
{
  const gchar *const ask[] = { "systemctl", "show", "--value", "--property=NeedDaemonReload",
                               unit,        NULL };
  const gchar *const reload[] = { "systemctl", "daemon-reload", NULL };
  g_autofree gchar *needed = setup->dry_run ? g_strdup ("no") : setup_run (setup, ask, error);
  g_autofree gchar *output = NULL;

  if (needed == NULL || !g_str_has_prefix (needed, "yes"))
    return needed != NULL;

  output = setup_run (setup, reload, error);
  return output != NULL;
}

gboolean
setup_enable_unit (Setup *setup, const gchar *unit, GError **error)
{
  const SetupThing enabled = { .kind = SETUP_UNIT_ENABLED, .path = unit };

  return systemctl (setup, "is-enabled", unit, NULL) ||
         (setup_remember (setup, enabled, error) &&
          setup_tell_unit (setup, "enable", "enabled", unit, error));
}

gboolean
setup_start_unit (Setup *setup, const gchar *unit, GError **error)
{
  const SetupThing started = { .kind = SETUP_UNIT_STARTED, .path = unit };

  return setup_unit_is_active (setup, unit) ||
         (setup_remember (setup, started, error) &&
          setup_tell_unit (setup, "start", "started", unit, error));
}

/* Why somebody else needs the unit by now; NULL: nobody does. */
static const gchar *
reason_to_keep (Setup *setup, const gchar *unit)
{
  return g_str_equal (unit, SETUP_NFS_SERVER) && setup_nfs_has_exports (setup)
             ? "it exports something"
             : NULL;
}

static gboolean
undo_unit (Setup *setup, guint i, const gchar *verb, const gchar *done, GError **error)
{
  const SetupThing thing = setup_record_get (setup->record, i);
  const gchar *reason = reason_to_keep (setup, thing.path);

  if (reason != NULL)
    {
      g_autofree gchar *what = g_strdup_printf ("%s %s", thing.kind, thing.path);

      setup_say_left (what, reason);
      return TRUE;
    }
  return setup_refresh_unit (setup, thing.path, error) &&
         setup_tell_unit (setup, verb, done, thing.path, error) && setup_forget (setup, i, error);
}

gboolean
setup_undo_enabled_unit (Setup *setup, guint i, GError **error)
{
  return undo_unit (setup, i, "disable", "disabled", error);
}

gboolean
setup_undo_started_unit (Setup *setup, guint i, GError **error)
{
  return undo_unit (setup, i, "stop", "stopped", error);
}

/* It was restarted for what we had changed, which is changed back by now. */
gboolean
setup_undo_restarted_unit (Setup *setup, guint i, GError **error)
{
  return undo_unit (setup, i, "restart", "restarted", error);
}
