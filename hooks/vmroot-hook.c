/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * libvirt's qemu hook: NAME OPERATION SUB-OPERATION EXTRA, and the domain's XML on standard input.
 *
 * libvirt runs it at every start and stop of every guest, holding that guest's lock. Most guests
 * are not ours: for them this looks for our namespace in the XML and ends, and links nothing but
 * libc. The work for those that are is in vmroot-hook-operation, beside this file.
 *
 * Nothing may be printed on standard output: for some operations libvirt takes it for the domain's
 * new XML.
 */

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAMESPACE "urn:vmroot:domain:1"
#define OPERATION_PROGRAM "vmroot-hook-operation"

/* Far above what libvirt can have for a domain; what is cut off there is refused as broken XML. */
#define MAX_DOCUMENT (16 * 1024 * 1024)

/* The other operations need nothing of us: what `prepare` did lasts until `release`. */
static bool
is_relevant (const char *operation)
{
  return strcmp (operation, "prepare") == 0 || strcmp (operation, "release") == 0 ||
         strcmp (operation, "reconnect") == 0;
}

/* Into a file that can be standard input again: for the program that takes over, if one does. */
static bool
read_document (int file, char **document, size_t *length)
{
  ssize_t n = -1;

  if (file == -1 || ftruncate (file, MAX_DOCUMENT) != 0)
    return false;

  *document = mmap (NULL, MAX_DOCUMENT, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  *length = 0;
  while (*document != MAP_FAILED &&
         (n = read (STDIN_FILENO, *document + *length, MAX_DOCUMENT - *length)) > 0)
    *length += (size_t)n;

  return n == 0 && ftruncate (file, (off_t)*length) == 0;
}

/* libvirt runs us through a link: only the kernel knows where this program is. */
static void
execute_operation (char **argv)
{
  char path[PATH_MAX + sizeof OPERATION_PROGRAM];
  const ssize_t length = readlink ("/proc/self/exe", path, PATH_MAX);
  char *slash = length > 0 ? memrchr (path, '/', (size_t)length) : NULL;

  if (slash != NULL)
    {
      strcpy (slash + 1, OPERATION_PROGRAM);
      execv (path, argv);
    }
}

int
main (int argc, char **argv)
{
  const int file = memfd_create ("domain", MFD_CLOEXEC);
  size_t length;
  char *document;

  /* qemu:///session runs the same hooks as the user. */
  if (geteuid () != 0 || argc < 4 || !is_relevant (argv[2]))
    return EXIT_SUCCESS;

  if (read_document (file, &document, &length))
    {
      if (memmem (document, length, NAMESPACE, strlen (NAMESPACE)) == NULL)
        return EXIT_SUCCESS;
      if (dup2 (file, STDIN_FILENO) == STDIN_FILENO)
        execute_operation (argv);
    }

  fprintf (stderr, "vmroot: cannot read the guest's XML or run " OPERATION_PROGRAM ": %m\n");
  return strcmp (argv[2], "prepare") == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
