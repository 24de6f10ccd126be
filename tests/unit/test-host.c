/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "config.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "fake-tree.h"
#include "vmroot-error.h"
#include "vmroot-host-private.h"

#define UUID_A "6d3d3a7e-2b1f-4f0e-9a56-0f3b8a0f1c11"
#define UUID_B "b5a5c7d8-6d2f-4d0c-8f8a-3a4a1e0e7a22"

/* In a mount namespace of our own. */
static gboolean can_mount;

/* A host in a temporary directory, and two guests. */
typedef struct
{
  FakeTree *sysroot;
  VmrootContext *context;
  VmrootHost *host;
} Fixture;

static void
add_file (Fixture *fixture, const gchar *path, const gchar *content, gint mode)
{
  g_autofree gchar *directory = g_path_get_dirname (path);
  g_autofree gchar *full_path = vmroot_context_path (fixture->context, path);

  g_assert_true (vmroot_context_make_directory (fixture->context, directory, 0755, NULL));
  g_assert_true (g_file_set_contents_full (full_path, content, -1, 0, mode, NULL));
}

static void
add_directory (Fixture *fixture, const gchar *path)
{
  g_assert_true (vmroot_context_make_directory (fixture->context, path, 0755, NULL));
}

static void
add_link (Fixture *fixture, const gchar *path, const gchar *target)
{
  g_autofree gchar *full_path = vmroot_context_path (fixture->context, path);

  g_assert_no_errno (symlink (target, full_path));
}

static gboolean
exists (Fixture *fixture, const gchar *path)
{
  g_autofree gchar *full_path = vmroot_context_path (fixture->context, path);

  return g_file_test (full_path, G_FILE_TEST_EXISTS);
}

static gboolean
build_boot_image (const VmrootServedDirectory *root,
                  VmrootSpec *spec,
                  const gchar *directory,
                  GCancellable *cancellable,
                  GError **error)
{
  g_autofree gchar *kernel = g_build_filename (directory, "kernel", NULL);

  return g_file_set_contents (kernel, root->path, -1, error);
}

static gboolean
fail_to_build (const VmrootServedDirectory *root,
               VmrootSpec *spec,
               const gchar *directory,
               GCancellable *cancellable,
               GError **error)
{
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_NO_KERNEL, "no kernel");
  return FALSE;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->sysroot = fake_tree_new ();
  fixture->context = vmroot_context_new (fixture->sysroot);
  fixture->host = vmroot_host_new_for_context (fixture->context);
  fixture->host->build_boot_image = build_boot_image;
  add_file (fixture, "/usr/libexec/virtiofsd", "#!/bin/false\n", 0755);
  add_directory (fixture, "/export/a");
  add_directory (fixture, "/export/b");
  add_directory (fixture, "/srv/other");
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_object_unref (fixture->host);
  vmroot_context_unref (fixture->context);
  fake_tree_free (fixture->sysroot);
}

static VmrootDomain *
new_domain_with_spec (const gchar *name, const gchar *uuid, VmrootSpec *spec)
{
  g_autofree gchar *xml =
      g_strdup_printf ("<domain type='kvm' id='3'><name>%s</name><uuid>%s</uuid>"
                       "<os><type>hvm</type></os><devices/></domain>",
                       name, uuid);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootDomain) domain = vmroot_domain_new_from_xml (xml, &error);

  g_assert_no_error (error);
  vmroot_domain_set_spec (domain, spec, &error);
  g_assert_no_error (error);
  return g_steal_pointer (&domain);
}

static VmrootDomain *
new_domain (const gchar *name, const gchar *uuid, const gchar *directory)
{
  g_autoptr (VmrootSpec) spec = vmroot_spec_new (directory);

  return new_domain_with_spec (name, uuid, spec);
}

static void
assert_prepared (Fixture *fixture, VmrootDomain *domain)
{
  g_autoptr (GError) error = NULL;

  vmroot_host_prepare (fixture->host, domain, NULL, &error);
  g_assert_no_error (error);
}

static void
assert_released (Fixture *fixture, VmrootDomain *domain)
{
  g_autoptr (GError) error = NULL;

  vmroot_host_release (fixture->host, domain, NULL, &error);
  g_assert_no_error (error);
}

