/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "configuration.h"

/* Mounts an nfs4 file system on `target` once its server answers. Ends the guest, saying who did
 * not answer, when none does until `deadline`. `uevents`: as for devices. */
void nfs_mount (const struct init_mount *entry,
                const char *target,
                unsigned long flags,
                int uevents,
                double deadline);
