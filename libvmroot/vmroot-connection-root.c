/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Attaching and detaching: how a connection gives a domain another root. */

#include "config.h"

#include "vmroot-connection-private.h"
#include "vmroot-domain-private.h"
#include "vmroot-error.h"
#include "vmroot-translation-private.h"

/* A definition that keeps changing while we edit it belongs to a program that never lets go. */
#define MAX_EDITS 5

/* A session daemon is not root: its virtiofsd cannot keep the owners of files, and its hooks cannot
 * prepare anything (https://libvirt.org/hooks.html). */
static gboolean
check_not_session (VmrootConnection *self, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (vmroot_connection_get_uri (self), G_URI_FLAGS_NON_DNS, NULL);

  if (uri == NULL || !g_str_equal (g_uri_get_path (uri), "/session"))
    return TRUE;

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_LIBVIRT,
               _ ("Guests of %s run without root's rights and cannot have a directory as their "
                  "root. Use the system's guests: --connect qemu:///system"),
               vmroot_connection_get_uri (self));
  return FALSE;
}

static gboolean
check_can_define (VmrootConnection *self, virDomainPtr domain, GError **error)
{
  const gchar *name = virDomainGetName (domain);
  const gint persistent = virDomainIsPersistent (domain);

  if (persistent < 0)
    {
      vmroot_connection_set_error (error, _ ("Cannot tell whether it is persistent"));
      g_prefix_error (error, "%s: ", name);
      return FALSE;
    }
  if (persistent == 0)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_TRANSIENT_DOMAIN,
                   _ ("%s is transient: it ends with its run and has no definition to change. "
                      "Define it first: virsh dumpxml %s > FILE; virsh define FILE"),
                   name, name);
      return FALSE;
    }

  return TRUE;
}

/* The definition `xml` with `spec` as its root, or without ours where `spec` is NULL. */
static gchar *
edit_definition (
    const gchar *name, const gchar *xml, VmrootSpec *spec, gboolean reserved, GError **error)
{
  g_autoptr (VmrootDomain) domain = vmroot_domain_new_from_xml (xml, error);
  g_autofree gchar *before = NULL;
  g_autofree gchar *after = NULL;

  if (domain == NULL)
    return NULL;

  before = vmroot_domain_to_xml (domain);
  if (!vmroot_domain_set_spec (domain, spec, error))
    return NULL;
  if (reserved)
    vmroot_domain_set_address_reserved (domain);

  after = vmroot_domain_to_xml (domain);
  if (spec == NULL && g_strcmp0 (before, after) == 0)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_SPEC,
                   _ ("%s has no root that vmroot described: nothing to take away"), name);
      return NULL;
    }
  return g_steal_pointer (&after);
}

static gboolean
define (VmrootConnection *self, const gchar *name, const gchar *xml, GError **error)
{
  g_autoptr (virDomain) defined = virDomainDefineXMLFlags (vmroot_connection_get_handle (self), xml,
                                                           VIR_DOMAIN_DEFINE_VALIDATE);

  if (defined != NULL)
    return TRUE;

  vmroot_connection_set_error (error,
                               _ ("libvirt refused the new definition; the old one is unchanged"));
  g_prefix_error (error, "%s: ", name);
  return FALSE;
}

/*
 * libvirt has no "define if unchanged". So the definition is read again just before it is
 * replaced, and the edit is made anew if another client was there meanwhile. What remains is the
 * time between two calls.
 */
static gboolean
redefine (VmrootConnection *self,
          virDomainPtr domain,
          VmrootSpec *spec,
          gboolean reserved,
          GCancellable *cancellable,
          GError **error)
{
  const gchar *name = virDomainGetName (domain);
  g_autofree gchar *xml = vmroot_connection_read_definition (self, domain, error);

  for (guint i = 0; xml != NULL && i < MAX_EDITS; i++)
    {
      g_autofree gchar *edited = edit_definition (name, xml, spec, reserved, error);
      g_autofree gchar *now =
          edited != NULL ? vmroot_connection_read_definition (self, domain, error) : NULL;

      if (now == NULL || g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      if (g_str_equal (now, xml))
        return g_str_equal (edited, xml) || define (self, name, edited, error);

      g_free (xml);
      xml = g_steal_pointer (&now);
    }

  if (xml != NULL)
    g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_LIBVIRT,
                 _ ("%s: another program keeps changing its definition. Nothing was changed; try "
                    "again later"),
                 name);
  return FALSE;
}

/* The spec of `before`, if vmroot reserved an address for it. */
static VmrootSpec *
get_reserved (VmrootDomain *before)
{
  return vmroot_domain_get_address_reserved (before) ? vmroot_domain_get_spec (before, NULL) : NULL;
}

/* After a root of its own is gone from the definition, its address goes, too, unless `kept` has the
 * same. */