static void
assert_refused (Fixture *fixture, VmrootDomain *domain, VmrootError code, const gchar *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (vmroot_host_prepare (fixture->host, domain, NULL, &error));
  g_assert_error (error, VMROOT_ERROR, (gint)code);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, words));
}

static guint
count_roots (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) roots = vmroot_host_list_roots (fixture->host, &error);

  g_assert_no_error (error);
  return roots->len;
}

static void
assert_nothing_left (Fixture *fixture, const gchar *uuid)
{
  g_autofree gchar *journal = g_build_filename ("/run/vmroot/guests", uuid, NULL);
  g_autofree gchar *policy = g_strconcat ("/run/vmroot/virtiofs/", uuid, ".conf", NULL);

  g_assert_false (exists (fixture, journal));
  g_assert_false (exists (fixture, policy));
}

static void
assert_all_there (Fixture *fixture, const gchar *uuid)
{
  g_autofree gchar *journal = g_build_filename ("/run/vmroot/guests", uuid, NULL);
  g_autofree gchar *policy = g_strconcat ("/run/vmroot/virtiofs/", uuid, ".conf", NULL);
  g_autofree gchar *kernel = g_build_filename ("/var/lib/vmroot/boot", uuid, "kernel", NULL);

  g_assert_true (exists (fixture, journal));
  g_assert_true (exists (fixture, policy));
  g_assert_true (exists (fixture, kernel));
}

static void
test_a_guest_is_prepared_and_released (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootDomain) domain = new_domain ("alpha", UUID_A, "/export/a");
  g_autoptr (GPtrArray) roots = NULL;
  VmrootGuestRoot *root;

  assert_prepared (fixture, domain);
  assert_all_there (fixture, UUID_A);
  roots = vmroot_host_list_roots (fixture->host, NULL);
  g_assert_cmpuint (roots->len, ==, 1);
  root = g_ptr_array_index (roots, 0);
  g_assert_cmpstr (vmroot_guest_root_get_uuid (root), ==, UUID_A);
  g_assert_cmpstr (vmroot_guest_root_get_name (root), ==, "alpha");
  g_assert_cmpstr (vmroot_guest_root_get_directory (root), ==, "/export/a");
  g_assert_cmpint (vmroot_guest_root_get_transport (root), ==, VMROOT_TRANSPORT_VIRTIOFS);
  g_assert_true (vmroot_guest_root_get_complete (root));
  g_assert_nonnull (vmroot_guest_root_get_since (root));

  assert_released (fixture, domain);
  assert_nothing_left (fixture, UUID_A);
  g_assert_true (exists (fixture, "/var/lib/vmroot/boot/" UUID_A "/kernel"));
  g_assert_cmpuint (count_roots (fixture), ==, 0);
}

static void
test_doing_it_again_does_no_harm (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootDomain) domain = new_domain ("alpha", UUID_A, "/export/a");

  assert_released (fixture, domain);
  assert_prepared (fixture, domain);
  assert_prepared (fixture, domain);
  assert_all_there (fixture, UUID_A);
  assert_released (fixture, domain);
  assert_released (fixture, domain);
  assert_nothing_left (fixture, UUID_A);
}

static void
test_only_root_may_look (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootDomain) domain = new_domain ("alpha", UUID_A, "/export/a");
  const gchar *const directories[] = { "/run/vmroot/guests", "/run/vmroot/virtiofs",
                                       "/run/vmroot/locks" };
  g_autofree gchar *boot = vmroot_context_path (fixture->context, "/var/lib/vmroot/boot/" UUID_A);
  struct stat st;

  assert_prepared (fixture, domain);
  for (gsize i = 0; i < G_N_ELEMENTS (directories); i++)
    {
      g_autofree gchar *path = vmroot_context_path (fixture->context, directories[i]);

      g_assert_no_errno (stat (path, &st));
      g_assert_cmpuint (st.st_mode & 0077, ==, 0);
    }

  /* But QEMU's user may walk to the kernel. */
  g_assert_no_errno (stat (boot, &st));
  g_assert_cmpuint (st.st_mode & 0777, ==, 0711);
}

