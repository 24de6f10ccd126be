/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "configuration.h"

/* Copies the files that the configuration names from /run-files to /run: what the guest must be
 * told, without a trace in its tree. After network_configure(): some are named after an interface.
 */
void run_files_copy (const struct configuration *configuration);
