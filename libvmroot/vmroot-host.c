/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <unistd.h>

#include "vmroot-boot-image.h"
#include "vmroot-domain-private.h"
#include "vmroot-error.h"
#include "vmroot-host-private.h"
#include "vmroot-libvirt-state-private.h"
#include "vmroot-translation-private.h"
#include "vmroot-tree-private.h"

/**
 * VmrootHost:
 *
 * This machine: what it does so that guests find their roots.
 *
 * libvirt's hook calls [method@Vmroot.Host.prepare] before a guest starts and
 * [method@Vmroot.Host.release] when it has stopped. Whatever is done for a guest is written to
 * `/run/vmroot/guests/UUID` before it is done, so that the next call finishes or undoes what a
 * killed one left.
 *
 * Preparing and releasing take root's privileges. No call uses libvirt.
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE (VmrootHost, vmroot_host, G_TYPE_OBJECT)

/* What is being prepared. */
typedef struct
{
  VmrootHost *host;
  VmrootSpec *spec;
  VmrootConfiguration *configuration;
  VmrootJournal *journal;
  GCancellable *cancellable;
} Preparation;

typedef struct
{
  const gchar *name;
  gboolean only_before_start;
  gboolean (*take) (Preparation *preparation, GError **error);
  gboolean (*undo) (VmrootHost *self,
                    VmrootJournal *journal,
                    GCancellable *cancellable,
                    GError **error);
} Step;

static void
vmroot_host_finalize (GObject *object)
{
  VmrootHost *self = VMROOT_HOST (object);

  g_clear_pointer (&self->context, vmroot_context_unref);

  G_OBJECT_CLASS (vmroot_host_parent_class)->finalize (object);
}

static void
vmroot_host_class_init (VmrootHostClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vmroot_host_finalize;
}

/* The tree is found by its path again: make sure that it is the one that was checked and claimed.
 */
static gboolean
build_boot_image (const VmrootServedDirectory *root,
                  VmrootSpec *spec,
                  const gchar *directory,
                  GCancellable *cancellable,
                  GError **error)
{
  g_autoptr (VmrootTree) tree = vmroot_tree_new (root->path, error);
  g_autoptr (VmrootBootImage) boot_image = NULL;
  g_autofree gchar *id = NULL;
  dev_t device;
  ino_t inode;

  if (tree == NULL)
    return FALSE;

  vmroot_tree_get_identity (tree, &device, &inode);
  id = vmroot_served_directory_format_id (device, inode);
  if (!g_str_equal (id, root->id))
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
                   _ ("%s was replaced by another directory just now; start the guest again"),
                   root->path);
      return FALSE;
    }

  boot_image = vmroot_boot_image_build (tree, spec, directory, cancellable, error);
  return boot_image != NULL;
}

static void
vmroot_host_init (VmrootHost *self)
{
  self->build_boot_image = build_boot_image;
}

VmrootHost *
vmroot_host_new_for_context (VmrootContext *context)
{
  VmrootHost *self = g_object_new (VMROOT_TYPE_HOST, NULL);

  self->context = vmroot_context_ref (context);
  return self;
}

/**
 * vmroot_host_new:
 * @sysroot: (nullable) (type filename): the directory that holds this host's `/etc`, `/run` and
 *   `/var`; %NULL for `/`
 *
 * Gives access to what is done for guests on a machine. Nothing is read before it is asked for.
 *
 * Returns: (transfer full): this machine
 *
 * Since: 1.0
 */
VmrootHost *
vmroot_host_new (const gchar *sysroot)
{
  g_autoptr (VmrootContext) context = vmroot_context_new (sysroot);

  return vmroot_host_new_for_context (context);
}

const VmrootTransportBackend *
vmroot_host_get_backend (VmrootTransport transport, GError **error)
{
  static const VmrootTransportBackend *const backends[] = {
    [VMROOT_TRANSPORT_VIRTIOFS] = &vmroot_transport_virtiofs,
    [VMROOT_TRANSPORT_NFS] = &vmroot_transport_nfs,
  };

  if ((gsize)transport < G_N_ELEMENTS (backends))
    return backends[transport];

  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_SPEC,
                       _ ("This version of vmroot does not know the transport of this guest"));
  return NULL;
}