static void
test_directories_must_be_allowed (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const gchar *directory;
    VmrootError code;
  } cases[] = {
    { "/srv/other", VMROOT_ERROR_NOT_ALLOWED },
    { "/export", VMROOT_ERROR_NOT_ALLOWED },
    { "/export/away", VMROOT_ERROR_NOT_ALLOWED },
    { "/export/a/usr/share", VMROOT_ERROR_INVALID_DIRECTORY },
    { "/export/file", VMROOT_ERROR_INVALID_DIRECTORY },
  };

  add_link (fixture, "/export/away", "../srv/other");
  add_file (fixture, "/export/file", "", 0644);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (VmrootDomain) domain = new_domain ("alpha", UUID_A, cases[i].directory);

      assert_refused (fixture, domain, cases[i].code, cases[i].directory);
      assert_nothing_left (fixture, UUID_A);
    }
}

static void
test_the_refusal_says_what_to_change (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootDomain) domain = new_domain ("alpha", UUID_A, "/srv/other");

  assert_refused (fixture, domain, VMROOT_ERROR_NOT_ALLOWED, "allowed-directories in ");
  add_file (fixture, "/etc/vmroot/vmroot.conf", "[host]\nallowed-directories=/srv\n", 0644);
  assert_prepared (fixture, domain);
}

static void
test_a_link_to_an_allowed_directory_is_fine (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootDomain) domain = new_domain ("alpha", UUID_A, "/srv/link");

  add_link (fixture, "/srv/link", "../export/a");
  assert_prepared (fixture, domain);
}

typedef struct
{
  const gchar *directory;
  gboolean read_only;
  gboolean ephemeral;
  const gchar *share;
  gboolean share_is_read_only;
} Wish;

static VmrootDomain *
new_domain_for_wish (const gchar *name, const gchar *uuid, const Wish *wish)
{
  g_autoptr (VmrootSpec) spec = vmroot_spec_new (wish->directory);

  vmroot_spec_set_read_only (spec, wish->read_only);
  vmroot_spec_set_ephemeral (spec, wish->ephemeral);
  if (wish->share != NULL)
    {
      g_autoptr (VmrootShare) share =
          vmroot_share_new (wish->share, "/mnt", wish->share_is_read_only);

      vmroot_spec_add_share (spec, share);
    }
  return new_domain_with_spec (name, uuid, spec);
}

static void
test_one_guest_writes_to_a_tree (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    Wish first;
    Wish second;
    gboolean may_be;
  } cases[] = {
    { { "/export/a" }, { "/export/b" }, TRUE },
    { { "/export/a" }, { "/export/a" }, FALSE },
    { { "/export/a" }, { "/export/link" }, FALSE },
    { { "/export/a" }, { "/export/a", .read_only = TRUE }, FALSE },
    { { "/export/a", .read_only = TRUE }, { "/export/a" }, FALSE },
    { { "/export/a", .read_only = TRUE }, { "/export/a", .read_only = TRUE }, TRUE },
    { { "/export/a", .read_only = TRUE }, { "/export/a", .ephemeral = TRUE }, TRUE },
    /* One guest's tree inside another's. */
    { { "/export/a" }, { "/export/a/home/b" }, FALSE },
    { { "/export/a/home/b" }, { "/export/a" }, FALSE },
    { { "/export/a", .read_only = TRUE }, { "/export/a/home/b" }, FALSE },
    { { "/export/a", .read_only = TRUE }, { "/export/a/home/b", .read_only = TRUE }, TRUE },
    /* Shares. */
    { { "/export/a", .share = "/export/s" }, { "/export/b", .share = "/export/s" }, TRUE },
    { { "/export/a", .share = "/export/s" }, { "/export/s" }, FALSE },
    { { "/export/a", .share = "/export/b", .share_is_read_only = TRUE }, { "/export/b" }, FALSE },
    { { "/export/a", .share = "/export/s" }, { "/export/s/t" }, FALSE },
    { { "/export/a", .share = "/export/s/t" }, { "/export/b", .share = "/export/s" }, FALSE },
  };

  add_link (fixture, "/export/link", "a");
  add_directory (fixture, "/export/a/home/b");
  add_directory (fixture, "/export/s/t");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (VmrootDomain) first = new_domain_for_wish ("alpha", UUID_A, &cases[i].first);
      g_autoptr (VmrootDomain) second = new_domain_for_wish ("beta", UUID_B, &cases[i].second);

      g_test_message ("case %" G_GSIZE_FORMAT, i);
      assert_prepared (fixture, first);
      if (cases[i].may_be)
        assert_prepared (fixture, second);
      else
        assert_refused (fixture, second, VMROOT_ERROR_IN_USE, "in use by the guest alpha");

      assert_released (fixture, first);
      assert_prepared (fixture, second);
      assert_released (fixture, second);
    }
}

