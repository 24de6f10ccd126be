/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "fake-exportfs.h"
#include "vmroot-error.h"
#include "vmroot-exports-private.h"
#include "vmroot-share-mount-private.h"
#include "vmroot-spec.h"
#include "vmroot-transport-private.h"

#define UUID "6e1c1b63-4b3f-4f2d-9d1e-5a3b1a2c3d4e"
#define CLIENT "192.168.122.5"

/* In a mount namespace of our own. */
static gboolean can_mount;

/* A host with an NFS server whose exportfs is ours: it keeps the table as the real one does. */
typedef struct
{
  gchar *sysroot;
  VmrootContext *context;
  VmrootConfiguration *configuration;
  VmrootJournal *journal;
  GPtrArray *commands;
  gboolean complains; /* fails, although it does what it is asked for */
  gboolean idle;      /* does nothing */
} Fixture;

static gchar *
host_path (Fixture *fixture, const gchar *path)
{
  return g_build_filename (fixture->sysroot, path, NULL);
}

static void
write_file (Fixture *fixture, const gchar *path, const gchar *content)
{
  g_autofree gchar *full = host_path (fixture, path);
  g_autofree gchar *directory = g_path_get_dirname (full);

  g_assert_cmpint (g_mkdir_with_parents (directory, 0755), ==, 0);
  g_assert_true (g_file_set_contents (full, content, -1, NULL));
}

static gchar *
read_file (Fixture *fixture, const gchar *path)
{
  g_autofree gchar *full = host_path (fixture, path);
  gchar *text = NULL;

  return g_file_get_contents (full, &text, NULL, NULL) ? text : g_strdup ("");
}

static gboolean
run (const gchar *const *argv, gchar **output, gpointer user_data, GError **error)
{
  Fixture *fixture = user_data;

  g_ptr_array_add (fixture->commands, g_strjoinv (" ", (gchar **)argv));
  *output = g_strdup ("");
  if (!fixture->idle)
    fake_exportfs (fixture->context, argv);
  if (fixture->complains)
    g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "other.exports:1: syntax error");
  return !fixture->complains;
}

static void
add_directory (Fixture *fixture, const gchar *path, gboolean writable)
{
  VmrootServedDirectory *directory = g_new0 (VmrootServedDirectory, 1);
  struct stat status;

  g_assert_no_errno (stat (path, &status));
  directory->tag = g_strdup ("vmroot");
  directory->directory = g_strdup (path);
  directory->path = g_strdup (path);
  directory->id = vmroot_served_directory_format_id (status.st_dev, status.st_ino);
  directory->above = g_new0 (gchar *, 1);
  directory->is_root = fixture->journal->directories->len == 0;
  directory->writable = writable;
  g_ptr_array_add (fixture->journal->directories, directory);
}

static VmrootJournal *
new_journal (const gchar *uuid)
{
  VmrootJournal *journal = vmroot_journal_new (uuid);

  journal->name = g_strdup ("guest");
  journal->transport = VMROOT_TRANSPORT_NFS;
  journal->client = g_strdup (CLIENT);
  journal->since = g_date_time_new_from_unix_utc (0);
  return journal;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->sysroot = g_dir_make_tmp ("vmroot-test-XXXXXX", NULL);
  fixture->context = vmroot_context_new (fixture->sysroot);
  fixture->configuration = vmroot_configuration_load (fixture->context, NULL);
  fixture->commands = g_ptr_array_new_with_free_func (g_free);
  fixture->journal = new_journal (UUID);
  fake_exportfs_install (fixture->context);
  vmroot_context_set_run_func (fixture->context, run, fixture);
  /* Of the real host: only its path is looked at. */
  add_directory (fixture, "/", TRUE);
}

static void
remove_recursively (const gchar *path)
{
  g_autoptr (GDir) directory =
      g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open (path, 0, NULL);
  const gchar *name;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree gchar *child = g_build_filename (path, name, NULL);

      remove_recursively (child);
    }
  g_assert_cmpint (g_remove (path), ==, 0);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  remove_recursively (fixture->sysroot);
  g_free (fixture->sysroot);
  vmroot_configuration_free (fixture->configuration);
  vmroot_journal_free (fixture->journal);
  vmroot_context_unref (fixture->context);
  g_ptr_array_unref (fixture->commands);
}

