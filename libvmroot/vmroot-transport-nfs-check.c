/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What speaks against serving a guest's directories by NFS: what a start would refuse, and what
 * `vmroot check` warns of. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "vmroot-error.h"
#include "vmroot-exports-private.h"
#include "vmroot-finding.h"
#include "vmroot-transport-nfs-private.h"

#define THREADS "/proc/fs/nfsd/threads"
#define VERSIONS "/proc/fs/nfsd/versions"

gchar *
vmroot_transport_nfs_read (VmrootContext *context, const gchar *file)
{
  g_autofree gchar *path = vmroot_context_path (context, file);
  gchar *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? text : g_strdup ("");
}

gboolean
vmroot_transport_nfs_check_server (VmrootContext *context, GError **error)
{
  g_autofree gchar *threads = vmroot_transport_nfs_read (context, THREADS);
  g_autofree gchar *versions = vmroot_transport_nfs_read (context, VERSIONS);

  if (atoi (threads) <= 0)
    {
      g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
                           "The NFS server of this host does not run: start it with `systemctl "
                           "enable --now nfs-server`");
      return FALSE;
    }
  if (strstr (versions, "+4.2") == NULL)
    {
      g_set_error (
          error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
          "The NFS server of this host does not speak NFS 4.2 (it says “%s”): see nfs.conf(5)",
          g_strchomp (versions));
      return FALSE;
    }

  return TRUE;
}

/* What has no file handles, or none that outlive a restart, exportfs takes, and the guest then
 * finds no root. */
gboolean
vmroot_transport_nfs_check_file_system (const VmrootServedDirectory *directory, GError **error)
{
  struct
  {
    struct file_handle handle;
    guchar bytes[MAX_HANDLE_SZ];
  } handle = { .handle.handle_bytes = MAX_HANDLE_SZ };
  struct statfs status;
  const gchar *problem = NULL;
  int mount_id;

  if (statfs (directory->path, &status) == 0 && status.f_type == NFS_SUPER_MAGIC)
    problem = "is on an NFS server itself: let the guest mount it from there (server)";
  else if (name_to_handle_at (AT_FDCWD, directory->path, &handle.handle, &mount_id, 0) < 0 &&
           errno == EOPNOTSUPP)
    problem = "is on a file system that NFS cannot export, such as overlayfs: move it to another";
  if (problem == NULL)
    return TRUE;

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_DIRECTORY, "%s %s", directory->directory,
               problem);
  return FALSE;
}

static void
add (GPtrArray *findings,
     const gchar *id,
     VmrootSeverity severity,
     const gchar *title,
     const gchar *detail,
     const gchar *fix)
{
  g_ptr_array_add (findings, g_object_new (VMROOT_TYPE_FINDING, "id", id, "severity", severity,
                                           "title", title, "detail", detail, "fix", fix, NULL));
}

/* exports(5), “Subdirectory exports”: a client can guess the file handles of the rest. */
static void
find_shared_file_system (const VmrootServedDirectory *directory, GPtrArray *findings)
{
  g_autofree gchar *above = g_path_get_dirname (directory->path);
  g_autofree gchar *detail = NULL;
  struct stat status;
  struct stat status_above;

  if (stat (directory->path, &status) < 0 || stat (above, &status_above) < 0 ||
      status.st_dev != status_above.st_dev)
    return;

  detail = g_strdup_printf ("%s is no file system of its own. A guest that is hostile to this host "
                            "can guess the file handles of all that is on the same one, and %s it "
                            "as root.",
                            directory->directory, directory->writable ? "change" : "read");
  add (findings, "nfs-shared-file-system", VMROOT_SEVERITY_WARNING,
       "The directory shares its file system with others", detail,
       "Give each root a file system of its own, such as a logical volume, or a btrfs or ZFS "
       "file system; or use virtiofs for guests that you do not trust.");
}

static void
find_wide_exports (VmrootContext *context,
                   const VmrootServedDirectory *directory,
                   GPtrArray *findings)
{
  g_autofree gchar *etab = vmroot_transport_nfs_read (context, VMROOT_TRANSPORT_NFS_ETAB);
  g_auto (GStrv) wide = vmroot_exports_list_wide (etab, directory->path);
  g_autofree gchar *clients = g_strjoinv (", ", wide);
  g_autofree gchar *detail = NULL;

  if (wide[0] == NULL)
    return;

  detail = g_strdup_printf ("%s is exported to %s, beside vmroot's export to the one guest.",
                            directory->directory, clients);
  add (findings, "nfs-wide-export", VMROOT_SEVERITY_WARNING, "Others can mount the directory, too",
       detail, "Take it out of /etc/exports and /etc/exports.d, and run `exportfs -ra`.");
}

gboolean
vmroot_transport_nfs_check (VmrootContext *context,
                            VmrootConfiguration *configuration,
                            VmrootSpec *spec,
                            GPtrArray *directories,
                            GPtrArray *findings,
                            GCancellable *cancellable,
                            GError **error)
{
  g_autoptr (GError) server_error = NULL;

  if (!vmroot_transport_nfs_check_server (context, &server_error))
    add (findings, "no-nfs-server", VMROOT_SEVERITY_ERROR, "No NFS 4.2 server",
         server_error->message, "Run `systemctl enable --now nfs-server`.");

  for (guint i = 0; i < directories->len; i++)
    {
      const VmrootServedDirectory *directory = g_ptr_array_index (directories, i);
      g_autoptr (GError) local_error = NULL;

      if (!vmroot_transport_nfs_check_file_system (directory, &local_error))
        add (findings, "nfs-file-system", VMROOT_SEVERITY_ERROR, "NFS cannot export the directory",
             local_error->message, "Move it to a file system such as ext4, XFS or btrfs.");
      find_shared_file_system (directory, findings);
      find_wide_exports (context, directory, findings);
    }

  return TRUE;
}