static void
test_shares_follow_the_policy_too (Fixture *fixture, gconstpointer data)
{
  const Wish outside = { "/export/a", .share = "/srv/other" };
  const Wish inside = { "/export/a", .share = "/export/a/home" };
  g_autoptr (VmrootDomain) outside_domain = new_domain_for_wish ("alpha", UUID_A, &outside);
  g_autoptr (VmrootDomain) inside_domain = new_domain_for_wish ("alpha", UUID_A, &inside);

  add_directory (fixture, "/export/a/home");
  assert_refused (fixture, outside_domain, VMROOT_ERROR_NOT_ALLOWED, "/srv/other");
  assert_refused (fixture, inside_domain, VMROOT_ERROR_NOT_ALLOWED, "one inside the other");
}

/* As in the article: something that the host has mounted inside the guest's root. */
static void
test_what_is_mounted_inside_the_root_may_be_shared (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/a");
  g_autoptr (VmrootShare) share = vmroot_share_new ("/export/a/packages", "/packages", TRUE);
  g_autoptr (VmrootConfiguration) configuration =
      vmroot_configuration_load (fixture->context, NULL);
  g_autofree gchar *inside = vmroot_context_path (fixture->context, "/export/a/packages");
  g_autofree gchar *outside = vmroot_context_path (fixture->context, "/srv/other");

  if (!can_mount)
    {
      g_test_skip ("mounting takes root");
      return;
    }
  add_directory (fixture, "/export/a/packages");
  vmroot_spec_set_transport (spec, VMROOT_TRANSPORT_NFS);
  vmroot_spec_add_share (spec, share);
  for (gint mounted = FALSE; mounted <= TRUE; mounted++)
    {
      g_autoptr (GPtrArray) directories =
          g_ptr_array_new_with_free_func ((GDestroyNotify)vmroot_served_directory_free);
      g_autoptr (GError) error = NULL;
      gboolean opened;

      if (mounted)
        g_assert_no_errno (mount (outside, inside, NULL, MS_BIND, NULL));
      opened =
          vmroot_host_open_directories (fixture->host, configuration, spec, directories, &error);
      g_assert_cmpint (opened, ==, mounted);
      if (!mounted)
        g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_NOT_ALLOWED);
    }
  g_assert_no_errno (umount2 (inside, MNT_DETACH));
}

static void
test_what_fails_is_undone (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootDomain) domain = new_domain ("alpha", UUID_A, "/export/a");
  g_autofree gchar *virtiofsd = vmroot_context_path (fixture->context, "/usr/libexec/virtiofsd");

  fixture->host->build_boot_image = fail_to_build;
  assert_refused (fixture, domain, VMROOT_ERROR_NO_KERNEL, "no kernel");
  assert_nothing_left (fixture, UUID_A);

  fixture->host->build_boot_image = build_boot_image;
  g_assert_no_errno (g_unlink (virtiofsd));
  assert_refused (fixture, domain, VMROOT_ERROR_NO_VIRTIOFSD, "has no virtiofsd");
  assert_nothing_left (fixture, UUID_A);
}

static void
test_a_clone_is_refused (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootDomain) domain = new_domain ("alpha", UUID_A, "/export/a");
  g_autofree gchar *xml = vmroot_domain_to_xml (domain);
  g_autoptr (GString) clone_xml = g_string_new (xml);
  g_autoptr (VmrootDomain) clone = NULL;

  g_string_replace (clone_xml, "<uuid>" UUID_A, "<uuid>" UUID_B, 0);
  clone = vmroot_domain_new_from_xml (clone_xml->str, NULL);
  assert_refused (fixture, clone, VMROOT_ERROR_FOREIGN_UUID, "");
  assert_nothing_left (fixture, UUID_B);
}

