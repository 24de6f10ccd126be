/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The program vmroot-hook as libvirt runs it: through a link, with the domain's XML on standard
 * input. */

#include "config.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "fake-tree.h"
#include "vmroot-context-private.h"
#include "vmroot.h"

#if defined(__has_feature)
#define HAS_FEATURE(feature) __has_feature (feature)
#else
#define HAS_FEATURE(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
#define IS_SANITIZED TRUE
#else
#define IS_SANITIZED FALSE
#endif

#define UUID "6d3d3a7e-2b1f-4f0e-9a56-0f3b8a0f1c11"
#define GARBAGE "<domain><metadata><r xmlns='urn:vmroot:domain:1'>"

/* Not the host's root: it has no other users that it could become. */
static gboolean is_root_of_a_namespace;

static const gchar *const operations[] = { "prepare",   "start",   "started", "stopped", "release",
                                           "reconnect", "migrate", "restore", "attach" };

typedef struct
{
  FakeTree *sysroot;
  VmrootContext *context;
  gchar *hook;
} Fixture;

typedef struct
{
  gint status;
  gchar *output;
  gchar *messages;
} Outcome;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *target = g_build_filename (g_getenv ("VMROOT_HOOKS_DIR"), "vmroot-hook", NULL);

  fixture->sysroot = fake_tree_new ();
  fixture->context = vmroot_context_new (fixture->sysroot);
  fixture->hook = vmroot_context_path (fixture->context, "/etc/libvirt/hooks/qemu.d/vmroot");
  g_assert_true (
      vmroot_context_make_directory (fixture->context, "/etc/libvirt/hooks/qemu.d", 0755, NULL));
  g_assert_true (vmroot_context_make_directory (fixture->context, "/export", 0755, NULL));
  g_assert_no_errno (symlink (target, fixture->hook));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  vmroot_context_unref (fixture->context);
  fake_tree_free (fixture->sysroot);
  g_free (fixture->hook);
}

static void
outcome_clear (Outcome *outcome)
{
  g_free (outcome->output);
  g_free (outcome->messages);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Outcome, outcome_clear)

static Outcome
run_with (Fixture *fixture,
          const gchar *operation,
          const gchar *xml,
          GSpawnChildSetupFunc child_setup,
          gpointer data)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autofree gchar *input = g_build_filename (fixture->sysroot, "domain.xml", NULL);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  Outcome outcome = { 0 };

  g_assert_true (g_file_set_contents (input, xml, -1, NULL));
  g_subprocess_launcher_set_stdin_file_path (launcher, input);
  g_subprocess_launcher_setenv (launcher, "VMROOT_SYSROOT", fixture->sysroot, TRUE);
  if (child_setup != NULL)
    g_subprocess_launcher_set_child_setup (launcher, child_setup, data, NULL);
  process = g_subprocess_launcher_spawn (launcher, &error, fixture->hook, "alpha", operation,
                                         "begin", "-", NULL);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &outcome.output,
                                                &outcome.messages, &error));
  g_assert_true (g_subprocess_get_if_exited (process));
  outcome.status = g_subprocess_get_exit_status (process);
  return outcome;
}

static Outcome
run (Fixture *fixture, const gchar *operation, const gchar *xml)
{
  return run_with (fixture, operation, xml, NULL, NULL);
}

static gchar *
new_xml (const gchar *directory)
{
  g_autoptr (VmrootSpec) spec = vmroot_spec_new (directory);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootDomain) domain = vmroot_domain_new_from_xml (
      "<domain type='kvm' id='3'><name>alpha</name><uuid>" UUID "</uuid>"
      "<os><type>hvm</type></os><devices/></domain>",
      &error);

  g_assert_no_error (error);
  vmroot_domain_set_spec (domain, spec, &error);
  g_assert_no_error (error);
  return vmroot_domain_to_xml (domain);
}

static void
assert_silent_success (const Outcome *outcome)
{
  g_assert_cmpstr (outcome->messages, ==, "");
  g_assert_cmpstr (outcome->output, ==, "");
  g_assert_cmpint (outcome->status, ==, 0);
}