static gboolean
take_boot_image (Preparation *preparation, GError **error)
{
  VmrootContext *context = preparation->host->context;
  const gchar *uuid = preparation->journal->uuid;
  g_autofree gchar *relative_path = g_build_filename (VMROOT_BOOT_DIRECTORY, uuid, NULL);
  g_autofree gchar *directory = vmroot_context_path (context, relative_path);

  /* QEMU opens the kernel as another user than root. */
  return vmroot_context_make_directory (context, relative_path, 0711, error) &&
         preparation->host->build_boot_image (vmroot_journal_get_root (preparation->journal),
                                              preparation->spec, directory,
                                              preparation->cancellable, error);
}

static gboolean
take_transport (Preparation *preparation, GError **error)
{
  const VmrootTransportBackend *backend =
      vmroot_host_get_backend (preparation->journal->transport, error);

  return backend != NULL &&
         backend->prepare (preparation->host->context, preparation->configuration,
                           preparation->journal, preparation->cancellable, error);
}

static gboolean
undo_transport (VmrootHost *self, VmrootJournal *journal, GCancellable *cancellable, GError **error)
{
  const VmrootTransportBackend *backend = vmroot_host_get_backend (journal->transport, error);

  return backend != NULL && backend->release (self->context, journal, cancellable, error);
}

/* The claim comes before all of these: it is the journal itself. A boot image stays for the next
 * start. */
static const Step steps[] = {
  { "boot-image", TRUE, take_boot_image, NULL },
  { "transport", FALSE, take_transport, undo_transport },
};

static const Step *
find_step (const gchar *name, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (steps); i++)
    if (g_str_equal (steps[i].name, name))
      return &steps[i];

  g_set_error (
      error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
      _ ("Another version of vmroot did \"%s\" for this guest, and this one cannot undo it"), name);
  return NULL;
}

static gboolean
undo_steps (VmrootHost *self, VmrootJournal *journal, GCancellable *cancellable, GError **error)
{
  while (journal->steps->len > 0)
    {
      const gchar *name = g_ptr_array_index (journal->steps, journal->steps->len - 1);
      const Step *step = find_step (name, error);

      if (step == NULL || (step->undo != NULL && !step->undo (self, journal, cancellable, error)) ||
          !vmroot_context_reached (self->context, name, error) ||
          !vmroot_journal_end_undoing (journal, self->context, error))
        return FALSE;
    }

  return vmroot_journal_remove (journal, self->context, error) &&
         vmroot_context_reached (self->context, "released", error);
}

static gboolean
undo_after_end (VmrootHost *self, VmrootJournal *journal, GCancellable *cancellable, GError **error)
{
  journal->ended = TRUE;
  return undo_steps (self, journal, cancellable, error);
}

/* What is not needed from here by another host is undone, and so is what was begun to be undone. */
static gboolean
keep (VmrootHost *self, VmrootJournal *journal, GCancellable *cancellable, GError **error)
{
  const VmrootTransportBackend *backend = vmroot_host_get_backend (journal->transport, error);
  g_autoptr (VmrootConfiguration) configuration = NULL;

  if (backend == NULL)
    return FALSE;
  if (backend->keep == NULL || journal->client == NULL ||
      !g_ptr_array_find_with_equal_func (journal->steps, "transport", g_str_equal, NULL))
    return undo_steps (self, journal, cancellable, error);

  configuration = vmroot_configuration_load (self->context, error);
  if (configuration == NULL)
    return FALSE;

  journal->away = journal->recorded = journal->complete = TRUE;
  return vmroot_journal_save (journal, self->context, error) &&
         vmroot_context_reached (self->context, "away", error) &&
         backend->keep (self->context, configuration, journal, cancellable, error) &&
         vmroot_context_reached (self->context, "kept", error);
}

static gboolean
take_back (VmrootHost *self, VmrootJournal *journal, GCancellable *cancellable, GError **error)
{
  const VmrootTransportBackend *backend = vmroot_host_get_backend (journal->transport, error);
  g_autoptr (VmrootConfiguration) configuration = vmroot_configuration_load (self->context, error);

  return configuration != NULL && backend != NULL &&
         vmroot_journal_remove_record (journal, self->context, error) &&
         vmroot_context_reached (self->context, "back", error) &&
         backend->prepare (self->context, configuration, journal, cancellable, error);
}

