/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmroot-builder-private.h"
#include "vmroot-context-private.h"
#include "vmroot-error.h"
#include "vmroot-translation-private.h"
#include "vmroot-tree-private.h"

/* The builder limits itself to less. */
#define TIME_LIMIT_SECONDS 90

#define MAX_ANSWER_SIZE (4 * 1024 * 1024)
#define MAX_TEXT_LENGTH 2000

static void
set_error_from_errno (GError **error, const gchar *what)
{
  int saved_errno = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved_errno), "%s: %s", what,
               g_strerror (saved_errno));
}

/* A file in memory that holds the request, to be read from its start. */
static int
open_request (GVariant *request, GError **error)
{
  int fd = memfd_create ("vmroot-request", MFD_CLOEXEC);
  gsize size = g_variant_get_size (request);

  if (fd < 0)
    {
      set_error_from_errno (error, _ ("Cannot make a file in memory"));
      return -1;
    }
  if (write (fd, g_variant_get_data (request), size) != (gssize)size || lseek (fd, 0, SEEK_SET) < 0)
    {
      set_error_from_errno (error, _ ("Cannot write to a file in memory"));
      close (fd);
      return -1;
    }
  return fd;
}

typedef struct
{
  gboolean done;
  gboolean timed_out;
  GError **error;
  gboolean waited;
} Wait;

static void
on_exited (GObject *object, GAsyncResult *result, gpointer user_data)
{
  Wait *wait = user_data;

  wait->waited = g_subprocess_wait_finish (G_SUBPROCESS (object), result, wait->error);
  wait->done = TRUE;
}

static gboolean
on_timeout (gpointer user_data)
{
  Wait *wait = user_data;

  wait->timed_out = TRUE;
  wait->done = TRUE;
  return G_SOURCE_REMOVE;
}

static gboolean
wait_for_exit (GSubprocess *builder, GCancellable *cancellable, GError **error)
{
  GMainContext *context = vmroot_context_get_thread_main_context ();
  g_autoptr (GSource) timeout = g_timeout_source_new_seconds (TIME_LIMIT_SECONDS);
  Wait wait = { .error = error };

  g_main_context_push_thread_default (context);
  g_source_set_callback (timeout, on_timeout, &wait, NULL);
  g_source_attach (timeout, context);
  g_subprocess_wait_async (builder, cancellable, on_exited, &wait);
  while (!wait.done)
    g_main_context_iteration (context, TRUE);

  if (!wait.waited)
    g_subprocess_force_exit (builder);
  if (wait.timed_out)
    {
      wait.done = FALSE;
      while (!wait.done)
        g_main_context_iteration (context, TRUE);
      g_clear_error (error);
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_UNSAFE_TREE,
                   _ ("Reading the tree took more than %d seconds"), TIME_LIMIT_SECONDS);
    }
  g_source_destroy (timeout);
  g_main_context_pop_thread_default (context);
  return wait.waited && !wait.timed_out;
}

static gboolean
check_exit (GSubprocess *builder, VmrootTree *tree, GError **error)
{
  if (g_subprocess_get_if_exited (builder) && g_subprocess_get_exit_status (builder) == 0)
    return TRUE;

  if (g_subprocess_get_if_signaled (builder))
    g_set_error (
        error, VMROOT_ERROR, VMROOT_ERROR_UNSAFE_TREE,
        _ ("The process that reads %s was ended by signal %d (%s): a file in the tree is too"
           " large or broken, or was made to attack it"),
        vmroot_tree_get_path (tree), g_subprocess_get_term_sig (builder),
        g_strsignal (g_subprocess_get_term_sig (builder)));
  else
    g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
                 _ ("The process that reads %s failed with status %d"), vmroot_tree_get_path (tree),
                 g_subprocess_get_exit_status (builder));
  return FALSE;
}