static gboolean
release_reserved (VmrootConnection *self, VmrootDomain *before, VmrootSpec *kept, GError **error)
{
  g_autoptr (VmrootSpec) old = get_reserved (before);

  if (old == NULL ||
      (kept != NULL && vmroot_spec_get_transport (kept) == VMROOT_TRANSPORT_NFS &&
       g_strcmp0 (vmroot_spec_get_network (old), vmroot_spec_get_network (kept)) == 0 &&
       g_strcmp0 (vmroot_spec_get_mac_address (old), vmroot_spec_get_mac_address (kept)) == 0 &&
       g_strcmp0 (vmroot_spec_get_address (old), vmroot_spec_get_address (kept)) == 0))
    return TRUE;
  if (vmroot_address_release (self, old, error))
    return TRUE;

  g_prefix_error (error, _ ("The definition of the domain was changed, but its address is still "
                            "reserved: "));
  return FALSE;
}

/* A root by NFS: the address comes before the definition that names it, and goes again if that is
 * refused. */
static gboolean
redefine_with_address (VmrootConnection *self,
                       virDomainPtr domain,
                       VmrootDomain *before,
                       VmrootSpec *spec,
                       GCancellable *cancellable,
                       GError **error)
{
  g_autoptr (VmrootAddress) address = NULL;
  g_autoptr (GError) undo_error = NULL;

  if (!vmroot_spec_validate (spec, error))
    return FALSE;

  address = vmroot_address_reserve (self, before, spec, error);
  if (address == NULL)
    return FALSE;
  if (redefine (self, domain, address->spec, address->ours, cancellable, error))
    return release_reserved (self, before, address->spec, error);

  if (!vmroot_address_undo (self, address, &undo_error))
    g_prefix_error (error, _ ("%s; and before that: "), undo_error->message);
  return FALSE;
}

static gboolean
set_root_of (VmrootConnection *self,
             virDomainPtr domain,
             VmrootSpec *spec,
             GCancellable *cancellable,
             GError **error)
{
  g_autofree gchar *xml = vmroot_connection_read_definition (self, domain, error);
  g_autoptr (VmrootDomain) before = xml != NULL ? vmroot_domain_new_from_xml (xml, error) : NULL;

  if (before == NULL)
    return FALSE;
  if (spec != NULL && vmroot_spec_get_transport (spec) == VMROOT_TRANSPORT_NFS)
    return redefine_with_address (self, domain, before, spec, cancellable, error);

  return redefine (self, domain, spec, FALSE, cancellable, error) &&
         release_reserved (self, before, spec, error);
}

static gboolean
set_root (VmrootConnection *self,
          const gchar *name,
          VmrootSpec *spec,
          gboolean *running,
          GCancellable *cancellable,
          GError **error)
{
  g_autoptr (virDomain) domain = NULL;

  if (vmroot_connection_get_read_only (self))
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_READ_ONLY,
                   _ ("Cannot change %s: the connection to %s is read-only"), name,
                   vmroot_connection_get_uri (self));
      return FALSE;
    }
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (spec != NULL && !check_not_session (self, error))
    return FALSE;

  domain = vmroot_connection_look_up (self, name, error);
  if (domain == NULL || !check_can_define (self, domain, error) ||
      !set_root_of (self, domain, spec, cancellable, error))
    return FALSE;

  vmroot_filter_remove_unused (self);
  if (running != NULL)
    *running = virDomainIsActive (domain) == 1;
  return TRUE;
}

/**
 * vmroot_connection_attach:
 * @self: a connection
 * @name: the name, UUID or id of a domain
 * @spec: the root it shall have
 * @running: (out) (optional): whether the guest runs, and sees the change after its next
 *   shutdown only
 * @cancellable: (nullable): a #GCancellable
 * @error: return location of an error
 *
 * Makes a directory the root of a domain, from its next start on. Its persistent definition is
 * replaced in one step, or not at all. For a root by NFS, what @spec leaves open of the guest's
 * network is chosen, and its address reserved on its libvirt network;
 * [method@Connection.get_domain] tells what was chosen. Where another client changes it at the same
 * time, the change is made to what that client wrote; but libvirt cannot compare and define in one
 * step, so a change that falls between two consecutive calls of ours is lost.
 *
 * Returns: whether it was done. If not, @error is one of %VMROOT_ERROR_READ_ONLY,
 *   %VMROOT_ERROR_NO_DOMAIN, %VMROOT_ERROR_TRANSIENT_DOMAIN, %VMROOT_ERROR_LIBVIRT, or what
 *   [method@Domain.set_spec] reports
 *
 * Since: 1.0
 */
