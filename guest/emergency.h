/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

/* What an emergency ends with: a shell, or (from the start) power-off. */
void emergency_set_shell (bool shell);

/* Where the root of the guest is mounted, for the shell; NULL (from the start): nowhere yet. */
void emergency_set_root (const char *path);

/* Says in one line on the console what failed and why, reports what there is and what is not, and
 * ends the guest. */
_Noreturn void emergency (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

/* Makes it an emergency when emergency_disarm() is not called within `seconds`. For servers that
 * take a mount and then do not answer: the kernel waits for them for ever, and PID 1 with it. */
void emergency_arm (unsigned seconds, const char *message);
void emergency_disarm (void);
