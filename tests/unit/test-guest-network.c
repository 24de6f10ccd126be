/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib.h>
#include <string.h>

#include "vmroot-guest-network-private.h"

#define NETWORKD "systemd/network/00-vmroot.network"

static VmrootSpec *
new_spec (void)
{
  VmrootSpec *spec = vmroot_spec_new ("/export/guest");

  g_object_set (spec, "transport", VMROOT_TRANSPORT_NFS, "network", "default", "address",
                "192.168.122.5/24", "mac-address", "52:54:00:12:34:56", "server", "192.168.122.1",
                "gateway", "192.168.122.2", NULL);
  return spec;
}

static void
test_files (void)
{
  g_autoptr (VmrootSpec) spec = new_spec ();

  vmroot_guest_network_add_run_files (spec);

  g_assert_cmpstr (vmroot_spec_get_run_file (spec, NETWORKD), ==,
                   "# Written by vmroot: this interface carries the root file system.\n"
                   "[Match]\nMACAddress=52:54:00:12:34:56\n\n"
                   "[Network]\nAddress=192.168.122.5/24\nKeepConfiguration=yes\nDHCP=no\n"
                   "Gateway=192.168.122.2\nDNS=192.168.122.1\n");
  g_assert_cmpstr (vmroot_spec_get_run_file (spec, "NetworkManager/conf.d/00-vmroot.conf"), ==,
                   "# Written by vmroot: this interface carries the root file system.\n"
                   "[device-vmroot]\nmatch-device=mac:52:54:00:12:34:56\nmanaged=0\n");
  g_assert_nonnull (strstr (vmroot_spec_get_run_file (spec, "systemd/network/00-vmroot.link"),
                            "MACAddress=52:54:00:12:34:56\n\n[Link]\nNamePolicy=keep\n"));
}

static void
test_interface_files (void)
{
  g_autoptr (VmrootSpec) spec = new_spec ();
  const VmrootInterfaceFile *file = vmroot_guest_network_list_interface_files (spec);

  /* There, they would make sd_booted() of libsystemd take systemd for the init of any guest. */
  for (guint i = 0; file[i].path != NULL; i++)
    g_assert_false (g_str_has_prefix (file[i].path, "systemd/system/"));

  g_assert_cmpstr (file->path, ==, "network/ifstate.@interface@");
  while (file->path != NULL &&
         !g_str_has_prefix (file->path, "systemd/system.attached/dhcpcd.service.d/"))
    file++;
  g_assert_nonnull (file->path);
  g_assert_nonnull (strstr (file->content, " --denyinterfaces @interface@\n"));
}

/* Only the one address, whatever a router advertises. */
static void
test_ipv6 (void)
{
  g_autoptr (VmrootSpec) spec = new_spec ();

  g_object_set (spec, "address", "fd00::5/64", "server", "fd00::1", "gateway", "fe80::1", NULL);
  vmroot_guest_network_add_run_files (spec);

  g_assert_nonnull (strstr (vmroot_spec_get_run_file (spec, NETWORKD),
                            "Address=fd00::5/64\nKeepConfiguration=yes\nDHCP=no\nIPv6AcceptRA=no\n"
                            "Gateway=fe80::1\nDNS=fd00::1\n"));
}

static void
test_foreign_network (void)
{
  g_autoptr (VmrootSpec) spec = new_spec ();
  const gchar *file;

  g_object_set (spec, "network", NULL, "gateway", NULL, NULL);
  vmroot_guest_network_add_run_files (spec);

  file = vmroot_spec_get_run_file (spec, NETWORKD);
  g_assert_null (strstr (file, "Gateway="));
  g_assert_null (strstr (file, "DNS="));
}

static void
test_files_of_the_user_stay (void)
{
  g_autoptr (VmrootSpec) spec = new_spec ();

  vmroot_spec_set_run_file (spec, NETWORKD, "mine");
  vmroot_guest_network_add_run_files (spec);

  g_assert_cmpstr (vmroot_spec_get_run_file (spec, NETWORKD), ==, "mine");
}

static void
test_virtiofs_has_none (void)
{
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/guest");
  g_auto (GStrv) files = NULL;

  vmroot_guest_network_add_run_files (spec);

  files = vmroot_spec_list_run_files (spec);
  g_assert_cmpuint (g_strv_length (files), ==, 0);
  g_assert_null (vmroot_guest_network_list_interface_files (spec)->path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/guest-network/files", test_files);
  g_test_add_func ("/guest-network/ipv6", test_ipv6);
  g_test_add_func ("/guest-network/interface-files", test_interface_files);
  g_test_add_func ("/guest-network/foreign-network", test_foreign_network);
  g_test_add_func ("/guest-network/files-of-the-user", test_files_of_the_user_stay);
  g_test_add_func ("/guest-network/virtiofs", test_virtiofs_has_none);
  return g_test_run ();
}
