/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <string.h>

#include "vmroot-kernel-config-private.h"

#define MAX_CONFIG_SIZE (2 * 1024 * 1024)

/* Documentation/admin-guide/nfs/nfsroot.rst, and the devices that QEMU's guests have. */
static const gchar *const nfs_root[] = {
  "CONFIG_ROOT_NFS", "CONFIG_IP_PNP",     "CONFIG_NFS_V4",     "CONFIG_NFS_V4_1",
  "CONFIG_NFS_V4_2", "CONFIG_VIRTIO_PCI", "CONFIG_VIRTIO_NET",
};

/* Where distributions and the kernel's own `make install` put it. NULL: nowhere. */
static gchar *
read_config (VmrootTree *tree, VmrootKernel *kernel)
{
  const gchar *version = vmroot_kernel_get_version (kernel);
  g_autofree gchar *boot = g_strconcat ("/boot/config-", version, NULL);
  g_autofree gchar *modules = g_strconcat ("/usr/lib/modules/", version, "/config", NULL);
  gchar *text = vmroot_tree_read_text (tree, boot, MAX_CONFIG_SIZE, NULL);

  return text != NULL ? text : vmroot_tree_read_text (tree, modules, MAX_CONFIG_SIZE, NULL);
}

static gboolean
is_built_in (const gchar *config, const gchar *option)
{
  g_autofree gchar *line = g_strconcat ("\n", option, "=y\n", NULL);

  return strstr (config, line) != NULL;
}

gboolean
vmroot_kernel_config_mounts_nfs (VmrootTree *tree, VmrootKernel *kernel, gchar **missing)
{
  g_autofree gchar *config = read_config (tree, kernel);

  *missing = NULL;
  if (config == NULL)
    {
      *missing = g_strdup_printf ("/boot/config-%s", vmroot_kernel_get_version (kernel));
      return FALSE;
    }

  for (guint i = 0; i < G_N_ELEMENTS (nfs_root); i++)
    if (!is_built_in (config, nfs_root[i]))
      {
        *missing = g_strconcat (nfs_root[i], "=y", NULL);
        return FALSE;
      }
  return TRUE;
}
