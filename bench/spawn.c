/* SPDX-License-Identifier: GPL-2.0-or-later */

/* spawn COUNT INPUT PROGRAM [ARGUMENT...]: runs a program COUNT times with INPUT as its standard
 * input, and prints the nanoseconds that each run took. Small, so that what is measured is not the
 * measuring program's own fork. */

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static long
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void
run (const char *input, char **argv)
{
  posix_spawn_file_actions_t actions;
  pid_t pid;
  int status;

  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_addopen (&actions, 0, input, O_RDONLY, 0);
  posix_spawn_file_actions_addopen (&actions, 1, "/dev/null", O_WRONLY, 0);
  if (posix_spawnp (&pid, argv[0], &actions, NULL, argv, environ) != 0 ||
      waitpid (pid, &status, 0) != pid || status != 0)
    {
      fprintf (stderr, "spawn: %s failed\n", argv[0]);
      exit (1);
    }
  posix_spawn_file_actions_destroy (&actions);
}

int
main (int argc, char **argv)
{
  if (argc < 4)
    return 2;
  for (long n = strtol (argv[1], NULL, 10); n > 0; n--)
    {
      const long start = now ();

      run (argv[2], argv + 3);
      printf ("%ld\n", now () - start);
    }
  return 0;
}
