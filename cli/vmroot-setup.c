/* SPDX-License-Identifier: GPL-2.0-or-later */

/* vmroot setup: the one-time preparation of a host, and the way back. */

#include "config.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmroot-command.h"
#include "vmroot-setup-record.h"
#include "vmroot-setup.h"

#define STATE_DIRECTORY "/var/lib/vmroot"
#define RECORD STATE_DIRECTORY "/setup.json"
#define CONFIGURATION "/etc/vmroot/vmroot.conf"
#define HOOK VMROOT_HOOKDIR "/vmroot-hook"
#define HOOK_LINK "/etc/libvirt/hooks/qemu.d/vmroot"
#define DEFAULT_TREES "/export"

typedef struct
{
  gchar *sysroot;
  gboolean dry_run;
  gboolean quiet;
  GCancellable *cancellable;
  SetupRecord *record;
  guint changes;
} Setup;

/* Something this host shall have. */
typedef struct
{
  SetupThing thing;
  mode_t mode;
} Wanted;

static gchar *
host_path (Setup *setup, const gchar *path)
{
  return command_host_path (setup->sysroot, path);
}

static gboolean
set_errno (GError **error, const gchar *what, const gchar *path)
{
  const gint code = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "Cannot %s %s: %s", what, path,
               g_strerror (code));
  return FALSE;
}

/* Whether `path` is a link to the very file `target`, by whatever name. */
static gboolean
leads_to (Setup *setup, const gchar *path, const gchar *target)
{
  g_autofree gchar *link = g_file_read_link (path, NULL);
  g_autofree gchar *there = host_path (setup, target);
  struct stat a, b;

  if (g_strcmp0 (link, target) == 0)
    return TRUE;

  return stat (path, &a) == 0 && stat (there, &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

/* Whether the host has `thing` already; -1 with an error if something else is in its place. */
static gint
is_there (Setup *setup, const SetupThing *thing, GError **error)
{
  g_autofree gchar *path = host_path (setup, thing->path);
  struct stat status;

  if (lstat (path, &status) != 0)
    return errno == ENOENT || errno == ENOTDIR ? 0 : (set_errno (error, "look at", path), -1);
  if (g_str_equal (thing->kind, SETUP_DIRECTORY) && g_file_test (path, G_FILE_TEST_IS_DIR))
    return 1;
  if (g_str_equal (thing->kind, SETUP_FILE) && g_file_test (path, G_FILE_TEST_IS_REGULAR))
    return 1;
  if (g_str_equal (thing->kind, SETUP_LINK) && leads_to (setup, path, thing->content))
    return 1;

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS,
               "%s is in the way: there should be a %s. Move it elsewhere", path, thing->kind);
  return -1;
}

static gboolean
make (Setup *setup, const Wanted *wanted, GError **error)
{
  const SetupThing *thing = &wanted->thing;
  g_autofree gchar *path = host_path (setup, thing->path);

  if (g_str_equal (thing->kind, SETUP_DIRECTORY))
    /* The umask of whoever calls has no say in it. */
    return (g_mkdir (path, wanted->mode) == 0 && g_chmod (path, wanted->mode) == 0) ||
           set_errno (error, "make", path);
  if (g_str_equal (thing->kind, SETUP_LINK))
    return symlink (thing->content, path) == 0 || set_errno (error, "make", path);

  return g_file_set_contents_full (path, thing->content, -1, G_FILE_SET_CONTENTS_CONSISTENT,
                                   wanted->mode, error);
}

static void
say (Setup *setup, const gchar *done, const gchar *planned, const SetupThing *thing)
{
  const gboolean link = g_str_equal (thing->kind, SETUP_LINK);

  setup->changes++;
  if (setup->quiet)
    return;

  g_print ("%s %s %s%s%s\n", setup->dry_run ? planned : done, thing->kind, thing->path,
           link ? " -> " : "", link ? thing->content : "");
}

static gboolean
want (Setup *setup, const Wanted *wanted, GError **error)
{
  const gint there = is_there (setup, &wanted->thing, error);

  if (there != 0)
    return there > 0;
  if (g_cancellable_set_error_if_cancelled (setup->cancellable, error))
    return FALSE;

  if (!setup->dry_run &&
      (!setup_record_add (setup->record, &wanted->thing, error) || !make (setup, wanted, error)))
    return FALSE;

  say (setup, "made", "would make", &wanted->thing);
  return TRUE;
}

/* The record itself lives in a directory that may be missing. */
static gboolean
want_record (Setup *setup, GError **error)
{
  const SetupThing directory = { SETUP_DIRECTORY, STATE_DIRECTORY, NULL };
  g_autofree gchar *path = host_path (setup, STATE_DIRECTORY);

  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    return TRUE;
  if (!setup->dry_run && g_mkdir_with_parents (path, 0755) != 0)
    return set_errno (error, "make", path);

  say (setup, "made", "would make", &directory);
  return setup->dry_run || setup_record_add (setup->record, &directory, error);
}

/* Whether the configuration of this host lets trees be where we would make a place for them. */
static gboolean
wants_default_trees (Setup *setup)
{
  g_autofree gchar *path = host_path (setup, CONFIGURATION);
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_auto (GStrv) allowed = NULL;

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL))
    return TRUE;

  allowed = g_key_file_get_string_list (file, "host", "allowed-directories", NULL, NULL);
  return allowed == NULL || g_strv_contains ((const gchar *const *)allowed, DEFAULT_TREES);
}

