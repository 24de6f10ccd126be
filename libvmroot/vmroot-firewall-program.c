/* SPDX-License-Identifier: GPL-2.0-or-later */

/* vmroot-firewall list|open|close: lets guests on libvirt's networks reach the NFS server of this
 * host, or not. Run by vmroot-firewall.service, and by vmroot setup. */

#include "config.h"

#include "vmroot-firewall-private.h"

static gboolean
run (const gchar *verb, GPtrArray *chains, GError **error)
{
  g_autoptr (VmrootContext) context = vmroot_context_new (NULL);
  g_autoptr (GPtrArray) closed = NULL;

  if (g_strcmp0 (verb, "open") == 0)
    return vmroot_firewall_open (context, chains, NULL, error);
  if (g_strcmp0 (verb, "close") == 0)
    return vmroot_firewall_close (context, chains, NULL, error);
  if (g_strcmp0 (verb, "list") != 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           "say what to do: list, open or close");
      return FALSE;
    }

  closed = vmroot_firewall_list_closed (context, NULL, error);
  if (closed == NULL)
    return FALSE;

  g_ptr_array_extend_and_steal (chains, g_steal_pointer (&closed));
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GPtrArray) chains = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;

  if (!run (argc == 2 ? argv[1] : NULL, chains, &error))
    {
      g_printerr ("vmroot-firewall: %s\n", error->message);
      return 1;
    }

  for (guint i = 0; i < chains->len; i++)
    g_print ("%s\n", (const gchar *)g_ptr_array_index (chains, i));
  return 0;
}
