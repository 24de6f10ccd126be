/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

/* Listens to the kernel telling of new devices and drivers bound to them. Opened before the first
 * module is loaded, it misses none. Returns a descriptor, or -1 with errno. */
int uevents_open (void);

/* Seconds of the monotonic clock. */
double uevents_now (void);

/* Waits until something happened to a device since the last call. FALSE: nothing did until
 * `deadline`, as uevents_now() counts. */
bool uevents_wait (int fd, double deadline);
