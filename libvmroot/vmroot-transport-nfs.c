/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The kernel's NFS server exports each directory of a guest to the one address of that guest.
 *
 * A file in /etc/exports.d keeps the exports over `exportfs -r`, which the start and the reload of
 * the server run; `exportfs -i` makes them at once, whatever is in other people's files. Their fsid
 * is how vmroot knows its exports from those of others.
 */

#include "config.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include "vmroot-error.h"
#include "vmroot-exports-private.h"
#include "vmroot-nfs-clients-private.h"
#include "vmroot-nfs-mount-private.h"
#include "vmroot-share-mount-private.h"
#include "vmroot-translation-private.h"
#include "vmroot-transport-nfs-private.h"

#define EXPORTS_DIRECTORY VMROOT_TRANSPORT_NFS_DIRECTORY
#define ETAB VMROOT_TRANSPORT_NFS_ETAB
#define EXPORTFS "exportfs"
/* With thousands of exports it takes a tenth of a second; but those of guests that start together
 * wait for each other. */
#define EXPORTFS_SECONDS 60

/* What another host may still need has a name by which systemd-tmpfiles does not remove it at boot.
 */
static gchar *
get_file (VmrootJournal *journal, gboolean recorded)
{
  return g_strconcat (EXPORTS_DIRECTORY "/" VMROOT_TRANSPORT_NFS_PREFIX,
                      recorded ? VMROOT_TRANSPORT_NFS_MIGRATED : "", journal->uuid, ".exports",
                      NULL);
}

static gboolean
file_exists (VmrootContext *context, VmrootJournal *journal, gboolean recorded)
{
  g_autofree gchar *file = get_file (journal, recorded);
  g_autofree gchar *path = vmroot_context_path (context, file);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* On a file system that is read-only, not even what is not there can be removed. */
static gboolean
remove_file (VmrootContext *context, VmrootJournal *journal, gboolean recorded, GError **error)
{
  g_autofree gchar *file = get_file (journal, recorded);

  return !file_exists (context, journal, recorded) ||
         vmroot_context_remove_file (context, file, error);
}

/* Its own for each directory of a guest, and the same at each start: file handles that the guest
 * holds stay good, and file systems without a UUID can be exported. How it begins tells our exports
 * from those of others. */
static gchar *
make_fsid (VmrootJournal *journal, guint index)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree gchar *name = g_strdup_printf ("%s %u", journal->uuid, index);
  const gchar *hex;

  g_checksum_update (checksum, (const guchar *)name, -1);
  hex = g_checksum_get_string (checksum);
  return g_strdup_printf (VMROOT_TRANSPORT_NFS_MARK "%.4s-%.4s-%.4s-%.12s", hex, hex + 4, hex + 8,
                          hex + 12);
}

gchar *
vmroot_transport_nfs_get_place (VmrootJournal *journal, guint index)
{
  const VmrootServedDirectory *directory = g_ptr_array_index (journal->directories, index);

  return directory->is_root ? NULL : vmroot_share_mount_path (journal->client, index - 1);
}

/* The root itself, as guests on another host and other servers know it by that path, too; shares
 * from their own places. */
gchar *
vmroot_transport_nfs_get_path (VmrootContext *context, VmrootJournal *journal, guint index)
{
  const VmrootServedDirectory *directory = g_ptr_array_index (journal->directories, index);
  g_autofree gchar *place = vmroot_transport_nfs_get_place (journal, index);

  return place == NULL ? g_strdup (directory->path) : vmroot_context_path (context, place);
}

/* no_root_squash: the guest's root is root in its tree. insecure: the address is what tells guests
 * apart, not the port. async: as if the guest's disk had a cache, which qcow2 images have, too. */
static gchar *
make_options (VmrootConfiguration *configuration, VmrootJournal *journal, guint index)
{
  const VmrootServedDirectory *directory = g_ptr_array_index (journal->directories, index);
  g_autofree gchar *fsid = make_fsid (journal, index);

  return g_strdup_printf ("%s,%s,no_root_squash,insecure,no_subtree_check%s,%s",
                          directory->writable ? "rw" : "ro",
                          configuration->nfs_sync ? "sync" : "async",
                          journal->xattrs == VMROOT_XATTRS_SELINUX ? ",security_label" : "", fsid);
}

