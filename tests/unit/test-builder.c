/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "vmroot.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake-tree.h"
#include "vmroot-builder-private.h"

/* What a confined process tries. TRUE: it could. */
typedef gboolean (*Attempt) (int tree_fd);

static int
open_with (int fd, const gchar *path, int flags, guint64 resolve)
{
  struct open_how how = { .flags = (guint64)flags, .resolve = resolve };

  return (int)syscall (SYS_openat2, fd, path, &how, sizeof how);
}

static gboolean
can_read_the_tree (int tree_fd)
{
  gchar text[4] = "";
  int fd = open_with (tree_fd, "/secret", O_RDONLY, RESOLVE_IN_ROOT);

  return fd >= 0 && read (fd, text, 4) == 4 && memcmp (text, "text", 4) == 0;
}

static gboolean
can_write_the_tree (int tree_fd)
{
  return open_with (tree_fd, "/everyones", O_WRONLY, RESOLVE_IN_ROOT) >= 0;
}

static gboolean
can_read_the_host (int tree_fd)
{
  return open_with (AT_FDCWD, "/etc/passwd", O_RDONLY, 0) >= 0;
}

static gboolean
can_open_a_device (int tree_fd)
{
  return open_with (tree_fd, "/device", O_RDONLY, RESOLVE_IN_ROOT) >= 0;
}

static gboolean
can_use_the_network (int tree_fd)
{
  return socket (AF_UNIX, SOCK_STREAM, 0) >= 0 || socket (AF_INET, SOCK_DGRAM, 0) >= 0;
}

static gboolean
can_start_a_program (int tree_fd)
{
  gchar *argv[] = { (gchar *)"/bin/true", NULL };

  return execv (argv[0], argv) == 0;
}

static gboolean
can_fork (int tree_fd)
{
  pid_t pid = fork ();

  if (pid == 0)
    _exit (0);
  return pid > 0;
}

static gboolean
can_make_code (int tree_fd)
{
  return mmap (NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static gboolean
can_trace_its_parent (int tree_fd)
{
  return ptrace (PTRACE_ATTACH, getppid (), NULL, NULL) == 0;
}

static gboolean
can_mount (int tree_fd)
{
  return umount2 ("/no/such/mount", 0) == 0 || errno == ENOENT;
}

/* Runs one attempt in a confined child. */
static gboolean
succeeds (FakeTree *root, Attempt attempt)
{
  pid_t pid = fork ();
  int status;

  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      int fd = open (root, O_PATH | O_DIRECTORY);

      if (!vmroot_builder_confine (&fd, NULL))
        _exit (2);
      _exit (attempt (fd) ? 1 : 0);
    }

  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), !=, 2);
  return WEXITSTATUS (status) == 1;
}

static FakeTree *
new_tree_with_files (void)
{
  FakeTree *root = fake_tree_new ();
  g_autofree gchar *secret = g_build_filename (root, "secret", NULL);
  g_autofree gchar *everyones = g_build_filename (root, "everyones", NULL);
  g_autofree gchar *device = g_build_filename (root, "device", NULL);

  fake_tree_write (root, "/secret", "text");
  fake_tree_write (root, "/everyones", "");
  g_assert_cmpint (chmod (secret, 0600), ==, 0);
  g_assert_cmpint (chmod (everyones, 0666), ==, 0);
  if (geteuid () == 0)
    g_assert_cmpint (mknod (device, S_IFCHR | 0666, makedev (1, 3)), ==, 0);
  return root;
}

