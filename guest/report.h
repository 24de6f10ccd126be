/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Says on the console what this guest has: devices, file systems, network interfaces, addresses,
 * modules, kernel command line. */
void report (void);
