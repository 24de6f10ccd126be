/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "emergency.h"

#include "console.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

static bool wants_shell;
static const char *root;
static int alarm_pipe[2] = { -1, -1 };
static pid_t alarm_process = -1;

void
emergency_set_shell (bool shell)
{
  wants_shell = shell;
}

void
emergency_set_root (const char *path)
{
  root = path;
}

static _Noreturn void
power_off (void)
{
  console_say ("vmroot-init: powering off");
  reboot (RB_POWER_OFF);
  reboot (RB_HALT_SYSTEM);
  _exit (1);
}

static _Noreturn void
execute_shell (void)
{
  static const char *const shells[] = { "/bin/sh", "/usr/bin/sh", "/bin/bash", "/bin/busybox" };
  char terminal[300];
  int fd;

  /* Job control needs a controlling terminal, which /dev/console is not. */
  setsid ();
  console_terminal (terminal, sizeof terminal);
  fd = open (terminal, O_RDWR);
  if (fd >= 0)
    {
      ioctl (fd, TIOCSCTTY, 1);
      for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++)
        dup2 (fd, standard);
    }
  if (chroot (root) < 0 || chdir ("/") < 0)
    _exit (127);
  for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
    execl (shells[i], "sh", (char *)NULL);
  _exit (127);
}

static bool
run_shell (void)
{
  pid_t pid;
  int status = 0;

  if (root == NULL)
    return false;
  console_say ("vmroot-init: a shell in the root of the guest; the guest powers off when it ends");
  pid = fork ();
  if (pid == 0)
    execute_shell ();
  if (pid < 0)
    return false;
  /* PID 1 is given the orphans of the shell, too. */
  for (pid_t ended; (ended = wait (&status)) != pid;)
    if (ended < 0 && errno != EINTR)
      return false;
  return !(WIFEXITED (status) && WEXITSTATUS (status) == 127);
}

static void
wait_for_enter (void)
{
  char character;

  console_say ("vmroot-init: there is no shell, as the root of the guest %s; press Enter to power "
               "off",
               root == NULL ? "is not mounted" : "has none");
  while (read (STDIN_FILENO, &character, 1) == 1 && character != '\n' && character != '\r')
    continue;
}

/* What is to be written is, before the power goes: but not where that waits for a server. */
static _Noreturn void
end (const char *message, bool server_answers)
{
  console_say ("vmroot-init: %s", message);
  report ();
  if (wants_shell && !(server_answers && run_shell ()))
    wait_for_enter ();
  if (server_answers)
    sync ();
  power_off ();
}

void
emergency (const char *format, ...)
{
  char message[2048];
  va_list arguments;

  va_start (arguments, format);
  vsnprintf (message, sizeof message, format, arguments);
  va_end (arguments);
  emergency_disarm ();
  end (message, true);
}

void
emergency_arm (unsigned seconds, const char *message)
{
  struct pollfd pollfd = { .events = POLLIN };

  if (pipe2 (alarm_pipe, O_CLOEXEC) < 0)
    emergency ("cannot make a pipe: %s", strerror (errno));
  alarm_process = fork ();
  if (alarm_process < 0)
    emergency ("cannot start a process: %s", strerror (errno));
  if (alarm_process > 0)
    return;
  /* /proc and the rest stay where they are for this process, and can be reported, when the other
   * takes them to a root that hangs. */
  unshare (CLONE_NEWNS);
  close (alarm_pipe[1]);
  pollfd.fd = alarm_pipe[0];
  if (poll (&pollfd, 1, (int)seconds * 1000) == 0)
    end (message, false);
  _exit (0);
}

void
emergency_disarm (void)
{
  if (alarm_process <= 0)
    return;
  close (alarm_pipe[0]);
  close (alarm_pipe[1]);
  waitpid (alarm_process, NULL, 0);
  alarm_process = -1;
}