gboolean
vmroot_connection_attach (VmrootConnection *self,
                          const gchar *name,
                          VmrootSpec *spec,
                          gboolean *running,
                          GCancellable *cancellable,
                          GError **error)
{
  g_return_val_if_fail (VMROOT_IS_CONNECTION (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (VMROOT_IS_SPEC (spec), FALSE);

  return set_root (self, name, spec, running, cancellable, error);
}

/**
 * vmroot_connection_detach:
 * @self: a connection
 * @name: the name, UUID or id of a domain
 * @running: (out) (optional): whether the guest runs, and keeps its root until its next shutdown
 * @cancellable: (nullable): a #GCancellable
 * @error: return location of an error
 *
 * Takes the root that vmroot described out of the definition of a domain, which becomes what it
 * was before. The directory is left alone.
 *
 * Returns: whether it was done. If not, @error is one of %VMROOT_ERROR_READ_ONLY,
 *   %VMROOT_ERROR_NO_DOMAIN, %VMROOT_ERROR_NO_SPEC, %VMROOT_ERROR_TRANSIENT_DOMAIN,
 *   %VMROOT_ERROR_LIBVIRT, or what [method@Domain.set_spec] reports
 *
 * Since: 1.0
 */
gboolean
vmroot_connection_detach (VmrootConnection *self,
                          const gchar *name,
                          gboolean *running,
                          GCancellable *cancellable,
                          GError **error)
{
  g_return_val_if_fail (VMROOT_IS_CONNECTION (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);

  return set_root (self, name, NULL, running, cancellable, error);
}

/* One attach or detach that a thread carries out. */
typedef struct
{
  gchar *name;
  VmrootSpec *spec;
  gboolean running;
} Change;

static void
change_free (Change *change)
{
  g_free (change->name);
  g_clear_object (&change->spec);
  g_free (change);
}

static void
change_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Change *change = data;
  g_autoptr (GError) error = NULL;

  if (set_root (source, change->name, change->spec, &change->running, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

static void
change_async (VmrootConnection *self,
              const gchar *name,
              VmrootSpec *spec,
              gpointer tag,
              GCancellable *cancellable,
              GAsyncReadyCallback callback,
              gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Change *change = g_new0 (Change, 1);

  change->name = g_strdup (name);
  g_set_object (&change->spec, spec);
  g_task_set_source_tag (task, tag);
  /* Whether the definition was replaced is known only to the end: a cancelled task must not
   * answer that it was not. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, change, (GDestroyNotify)change_free);
  g_task_run_in_thread (task, change_in_thread);
}

static gboolean
change_finish (GAsyncResult *result, gboolean *running, GError **error)
{
  const Change *change = g_task_get_task_data (G_TASK (result));

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;

  if (running != NULL)
    *running = change->running;
  return TRUE;
}

/**
 * vmroot_connection_attach_async:
 * @self: a connection
 * @name: the name, UUID or id of a domain
 * @spec: the root it shall have; not to be changed before the call ends
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called in the thread-default main context when it is done
 * @user_data: data for @callback
 *
 * Does what [method@Connection.attach] does, in another thread.
 *
 * Since: 1.0
 */
void
vmroot_connection_attach_async (VmrootConnection *self,
                                const gchar *name,
                                VmrootSpec *spec,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_return_if_fail (VMROOT_IS_CONNECTION (self));
  g_return_if_fail (name != NULL);
  g_return_if_fail (VMROOT_IS_SPEC (spec));

  change_async (self, name, spec, vmroot_connection_attach_async, cancellable, callback, user_data);
}

/**
 * vmroot_connection_attach_finish:
 * @self: a connection
 * @result: what the callback was given
 * @running: (out) (optional): whether the guest runs, and sees the change after its next
 *   shutdown only
 * @error: return location of an error
 *
 * Ends [method@Connection.attach_async].
 *
 * Returns: whether it was done. If not, @error is as [method@Connection.attach] says
 *
 * Since: 1.0
 */
gboolean
vmroot_connection_attach_finish (VmrootConnection *self,
                                 GAsyncResult *result,
                                 gboolean *running,
                                 GError **error)
{
  g_return_val_if_fail (VMROOT_IS_CONNECTION (self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, vmroot_connection_attach_async), FALSE);

  return change_finish (result, running, error);
}

/**
 * vmroot_connection_detach_async:
 * @self: a connection
 * @name: the name, UUID or id of a domain
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called in the thread-default main context when it is done
 * @user_data: data for @callback
 *
 * Does what [method@Connection.detach] does, in another thread.
 *
 * Since: 1.0
 */
void
vmroot_connection_detach_async (VmrootConnection *self,
                                const gchar *name,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_return_if_fail (VMROOT_IS_CONNECTION (self));
  g_return_if_fail (name != NULL);

  change_async (self, name, NULL, vmroot_connection_detach_async, cancellable, callback, user_data);
}

/**
 * vmroot_connection_detach_finish:
 * @self: a connection
 * @result: what the callback was given
 * @running: (out) (optional): whether the guest runs, and keeps its root until its next shutdown
 * @error: return location of an error
 *
 * Ends [method@Connection.detach_async].
 *
 * Returns: whether it was done. If not, @error is as [method@Connection.detach] says
 *
 * Since: 1.0
 */
gboolean
vmroot_connection_detach_finish (VmrootConnection *self,
                                 GAsyncResult *result,
                                 gboolean *running,
                                 GError **error)
{
  g_return_val_if_fail (VMROOT_IS_CONNECTION (self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, vmroot_connection_detach_async), FALSE);

  return change_finish (result, running, error);
}
