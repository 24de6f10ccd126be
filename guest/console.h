/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

/* Makes /dev/console the standard input, output and error, here and in what is executed. */
void console_attach (void);

/* Writes a line to every active console: a guest may have a screen and a serial line, and
 * /dev/console is only the last of them. */
void console_say (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

/* Writes a line to the kernel's log, where `dmesg` shows it with its time, and the consoles only
 * without `quiet`. */
void console_log (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

/* The path of the terminal behind /dev/console, which unlike it can be a controlling terminal. */
void console_terminal (char *path, size_t size);
