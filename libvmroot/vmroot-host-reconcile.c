/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <errno.h>
#include <unistd.h>
#include <glib/gstdio.h>

#include "vmroot-domain-private.h"
#include "vmroot-host-private.h"
#include "vmroot-libvirt-state-private.h"
#include "vmroot-translation-private.h"

/* libvirt writes a guest's status file some time after the hook has prepared it. */
#define START_SECONDS 120
/* Far longer than a guest whose server has restarted, or that was cut off, waits between two tries
 * to reach it (Linux' net/sunrpc/xprtsock.c: five minutes). */
#define UNHEARD_SECONDS 3600

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

      if (journal->recorded || find_running (reconciliation, journal->uuid) != NULL ||
          may_be_starting (reconciliation, journal))
        continue;
      if (!vmroot_host_release_uuid (reconciliation->host, journal->uuid,
                                     reconciliation->cancellable, error))
        {
          g_prefix_error (error, _ ("Cannot release the guest %s, which does not run: "),
                          journal->name);
          return FALSE;
        }

      g_ptr_array_add (reconciliation->done,
                       g_strdup_printf ("released the guest %s (%s), which does not run",
                                        journal->name, journal->uuid));
    }

  return TRUE;
}

static gboolean
save (VmrootHost *self, VmrootJournal *journal, GDateTime *unheard, GError **error)
{
  g_clear_pointer (&journal->unheard, g_date_time_unref);
  journal->unheard = unheard != NULL ? g_date_time_ref (unheard) : NULL;
  return vmroot_journal_save (journal, self->context, error);
}

/* One look does not tell: after a restart of the server, guests take a while to come back. */
static gboolean
is_forgotten (Reconciliation *reconciliation,
              VmrootJournal *journal,
              const VmrootTransportBackend *backend,
              gboolean *forgotten,
              GError **error)
{
  VmrootHost *self = reconciliation->host;
  g_autoptr (GDateTime) now = vmroot_context_now (self->context);

  *forgotten = FALSE;
  switch (backend->is_used (self->context, journal))
    {
    case VMROOT_TRANSPORT_USE_SOME:
      return journal->unheard == NULL || save (self, journal, NULL, error);
    case VMROOT_TRANSPORT_USE_NONE:
      *forgotten = journal->unheard != NULL && g_date_time_difference (now, journal->unheard) >=
                                                   UNHEARD_SECONDS * G_TIME_SPAN_SECOND;
      return journal->unheard != NULL || save (self, journal, now, error);
    default:
      return TRUE;
    }
}

static gboolean
tend_away (Reconciliation *reconciliation, VmrootJournal *journal, GError **error)
{
  VmrootHost *self = reconciliation->host;
  const VmrootTransportBackend *backend = vmroot_host_get_backend (journal->transport, error);
  gboolean forgotten;

  if (backend == NULL || !is_forgotten (reconciliation, journal, backend, &forgotten, error))
    return FALSE;
  if (forgotten)
    {
      g_ptr_array_add (
          reconciliation->done,
          g_strdup_printf ("released the guest %s (%s), which was migrated away and has not been "
                           "heard of for more than an hour",
                           journal->name, journal->uuid));
      return vmroot_host_release_uuid (self, journal->uuid, reconciliation->cancellable, error);
    }
  if (journal->away && backend->is_prepared (self->context, journal))
    return TRUE;

  g_ptr_array_add (reconciliation->done,
                   g_strdup_printf ("restored what the guest %s (%s), which was migrated away, has "
                                    "from this host",
                                    journal->name, journal->uuid));
  return vmroot_host_keep_uuid (self, journal->uuid, reconciliation->cancellable, error);
}

/* Those that were migrated away and do not run here. */
static gboolean
tend_migrated (Reconciliation *reconciliation, GError **error)
{
  for (guint i = 0; i < reconciliation->journals->len; i++)
    {
      VmrootJournal *journal = g_ptr_array_index (reconciliation->journals, i);

      if (!journal->recorded || find_running (reconciliation, journal->uuid) != NULL ||
          (!journal->away && may_be_starting (reconciliation, journal)))
        continue;
      if (!tend_away (reconciliation, journal, error))
        {
          g_prefix_error (error,
                          _ ("Cannot keep what the guest %s, which was migrated away, needs: "),
                          journal->name);
          return FALSE;
        }
    }

  return TRUE;
}

static gboolean
take_back_returned (Reconciliation *reconciliation, GError **error)
{
  for (guint i = 0; i < reconciliation->journals->len; i++)
    {
      VmrootJournal *journal = g_ptr_array_index (reconciliation->journals, i);
      VmrootDomain *domain = find_running (reconciliation, journal->uuid);

      if (!journal->recorded || journal->away || domain == NULL ||
          vmroot_libvirt_state_is_arriving (reconciliation->host->context, domain))
        continue;
      if (!vmroot_host_take_back_uuid (reconciliation->host, journal->uuid,
                                       reconciliation->cancellable, error))
        return FALSE;

      g_ptr_array_add (reconciliation->done,
                       g_strdup_printf ("noted that the guest %s (%s) runs here again",
                                        journal->name, journal->uuid));
    }

  return TRUE;
}

/* While nobody can begin to prepare a guest: what has no journal then will not have one. */
static gboolean
remove_stale_locked (Reconciliation *reconciliation, GError **error)
{
  VmrootContext *context = reconciliation->host->context;
  g_autoptr (GPtrArray) journals = vmroot_journal_load_all (context, error);

  if (journals == NULL)
    return FALSE;

  for (gint transport = 0;; transport++)
    {
      const VmrootTransportBackend *backend =
          vmroot_host_get_backend ((VmrootTransport)transport, NULL);

      if (backend == NULL)
        return TRUE;
      if (backend->remove_stale != NULL &&
          !backend->remove_stale (context, journals, reconciliation->done,
                                  reconciliation->cancellable, error))
        return FALSE;
    }
}

static gboolean
remove_stale (Reconciliation *reconciliation, GError **error)
{
  const int lock = vmroot_context_lock (reconciliation->host->context, VMROOT_HOST_CLAIMS_LOCK,
                                        reconciliation->cancellable, error);
  gboolean removed;

  if (lock == -1)
    return FALSE;

  removed = remove_stale_locked (reconciliation, error);
  close (lock);
  return removed;
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
          g_prefix_error (error, _ ("Cannot repair the running guest %s: "), name);
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

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), _ ("Cannot remove %s: %s"), path,
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
 * not know any more are removed. What a guest has from here that was migrated to another host is
 * kept, until the NFS server has not known that guest for an hour. Which guests run is read from
 * libvirt's status files in
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
      !take_back_returned (&reconciliation, error) || !tend_migrated (&reconciliation, error) ||
      !remove_stale (&reconciliation, error) || !remove_boot_images (&reconciliation, error))
    return NULL;

  return g_steal_pointer (&done);
}
