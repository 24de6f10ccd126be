/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "vmroot-context-private.h"
#include "vmroot-error.h"
#include "vmroot-translation-private.h"

/* A lock is held for as long as one guest is prepared or released; the longest part of that,
 * building a boot image, has a time limit of its own. */
#define LOCK_SECONDS 30
#define LOCK_POLL_MILLISECONDS 5

struct _VmrootContext
{
  gatomicrefcount ref_count;
  gchar *sysroot;

  VmrootContextReachedFunc reached_func;
  gpointer reached_data;
  VmrootContextRunFunc run_func;
  gpointer run_data;
  GDateTime *now;
};

VmrootContext *
vmroot_context_new (const gchar *sysroot)
{
  VmrootContext *self = g_new0 (VmrootContext, 1);

  if (sysroot == NULL)
    sysroot = g_getenv ("VMROOT_SYSROOT");

  g_atomic_ref_count_init (&self->ref_count);
  self->sysroot = g_strdup (sysroot != NULL ? sysroot : "/");
  return self;
}

VmrootContext *
vmroot_context_ref (VmrootContext *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
vmroot_context_unref (VmrootContext *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_clear_pointer (&self->now, g_date_time_unref);
  g_free (self->sysroot);
  g_free (self);
}

gchar *
vmroot_context_path (VmrootContext *self, const gchar *path)
{
  return g_build_filename (self->sysroot, path, NULL);
}

gchar *
vmroot_context_program (VmrootContext *self, const gchar *name)
{
  const gchar *directory = g_getenv ("VMROOT_LIBEXEC_DIR");

  return g_build_filename (directory != NULL ? directory : VMROOT_LIBEXECDIR, name, NULL);
}

static gboolean set_error_from_errno (GError **error, const gchar *format, ...)
    G_GNUC_PRINTF (2, 3);

static gboolean
set_error_from_errno (GError **error, const gchar *format, ...)
{
  const GIOErrorEnum code = g_io_error_from_errno (errno);
  va_list args;

  va_start (args, format);
  g_propagate_error (error, g_error_new_valist (G_IO_ERROR, (gint)code, format, args));
  va_end (args);
  return FALSE;
}

gboolean
vmroot_context_make_directory (VmrootContext *self, const gchar *path, guint mode, GError **error)
{
  g_autofree gchar *full_path = vmroot_context_path (self, path);

  if (g_mkdir_with_parents (full_path, (int)mode) != 0)
    return set_error_from_errno (error, _ ("Cannot make the directory %s: %s"), full_path,
                                 g_strerror (errno));

  return TRUE;
}

gboolean
vmroot_context_write_file (VmrootContext *self,
                           const gchar *path,
                           const gchar *content,
                           GError **error)
{
  g_autofree gchar *full_path = vmroot_context_path (self, path);

  return g_file_set_contents_full (full_path, content, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600,
                                   error);
}

gboolean
vmroot_context_write_durably (VmrootContext *self,
                              const gchar *path,
                              const gchar *content,
                              GError **error)
{
  g_autofree gchar *full_path = vmroot_context_path (self, path);

  return g_file_set_contents_full (full_path, content, -1,
                                   G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                   0600, error);
}

gboolean
vmroot_context_remove_file (VmrootContext *self, const gchar *path, GError **error)
{
  g_autofree gchar *full_path = vmroot_context_path (self, path);

  if (g_unlink (full_path) != 0 && errno != ENOENT)
    return set_error_from_errno (error, _ ("Cannot remove %s: %s"), full_path, g_strerror (errno));

  return TRUE;
}

/* flock(2) has no time limit: try, and between tries watch for the caller's wish to stop. */
static gboolean
wait_for_lock (int fd, const gchar *path, GCancellable *cancellable, GError **error)
{
  const gint64 deadline = g_get_monotonic_time () + LOCK_SECONDS * G_USEC_PER_SEC;
  GPollFD poll_fd = { .fd = -1 };
  const gboolean can_poll = g_cancellable_make_pollfd (cancellable, &poll_fd);
  gboolean locked;

  while (!(locked = flock (fd, LOCK_EX | LOCK_NB) == 0) && errno == EWOULDBLOCK &&
         g_get_monotonic_time () < deadline && !g_cancellable_is_cancelled (cancellable))
    g_poll (&poll_fd, can_poll ? 1 : 0, LOCK_POLL_MILLISECONDS);

  if (can_poll)
    g_cancellable_release_fd (cancellable);
  if (locked)
    return TRUE;
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
               _ ("Another vmroot has held %s for %d seconds; see who with `fuser %s`"), path,
               LOCK_SECONDS, path);
  return FALSE;
}

static gchar *
get_lock_path (VmrootContext *self, const gchar *name)
{
  g_autofree gchar *relative_path = g_build_filename ("/run/vmroot/locks", name, NULL);

  return vmroot_context_path (self, relative_path);
}

static int
open_and_lock (const gchar *path, GCancellable *cancellable, GError **error)
{
  const int fd = g_open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

  if (fd == -1)
    {
      set_error_from_errno (error, _ ("Cannot open %s: %s"), path, g_strerror (errno));
      return -1;
    }
  if (!wait_for_lock (fd, path, cancellable, error))
    {
      close (fd);
      return -1;
    }
  return fd;
}