static gboolean
run_program (VmrootTree *tree,
             int request_fd,
             int answer_fd,
             const int *fds,
             GCancellable *cancellable,
             GError **error)
{
  g_autoptr (VmrootContext) context = vmroot_context_new (NULL);
  g_autofree gchar *program = vmroot_context_program (context, VMROOT_BUILDER_PROGRAM);
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GSubprocess) builder = NULL;
  g_auto (GStrv) environment = vmroot_translation_get_environment ();

  g_subprocess_launcher_set_environ (launcher, environment);
  g_subprocess_launcher_take_stdin_fd (launcher, dup (request_fd));
  g_subprocess_launcher_take_stdout_fd (launcher, dup (answer_fd));
  g_subprocess_launcher_take_fd (launcher, dup (vmroot_tree_get_fd (tree)), VMROOT_BUILDER_TREE_FD);
  for (int i = VMROOT_BUILDER_TREE_FD + 1; fds != NULL && i < VMROOT_BUILDER_N_FDS; i++)
    g_subprocess_launcher_take_fd (launcher, dup (fds[i]), i);

  builder = g_subprocess_launcher_spawn (launcher, error, program,
                                         vmroot_translation_get_directory (), NULL);
  if (builder == NULL)
    {
      g_prefix_error (error, _ ("Cannot start %s: "), program);
      return FALSE;
    }
  return wait_for_exit (builder, cancellable, error) && check_exit (builder, tree, error);
}

static GVariant *
read_answer (int fd, GError **error)
{
  gsize size = (gsize)MAX (lseek (fd, 0, SEEK_END), 0);
  g_autofree gchar *data = NULL;
  g_autoptr (GVariant) answer = NULL;

  if (size > MAX_ANSWER_SIZE)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
                   _ ("The process that reads the tree answered %zu bytes"), size);
      return NULL;
    }

  data = g_malloc (size);
  if (pread (fd, data, size, 0) != (gssize)size)
    {
      set_error_from_errno (error, _ ("Cannot read from a file in memory"));
      return NULL;
    }

  answer = g_variant_new_from_data (G_VARIANT_TYPE_VARDICT, data, size, FALSE, g_free, data);
  data = NULL;
  g_variant_ref_sink (answer);
  return g_variant_get_normal_form (answer);
}

gchar *
vmroot_builder_clean_text (const gchar *text)
{
  g_autofree gchar *valid = NULL;
  g_autoptr (GString) clean = NULL;

  if (text == NULL)
    return NULL;

  valid = g_utf8_make_valid (text, (gssize)MIN (strlen (text), MAX_TEXT_LENGTH));
  clean = g_string_new (NULL);
  for (const gchar *c = valid; *c != '\0'; c = g_utf8_next_char (c))
    {
      gunichar character = g_utf8_get_char (c);

      g_string_append_unichar (clean, g_unichar_isprint (character) ? character : '?');
    }
  return g_string_free (g_steal_pointer (&clean), FALSE);
}

static gboolean
check_answer (GVariant *answer, GError **error)
{
  g_autofree gchar *clean = NULL;
  const gchar *message;
  guint32 code;

  if (!g_variant_lookup (answer, "error-message", "&s", &message))
    return TRUE;

  if (!g_variant_lookup (answer, "error-code", "u", &code) || code > VMROOT_ERROR_LIBVIRT)
    code = VMROOT_ERROR_FAILED;
  clean = vmroot_builder_clean_text (message);
  g_set_error_literal (error, VMROOT_ERROR, (gint)code, clean);
  return FALSE;
}

GVariant *
vmroot_builder_run (
    VmrootTree *tree, GVariant *request, const int *fds, GCancellable *cancellable, GError **error)
{
  g_autoptr (GVariant) answer = NULL;
  int request_fd = open_request (request, error);
  int answer_fd;

  if (request_fd < 0)
    return NULL;

  answer_fd = memfd_create ("vmroot-answer", MFD_CLOEXEC);
  if (answer_fd < 0)
    set_error_from_errno (error, _ ("Cannot make a file in memory"));
  else if (run_program (tree, request_fd, answer_fd, fds, cancellable, error))
    answer = read_answer (answer_fd, error);

  close (request_fd);
  if (answer_fd >= 0)
    close (answer_fd);
  return answer != NULL && check_answer (answer, error) ? g_steal_pointer (&answer) : NULL;
}
