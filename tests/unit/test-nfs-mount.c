/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib.h>

#include <string.h>

#include "vmroot-nfs-mount-private.h"

static VmrootSpec *
new_spec (const gchar *address, const gchar *server)
{
  VmrootSpec *spec = vmroot_spec_new ("/export/guest");

  g_object_set (spec, "transport", VMROOT_TRANSPORT_NFS, "mac-address", "52:54:00:12:34:56",
                "address", address, "server", server, NULL);
  return spec;
}

static void
test_ipv4 (void)
{
  g_autoptr (VmrootSpec) spec = new_spec ("192.168.122.5/24", "192.168.122.1");
  g_autofree gchar *source = vmroot_nfs_mount_source (spec, "/export/guest");
  g_autofree gchar *options = vmroot_nfs_mount_options (spec, FALSE);
  g_autofree gchar *client = vmroot_nfs_mount_client (spec);

  g_assert_true (vmroot_nfs_mount_is_described (spec));
  g_assert_false (vmroot_nfs_mount_is_ipv6 (spec));
  g_assert_cmpstr (source, ==, "192.168.122.1:/export/guest");
  g_assert_cmpstr (client, ==, "192.168.122.5");
  g_assert_nonnull (strstr (options, ",proto=tcp,"));
  g_assert_nonnull (strstr (options, ",addr=192.168.122.1,clientaddr=192.168.122.5"));
}

/* As the server's table of exports has the addresses. The kernel wants the protocol to be that of
 * the address. */
static void
test_ipv6 (void)
{
  g_autoptr (VmrootSpec) spec = new_spec ("FD00:0::05/64", "fd00:0::1");
  g_autofree gchar *source = vmroot_nfs_mount_source (spec, "/export/guest");
  g_autofree gchar *options = vmroot_nfs_mount_options (spec, TRUE);
  g_autofree gchar *client = vmroot_nfs_mount_client (spec);

  g_assert_true (vmroot_nfs_mount_is_described (spec));
  g_assert_true (vmroot_nfs_mount_is_ipv6 (spec));
  g_assert_cmpstr (source, ==, "[fd00::1]:/export/guest");
  g_assert_cmpstr (client, ==, "fd00::5");
  g_assert_nonnull (strstr (options, ",proto=tcp6,"));
  g_assert_nonnull (strstr (options, ",addr=fd00::1,clientaddr=fd00::5"));
}

static void
test_not_described (void)
{
  g_autoptr (VmrootSpec) no_prefix = new_spec ("fd00::5", "fd00::1");
  g_autoptr (VmrootSpec) no_server = new_spec ("fd00::5/64", NULL);
  g_autoptr (VmrootSpec) no_address = new_spec (NULL, "fd00::1");
  VmrootIpAddress client;
  guint prefix;

  g_assert_false (vmroot_nfs_mount_is_described (no_prefix));
  g_assert_false (vmroot_nfs_mount_is_described (no_server));
  g_assert_false (vmroot_nfs_mount_is_described (no_address));
  g_assert_false (vmroot_nfs_mount_get_client (no_address, &client, &prefix));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/nfs-mount/ipv4", test_ipv4);
  g_test_add_func ("/nfs-mount/ipv6", test_ipv6);
  g_test_add_func ("/nfs-mount/not-described", test_not_described);
  return g_test_run ();
}