static gboolean
prepare (Fixture *fixture, GError **error)
{
  return vmroot_transport_nfs.prepare (fixture->context, fixture->configuration, fixture->journal,
                                       NULL, error);
}

static gboolean
release (Fixture *fixture, GError **error)
{
  return vmroot_transport_nfs.release (fixture->context, fixture->journal, NULL, error);
}

static gboolean
is_prepared (Fixture *fixture)
{
  return vmroot_transport_nfs.is_prepared (fixture->context, fixture->journal);
}

static void
assert_nothing_left (Fixture *fixture)
{
  g_autofree gchar *etab = read_file (fixture, "/var/lib/nfs/etab");
  g_autofree gchar *file = host_path (fixture, "/etc/exports.d/vmroot-" UUID ".exports");

  g_assert_cmpstr (etab, ==, "/export/other\t192.168.122.9(rw)\n");
  g_assert_false (g_file_test (file, G_FILE_TEST_EXISTS));
  g_assert_false (is_prepared (fixture));
}

/* Skips where the root of the test's machine cannot be exported: in a container. */
static gboolean
prepare_or_skip (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  if (prepare (fixture, &error))
    return TRUE;
  if (!g_error_matches (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_DIRECTORY))
    g_assert_no_error (error);
  g_test_skip (error->message);
  return FALSE;
}

static void
test_life (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *file = NULL;
  g_autofree gchar *etab = NULL;
  g_autoptr (GError) error = NULL;

  if (!prepare_or_skip (fixture))
    return;
  file = read_file (fixture, "/etc/exports.d/vmroot-" UUID ".exports");
  g_assert_nonnull (
      strstr (file, "\n/ " CLIENT "(rw,async,no_root_squash,insecure,no_subtree_check,fsid="));
  etab = read_file (fixture, "/var/lib/nfs/etab");
  g_assert_nonnull (strstr (etab, "/\t" CLIENT "(rw,"));
  g_assert_true (is_prepared (fixture));

  /* Again, as after a restart of the server: the same. */
  write_file (fixture, "/var/lib/nfs/etab", "/export/other\t192.168.122.9(rw)\n");
  g_assert_false (is_prepared (fixture));
  g_assert_true (prepare (fixture, &error));
  g_assert_true (is_prepared (fixture));

  g_assert_true (release (fixture, &error));
  assert_nothing_left (fixture);
  g_assert_true (release (fixture, &error));
}

static void
test_read_only_and_sync (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *file = NULL;

  g_ptr_array_set_size (fixture->journal->directories, 0);
  add_directory (fixture, "/usr", FALSE);
  fixture->configuration->nfs_sync = TRUE;
  if (!prepare_or_skip (fixture))
    return;

  file = read_file (fixture, "/etc/exports.d/vmroot-" UUID ".exports");
  g_assert_nonnull (strstr (file, "\n/usr " CLIENT "(ro,sync,"));
  g_assert_true (release (fixture, NULL));
  assert_nothing_left (fixture);
}

/* Two shares, the second of them read-only, with something mounted below it. */
static void
add_shares (Fixture *fixture)
{
  g_autofree gchar *first = host_path (fixture, "/export/first");
  g_autofree gchar *second = host_path (fixture, "/export/a #b");
  g_autofree gchar *below = host_path (fixture, "/export/a #b/below");

  write_file (fixture, "/export/first/file", "");
  write_file (fixture, "/export/a #b/file", "");
  g_assert_no_errno (g_mkdir (below, 0755));
  g_assert_no_errno (mount ("tmpfs", below, "tmpfs", 0, "size=64k"));
  write_file (fixture, "/export/a #b/below/hidden", "");
  add_directory (fixture, first, TRUE);
  add_directory (fixture, second, FALSE);
}

static void
remove_shares (Fixture *fixture)
{
  g_autofree gchar *below = host_path (fixture, "/export/a #b/below");
  g_auto (GStrv) places = vmroot_share_mount_list (fixture->context);

  g_assert_no_errno (umount2 (below, MNT_DETACH));
  g_assert_cmpuint (g_strv_length (places), ==, 0);
}

