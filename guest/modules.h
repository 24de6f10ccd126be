/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "configuration.h"

/* Loads the modules of the configuration, in its order, with the parameters that the kernel command
 * line has for them. */
void modules_load (const struct configuration *configuration, const char *command_line);