static gchar *
make_file_content (VmrootContext *context,
                   VmrootConfiguration *configuration,
                   VmrootJournal *journal,
                   GError **error)
{
  g_autoptr (GString) content =
      g_string_new ("# Written by vmroot while the guest runs; removed when it has stopped.\n");

  for (guint i = 0; i < journal->directories->len; i++)
    {
      g_autofree gchar *path = vmroot_transport_nfs_get_path (context, journal, i);
      g_autofree gchar *options = make_options (configuration, journal, i);
      g_autofree gchar *line = vmroot_exports_line (path, journal->client, options, error);

      if (line == NULL)
        return NULL;
      g_string_append (content, line);
    }

  return g_string_free (g_steal_pointer (&content), FALSE);
}

static gboolean
write_file (VmrootContext *context,
            VmrootConfiguration *configuration,
            VmrootJournal *journal,
            GError **error)
{
  g_autofree gchar *file = get_file (journal, journal->recorded);
  g_autofree gchar *content = make_file_content (context, configuration, journal, error);
  gboolean (*const write) (VmrootContext *, const gchar *, const gchar *, GError **) =
      journal->recorded ? vmroot_context_write_durably : vmroot_context_write_file;

  if (content == NULL)
    return FALSE;
  if (vmroot_context_make_directory (context, EXPORTS_DIRECTORY, 0755, error) &&
      write (context, file, content, error) &&
      remove_file (context, journal, !journal->recorded, error))
    return TRUE;

  g_prefix_error (error, _ ("Cannot keep the exports of the guest in a file of its own: "));
  return FALSE;
}

/* The part of the server's table that is about the guest. */
static gchar *
read_etab (VmrootContext *context, VmrootJournal *journal)
{
  g_autofree gchar *path = vmroot_context_path (context, ETAB);

  return vmroot_exports_read (path, journal->client);
}

/* What `path` is exported to the guest with in `etab`; NULL: it is not. */
static gchar *
find_export (const gchar *etab, VmrootContext *context, VmrootJournal *journal, guint index)
{
  g_autofree gchar *path = vmroot_transport_nfs_get_path (context, journal, index);

  return vmroot_exports_find (etab, path, journal->client);
}

static gboolean
is_exported (const gchar *etab, VmrootContext *context, VmrootJournal *journal, guint index)
{
  g_autofree gchar *options = find_export (etab, context, journal, index);
  g_autofree gchar *fsid = make_fsid (journal, index);

  return options != NULL && strstr (options, fsid) != NULL;
}

gboolean
vmroot_transport_nfs_run_exportfs (VmrootContext *context,
                                   const gchar *options,
                                   const gchar *client,
                                   const gchar *path,
                                   GCancellable *cancellable,
                                   GError **error)
{
  const gboolean ipv6 = strchr (client, ':') != NULL;
  g_autofree gchar *what = g_strdup_printf (ipv6 ? "[%s]:%s" : "%s:%s", client, path);
  const gchar *const add[] = { EXPORTFS, "-i", "-o", options, what, NULL };
  const gchar *const take_away[] = { EXPORTFS, "-u", what, NULL };
  g_autofree gchar *output = NULL;
  g_autoptr (GError) local_error = NULL;

  if (vmroot_context_run (context, options != NULL ? add : take_away, EXPORTFS_SECONDS, &output,
                          cancellable, &local_error))
    return TRUE;

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
               local_error->domain == G_SPAWN_ERROR
                   ? _ ("%s: install the NFS server (on Debian, nfs-kernel-server)")
                   : "%s",
               local_error->message);
  return FALSE;
}

/* What exportfs says of others' files may make it fail although it did what it was asked for: what
 * counts is the table, which is looked at once, after all. */
static gboolean
export_directories (VmrootContext *context,
                    VmrootConfiguration *configuration,
                    VmrootJournal *journal,
                    GCancellable *cancellable,
                    GError **error)
{
  g_autoptr (GError) run_error = NULL;
  g_autofree gchar *etab = NULL;

  for (guint i = 0; i < journal->directories->len; i++)
    {
      g_autofree gchar *options = make_options (configuration, journal, i);
      g_autofree gchar *path = vmroot_transport_nfs_get_path (context, journal, i);

      vmroot_transport_nfs_run_exportfs (context, options, journal->client, path, cancellable,
                                         run_error == NULL ? &run_error : NULL);
    }

  etab = read_etab (context, journal);
  for (guint i = 0; i < journal->directories->len; i++)
    {
      const VmrootServedDirectory *directory = g_ptr_array_index (journal->directories, i);

      if (is_exported (etab, context, journal, i))
        continue;
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
                   run_error == NULL ? _ ("Cannot export %s to %s: exportfs said nothing, but %s "
                                          "does not have it")
                                     : _ ("Cannot export %s to %s: %s"),
                   directory->directory, journal->client,
                   run_error == NULL ? ETAB : run_error->message);
      return FALSE;
    }

  return TRUE;
}

