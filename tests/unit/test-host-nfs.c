/* SPDX-License-Identifier: GPL-2.0-or-later */

/* VmrootHost with guests over NFS: they have more to be undone, and can go to another host. */

#include "config.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "fake-exportfs.h"
#include "fake-tree.h"
#include "vmroot-error.h"
#include "vmroot-exports-private.h"
#include "vmroot-host-private.h"
#include "vmroot-share-mount-private.h"

#define UUID "6d3d3a7e-2b1f-4f0e-9a56-0f3b8a0f1c11"
#define CLIENT "10.0.9.5"
#define SERVER "10.0.255.1"
#define FILE_HERE "/etc/exports.d/vmroot-" UUID ".exports"
#define FILE_AWAY "/etc/exports.d/vmroot-migrated-" UUID ".exports"
#define JOURNAL "/run/vmroot/guests/" UUID
#define RECORD "/var/lib/vmroot/migrated/" UUID

/* In namespaces of our own, in which SERVER is an address of this host. */
static gboolean can_mount;

/* A host with an NFS server, and a guest with a root and a share. */
typedef struct
{
  FakeTree *sysroot;
  VmrootContext *context;
  VmrootHost *host;
  VmrootDomain *domain;
} Fixture;

static gboolean
build_boot_image (const VmrootServedDirectory *root,
                  VmrootSpec *spec,
                  const gchar *directory,
                  GCancellable *cancellable,
                  GError **error)
{
  return TRUE;
}

static VmrootDomain *
new_domain_with_share (const gchar *name,
                       const gchar *uuid,
                       const gchar *directory,
                       const gchar *address,
                       const gchar *share_directory)
{
  g_autofree gchar *xml =
      g_strdup_printf ("<domain type='kvm' id='3'><name>%s</name><uuid>%s</uuid>"
                       "<os><type>hvm</type></os><devices/></domain>",
                       name, uuid);
  g_autoptr (VmrootSpec) spec = vmroot_spec_new (directory);
  g_autoptr (VmrootDomain) domain = NULL;
  g_autoptr (GError) error = NULL;

  vmroot_spec_set_transport (spec, VMROOT_TRANSPORT_NFS);
  vmroot_spec_set_network (spec, "default");
  vmroot_spec_set_mac_address (spec, "52:54:00:12:34:56");
  vmroot_spec_set_address (spec, address);
  vmroot_spec_set_server (spec, SERVER);
  if (can_mount && share_directory != NULL)
    {
      g_autoptr (VmrootShare) share = vmroot_share_new (share_directory, "/mnt", TRUE);

      vmroot_spec_add_share (spec, share);
    }
  domain = vmroot_domain_new_from_xml (xml, &error);
  g_assert_no_error (error);
  vmroot_domain_set_spec (domain, spec, &error);
  g_assert_no_error (error);
  return g_steal_pointer (&domain);
}

static VmrootDomain *
new_domain (const gchar *name, const gchar *uuid, const gchar *directory, const gchar *address)
{
  return new_domain_with_share (name, uuid, directory, address, "/export/packages");
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->sysroot = fake_tree_new ();
  /* Which can be exported, and has no disk to wait for. */
  if (can_mount)
    g_assert_no_errno (mount ("tmpfs", fixture->sysroot, "tmpfs", 0, "mode=0755"));
  fixture->context = vmroot_context_new (fixture->sysroot);
  fixture->host = vmroot_host_new_for_context (fixture->context);
  fixture->host->build_boot_image = build_boot_image;
  fixture->domain = new_domain ("alpha", UUID, "/export/a", CLIENT "/16");
  fake_tree_make_directory (fixture->sysroot, "/export/a");
  fake_tree_make_directory (fixture->sysroot, "/export/b");
  fake_tree_make_directory (fixture->sysroot, "/export/packages");
  fake_exportfs_install (fixture->context);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_auto (GStrv) places = vmroot_share_mount_list (fixture->context);

  for (guint i = 0; places[i] != NULL; i++)
    g_assert_true (vmroot_share_mount_undo (fixture->context, places[i], NULL));
  g_object_unref (fixture->domain);
  g_object_unref (fixture->host);
  vmroot_context_unref (fixture->context);
  if (can_mount)
    g_assert_no_errno (umount2 (fixture->sysroot, MNT_DETACH));
  fake_tree_free (fixture->sysroot);
}