static gboolean
want_configuration (Setup *setup, GError **error)
{
  g_autoptr (GBytes) text =
      g_resources_lookup_data ("/vmroot/vmroot.conf", G_RESOURCE_LOOKUP_FLAGS_NONE, error);
  const Wanted directory = { { SETUP_DIRECTORY, "/etc/vmroot", NULL }, 0755 };
  /* Only root may search it: a guest's root user makes setuid programs and device nodes there. */
  const Wanted trees = { { SETUP_DIRECTORY, DEFAULT_TREES, NULL }, 0700 };
  Wanted file = { { SETUP_FILE, CONFIGURATION, NULL }, 0644 };

  if (text == NULL)
    return FALSE;

  /* GLib puts a zero byte after the data of a resource. */
  file.thing.content = g_bytes_get_data (text, NULL);
  return want (setup, &directory, error) && want (setup, &file, error) &&
         (!wants_default_trees (setup) || want (setup, &trees, error));
}

/* libvirt looks for hooks when it starts, and when it is told to reload: a first one goes
 * unnoticed until then (https://libvirt.org/hooks.html). */
static gboolean
want_hook (Setup *setup, GError **error)
{
  const Wanted hooks = { { SETUP_DIRECTORY, "/etc/libvirt/hooks", NULL }, 0755 };
  const Wanted drop_ins = { { SETUP_DIRECTORY, "/etc/libvirt/hooks/qemu.d", NULL }, 0755 };
  const Wanted hook = { { SETUP_LINK, HOOK_LINK, HOOK }, 0 };
  gint there;

  if (!want (setup, &hooks, error) || !want (setup, &drop_ins, error))
    return FALSE;

  there = is_there (setup, &hook.thing, error);
  if (there != 0)
    return there > 0;
  if (!setup->dry_run && !setup_record_set_reload (setup->record, TRUE, error))
    return FALSE;

  return want (setup, &hook, error);
}

static gboolean
systemctl (const gchar *verb, const gchar *unit, GError **error)
{
  g_autoptr (GSubprocess) process =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE,
                        error, "systemctl", "--quiet", verb, unit, NULL);

  return process != NULL && g_subprocess_wait_check (process, NULL, error);
}

/* The daemons that may run QEMU's guests: the whole one, or that for QEMU alone. */
static const gchar *const daemons[] = { "libvirtd", "virtqemud" };

