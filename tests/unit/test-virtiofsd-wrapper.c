/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The program vmroot-virtiofsd as libvirt runs it, with programs of ours in place of virtiofsd. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib-unix.h>
#include <glib/gstdio.h>

#include "fake-tree.h"
#include "vmroot-virtiofs-policy-private.h"

#define UUID "6d3d3a7e-2b1f-4f0e-9a56-0f3b8a0f1c11"
#define PID_FILE_FD 8
#define OTHER_UUID "b5a5c7d8-6d2f-4d0c-8f8a-3a4a1e0e7a22"

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
  g_assert_true (vmroot_context_make_directory (fixture->context, "/usr/libexec", 0755, NULL));
  g_assert_true (vmroot_context_make_directory (fixture->context, "/export/a", 0755, NULL));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  vmroot_context_unref (fixture->context);
  fake_tree_free (fixture->sysroot);
}

/* A virtiofsd of the dialect in C that runs `script` when it is started in earnest. */
static void
add_virtiofsd (Fixture *fixture, const gchar *script)
{
  g_autofree gchar *path = vmroot_context_path (fixture->context, "/usr/libexec/virtiofsd");
  g_autofree gchar *program = g_strdup_printf (
      "#!/bin/sh\n[ \"$1\" = --help ] && echo '-o source=PATH' && exit\n%s\n", script);

  g_assert_true (g_file_set_contents_full (path, program, -1, 0, 0755, NULL));
}

static gchar *
get_wrapper (void)
{
  return g_build_filename (g_getenv ("VMROOT_HOOKS_DIR"), "vmroot-virtiofsd", NULL);
}

static GSubprocess *
start (Fixture *fixture, int socket, const gchar *const *arguments)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  GSubprocess *process;

  g_ptr_array_add (argv, get_wrapper ());
  for (gsize i = 0; arguments[i] != NULL; i++)
    g_ptr_array_add (argv, g_strdup (arguments[i]));
  g_ptr_array_add (argv, NULL);

  g_subprocess_launcher_setenv (launcher, "VMROOT_SYSROOT", fixture->sysroot, TRUE);
  g_subprocess_launcher_take_fd (launcher, g_open ("/dev/null", O_RDONLY | O_CLOEXEC, 0),
                                 PID_FILE_FD);
  if (socket != -1)
    g_subprocess_launcher_take_fd (launcher, socket, 9);
  process = g_subprocess_launcher_spawnv (launcher, (const gchar *const *)argv->pdata, &error);
  g_assert_no_error (error);
  return process;
}

/* By the byte: what follows stays in the pipe. */
static gchar *
read_line (GSubprocess *process)
{
  g_autoptr (GString) line = g_string_new (NULL);
  gchar byte;

  while (g_input_stream_read (g_subprocess_get_stdout_pipe (process), &byte, 1, NULL, NULL) == 1 &&
         byte != '\n')
    g_string_append_c (line, byte);

  return g_string_free (g_steal_pointer (&line), FALSE);
}

static void
add_policy_for (
    Fixture *fixture, const gchar *uuid, gint domain_id, VmrootXattrs xattrs, gboolean writable)
{
  g_autoptr (VmrootVirtiofsPolicy) policy = vmroot_virtiofs_policy_new (uuid);
  g_autoptr (VmrootConfiguration) configuration =
      vmroot_configuration_load (fixture->context, NULL);
  g_autoptr (GError) error = NULL;
  VmrootServedDirectory *directory =
      vmroot_served_directory_new (fixture->context, configuration, "vmroot", "/export/a", &error);

  g_assert_no_error (error);
  directory->writable = writable;
  policy->trusted_xattrs = FALSE;
  policy->domain_id = domain_id;
  policy->xattrs = xattrs;
  g_ptr_array_add (policy->directories, directory);
  g_assert_true (vmroot_virtiofs_policy_save (policy, fixture->context, NULL));
}

static void
add_policy (Fixture *fixture, const gchar *uuid, gint domain_id, VmrootXattrs xattrs)
{
  add_policy_for (fixture, uuid, domain_id, xattrs, TRUE);
}

static const gchar *const arguments[] = { "--fd=9", "-o", "source=/export/a", NULL };

static void
test_without_a_policy_nothing_is_added (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSubprocess) process = NULL;
  g_autofree gchar *line = NULL;

  add_virtiofsd (fixture, "echo \"$@\"");
  process = start (fixture, -1, arguments);
  line = read_line (process);
  g_assert_cmpstr (line, ==, "--fd=9 -o source=/export/a");
  g_assert_true (g_subprocess_wait_check (process, NULL, NULL));
}

static void
test_capabilities_are_virtiofsd_s_own (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSubprocess) process = NULL;
  g_autofree gchar *line = NULL;
  g_autofree gchar *expected = NULL;

  add_virtiofsd (fixture, "echo $$ \"$@\"; exec sleep 600");
  process = start (fixture, -1, (const gchar *const[]){ "--print-capabilities", NULL });
  expected = g_strdup_printf ("%s --print-capabilities", g_subprocess_get_identifier (process));
  line = read_line (process);
  g_assert_cmpstr (line, ==, expected);
  g_subprocess_force_exit (process);
}

