/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * vmroot-init: the first process of a guest whose root is a directory of its host.
 *
 * The kernel starts it as /init of the initramfs that vmroot made. It mounts the root as
 * /vmroot-init.conf says, and becomes the init of the tree it found there. There is no shell, no
 * udev and no library: what can be missing cannot be needed.
 */

#include "command-line.h"
#include "configuration.h"
#include "console.h"
#include "emergency.h"
#include "modules.h"
#include "mounts.h"
#include "network.h"
#include "run-files.h"
#include "switch-root.h"
#include "uevents.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIGURATION_FILE "/vmroot-init.conf"

/* The whole of a file in memory, with a NUL after it; NULL with errno. */
static char *
read_file (const char *path, size_t *length)
{
  size_t size = 4096;
  char *text = NULL;
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : 1;

  for (*length = 0; n > 0; *length += n)
    {
      size *= 2;
      text = realloc (text, size);
      if (text == NULL)
        break;
      n = read (fd, text + *length, size - 1 - *length);
      if (n < 0)
        break;
      text[*length + n] = '\0';
    }
  if (fd >= 0)
    close (fd);
  return n < 0 ? NULL : text;
}

static void
read_configuration (struct configuration *configuration)
{
  char message[512];
  size_t length;
  char *text = read_file (CONFIGURATION_FILE, &length);

  if (text == NULL)
    emergency ("cannot read " CONFIGURATION_FILE " of the initramfs: %s", strerror (errno));
  if (!configuration_parse (configuration, text, length, message, sizeof message))
    emergency (CONFIGURATION_FILE ": %s: build the boot image anew", message);
  emergency_set_shell (configuration->shell_on_failure);
}

static char *
read_command_line (void)
{
  size_t length;
  char *line = read_file ("/proc/cmdline", &length);

  return line == NULL ? strdup ("") : line;
}

static bool
exists (const char *path)
{
  struct stat status;

  return stat (path, &status) == 0;
}

/* What the kernel would try (init/main.c), and systemd where no package made a link to it. */
static const char *
find_init (const char *command_line)
{
  static const char *const paths[] = {
    "/sbin/init",           "/etc/init", "/bin/init", "/usr/lib/systemd/systemd",
    "/lib/systemd/systemd", "/bin/sh"
  };
  const char *asked = command_line_get (command_line, "init");

  if (asked != NULL && *asked != '\0')
    {
      if (exists (asked))
        return asked;
      emergency ("init=%s on the kernel command line: %s in the guest's root", asked,
                 strerror (errno));
    }
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    if (exists (paths[i]))
      return paths[i];
  emergency ("the guest's root has no init: none of /sbin/init, /etc/init, /bin/init, "
             "/usr/lib/systemd/systemd and /bin/sh is there");
}

static _Noreturn void
execute_init (const char *path, char **arguments)
{
  int error;

  arguments[0] = (char *)path;
  execv (path, arguments);
  error = errno;
  emergency ("cannot start %s: %s%s", path, strerror (error),
             error == ENOENT    ? ": its interpreter or dynamic loader is missing"
             : error == ENOEXEC ? ": is it built for another architecture?"
                                : "");
}

/* The server has as long again as the device, which may have come at the last moment. */
static void
arm (const struct configuration *configuration)
{
  const struct init_mount *mount = configuration->mounts;
  const unsigned timeout = configuration->timeout;
  const unsigned seconds = timeout + (timeout > 10 ? timeout : 10);
  char message[512];

  snprintf (message, sizeof message,
            "the server of %s \"%s\" does not answer (waited %u s): is it running on the host, and "
            "can it read the directory?",
            mount->type, mount->source, seconds);
  emergency_arm (seconds, message);
}

/* The arguments are the words of the kernel command line that the kernel does not know, such as
 * "single": they are init's. So is the environment. */
int
main (int argc, char **argv)
{
  struct configuration configuration;
  const char *init;
  char *command_line;
  double deadline;
  int uevents, initramfs;

  if (argc < 1 || getpid () != 1 || !exists (CONFIGURATION_FILE))
    {
      fprintf (stderr, "vmroot-init is the first process of a vmroot guest, started by its kernel "
                       "from the initramfs that vmroot boot-image makes\n");
      return 2;
    }
  mounts_system ();
  console_attach ();
  read_configuration (&configuration);
  command_line = read_command_line ();
  uevents = uevents_open ();
  if (uevents < 0)
    emergency ("cannot listen to the kernel's device events: %s", strerror (errno));

  modules_load (&configuration, command_line);
  arm (&configuration);
  deadline = uevents_now () + configuration.timeout;
  network_configure (&configuration, uevents, deadline);
  run_files_copy (&configuration);
  mounts_root (&configuration, uevents, deadline);
  emergency_set_root ("/root");
  initramfs = switch_root_enter ();
  mounts_rest (&configuration, uevents, deadline);

  init = find_init (command_line);
  console_log ("the root is %s %s%s, starting %s", configuration.mounts[0].type,
               configuration.mounts[0].source, configuration.overlay ? " (ephemeral)" : "", init);
  switch_root_empty (initramfs);
  emergency_disarm ();
  execute_init (init, argv);
}