static gboolean
exists (Fixture *fixture, const gchar *path)
{
  g_autofree gchar *full_path = vmroot_context_path (fixture->context, path);

  return g_file_test (full_path, G_FILE_TEST_EXISTS);
}

static gchar *
read_etab (Fixture *fixture)
{
  g_autofree gchar *path = vmroot_context_path (fixture->context, FAKE_ETAB);
  gchar *etab = NULL;

  g_assert_true (g_file_get_contents (path, &etab, NULL, NULL));
  return etab;
}

static guint
count_exports (Fixture *fixture)
{
  g_autofree gchar *etab = read_etab (fixture);
  g_autoptr (GPtrArray) exports = vmroot_exports_list (etab);

  g_assert_true (g_str_has_prefix (etab, FAKE_ETAB_OF_OTHERS));
  return exports->len - 1;
}

static void
assert_exported (Fixture *fixture)
{
  g_auto (GStrv) places = vmroot_share_mount_list (fixture->context);

  g_assert_cmpuint (count_exports (fixture), ==, 2);
  g_assert_cmpuint (g_strv_length (places), ==, 1);
}

static void
assert_here (Fixture *fixture)
{
  const gboolean recorded = exists (fixture, RECORD);

  assert_exported (fixture);
  g_assert_cmpint (exists (fixture, FILE_HERE), ==, !recorded);
  g_assert_cmpint (exists (fixture, FILE_AWAY), ==, recorded);
  g_assert_true (exists (fixture, JOURNAL));
}

static void
assert_away (Fixture *fixture)
{
  assert_exported (fixture);
  g_assert_true (exists (fixture, FILE_AWAY));
  g_assert_false (exists (fixture, FILE_HERE));
  g_assert_true (exists (fixture, RECORD));
  g_assert_false (exists (fixture, JOURNAL));
}

static void
assert_nothing_left (Fixture *fixture)
{
  g_auto (GStrv) places = vmroot_share_mount_list (fixture->context);

  g_assert_cmpuint (count_exports (fixture), ==, 0);
  g_assert_cmpuint (g_strv_length (places), ==, 0);
  g_assert_false (exists (fixture, FILE_HERE));
  g_assert_false (exists (fixture, FILE_AWAY));
  g_assert_false (exists (fixture, JOURNAL));
  g_assert_false (exists (fixture, RECORD));
}

typedef enum
{
  PREPARE,
  RELEASE,
  MIGRATE,
  RECONCILE,
  N_OPERATIONS
} Operation;

static gboolean
operate (Fixture *fixture, Operation operation, GError **error)
{
  g_autoptr (GPtrArray) done = NULL;

  switch (operation)
    {
    case PREPARE:
      return vmroot_host_prepare (fixture->host, fixture->domain, NULL, error);
    case RELEASE:
      return vmroot_host_release (fixture->host, fixture->domain, NULL, error);
    case MIGRATE:
      return vmroot_host_release_after (fixture->host, fixture->domain, "migrated", NULL, error);
    default:
      done = vmroot_host_reconcile (fixture->host, NULL, error);
      for (guint i = 0; done != NULL && i < done->len; i++)
        g_test_message ("%s", (const gchar *)g_ptr_array_index (done, i));
      return done != NULL;
    }
}

static void
assert_done (Fixture *fixture, Operation operation)
{
  g_autoptr (GError) error = NULL;

  operate (fixture, operation, &error);
  g_assert_no_error (error);
}

/* Skips without root. */
static gboolean
prepare_or_skip (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  if (!can_mount)
    {
      g_test_skip ("namespaces of our own take root");
      return FALSE;
    }
  operate (fixture, PREPARE, &error);
  g_assert_no_error (error);
  return TRUE;
}

static void
let_time_pass (Fixture *fixture, gint hours)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autoptr (GDateTime) later = g_date_time_add_hours (now, hours);

  vmroot_context_set_now (fixture->context, later);
}