/* A socket as libvirt makes it for the running domain 3. */
static int
listen_as_domain_3 (Fixture *fixture)
{
  g_autofree gchar *path =
      g_build_filename (fixture->sysroot, "domain-3-my-guest", "fs0-fs.sock", NULL);
  g_autofree gchar *directory = g_path_get_dirname (path);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_no_errno (g_mkdir (directory, 0700));
  g_assert_cmpuint (g_strlcpy (address.sun_path, path, sizeof address.sun_path), <,
                    sizeof address.sun_path);
  g_assert_no_errno (bind (fd, (struct sockaddr *)&address, sizeof address));
  g_assert_no_errno (listen (fd, 1));
  return fd;
}

static void
test_the_policy_is_the_guest_s_own (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSubprocess) process = NULL;
  g_autofree gchar *line = NULL;
  g_autofree gchar *expected =
      g_strdup_printf ("--fd=9 -o source=%s/export/a -o xattr,posix_acl", fixture->sysroot);

  add_virtiofsd (fixture, "echo \"$@\"");
  add_policy (fixture, OTHER_UUID, 2, VMROOT_XATTRS_USER);
  add_policy (fixture, UUID, 3, VMROOT_XATTRS_NATIVE);
  process = start (fixture, listen_as_domain_3 (fixture), arguments);
  line = read_line (process);
  g_assert_cmpstr (line, ==, expected);
}

static void
test_two_policies_for_one_directory_are_refused (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSubprocess) process = NULL;
  g_autofree gchar *messages = NULL;

  add_virtiofsd (fixture, "echo started");
  add_policy (fixture, OTHER_UUID, 2, VMROOT_XATTRS_USER);
  add_policy (fixture, UUID, 3, VMROOT_XATTRS_NATIVE);
  process = start (fixture, -1, arguments);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, NULL, &messages, NULL));
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 1);
  g_assert_nonnull (strstr (messages, "cannot be told"));
}

static void
test_another_directory_in_its_place_is_refused (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSubprocess) process = NULL;
  g_autofree gchar *messages = NULL;
  g_autofree gchar *path = vmroot_context_path (fixture->context, "/export/a");
  g_autofree gchar *away = vmroot_context_path (fixture->context, "/export/b");

  add_virtiofsd (fixture, "echo started");
  add_policy (fixture, UUID, 3, VMROOT_XATTRS_NATIVE);
  g_assert_no_errno (g_rename (path, away));
  g_assert_no_errno (symlink ("/etc", path));
  process = start (fixture, -1, arguments);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, NULL, &messages, NULL));
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 1);
  g_assert_nonnull (strstr (messages, "not the directory any more"));
}

static void
test_the_exit_status_is_passed_on (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSubprocess) failing = NULL;
  g_autoptr (GSubprocess) killed = NULL;

  add_virtiofsd (fixture, "exit 7");
  failing = start (fixture, -1, arguments);
  g_assert_true (g_subprocess_wait (failing, NULL, NULL));
  g_assert_true (g_subprocess_get_if_exited (failing));
  g_assert_cmpint (g_subprocess_get_exit_status (failing), ==, 7);

  add_virtiofsd (fixture, "kill -TERM $$");
  killed = start (fixture, -1, arguments);
  g_assert_true (g_subprocess_wait (killed, NULL, NULL));
  g_assert_true (g_subprocess_get_if_signaled (killed));
  g_assert_cmpint (g_subprocess_get_term_sig (killed), ==, SIGTERM);
}

static void
test_signals_are_passed_on (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSubprocess) process = NULL;
  g_autofree gchar *line = NULL;

  add_virtiofsd (fixture, "trap 'exit 5' HUP; echo ready; while :; do :; done");
  process = start (fixture, -1, arguments);
  line = read_line (process);
  g_subprocess_send_signal (process, SIGHUP);
  g_assert_true (g_subprocess_wait (process, NULL, NULL));
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 5);
}

/* virtiofsd holds the pipe's other end, so that reading it to the end waits for virtiofsd's own. */
static void
test_virtiofsd_dies_with_its_wrapper (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSubprocess) process = NULL;
  g_autofree gchar *line = NULL;
  int ends[2];
  gchar byte;

  add_virtiofsd (fixture, "echo $$; exec cat /proc/self/fd/9");
  g_assert_true (g_unix_open_pipe (ends, FD_CLOEXEC, NULL));
  process = start (fixture, ends[0], arguments);
  line = read_line (process);
  g_assert_cmpstr (line, !=, g_subprocess_get_identifier (process));

  g_subprocess_force_exit (process);
  g_assert_true (g_subprocess_wait (process, NULL, NULL));
  g_assert_cmpint (
      g_input_stream_read (g_subprocess_get_stdout_pipe (process), &byte, 1, NULL, NULL), ==, 0);
  close (ends[1]);
}