static gboolean
take_steps (Preparation *preparation, gboolean before_start, GError **error)
{
  VmrootJournal *journal = preparation->journal;
  VmrootContext *context = preparation->host->context;

  for (gsize i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      if (!before_start && steps[i].only_before_start)
        continue;
      if (!vmroot_journal_begin_step (journal, context, steps[i].name, error) ||
          !steps[i].take (preparation, error) ||
          !vmroot_context_reached (context, steps[i].name, error))
        return FALSE;
    }

  journal->complete = TRUE;
  return vmroot_journal_save (journal, context, error) &&
         vmroot_context_reached (context, "complete", error);
}

static gboolean
add_directory (VmrootHost *self,
               VmrootConfiguration *configuration,
               const gchar *tag,
               const gchar *path,
               gboolean is_root,
               gboolean writable,
               GPtrArray *directories,
               GError **error)
{
  VmrootServedDirectory *directory =
      vmroot_served_directory_new (self->context, configuration, tag, path, error);

  if (directory == NULL)
    return FALSE;

  directory->is_root = is_root;
  directory->writable = writable;
  g_ptr_array_add (directories, directory);
  return TRUE;
}

/* What is mounted inside the guest's root, no guest can have put there; and the NFS server is given
 * the mount that was looked at, not its path. */
static gboolean
is_nested_mount (VmrootSpec *spec,
                 const VmrootServedDirectory *directory,
                 const VmrootServedDirectory *other)
{
  return vmroot_spec_get_transport (spec) == VMROOT_TRANSPORT_NFS && directory->is_mount &&
         vmroot_served_directory_is_beneath (directory, other);
}

/* A guest that writes where another of its directories lies could put a link to anywhere there. */
static gboolean
check_own_directories (VmrootSpec *spec, GPtrArray *directories, GError **error)
{
  for (guint i = 1; i < directories->len; i++)
    for (guint j = 0; j < i; j++)
      {
        const VmrootServedDirectory *directory = g_ptr_array_index (directories, i);
        const VmrootServedDirectory *other = g_ptr_array_index (directories, j);

        if (!vmroot_served_directory_conflicts (directory, other) ||
            is_nested_mount (spec, directory, other))
          continue;

        g_set_error (
            error, VMROOT_ERROR, VMROOT_ERROR_NOT_ALLOWED,
            _ ("%s and %s, which this guest shall have both, are one inside the other, and the "
               "guest may write there: it could replace the inner one; share a directory beside"),
            directory->directory, other->directory);
        return FALSE;
      }

  return TRUE;
}

gboolean
vmroot_host_open_directories (VmrootHost *self,
                              VmrootConfiguration *configuration,
                              VmrootSpec *spec,
                              GPtrArray *directories,
                              GError **error)
{
  g_autoptr (GPtrArray) shares = vmroot_spec_list_shares (spec);
  const gboolean writable = !vmroot_spec_get_read_only (spec) && !vmroot_spec_get_ephemeral (spec);

  if (!add_directory (self, configuration, vmroot_spec_get_tag (spec),
                      vmroot_spec_get_directory (spec), TRUE, writable, directories, error))
    return FALSE;

  for (guint i = 0; i < shares->len; i++)
    {
      VmrootShare *share = g_ptr_array_index (shares, i);
      g_autofree gchar *tag = g_strdup_printf ("vmroot-share-%u", i + 1);

      if (!add_directory (self, configuration, tag, vmroot_share_get_directory (share), FALSE,
                          !vmroot_share_get_read_only (share), directories, error))
        return FALSE;
    }

  return check_own_directories (spec, directories, error);
}

static const VmrootServedDirectory *
find_conflicting (VmrootJournal *journal, GPtrArray *directories)
{
  for (guint i = 0; i < journal->directories->len; i++)
    for (guint j = 0; j < directories->len; j++)
      {
        const VmrootServedDirectory *directory = g_ptr_array_index (directories, j);

        if (vmroot_served_directory_conflicts (g_ptr_array_index (journal->directories, i),
                                               directory))
          return directory;
      }

  return NULL;
}

