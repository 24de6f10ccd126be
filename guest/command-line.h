/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

/* The value of the last `name=value` of a kernel command line, in newly allocated memory; NULL when
 * there is none. Quotes, and "--" as the end of what is the kernel's, are as in the kernel's
 * lib/cmdline.c and parse_args(). */
char *command_line_get (const char *line, const char *name);

/* The parameters `module.x=y` of a kernel command line, as "x=y x=z": what modprobe hands on to a
 * module as it loads it. In newly allocated memory; empty when there are none. `-` and `_` are the
 * same in a module's name. */
char *command_line_get_module_parameters (const char *line, const char *module);