static gboolean
skip_without_mounts (void)
{
  if (!can_mount)
    g_test_skip ("mounting takes root");
  return !can_mount;
}

static gboolean
share_has (Fixture *fixture, const gchar *file)
{
  g_autofree gchar *path =
      g_build_filename (fixture->sysroot, VMROOT_SHARES_DIRECTORY "/" CLIENT, file, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
test_shares (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *second = host_path (fixture, VMROOT_SHARES_DIRECTORY "/" CLIENT "/2");
  g_autofree gchar *file = NULL;
  g_autofree gchar *line = NULL;
  g_autofree gchar *options = NULL;
  g_autofree gchar *etab = NULL;
  g_autoptr (GError) error = NULL;
  struct statvfs status;

  if (skip_without_mounts ())
    return;
  add_shares (fixture);
  if (!prepare_or_skip (fixture))
    {
      remove_shares (fixture);
      return;
    }

  g_assert_true (share_has (fixture, "1/file"));
  g_assert_true (share_has (fixture, "2/below"));
  g_assert_false (share_has (fixture, "2/below/hidden"));
  g_assert_no_errno (statvfs (second, &status));
  g_assert_true (status.f_flag & ST_RDONLY);
  file = read_file (fixture, "/etc/exports.d/vmroot-" UUID ".exports");
  line = g_strdup_printf ("\n%s " CLIENT "(ro,async,", second);
  g_assert_nonnull (strstr (file, line));
  g_assert_null (strstr (file, "crossmnt"));
  etab = read_file (fixture, "/var/lib/nfs/etab");
  options = vmroot_exports_find (etab, second, CLIENT);
  g_assert_nonnull (options);

  /* What was unmounted is missed, and comes back. */
  g_assert_no_errno (umount2 (second, MNT_DETACH));
  g_assert_false (is_prepared (fixture));
  g_assert_true (prepare (fixture, &error));
  g_assert_true (prepare (fixture, &error));
  g_assert_true (is_prepared (fixture));

  g_assert_true (release (fixture, &error));
  assert_nothing_left (fixture);
  remove_shares (fixture);
}

/* Between the look at it and the mount. */
static void
test_share_was_exchanged (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *first = host_path (fixture, "/export/first");
  g_autofree gchar *away = host_path (fixture, "/export/away");
  g_autoptr (GError) error = NULL;

  if (skip_without_mounts ())
    return;
  add_shares (fixture);
  g_assert_no_errno (g_rename (first, away));
  write_file (fixture, "/export/first/file", "");

  g_assert_false (prepare (fixture, &error));
  if (!g_error_matches (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_DIRECTORY))
    g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED);
  g_assert_true (release (fixture, NULL));
  assert_nothing_left (fixture);
  remove_shares (fixture);
}

/* They take the server's own SELinux. */
static void
test_labels (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->journal->xattrs = VMROOT_XATTRS_SELINUX;
  g_assert_false (prepare (fixture, &error));
  g_assert_true (g_error_matches (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_SPEC) ||
                 g_error_matches (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_DIRECTORY));
  assert_nothing_left (fixture);
}

static void
test_exportfs_complains_about_others (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->complains = TRUE;
  if (!prepare_or_skip (fixture))
    return;
  g_assert_true (is_prepared (fixture));
  g_assert_true (release (fixture, &error));
  assert_nothing_left (fixture);
}

static void
test_exportfs_does_nothing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!prepare_or_skip (fixture))
    return;
  g_assert_true (release (fixture, &error));

  fixture->idle = TRUE;
  g_assert_false (prepare (fixture, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED);
  g_assert_true (release (fixture, NULL));
  assert_nothing_left (fixture);
}