static VmrootJournal *
find_owner (GPtrArray *journals,
            const gchar *uuid,
            GPtrArray *directories,
            const VmrootServedDirectory **conflict)
{
  *conflict = NULL;
  for (guint i = 0; i < journals->len; i++)
    {
      VmrootJournal *journal = g_ptr_array_index (journals, i);

      if (g_strcmp0 (journal->uuid, uuid) == 0)
        continue;

      *conflict = find_conflicting (journal, directories);
      if (*conflict != NULL)
        return g_ptr_array_steal_index (journals, i);
    }

  return NULL;
}

gboolean
vmroot_host_find_conflict (VmrootHost *self,
                           const gchar *uuid,
                           GPtrArray *directories,
                           VmrootJournal **owner,
                           const VmrootServedDirectory **conflict,
                           GError **error)
{
  g_autoptr (GPtrArray) journals = vmroot_journal_load_all (self->context, error);

  *owner = NULL;
  *conflict = NULL;
  if (journals == NULL)
    return FALSE;

  *owner = find_owner (journals, uuid, directories, conflict);
  return TRUE;
}

/* An address tells a guest from the others. */
static gboolean
check_client (VmrootJournal *journal, GPtrArray *journals, GError **error)
{
  for (guint i = 0; journal->client != NULL && i < journals->len; i++)
    {
      const VmrootJournal *other = g_ptr_array_index (journals, i);

      if (g_strcmp0 (other->client, journal->client) != 0 ||
          g_str_equal (other->uuid, journal->uuid))
        continue;
      g_set_error (
          error, VMROOT_ERROR, VMROOT_ERROR_IN_USE,
          _ ("The guest %s (%s) has the address %s, too: give each guest its own with vmroot "
             "apply"),
          other->name, other->uuid, journal->client);
      return FALSE;
    }

  return TRUE;
}

static gboolean
claim_locked (Preparation *preparation, GError **error)
{
  VmrootContext *context = preparation->host->context;
  VmrootJournal *journal = preparation->journal;
  g_autoptr (GPtrArray) journals = vmroot_journal_load_all (context, error);
  g_autoptr (VmrootJournal) owner = NULL;
  const VmrootServedDirectory *conflict;

  if (journals == NULL || !check_client (journal, journals, error))
    return FALSE;
  owner = find_owner (journals, journal->uuid, journal->directories, &conflict);
  if (owner == NULL)
    return vmroot_journal_save (journal, context, error);

  g_set_error (
      error, VMROOT_ERROR, VMROOT_ERROR_IN_USE,
      _ ("%s is in use by the guest %s (%s): shut that guest down first, or give each a tree of "
         "its own; if it does not run, `vmroot reconcile` frees the directory"),
      conflict->directory, owner->name, owner->uuid);
  return FALSE;
}

/* Between looking at the others' claims and writing this one, nobody else may do the same. */
static gboolean
claim (Preparation *preparation, GError **error)
{
  VmrootContext *context = preparation->host->context;
  const int lock =
      vmroot_context_lock (context, VMROOT_HOST_CLAIMS_LOCK, preparation->cancellable, error);
  gboolean claimed;

  if (lock == -1)
    return FALSE;

  claimed = claim_locked (preparation, error);
  close (lock);
  return claimed && vmroot_context_reached (context, "claim", error);
}

static gboolean
refuse_to_take_over (VmrootJournal *old, GError **error)
{
  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_IN_USE,
               _ ("The guest %s was migrated to another host and has %s from this one: shut it "
                  "down there, and then run `vmroot release %s` here"),
               old->name, vmroot_journal_get_root (old)->directory, old->name);
  return FALSE;
}

/* Steps that an earlier run took for the same directories are taken over, and taken again on top;
 * those for others are undone first. A running guest keeps what it has. */
static gboolean
take_over (Preparation *preparation, gboolean before_start, GError **error)
{
  VmrootHost *self = preparation->host;
  g_autoptr (VmrootJournal) old = NULL;

  if (!vmroot_journal_load (self->context, preparation->journal->uuid, &old, error))
    return FALSE;
  if (old == NULL)
    return TRUE;
  if (before_start && !vmroot_journal_serves_the_same (old, preparation->journal))
    return old->recorded ? refuse_to_take_over (old, error)
                         : undo_steps (self, old, preparation->cancellable, error);

  old->away = FALSE;
  old->domain_id = preparation->journal->domain_id;
  old->complete = FALSE;
  vmroot_journal_free (preparation->journal);
  preparation->journal = g_steal_pointer (&old);
  return TRUE;
}

