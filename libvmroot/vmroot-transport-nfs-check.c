/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What speaks against serving a guest's directories by NFS: what a start would refuse, and what
 * `vmroot check` warns of. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/magic.h>

#include "vmroot-error.h"
#include "vmroot-exports-private.h"
#include "vmroot-finding-private.h"
#include "vmroot-firewall-private.h"
#include "vmroot-firewalld-private.h"
#include "vmroot-mount-table-private.h"
#include "vmroot-nfs-server-private.h"
#include "vmroot-translation-private.h"
#include "vmroot-transport-nfs-private.h"

#define THREADS "/proc/fs/nfsd/threads"
#define VERSIONS "/proc/fs/nfsd/versions"

/* Longer than a lost first packet takes to be sent again, and short enough to wait for. */
#define SERVER_SECONDS 5

/* Of a directory that is described. */
#define MAX_NAMES 6

gchar *
vmroot_transport_nfs_read (VmrootContext *context, const gchar *file)
{
  g_autofree gchar *path = vmroot_context_path (context, file);
  gchar *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? text : g_strdup ("");
}

static gboolean
is_running (VmrootContext *context)
{
  g_autofree gchar *threads = vmroot_transport_nfs_read (context, THREADS);

  return atoi (threads) > 0;
}

/* "+3 +4 +4.1 +4.2" */
static gchar *
list_versions (VmrootContext *context)
{
  return g_strchomp (vmroot_transport_nfs_read (context, VERSIONS));
}

gboolean
vmroot_transport_nfs_check_server (VmrootContext *context, GError **error)
{
  g_autofree gchar *versions = list_versions (context);

  if (!is_running (context))
    {
      g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
                           _ ("The NFS server of this host does not run: start it with `systemctl "
                              "enable --now nfs-server`"));
      return FALSE;
    }
  if (strstr (versions, "+4.2") == NULL)
    {
      g_set_error (
          error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
          _ ("The NFS server of this host does not speak NFS 4.2 (it says “%s”): see nfs.conf(5)"),
          versions);
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

  if (statfs (directory->path, &status) < 0)
    status.f_type = 0;
  if (status.f_type == NFS_SUPER_MAGIC)
    problem = _ ("is on an NFS server itself: let the guest mount it from there (server)");
  else if (status.f_type == FUSE_SUPER_MAGIC)
    problem =
        _ ("is on a FUSE file system, whose file handles do not outlive its daemon: move it to "
           "another");
  else if (name_to_handle_at (AT_FDCWD, directory->path, &handle.handle, &mount_id, 0) < 0 &&
           errno == EOPNOTSUPP)
    problem =
        _ ("is on a file system that NFS cannot export, such as overlayfs: move it to another");
  if (problem == NULL)
    return TRUE;

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_DIRECTORY, "%s %s", directory->directory,
               problem);
  return FALSE;
}

/* The server keeps a label by way of its own SELinux only (security_inode_setsecctx). */
gboolean
vmroot_transport_nfs_check_labels (VmrootContext *context,
                                   const VmrootServedDirectory *directory,
                                   GError **error)
{
  g_autofree gchar *enforce = vmroot_context_path (context, "/sys/fs/selinux/enforce");

  if (g_file_test (enforce, G_FILE_TEST_EXISTS) &&
      getxattr (directory->path, "security.selinux", NULL, 0) > 0)
    return TRUE;

  g_set_error (
      error, VMROOT_ERROR, VMROOT_ERROR_INVALID_SPEC,
      _ ("%s cannot have the guest's SELinux labels over NFS: that takes SELinux on this host, and "
         "a file system with labels; describe the guest with --xattrs native, or use virtiofs"),
      directory->directory);
  return FALSE;
}

typedef struct
{
  VmrootContext *context;
  VmrootSpec *spec;
  GPtrArray *findings;
  GPtrArray *exports; /* VmrootExport */
  GPtrArray *mounts;  /* VmrootMount */
} Check;