int
vmroot_context_lock (VmrootContext *self,
                     const gchar *name,
                     GCancellable *cancellable,
                     GError **error)
{
  g_autofree gchar *path = get_lock_path (self, name);

  if (!vmroot_context_make_directory (self, "/run/vmroot/locks", 0700, error))
    return -1;

  for (;;)
    {
      const int fd = open_and_lock (path, cancellable, error);
      struct stat st;

      /* Who held it may have removed the file: then somebody else can hold one of the same name. */
      if (fd == -1 || (fstat (fd, &st) == 0 && st.st_nlink > 0))
        return fd;

      close (fd);
    }
}

void
vmroot_context_unlock_for_good (VmrootContext *self, const gchar *name, int lock)
{
  g_autofree gchar *path = get_lock_path (self, name);

  g_unlink (path);
  close (lock);
}

typedef struct
{
  GSubprocess *process;
  GCancellable *cancellable;
  GAsyncResult *result;
  gboolean timed_out;
} Run;

static void
on_communicated (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *run = user_data;

  run->result = g_object_ref (result);
}

static gboolean
on_timeout (gpointer user_data)
{
  Run *run = user_data;

  run->timed_out = TRUE;
  g_cancellable_cancel (run->cancellable);
  return G_SOURCE_REMOVE;
}

static void
on_cancelled (GCancellable *cancellable, gpointer run_cancellable)
{
  g_cancellable_cancel (run_cancellable);
}

GMainContext *
vmroot_context_get_thread_main_context (void)
{
  static GPrivate contexts = G_PRIVATE_INIT ((GDestroyNotify)g_main_context_unref);
  GMainContext *main_context = g_private_get (&contexts);

  if (main_context == NULL)
    {
      main_context = g_main_context_new ();
      g_private_set (&contexts, main_context);
    }
  return main_context;
}

/* Cancelled, and not waited for, at the time limit: what a kill does not end at once, or a child
 * that was left behind, would keep the pipes open. */
static void
communicate (Run *run, guint seconds, GCancellable *cancellable)
{
  GMainContext *main_context = vmroot_context_get_thread_main_context ();
  g_autoptr (GSource) timeout = g_timeout_source_new_seconds (seconds);
  gulong handler = 0;

  g_main_context_push_thread_default (main_context);
  g_source_set_callback (timeout, on_timeout, run, NULL);
  g_source_attach (timeout, main_context);
  run->cancellable = g_cancellable_new ();
  if (cancellable != NULL)
    handler = g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled),
                                     g_object_ref (run->cancellable), g_object_unref);
  g_subprocess_communicate_utf8_async (run->process, NULL, run->cancellable, on_communicated, run);
  while (run->result == NULL)
    g_main_context_iteration (main_context, TRUE);
  g_cancellable_disconnect (cancellable, handler);
  g_object_unref (run->cancellable);
  g_source_destroy (timeout);
  g_main_context_pop_thread_default (main_context);
}

/* Nothing of ours outlives an exec; told so, GLib need not fork all of us to close what it finds
 * open. */
static gboolean
run_program (const gchar *const *argv,
             guint seconds,
             gchar **standard_output,
             GCancellable *cancellable,
             GError **error)
{
  g_autoptr (GSubprocess) process =
      g_subprocess_newv (argv,
                         G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE |
                             G_SUBPROCESS_FLAGS_INHERIT_FDS,
                         error);
  g_autofree gchar *output = NULL;
  g_autofree gchar *messages = NULL;
  Run run = { .process = process };
  gboolean communicated;

  if (process == NULL)
    return FALSE;

  communicate (&run, seconds, cancellable);
  communicated =
      g_subprocess_communicate_utf8_finish (process, run.result, &output, &messages, error);
  g_object_unref (run.result);
  if (!communicated)
    {
      g_subprocess_force_exit (process);
      if (run.timed_out)
        {
          g_clear_error (error);
          g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
                       _ ("it did not end within %u seconds"), seconds);
        }
      return FALSE;
    }
  if (!g_subprocess_get_successful (process))
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, _ ("it failed: %s"),
                   g_strstrip (messages));
      return FALSE;
    }

  *standard_output = g_steal_pointer (&output);
  return TRUE;
}

gboolean
vmroot_context_run (VmrootContext *self,
                    const gchar *const *argv,
                    guint seconds,
                    gchar **standard_output,
                    GCancellable *cancellable,
                    GError **error)
{
  gboolean succeeded;

  if (self->run_func != NULL)
    succeeded = self->run_func (argv, standard_output, self->run_data, error);
  else
    succeeded = run_program (argv, seconds, standard_output, cancellable, error);

  if (!succeeded)
    g_prefix_error (error, _ ("Cannot run %s: "), argv[0]);
  return succeeded;
}

GDateTime *
vmroot_context_now (VmrootContext *self)
{
  return self->now != NULL ? g_date_time_ref (self->now) : g_date_time_new_now_utc ();
}

gboolean
vmroot_context_reached (VmrootContext *self, const gchar *point, GError **error)
{
  return self->reached_func == NULL || self->reached_func (point, self->reached_data, error);
}

void
vmroot_context_set_reached_func (VmrootContext *self,
                                 VmrootContextReachedFunc func,
                                 gpointer user_data)
{
  self->reached_func = func;
  self->reached_data = user_data;
}

void
vmroot_context_set_run_func (VmrootContext *self, VmrootContextRunFunc func, gpointer user_data)
{
  self->run_func = func;
  self->run_data = user_data;
}

void
vmroot_context_set_now (VmrootContext *self, GDateTime *now)
{
  g_clear_pointer (&self->now, g_date_time_unref);
  self->now = g_date_time_ref (now);
}
