/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-journal-private.h"
#include "vmroot-spec.h"

G_BEGIN_DECLS

typedef enum
{
  VMROOT_TRANSPORT_USE_UNKNOWN,
  VMROOT_TRANSPORT_USE_NONE,
  VMROOT_TRANSPORT_USE_SOME
} VmrootTransportUse;

/*
 * VmrootTransportBackend: how a guest's directories get to it. One file each:
 * vmroot-transport-NAME.c.
 *
 * Each function may be called again after it was stopped at any point, or when there is nothing
 * left to do. All they know of the guest is in its journal, so that what was prepared can be
 * released after the domain has gone.
 */
typedef struct
{
  /* NULL, or write down in `journal` what of `spec` the others need. */
  gboolean (*describe) (VmrootContext *context,
                        VmrootSpec *spec,
                        VmrootJournal *journal,
                        GError **error);
  /* Serve `journal`'s directories to the guest. */
  gboolean (*prepare) (VmrootContext *context,
                       VmrootConfiguration *configuration,
                       VmrootJournal *journal,
                       GCancellable *cancellable,
                       GError **error);
  /* Take away whatever `prepare` may have done. */
  gboolean (*release) (VmrootContext *context,
                       VmrootJournal *journal,
                       GCancellable *cancellable,
                       GError **error);
  /* NULL, where another host that the guest was migrated to needs nothing of this one; or: let what
   * `prepare` did last, over a reboot, too, or do it again. The server need not run now. */
  gboolean (*keep) (VmrootContext *context,
                    VmrootConfiguration *configuration,
                    VmrootJournal *journal,
                    GCancellable *cancellable,
                    GError **error);
  /* NULL, or whether another host still uses what was kept, as far as that can be told. */
  VmrootTransportUse (*is_used) (VmrootContext *context, VmrootJournal *journal);
  /* NULL, or undo what none of the `journals` (all that there are) has: adds sentences to `done`.
   */
  gboolean (*remove_stale) (VmrootContext *context,
                            GPtrArray *journals,
                            GPtrArray *done,
                            GCancellable *cancellable,
                            GError **error);
  /* Whether what `prepare` did for a running guest is still there. */
  gboolean (*is_prepared) (VmrootContext *context, VmrootJournal *journal);
  /* NULL, or what speaks against serving `directories` (VmrootServedDirectory) here as `spec` says:
   * adds VmrootFinding to `findings`. */
  gboolean (*check) (VmrootContext *context,
                     VmrootConfiguration *configuration,
                     VmrootSpec *spec,
                     GPtrArray *directories,
                     GPtrArray *findings,
                     GCancellable *cancellable,
                     GError **error);
} VmrootTransportBackend;

extern const VmrootTransportBackend vmroot_transport_nfs;
extern const VmrootTransportBackend vmroot_transport_virtiofs;

G_END_DECLS
