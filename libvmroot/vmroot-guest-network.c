/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "vmroot-guest-network-private.h"
#include "vmroot-nfs-mount-private.h"

#define WHY "# Written by vmroot: this interface carries the root file system.\n"

static void
add_run_file (VmrootSpec *spec, const gchar *path, const gchar *content)
{
  if (vmroot_spec_get_run_file (spec, path) == NULL)
    vmroot_spec_set_run_file (spec, path, content);
}

/*
 * systemd.network(5): the first file by name that matches counts, whatever directory it is in. The
 * same address that is there already is taken over, and KeepConfiguration= leaves it and the routes
 * where they are when networkd stops. With what routers advertise (IPv6), the guest would give
 * itself a second address, and go to the server with that. On libvirt's networks the host answers
 * for names.
 */
static void
add_networkd (VmrootSpec *spec)
{
  g_autoptr (GString) file = g_string_new (WHY "[Match]\n");
  const gchar *gateway = vmroot_spec_get_gateway (spec);

  g_string_append_printf (file,
                          "MACAddress=%s\n\n[Network]\nAddress=%s\nKeepConfiguration=yes\n"
                          "DHCP=no\n%s",
                          vmroot_spec_get_mac_address (spec), vmroot_spec_get_address (spec),
                          vmroot_nfs_mount_is_ipv6 (spec) ? "IPv6AcceptRA=no\n" : "");
  if (gateway != NULL)
    g_string_append_printf (file, "Gateway=%s\n", gateway);
  if (vmroot_spec_get_network (spec) != NULL)
    g_string_append_printf (file, "DNS=%s\n", vmroot_spec_get_server (spec));
  add_run_file (spec, "systemd/network/00-vmroot.network", file->str);
}

/* Debian's ifupdown, dhcpcd and their like know the interface by the name that vmroot-init told
 * them. systemd.link(5): a second name would do as well as that one. */
static void
add_link (VmrootSpec *spec)
{
  g_autofree gchar *file = g_strdup_printf (WHY "[Match]\nMACAddress=%s\n\n[Link]\n"
                                                "NamePolicy=keep\nAlternativeNamesPolicy=\n",
                                            vmroot_spec_get_mac_address (spec));

  add_run_file (spec, "systemd/network/00-vmroot.link", file);
}

/* NetworkManager.conf(5), “device section”. Unlike unmanaged-devices in [keyfile], it replaces no
 * setting of the guest's own. */
static void
add_network_manager (VmrootSpec *spec)
{
  g_autofree gchar *file = g_strdup_printf (WHY "[device-vmroot]\nmatch-device=mac:%s\nmanaged=0\n",
                                            vmroot_spec_get_mac_address (spec));

  add_run_file (spec, "NetworkManager/conf.d/00-vmroot.conf", file);
}

void
vmroot_guest_network_add_run_files (VmrootSpec *spec)
{
  if (vmroot_spec_get_transport (spec) != VMROOT_TRANSPORT_NFS)
    return;

  add_networkd (spec);
  add_link (spec);
  add_network_manager (spec);
}

/* Not /run/systemd/system: where that is, sd_booted() and Debian's service(8) take systemd for the
 * init. */
#define UNITS "systemd/system.attached/"

const VmrootInterfaceFile *
vmroot_guest_network_list_interface_files (VmrootSpec *spec)
{
  static const VmrootInterfaceFile files[] = {
    /* ifupdown: with this file `ifup` takes the interface for configured; as it is not in the list
       in /run/network/ifstate, `ifdown -a` does not take it for its own. */
    { "network/ifstate.@interface@", "@interface@\n" },
    /* An empty unit is a masked one (systemd.unit(5)): what udev starts for an interface that is
       allow-hotplug, and stops, with the interface, before the root is unmounted. */
    { UNITS "ifup@@interface@.service", "" },
    { UNITS "dhcpcd@@interface@.service", "" },
    /* dhcpcd has no other place for its configuration than the tree's /etc. Type, file and options
       are those of Arch, Debian and Fedora. */
    { UNITS "dhcpcd.service.d/00-vmroot.conf",
      WHY "[Service]\nType=forking\nPIDFile=/run/dhcpcd/pid\n"
          "ExecStart=\nExecStart=dhcpcd -q -b --denyinterfaces @interface@\n" },
    { NULL, NULL },
  };
  const guint none = G_N_ELEMENTS (files) - 1;

  return vmroot_spec_get_transport (spec) == VMROOT_TRANSPORT_NFS ? files : files + none;
}
