/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib.h>
#include <glib/gstdio.h>

#include "vmroot-error.h"
#include "vmroot-finding.h"
#include "vmroot-transport-nfs-private.h"

/* A host with an NFS server on which nothing is wrong, until a test says otherwise. */
typedef struct
{
  gchar *sysroot;
  VmrootContext *context;
  VmrootConfiguration *configuration;
  VmrootSpec *spec;
  GPtrArray *directories;
} Fixture;

static void
write_file (Fixture *fixture, const gchar *path, const gchar *content)
{
  g_autofree gchar *full = g_build_filename (fixture->sysroot, path, NULL);
  g_autofree gchar *directory = g_path_get_dirname (full);

  g_assert_cmpint (g_mkdir_with_parents (directory, 0755), ==, 0);
  g_assert_true (g_file_set_contents (full, content, -1, NULL));
}

/* Of the real host: only its path and its file system are looked at. */
static void
serve (Fixture *fixture, const gchar *path)
{
  VmrootServedDirectory *directory = g_new0 (VmrootServedDirectory, 1);

  directory->tag = g_strdup ("vmroot");
  directory->directory = g_strdup (path);
  directory->path = g_strdup (path);
  directory->id = g_strdup ("1:2");
  directory->above = g_new0 (gchar *, 1);
  directory->is_root = fixture->directories->len == 0;
  directory->writable = TRUE;
  g_ptr_array_add (fixture->directories, directory);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->sysroot = g_dir_make_tmp ("vmroot-test-XXXXXX", NULL);
  fixture->context = vmroot_context_new (fixture->sysroot);
  fixture->configuration = vmroot_configuration_load (fixture->context, NULL);
  fixture->spec = vmroot_spec_new ("/export/guest");
  fixture->directories =
      g_ptr_array_new_with_free_func ((GDestroyNotify)vmroot_served_directory_free);
  write_file (fixture, "/proc/fs/nfsd/threads", "8\n");
  write_file (fixture, "/proc/fs/nfsd/versions", "+3 +4 +4.1 +4.2\n");
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
  vmroot_context_unref (fixture->context);
  g_object_unref (fixture->spec);
  g_ptr_array_unref (fixture->directories);
}

static GPtrArray *
check (Fixture *fixture)
{
  GPtrArray *findings = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GError) error = NULL;

  g_assert_true (vmroot_transport_nfs_check (fixture->context, fixture->configuration,
                                             fixture->spec, fixture->directories, findings, NULL,
                                             &error));
  return findings;
}

static VmrootFinding *
find (GPtrArray *findings, const gchar *id)
{
  for (guint i = 0; i < findings->len; i++)
    if (g_str_equal (vmroot_finding_get_id (g_ptr_array_index (findings, i)), id))
      return g_ptr_array_index (findings, i);

  return NULL;
}

static void
test_server (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) well = check (fixture);
  g_autoptr (GPtrArray) stopped = NULL;

  g_assert_cmpuint (well->len, ==, 0);

  write_file (fixture, "/proc/fs/nfsd/threads", "0\n");
  stopped = check (fixture);
  g_assert_nonnull (find (stopped, "no-nfs-server"));
}

static void
test_directory (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) findings = NULL;

  serve (fixture, "/proc/self");
  write_file (fixture, "/var/lib/nfs/etab", "/proc/self\t*(rw)\n");
  findings = check (fixture);

  g_assert_nonnull (find (findings, "nfs-file-system"));
  g_assert_nonnull (find (findings, "nfs-shared-file-system"));
  g_assert_nonnull (find (findings, "nfs-wide-export"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, function)                                                                        \
  g_test_add ("/transport-nfs-check/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("server", test_server);
  ADD ("directory", test_directory);
  return g_test_run ();
}
