/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "vmroot-context-private.h"

/* An NFS server that runs, with the export of somebody else, in the host of `context`; and instead
 * of programs an exportfs that keeps its table as the real one does. */

#define FAKE_ETAB "/var/lib/nfs/etab"
#define FAKE_ETAB_OF_OTHERS "/export/other\t192.168.122.9(rw)\n"

void fake_exportfs_install (VmrootContext *context);

/* What `exportfs` would do with these arguments. */
void fake_exportfs (VmrootContext *context, const gchar *const *argv);