/* --- Killed at each step --- */

typedef enum
{
  PREPARE,
  RELEASE,
  RECONCILE,
  N_OPERATIONS
} Operation;

typedef struct
{
  gint countdown;
  gboolean kill;
} Stop;

static gboolean
stop_at (const gchar *point, gpointer user_data, GError **error)
{
  Stop *stop = user_data;

  if (stop->countdown-- != 0)
    return TRUE;
  if (stop->kill)
    raise (SIGKILL);

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "stopped at %s", point);
  return FALSE;
}

static gboolean
operate (Fixture *fixture, VmrootDomain *domain, Operation operation, GError **error)
{
  g_autoptr (GPtrArray) done = NULL;

  switch (operation)
    {
    case PREPARE:
      return vmroot_host_prepare (fixture->host, domain, NULL, error);
    case RELEASE:
      return vmroot_host_release (fixture->host, domain, NULL, error);
    default:
      done = vmroot_host_reconcile (fixture->host, NULL, error);
      return done != NULL;
    }
}

/* In a child of ours, which ends itself at the point `countdown`. TRUE: it got to the end before.
 */
static gboolean
operate_and_be_killed (Fixture *fixture, VmrootDomain *domain, Operation operation, gint countdown)
{
  Stop stop = { countdown, TRUE };
  const pid_t child = fork ();
  int status;

  if (child == 0)
    {
      vmroot_context_set_reached_func (fixture->context, stop_at, &stop);
      _exit (operate (fixture, domain, operation, NULL) ? 0 : 1);
    }

  g_assert_no_errno (waitpid (child, &status, 0));
  if (WIFSIGNALED (status))
    return FALSE;

  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  return TRUE;
}

/* Long after whatever was prepared: nothing can be starting any more. */
static void
let_time_pass (Fixture *fixture)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autoptr (GDateTime) later = g_date_time_add_hours (now, 1);

  vmroot_context_set_now (fixture->context, later);
}

static void
assert_settled (Fixture *fixture, Operation operation)
{
  if (operation == PREPARE)
    {
      assert_all_there (fixture, UUID_A);
      g_assert_cmpuint (count_roots (fixture), ==, 1);
      return;
    }

  assert_nothing_left (fixture, UUID_A);
  g_assert_cmpuint (count_roots (fixture), ==, 0);
}

/*
 * Every point of every operation, found by counting until the operation gets to its end, followed
 * by every operation: so a step that is added later is tested too.
 */
static void
test_whoever_comes_after_a_killed_one_finishes_or_undoes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootDomain) domain = new_domain ("alpha", UUID_A, "/export/a");
  guint n_points = 0;

  for (Operation killed = 0; killed < N_OPERATIONS; killed++)
    for (Operation next = 0; next < N_OPERATIONS; next++)
      for (gint countdown = 0;; countdown++)
        {
          g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
          g_autoptr (GError) error = NULL;
          gboolean got_to_the_end;

          vmroot_context_set_now (fixture->context, now);
          assert_released (fixture, domain);
          if (killed != PREPARE)
            assert_prepared (fixture, domain);
          if (killed == RECONCILE)
            let_time_pass (fixture);

          got_to_the_end = operate_and_be_killed (fixture, domain, killed, countdown);
          let_time_pass (fixture);
          operate (fixture, domain, next, &error);
          g_assert_no_error (error);
          assert_settled (fixture, next);
          if (got_to_the_end)
            break;
          n_points++;
        }

  g_test_message ("%u points", n_points);
  g_assert_cmpuint (n_points, >=, 3 * (6 + 5 + 5));
}

static void
test_what_is_stopped_undoes_itself (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootDomain) domain = new_domain ("alpha", UUID_A, "/export/a");
  gint countdown;

  for (countdown = 0;; countdown++)
    {
      Stop stop = { countdown, FALSE };
      g_autoptr (GError) error = NULL;
      gboolean prepared;

      vmroot_context_set_reached_func (fixture->context, stop_at, &stop);
      prepared = vmroot_host_prepare (fixture->host, domain, NULL, &error);
      vmroot_context_set_reached_func (fixture->context, NULL, NULL);
      if (prepared)
        break;

      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      assert_released (fixture, domain);
      assert_nothing_left (fixture, UUID_A);
    }
  g_assert_cmpint (countdown, >=, 6);
}