static gboolean
prepare_locked (Preparation *preparation, gboolean before_start, GError **error)
{
  g_autoptr (GError) undo_error = NULL;

  if (!take_over (preparation, before_start, error) || !claim (preparation, error))
    return FALSE;
  if (take_steps (preparation, before_start, error))
    return TRUE;

  /* Not with the caller's cancellable: it may be why we are here. What cannot be undone now stays
   * in the journal. A running guest loses nothing because something else could not be restored. */
  if (before_start && !(preparation->journal->recorded ? keep : undo_steps) (
                          preparation->host, preparation->journal, NULL, &undo_error))
    g_info ("Cannot undo what was prepared for %s: %s", preparation->journal->name,
            undo_error->message);
  return FALSE;
}

static VmrootJournal *
new_journal (VmrootHost *self, VmrootDomain *domain, VmrootSpec *spec, GError **error)
{
  g_autofree gchar *uuid = vmroot_domain_get_uuid (domain);
  g_autoptr (VmrootJournal) journal = vmroot_journal_new (uuid);
  const VmrootTransportBackend *backend =
      vmroot_host_get_backend (vmroot_spec_get_transport (spec), error);

  journal->name = vmroot_domain_get_name (domain);
  journal->domain_id = vmroot_domain_get_id (domain);
  journal->transport = vmroot_spec_get_transport (spec);
  journal->xattrs = vmroot_spec_get_xattrs (spec);
  journal->since = vmroot_context_now (self->context);
  if (backend == NULL ||
      (backend->describe != NULL && !backend->describe (self->context, spec, journal, error)))
    return NULL;

  return g_steal_pointer (&journal);
}

/* The UUID becomes a file's name, and the document is not trusted. */
static gchar *
get_uuid (VmrootDomain *domain, GError **error)
{
  g_autofree gchar *uuid = vmroot_domain_get_uuid (domain);

  if (uuid != NULL && g_uuid_string_is_valid (uuid))
    return g_steal_pointer (&uuid);

  g_set_error_literal (
      error, VMROOT_ERROR, VMROOT_ERROR_NOT_A_DOMAIN,
      _ ("The domain has no valid UUID; define it in libvirt first, which gives it one"));
  return NULL;
}

static gchar *
get_lock_name (const gchar *uuid)
{
  return g_strconcat ("guest-", uuid, NULL);
}

static int
lock_guest (VmrootHost *self, const gchar *uuid, GCancellable *cancellable, GError **error)
{
  g_autofree gchar *name = get_lock_name (uuid);

  return vmroot_context_lock (self->context, name, cancellable, error);
}

static gboolean
prepare (VmrootHost *self,
         VmrootDomain *domain,
         gboolean before_start,
         GCancellable *cancellable,
         GError **error)
{
  g_autoptr (VmrootSpec) spec = vmroot_domain_get_spec (domain, error);
  g_autoptr (VmrootConfiguration) configuration = NULL;
  g_autoptr (VmrootJournal) journal = NULL;
  Preparation preparation;
  gboolean prepared;
  int lock;

  if (spec == NULL || (configuration = vmroot_configuration_load (self->context, error)) == NULL)
    return FALSE;

  journal = new_journal (self, domain, spec, error);
  if (journal == NULL ||
      !vmroot_host_open_directories (self, configuration, spec, journal->directories, error))
    return FALSE;

  lock = lock_guest (self, journal->uuid, cancellable, error);
  if (lock == -1)
    return FALSE;

  preparation = (Preparation){ self, spec, configuration, g_steal_pointer (&journal), cancellable };
  prepared = prepare_locked (&preparation, before_start, error);
  vmroot_journal_free (preparation.journal);
  close (lock);
  return prepared;
}

