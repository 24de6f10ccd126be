/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <string.h>

#include "vmroot-nfs-mount-private.h"

gboolean
vmroot_nfs_mount_is_described (VmrootSpec *spec)
{
  const gchar *address = vmroot_spec_get_address (spec);

  return vmroot_spec_get_mac_address (spec) != NULL && address != NULL &&
         strchr (address, '/') != NULL && vmroot_spec_get_server (spec) != NULL;
}

gboolean
vmroot_nfs_mount_is_ipv6 (VmrootSpec *spec)
{
  const gchar *addresses[] = { vmroot_spec_get_address (spec), vmroot_spec_get_server (spec),
                               vmroot_spec_get_gateway (spec) };

  for (guint i = 0; i < G_N_ELEMENTS (addresses); i++)
    if (addresses[i] != NULL && strchr (addresses[i], ':') != NULL)
      return TRUE;
  return FALSE;
}

/* As the NFS server's table of exports has it, whatever the user wrote. */
static gchar *
get_server (VmrootSpec *spec)
{
  const gchar *text = vmroot_spec_get_server (spec);
  VmrootIpAddress server;

  return vmroot_ip_address_parse (text, &server) ? vmroot_ip_address_to_string (&server)
                                                 : g_strdup (text);
}

gchar *
vmroot_nfs_mount_source (VmrootSpec *spec, const gchar *path)
{
  g_autofree gchar *server = get_server (spec);

  return g_strdup_printf (vmroot_nfs_mount_is_ipv6 (spec) ? "[%s]:%s" : "%s:%s", server, path);
}

gboolean
vmroot_nfs_mount_get_client (VmrootSpec *spec, VmrootIpAddress *client, guint *prefix)
{
  const gchar *address = vmroot_spec_get_address (spec);

  return address != NULL && vmroot_ip_address_parse_interface (address, client, prefix);
}

gchar *
vmroot_nfs_mount_client (VmrootSpec *spec)
{
  VmrootIpAddress client;
  guint prefix;

  return vmroot_nfs_mount_get_client (spec, &client, &prefix)
             ? vmroot_ip_address_to_string (&client)
             : g_strdup ("");
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
 * addr and clientaddr for others; here there is nobody but the kernel. What is not here brought
 * nothing when it was measured (docs/measured.md): rsize and wsize, for which the two sides agree
 * on the server's largest, and nconnect. */
gchar *
vmroot_nfs_mount_options (VmrootSpec *spec, gboolean read_only)
{
  g_autofree gchar *server = get_server (spec);
  g_autofree gchar *client = vmroot_nfs_mount_client (spec);

  return g_strdup_printf ("%s,relatime,vers=4.2,proto=%s,hard,sec=sys,%s,addr=%s,clientaddr=%s",
                          read_only ? "ro" : "rw", vmroot_nfs_mount_is_ipv6 (spec) ? "tcp6" : "tcp",
                          caching (spec), server, client);
}

/* "255.255.255.0" */
static gchar *
make_netmask (VmrootSpec *spec)
{
  VmrootIpAddress client;
  guint prefix;
  guint32 mask;

  if (!vmroot_nfs_mount_get_client (spec, &client, &prefix) || prefix == 0 || prefix > 32)
    return g_strdup ("");

  mask = ~0U << (32 - prefix);
  return g_strdup_printf ("%u.%u.%u.%u", mask >> 24, mask >> 16 & 255, mask >> 8 & 255, mask & 255);
}

/* As PXELINUX tells of the card that it booted from: "01-52-54-00-12-34-56". */
static gchar *
make_boot_interface (VmrootSpec *spec)
{
  g_autofree gchar *mac_address = g_ascii_strdown (vmroot_spec_get_mac_address (spec), -1);

  return g_strconcat ("01-", g_strdelimit (mac_address, ":", '-'), NULL);
}

/* vmroot-init has it all from its configuration. What else may boot the guest knows the kernel's
 * own words (Documentation/admin-guide/nfs/nfsroot.rst), all of them: dracut(7),
 * initramfs-tools(7), mkinitcpio and a kernel with CONFIG_ROOT_NFS; which of them can mount
 * NFS 4.2, vmroot check says.
 *
 * The second field of ip= is left empty, as nfsroot= names the server: to dracut it is the other
 * end of a point-to-point link. BOOTIF says to which card ip= belongs where there are several; the
 * kernel alone does not know it, and hands it on to init.
 *
 * The kernel's own words know no IPv6: see vmroot-domain-interface.c. */
gchar *
vmroot_nfs_mount_kernel_args (VmrootSpec *spec)
{
  const gchar *server = vmroot_spec_get_server (spec);
  const gchar *gateway = vmroot_spec_get_gateway (spec);
  g_autofree gchar *client = vmroot_nfs_mount_client (spec);
  g_autofree gchar *netmask = make_netmask (spec);
  g_autofree gchar *interface = make_boot_interface (spec);

  if (vmroot_spec_get_boot_source (spec) == VMROOT_BOOT_SOURCE_VMROOT)
    return g_strdup ("root=/dev/nfs");

  return g_strdup_printf ("root=/dev/nfs nfsroot=%s:%s,vers=4.2,proto=tcp,%s ip=%s::%s:%s:::none "
                          "BOOTIF=%s",
                          server, vmroot_spec_get_directory (spec), caching (spec), client,
                          gateway != NULL ? gateway : "", netmask, interface);
}