static gboolean
skip_without_root (void)
{
  if (geteuid () == 0)
    return FALSE;

  g_test_skip ("the hook does nothing for a user, and here is no user namespace to be root in");
  return TRUE;
}

static void
test_other_guests_are_left_alone (Fixture *fixture, gconstpointer data)
{
  for (gsize i = 0; i < G_N_ELEMENTS (operations); i++)
    {
      g_auto (Outcome) outcome =
          run (fixture, operations[i], "<domain type='kvm'><name>alpha</name></domain>");

      assert_silent_success (&outcome);
    }
}

static void
test_only_what_prepares_can_fail (Fixture *fixture, gconstpointer data)
{
  if (skip_without_root ())
    return;

  for (gsize i = 0; i < G_N_ELEMENTS (operations); i++)
    {
      g_auto (Outcome) outcome = run (fixture, operations[i], GARBAGE);

      if (!g_str_equal (operations[i], "prepare"))
        {
          assert_silent_success (&outcome);
          continue;
        }

      g_assert_cmpint (outcome.status, ==, 1);
      g_assert_cmpstr (outcome.output, ==, "");
    }
}

static void
test_a_refusal_is_one_line (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *xml = new_xml ("/etc");
  g_auto (Outcome) outcome = { 0 };

  if (skip_without_root ())
    return;

  outcome = run (fixture, "prepare", xml);
  g_test_message ("%s", outcome.messages);
  g_assert_cmpint (outcome.status, ==, 1);
  g_assert_cmpstr (outcome.output, ==, "");
  g_assert_true (g_str_has_prefix (outcome.messages, "vmroot: /etc is not beneath"));
  g_assert_true (strchr (outcome.messages, '\n') ==
                 outcome.messages + strlen (outcome.messages) - 1);
}

static void
test_a_document_without_end_is_refused (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *filler = g_strnfill (20 * 1024 * 1024, ' ');
  g_autofree gchar *xml = g_strconcat (GARBAGE, filler, NULL);
  g_auto (Outcome) outcome = { 0 };

  if (skip_without_root ())
    return;

  outcome = run (fixture, "prepare", xml);
  g_assert_cmpint (outcome.status, ==, 1);
  g_assert_true (g_str_has_prefix (outcome.messages, "vmroot: "));
}

static void
become_nobody (gpointer hook)
{
  char *const argv[] = { "vmroot-hook", "alpha", "prepare", "begin", "-", NULL };

  /* By descriptor: nobody may not be able to walk to the build directory. */
  if (setgroups (0, NULL) == 0 && setresgid (65534, 65534, 65534) == 0 &&
      setresuid (65534, 65534, 65534) == 0)
    fexecve (GPOINTER_TO_INT (hook), argv, environ);
  _exit (99);
}

static void
test_users_are_left_alone (Fixture *fixture, gconstpointer data)
{
  const int hook = g_open (fixture->hook, O_RDONLY, 0);
  g_auto (Outcome) outcome = { 0 };

  if (geteuid () == 0)
    outcome = run_with (fixture, "prepare", GARBAGE, become_nobody, GINT_TO_POINTER (hook));
  else
    outcome = run (fixture, "prepare", GARBAGE);
  close (hook);

  if (outcome.status == 99)
    g_test_skip ("only root alone is mapped in this user namespace");
  else
    assert_silent_success (&outcome);
}

