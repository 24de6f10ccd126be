/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <string.h>

#include "vmroot-domain-interface-private.h"
#include "vmroot-domain-private.h"
#include "vmroot-error.h"
#include "vmroot-nfs-mount-private.h"
#include "vmroot-translation-private.h"

static gboolean
has_mac_address (xmlNode *interface, const gchar *mac_address)
{
  xmlNode *mac = vmroot_node_child (interface, "mac", 0);
  g_autofree gchar *address = mac != NULL ? vmroot_node_get_attribute (mac, "address") : NULL;

  return address != NULL && g_ascii_strcasecmp (address, mac_address) == 0;
}

xmlNode *
vmroot_interface_find (xmlNode *domain, const gchar *mac_address)
{
  xmlNode *devices = vmroot_node_child (domain, "devices", 0);

  for (xmlNode *node = devices != NULL ? devices->children : NULL; node != NULL; node = node->next)
    if (vmroot_node_is (node, "interface") && has_mac_address (node, mac_address))
      return node;
  return NULL;
}

/* Only vmroot's initramfs is known to have no driver but virtio's. */
static gboolean
check_model (xmlNode *interface, VmrootSpec *spec, GError **error)
{
  xmlNode *model = vmroot_node_child (interface, "model", 0);

  if (vmroot_spec_get_boot_source (spec) == VMROOT_BOOT_SOURCE_GUEST ||
      (model != NULL && vmroot_node_attribute_is (model, "type", "virtio")))
    return TRUE;

  g_set_error (
      error, VMROOT_ERROR, VMROOT_ERROR_INVALID_SPEC,
      _ ("The interface %s, over which the guest is to reach its root, is not of the model "
         "virtio: make it that"),
      vmroot_spec_get_mac_address (spec));
  return FALSE;
}

/* A filter of somebody else may let the guest take any address, and what is exported to one guest
 * would be open to another. */
static gboolean
check_filter (xmlNode *interface, VmrootSpec *spec, GError **error)
{
  xmlNode *filter = vmroot_node_child (interface, "filterref", 0);
  g_autofree gchar *name = NULL;

  if (filter == NULL)
    return TRUE;

  name = vmroot_node_get_attribute (filter, "filter");
  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_SPEC,
               _ ("The interface %s has the network filter “%s” already, where vmroot has to put "
                  "its own, which binds the guest to its address: take that filter out, or give "
                  "the root another interface"),
               vmroot_spec_get_mac_address (spec), name != NULL ? name : "");
  return FALSE;
}

/* For guests of another kind, libvirt has no filters (virDomainNetDefValidate()). */
static gboolean
check_type (xmlNode *interface, VmrootSpec *spec, GError **error)
{
  const gchar *const types[] = { "network", "bridge", "ethernet", NULL };
  g_autofree gchar *type = vmroot_node_get_attribute (interface, "type");

  if (type != NULL && g_strv_contains (types, type))
    return TRUE;

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_SPEC,
               _ ("The interface %s is of the type “%s”, whose guests libvirt cannot hold to an "
                  "address: give the guest one that is on a libvirt network or a bridge"),
               vmroot_spec_get_mac_address (spec), type != NULL ? type : "");
  return FALSE;
}

/* Of a bridge, its name does not tell which network it belongs to. */
static gboolean
check_network (xmlNode *interface, VmrootSpec *spec, GError **error)
{
  xmlNode *source = vmroot_node_child (interface, "source", 0);
  g_autofree gchar *network = source != NULL ? vmroot_node_get_attribute (source, "network") : NULL;
  const gchar *wanted = vmroot_spec_get_network (spec);

  if (network == NULL || wanted == NULL || g_str_equal (network, wanted))
    return TRUE;

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_SPEC,
               _ ("The interface %s is on the network %s, not on %s: name that network, or another "
                  "interface"),
               vmroot_spec_get_mac_address (spec), network, wanted);
  return FALSE;
}

/* An initramfs of the tree's own learns all of it from the kernel's command line, where a space
 * ends an argument and a comma the path, and addresses are those of IPv4
 * (Documentation/admin-guide/nfs/nfsroot.rst). */
static gboolean
check_boot_source (VmrootSpec *spec, GError **error)
{
  const gchar *directory = vmroot_spec_get_directory (spec);

  if (vmroot_spec_get_boot_source (spec) != VMROOT_BOOT_SOURCE_GUEST)
    return TRUE;
  if (vmroot_nfs_mount_is_ipv6 (spec))
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_SPEC,
                   _ ("The guest's own initramfs cannot be told of %s, an address of IPv6: boot "
                      "that of vmroot, or choose an address of IPv4"),
                   vmroot_spec_get_address (spec));
      return FALSE;
    }
  if (strpbrk (directory, " \"") == NULL)
    return TRUE;

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_DIRECTORY,
               _ ("The directory “%s” has a space or a quotation mark in its path, which the "
                  "guest's own initramfs cannot be told: rename it, or boot that of vmroot"),
               directory);
  return FALSE;
}