/* As libvirt has it. */
static void
set_running (Fixture *fixture, gboolean running, const gchar *job)
{
  g_autofree gchar *xml = vmroot_domain_to_xml (fixture->domain);
  g_autofree gchar *status = g_strdup_printf ("<domstatus state='running'>%s%s</domstatus>", job,
                                              strstr (xml, "<domain "));
  g_autofree gchar *pid = g_strdup_printf ("%d\n", running ? getpid () : 0);

  fake_tree_write (fixture->sysroot, "/run/libvirt/qemu/alpha.xml", status);
  fake_tree_write (fixture->sysroot, "/run/libvirt/qemu/alpha.pid", pid);
}

/* What is gone after a reboot, and what systemd-tmpfiles removes. */
static void
reboot (Fixture *fixture)
{
  g_auto (GStrv) places = vmroot_share_mount_list (fixture->context);

  for (guint i = 0; places[i] != NULL; i++)
    g_assert_true (vmroot_share_mount_undo (fixture->context, places[i], NULL));
  g_assert_true (vmroot_context_remove_file (fixture->context, JOURNAL, NULL));
  g_assert_true (vmroot_context_remove_file (fixture->context, FILE_HERE, NULL));
  fake_tree_write (fixture->sysroot, FAKE_ETAB, FAKE_ETAB_OF_OTHERS);
  set_running (fixture, FALSE, "");
}

/* --- Killed at each step --- */

static gboolean
stop_at (const gchar *point, gpointer countdown, GError **error)
{
  if ((*(gint *)countdown)-- == 0)
    raise (SIGKILL);
  return TRUE;
}

/* TRUE: it got to the end before. */
static gboolean
operate_and_be_killed (Fixture *fixture, Operation operation, gint countdown)
{
  const pid_t child = fork ();
  int status;

  if (child == 0)
    {
      vmroot_context_set_reached_func (fixture->context, stop_at, &countdown);
      _exit (operate (fixture, operation, NULL) ? 0 : 1);
    }

  g_assert_no_errno (waitpid (child, &status, 0));
  if (WIFSIGNALED (status))
    return FALSE;
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  return TRUE;
}

static void
assert_settled (Fixture *fixture, Operation next)
{
  if (next == PREPARE)
    assert_here (fixture);
  else if (next == RELEASE)
    assert_nothing_left (fixture);
  else if (exists (fixture, RECORD))
    assert_away (fixture);
  else
    assert_nothing_left (fixture);
}

/* Every point of every operation, from here and from away, followed by every operation. */
static void
test_killed (Fixture *fixture, gconstpointer data)
{
  guint n_points = 0;

  if (!prepare_or_skip (fixture))
    return;

  for (gint away = FALSE; away <= TRUE; away++)
    for (Operation killed = 0; killed < N_OPERATIONS; killed++)
      for (Operation next = 0; next < N_OPERATIONS; next++)
        for (gint countdown = 0;; countdown++)
          {
            gboolean got_to_the_end;

            let_time_pass (fixture, 0);
            assert_done (fixture, RELEASE);
            assert_nothing_left (fixture);
            if (killed != PREPARE || away)
              assert_done (fixture, PREPARE);
            if (away)
              assert_done (fixture, MIGRATE);
            if (killed == RECONCILE && away)
              fake_tree_write (fixture->sysroot, FAKE_ETAB, FAKE_ETAB_OF_OTHERS);
            if (killed == RECONCILE)
              let_time_pass (fixture, 1);

            got_to_the_end = operate_and_be_killed (fixture, killed, countdown);
            let_time_pass (fixture, 1);
            assert_done (fixture, next);
            g_test_message ("%s%u, killed at %d, then %u", away ? "away, " : "", killed, countdown,
                            next);
            assert_settled (fixture, next);
            /* A guest that is away never loses what it has but to a release. */
            if (away && killed != RELEASE && next != RELEASE)
              assert_exported (fixture);
            if (got_to_the_end)
              break;
            n_points++;
          }

  g_test_message ("%u points", n_points);
  g_assert_cmpuint (n_points, >=, 2 * N_OPERATIONS * 15);
}

static void
test_the_address_of_another_guest (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootDomain) other =
      new_domain ("beta", "b5a5c7d8-6d2f-4d0c-8f8a-3a4a1e0e7a22", "/export/b", CLIENT "/16");
  g_autoptr (GError) error = NULL;

  if (!prepare_or_skip (fixture))
    return;
  g_assert_false (vmroot_host_prepare (fixture->host, other, NULL, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_IN_USE);
  g_assert_nonnull (strstr (error->message, CLIENT));
  assert_here (fixture);
}

