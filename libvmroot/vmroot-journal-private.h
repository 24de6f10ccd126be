/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-served-directory-private.h"
#include "vmroot-types.h"

G_BEGIN_DECLS

/*
 * VmrootJournal: /run/vmroot/guests/UUID, what this host has done, or has begun to do, for a guest.
 *
 * That the file is there is also the guest's claim on its directories: a claim cannot outlive it. A
 * step is in the file before it is taken and until it has been undone, so that whoever comes after
 * a killed program knows what there may be to undo. As /run does not survive a reboot, neither do
 * claims.
 *
 * But for a guest that was migrated to another host and has its directories from here:
 * /var/lib/vmroot/migrated/UUID is the record of that. It stays when the guest is prepared here
 * again, until it is known to have arrived.
 */
typedef struct
{
  gchar *uuid;
  gchar *name;
  gint domain_id; /* libvirt's number of the running domain; -1: not known */
  VmrootTransport transport;
  VmrootXattrs xattrs;
  gchar *client; /* the address that its directories are exported to; NULL: they are not */
  GDateTime *since;
  gboolean complete;
  gboolean ended;         /* not in the file: its machine is gone, and does not come back */
  gboolean recorded;      /* there is a record: another host may run the guest */
  gboolean away;          /* and there is nothing but the record */
  GDateTime *unheard;     /* since when the server knows no such client; NULL: it does */
  GPtrArray *steps;       /* names, oldest first */
  GPtrArray *directories; /* VmrootServedDirectory; the root first */
} VmrootJournal;

VmrootJournal *vmroot_journal_new (const gchar *uuid) G_GNUC_WARN_UNUSED_RESULT;
void vmroot_journal_free (VmrootJournal *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmrootJournal, vmroot_journal_free)

/* TRUE with *journal NULL: nothing was done for this guest. */
gboolean vmroot_journal_load (VmrootContext *context,
                              const gchar *uuid,
                              VmrootJournal **journal,
                              GError **error);
/* Of all guests, by UUID. */
GPtrArray *vmroot_journal_load_all (VmrootContext *context, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
/* Of one that is `away`, the record, which then is all there is. */
gboolean vmroot_journal_save (VmrootJournal *self, VmrootContext *context, GError **error);
/* With its record. */
gboolean vmroot_journal_remove (VmrootJournal *self, VmrootContext *context, GError **error);
/* The guest runs here, and nowhere else. */
gboolean vmroot_journal_remove_record (VmrootJournal *self, VmrootContext *context, GError **error);

/* Each saves the journal, and then tells the context's step function. */
gboolean vmroot_journal_begin_step (VmrootJournal *self,
                                    VmrootContext *context,
                                    const gchar *step,
                                    GError **error);
gboolean vmroot_journal_end_undoing (VmrootJournal *self, VmrootContext *context, GError **error);

const VmrootServedDirectory *vmroot_journal_get_root (VmrootJournal *self);
gboolean vmroot_journal_serves_the_same (VmrootJournal *self, VmrootJournal *other);

G_END_DECLS