static gboolean
reload_units (Setup *setup, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (daemons); i++)
    {
      g_autofree gchar *unit = g_strconcat (daemons[i], ".service", NULL);

      if (!systemctl ("is-active", unit, NULL))
        continue;
      if (!setup->dry_run && !systemctl ("reload", unit, error))
        {
          g_prefix_error (error, "Cannot have %s look for its hooks: systemctl reload %s: ", unit,
                          unit);
          return FALSE;
        }
      setup->changes++;
      if (!setup->quiet)
        g_print ("%s %s\n", setup->dry_run ? "would reload" : "reloaded", unit);
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
      g_autofree gchar *path = host_path (setup, pid_file);

      if (g_file_test (path, G_FILE_TEST_EXISTS))
        g_printerr ("Have %s look for its hooks: kill -HUP $(cat %s)\n", daemons[i], pid_file);
    }
}

static gboolean
tell_libvirt (Setup *setup, GError **error)
{
  g_autofree gchar *systemd = host_path (setup, "/run/systemd/system");
  const SetupThing link = { SETUP_LINK, HOOK_LINK, HOOK };
  const gboolean is_new = setup->dry_run && is_there (setup, &link, NULL) == 0;

  if (!is_new && !setup_record_get_reload (setup->record))
    return TRUE;

  if (!g_file_test (systemd, G_FILE_TEST_IS_DIR))
    advise_reload (setup);
  else if (!reload_units (setup, error))
    return FALSE;

  return setup->dry_run || setup_record_set_reload (setup->record, FALSE, error);
}

static gboolean
check_installed (Setup *setup, GError **error)
{
  g_autofree gchar *libvirt = host_path (setup, "/etc/libvirt");
  g_autofree gchar *hook = host_path (setup, HOOK);

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

static gboolean
set_up (Setup *setup, GError **error)
{
  if (!check_installed (setup, error) || !want_record (setup, error) ||
      !want_configuration (setup, error) || !want_hook (setup, error) ||
      !tell_libvirt (setup, error))
    return FALSE;

  if (setup->changes == 0 && !setup->quiet)
    g_print ("This host is prepared: nothing to do.\n");
  return TRUE;
}

static gboolean
is_recorded (Setup *setup, const gchar *path)
{
  for (guint i = 0; i < setup_record_get_length (setup->record); i++)
    if (g_str_equal (setup_record_get (setup->record, i).path, path))
      return TRUE;

  return FALSE;
}

/* Whether the directory has something in it that setup did not put there. */
static gboolean
holds_others (Setup *setup, const gchar *directory)
{
  g_autofree gchar *path = host_path (setup, directory);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree gchar *child = g_build_filename (directory, name, NULL);

      if (!is_recorded (setup, child))
        return TRUE;
    }
  return FALSE;
}

/* Why what is at the path of `thing` stays: it is no longer what we made. NULL: it is. */
static const gchar *
reason_to_keep (Setup *setup, const SetupThing *thing)
{
  g_autofree gchar *path = host_path (setup, thing->path);
  g_autofree gchar *content = NULL;
  g_autofree gchar *checksum = NULL;

  if (g_str_equal (thing->kind, SETUP_DIRECTORY))
    return holds_others (setup, thing->path) ? "it is not empty" : NULL;
  if (g_str_equal (thing->kind, SETUP_LINK))
    return leads_to (setup, path, thing->content) ? NULL : "it leads elsewhere now";
  if (!g_file_get_contents (path, &content, NULL, NULL))
    return "it cannot be read";

  checksum = setup_checksum (content);
  return g_str_equal (checksum, thing->content) ? NULL : "it was changed";
}

