/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "configuration.h"

/* Mounts /proc, /sys, /dev and /run in the initramfs. */
void mounts_system (void);

/* Mounts the root on /root, and the overlay above it where one is asked for. `uevents` tells of
 * devices; `deadline` ends the waiting for one. */
void mounts_root (const struct configuration *configuration, int uevents, double deadline);

/* Mounts the rest of the configuration, below "/", which is the root by now. */
void mounts_rest (const struct configuration *configuration, int uevents, double deadline);