/* --- Migration --- */

static void
test_migrated_away (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) roots = NULL;

  if (!prepare_or_skip (fixture))
    return;
  assert_done (fixture, MIGRATE);
  assert_away (fixture);
  roots = vmroot_host_list_roots (fixture->host, NULL);
  g_assert_cmpuint (roots->len, ==, 1);
  g_assert_true (vmroot_guest_root_get_migrated (g_ptr_array_index (roots, 0)));

  /* It stays, whenever somebody looks, and also over a reboot: then before the server runs. */
  let_time_pass (fixture, 1);
  assert_done (fixture, RECONCILE);
  assert_away (fixture);
  reboot (fixture);
  fake_tree_write (fixture->sysroot, "/proc/fs/nfsd/threads", "0\n");
  assert_done (fixture, RECONCILE);
  g_assert_true (exists (fixture, FILE_AWAY));
  g_assert_cmpuint (count_exports (fixture), ==, 0);
  fake_tree_write (fixture->sysroot, "/proc/fs/nfsd/threads", "8\n");
  assert_done (fixture, RECONCILE);
  assert_away (fixture);

  /* It comes back and stops here. */
  assert_done (fixture, PREPARE);
  assert_exported (fixture);
  assert_done (fixture, RELEASE);
  assert_nothing_left (fixture);
}

static void
test_its_directory_stays_claimed (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootDomain) other =
      new_domain ("beta", "b5a5c7d8-6d2f-4d0c-8f8a-3a4a1e0e7a22", "/export/a", "10.0.9.6/16");
  g_autoptr (VmrootDomain) changed = new_domain ("alpha", UUID, "/export/b", CLIENT "/16");
  g_autoptr (GError) error = NULL;

  if (!prepare_or_skip (fixture))
    return;
  assert_done (fixture, MIGRATE);
  g_assert_false (vmroot_host_prepare (fixture->host, other, NULL, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_IN_USE);
  g_clear_error (&error);
  g_assert_false (vmroot_host_prepare (fixture->host, changed, NULL, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_IN_USE);
  assert_away (fixture);
}

/* The way back failed, or the guest was started here and that failed: it may still run there. */
static void
test_a_failed_return (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!prepare_or_skip (fixture))
    return;
  assert_done (fixture, MIGRATE);
  assert_done (fixture, PREPARE);
  vmroot_host_release_after (fixture->host, fixture->domain, "failed", NULL, &error);
  g_assert_no_error (error);
  assert_away (fixture);

  fake_tree_write (fixture->sysroot, "/proc/fs/nfsd/threads", "0\n");
  g_assert_false (operate (fixture, PREPARE, NULL));
  assert_away (fixture);
}

static void
test_returned (Fixture *fixture, gconstpointer data)
{
  if (!prepare_or_skip (fixture))
    return;
  assert_done (fixture, MIGRATE);
  assert_done (fixture, PREPARE);

  /* Its memory is on the way. */
  set_running (fixture, TRUE, "<job type='none' async='migration in' phase='prepare'/>");
  assert_done (fixture, RECONCILE);
  g_assert_true (exists (fixture, RECORD));
  g_assert_true (exists (fixture, FILE_AWAY));
  assert_exported (fixture);

  set_running (fixture, TRUE, "");
  assert_done (fixture, RECONCILE);
  g_assert_false (exists (fixture, RECORD));
  g_assert_false (exists (fixture, FILE_AWAY));
  assert_here (fixture);

  /* Now the host dies, and the guest with it. */
  reboot (fixture);
  let_time_pass (fixture, 1);
  assert_done (fixture, RECONCILE);
  assert_nothing_left (fixture);
}

