/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <string.h>

#include "vmroot-nfs-mount-private.h"

gchar *
vmroot_nfs_mount_source (VmrootSpec *spec, const gchar *path)
{
  return g_strconcat (vmroot_spec_get_server (spec), ":", path, NULL);
}

gchar *
vmroot_nfs_mount_client (VmrootSpec *spec)
{
  const gchar *address = vmroot_spec_get_address (spec);

  return g_strndup (address, strcspn (address, "/"));
}

/* By default nfs(5) keeps attributes for up to a minute. “auto” promises that the host's changes
 * are seen within about a second; where the tree is the guest's alone, there are none to be seen.
 */
static const gchar *
caching (VmrootSpec *spec)
{
  return vmroot_spec_get_cache (spec) == VMROOT_CACHE_ALWAYS ? "nocto,actimeo=3600" : "actimeo=1";
}

/* hard: a root that gives up on its server is a guest that has lost its files. mount.nfs(8) finds
 * addr and clientaddr for others; here there is nobody but the kernel. */
gchar *
vmroot_nfs_mount_options (VmrootSpec *spec, gboolean read_only)
{
  g_autofree gchar *client = vmroot_nfs_mount_client (spec);

  return g_strdup_printf ("%s,relatime,vers=4.2,proto=tcp,hard,sec=sys,%s,addr=%s,clientaddr=%s",
                          read_only ? "ro" : "rw", caching (spec), vmroot_spec_get_server (spec),
                          client);
}
