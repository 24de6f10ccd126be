/* SPDX-License-Identifier: GPL-2.0-or-later */

/* guest-files COUNT MEGABYTES: what bench/files has a guest do, in /bench of its root. Prints the
 * seconds of each phase on the console, and turns the guest off. Static: the guest has no
 * libraries.
 *
 * There are COUNT files in /bench/files, a hundred in each directory, and a fifth as many in
 * /bench/archive.tar. */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BUSYBOX "/bin/busybox"
#define ARCHIVE "/run/archive.tar"
#define UNPACKED "/bench/unpacked"
#define SEQUENTIAL "/bench/sequential"
#define MEBIBYTE (1 << 20)
#define FILES_IN_DIRECTORY 100

/* As cp(1) reads and writes. */
static char buffer[128 << 10];

static void fail (const char *format, ...) __attribute__ ((format (printf, 1, 2), noreturn));

static void
fail (const char *format, ...)
{
  va_list arguments;

  printf ("guest-files: failed: ");
  va_start (arguments, format);
  vprintf (format, arguments);
  va_end (arguments);
  printf ("\n");
  fflush (stdout);
  reboot (RB_POWER_OFF);
  exit (EXIT_FAILURE);
}

static double
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void
say (const char *phase, double start)
{
  printf ("guest-files: %s: %.3f\n", phase, now () - start);
  fflush (stdout);
}

static void
run (char *const *argv)
{
  const pid_t pid = fork ();
  int status;

  if (pid == 0)
    {
      execv (argv[0], argv);
      _exit (127);
    }
  if (pid == -1 || waitpid (pid, &status, 0) != pid || status != 0)
    fail ("%s %s", argv[0], argv[1]);
}

/* Of what is cached nothing is left, and nothing is under way. */
static void
drop_caches (void)
{
  const int fd = open ("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

  sync ();
  if (fd == -1 || write (fd, "3", 1) != 1)
    fail ("drop_caches: %s", strerror (errno));
  close (fd);
  sleep (2);
}

static void
get_name (unsigned n, char *name, size_t size)
{
  snprintf (name, size, "%03u/%02u", n / FILES_IN_DIRECTORY, n % FILES_IN_DIRECTORY);
}

static void
stat_all (const char *phase, unsigned count)
{
  const double start = now ();

  for (unsigned n = 0; n < count; n++)
    {
      struct stat status;
      char name[16];

      get_name (n, name, sizeof name);
      if (lstat (name, &status) != 0)
        fail ("%s: %s", name, strerror (errno));
    }
  say (phase, start);
}

static void
read_one (const char *name)
{
  const int fd = open (name, O_RDONLY | O_CLOEXEC);
  ssize_t length;

  if (fd == -1)
    fail ("%s: %s", name, strerror (errno));
  while ((length = read (fd, buffer, sizeof buffer)) > 0)
    continue;
  if (length < 0)
    fail ("%s: %s", name, strerror (errno));
  close (fd);
}

static void
read_all (unsigned count)
{
  const double start = now ();

  for (unsigned n = 0; n < count; n++)
    {
      char name[16];

      get_name (n, name, sizeof name);
      read_one (name);
    }
  say ("read", start);
}

static void
write_sequentially (unsigned megabytes)
{
  const double start = now ();
  const int fd = open (SEQUENTIAL, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

  if (fd == -1)
    fail ("%s: %s", SEQUENTIAL, strerror (errno));
  for (size_t left = (size_t)megabytes * MEBIBYTE; left > 0; left -= sizeof buffer)
    if (write (fd, buffer, sizeof buffer) != (ssize_t)sizeof buffer)
      fail ("%s: %s", SEQUENTIAL, strerror (errno));
  if (fsync (fd) != 0 || close (fd) != 0)
    fail ("%s: %s", SEQUENTIAL, strerror (errno));
  say ("sequential-write", start);
}

static void
read_sequentially (void)
{
  const double start = now ();

  read_one (SEQUENTIAL);
  say ("sequential-read", start);
}

static void
unpack_and_delete (void)
{
  double start;

  /* Of a guest before that did not come to its end. */
  run ((char *[]){ BUSYBOX, "rm", "-rf", UNPACKED, NULL });
  /* Also so that busybox itself has been read. */
  run ((char *[]){ BUSYBOX, "cp", "/bench/archive.tar", ARCHIVE, NULL });
  if (mkdir (UNPACKED, 0755) != 0)
    fail ("%s: %s", UNPACKED, strerror (errno));
  drop_caches ();
  run ((char *[]){ BUSYBOX, "true", NULL });

  start = now ();
  run ((char *[]){ BUSYBOX, "tar", "--numeric-owner", "-C", UNPACKED, "-xf", ARCHIVE, NULL });
  sync ();
  say ("unpack", start);

  start = now ();
  run ((char *[]){ BUSYBOX, "rm", "-r", UNPACKED, NULL });
  say ("delete", start);
  unlink (ARCHIVE);
}

int
main (int argc, char **argv)
{
  const unsigned count = argc == 3 ? (unsigned)atoi (argv[1]) : 0;
  const unsigned megabytes = argc == 3 ? (unsigned)atoi (argv[2]) : 0;

  if (count == 0 || megabytes == 0)
    fail ("it takes COUNT and MEGABYTES");
  memset (buffer, 'x', sizeof buffer);
  unpack_and_delete ();

  if (chdir ("/bench/files") != 0)
    fail ("/bench/files: %s", strerror (errno));
  drop_caches ();
  stat_all ("stat-cold", count);
  stat_all ("stat-warm", count);
  drop_caches ();
  read_all (count);

  drop_caches ();
  write_sequentially (megabytes);
  drop_caches ();
  read_sequentially ();
  unlink (SEQUENTIAL);

  sync ();
  reboot (RB_POWER_OFF);
  return EXIT_FAILURE;
}
