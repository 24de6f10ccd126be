/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The kernel's NFS server exports each directory of a guest to the one address of that guest.
 *
 * A file in /etc/exports.d keeps the exports over `exportfs -r`, which the start and the reload of
 * the server run; `exportfs -i` makes them at once, whatever is in other people's files. That file
 * is also how vmroot knows its exports from those of others: it comes first and goes last.
 */

#include "config.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include "vmroot-error.h"
#include "vmroot-exports-private.h"
#include "vmroot-nfs-mount-private.h"
#include "vmroot-transport-nfs-private.h"

#define EXPORTS_DIRECTORY VMROOT_SYSCONFDIR "/exports.d"
#define ETAB VMROOT_TRANSPORT_NFS_ETAB
#define EXPORTFS "exportfs"
/* With thousands of exports it takes a tenth of a second. */
#define EXPORTFS_SECONDS 20

static gchar *
get_file (const gchar *uuid)
{
  return g_strconcat (EXPORTS_DIRECTORY "/vmroot-", uuid, ".exports", NULL);
}

static gboolean
file_exists (VmrootContext *context, const gchar *uuid)
{
  g_autofree gchar *file = get_file (uuid);
  g_autofree gchar *path = vmroot_context_path (context, file);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* Its own for each directory of a guest, and the same at each start: file handles that the guest
 * holds stay good, and file systems without a UUID can be exported. */
static gchar *
make_fsid (VmrootJournal *journal, guint index)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree gchar *name = g_strdup_printf ("%s %u", journal->uuid, index);
  g_autoptr (GString) fsid = NULL;

  g_checksum_update (checksum, (const guchar *)name, -1);
  fsid = g_string_new_len (g_checksum_get_string (checksum), 32);
  for (gssize at = 20; at >= 8; at -= 4)
    g_string_insert_c (fsid, at, '-');
  return g_string_free (g_steal_pointer (&fsid), FALSE);
}

/* no_root_squash: the guest's root is root in its tree. insecure: the address is what tells guests
 * apart, not the port. async: as if the guest's disk had a cache, which qcow2 images have, too. */
static gchar *
make_options (VmrootConfiguration *configuration, VmrootJournal *journal, guint index)
{
  const VmrootServedDirectory *directory = g_ptr_array_index (journal->directories, index);
  g_autofree gchar *fsid = make_fsid (journal, index);

  return g_strdup_printf ("%s,%s,no_root_squash,insecure,no_subtree_check,fsid=%s",
                          directory->writable ? "rw" : "ro",
                          configuration->nfs_sync ? "sync" : "async", fsid);
}

static gchar *
make_file_content (VmrootConfiguration *configuration, VmrootJournal *journal, GError **error)
{
  g_autoptr (GString) content =
      g_string_new ("# Written by vmroot while the guest runs; removed when it has stopped.\n");

  for (guint i = 0; i < journal->directories->len; i++)
    {
      const VmrootServedDirectory *directory = g_ptr_array_index (journal->directories, i);
      g_autofree gchar *options = make_options (configuration, journal, i);
      g_autofree gchar *line =
          vmroot_exports_line (directory->path, journal->client, options, error);

      if (line == NULL)
        return NULL;
      g_string_append (content, line);
    }

  return g_string_free (g_steal_pointer (&content), FALSE);
}

static gboolean
is_exported (VmrootContext *context, VmrootJournal *journal, guint index)
{
  const VmrootServedDirectory *directory = g_ptr_array_index (journal->directories, index);
  g_autofree gchar *etab = vmroot_transport_nfs_read (context, ETAB);
  g_autofree gchar *options = vmroot_exports_find (etab, directory->path, journal->client);
  g_autofree gchar *fsid = make_fsid (journal, index);

  return options != NULL && strstr (options, fsid) != NULL;
}

static gboolean
run_exportfs (VmrootContext *context,
              VmrootJournal *journal,
              guint index,
              const gchar *const *options,
              GCancellable *cancellable,
              GError **error)
{
  const VmrootServedDirectory *directory = g_ptr_array_index (journal->directories, index);
  g_autofree gchar *what = g_strconcat (journal->client, ":", directory->path, NULL);
  g_autofree gchar *output = NULL;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) argv = NULL;

  g_strv_builder_add (builder, EXPORTFS);
  g_strv_builder_addv (builder, (const gchar **)options);
  g_strv_builder_add (builder, what);
  argv = g_strv_builder_end (builder);
  return vmroot_context_run (context, (const gchar *const *)argv, EXPORTFS_SECONDS, &output,
                             cancellable, error);
}

/* What exportfs says of others' files may make it fail although it did what it was asked for: what
 * counts is the table. */