/* Once virtiofsd has closed its end of the pipe, nobody has one open; but the wrapper keeps what
 * else libvirt gave it, for libvirt locks the pid file by it. */
static void
test_the_wrapper_keeps_all_but_the_socket (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSubprocess) process = NULL;
  g_autofree gchar *pid_file = NULL;
  gchar byte;
  int ends[2];

  add_virtiofsd (fixture, "exec 9>&-; exec sleep 600");
  g_assert_true (g_unix_open_pipe (ends, FD_CLOEXEC, NULL));
  process = start (fixture, ends[1], arguments);
  g_assert_cmpint (read (ends[0], &byte, 1), ==, 0);
  pid_file = g_strdup_printf ("/proc/%s/fd/%d", g_subprocess_get_identifier (process), PID_FILE_FD);
  g_assert_true (g_file_test (pid_file, G_FILE_TEST_EXISTS));

  g_subprocess_force_exit (process);
  close (ends[0]);
}

/* Reads to the end unless `word` comes before. */
static gchar *
read_messages_until (GSubprocess *process, const gchar *word)
{
  g_autoptr (GString) messages = g_string_new (NULL);
  gchar byte;

  while ((word == NULL || strstr (messages->str, word) == NULL) &&
         g_input_stream_read (g_subprocess_get_stderr_pipe (process), &byte, 1, NULL, NULL) == 1)
    g_string_append_c (messages, byte);

  return g_string_free (g_steal_pointer (&messages), FALSE);
}

/* Its options are right if it gets to where it waits for QEMU. And when the wrapper is killed, so
 * is it, with the processes that it made in namespaces of its own: who of them lives has the log
 * open. */
static void
assert_starts (Fixture *fixture, VmrootXattrs xattrs, gboolean writable)
{
  g_autoptr (GSubprocess) process = NULL;
  g_autofree gchar *messages = NULL;
  g_autofree gchar *rest = NULL;
  g_autofree gchar *directory = g_build_filename (fixture->sysroot, "domain-3-my-guest", NULL);
  g_autofree gchar *socket = g_build_filename (directory, "fs0-fs.sock", NULL);

  add_policy_for (fixture, UUID, 3, xattrs, writable);
  process = start (fixture, listen_as_domain_3 (fixture), arguments);
  messages = read_messages_until (process, "Waiting for vhost-user socket");
  g_test_message ("%s", messages);
  g_assert_nonnull (strstr (messages, "Waiting for vhost-user socket"));

  g_subprocess_force_exit (process);
  rest = read_messages_until (process, NULL);
  g_assert_no_errno (g_unlink (socket));
  g_assert_no_errno (g_rmdir (directory));
}

static void
test_the_real_one_starts (Fixture *fixture, gconstpointer real_virtiofsd)
{
  const VmrootXattrs modes[] = { VMROOT_XATTRS_NATIVE, VMROOT_XATTRS_SELINUX, VMROOT_XATTRS_USER };
  g_autofree gchar *link = vmroot_context_path (fixture->context, "/usr/libexec/virtiofsd");

  if (!g_file_test (real_virtiofsd, G_FILE_TEST_IS_EXECUTABLE) || geteuid () != 0)
    {
      g_test_skip_printf ("%s is not here, or not to be run by a user",
                          (const gchar *)real_virtiofsd);
      return;
    }

  g_assert_no_errno (symlink (real_virtiofsd, link));
  for (gsize i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      assert_starts (fixture, modes[i], TRUE);
      assert_starts (fixture, modes[i], FALSE);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)
  ADD ("/virtiofsd-wrapper/no-policy", test_without_a_policy_nothing_is_added);
  ADD ("/virtiofsd-wrapper/capabilities", test_capabilities_are_virtiofsd_s_own);
  ADD ("/virtiofsd-wrapper/policy", test_the_policy_is_the_guest_s_own);
  ADD ("/virtiofsd-wrapper/ambiguous", test_two_policies_for_one_directory_are_refused);
  ADD ("/virtiofsd-wrapper/replaced", test_another_directory_in_its_place_is_refused);
  ADD ("/virtiofsd-wrapper/status", test_the_exit_status_is_passed_on);
  ADD ("/virtiofsd-wrapper/signals", test_signals_are_passed_on);
  ADD ("/virtiofsd-wrapper/dies-with-it", test_virtiofsd_dies_with_its_wrapper);
  ADD ("/virtiofsd-wrapper/descriptors", test_the_wrapper_keeps_all_but_the_socket);
  g_test_add ("/virtiofsd-wrapper/real/c", Fixture, "/usr/lib/qemu/virtiofsd", set_up,
              test_the_real_one_starts, tear_down);
  g_test_add ("/virtiofsd-wrapper/real/rust", Fixture, "/usr/libexec/virtiofsd", set_up,
              test_the_real_one_starts, tear_down);
  return g_test_run ();
}