static void
test_another_directory_undoes_what_was_for_the_first (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootDomain) before = new_domain ("alpha", UUID_A, "/export/a");
  g_autoptr (VmrootDomain) after = new_domain ("alpha", UUID_A, "/export/b");
  g_autoptr (VmrootDomain) other = new_domain ("beta", UUID_B, "/export/a");

  assert_prepared (fixture, before);
  assert_prepared (fixture, after);
  assert_prepared (fixture, other);
  g_assert_cmpuint (count_roots (fixture), ==, 2);
}

/* --- Reconciling --- */

/* As libvirt has it while the domain runs as the process `pid`. */
static void
add_running (Fixture *fixture, VmrootDomain *domain, gint pid)
{
  g_autofree gchar *xml = vmroot_domain_to_xml (domain);
  g_autofree gchar *name = vmroot_domain_get_name (domain);
  const gchar *document = strstr (xml, "<domain ");
  g_autofree gchar *status =
      g_strdup_printf ("<!-- generated -->\n<domstatus state='running' pid='%d'>"
                       "<monitor path='x'/>%s</domstatus>\n",
                       pid, document);
  g_autofree gchar *status_path = g_strdup_printf ("/run/libvirt/qemu/%s.xml", name);
  g_autofree gchar *pid_path = g_strdup_printf ("/run/libvirt/qemu/%s.pid", name);
  g_autofree gchar *pid_text = g_strdup_printf ("%d\n", pid);

  add_file (fixture, status_path, status, 0600);
  add_file (fixture, pid_path, pid_text, 0600);
}

static guint
reconcile (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) done = vmroot_host_reconcile (fixture->host, NULL, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < done->len; i++)
    g_test_message ("%s", (const gchar *)g_ptr_array_index (done, i));
  return done->len;
}

static void
test_guests_that_stopped_are_released (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootDomain) running = new_domain ("alpha", UUID_A, "/export/a");
  g_autoptr (VmrootDomain) crashed = new_domain ("beta", UUID_B, "/export/b");
  const pid_t ended = fork ();

  if (ended == 0)
    _exit (0);
  g_assert_no_errno (waitpid (ended, NULL, 0));

  assert_prepared (fixture, running);
  assert_prepared (fixture, crashed);
  add_running (fixture, running, getpid ());
  add_running (fixture, crashed, ended);
  let_time_pass (fixture);

  g_assert_cmpuint (reconcile (fixture), ==, 1);
  assert_all_there (fixture, UUID_A);
  assert_nothing_left (fixture, UUID_B);
  g_assert_cmpuint (reconcile (fixture), ==, 0);
}

static void
test_guests_that_start_are_left_alone (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootDomain) domain = new_domain ("alpha", UUID_A, "/export/a");

  assert_prepared (fixture, domain);
  g_assert_cmpuint (reconcile (fixture), ==, 0);
  assert_all_there (fixture, UUID_A);

  let_time_pass (fixture);
  g_assert_cmpuint (reconcile (fixture), ==, 1);
  assert_nothing_left (fixture, UUID_A);
}

static void
test_what_running_guests_lost_is_restored (Fixture *fixture, gconstpointer data)
{
  const gchar *const lost[] = { "/run/vmroot/guests/" UUID_A,
                                "/run/vmroot/virtiofs/" UUID_A ".conf" };
  g_autoptr (VmrootDomain) domain = new_domain ("alpha", UUID_A, "/export/a");

  assert_prepared (fixture, domain);
  add_running (fixture, domain, getpid ());
  for (gsize i = 0; i < G_N_ELEMENTS (lost); i++)
    {
      g_assert_true (vmroot_context_remove_file (fixture->context, lost[i], NULL));
      g_assert_cmpuint (reconcile (fixture), ==, 1);
      assert_all_there (fixture, UUID_A);
      g_assert_cmpuint (reconcile (fixture), ==, 0);
    }
}

