/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What libvirt starts in place of virtiofsd, with virtiofsd's arguments.
 *
 * libvirt moves the process that it started into the guest's cgroup, whose device rules forbid to
 * make device nodes. So that the guest can make them in its root, this process takes that place,
 * and virtiofsd is its child, started before the move. vmroot-virtiofsd-exec, beside this file,
 * becomes virtiofsd once it knows which, and how. Neither outlives the other: this ends as the
 * child does, and the kernel kills the child when this ends in any way.
 *
 * It waits as long as the guest runs, so it links nothing but libc, and keeps nothing open but its
 * log.
 */

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXEC_PROGRAM "vmroot-virtiofsd-exec"

static int
fail (const char *what)
{
  fprintf (stderr, "vmroot-virtiofsd: cannot %s: %m\n", what);
  return EXIT_FAILURE;
}

static int
execute (char **argv)
{
  char path[PATH_MAX + sizeof EXEC_PROGRAM];
  const ssize_t length = readlink ("/proc/self/exe", path, PATH_MAX);
  char *slash = length > 0 ? memrchr (path, '/', (size_t)length) : NULL;

  if (slash != NULL)
    {
      strcpy (slash + 1, EXEC_PROGRAM);
      execv (path, argv);
    }
  return fail ("run " EXEC_PROGRAM);
}

/* A parent that died before the prctl would not be noticed by it: look who the parent is now. */
static int
run_child (pid_t parent, const sigset_t *mask, char **argv)
{
  if (prctl (PR_SET_PDEATHSIG, SIGKILL) != 0)
    return fail ("tie virtiofsd to its parent");
  if (getppid () != parent)
    return EXIT_FAILURE;

  sigprocmask (SIG_SETMASK, mask, NULL);
  return execute (argv);
}

/* As the child ended, so that who waits for us cannot tell the difference. */
static int
end_like (int status)
{
  if (WIFEXITED (status))
    return WEXITSTATUS (status);

  /* Not a second core dump, of this process. */
  prctl (PR_SET_DUMPABLE, 0);
  signal (WTERMSIG (status), SIG_DFL);
  sigprocmask (SIG_SETMASK, &(sigset_t){ 0 }, NULL);
  raise (WTERMSIG (status));
  return 128 + WTERMSIG (status);
}

static int
supervise (pid_t child, const sigset_t *signals)
{
  for (;;)
    {
      siginfo_t info;
      int status;

      if (sigwaitinfo (signals, &info) == -1 && errno != EINTR)
        return fail ("wait for virtiofsd");
      if (waitpid (child, &status, WNOHANG) == child)
        return end_like (status);
      if (info.si_signo != SIGCHLD)
        kill (child, info.si_signo);
    }
}

/*
 * The socket is the child's: once virtiofsd has gone, QEMU must find it closed. Everything else
 * stays open, the pid file above all: libvirt has locked it for this process, and only stops who
 * holds the lock (libvirt's virPidFileForceCleanupPathFull()).
 */
static void
close_socket (char **argv)
{
  for (int i = 1; argv[i] != NULL; i++)
    {
      if (strncmp (argv[i], "--fd=", strlen ("--fd=")) == 0)
        close (atoi (argv[i] + strlen ("--fd=")));
      else if (strcmp (argv[i], "--fd") == 0 && argv[i + 1] != NULL)
        close (atoi (argv[i + 1]));
    }
}

int
main (int argc, char **argv)
{
  const int forwarded[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2 };
  const pid_t self = getpid ();
  sigset_t signals, mask;
  pid_t child;

  /* libvirt asks what virtiofsd can do, and reads the answer: nothing to wait for. */
  if (argc == 2 && strcmp (argv[1], "--print-capabilities") == 0)
    return execute (argv);

  /* Blocked before there is a child, so that none is missed in between. */
  sigemptyset (&signals);
  sigaddset (&signals, SIGCHLD);
  for (size_t i = 0; i < sizeof forwarded / sizeof forwarded[0]; i++)
    sigaddset (&signals, forwarded[i]);
  sigprocmask (SIG_BLOCK, &signals, &mask);

  child = fork ();
  if (child == -1)
    return fail ("start virtiofsd");
  if (child == 0)
    return run_child (self, &mask, argv);

  close_socket (argv);
  return supervise (child, &signals);
}
