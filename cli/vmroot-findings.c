/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "config.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdlib.h>

#include "vmroot-command.h"
#include "vmroot-findings.h"
#include "vmroot-setup.h"

/* The host, and what was checked on it. */
typedef struct
{
  const gchar *sysroot;
  VmrootSpec *spec;
  GCancellable *cancellable;
} Checked;

/* What the library says that can be fixed (Finding:can-fix) is fixed here. */
typedef struct
{
  const gchar *id;
  gboolean (*fix) (const Checked *checked, GError **error);
} Fix;

static gboolean
change_mode (const gchar *path, gint mode, GError **error)
{
  if (g_chmod (path, mode) == 0)
    return TRUE;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "Cannot change the mode of %s: %s",
               path, g_strerror (errno));
  return FALSE;
}

static gboolean
open_boot_directory (const Checked *checked, GError **error)
{
  g_autofree gchar *path = command_host_path (checked->sysroot, "/var/lib/vmroot/boot");

  return change_mode (path, 0711, error);
}

/* The finding says that only roots of guests are in there. */
static gboolean
close_directory_above (const Checked *checked, GError **error)
{
  g_autofree gchar *path =
      command_host_path (checked->sysroot, vmroot_spec_get_directory (checked->spec));
  g_autofree gchar *real = realpath (path, NULL);
  g_autofree gchar *above = g_path_get_dirname (real != NULL ? real : path);

  return change_mode (above, 0700, error);
}

static gboolean
set_up_hook (const Checked *checked, GError **error)
{
  return setup_host (checked->sysroot, checked->cancellable, error);
}

static gboolean
set_up_nfs (const Checked *checked, GError **error)
{
  return setup_host_pieces (checked->sysroot, SETUP_NFS, checked->cancellable, error);
}

static gboolean
set_up_firewall (const Checked *checked, GError **error)
{
  return setup_host_pieces (checked->sysroot, SETUP_FIREWALL, checked->cancellable, error);
}

static const Fix fixes[] = {
  { "hook-not-installed", set_up_hook },
  { "boot-directory-closed", open_boot_directory },
  { "tree-exposed", close_directory_above },
  { "no-nfs-server", set_up_nfs },
  { "nfs-version", set_up_nfs },
  { "nfs-firewall", set_up_firewall },
};

static gint
compare_severity (gconstpointer a, gconstpointer b)
{
  VmrootFinding *const *first = a;
  VmrootFinding *const *second = b;

  return (gint)vmroot_finding_get_severity (*second) - (gint)vmroot_finding_get_severity (*first);
}

GPtrArray *
findings_collect (const gchar *sysroot,
                  VmrootSpec *spec,
                  const gchar *uuid,
                  GCancellable *cancellable,
                  GError **error)
{
  g_autofree gchar *path = command_host_path (sysroot, vmroot_spec_get_directory (spec));
  g_autoptr (VmrootTree) tree = vmroot_tree_new (path, error);
  g_autoptr (VmrootHost) host = vmroot_host_new (sysroot);
  g_autoptr (GPtrArray) of_tree = NULL;
  g_autoptr (GPtrArray) of_host = NULL;

  if (tree == NULL)
    return NULL;

  of_tree = vmroot_tree_check (tree, spec, cancellable, error);
  of_host = of_tree != NULL ? vmroot_host_check (host, spec, uuid, cancellable, error) : NULL;
  if (of_host == NULL)
    return NULL;

  g_ptr_array_extend_and_steal (of_tree, g_steal_pointer (&of_host));
  g_ptr_array_sort (of_tree, compare_severity);
  return g_steal_pointer (&of_tree);
}

static const gchar *
severity_word (VmrootFinding *finding)
{
  switch (vmroot_finding_get_severity (finding))
    {
    case VMROOT_SEVERITY_ERROR:
      return "error";
    case VMROOT_SEVERITY_WARNING:
      return "warning";
    default:
      return "info";
    }
}

static gchar *
describe (VmrootFinding *finding)
{
  const gchar *detail = vmroot_finding_get_detail (finding);
  const gchar *fix = vmroot_finding_get_fix (finding);
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "%s: %s [%s]\n", severity_word (finding),
                          vmroot_finding_get_title (finding), vmroot_finding_get_id (finding));
  if (detail != NULL)
    g_string_append_printf (text, "  %s\n", detail);
  if (fix != NULL)
    g_string_append_printf (text, "  fix: %s\n", fix);
  return g_string_free (text, FALSE);
}

void
findings_print_stderr (GPtrArray *findings, VmrootSeverity least)
{
  for (guint i = 0; i < findings->len; i++)
    {
      VmrootFinding *finding = g_ptr_array_index (findings, i);
      g_autofree gchar *text = describe (finding);

      if (vmroot_finding_get_severity (finding) >= least)
        g_printerr ("vmroot: %s", text);
    }
}

void
findings_print (GPtrArray *findings)
{
  for (guint i = 0; i < findings->len; i++)
    {
      g_autofree gchar *text = describe (g_ptr_array_index (findings, i));

      g_print ("%s", text);
    }
}

guint
findings_count (GPtrArray *findings, VmrootSeverity severity)
{
  guint n = 0;

  for (guint i = 0; i < findings->len; i++)
    n += vmroot_finding_get_severity (g_ptr_array_index (findings, i)) == severity;
  return n;
}

static const Fix *
find_fix (VmrootFinding *finding)
{
  for (guint i = 0; vmroot_finding_get_can_fix (finding) && i < G_N_ELEMENTS (fixes); i++)
    if (g_strcmp0 (vmroot_finding_get_id (finding), fixes[i].id) == 0)
      return &fixes[i];

  return NULL;
}

gboolean
findings_fix (const gchar *sysroot,
              VmrootSpec *spec,
              GPtrArray *findings,
              gboolean *any,
              GCancellable *cancellable,
              GError **error)
{
  const Checked checked = { sysroot, spec, cancellable };

  *any = FALSE;
  for (guint i = 0; i < findings->len; i++)
    {
      VmrootFinding *finding = g_ptr_array_index (findings, i);
      const Fix *fix = find_fix (finding);

      if (fix == NULL)
        continue;
      if (!fix->fix (&checked, error))
        {
          g_prefix_error (error, "%s: ", vmroot_finding_get_title (finding));
          return FALSE;
        }

      g_printerr ("vmroot: fixed: %s\n", vmroot_finding_get_title (finding));
      *any = TRUE;
    }
  return TRUE;
}