static gboolean
check_server (VmrootSpec *spec, GError **error)
{
  VmrootIpAddress client;
  VmrootIpAddress server;
  guint prefix;

  if (vmroot_spec_get_gateway (spec) != NULL ||
      (vmroot_nfs_mount_get_client (spec, &client, &prefix) &&
       vmroot_ip_address_parse (vmroot_spec_get_server (spec), &server) &&
       vmroot_ip_address_same_network (&client, &server, prefix)))
    return TRUE;

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_SPEC,
               _ ("The server %s is not on the network of the guest, %s, and the guest has no "
                  "router: give it one with --gateway, or a server on its network"),
               vmroot_spec_get_server (spec), vmroot_spec_get_address (spec));
  return FALSE;
}

gboolean
vmroot_interface_check (xmlNode *domain, VmrootMetadata *metadata, GError **error)
{
  VmrootSpec *spec = metadata->spec;
  const gchar *mac_address = vmroot_spec_get_mac_address (spec);
  xmlNode *interface;

  if (!vmroot_nfs_mount_is_described (spec))
    {
      g_set_error_literal (
          error, VMROOT_ERROR, VMROOT_ERROR_INVALID_SPEC,
          _ ("A root by NFS needs the guest's MAC address, its address with the length of the "
             "network's prefix (192.168.122.5/24), and the address of the server: give them, or "
             "use a connection to libvirt, where vmroot can reserve an address"));
      return FALSE;
    }

  interface = vmroot_interface_find (domain, mac_address);
  if (interface == NULL && vmroot_spec_get_network (spec) == NULL)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_SPEC,
                   _ ("The domain has no interface with the MAC address %s: add one, or name the "
                      "network on which vmroot shall"),
                   mac_address);
      return FALSE;
    }

  return check_server (spec, error) && check_boot_source (spec, error) &&
         (interface == NULL ||
          (check_type (interface, spec, error) && check_network (interface, spec, error) &&
           check_model (interface, spec, error) && check_filter (interface, spec, error)));
}

static VmrootChange *
add_change (VmrootMetadata *metadata, const gchar *element)
{
  VmrootChange *change = vmroot_change_new (element);

  change->target = g_strdup (vmroot_spec_get_mac_address (metadata->spec));
  change->added = TRUE;
  g_ptr_array_add (metadata->changes, change);
  return change;
}

static xmlNode *
insert_with_attribute (xmlNode *parent,
                       const gchar *name,
                       const gchar *attribute,
                       const gchar *value)
{
  xmlNode *node = vmroot_node_insert (parent, NULL, name, NULL);

  vmroot_node_set_attribute (node, attribute, value);
  return node;
}

static xmlNode *
insert_interface (xmlNode *devices, VmrootMetadata *metadata)
{
  VmrootChange *change = add_change (metadata, "devices/interface");
  xmlNode *interface = vmroot_node_insert (devices, NULL, "interface", &change->space);

  vmroot_node_set_attribute (interface, "type", "network");
  insert_with_attribute (interface, "mac", "address", vmroot_spec_get_mac_address (metadata->spec));
  insert_with_attribute (interface, "source", "network", vmroot_spec_get_network (metadata->spec));
  insert_with_attribute (interface, "model", "type", "virtio");
  return interface;
}

static void
add_parameter (xmlNode *filter, const gchar *name, const VmrootIpAddress *address)
{
  g_autofree gchar *value = vmroot_ip_address_to_string (address);
  xmlNode *parameter = insert_with_attribute (filter, "parameter", "name", name);

  vmroot_node_set_attribute (parameter, "value", value);
}

/* Without parameters, libvirt takes the first address that the guest uses, whosever it is
 * (formatnwfilter.html). With IPv6, every interface has a second address, by which it finds its
 * neighbours. */
static void
insert_filter (xmlNode *interface, VmrootSpec *spec, VmrootSpace *space)
{
  xmlNode *filter = vmroot_node_insert (interface, NULL, "filterref", space);
  VmrootIpAddress client = { 0 };
  VmrootIpAddress link_local;
  guint prefix;

  vmroot_node_set_attribute (
      filter, "filter", vmroot_nfs_mount_is_ipv6 (spec) ? VMROOT_IPV6_FILTER : VMROOT_IPV4_FILTER);
  if (!vmroot_nfs_mount_get_client (spec, &client, &prefix))
    return;
  if (!vmroot_ip_address_is_ipv6 (&client))
    {
      add_parameter (filter, "IP", &client);
      return;
    }

  vmroot_ip_address_parse ("fe80::", &link_local);
  link_local = vmroot_ip_address_for_mac (&link_local, vmroot_spec_get_mac_address (spec));
  add_parameter (filter, "IPV6", &client);
  add_parameter (filter, "IPV6", &link_local);
}

void
vmroot_interface_apply (xmlNode *domain, xmlNode *devices, VmrootMetadata *metadata)
{
  xmlNode *interface = vmroot_interface_find (domain, vmroot_spec_get_mac_address (metadata->spec));

  if (interface == NULL)
    insert_filter (insert_interface (devices, metadata), metadata->spec, NULL);
  else
    insert_filter (interface, metadata->spec,
                   &add_change (metadata, "devices/interface/filterref")->space);
}
