/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What vmroot-hook runs for a guest with a root of ours; its arguments and standard input are the
 * hook's. */

#include "config.h"

#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "vmroot-domain.h"
#include "vmroot-host-private.h"

static VmrootDomain *
read_domain (GError **error)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new_from_fd (STDIN_FILENO, FALSE, error);
  g_autoptr (GBytes) bytes = file != NULL ? g_mapped_file_get_bytes (file) : NULL;

  return bytes == NULL ? NULL : vmroot_domain_new_from_bytes (bytes, error);
}

/* `reason`: from libvirt 10.5 on, why the guest stopped. */
static gboolean
operate (const gchar *operation, const gchar *reason, GError **error)
{
  g_autoptr (VmrootDomain) domain = read_domain (error);
  g_autoptr (VmrootHost) host = vmroot_host_new (NULL);

  if (domain == NULL)
    return FALSE;
  if (g_str_equal (operation, "prepare"))
    return vmroot_host_prepare (host, domain, NULL, error);
  if (g_str_equal (operation, "reconnect"))
    return vmroot_host_repair (host, domain, NULL, error);

  return vmroot_host_release_after (host, domain, reason, NULL, error);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  if (argc < 4 || operate (argv[2], argv[4], &error))
    return EXIT_SUCCESS;

  g_strdelimit (error->message, "\n", ' ');
  if (g_str_equal (argv[2], "prepare"))
    {
      g_printerr ("vmroot: %s\n", error->message);
      return EXIT_FAILURE;
    }

  /* libvirt ignores a failing `release`, and for a failing `reconnect` kills the guest. */
  openlog ("vmroot", LOG_PID, LOG_DAEMON);
  syslog (LOG_ERR, "%s of the guest %s: %s", argv[2], argv[1], error->message);
  return EXIT_SUCCESS;
}
