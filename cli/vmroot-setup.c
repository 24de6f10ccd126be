/* SPDX-License-Identifier: GPL-2.0-or-later */

/* vmroot setup: the one-time preparation of a host, and the way back. */

#include "config.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "vmroot-command.h"
#include "vmroot-setup-file.h"
#include "vmroot-setup-firewall.h"
#include "vmroot-setup-nfs.h"
#include "vmroot-setup-pieces.h"
#include "vmroot-setup-unit.h"
#include "vmroot-setup.h"

#define RECORD SETUP_STATE_DIRECTORY "/setup.json"

/* In the order in which they are set up. */
static const struct
{
  SetupPieces piece;
  const gchar *name;
  gboolean (*set_up) (Setup *setup, GError **error);
} pieces[] = {
  { SETUP_HOOK, "hook", setup_hook },
  { SETUP_CONFIGURATION, "configuration", setup_configuration },
  { SETUP_EXPORT, "export", setup_export },
  { SETUP_NFS, "nfs", setup_nfs },
  { SETUP_FIREWALL, "firewall", setup_firewall },
  { SETUP_NSS, "nss", setup_nss },
};

static const struct
{
  const gchar *kind;
  gboolean (*undo) (Setup *setup, guint i, GError **error);
} kinds[] = {
  { SETUP_DIRECTORY, setup_undo_directory },
  { SETUP_FILE, setup_undo_file },
  { SETUP_LINK, setup_undo_link },
  { SETUP_UNIT_ENABLED, setup_undo_enabled_unit },
  { SETUP_UNIT_STARTED, setup_undo_started_unit },
  { SETUP_UNIT_RESTARTED, setup_undo_restarted_unit },
  { SETUP_FIREWALLD, setup_undo_firewalld },
  { SETUP_SETTING, setup_undo_nfs_threads },
};

static gboolean
set_up (Setup *setup, SetupPieces which, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++)
    {
      setup->piece = pieces[i].name;
      if ((which & pieces[i].piece) && !pieces[i].set_up (setup, error))
        return FALSE;
    }

  if (setup->changes == 0 && !setup->quiet)
    g_print ("This host is prepared: nothing to do.\n");
  return TRUE;
}

/* A guest that runs still needs the hook: it takes down what the guest's start set up. */
static gboolean
check_no_guest (Setup *setup, GError **error)
{
  g_autoptr (VmrootHost) host = vmroot_host_new (setup->sysroot);
  g_autoptr (GPtrArray) roots = vmroot_host_list_roots (host, error);
  const gchar *name;

  if (roots == NULL)
    return FALSE;
  if (roots->len == 0)
    return TRUE;

  name = vmroot_guest_root_get_name (g_ptr_array_index (roots, 0));
  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_IN_USE,
               "The guest %s runs from a directory, and needs what setup made. Shut it down first",
               name);
  return FALSE;
}

static gboolean
undo_one (Setup *setup, guint i, GError **error)
{
  const SetupThing thing = setup_record_get (setup->record, i);

  for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
    if (g_str_equal (thing.kind, kinds[k].kind))
      return kinds[k].undo (setup, i, error);

  setup_say_left (thing.path, "this version of vmroot does not know how it was made");
  return TRUE;
}

/* Whether number `i` is of one of the pieces. What made room for the record goes with it. */
static gboolean
belongs (Setup *setup, guint i, SetupPieces which)
{
  const SetupThing thing = setup_record_get (setup->record, i);

  for (guint k = 0; k < G_N_ELEMENTS (pieces); k++)
    if (g_strcmp0 (thing.piece, pieces[k].name) == 0)
      return (which & pieces[k].piece) != 0;

  return which == SETUP_ALL && !g_str_equal (thing.path, SETUP_STATE_DIRECTORY);
}

/* The record goes when it has nothing more to say, and its directory with it if we made that. */
static gboolean
remove_record (Setup *setup, GError **error)
{
  const guint length = setup_record_get_length (setup->record);
  const gboolean made_directory =
      setup_record_find (setup->record, SETUP_DIRECTORY, SETUP_STATE_DIRECTORY) >= 0;
  g_autofree gchar *record = setup_path (setup, RECORD);
  g_autofree gchar *directory = setup_path (setup, SETUP_STATE_DIRECTORY);

  if (length > (made_directory ? 1 : 0))
    return TRUE;
  if (g_remove (record) != 0 && errno != ENOENT)
    return setup_set_errno (error, "remove", record);
  if (!made_directory)
    return TRUE;
  if (g_rmdir (directory) != 0)
    return errno == ENOTEMPTY || setup_set_errno (error, "remove", directory);

  setup_say (setup, "removed", NULL, "directory %s", SETUP_STATE_DIRECTORY);
  return TRUE;
}