static gboolean
unexport_directories (VmrootContext *context,
                      VmrootJournal *journal,
                      GCancellable *cancellable,
                      GError **error)
{
  g_autofree gchar *before = read_etab (context, journal);
  g_autofree gchar *after = NULL;
  g_autoptr (GError) run_error = NULL;

  for (guint i = 0; i < journal->directories->len; i++)
    {
      g_autofree gchar *path = vmroot_transport_nfs_get_path (context, journal, i);

      if (is_exported (before, context, journal, i))
        vmroot_transport_nfs_run_exportfs (context, NULL, journal->client, path, cancellable,
                                           run_error == NULL ? &run_error : NULL);
    }

  after = read_etab (context, journal);
  for (guint i = 0; i < journal->directories->len; i++)
    {
      const VmrootServedDirectory *directory = g_ptr_array_index (journal->directories, i);

      if (!is_exported (after, context, journal, i))
        continue;
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
                   run_error == NULL ? _ ("Cannot take the export of %s to %s back: exportfs said "
                                          "nothing, but %s still has it")
                                     : _ ("Cannot take the export of %s to %s back: %s"),
                   directory->directory, journal->client,
                   run_error == NULL ? ETAB : run_error->message);
      return FALSE;
    }

  return TRUE;
}

static gboolean
mount_shares (VmrootContext *context, VmrootJournal *journal, GError **error)
{
  for (guint i = 0; i < journal->directories->len; i++)
    {
      g_autofree gchar *place = vmroot_transport_nfs_get_place (journal, i);

      if (place == NULL)
        continue;
      if (!vmroot_share_mount_take (context, g_ptr_array_index (journal->directories, i), place,
                                    error) ||
          !vmroot_context_reached (context, "share", error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
unmount_shares (VmrootContext *context, VmrootJournal *journal, GError **error)
{
  for (guint i = journal->directories->len; i-- > 0;)
    {
      g_autofree gchar *place = vmroot_transport_nfs_get_place (journal, i);

      if (place == NULL)
        continue;
      if (!vmroot_share_mount_undo (context, place, error) ||
          !vmroot_context_reached (context, "share", error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
are_shares_mounted (VmrootContext *context, VmrootJournal *journal)
{
  for (guint i = 0; i < journal->directories->len; i++)
    {
      g_autofree gchar *place = vmroot_transport_nfs_get_place (journal, i);

      if (place != NULL && !vmroot_share_mount_is_taken (
                               context, g_ptr_array_index (journal->directories, i), place))
        return FALSE;
    }

  return TRUE;
}

/* The same directory exported to the same address by somebody else would be taken over, and taken
 * away at the end. */
static gboolean
check_others (VmrootContext *context, VmrootJournal *journal, GError **error)
{
  g_autofree gchar *etab = read_etab (context, journal);

  for (guint i = 0; i < journal->directories->len; i++)
    {
      const VmrootServedDirectory *directory = g_ptr_array_index (journal->directories, i);
      g_autofree gchar *options = find_export (etab, context, journal, i);

      if (options == NULL || is_exported (etab, context, journal, i))
        continue;
      g_set_error (
          error, VMROOT_ERROR, VMROOT_ERROR_IN_USE,
          _ ("%s is exported to %s already, not by vmroot: take that out of /etc/exports or "
             "/etc/exports.d"),
          directory->directory, journal->client);
      return FALSE;
    }

  return TRUE;
}

static gboolean
check_directories (VmrootContext *context, VmrootJournal *journal, GError **error)
{
  for (guint i = 0; i < journal->directories->len; i++)
    {
      const VmrootServedDirectory *directory = g_ptr_array_index (journal->directories, i);

      if (!vmroot_transport_nfs_check_file_system (directory, error) ||
          (journal->xattrs == VMROOT_XATTRS_SELINUX &&
           !vmroot_transport_nfs_check_labels (context, directory, error)))
        return FALSE;
    }

  return TRUE;
}

static gboolean
is_address (const struct sockaddr *candidate, GInetAddress *wanted)
{
  g_autoptr (GSocketAddress) address = NULL;
  gsize size;

  if (candidate == NULL || (candidate->sa_family != AF_INET && candidate->sa_family != AF_INET6))
    return FALSE;

  size =
      candidate->sa_family == AF_INET ? sizeof (struct sockaddr_in) : sizeof (struct sockaddr_in6);
  address = g_socket_address_new_from_native ((gpointer)candidate, size);
  return g_inet_address_equal (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address)),
                               wanted);
}

gboolean
vmroot_transport_nfs_find_interface (const gchar *address, gchar **interface, GError **error)
{
  g_autoptr (GInetAddress) wanted = g_inet_address_new_from_string (address);
  struct ifaddrs *addresses = NULL;

  *interface = NULL;
  if (wanted == NULL)
    return TRUE;
  if (getifaddrs (&addresses) < 0)
    {
      const int saved_errno = errno;

      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
                   _ ("Cannot list the addresses of this host: %s"), g_strerror (saved_errno));
      return FALSE;
    }

  for (const struct ifaddrs *a = addresses; a != NULL && *interface == NULL; a = a->ifa_next)
    if (is_address (a->ifa_addr, wanted))
      *interface = g_strdup (a->ifa_name);
  freeifaddrs (addresses);
  return TRUE;
}

/* A server that is not this host exports what it wants: here, there is nothing to do. So after a
 * migration, the guest goes on with the host it came from. */
static gboolean
describe (VmrootContext *context, VmrootSpec *spec, VmrootJournal *journal, GError **error)
{
  g_autofree gchar *interface = NULL;

  if (!vmroot_nfs_mount_is_described (spec))
    {
      g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_SPEC,
                           _ ("The guest's root is described without an address or a server: "
                              "describe it anew with vmroot apply"));
      return FALSE;
    }
  if (!vmroot_transport_nfs_find_interface (vmroot_spec_get_server (spec), &interface, error))
    return FALSE;

  if (interface != NULL)
    journal->client = vmroot_nfs_mount_client (spec);
  return TRUE;
}

static gboolean
prepare (VmrootContext *context,
         VmrootConfiguration *configuration,
         VmrootJournal *journal,
         GCancellable *cancellable,
         GError **error)
{
  if (journal->client == NULL)
    return TRUE;

  return vmroot_transport_nfs_check_server (context, error) &&
         check_others (context, journal, error) && check_directories (context, journal, error) &&
         mount_shares (context, journal, error) &&
         write_file (context, configuration, journal, error) &&
         vmroot_context_reached (context, "exports-file", error) &&
         export_directories (context, configuration, journal, cancellable, error);
}

/* The file first: while it is there, a restart of the server brings the exports back. */
static gboolean
release (VmrootContext *context, VmrootJournal *journal, GCancellable *cancellable, GError **error)
{
  if (journal->client == NULL)
    return TRUE;
  if (!remove_file (context, journal, FALSE, error) ||
      !remove_file (context, journal, TRUE, error) ||
      !vmroot_context_reached (context, "exports-file", error) ||
      !unexport_directories (context, journal, cancellable, error))
    return FALSE;

  if (journal->ended)
    vmroot_nfs_clients_expire (context, journal->client);
  return unmount_shares (context, journal, error);
}

/* A server that does not run yet will read the file when it starts. */
static gboolean
keep (VmrootContext *context,
      VmrootConfiguration *configuration,
      VmrootJournal *journal,
      GCancellable *cancellable,
      GError **error)
{
  return mount_shares (context, journal, error) &&
         write_file (context, configuration, journal, error) &&
         vmroot_context_reached (context, "exports-file", error) &&
         (!vmroot_transport_nfs_check_server (context, NULL) ||
          export_directories (context, configuration, journal, cancellable, error));
}

static VmrootTransportUse
is_used (VmrootContext *context, VmrootJournal *journal)
{
  return vmroot_nfs_clients_has (context, journal->client);
}

static gboolean
is_prepared (VmrootContext *context, VmrootJournal *journal)
{
  g_autofree gchar *etab = NULL;

  if (journal->client == NULL)
    return TRUE;
  if (!file_exists (context, journal, journal->recorded) || !are_shares_mounted (context, journal))
    return FALSE;
  if (journal->away && !vmroot_transport_nfs_check_server (context, NULL))
    return TRUE;

  etab = read_etab (context, journal);
  for (guint i = 0; i < journal->directories->len; i++)
    if (!is_exported (etab, context, journal, i))
      return FALSE;

  return TRUE;
}

const VmrootTransportBackend vmroot_transport_nfs = {
  .describe = describe,
  .prepare = prepare,
  .release = release,
  .keep = keep,
  .is_used = is_used,
  .remove_stale = vmroot_transport_nfs_remove_stale,
  .is_prepared = is_prepared,
  .check = vmroot_transport_nfs_check,
};
