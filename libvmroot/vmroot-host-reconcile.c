/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <errno.h>
#include <glib/gstdio.h>

#include "vmroot-domain-private.h"
#include "vmroot-host-private.h"
#include "vmroot-libvirt-state-private.h"

/* libvirt writes a guest's status file some time after the hook has prepared it. */
#define START_SECONDS 120

typedef struct
{
  VmrootHost *host;
  GPtrArray *running;  /* VmrootDomain */
  GPtrArray *journals; /* VmrootJournal */
  GPtrArray *done;     /* what was done, for people */
  GCancellable *cancellable;
} Reconciliation;

static VmrootDomain *
find_running (Reconciliation *reconciliation, const gchar *uuid)
{
  for (guint i = 0; i < reconciliation->running->len; i++)
    {
      VmrootDomain *domain = g_ptr_array_index (reconciliation->running, i);
      g_autofree gchar *domain_uuid = vmroot_domain_get_uuid (domain);

      if (g_strcmp0 (domain_uuid, uuid) == 0)
        return domain;
    }

  return NULL;
}

static VmrootJournal *
find_journal (Reconciliation *reconciliation, const gchar *uuid)
{
  for (guint i = 0; i < reconciliation->journals->len; i++)
    {
      VmrootJournal *journal = g_ptr_array_index (reconciliation->journals, i);

      if (g_strcmp0 (journal->uuid, uuid) == 0)
        return journal;
    }

  return NULL;
}

static gboolean
may_be_starting (Reconciliation *reconciliation, VmrootJournal *journal)
{
  g_autoptr (GDateTime) now = vmroot_context_now (reconciliation->host->context);

  return g_date_time_difference (now, journal->since) < START_SECONDS * G_TIME_SPAN_SECOND;
}

static gboolean
release_stopped (Reconciliation *reconciliation, GError **error)
{
  for (guint i = 0; i < reconciliation->journals->len; i++)
    {
      VmrootJournal *journal = g_ptr_array_index (reconciliation->journals, i);

      if (find_running (reconciliation, journal->uuid) != NULL ||
          may_be_starting (reconciliation, journal))
        continue;
      if (!vmroot_host_release_uuid (reconciliation->host, journal->uuid,
                                     reconciliation->cancellable, error))
        {
          g_prefix_error (error,
                          "Cannot release the guest %s, which does not run: ", journal->name);
          return FALSE;
        }

      g_ptr_array_add (reconciliation->done,
                       g_strdup_printf ("released the guest %s (%s), which does not run",
                                        journal->name, journal->uuid));
    }

  return TRUE;
}

static gboolean
is_whole (VmrootHost *self, VmrootJournal *journal)
{
  const VmrootTransportBackend *backend = vmroot_host_get_backend (journal->transport, NULL);

  return journal->complete && backend != NULL && backend->is_prepared (self->context, journal);
}

static gboolean
repair_running (Reconciliation *reconciliation, GError **error)
{
  for (guint i = 0; i < reconciliation->running->len; i++)
    {
      VmrootDomain *domain = g_ptr_array_index (reconciliation->running, i);
      g_autofree gchar *uuid = vmroot_domain_get_uuid (domain);
      g_autofree gchar *name = vmroot_domain_get_name (domain);
      VmrootJournal *journal = find_journal (reconciliation, uuid);

      if (journal != NULL && is_whole (reconciliation->host, journal))
        continue;
      if (!vmroot_host_repair (reconciliation->host, domain, reconciliation->cancellable, error))
        {
          g_prefix_error (error, "Cannot repair the running guest %s: ", name);
          return FALSE;
        }

      g_ptr_array_add (
          reconciliation->done,
          g_strdup_printf ("restored what the running guest %s (%s) needs", name, uuid));
    }

  return TRUE;
}

static gboolean
remove_directory (const gchar *path, GError **error)
{
  g_autoptr (GDir) files = g_dir_open (path, 0, error);
  const gchar *name;

  if (files == NULL)
    return FALSE;

  while ((name = g_dir_read_name (files)) != NULL)
    {
      g_autofree gchar *file = g_build_filename (path, name, NULL);

      g_unlink (file);
    }
  if (g_rmdir (path) == 0)
    return TRUE;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "Cannot remove %s: %s", path,
               g_strerror (errno));
  return FALSE;
}

/* No guest needs one that is gone, as each start builds what is missing; so it is only space and
 * time. The images of guests that are defined are kept. */
static gboolean
remove_boot_images (Reconciliation *reconciliation, GError **error)
{
  VmrootContext *context = reconciliation->host->context;
  g_autofree gchar *path = vmroot_context_path (context, VMROOT_BOOT_DIRECTORY);
  g_autoptr (GDir) directories = g_dir_open (path, 0, NULL);
  const gchar *uuid;

  while (directories != NULL && (uuid = g_dir_read_name (directories)) != NULL)
    {
      g_autofree gchar *directory = g_build_filename (path, uuid, NULL);

      if (!g_uuid_string_is_valid (uuid) || find_journal (reconciliation, uuid) != NULL ||
          find_running (reconciliation, uuid) != NULL ||
          vmroot_libvirt_state_defines (context, uuid))
        continue;
      if (!remove_directory (directory, error))
        return FALSE;

      g_ptr_array_add (
          reconciliation->done,
          g_strdup_printf ("removed the boot image of the guest %s, which libvirt does "
                           "not know any more",
                           uuid));
    }

  return TRUE;
}

/**
 * vmroot_host_reconcile:
 * @self: this machine
 * @cancellable: (nullable): to give up early
 * @error: return location for an error
 *
 * Makes this host agree with the guests that run: what is missing of what they need is restored,
 * what was done for guests that do not run is undone, and boot images of guests that libvirt does
 * not know any more are removed. Which guests run is read from libvirt's status files in
 * `/run/libvirt/qemu`. A guest that was prepared less than two minutes ago may be starting, and is
 * left alone.
 *
 * Needed after a crash, or after a hook was killed.
 *
 * Returns: (transfer container) (element-type utf8): what was done, a sentence each; or %NULL with
 * @error set
 *
 * Since: 1.0
 */
GPtrArray *
vmroot_host_reconcile (VmrootHost *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) done = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) journals = NULL;
  g_autoptr (GPtrArray) running = NULL;
  Reconciliation reconciliation;

  g_return_val_if_fail (VMROOT_IS_HOST (self), NULL);

  /* The journals first: a guest that starts in between is then in the other list at most. */
  journals = vmroot_journal_load_all (self->context, error);
  if (journals == NULL)
    return NULL;
  running = vmroot_libvirt_state_list_running (self->context, error);
  if (running == NULL)
    return NULL;

  reconciliation = (Reconciliation){ self, running, journals, done, cancellable };
  if (!release_stopped (&reconciliation, error) || !repair_running (&reconciliation, error) ||
      !remove_boot_images (&reconciliation, error))
    return NULL;

  return g_steal_pointer (&done);
}
