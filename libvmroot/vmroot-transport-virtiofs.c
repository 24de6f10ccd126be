/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <unistd.h>

#include "vmroot-error.h"
#include "vmroot-finding-private.h"
#include "vmroot-translation-private.h"
#include "vmroot-transport-private.h"
#include "vmroot-virtiofsd-private.h"

#define WRAPPER_PATH VMROOT_WRAPPERDIR "/vmroot-virtiofsd"

static gboolean
prepare (VmrootContext *context,
         VmrootConfiguration *configuration,
         VmrootJournal *journal,
         GCancellable *cancellable,
         GError **error)
{
  g_autoptr (VmrootVirtiofsPolicy) policy = vmroot_virtiofs_policy_new (journal->uuid);
  g_autofree gchar *virtiofsd = vmroot_virtiofsd_find_path (context, configuration, error);

  /* Now, where the message reaches the user: libvirt says no more of a virtiofsd that ended at once
   * than that it did. */
  if (virtiofsd == NULL)
    return FALSE;

  policy->domain_id = journal->domain_id;
  policy->xattrs = journal->xattrs;
  policy->trusted_xattrs = configuration->trusted_xattrs;
  g_ptr_array_unref (policy->directories);
  policy->directories = g_ptr_array_ref (journal->directories);
  return vmroot_virtiofs_policy_save (policy, context, error);
}

static gboolean
release (VmrootContext *context, VmrootJournal *journal, GCancellable *cancellable, GError **error)
{
  return vmroot_virtiofs_policy_remove (context, journal->uuid, error);
}

static gboolean
is_prepared (VmrootContext *context, VmrootJournal *journal)
{
  return vmroot_virtiofs_policy_exists (context, journal->uuid);
}

static void
check_wrapper (VmrootContext *context, GPtrArray *findings)
{
  g_autofree gchar *path = vmroot_context_path (context, WRAPPER_PATH);

  g_autofree gchar *detail = NULL;

  if (g_file_test (path, G_FILE_TEST_IS_EXECUTABLE))
    return;

  detail = g_strdup_printf (_ ("libvirt starts %s for this guest, and there is no such program."),
                            WRAPPER_PATH);
  vmroot_findings_add (findings, "no-wrapper", VMROOT_SEVERITY_ERROR,
                       _ ("vmroot-virtiofsd is not installed"), detail,
                       _ ("Install vmroot with its program for libvirt."));
}

/* QEMU's virtiofsd does not even print its --help for anybody but root: others can only see that
 * there is one. */
static gboolean
find_virtiofsd (VmrootContext *context,
                VmrootConfiguration *configuration,
                GCancellable *cancellable,
                GError **error)
{
  g_autoptr (VmrootVirtiofsd) virtiofsd = NULL;
  g_autofree gchar *path = NULL;

  if (geteuid () == 0)
    virtiofsd = vmroot_virtiofsd_find (context, configuration, cancellable, error);
  else
    path = vmroot_virtiofsd_find_path (context, configuration, error);

  return virtiofsd != NULL || path != NULL;
}

static gboolean
check (VmrootContext *context,
       VmrootConfiguration *configuration,
       VmrootSpec *spec,
       GPtrArray *directories,
       GPtrArray *findings,
       GCancellable *cancellable,
       GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (!find_virtiofsd (context, configuration, cancellable, &local_error) &&
      g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  if (local_error != NULL)
    vmroot_findings_add (findings, "no-virtiofsd", VMROOT_SEVERITY_ERROR, _ ("No usable virtiofsd"),
                         local_error->message,
                         _ ("Install the package virtiofsd (Debian 12: qemu-system-common)."));
  check_wrapper (context, findings);
  return TRUE;
}

const VmrootTransportBackend vmroot_transport_virtiofs = {
  .prepare = prepare,
  .release = release,
  .is_prepared = is_prepared,
  .check = check,
};