static void
test_forgotten_by_the_server (Fixture *fixture, gconstpointer data)
{
  const gchar *info = "clientid: 0x1\naddress: \"" CLIENT ":764\"\nstatus: courtesy\n";

  if (!prepare_or_skip (fixture))
    return;
  assert_done (fixture, MIGRATE);
  fake_tree_write (fixture->sysroot, "/proc/fs/nfsd/clients/7/info", info);
  for (gint hours = 2; hours < 6; hours++)
    {
      let_time_pass (fixture, hours);
      assert_done (fixture, RECONCILE);
      assert_away (fixture);
    }

  /* Missed once, and heard of again. */
  fake_tree_write (fixture->sysroot, "/proc/fs/nfsd/clients/7/info",
                   "address: \"10.0.9.55:764\"\n");
  assert_done (fixture, RECONCILE);
  fake_tree_write (fixture->sysroot, "/proc/fs/nfsd/clients/7/info", info);
  let_time_pass (fixture, 7);
  assert_done (fixture, RECONCILE);
  assert_away (fixture);

  fake_tree_write (fixture->sysroot, "/proc/fs/nfsd/clients/7/info",
                   "clientid: 0x2\naddress: \"[fd00::5]:764\"\n");
  assert_done (fixture, RECONCILE);
  assert_away (fixture);
  let_time_pass (fixture, 9);
  assert_done (fixture, RECONCILE);
  assert_nothing_left (fixture);
}

static void
test_forget (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!prepare_or_skip (fixture))
    return;
  g_assert_false (vmroot_host_forget (fixture->host, "alpha", NULL, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED);
  g_clear_error (&error);
  assert_here (fixture);

  assert_done (fixture, MIGRATE);
  g_assert_false (vmroot_host_forget (fixture->host, "beta", NULL, NULL));
  assert_away (fixture);
  vmroot_host_forget (fixture->host, "alpha", NULL, &error);
  g_assert_no_error (error);
  assert_nothing_left (fixture);
}

/* libvirt before 10.5 does not tell the hook, but its log. */
static void
test_the_reason_in_the_log (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const gchar *log;
    gboolean away;
  } cases[] = {
    { NULL, FALSE },
    { "", FALSE },
    { "char device redirected\n2999-11-24 16:01:02.345+0000: shutting down, reason=migrated\n",
      TRUE },
    { "2999-11-24 16:01:02.345+0000: shutting down, reason=migrated\nqemu: bye\n", TRUE },
    { "2999-11-24 16:01:02.345+0000: shutting down, reason=destroyed\n", FALSE },
    { "2999-11-24 16:01:02.345+0000: shutting down, reason=migrated\n"
      "2999-11-24 16:01:03.345+0000: starting up\n"
      "2999-11-24 16:01:04.345+0000: shutting down, reason=shutdown\n",
      FALSE },
    /* Of an earlier run. */
    { "1999-11-24 16:01:02.345+0000: shutting down, reason=migrated\n", FALSE },
    { "qemu: shutting down, reason=migrated\n", FALSE },
  };

  if (!prepare_or_skip (fixture))
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      assert_done (fixture, RELEASE);
      assert_done (fixture, PREPARE);
      if (cases[i].log != NULL)
        fake_tree_write (fixture->sysroot, "/var/log/libvirt/qemu/alpha.log", cases[i].log);
      vmroot_host_release_after (fixture->host, fixture->domain, "-", NULL, &error);
      g_assert_no_error (error);
      if (cases[i].away)
        assert_away (fixture);
      else
        assert_nothing_left (fixture);
    }
}

/* --- What the server keeps for a guest --- */

static void
write_client (Fixture *fixture, const gchar *number, const gchar *address)
{
  g_autofree gchar *info = g_strdup_printf ("/proc/fs/nfsd/clients/%s/info", number);
  g_autofree gchar *control = g_strdup_printf ("/proc/fs/nfsd/clients/%s/ctl", number);
  g_autofree gchar *text = g_strdup_printf ("clientid: 0x1\naddress: \"%s:764\"\n", address);

  fake_tree_write (fixture->sysroot, info, text);
  fake_tree_write (fixture->sysroot, control, "");
}

static void
assert_told (Fixture *fixture, const gchar *number, const gchar *expected)
{
  g_autofree gchar *path =
      g_strdup_printf ("%s/proc/fs/nfsd/clients/%s/ctl", fixture->sysroot, number);
  g_autofree gchar *told = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &told, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (told, ==, expected);
}