/**
 * vmroot_host_prepare:
 * @self: this machine
 * @domain: the guest that is about to start
 * @cancellable: (nullable): to give up early
 * @error: return location for an error
 *
 * Makes everything ready for a guest whose root [method@Vmroot.Domain.get_spec] describes: checks
 * that it may have its directories, claims them, builds its boot image unless that is up to date,
 * and sets up its transport. Fails as a whole: what was done is undone.
 *
 * Doing it again for a prepared guest does no harm.
 *
 * Returns: %TRUE, or %FALSE with @error set: to [error@Vmroot.Error.NOT_ALLOWED] for a directory
 * that the host's configuration does not allow, to [error@Vmroot.Error.IN_USE] for one that another
 * guest uses, or to what made a step fail
 *
 * Since: 1.0
 */
gboolean
vmroot_host_prepare (VmrootHost *self,
                     VmrootDomain *domain,
                     GCancellable *cancellable,
                     GError **error)
{
  g_autofree gchar *uuid = NULL;

  g_return_val_if_fail (VMROOT_IS_HOST (self), FALSE);
  g_return_val_if_fail (VMROOT_IS_DOMAIN (domain), FALSE);

  uuid = get_uuid (domain, error);
  return uuid != NULL && prepare (self, domain, TRUE, cancellable, error);
}

static gboolean
is_prepared (VmrootHost *self, const gchar *uuid)
{
  g_autoptr (VmrootJournal) journal = NULL;
  const VmrootTransportBackend *backend;

  if (!vmroot_journal_load (self->context, uuid, &journal, NULL) || journal == NULL)
    return FALSE;

  backend = vmroot_host_get_backend (journal->transport, NULL);
  return journal->complete && backend != NULL && backend->is_prepared (self->context, journal);
}

gboolean
vmroot_host_repair (VmrootHost *self,
                    VmrootDomain *domain,
                    GCancellable *cancellable,
                    GError **error)
{
  g_autofree gchar *uuid = get_uuid (domain, error);

  if (uuid == NULL)
    return FALSE;

  return is_prepared (self, uuid) || prepare (self, domain, FALSE, cancellable, error);
}

/* Does `operation` to the journal of a guest, if it has one. */
static gboolean
operate_locked (VmrootHost *self,
                const gchar *uuid,
                gboolean (*operation) (VmrootHost *self,
                                       VmrootJournal *journal,
                                       GCancellable *cancellable,
                                       GError **error),
                GCancellable *cancellable,
                GError **error)
{
  const int lock = lock_guest (self, uuid, cancellable, error);
  g_autofree gchar *lock_name = get_lock_name (uuid);
  g_autoptr (VmrootJournal) journal = NULL;
  gboolean done;

  if (lock == -1)
    return FALSE;

  done = vmroot_journal_load (self->context, uuid, &journal, error) &&
         (journal == NULL || operation (self, journal, cancellable, error));
  vmroot_context_unlock_for_good (self->context, lock_name, lock);
  return done;
}

gboolean
vmroot_host_release_uuid (VmrootHost *self,
                          const gchar *uuid,
                          GCancellable *cancellable,
                          GError **error)
{
  return operate_locked (self, uuid, undo_after_end, cancellable, error);
}

gboolean
vmroot_host_keep_uuid (VmrootHost *self,
                       const gchar *uuid,
                       GCancellable *cancellable,
                       GError **error)
{
  return operate_locked (self, uuid, keep, cancellable, error);
}

gboolean
vmroot_host_take_back_uuid (VmrootHost *self,
                            const gchar *uuid,
                            GCancellable *cancellable,
                            GError **error)
{
  return operate_locked (self, uuid, take_back, cancellable, error);
}

/* A start that failed, or cannot be told, may have been the way back of a guest that now goes on
 * where it was. */
static gboolean
may_run_elsewhere (VmrootJournal *journal, const gchar *reason)
{
  return g_strcmp0 (reason, "migrated") == 0 ||
         (journal->recorded && (reason == NULL || g_str_equal (reason, "failed")));
}

gboolean
vmroot_host_release_after (VmrootHost *self,
                           VmrootDomain *domain,
                           const gchar *reason,
                           GCancellable *cancellable,
                           GError **error)
{
  g_autofree gchar *uuid = get_uuid (domain, error);
  g_autofree gchar *logged = NULL;
  g_autoptr (VmrootJournal) journal = NULL;

  if (uuid == NULL || !vmroot_journal_load (self->context, uuid, &journal, error))
    return FALSE;
  if (journal == NULL)
    return TRUE;

  if (reason == NULL || g_str_equal (reason, "-"))
    {
      logged = vmroot_libvirt_state_get_stop_reason (self->context, journal->name, journal->since);
      reason = logged;
    }
  if (may_run_elsewhere (journal, reason))
    return operate_locked (self, uuid, keep, cancellable, error);

  /* One that was saved goes on where it was, with the files and locks that it holds. */
  return operate_locked (self, uuid, g_strcmp0 (reason, "saved") == 0 ? undo_steps : undo_after_end,
                         cancellable, error);
}

