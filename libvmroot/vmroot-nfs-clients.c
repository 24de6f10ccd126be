/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <gio/gio.h>

#include "vmroot-nfs-clients-private.h"

#define CLIENTS "/proc/fs/nfsd/clients"
#define EXPIRE "expire\n"
#define FIELD "\naddress: \""

/* In the text of `info`, 'address: "192.168.122.5:764"' or 'address: "[fd00::5]:764"'. */
static GInetAddress *
get_address (const gchar *info)
{
  const gchar *field = strstr (info, FIELD);
  const gchar *end = field != NULL ? strchr (field + strlen (FIELD), '"') : NULL;
  g_autofree gchar *text = NULL;
  gchar *colon;

  if (end == NULL)
    return NULL;

  field += strlen (FIELD);
  text = g_strndup (field, (gsize)(end - field));
  colon = strrchr (text, ':');
  if (colon != NULL)
    *colon = '\0';
  if (*text != '[')
    return g_inet_address_new_from_string (text);

  text[strcspn (text, "]")] = '\0';
  return g_inet_address_new_from_string (text + 1);
}

/* The directories of the clients with this address; NULL: the server does not run, or does not
 * tell. */
static GPtrArray *
find (VmrootContext *context, const gchar *address)
{
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GInetAddress) wanted = g_inet_address_new_from_string (address);
  g_autofree gchar *path = vmroot_context_path (context, CLIENTS);
  g_autoptr (GDir) clients = g_dir_open (path, 0, NULL);
  const gchar *name;

  if (clients == NULL || wanted == NULL)
    return NULL;

  while ((name = g_dir_read_name (clients)) != NULL)
    {
      g_autofree gchar *file = g_build_filename (path, name, "info", NULL);
      g_autofree gchar *info = NULL;
      g_autoptr (GInetAddress) known = NULL;

      if (!g_file_get_contents (file, &info, NULL, NULL))
        continue;
      known = get_address (info);
      if (known != NULL && g_inet_address_equal (known, wanted))
        g_ptr_array_add (found, g_build_filename (path, name, NULL));
    }

  return g_steal_pointer (&found);
}

VmrootTransportUse
vmroot_nfs_clients_has (VmrootContext *context, const gchar *address)
{
  g_autoptr (GPtrArray) found = find (context, address);

  if (found == NULL)
    return VMROOT_TRANSPORT_USE_UNKNOWN;

  return found->len > 0 ? VMROOT_TRANSPORT_USE_SOME : VMROOT_TRANSPORT_USE_NONE;
}

void
vmroot_nfs_clients_expire (VmrootContext *context, const gchar *address)
{
  g_autoptr (GPtrArray) found = find (context, address);

  for (guint i = 0; found != NULL && i < found->len; i++)
    {
      g_autofree gchar *control = g_build_filename (g_ptr_array_index (found, i), "ctl", NULL);
      const int fd = open (control, O_WRONLY | O_CLOEXEC);

      if (fd < 0 || write (fd, EXPIRE, strlen (EXPIRE)) < 0)
        g_debug ("%s: %s", control, g_strerror (errno));
      if (fd >= 0)
        close (fd);
    }
}