static void
test_a_running_guest_keeps_its_claim (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootDomain) domain = new_domain ("alpha", UUID_A, "/export/a");
  g_autoptr (GError) error = NULL;
  g_autofree gchar *virtiofsd = vmroot_context_path (fixture->context, "/usr/libexec/virtiofsd");

  assert_prepared (fixture, domain);
  g_assert_true (
      vmroot_context_remove_file (fixture->context, "/run/vmroot/virtiofs/" UUID_A ".conf", NULL));
  g_assert_no_errno (g_unlink (virtiofsd));

  g_assert_false (vmroot_host_repair (fixture->host, domain, NULL, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_VIRTIOFSD);
  g_assert_cmpuint (count_roots (fixture), ==, 1);
}

static void
test_a_running_guest_s_kernel_is_left_alone (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootDomain) domain = new_domain ("alpha", UUID_A, "/export/a");
  g_autoptr (GError) error = NULL;

  fixture->host->build_boot_image = fail_to_build;
  vmroot_host_repair (fixture->host, domain, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (count_roots (fixture), ==, 1);
}

static void
test_boot_images_of_unknown_guests_are_removed (Fixture *fixture, gconstpointer data)
{
  add_file (fixture, "/var/lib/vmroot/boot/" UUID_A "/kernel", "", 0644);
  add_file (fixture, "/var/lib/vmroot/boot/" UUID_B "/kernel", "", 0644);
  add_file (fixture, "/var/lib/vmroot/boot/README", "", 0644);

  g_assert_cmpuint (reconcile (fixture), ==, 0);
  add_file (fixture, "/etc/libvirt/qemu/alpha.xml", "<domain><uuid>" UUID_A "</uuid></domain>",
            0600);
  g_assert_cmpuint (reconcile (fixture), ==, 1);
  g_assert_true (exists (fixture, "/var/lib/vmroot/boot/" UUID_A "/kernel"));
  g_assert_false (exists (fixture, "/var/lib/vmroot/boot/" UUID_B));
  g_assert_true (exists (fixture, "/var/lib/vmroot/boot/README"));
}

static void
test_a_journal_that_cannot_be_read_is_not_ignored (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootDomain) domain = new_domain ("alpha", UUID_A, "/export/a");

  add_file (fixture, "/run/vmroot/guests/" UUID_B, "[guest]\nname=beta\n", 0600);
  assert_refused (fixture, domain, VMROOT_ERROR_FAILED, UUID_B);
}

/* --- Checking --- */

static gboolean
finds_for (Fixture *fixture, const gchar *uuid, const gchar *directory, const gchar *id)
{
  g_autoptr (VmrootSpec) spec = vmroot_spec_new (directory);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) findings = vmroot_host_check (fixture->host, spec, uuid, NULL, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < findings->len; i++)
    {
      VmrootFinding *finding = g_ptr_array_index (findings, i);

      g_assert_nonnull (vmroot_finding_get_title (finding));
      g_assert_nonnull (vmroot_finding_get_detail (finding));
      g_assert_nonnull (vmroot_finding_get_fix (finding));
      if (g_str_equal (vmroot_finding_get_id (finding), id))
        return TRUE;
    }

  return FALSE;
}

static gboolean
finds (Fixture *fixture, const gchar *directory, const gchar *id)
{
  return finds_for (fixture, NULL, directory, id);
}

static gboolean
answer_help (const gchar *const *argv, gchar **standard_output, gpointer user_data, GError **error)
{
  *standard_output = g_strdup ("-o source=PATH");
  return TRUE;
}

/* In the directory for temporary ones. */
static gboolean
anybody_may_use_devices (void)
{
  const gboolean is_usual =
      g_str_equal (g_get_tmp_dir (), "/tmp") || g_str_equal (g_get_tmp_dir (), "/dev/shm");
  struct statvfs status;

  g_assert_no_errno (statvfs (g_get_tmp_dir (), &status));
  return is_usual && (status.f_flag & (ST_NODEV | ST_NOSUID)) != (ST_NODEV | ST_NOSUID);
}

