/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Becomes the host's virtiofsd, with the arguments that libvirt gave and those that the guest's
 * policy asks for. Where no guest of ours has the directory, with libvirt's alone: the wrapper was
 * named by hand. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "vmroot-error.h"
#include "vmroot-virtiofsd-private.h"

static gboolean
set_error_from_errno (GError **error, const gchar *what, const gchar *path)
{
  const int saved_errno = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved_errno), "Cannot %s %s: %s", what,
               path, g_strerror (saved_errno));
  return FALSE;
}

/*
 * libvirt tells virtiofsd no name, but makes its socket in a directory that is called after the
 * running domain: /var/lib/libvirt/qemu/domain-ID-NAME/fs0-fs.sock (libvirt's
 * qemuVirtioFSCreateSocketFilename() and virDomainDefGetShortName(), the same in 9.0 and 11.3).
 */
static gint
get_domain_id (gint socket)
{
  struct sockaddr_un address = { 0 };
  socklen_t length = sizeof address - 1;
  g_auto (GStrv) parts = NULL;
  g_auto (GStrv) words = NULL;
  gint64 id;

  if (socket == -1 || getsockname (socket, (struct sockaddr *)&address, &length) != 0 ||
      address.sun_family != AF_UNIX)
    return -1;

  parts = g_strsplit (address.sun_path, "/", -1);
  if (g_strv_length (parts) < 2)
    return -1;

  words = g_strsplit (parts[g_strv_length (parts) - 2], "-", 3);
  if (g_strv_length (words) != 3 || !g_str_equal (words[0], "domain") ||
      !g_ascii_string_to_signed (words[1], 10, 0, G_MAXINT32, &id, NULL))
    return -1;

  return (gint)id;
}

/* What the hook has checked and claimed is a directory, not a path. */
static gboolean
check_identity (const VmrootServedDirectory *served, GError **error)
{
  g_autofree gchar *id = NULL;
  struct stat st;

  if (stat (served->path, &st) != 0)
    return set_error_from_errno (error, "serve", served->path);

  id = vmroot_served_directory_format_id (st.st_dev, st.st_ino);
  if (g_str_equal (id, served->id))
    return TRUE;

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
               "%s is not the directory any more that the guest was prepared with; start the guest "
               "again",
               served->path);
  return FALSE;
}

/* The guest's kernel mounts it read-only, but a guest can change its mind: here, nothing can be
 * written. The mount is in a namespace that ends with virtiofsd. */
static gboolean
make_read_only (const gchar *path, GError **error)
{
  struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY };

  if (unshare (CLONE_NEWNS) != 0 || mount (NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0 ||
      mount (path, path, NULL, MS_BIND | MS_REC, NULL) != 0 ||
      mount_setattr (AT_FDCWD, path, AT_RECURSIVE, &attributes, sizeof attributes) != 0)
    return set_error_from_errno (error, "make read-only", path);

  return TRUE;
}

static gchar **
get_argv (VmrootContext *context, const gchar *const *argv, GError **error)
{
  g_autoptr (VmrootConfiguration) configuration = vmroot_configuration_load (context, error);
  g_autofree gchar *source = vmroot_virtiofsd_get_source (argv);
  g_autoptr (VmrootVirtiofsPolicy) policy = NULL;
  g_autoptr (VmrootVirtiofsd) virtiofsd = NULL;
  const VmrootServedDirectory *served = NULL;

  if (configuration == NULL ||
      (source != NULL && !vmroot_virtiofs_policy_find (
                             context, source, get_domain_id (vmroot_virtiofsd_get_socket (argv)),
                             &policy, &served, error)))
    return NULL;

  if (policy == NULL)
    {
      g_auto (GStrv) unchanged = g_strdupv ((gchar **)argv);

      g_free (unchanged[0]);
      unchanged[0] = vmroot_virtiofsd_find_path (context, configuration, error);
      return unchanged[0] != NULL ? g_steal_pointer (&unchanged) : NULL;
    }

  virtiofsd = vmroot_virtiofsd_find (context, configuration, NULL, error);
  if (virtiofsd == NULL || !check_identity (served, error) ||
      (!served->writable && !make_read_only (served->path, error)))
    return NULL;

  return vmroot_virtiofsd_get_argv (virtiofsd, argv, policy, served);
}

int
main (int argc, char **argv)
{
  g_autoptr (VmrootContext) context = vmroot_context_new (NULL);
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) virtiofsd_argv = get_argv (context, (const gchar *const *)argv, &error);

  if (virtiofsd_argv == NULL)
    {
      g_printerr ("vmroot-virtiofsd: %s\n", error->message);
      return EXIT_FAILURE;
    }

  execv (virtiofsd_argv[0], virtiofsd_argv);
  g_printerr ("vmroot-virtiofsd: Cannot run %s: %s\n", virtiofsd_argv[0], g_strerror (errno));
  return EXIT_FAILURE;
}