static void
test_client_of_a_guest_that_ended (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const gchar *reason;
    const gchar *told;
  } cases[] = { { "shutdown", "expire\n" },
                { "destroyed", "expire\n" },
                { "crashed", "expire\n" },
                { "-", "expire\n" },
                /* It goes on where it was, with what it holds. */
                { "saved", "" },
                { "migrated", "" } };

  if (!prepare_or_skip (fixture))
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      assert_done (fixture, PREPARE);
      write_client (fixture, "7", CLIENT);
      write_client (fixture, "8", "10.0.9.55");
      vmroot_host_release_after (fixture->host, fixture->domain, cases[i].reason, NULL, &error);
      g_assert_no_error (error);
      assert_told (fixture, "7", cases[i].told);
      assert_told (fixture, "8", "");
    }
}

/* --- What is stale --- */

static void
test_stale (Fixture *fixture, gconstpointer data)
{
  const gchar *const others[] = { "/etc/exports.d/vmroot-mine.exports",
                                  "/etc/exports.d/other.exports" };
  const gchar *const stale[] = {
    "/etc/exports.d/vmroot-b5a5c7d8-6d2f-4d0c-8f8a-3a4a1e0e7a22.exports",
    "/etc/exports.d/vmroot-migrated-b5a5c7d8-6d2f-4d0c-8f8a-3a4a1e0e7a22.exports",
    "/etc/exports.d/vmroot-b5a5c7d8-6d2f-4d0c-8f8a-3a4a1e0e7a22.exports.ABC123",
  };
  g_autofree gchar *etab = NULL;
  g_autofree gchar *more = NULL;

  if (!prepare_or_skip (fixture))
    return;
  set_running (fixture, TRUE, "");
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    fake_tree_write (fixture->sysroot, others[i], "/export/c 192.168.122.7(rw)\n");
  for (gsize i = 0; i < G_N_ELEMENTS (stale); i++)
    fake_tree_write (fixture->sysroot, stale[i], "/export/c 192.168.122.7(rw)\n");
  etab = read_etab (fixture);
  more = g_strconcat (etab,
                      "/export/gone\t192.168.122.7(rw,fsid=766d7274-1-2-3-4)\n"
                      "/export/a\t192.168.122.8(rw,fsid=766d7274-1-2-3-5)\n"
                      "/export/c\t192.168.122.7(rw,fsid=1)\n",
                      NULL);
  fake_tree_write (fixture->sysroot, FAKE_ETAB, more);
  fake_tree_make_directory (fixture->sysroot, VMROOT_SHARES_DIRECTORY "/192.168.122.7/1");

  assert_done (fixture, RECONCILE);
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    g_assert_true (exists (fixture, others[i]));
  for (gsize i = 0; i < G_N_ELEMENTS (stale); i++)
    g_assert_false (exists (fixture, stale[i]));
  g_assert_false (exists (fixture, VMROOT_SHARES_DIRECTORY "/192.168.122.7"));
  g_free (etab);
  etab = read_etab (fixture);
  g_assert_null (strstr (etab, "766d7274-1-"));
  g_assert_nonnull (strstr (etab, "/export/c\t192.168.122.7(rw,fsid=1)\n"));
  g_assert_true (exists (fixture, FILE_HERE));
  g_assert_true (exists (fixture, JOURNAL));
}

/* --- Many at once --- */

/* A process under the address sanitizer starts ten times slower. */
#if defined(__SANITIZE_ADDRESS__)
#define N_GUESTS 20
#else
#define N_GUESTS 200
#endif

/* Where exportfs has its table, and no other. */
static gboolean
use_real_exportfs (Fixture *fixture)
{
  g_autofree gchar *program = g_find_program_in_path ("exportfs");
  g_autofree gchar *state = vmroot_context_path (fixture->context, "/var/lib/nfs");

  if (program == NULL || !can_mount || !g_file_test ("/var/lib/nfs", G_FILE_TEST_IS_DIR))
    {
      g_test_skip ("no exportfs here, or no mounting: install nfs-kernel-server, be root");
      return FALSE;
    }

  vmroot_context_set_run_func (fixture->context, NULL, NULL);
  fake_tree_write (fixture->sysroot, FAKE_ETAB, "");
  g_assert_no_errno (mount (state, "/var/lib/nfs", NULL, MS_BIND, NULL));
  return TRUE;
}

