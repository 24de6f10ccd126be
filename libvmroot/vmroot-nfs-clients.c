/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <string.h>

#include <gio/gio.h>

#include "vmroot-nfs-clients-private.h"

#define CLIENTS "/proc/fs/nfsd/clients"
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

VmrootTransportUse
vmroot_nfs_clients_has (VmrootContext *context, const gchar *address)
{
  g_autoptr (GInetAddress) wanted = g_inet_address_new_from_string (address);
  g_autofree gchar *path = vmroot_context_path (context, CLIENTS);
  g_autoptr (GDir) clients = g_dir_open (path, 0, NULL);
  const gchar *name;

  if (clients == NULL || wanted == NULL)
    return VMROOT_TRANSPORT_USE_UNKNOWN;

  while ((name = g_dir_read_name (clients)) != NULL)
    {
      g_autofree gchar *file = g_build_filename (path, name, "info", NULL);
      g_autofree gchar *info = NULL;
      g_autoptr (GInetAddress) known = NULL;

      if (!g_file_get_contents (file, &info, NULL, NULL))
        continue;
      known = get_address (info);
      if (known != NULL && g_inet_address_equal (known, wanted))
        return VMROOT_TRANSPORT_USE_SOME;
    }

  return VMROOT_TRANSPORT_USE_NONE;
}
