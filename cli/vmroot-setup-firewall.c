/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The piece `firewall` of vmroot setup: guests on libvirt's networks reach the NFS server of this
 * host, where a firewall would drop what they send. */

#include "config.h"

#include "vmroot-setup-firewall.h"
#include "vmroot-setup-pieces.h"
#include "vmroot-setup-unit.h"

#define UNIT "vmroot-firewall.service"
#define PROGRAM "vmroot-firewall"

/* The chains that drop NFS, one a line, or with another verb those that were changed. */
static gchar *
run_program (Setup *setup, const gchar *verb, GError **error)
{
  const gchar *directory = g_getenv ("VMROOT_LIBEXEC_DIR");
  g_autofree gchar *program =
      g_build_filename (directory != NULL ? directory : VMROOT_LIBEXECDIR, PROGRAM, NULL);
  const gchar *const argv[] = { program, verb, NULL };

  return setup_run (setup, argv, error);
}

static void
say_chains (Setup *setup, const gchar *chains)
{
  g_auto (GStrv) lines = g_strsplit (chains, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    if (*lines[i] != '\0')
      setup_say (setup, "let", "would let", "NFS from libvirt's bridges through: %s", lines[i]);
}

/* The unit does it now, and after every boot and reload of the firewall. */
static gboolean
run_unit (Setup *setup, GError **error)
{
  if (!setup_enable_unit (setup, UNIT, error))
    return FALSE;
  if (!setup_unit_is_active (setup, UNIT))
    return setup_start_unit (setup, UNIT, error);

  /* Somebody has flushed the rules. */
  return setup_tell_unit (setup, "reload", "reloaded", UNIT, error);
}

static gboolean
set_up_packet_filter (Setup *setup, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autofree gchar *chains = run_program (setup, "list", &local_error);

  if (chains == NULL && setup->dry_run)
    {
      setup_note (setup, "whether a firewall is in the way cannot be seen: %s",
                  local_error->message);
      return TRUE;
    }
  if (chains == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  if (*chains == '\0')
    return TRUE;
  if (!setup_has_systemd (setup))
    {
      setup_note (setup, "systemd does not run here. Have '" VMROOT_LIBEXECDIR "/" PROGRAM
                         " open' run after what makes the rules of the firewall");
      return TRUE;
    }

  if (!run_unit (setup, error))
    return FALSE;
  say_chains (setup, chains);
  return TRUE;
}

gboolean
setup_firewall (Setup *setup, GError **error)
{
  return (!setup_firewalld_runs (setup) || setup_firewalld (setup, error)) &&
         set_up_packet_filter (setup, error);
}