static VmrootDomain *
new_nth_domain (Fixture *fixture, guint n)
{
  g_autofree gchar *name = g_strdup_printf ("guest%u", n);
  g_autofree gchar *uuid = g_strdup_printf ("6d3d3a7e-2b1f-4f0e-9a56-0f3b8a0f%04x", n);
  g_autofree gchar *directory = g_strdup_printf ("/export/guest%u", n);
  g_autofree gchar *address = g_strdup_printf ("10.0.%u.%u/16", n / 250, n % 250 + 2);

  fake_tree_make_directory (fixture->sysroot, directory);
  return new_domain_with_share (name, uuid, directory, address, NULL);
}

/* One process for each; TRUE if all of them succeeded. */
static gboolean
all_at_once (Fixture *fixture, GPtrArray *domains, Operation operation)
{
  gboolean succeeded = TRUE;
  int status;

  for (guint i = 0; i < domains->len; i++)
    if (fork () == 0)
      {
        VmrootDomain *domain = g_ptr_array_index (domains, i);
        g_autoptr (GError) error = NULL;

        if (operation == PREPARE ? vmroot_host_prepare (fixture->host, domain, NULL, &error)
                                 : vmroot_host_release (fixture->host, domain, NULL, &error))
          _exit (0);
        g_printerr ("# %s\n", error->message);
        _exit (1);
      }
  for (guint i = 0; i < domains->len; i++)
    {
      g_assert_cmpint (wait (&status), >, 0);
      succeeded = succeeded && WIFEXITED (status) && WEXITSTATUS (status) == 0;
    }

  return succeeded;
}

static void
test_many_at_once (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) domains = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GHashTable) clients = g_hash_table_new (g_str_hash, g_str_equal);
  g_autofree gchar *etab = NULL;
  g_autofree gchar *after = NULL;
  g_autoptr (GPtrArray) exports = NULL;

  if (!prepare_or_skip (fixture))
    return;
  assert_done (fixture, RELEASE);
  if (!use_real_exportfs (fixture))
    return;
  for (guint i = 0; i < N_GUESTS; i++)
    g_ptr_array_add (domains, new_nth_domain (fixture, i));

  g_assert_true (all_at_once (fixture, domains, PREPARE));
  etab = read_etab (fixture);
  exports = vmroot_exports_list (etab);
  for (guint i = 0; i < exports->len; i++)
    g_hash_table_add (clients, ((VmrootExport *)g_ptr_array_index (exports, i))->client);
  g_assert_cmpuint (exports->len, ==, N_GUESTS);
  g_assert_cmpuint (g_hash_table_size (clients), ==, N_GUESTS);

  g_assert_true (all_at_once (fixture, domains, RELEASE));
  after = read_etab (fixture);
  g_assert_cmpstr (after, ==, "");
  g_assert_no_errno (umount2 ("/var/lib/nfs", MNT_DETACH));
}

static gboolean
set_address (void)
{
  struct ifreq request = { .ifr_name = "lo" };
  struct sockaddr_in *address = (struct sockaddr_in *)&request.ifr_addr;
  const int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  gboolean set;

  address->sin_family = AF_INET;
  inet_pton (AF_INET, SERVER, &address->sin_addr);
  set = fd != -1 && ioctl (fd, SIOCSIFADDR, &request) == 0;
  if (fd != -1)
    close (fd);
  return set;
}

int
main (int argc, char **argv)
{
  can_mount = unshare (CLONE_NEWNS | CLONE_NEWNET) == 0 && set_address () &&
              mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                        \
  g_test_add ("/host-nfs/" path, Fixture, NULL, set_up, function, tear_down)
  ADD ("killed", test_killed);
  ADD ("address", test_the_address_of_another_guest);
  ADD ("migrated/away", test_migrated_away);
  ADD ("migrated/claim", test_its_directory_stays_claimed);
  ADD ("migrated/failed-return", test_a_failed_return);
  ADD ("migrated/returned", test_returned);
  ADD ("migrated/forgotten", test_forgotten_by_the_server);
  ADD ("migrated/forget", test_forget);
  ADD ("migrated/log", test_the_reason_in_the_log);
  ADD ("client-of-ended-guest", test_client_of_a_guest_that_ended);
  ADD ("stale", test_stale);
  ADD ("many-at-once", test_many_at_once);
  return g_test_run ();
}
