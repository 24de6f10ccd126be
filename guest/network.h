/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "configuration.h"

/* Gives the interfaces of the configuration their addresses, and brings them up. `uevents` tells of
 * an interface that appears late; `deadline` ends the waiting for it. */
void network_configure (const struct configuration *configuration, int uevents, double deadline);