static void
test_exported_by_others (Fixture *fixture, gconstpointer data)
{
  const gchar *others = "/\t" CLIENT "(ro)\n";
  g_autofree gchar *etab = NULL;
  g_autoptr (GError) error = NULL;

  write_file (fixture, "/var/lib/nfs/etab", others);

  g_assert_false (prepare (fixture, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_IN_USE);
  g_assert_true (release (fixture, NULL));
  etab = read_file (fixture, "/var/lib/nfs/etab");
  g_assert_cmpstr (etab, ==, others);
}

static void
test_no_server (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  write_file (fixture, "/proc/fs/nfsd/versions", "+3 +4 +4.1 -4.2\n");
  g_assert_false (prepare (fixture, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED);
  g_clear_error (&error);

  write_file (fixture, "/proc/fs/nfsd/threads", "0\n");
  g_assert_false (prepare (fixture, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED);
  g_assert_cmpuint (fixture->commands->len, ==, 0);
  assert_nothing_left (fixture);
}

static void
assert_refused (Fixture *fixture, gint code, const gchar *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (prepare (fixture, &error));
  g_test_message ("%s", error->message);
  if (g_error_matches (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_DIRECTORY))
    return;
  g_assert_true (code < 0 || g_error_matches (error, VMROOT_ERROR, code));
  g_assert_nonnull (strstr (error->message, words));
}

static void
test_read_only_etc (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *etc = host_path (fixture, "/etc");

  if (skip_without_mounts ())
    return;
  g_assert_no_errno (g_mkdir (etc, 0755));
  g_assert_no_errno (mount ("tmpfs", etc, "tmpfs", MS_RDONLY, NULL));

  assert_refused (fixture, -1, "ead-only file system");
  g_assert_true (release (fixture, NULL));
  assert_nothing_left (fixture);
  g_assert_cmpuint (fixture->commands->len, ==, 0);
  g_assert_no_errno (umount2 (etc, MNT_DETACH));
}

static void
test_full_disk (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *exports = host_path (fixture, "/etc/exports.d");
  g_autofree gchar *filler = host_path (fixture, "/etc/exports.d/filler");
  g_autofree gchar *page = g_strnfill (4096, '#');
  g_autoptr (GDir) directory = NULL;

  if (skip_without_mounts ())
    return;
  g_assert_cmpint (g_mkdir_with_parents (exports, 0755), ==, 0);
  g_assert_no_errno (mount ("tmpfs", exports, "tmpfs", 0, "size=4k"));
  g_assert_true (g_file_set_contents (filler, page, -1, NULL));

  assert_refused (fixture, -1, "o space left on device");
  g_assert_true (release (fixture, NULL));
  assert_nothing_left (fixture);
  g_assert_cmpuint (fixture->commands->len, ==, 0);
  directory = g_dir_open (exports, 0, NULL);
  g_assert_cmpstr (g_dir_read_name (directory), ==, "filler");
  g_assert_null (g_dir_read_name (directory));
  g_assert_no_errno (umount2 (exports, MNT_DETACH));
}

/* The real way to run programs, with a program of ours. NULL: there is none. */
static void
set_exportfs (Fixture *fixture, const gchar *script)
{
  g_autofree gchar *path = host_path (fixture, "/usr/sbin/exportfs");
  g_autofree gchar *directory = host_path (fixture, "/usr/sbin");
  g_autofree gchar *search_path = g_strconcat (directory, ":/usr/bin:/bin", NULL);

  vmroot_context_set_run_func (fixture->context, NULL, NULL);
  g_assert_cmpint (g_mkdir_with_parents (directory, 0755), ==, 0);
  if (script != NULL)
    g_assert_true (g_file_set_contents_full (path, script, -1, 0, 0755, NULL));
  g_setenv ("PATH", script != NULL ? search_path : directory, TRUE);
}

static void
test_no_exportfs (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *search_path = g_strdup (g_getenv ("PATH"));

  set_exportfs (fixture, NULL);
  assert_refused (fixture, VMROOT_ERROR_FAILED, "install the NFS server");
  g_setenv ("PATH", search_path, TRUE);
  g_assert_true (release (fixture, NULL));
  assert_nothing_left (fixture);
}

static void
test_exportfs_fails (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *search_path = g_strdup (g_getenv ("PATH"));

  set_exportfs (fixture, "#!/bin/sh\necho 'no such thing' >&2\nexit 1\n");
  assert_refused (fixture, VMROOT_ERROR_FAILED, "no such thing");
  g_setenv ("PATH", search_path, TRUE);
  g_assert_true (release (fixture, NULL));
  assert_nothing_left (fixture);
}

static void
test_file_system_without_handles (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_ptr_array_set_size (fixture->journal->directories, 0);
  add_directory (fixture, "/proc", TRUE);

  g_assert_false (prepare (fixture, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_DIRECTORY);
  assert_nothing_left (fixture);
}

static void
test_overlay (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *merged = host_path (fixture, "/export/merged");
  g_autofree gchar *work = host_path (fixture, "/export/tmpfs");
  g_autofree gchar *options =
      g_strdup_printf ("lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", work, work, work);

  if (skip_without_mounts ())
    return;
  g_assert_cmpint (g_mkdir_with_parents (merged, 0755), ==, 0);
  g_assert_cmpint (g_mkdir_with_parents (work, 0755), ==, 0);
  g_assert_no_errno (mount ("tmpfs", work, "tmpfs", 0, NULL));
  write_file (fixture, "/export/tmpfs/lower/file", "");
  write_file (fixture, "/export/tmpfs/upper/file", "");
  write_file (fixture, "/export/tmpfs/work/file", "");
  if (mount ("overlay", merged, "overlay", 0, options) == 0)
    {
      g_autoptr (GError) error = NULL;

      g_ptr_array_set_size (fixture->journal->directories, 0);
      add_directory (fixture, merged, TRUE);
      g_assert_false (prepare (fixture, &error));
      g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_DIRECTORY);
      g_assert_nonnull (strstr (error->message, "overlayfs"));
      assert_nothing_left (fixture);
      g_assert_no_errno (umount2 (merged, MNT_DETACH));
    }
  else
    {
      g_test_skip ("this kernel has no overlayfs");
    }
  g_assert_no_errno (umount2 (work, MNT_DETACH));
}

/* Only what this host itself serves is exported. */
static void
test_describe (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/guest");
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&fixture->journal->client, g_free);
  g_assert_false (vmroot_transport_nfs.describe (fixture->context, spec, fixture->journal, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_SPEC);
  g_clear_error (&error);

  vmroot_spec_set_mac_address (spec, "52:54:00:12:34:56");
  vmroot_spec_set_address (spec, CLIENT "/24");
  vmroot_spec_set_server (spec, "192.0.2.1");
  g_assert_true (vmroot_transport_nfs.describe (fixture->context, spec, fixture->journal, &error));
  g_assert_null (fixture->journal->client);
  g_assert_true (prepare (fixture, &error));
  g_assert_cmpuint (fixture->commands->len, ==, 0);

  vmroot_spec_set_server (spec, "127.0.0.1");
  g_assert_true (vmroot_transport_nfs.describe (fixture->context, spec, fixture->journal, &error));
  g_assert_cmpstr (fixture->journal->client, ==, CLIENT);
}

int
main (int argc, char **argv)
{
  can_mount =
      unshare (CLONE_NEWNS) == 0 && mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
  g_test_init (&argc, &argv, NULL);

#define ADD(name, function)                                                                        \
  g_test_add ("/transport-nfs/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("life", test_life);
  ADD ("read-only-and-sync", test_read_only_and_sync);
  ADD ("shares", test_shares);
  ADD ("share-was-exchanged", test_share_was_exchanged);
  ADD ("labels", test_labels);
  ADD ("exportfs-complains", test_exportfs_complains_about_others);
  ADD ("exportfs-does-nothing", test_exportfs_does_nothing);
  ADD ("exported-by-others", test_exported_by_others);
  ADD ("no-server", test_no_server);
  ADD ("read-only-etc", test_read_only_etc);
  ADD ("full-disk", test_full_disk);
  ADD ("no-exportfs", test_no_exportfs);
  ADD ("exportfs-fails", test_exportfs_fails);
  ADD ("file-system-without-handles", test_file_system_without_handles);
  ADD ("overlay", test_overlay);
  ADD ("describe", test_describe);
  return g_test_run ();
}