static void
test_check_finds_what_is_wrong (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootDomain) domain = new_domain ("alpha", UUID_A, "/export/a");
  g_autofree gchar *export = vmroot_context_path (fixture->context, "/export");
  g_autofree gchar *virtiofsd = vmroot_context_path (fixture->context, "/usr/libexec/virtiofsd");

  vmroot_context_set_run_func (fixture->context, answer_help, NULL);
  g_assert_true (finds (fixture, "/srv/other", "directory-not-allowed"));
  g_assert_true (finds (fixture, "/export/gone", "directory-missing"));
  g_assert_false (finds (fixture, "/export/a", "directory-not-allowed"));

  g_assert_false (finds (fixture, "/export/a", "in-use"));
  assert_prepared (fixture, domain);
  g_assert_true (finds (fixture, "/export/a", "in-use"));
  g_assert_true (finds_for (fixture, UUID_B, "/export/a", "in-use"));
  g_assert_false (finds_for (fixture, UUID_A, "/export/a", "in-use"));

  g_assert_true (finds (fixture, "/export/a", "hook-not-installed"));
  add_directory (fixture, "/etc/libvirt/hooks/qemu.d");
  add_file (fixture, VMROOT_HOOKDIR "/vmroot-hook", "", 0755);
  g_assert_true (finds (fixture, "/export/a", "hook-not-installed"));
  add_link (fixture, "/etc/libvirt/hooks/qemu.d/vmroot", VMROOT_HOOKDIR "/vmroot-hook");
  g_assert_false (finds (fixture, "/export/a", "hook-not-installed"));

  g_assert_true (finds (fixture, "/export/a", "no-wrapper"));
  add_file (fixture, VMROOT_WRAPPERDIR "/vmroot-virtiofsd", "", 0755);
  g_assert_false (finds (fixture, "/export/a", "no-wrapper"));

  g_assert_false (finds (fixture, "/export/a", "no-virtiofsd"));
  g_assert_no_errno (g_unlink (virtiofsd));
  g_assert_true (finds (fixture, "/export/a", "no-virtiofsd"));

  /* The temporary directory is closed to others; only what is open all the way is exposed. */
  g_assert_false (finds (fixture, "/export/a", "tree-exposed"));
  g_assert_no_errno (g_chmod (fixture->sysroot, 0755));
  g_assert_cmpint (finds (fixture, "/export/a", "tree-exposed"), ==, anybody_may_use_devices ());
  g_assert_no_errno (g_chmod (export, 0700));
  g_assert_false (finds (fixture, "/export/a", "tree-exposed"));
}

int
main (int argc, char **argv)
{
  can_mount =
      unshare (CLONE_NEWNS) == 0 && mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)
  ADD ("/host/prepare-and-release", test_a_guest_is_prepared_and_released);
  ADD ("/host/again", test_doing_it_again_does_no_harm);
  ADD ("/host/modes", test_only_root_may_look);
  ADD ("/host/policy/directories", test_directories_must_be_allowed);
  ADD ("/host/policy/message", test_the_refusal_says_what_to_change);
  ADD ("/host/policy/link", test_a_link_to_an_allowed_directory_is_fine);
  ADD ("/host/policy/shares", test_shares_follow_the_policy_too);
  ADD ("/host/policy/nested-mount", test_what_is_mounted_inside_the_root_may_be_shared);
  ADD ("/host/claims", test_one_guest_writes_to_a_tree);
  ADD ("/host/clone", test_a_clone_is_refused);
  ADD ("/host/failure", test_what_fails_is_undone);
  ADD ("/host/killed", test_whoever_comes_after_a_killed_one_finishes_or_undoes);
  ADD ("/host/stopped", test_what_is_stopped_undoes_itself);
  ADD ("/host/changed", test_another_directory_undoes_what_was_for_the_first);
  ADD ("/host/reconcile/stopped", test_guests_that_stopped_are_released);
  ADD ("/host/reconcile/starting", test_guests_that_start_are_left_alone);
  ADD ("/host/reconcile/lost", test_what_running_guests_lost_is_restored);
  ADD ("/host/reconcile/boot-images", test_boot_images_of_unknown_guests_are_removed);
  ADD ("/host/repair/claim", test_a_running_guest_keeps_its_claim);
  ADD ("/host/repair/kernel", test_a_running_guest_s_kernel_is_left_alone);
  ADD ("/host/journal", test_a_journal_that_cannot_be_read_is_not_ignored);
  ADD ("/host/check", test_check_finds_what_is_wrong);
  return g_test_run ();
}
