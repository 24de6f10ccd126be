/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "config.h"

#include <sys/stat.h>
#include <unistd.h>

#include "fake-tree.h"
#include "vmroot-context-private.h"
#include "vmroot-error.h"

typedef struct
{
  FakeTree *sysroot;
  VmrootContext *context;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->sysroot = fake_tree_new ();
  fixture->context = vmroot_context_new (fixture->sysroot);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  vmroot_context_unref (fixture->context);
  fake_tree_free (fixture->sysroot);
}

static void
test_paths_are_below_the_sysroot (void)
{
  g_autoptr (VmrootContext) context = vmroot_context_new ("/tmp/host");
  g_autofree gchar *path = vmroot_context_path (context, "/etc/vmroot/vmroot.conf");

  g_assert_cmpstr (path, ==, "/tmp/host/etc/vmroot/vmroot.conf");
}

static void
test_a_file_is_replaced_and_removed (Fixture *fixture, gconstpointer data)
{
  VmrootContext *context = fixture->context;
  g_autofree gchar *path = vmroot_context_path (context, "/run/state");
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = NULL;
  struct stat st;

  g_assert_true (vmroot_context_make_directory (context, "/run", 0700, &error));
  g_assert_true (vmroot_context_write_file (context, "/run/state", "old", &error));
  g_assert_true (vmroot_context_write_file (context, "/run/state", "new", &error));
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "new");
  g_assert_no_errno (stat (path, &st));
  g_assert_cmpuint (st.st_mode & 0777, ==, 0600);

  g_assert_true (vmroot_context_remove_file (context, "/run/state", &error));
  g_assert_true (vmroot_context_remove_file (context, "/run/state", &error));
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

static void
test_a_lock_is_held_by_one (Fixture *fixture, gconstpointer data)
{
  VmrootContext *context = fixture->context;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  int lock = vmroot_context_lock (context, "claims", NULL, &error);
  int other = vmroot_context_lock (context, "another", NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpint (lock, !=, -1);
  g_assert_cmpint (other, !=, -1);

  g_cancellable_cancel (cancellable);
  g_assert_cmpint (vmroot_context_lock (context, "claims", cancellable, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  close (lock);
  lock = vmroot_context_lock (context, "claims", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (lock, !=, -1);
  close (lock);
  close (other);
}

static gpointer
take_lock (gpointer context)
{
  GError *error = NULL;
  int lock = vmroot_context_lock (context, "claims", NULL, &error);

  g_assert_no_error (error);
  close (lock);
  return NULL;
}

static gpointer
take_guest_lock (gpointer context)
{
  vmroot_context_unlock_for_good (context, "guest",
                                  vmroot_context_lock (context, "guest", NULL, NULL));
  return NULL;
}

static void
test_a_lock_is_waited_for (Fixture *fixture, gconstpointer data)
{
  VmrootContext *context = fixture->context;
  int lock = vmroot_context_lock (context, "claims", NULL, NULL);
  GThread *thread = g_thread_new ("lock", take_lock, context);

  close (lock);
  g_thread_join (thread);
}

static void
test_a_lock_given_up_for_good_is_gone (Fixture *fixture, gconstpointer data)
{
  VmrootContext *context = fixture->context;
  g_autofree gchar *path = vmroot_context_path (context, "/run/vmroot/locks/guest");
  int lock = vmroot_context_lock (context, "guest", NULL, NULL);
  GThread *thread = g_thread_new ("lock", take_guest_lock, context);

  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  vmroot_context_unlock_for_good (context, "guest", lock);
  g_thread_join (thread);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

static void
test_a_program_s_output_is_read (Fixture *fixture, gconstpointer data)
{
  VmrootContext *context = fixture->context;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *output = NULL;

  g_assert_true (vmroot_context_run (context,
                                     (const gchar *const[]){ "/bin/echo", "$HOME; ls", NULL }, 60,
                                     &output, NULL, &error));
  g_assert_cmpstr (output, ==, "$HOME; ls\n");
}

static void
test_a_program_s_failure_is_an_error (Fixture *fixture, gconstpointer data)
{
  VmrootContext *context = fixture->context;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *output = NULL;

  g_assert_false (vmroot_context_run (context,
                                      (const gchar *const[]){ "/bin/ls", "/nonexistent", NULL }, 60,
                                      &output, NULL, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "/bin/ls"));
  g_assert_nonnull (strstr (error->message, "/nonexistent"));
}

static void
test_a_program_has_a_time_limit (Fixture *fixture, gconstpointer data)
{
  VmrootContext *context = fixture->context;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *output = NULL;

  g_assert_false (vmroot_context_run (context, (const gchar *const[]){ "/bin/sleep", "600", NULL },
                                      1, &output, NULL, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "within 1 seconds"));
}

/* As a hook's output is libvirt's, whoever keeps it open would hang the guest's start. */
static void
test_a_program_s_child_is_not_waited_for (Fixture *fixture, gconstpointer data)
{
  VmrootContext *context = fixture->context;
  const gchar *const argv[] = { "setsid", "--fork", "sleep", "20", NULL };
  const gint64 began = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;
  g_autofree gchar *output = NULL;

  g_assert_false (vmroot_context_run (context, argv, 1, &output, NULL, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED);
  g_assert_cmpint (g_get_monotonic_time () - began, <, 15 * G_USEC_PER_SEC);
}

static void
test_a_program_can_be_cancelled (Fixture *fixture, gconstpointer data)
{
  VmrootContext *context = fixture->context;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autofree gchar *output = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_false (vmroot_context_run (context, (const gchar *const[]){ "/bin/sleep", "600", NULL },
                                      60, &output, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)
  g_test_add_func ("/context/path", test_paths_are_below_the_sysroot);
  ADD ("/context/file", test_a_file_is_replaced_and_removed);
  ADD ("/context/lock/one", test_a_lock_is_held_by_one);
  ADD ("/context/lock/wait", test_a_lock_is_waited_for);
  ADD ("/context/lock/for-good", test_a_lock_given_up_for_good_is_gone);
  ADD ("/context/run/output", test_a_program_s_output_is_read);
  ADD ("/context/run/failure", test_a_program_s_failure_is_an_error);
  ADD ("/context/run/limit", test_a_program_has_a_time_limit);
  ADD ("/context/run/child", test_a_program_s_child_is_not_waited_for);
  ADD ("/context/run/cancelled", test_a_program_can_be_cancelled);
  return g_test_run ();
}
