/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "config.h"

#include <errno.h>
#include <glib/gstdio.h>

#include "vmroot-command.h"
#include "vmroot-setup-host.h"

gchar *
setup_path (Setup *setup, const gchar *path)
{
  return command_host_path (setup->sysroot, path);
}

void
setup_say (Setup *setup, const gchar *done, const gchar *planned, const gchar *format, ...)
{
  g_autofree gchar *what = NULL;
  va_list args;

  setup->changes++;
  if (setup->quiet)
    return;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  g_print ("%s %s\n", setup->dry_run ? planned : done, what);
}

void
setup_note (Setup *setup, const gchar *format, ...)
{
  g_autofree gchar *text = NULL;
  va_list args;

  if (setup->quiet)
    return;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_printerr ("vmroot: %s\n", text);
}

void
setup_say_left (const gchar *what, const gchar *reason)
{
  g_print ("left %s: %s\n", what, reason);
}

gboolean
setup_set_errno (GError **error, const gchar *what, const gchar *path)
{
  const gint code = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "Cannot %s %s: %s", what, path,
               g_strerror (code));
  return FALSE;
}

/* The record lives in a directory that may be missing. */
static gboolean
make_state_directory (Setup *setup, GError **error)
{
  const SetupThing directory = { .kind = SETUP_DIRECTORY, .path = SETUP_STATE_DIRECTORY };
  g_autofree gchar *path = setup_path (setup, SETUP_STATE_DIRECTORY);

  if (setup->has_state_directory || g_file_test (path, G_FILE_TEST_IS_DIR))
    return TRUE;
  if (!setup->dry_run && g_mkdir_with_parents (path, 0755) != 0)
    return setup_set_errno (error, "make", path);

  setup->has_state_directory = TRUE;
  setup_say (setup, "made", "would make", "directory %s", SETUP_STATE_DIRECTORY);
  return setup->dry_run || setup_record_set (setup->record, &directory, error);
}

gboolean
setup_remember (Setup *setup, SetupThing thing, GError **error)
{
  thing.piece = setup->piece;
  return make_state_directory (setup, error) &&
         (setup->dry_run || setup_record_set (setup->record, &thing, error));
}

gboolean
setup_remember_reload (Setup *setup, gboolean reload, GError **error)
{
  return make_state_directory (setup, error) &&
         (setup->dry_run || setup_record_set_reload (setup->record, reload, error));
}

gboolean
setup_forget (Setup *setup, guint i, GError **error)
{
  return setup->dry_run || setup_record_remove (setup->record, i, error);
}

/* Not GSubprocess, which waits in a main context that it frees too early (GLib's issue 803). Ctrl-C
 * goes to the program, too. */
gchar *
setup_run (Setup *setup, const gchar *const *argv, GError **error)
{
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "LC_ALL", "C", TRUE);
  g_autofree gchar *output = NULL;
  g_autofree gchar *messages = NULL;
  g_autofree gchar *words = g_strjoinv (" ", (gchar **)argv);
  gint status;

  if (setup->sysroot != NULL)
    environment = g_environ_setenv (environment, "VMROOT_SYSROOT", setup->sysroot, TRUE);
  if (!g_spawn_sync (NULL, (gchar **)argv, environment,
                     G_SPAWN_SEARCH_PATH | G_SPAWN_LEAVE_DESCRIPTORS_OPEN, NULL, NULL, &output,
                     &messages, &status, error) ||
      g_cancellable_set_error_if_cancelled (setup->cancellable, error))
    return NULL;
  if (g_spawn_check_wait_status (status, NULL))
    return g_steal_pointer (&output);

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s failed: %s", words, g_strstrip (messages));
  return NULL;
}
