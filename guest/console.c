/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "console.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define MAX_CONSOLES 8
#define MAX_LINE 4096

static int consoles[MAX_CONSOLES] = { STDERR_FILENO };
static size_t n_consoles;
static char terminal[64] = "/dev/console";

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

/* proc(5): the names in /sys/class/tty/console/active are in order; /dev/console is the last. */
static void
find_consoles (void)
{
  char names[256], *rest;
  int fd = open ("/sys/class/tty/console/active", O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read (fd, names, sizeof names - 1);

  if (fd >= 0)
    close (fd);
  if (length <= 0)
    return;
  names[length] = '\0';
  for (char *name = strtok_r (names, " \n", &rest); name != NULL;
       name = strtok_r (NULL, " \n", &rest))
    {
      snprintf (terminal, sizeof terminal, "/dev/%s", name);
      fd = open (terminal, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
      if (fd < 0)
        continue;
      fcntl (fd, F_SETFL, 0);
      if (n_consoles < MAX_CONSOLES)
        consoles[n_consoles++] = fd;
    }
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

void
console_say (const char *format, ...)
{
  char line[MAX_LINE];
  va_list arguments;
  int length;

  va_start (arguments, format);
  length = print_line (line, format, arguments);
  va_end (arguments);

  if (n_consoles == 0)
    find_consoles ();
  if (n_consoles == 0)
    n_consoles = 1;
  for (size_t i = 0; i < n_consoles; i++)
    if (write (consoles[i], line, length) < 0)
      continue;
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
console_drain (void)
{
  for (size_t i = 0; i < n_consoles; i++)
    tcdrain (consoles[i]);
}

const char *
console_terminal (void)
{
  return terminal;
}
