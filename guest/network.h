/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "configuration.h"

#include <net/if.h>
#include <stdbool.h>

/* FALSE: no interface has this MAC address. */
bool network_find_interface (const char *mac, char name[IFNAMSIZ]);

/* Gives the interfaces of the configuration their addresses, and brings them up. `uevents` tells of
 * an interface that appears late; `deadline` ends the waiting for it. */
void network_configure (const struct configuration *configuration, int uevents, double deadline);