/**
 * vmroot_host_release:
 * @self: this machine
 * @domain: the guest that has stopped
 * @cancellable: (nullable): to give up early
 * @error: return location for an error
 *
 * Undoes what [method@Vmroot.Host.prepare] did, newest first. Only the UUID of @domain is looked
 * at. Its machine is taken to have ended for good: the NFS server is told to forget what it held.
 * The boot image is kept: the next start needs it, and builds it if it is gone. A guest for which
 * nothing was prepared is fine.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
vmroot_host_release (VmrootHost *self,
                     VmrootDomain *domain,
                     GCancellable *cancellable,
                     GError **error)
{
  g_autofree gchar *uuid = NULL;

  g_return_val_if_fail (VMROOT_IS_HOST (self), FALSE);
  g_return_val_if_fail (VMROOT_IS_DOMAIN (domain), FALSE);

  uuid = get_uuid (domain, error);
  return uuid != NULL && vmroot_host_release_uuid (self, uuid, cancellable, error);
}

static VmrootJournal *
find_away (VmrootHost *self, const gchar *guest, GError **error)
{
  g_autoptr (GPtrArray) journals = vmroot_journal_load_all (self->context, error);

  if (journals == NULL)
    return NULL;

  for (guint i = 0; i < journals->len; i++)
    {
      VmrootJournal *journal = g_ptr_array_index (journals, i);

      if (journal->away &&
          (g_str_equal (journal->uuid, guest) || g_str_equal (journal->name, guest)))
        return g_ptr_array_steal_index (journals, i);
    }

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
               _ ("Nothing is kept here for a guest %s that was migrated away; what guests that "
                  "run here have is released when they stop"),
               guest);
  return NULL;
}

/**
 * vmroot_host_forget:
 * @self: this machine
 * @guest: the name or the UUID of a guest that was migrated away
 * @cancellable: (nullable): to give up early
 * @error: return location for an error
 *
 * Takes away what this host still does for a guest that was migrated to another one and has its
 * directories from here. To be called when it has stopped there: if it runs, it loses its root.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
vmroot_host_forget (VmrootHost *self, const gchar *guest, GCancellable *cancellable, GError **error)
{
  g_autoptr (VmrootJournal) journal = NULL;

  g_return_val_if_fail (VMROOT_IS_HOST (self), FALSE);
  g_return_val_if_fail (guest != NULL, FALSE);

  journal = find_away (self, guest, error);
  return journal != NULL && vmroot_host_release_uuid (self, journal->uuid, cancellable, error);
}

/**
 * vmroot_host_list_roots:
 * @self: this machine
 * @error: return location for an error
 *
 * The roots that this host serves at the moment, by the guests' UUIDs.
 *
 * Returns: (transfer container) (element-type VmrootGuestRoot): the roots, or %NULL with @error set
 *
 * Since: 1.0
 */
GPtrArray *
vmroot_host_list_roots (VmrootHost *self, GError **error)
{
  g_autoptr (GPtrArray) roots = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) journals = NULL;

  g_return_val_if_fail (VMROOT_IS_HOST (self), NULL);

  journals = vmroot_journal_load_all (self->context, error);
  if (journals == NULL)
    return NULL;

  for (guint i = 0; i < journals->len; i++)
    {
      VmrootJournal *journal = g_ptr_array_index (journals, i);

      g_ptr_array_add (
          roots, g_object_new (VMROOT_TYPE_GUEST_ROOT, "uuid", journal->uuid, "name", journal->name,
                               "directory", vmroot_journal_get_root (journal)->directory,
                               "transport", journal->transport, "since", journal->since, "complete",
                               journal->complete, "migrated", journal->away, NULL));
    }

  return g_steal_pointer (&roots);
}