static void
check_clear (Check *check)
{
  g_clear_pointer (&check->exports, g_ptr_array_unref);
  g_clear_pointer (&check->mounts, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Check, check_clear)

static void add_with_detail (Check *check,
                             const gchar *id,
                             VmrootSeverity severity,
                             const gchar *title,
                             const gchar *fix,
                             const gchar *format,
                             ...) G_GNUC_PRINTF (6, 7);

static void
add_with_detail (Check *check,
                 const gchar *id,
                 VmrootSeverity severity,
                 const gchar *title,
                 const gchar *fix,
                 const gchar *format,
                 ...)
{
  g_autofree gchar *detail = NULL;
  va_list arguments;

  va_start (arguments, format);
  detail = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  vmroot_findings_add (check->findings, id, severity, title, detail, fix);
}

/* Only root is told what the server does: a user who may not look is told nothing. */
static gboolean
may_look_at_server (VmrootContext *context)
{
  g_autofree gchar *path = vmroot_context_path (context, THREADS);

  return access (path, R_OK) == 0 || errno != EACCES;
}

static void
find_server (Check *check)
{
  g_autofree gchar *versions = NULL;
  g_autofree gchar *detail = NULL;

  if (!may_look_at_server (check->context))
    return;

  if (!is_running (check->context))
    {
      vmroot_findings_add_fixable (
          check->findings, "no-nfs-server", VMROOT_SEVERITY_ERROR,
          _ ("The NFS server of this host does not run"),
          _ ("The guest's root is to come from this host, but the kernel serves nothing."),
          _ ("Run `vmroot setup nfs`. If there is none, install it first (Debian: apt install "
             "nfs-kernel-server; Fedora: dnf install nfs-utils)."));
      return;
    }

  versions = list_versions (check->context);
  if (strstr (versions, "+4.2") != NULL)
    return;

  detail = g_strdup_printf (
      _ ("Guests mount their roots with that version only. The server says “%s”."), versions);
  vmroot_findings_add_fixable (
      check->findings, "nfs-version", VMROOT_SEVERITY_ERROR,
      _ ("The NFS server of this host does not speak NFS 4.2"), detail,
      _ ("Run `vmroot setup nfs`; where it exports something already, with --restart: its clients "
         "wait then for up to 90 seconds."));
}

static void
add_firewall (Check *check, const gchar *interface, const gchar *what)
{
  const gboolean is_libvirts = vmroot_firewall_is_bridge (check->context, interface);
  g_autofree gchar *detail = g_strdup_printf (
      _ ("The guest reaches this host by %s, and what comes in there for the NFS server (TCP port "
         "%d) is dropped: %s. The guest would wait for its root, and not start."),
      interface, VMROOT_NFS_SERVER_PORT, what);
  g_autofree gchar *fix = NULL;

  if (is_libvirts)
    {
      vmroot_findings_add_fixable (check->findings, "nfs-firewall", VMROOT_SEVERITY_ERROR,
                                   _ ("A firewall of this host is in the way"), detail,
                                   _ ("Run `vmroot setup firewall`."));
      return;
    }

  fix =
      g_strdup_printf (_ ("Let TCP port %d in from %s. firewalld: `firewall-cmd --permanent "
                          "--zone=ZONE --add-service=nfs`, and the same without --permanent; nft: "
                          "`nft insert rule FAMILY TABLE CHAIN iifname %s tcp dport %d accept`."),
                       VMROOT_NFS_SERVER_PORT, interface, interface, VMROOT_NFS_SERVER_PORT);
  vmroot_findings_add (check->findings, "nfs-firewall", VMROOT_SEVERITY_ERROR,
                       _ ("A firewall of this host is in the way"), detail, fix);
}

/* What cannot be told (only root may look, no program to ask, a rule that nobody here understands)
 * is not said. */
static void
find_firewall (Check *check, const gchar *interface, GCancellable *cancellable)
{
  const gboolean ipv6 = strchr (vmroot_spec_get_server (check->spec), ':') != NULL;
  g_autofree gchar *zone = NULL;
  g_autofree gchar *what = NULL;
  g_autoptr (GPtrArray) chains = NULL;

  if (vmroot_firewalld_ask (check->context, interface, &zone, cancellable) ==
      VMROOT_FIREWALLD_CLOSED)
    {
      what = g_strdup_printf (_ ("firewalld has it in the zone “%s”, which does not let NFS in"),
                              zone);
      add_firewall (check, interface, what);
      return;
    }

  chains = vmroot_firewall_list_surely_closed (check->context, interface, ipv6, cancellable, NULL);
  if (chains == NULL || chains->len == 0)
    return;

  g_ptr_array_add (chains, NULL);
  what = g_strjoinv (", ", (gchar **)chains->pdata);
  add_firewall (check, interface, what);
}

/* What is at `directory`, up to a few names, for a person to picture it. */
static gchar *
list_some (VmrootContext *context, const gchar *directory)
{
  g_autofree gchar *path = vmroot_context_path (context, directory);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const gchar *name;
  guint n = 0;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (!g_str_equal (name, "lost+found") && n++ < MAX_NAMES)
      g_ptr_array_add (names, g_filename_display_name (name));
  if (n > MAX_NAMES)
    g_ptr_array_add (names, g_strdup ("…"));

  g_ptr_array_add (names, NULL);
  return g_strjoinv (", ", (gchar **)names->pdata);
}

/* exports(5), “Subdirectory exports”: a client can guess the file handles of the rest. So it can
 * those of other subvolumes of a btrfs, whose handles name the subvolume. */
static void
find_shared_file_system (Check *check, const VmrootServedDirectory *directory)
{
  const VmrootMount *mount = vmroot_mount_table_find (check->mounts, directory->path);
  g_autofree gchar *names = NULL;
  g_autofree gchar *reach = NULL;

  if (mount == NULL ||
      (g_str_equal (mount->root, "/") && g_str_equal (mount->mount_point, directory->path)))
    return;

  if (g_str_equal (mount->mount_point, "/"))
    reach = g_strdup (_ ("the whole of this host, with /etc/shadow and what other guests have"));
  else
    {
      names = list_some (check->context, mount->mount_point);
      reach = g_strdup_printf (_ ("all that is on the file system of %s (%s)"), mount->mount_point,
                               names);
    }
  add_with_detail (
      check, "nfs-shared-file-system", VMROOT_SEVERITY_WARNING,
      _ ("The directory shares its file system with others"),
      _ ("Give each root a file system of its own, mounted there: a logical volume, an image of "
         "one by loop device, a ZFS file system (a subvolume of btrfs is not enough); or use "
         "virtiofs for guests that you do not trust."),
      directory->writable
          ? _ ("%s is no file system of its own. A guest that is hostile to this host can guess "
               "the file handles of its neighbours, and change, as root, %s.")
          : _ ("%s is no file system of its own. A guest that is hostile to this host can guess "
               "the file handles of its neighbours, and read, as root, %s."),
      directory->directory, reach);
}

/* Users of the host are kept out by the closed directory above (tree-exposed); should that be
 * opened one day, these options still hold. */
static void
find_mount_options (Check *check, const VmrootServedDirectory *directory)
{
  const VmrootMount *mount = vmroot_mount_table_find (check->mounts, directory->path);
  g_autofree gchar *fix = NULL;

  if (mount == NULL || !directory->writable || g_str_equal (mount->mount_point, "/") ||
      (vmroot_mount_has_option (mount, "nosuid") && vmroot_mount_has_option (mount, "nodev")))
    return;

  fix = g_strdup_printf (_ ("Run `mount -o remount,nosuid,nodev %s`, and put nosuid,nodev into its "
                            "line of /etc/fstab. The guest's own setuid programs and devices work "
                            "nevertheless."),
                         mount->mount_point);
  add_with_detail (
      check, "nfs-mount-options", VMROOT_SEVERITY_INFO,
      _ ("This host would honour setuid programs and devices of the guest"), fix,
      _ ("%s is on %s, which is mounted without nosuid and nodev. What the guest's root user puts "
         "there has its powers on this host, too, for whoever gets at it."),
      directory->directory, mount->mount_point);
}

/* How the clients of `export` get at `directory`; NULL: they do not. */
static const gchar *
find_way (Check *check, const VmrootExport *export, const VmrootServedDirectory *directory)
{
  const VmrootMount *ours = vmroot_mount_table_find (check->mounts, directory->path);
  const VmrootMount *theirs = vmroot_mount_table_find (check->mounts, export->path);
  const gboolean same =
      ours != NULL && theirs != NULL && g_str_equal (ours->device, theirs->device);

  if (g_str_equal (export->path, directory->path))
    return _ ("is that directory");
  if (vmroot_path_is_within (directory->path, export->path))
    {
      if (same)
        return _ ("holds it");
      return g_strv_contains ((const gchar *const *)export->options, "crossmnt")
                 ? _ ("holds it, by crossmnt")
                 : NULL;
    }
  return same ? _ ("is on the same file system, whose file handles can be guessed") : NULL;
}

static void
find_wide_exports (Check *check, const VmrootServedDirectory *directory)
{
  g_autoptr (GString) list = g_string_new (NULL);

  for (guint i = 0; i < check->exports->len; i++)
    {
      const VmrootExport *export = g_ptr_array_index (check->exports, i);
      const gchar *way =
          vmroot_export_is_wide (export) ? find_way (check, export, directory) : NULL;

      if (way == NULL)
        continue;
      if (list->len > 0)
        g_string_append (list, "; ");
      g_string_append_printf (list, _ ("%s to %s (%s)"), export->path, export->client, way);
    }

  if (list->len > 0)
    add_with_detail (
        check, "nfs-wide-export", VMROOT_SEVERITY_WARNING,
        _ ("Others can get at the directory by NFS, too"),
        _ ("Take these out of /etc/exports and /etc/exports.d, or name single addresses there; "
           "then run `exportfs -ra`. Or move the directory to another file system."),
        _ ("vmroot exports %s to its one guest only, but this host also exports %s."),
        directory->directory, list->str);
}

static void
find_labels (Check *check, const VmrootServedDirectory *directory)
{
  g_autoptr (GError) error = NULL;

  if (!vmroot_transport_nfs_check_labels (check->context, directory, &error))
    vmroot_findings_add (check->findings, "nfs-labels", VMROOT_SEVERITY_ERROR,
                         _ ("The guest's SELinux labels cannot be kept"), error->message,
                         _ ("Use --xattrs native with --kernel-args enforcing=0, or virtiofs."));
}

static void
find_of_directory (Check *check, const VmrootServedDirectory *directory)
{
  g_autoptr (GError) error = NULL;

  if (!vmroot_transport_nfs_check_file_system (directory, &error))
    vmroot_findings_add (check->findings, "nfs-file-system", VMROOT_SEVERITY_ERROR,
                         _ ("NFS cannot export the directory"), error->message,
                         _ ("Move it to a file system such as ext4, XFS or btrfs."));
  if (vmroot_spec_get_xattrs (check->spec) == VMROOT_XATTRS_SELINUX)
    find_labels (check, directory);
  find_shared_file_system (check, directory);
  find_mount_options (check, directory);
  find_wide_exports (check, directory);
}

/* What it exports to whom, only a mount from the guest's own address could tell. */
static gboolean
find_foreign_server (Check *check, GCancellable *cancellable, GError **error)
{
  const gchar *server = vmroot_spec_get_server (check->spec);
  g_autoptr (GError) local_error = NULL;
  gboolean refuses = FALSE;

  if (vmroot_nfs_server_ask (server, SERVER_SECONDS, &refuses, cancellable, &local_error))
    {
      if (refuses)
        add_with_detail (
            check, "nfs-version", VMROOT_SEVERITY_ERROR,
            _ ("The NFS server does not speak NFS 4.2"),
            _ ("Turn that version on there: see nfs.conf(5), or the manual of the filer."),
            _ ("Guests mount their roots with that version only, and %s refuses it."), server);
      return TRUE;
    }
  if (g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  add_with_detail (
      check, "nfs-server-unreachable", VMROOT_SEVERITY_WARNING,
      _ ("The NFS server does not answer this host"),
      _ ("See that the server runs and that no firewall is in between: `nc -zv SERVER 2049`, here "
         "and on the server. If only the guest's network reaches it, leave it as it is."),
      _ ("The guest's root is to come from %s, which did not answer on its TCP port %d within %d "
         "seconds: %s."),
      server, VMROOT_NFS_SERVER_PORT, SERVER_SECONDS, local_error->message);
  return TRUE;
}

static void
find_of_this_host (Check *check, GPtrArray *directories)
{
  g_autofree gchar *etab = vmroot_transport_nfs_read (check->context, VMROOT_TRANSPORT_NFS_ETAB);

  check->exports = vmroot_exports_list (etab);
  check->mounts = vmroot_mount_table_read (check->context);
  find_server (check);
  for (guint i = 0; i < directories->len; i++)
    find_of_directory (check, g_ptr_array_index (directories, i));
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
  g_auto (Check) check = { .context = context, .spec = spec, .findings = findings };
  const gchar *server = vmroot_spec_get_server (spec);
  g_autofree gchar *interface = NULL;

  if (server != NULL && !vmroot_transport_nfs_find_interface (server, &interface, error))
    return FALSE;
  if (server != NULL && interface == NULL)
    return find_foreign_server (&check, cancellable, error);

  find_of_this_host (&check, directories);
  if (interface != NULL)
    find_firewall (&check, interface, cancellable);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}
