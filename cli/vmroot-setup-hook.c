/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The piece `hook` of vmroot setup: libvirt runs our hook for every guest. */

#include "config.h"

#include "vmroot-setup-file.h"
#include "vmroot-setup-pieces.h"
#include "vmroot-setup-unit.h"

#define HOOK VMROOT_HOOKDIR "/vmroot-hook"
#define HOOK_LINK "/etc/libvirt/hooks/qemu.d/vmroot"

static gboolean
check_installed (Setup *setup, GError **error)
{
  g_autofree gchar *libvirt = setup_path (setup, "/etc/libvirt");
  g_autofree gchar *hook = setup_path (setup, HOOK);

  if (!g_file_test (libvirt, G_FILE_TEST_IS_DIR))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                   "There is no %s: install libvirt's daemon first (Debian: apt install "
                   "libvirt-daemon-system)",
                   libvirt);
      return FALSE;
    }
  if (!g_file_test (hook, G_FILE_TEST_IS_EXECUTABLE))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                   "There is no %s: vmroot is not installed where it was built for. Run meson "
                   "install, or configure it with -Dhook-dir=",
                   hook);
      return FALSE;
    }
  return TRUE;
}

/* The daemons that may run QEMU's guests: the whole one, or that for QEMU alone. */
static const gchar *const daemons[] = { "libvirtd", "virtqemud" };

static gboolean
reload_units (Setup *setup, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (daemons); i++)
    {
      g_autofree gchar *unit = g_strconcat (daemons[i], ".service", NULL);

      if (setup_unit_is_active (setup, unit) &&
          !setup_tell_unit (setup, "reload", "reloaded", unit, error))
        {
          g_prefix_error (error, "Cannot have %s look for its hooks: ", unit);
          return FALSE;
        }
    }
  return TRUE;
}

/* Without systemd nobody but the user knows whether the number in a pid file is still the daemon.
 */
static void
advise_reload (Setup *setup)
{
  for (guint i = 0; i < G_N_ELEMENTS (daemons); i++)
    {
      g_autofree gchar *pid_file = g_strdup_printf ("/run/%s.pid", daemons[i]);
      g_autofree gchar *path = setup_path (setup, pid_file);

      if (g_file_test (path, G_FILE_TEST_EXISTS))
        g_printerr ("Have %s look for its hooks: kill -HUP $(cat %s)\n", daemons[i], pid_file);
    }
}

/* libvirt looks for hooks when it starts, and when it is told to reload: a first one goes
 * unnoticed until then (https://libvirt.org/hooks.html). */
static gboolean
tell_libvirt (Setup *setup, gboolean is_new, GError **error)
{
  if (!is_new && !setup_record_get_reload (setup->record))
    return TRUE;

  if (!setup_has_systemd (setup))
    advise_reload (setup);
  else if (!reload_units (setup, error))
    return FALSE;

  return setup_remember_reload (setup, FALSE, error);
}

gboolean
setup_hook (Setup *setup, GError **error)
{
  gint there;

  if (!check_installed (setup, error) ||
      !setup_want_directory (setup, "/etc/libvirt/hooks", 0755, error) ||
      !setup_want_directory (setup, "/etc/libvirt/hooks/qemu.d", 0755, error))
    return FALSE;

  there = setup_has_link (setup, HOOK_LINK, HOOK, error);
  if (there < 0)
    return FALSE;
  if (there == 0 && !setup_remember_reload (setup, TRUE, error))
    return FALSE;

  return setup_want_link (setup, HOOK_LINK, HOOK, error) && tell_libvirt (setup, there == 0, error);
}