static gboolean
undo (Setup *setup, SetupPieces which, GError **error)
{
  if (!setup->dry_run && !check_no_guest (setup, error))
    return FALSE;

  for (guint i = setup_record_get_length (setup->record); i > 0; i--)
    if (g_cancellable_set_error_if_cancelled (setup->cancellable, error) ||
        (belongs (setup, i - 1, which) && !undo_one (setup, i - 1, error)))
      return FALSE;

  if ((which & SETUP_NFS) && setup_has_systemd (setup) &&
      !setup_refresh_unit (setup, SETUP_NFS_SERVER, error))
    return FALSE;
  if (setup->changes == 0)
    g_print ("There is nothing to undo.\n");

  return setup->dry_run || remove_record (setup, error);
}

static gboolean
check_root (const Setup *setup, GError **error)
{
  if (geteuid () == 0 || setup->sysroot != NULL || setup->dry_run)
    return TRUE;

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                       "Only root may change this host: sudo vmroot setup. What would be done: "
                       "vmroot setup --dry-run");
  return FALSE;
}

static gboolean
load_record (Setup *setup, GError **error)
{
  g_autofree gchar *record = setup_path (setup, RECORD);

  setup->record = setup_record_load (record, error);
  return setup->record != NULL;
}

static void
setup_clear (Setup *setup)
{
  g_clear_pointer (&setup->record, setup_record_free);
  g_clear_pointer (&setup->sysroot, g_free);
  g_clear_pointer (&setup->nfs_host, g_free);
  g_clear_pointer (&setup->nfs_versions, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Setup, setup_clear)

gboolean
setup_host_pieces (const gchar *sysroot,
                   SetupPieces which,
                   GCancellable *cancellable,
                   GError **error)
{
  g_auto (Setup) setup = { .sysroot = g_strdup (sysroot),
                           .quiet = TRUE,
                           .cancellable = cancellable };

  return check_root (&setup, error) && load_record (&setup, error) && set_up (&setup, which, error);
}

gboolean
setup_host (const gchar *sysroot, GCancellable *cancellable, GError **error)
{
  return setup_host_pieces (sysroot, SETUP_DEFAULT, cancellable, error);
}

static SetupPieces
piece_of_word (const gchar *word)
{
  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++)
    if (g_str_equal (word, pieces[i].name))
      return pieces[i].piece;

  return g_str_equal (word, "all") ? SETUP_ALL : 0;
}

/* The pieces that the words name; `otherwise` if there are none. */
static gboolean
parse_pieces (gchar **words, SetupPieces otherwise, SetupPieces *which, GError **error)
{
  *which = words[0] != NULL ? 0 : otherwise;

  for (guint i = 0; words[i] != NULL; i++)
    {
      const SetupPieces piece = piece_of_word (words[i]);

      if (piece == 0)
        {
          command_set_misused (error, "There is no piece '%s': see vmroot(1)", words[i]);
          return FALSE;
        }
      *which |= piece;
    }
  return TRUE;
}

static gboolean
run (gchar **argv, GCancellable *cancellable, GError **error)
{
  g_auto (CommonOptions) common = { NULL };
  g_auto (Setup) setup = { .cancellable = cancellable };
  gboolean is_undo = FALSE;
  SetupPieces which;
  const GOptionEntry entries[] = {
    { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &setup.dry_run, "Only say what would be done", NULL },
    { "undo", 0, 0, G_OPTION_ARG_NONE, &is_undo, "Take away what setup made, and nothing else",
      NULL },
    { "nfs-versions", 0, 0, G_OPTION_ARG_STRING, &setup.nfs_versions,
      "Versions that the NFS server speaks: 4.2 alone, or all", "4.2|all" },
    { "nfs-host", 0, 0, G_OPTION_ARG_STRING, &setup.nfs_host,
      "Addresses that the NFS server listens on; empty: all", "ADDRESS,…" },
    { "restart", 0, 0, G_OPTION_ARG_NONE, &setup.nfs_restart,
      "Restart the NFS server if it must be, even while it serves others", NULL },
    { NULL },
  };
  g_auto (GStrv) operands =
      command_parse (argv, entries, NULL, &common, 0, G_N_ELEMENTS (pieces) + 1, error);

  setup.sysroot = g_steal_pointer (&common.sysroot);
  if (operands == NULL ||
      !parse_pieces (operands, is_undo ? SETUP_ALL : SETUP_DEFAULT, &which, error) ||
      !setup_nfs_check_options (&setup, (which & SETUP_NFS) && !is_undo, error) ||
      !check_root (&setup, error) || !load_record (&setup, error))
    return FALSE;

  return is_undo ? undo (&setup, which, error) : set_up (&setup, which, error);
}

gint
run_setup (gchar **argv, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;

  return run (argv, cancellable, &error) ? COMMAND_DONE : command_fail (argv[0], error);
}