static gboolean
has_landlock (void)
{
  return syscall (SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

static void
test_the_tree_can_be_read (void)
{
  g_autoptr (FakeTree) root = new_tree_with_files ();

  g_assert_true (succeeds (root, can_read_the_tree));
}

static void
test_the_tree_cannot_be_written (void)
{
  g_autoptr (FakeTree) root = new_tree_with_files ();

  if (geteuid () != 0 && !has_landlock ())
    {
      g_test_skip ("this kernel has no Landlock, and only root can make a read-only mount");
      return;
    }
  g_assert_false (succeeds (root, can_write_the_tree));
}

static void
test_devices_cannot_be_opened (void)
{
  g_autoptr (FakeTree) root = new_tree_with_files ();

  if (geteuid () != 0)
    {
      g_test_skip ("device nodes can be made by root only");
      return;
    }
  g_assert_false (succeeds (root, can_open_a_device));
}

static void
test_the_host_cannot_be_read (void)
{
  g_autoptr (FakeTree) root = new_tree_with_files ();

  if (!has_landlock ())
    {
      g_test_skip ("this kernel has no Landlock");
      return;
    }
  g_assert_false (succeeds (root, can_read_the_host));
}

static void
test_nothing_else_can_be_done (void)
{
  static const Attempt attempts[] = { can_use_the_network, can_start_a_program,  can_fork,
                                      can_make_code,       can_trace_its_parent, can_mount };
  g_autoptr (FakeTree) root = new_tree_with_files ();

  if (VMROOT_SANITIZED)
    {
      g_test_skip ("a sanitizer makes system calls that the filter forbids: built without it");
      return;
    }
  for (guint i = 0; i < G_N_ELEMENTS (attempts); i++)
    g_assert_false (succeeds (root, attempts[i]));
}

/* A builder that was taken over, as far as its parent can tell: a script in its place. */
typedef struct
{
  FakeTree *root;
  FakeTree *programs;
  FakeTree *output;
  gchar *libexec;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *script = NULL;
  g_autofree gchar *path = NULL;

  fixture->root = fake_tree_new_debian ();
  fixture->programs = fake_tree_new ();
  fixture->output = fake_tree_new ();
  fixture->libexec = g_strdup (g_getenv ("VMROOT_LIBEXEC_DIR"));

  script = g_strconcat ("#!/bin/sh\n", data, "\n", NULL);
  path = g_build_filename (fixture->programs, VMROOT_BUILDER_PROGRAM, NULL);
  fake_tree_write (fixture->programs, "/" VMROOT_BUILDER_PROGRAM, script);
  fake_tree_write (fixture->programs, "/vmroot-init", "\177ELF");
  g_assert_cmpint (chmod (path, 0755), ==, 0);
  g_setenv ("VMROOT_LIBEXEC_DIR", fixture->programs, TRUE);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_setenv ("VMROOT_LIBEXEC_DIR", fixture->libexec, TRUE);
  g_free (fixture->libexec);
  fake_tree_free (fixture->root);
  fake_tree_free (fixture->programs);
  fake_tree_free (fixture->output);
}

static void
assert_refused (Fixture *fixture, VmrootError code)
{
  g_autoptr (VmrootTree) tree = fake_tree_open (fixture->root);
  g_autoptr (VmrootSpec) spec = vmroot_spec_new (fixture->root);
  g_autofree gchar *kernel = g_build_filename (fixture->output, "kernel", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (vmroot_boot_image_build (tree, spec, fixture->output, NULL, &error));
  g_assert_error (error, VMROOT_ERROR, (gint)code);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_null (strchr (error->message, '\033'));
  g_assert_false (g_file_test (kernel, G_FILE_TEST_EXISTS));
}

static void
test_answer_is_unsafe (Fixture *fixture, gconstpointer data)
{
  assert_refused (fixture, VMROOT_ERROR_UNSAFE_TREE);
}

static void
test_answer_fails (Fixture *fixture, gconstpointer data)
{
  assert_refused (fixture, VMROOT_ERROR_FAILED);
}

/* The script ends the process that waits for it, in the middle of a build. */
static void
test_a_killed_build (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootTree) tree = fake_tree_open (fixture->root);
  g_autoptr (VmrootSpec) spec = vmroot_spec_new (fixture->root);
  g_autoptr (VmrootBootImage) image = NULL;
  g_autofree gchar *kernel = g_build_filename (fixture->output, "kernel", NULL);
  g_autoptr (GError) error = NULL;
  pid_t pid = fork ();
  int status;

  if (pid == 0)
    _exit (vmroot_boot_image_build (tree, spec, fixture->output, NULL, NULL) != NULL ? 0 : 1);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFSIGNALED (status));
  g_assert_false (g_file_test (kernel, G_FILE_TEST_EXISTS));

  /* The next one neither waits for it nor uses what it left. */
  g_setenv ("VMROOT_LIBEXEC_DIR", fixture->libexec, TRUE);
  image = vmroot_boot_image_build (tree, spec, fixture->output, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (vmroot_boot_image_get_rebuilt (image));
  g_assert_true (g_file_test (kernel, G_FILE_TEST_EXISTS));
}

#define ADD(name, script, function)                                                                \
  g_test_add ("/builder/answer/" name, Fixture, script, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/builder/confined/reads", test_the_tree_can_be_read);
  g_test_add_func ("/builder/confined/writes", test_the_tree_cannot_be_written);
  g_test_add_func ("/builder/confined/devices", test_devices_cannot_be_opened);
  g_test_add_func ("/builder/confined/host", test_the_host_cannot_be_read);
  g_test_add_func ("/builder/confined/rest", test_nothing_else_can_be_done);
  ADD ("empty", "exit 0", test_answer_is_unsafe);
  ADD ("noise", "head -c 10000 /dev/urandom", test_answer_is_unsafe);
  ADD ("escape", "printf '\\033[31m red'", test_answer_is_unsafe);
  ADD ("flood", "head -c 5000000 /dev/zero", test_answer_fails);
  ADD ("crash", "kill -SEGV $$", test_answer_is_unsafe);
  ADD ("failure", "exit 3", test_answer_fails);
  g_test_add ("/builder/killed", Fixture, "printf half >&4; kill -KILL $PPID", set_up,
              test_a_killed_build, tear_down);
  return g_test_run ();
}
