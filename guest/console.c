/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "console.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define MAX_LINE 4096

void
console_attach (void)
{
  int fd = open ("/dev/console", O_RDWR | O_NOCTTY);

  /* A guest without any console (ENODEV) still has to boot. */
  if (fd < 0)
    fd = open ("/dev/null", O_RDWR);
  if (fd < 0)
    return;
  for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++)
    if (fd != standard)
      dup2 (fd, standard);
  if (fd > STDERR_FILENO)
    close (fd);
}

static int print_line (char line[MAX_LINE], const char *format, va_list arguments)
    __attribute__ ((format (printf, 2, 0)));

static int
print_line (char line[MAX_LINE], const char *format, va_list arguments)
{
  int length = vsnprintf (line, MAX_LINE - 1, format, arguments);

  if (length > MAX_LINE - 2)
    length = MAX_LINE - 2;
  line[length++] = '\n';
  return length;
}

/* The names of the active consoles, in order: /dev/console is the last of them. */
static void
read_names (char *names, size_t size)
{
  int fd = open ("/sys/class/tty/console/active", O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? 0 : read (fd, names, size - 1);

  names[length < 0 ? 0 : length] = '\0';
  if (fd >= 0)
    close (fd);
}

/* Opened anew for each line: a shell that ends hangs up what was opened before. Without O_NONBLOCK
 * opening a serial line could wait for a carrier. FALSE when the line could not be written. */
static bool
write_to (const char *console, const char *line, size_t length)
{
  int fd = open (console, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  bool written;

  if (fd < 0)
    return false;
  fcntl (fd, F_SETFL, 0);
  written = write (fd, line, length) == (ssize_t)length;
  /* A power-off does not wait for what a serial line has yet to send. */
  tcdrain (fd);
  close (fd);
  return written;
}

void
console_say (const char *format, ...)
{
  char line[MAX_LINE], names[256], path[300], *rest;
  va_list arguments;
  int length;
  bool written = false;

  va_start (arguments, format);
  length = print_line (line, format, arguments);
  va_end (arguments);

  read_names (names, sizeof names);
  for (char *name = strtok_r (names, " \n", &rest); name != NULL;
       name = strtok_r (NULL, " \n", &rest))
    {
      snprintf (path, sizeof path, "/dev/%s", name);
      written |= write_to (path, line, length);
    }
  if (!written)
    dprintf (STDERR_FILENO, "%.*s", length, line);
}

void
console_log (const char *format, ...)
{
  char line[MAX_LINE];
  va_list arguments;
  int length, fd = open ("/dev/kmsg", O_WRONLY | O_CLOEXEC);

  if (fd < 0)
    return;
  va_start (arguments, format);
  length = print_line (line, format, arguments);
  va_end (arguments);
  dprintf (fd, "<6>vmroot-init: %.*s", length, line);
  close (fd);
}

void
console_terminal (char *path, size_t size)
{
  char names[256];
  const char *last;

  read_names (names, sizeof names);
  names[strcspn (names, "\n")] = '\0';
  last = strrchr (names, ' ');
  snprintf (path, size, "/dev/%s", last != NULL ? last + 1 : *names != '\0' ? names : "console");
}