/* Takes away what was made as number `i`, unless it has become somebody else's. */
static gboolean
undo_one (Setup *setup, guint i, GError **error)
{
  const SetupThing thing = setup_record_get (setup->record, i);
  g_autofree gchar *path = host_path (setup, thing.path);
  struct stat status;
  const gchar *reason;

  if (lstat (path, &status) != 0)
    return setup->dry_run || setup_record_remove (setup->record, i, error);

  reason = reason_to_keep (setup, &thing);
  if (reason == NULL && !setup->dry_run && g_remove (path) != 0)
    {
      if (errno != ENOTEMPTY && errno != EEXIST && errno != EBUSY)
        return set_errno (error, "remove", path);
      reason = "it is not empty";
    }
  if (reason != NULL)
    {
      g_print ("left %s: %s\n", thing.path, reason);
      return TRUE;
    }

  say (setup, "removed", "would remove", &thing);
  return setup->dry_run || setup_record_remove (setup->record, i, error);
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
               "The guest %s runs from a directory, and its end needs the hook. Shut it down first",
               name);
  return FALSE;
}

/* The record goes when it has nothing more to say, and its directory with it if we made that. */
static gboolean
remove_record (Setup *setup, gboolean made_directory, GError **error)
{
  g_autofree gchar *record = host_path (setup, RECORD);
  g_autofree gchar *directory = host_path (setup, STATE_DIRECTORY);
  const SetupThing thing = { SETUP_DIRECTORY, STATE_DIRECTORY, NULL };

  if (g_remove (record) != 0 && errno != ENOENT)
    return set_errno (error, "remove", record);
  if (!made_directory)
    return TRUE;
  if (g_rmdir (directory) != 0)
    return errno == ENOTEMPTY || set_errno (error, "remove", directory);

  say (setup, "removed", NULL, &thing);
  return TRUE;
}

static gboolean
undo (Setup *setup, GError **error)
{
  const gboolean made_directory =
      setup_record_get_length (setup->record) > 0 &&
      g_str_equal (setup_record_get (setup->record, 0).path, STATE_DIRECTORY);
  const guint first = made_directory ? 1 : 0;

  if (!setup->dry_run && !check_no_guest (setup, error))
    return FALSE;

  for (guint i = setup_record_get_length (setup->record); i > first; i--)
    if (g_cancellable_set_error_if_cancelled (setup->cancellable, error) ||
        !undo_one (setup, i - 1, error))
      return FALSE;

  if (setup->changes == 0)
    g_print ("Nothing is left of what vmroot setup made.\n");
  if (setup->dry_run || setup_record_get_length (setup->record) > first)
    return TRUE;

  return remove_record (setup, made_directory, error);
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
  g_autofree gchar *record = host_path (setup, RECORD);

  setup->record = setup_record_load (record, error);
  return setup->record != NULL;
}

static void
setup_clear (Setup *setup)
{
  g_clear_pointer (&setup->record, setup_record_free);
  g_clear_pointer (&setup->sysroot, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Setup, setup_clear)

gboolean
setup_host (const gchar *sysroot, GCancellable *cancellable, GError **error)
{
  g_auto (Setup) setup = { .sysroot = g_strdup (sysroot),
                           .quiet = TRUE,
                           .cancellable = cancellable };

  return check_root (&setup, error) && load_record (&setup, error) && set_up (&setup, error);
}

static gboolean
run (gchar **argv, GCancellable *cancellable, GError **error)
{
  g_auto (CommonOptions) common = { NULL };
  g_auto (Setup) setup = { .cancellable = cancellable };
  gboolean is_undo = FALSE;
  const GOptionEntry entries[] = {
    { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &setup.dry_run, "Only say what would be done", NULL },
    { "undo", 0, 0, G_OPTION_ARG_NONE, &is_undo, "Take away what setup made, and nothing else",
      NULL },
    { NULL },
  };
  g_auto (GStrv) operands = command_parse (argv, entries, NULL, &common, 0, 0, error);

  setup.sysroot = g_steal_pointer (&common.sysroot);
  if (operands == NULL || !check_root (&setup, error) || !load_record (&setup, error))
    return FALSE;

  return is_undo ? undo (&setup, error) : set_up (&setup, error);
}

gint
run_setup (gchar **argv, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;

  return run (argv, cancellable, &error) ? COMMAND_DONE : command_fail (argv[0], error);
}