static gboolean
export_directory (VmrootContext *context,
                  VmrootConfiguration *configuration,
                  VmrootJournal *journal,
                  guint index,
                  GCancellable *cancellable,
                  GError **error)
{
  const VmrootServedDirectory *directory = g_ptr_array_index (journal->directories, index);
  g_autofree gchar *options = make_options (configuration, journal, index);
  const gchar *const argv[] = { "-i", "-o", options, NULL };
  g_autoptr (GError) local_error = NULL;
  const gboolean ran = run_exportfs (context, journal, index, argv, cancellable, &local_error);

  if (is_exported (context, journal, index))
    return TRUE;

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "Cannot export %s to %s: %s",
               directory->directory, journal->client,
               ran ? "exportfs said nothing, but " ETAB " does not have it" : local_error->message);
  return FALSE;
}

static gboolean
unexport_directory (VmrootContext *context,
                    VmrootJournal *journal,
                    guint index,
                    GCancellable *cancellable,
                    GError **error)
{
  const VmrootServedDirectory *directory = g_ptr_array_index (journal->directories, index);
  const gchar *const argv[] = { "-u", NULL };
  g_autoptr (GError) local_error = NULL;
  gboolean ran;

  if (!is_exported (context, journal, index))
    return TRUE;

  ran = run_exportfs (context, journal, index, argv, cancellable, &local_error);
  if (!is_exported (context, journal, index))
    return TRUE;

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
               "Cannot take the export of %s to %s back: %s", directory->directory, journal->client,
               ran ? "exportfs said nothing, but " ETAB " still has it" : local_error->message);
  return FALSE;
}

/* The same directory exported to the same address by somebody else would be taken over, and taken
 * away at the end. */
static gboolean
check_others (VmrootContext *context, VmrootJournal *journal, GError **error)
{
  g_autofree gchar *etab = vmroot_transport_nfs_read (context, ETAB);

  for (guint i = 0; i < journal->directories->len; i++)
    {
      const VmrootServedDirectory *directory = g_ptr_array_index (journal->directories, i);
      g_autofree gchar *options = vmroot_exports_find (etab, directory->path, journal->client);

      if (options == NULL || is_exported (context, journal, i))
        continue;
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_IN_USE,
                   "%s is exported to %s already, not by vmroot: take that out of /etc/exports or "
                   "/etc/exports.d",
                   directory->directory, journal->client);
      return FALSE;
    }

  return TRUE;
}

/* An address tells one guest from the others. */
static gboolean
check_client (VmrootContext *context, VmrootJournal *journal, GError **error)
{
  g_autoptr (GPtrArray) journals = vmroot_journal_load_all (context, error);

  if (journals == NULL)
    return FALSE;

  for (guint i = 0; i < journals->len; i++)
    {
      const VmrootJournal *other = g_ptr_array_index (journals, i);

      if (g_strcmp0 (other->client, journal->client) != 0 ||
          g_str_equal (other->uuid, journal->uuid))
        continue;
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_IN_USE,
                   "The guest %s (%s) has the address %s, too: give each guest its own with vmroot "
                   "apply",
                   other->name, other->uuid, journal->client);
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
                   "Cannot list the addresses of this host: %s", g_strerror (saved_errno));
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
                           "The guest's root is described without an address or a server: describe "
                           "it anew with vmroot apply");
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
  g_autofree gchar *file = get_file (journal->uuid);
  g_autofree gchar *content = NULL;

  if (journal->client == NULL)
    return TRUE;

  content = make_file_content (configuration, journal, error);
  if (content == NULL || !vmroot_transport_nfs_check_server (context, error) ||
      !check_client (context, journal, error) || !check_others (context, journal, error))
    return FALSE;
  for (guint i = 0; i < journal->directories->len; i++)
    if (!vmroot_transport_nfs_check_file_system (g_ptr_array_index (journal->directories, i),
                                                 error))
      return FALSE;

  if (!vmroot_context_make_directory (context, EXPORTS_DIRECTORY, 0755, error) ||
      !vmroot_context_write_file (context, file, content, error))
    return FALSE;
  for (guint i = 0; i < journal->directories->len; i++)
    if (!export_directory (context, configuration, journal, i, cancellable, error))
      return FALSE;

  return TRUE;
}

/* Without our file, whatever is exported is not ours. */
static gboolean
release (VmrootContext *context, VmrootJournal *journal, GCancellable *cancellable, GError **error)
{
  g_autofree gchar *file = get_file (journal->uuid);

  if (journal->client == NULL || !file_exists (context, journal->uuid))
    return TRUE;

  for (guint i = 0; i < journal->directories->len; i++)
    if (!unexport_directory (context, journal, i, cancellable, error))
      return FALSE;

  return vmroot_context_remove_file (context, file, error);
}

static gboolean
is_prepared (VmrootContext *context, VmrootJournal *journal)
{
  if (journal->client == NULL)
    return TRUE;
  if (!file_exists (context, journal->uuid))
    return FALSE;

  for (guint i = 0; i < journal->directories->len; i++)
    if (!is_exported (context, journal, i))
      return FALSE;

  return TRUE;
}

const VmrootTransportBackend vmroot_transport_nfs = {
  .describe = describe,
  .prepare = prepare,
  .release = release,
  .is_prepared = is_prepared,
  .check = vmroot_transport_nfs_check,
};