static void
test_a_guest_is_prepared_and_released (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *xml = new_xml ("/export/a");
  g_autofree gchar *tree = vmroot_context_path (fixture->context, "/export/a");
  g_autofree gchar *virtiofsd = vmroot_context_path (fixture->context, "/usr/libexec/virtiofsd");
  g_autofree gchar *kernel =
      vmroot_context_path (fixture->context, "/var/lib/vmroot/boot/" UUID "/kernel");
  g_autofree gchar *journal = vmroot_context_path (fixture->context, "/run/vmroot/guests/" UUID);
  g_autofree gchar *fake_tree = NULL;
  const gchar *const done[] = { "prepare", "prepare", "start", "started", "reconnect", "stopped" };

  if (skip_without_root ())
    return;
  if (is_root_of_a_namespace)
    {
      g_test_skip ("boot images are built by a process that gives up root, which takes real root");
      return;
    }

  fake_tree = fake_tree_new_debian ();
  g_assert_no_errno (g_rename (fake_tree, tree));
  g_assert_true (vmroot_context_make_directory (fixture->context, "/usr/libexec", 0755, NULL));
  g_assert_true (g_file_set_contents_full (virtiofsd, "#!/bin/false\n", -1, 0, 0755, NULL));

  for (gsize i = 0; i < G_N_ELEMENTS (done); i++)
    {
      g_auto (Outcome) outcome = run (fixture, done[i], xml);

      assert_silent_success (&outcome);
      g_assert_true (g_file_test (journal, G_FILE_TEST_EXISTS));
      g_assert_true (g_file_test (kernel, G_FILE_TEST_EXISTS));
    }
  {
    g_auto (Outcome) outcome = run (fixture, "release", xml);

    assert_silent_success (&outcome);
    g_assert_false (g_file_test (journal, G_FILE_TEST_EXISTS));
  }
}

/* How fast they start hangs on it, for every guest of the host; and libvirt's library would bring a
 * hook that can wait for libvirt. */
static void
test_what_is_linked (void)
{
  static const struct
  {
    const gchar *program;
    const gchar *only;
    const gchar *never;
  } cases[] = {
    { "vmroot-hook", "libc.so", NULL },
    { "vmroot-virtiofsd", "libc.so", NULL },
    { "vmroot-hook-operation", NULL, "libvirt" },
    { "vmroot-virtiofsd-exec", NULL, "libvirt" },
  };
  g_autofree gchar *readelf = g_find_program_in_path ("readelf");

  if (readelf == NULL)
    {
      g_test_skip ("no readelf here: install binutils");
      return;
    }
  if (IS_SANITIZED)
    {
      g_test_skip ("the sanitizers bring libraries of their own");
      return;
    }

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *path =
          g_build_filename (g_getenv ("VMROOT_HOOKS_DIR"), cases[i].program, NULL);
      g_autoptr (GSubprocess) process =
          g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL, readelf, "-d", path, NULL);
      g_autofree gchar *output = NULL;
      g_auto (GStrv) lines = NULL;

      g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &output, NULL, NULL));
      g_assert_nonnull (strstr (output, "(NEEDED)"));
      lines = g_strsplit (output, "\n", -1);
      for (gsize j = 0; lines[j] != NULL; j++)
        {
          if (strstr (lines[j], "(NEEDED)") == NULL)
            continue;
          g_test_message ("%s: %s", cases[i].program, lines[j]);
          g_assert_true (cases[i].only == NULL || strstr (lines[j], cases[i].only) != NULL);
          g_assert_true (cases[i].never == NULL || strstr (lines[j], cases[i].never) == NULL);
        }
    }
}

/* The hook works for root alone; a user's tests make themselves root of a namespace. */
static void
become_root_of_a_namespace (void)
{
  g_autofree gchar *map = g_strdup_printf ("0 %u 1", geteuid ());

  if (geteuid () == 0 || unshare (CLONE_NEWUSER) != 0)
    return;

  is_root_of_a_namespace = g_file_set_contents_full ("/proc/self/uid_map", map, -1,
                                                     G_FILE_SET_CONTENTS_NONE, 0600, NULL);
}

int
main (int argc, char **argv)
{
  become_root_of_a_namespace ();
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)
  ADD ("/hook/other-guests", test_other_guests_are_left_alone);
  ADD ("/hook/garbage", test_only_what_prepares_can_fail);
  ADD ("/hook/refusal", test_a_refusal_is_one_line);
  ADD ("/hook/without-end", test_a_document_without_end_is_refused);
  ADD ("/hook/users", test_users_are_left_alone);
  ADD ("/hook/whole", test_a_guest_is_prepared_and_released);
  g_test_add_func ("/hook/linked", test_what_is_linked);
  return g_test_run ();
}
