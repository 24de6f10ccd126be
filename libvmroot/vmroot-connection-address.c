/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <string.h>

#include <libvirt/virterror.h>

#include "vmroot-connection-private.h"
#include "vmroot-domain-private.h"
#include "vmroot-error.h"
#include "vmroot-network-private.h"
#include "vmroot-nfs-mount-private.h"
#include "vmroot-spec-private.h"

#define DEFAULT_NETWORK "default"

G_DEFINE_AUTOPTR_CLEANUP_FUNC (virNetwork, virNetworkFree)

void
vmroot_address_free (VmrootAddress *self)
{
  g_object_unref (self->spec);
  g_free (self);
}

/* Of the range that QEMU's guests have (virDomainNetGenerateMAC()). */
static gchar *
make_mac_address (void)
{
  const guint32 random = g_random_int ();

  return g_strdup_printf ("52:54:00:%02x:%02x:%02x", random >> 16 & 255, random >> 8 & 255,
                          random & 255);
}

static virNetworkPtr
open_network (VmrootConnection *connection, const gchar *name, GError **error)
{
  virNetworkPtr network = virNetworkLookupByName (vmroot_connection_get_handle (connection), name);

  if (network == NULL)
    vmroot_connection_set_error (error, "Cannot find the network of the guest");
  return network;
}

static VmrootNetwork *
read_network (virNetworkPtr network, GError **error)
{
  char *xml = virNetworkGetXMLDesc (network, 0);
  g_autofree gchar *copy = g_strdup (xml);

  free (xml);
  if (copy == NULL)
    {
      vmroot_connection_set_error (error, "Cannot read the network of the guest");
      return NULL;
    }
  return vmroot_network_new_from_xml (copy, error);
}

/* What others have from DHCP at the moment. Not every driver can tell. */
static void
add_leases (virNetworkPtr network, const gchar *mac_address, GHashTable *taken)
{
  virNetworkDHCPLeasePtr *leases = NULL;
  const gint n = virNetworkGetDHCPLeases (network, NULL, &leases, 0);

  for (gint i = 0; i < n; i++)
    {
      guint32 address;

      if (g_ascii_strcasecmp (leases[i]->mac != NULL ? leases[i]->mac : "", mac_address) != 0 &&
          leases[i]->ipaddr != NULL && vmroot_network_parse_address (leases[i]->ipaddr, &address))
        g_hash_table_add (taken, GUINT_TO_POINTER (address));
      virNetworkDHCPLeaseFree (leases[i]);
    }
  free (leases);
}

static VmrootDomain *
read_domain (virDomainPtr domain)
{
  char *xml = virDomainGetXMLDesc (domain, VIR_DOMAIN_XML_INACTIVE);
  VmrootDomain *read = xml != NULL ? vmroot_domain_new_from_xml (xml, NULL) : NULL;

  free (xml);
  return read;
}

static void
add_address_of (VmrootDomain *domain, GHashTable *taken)
{
  g_autoptr (VmrootSpec) spec = vmroot_domain_get_spec (domain, NULL);
  g_autofree gchar *client = NULL;
  guint32 address;

  if (spec == NULL || vmroot_spec_get_address (spec) == NULL)
    return;

  client = vmroot_nfs_mount_client (spec);
  if (vmroot_network_parse_address (client, &address))
    g_hash_table_add (taken, GUINT_TO_POINTER (address));
}

/* Looks at one other guest: its address is taken, and its MAC addresses must not be ours. */
static gboolean
look_at_guest (virDomainPtr other, const gchar *mac_address, GHashTable *taken, GError **error)
{
  g_autoptr (VmrootDomain) domain = read_domain (other);

  /* It has gone since it was listed, or is none that could have a root. */
  if (domain == NULL)
    return TRUE;

  add_address_of (domain, taken);
  if (!vmroot_domain_has_mac_address (domain, mac_address))
    return TRUE;

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_ADDRESS,
               "The guest %s has an interface with the MAC address %s, too: give one of them "
               "another",
               virDomainGetName (other), mac_address);
  return FALSE;
}

static gboolean
look_at_guests (VmrootConnection *connection,
                VmrootDomain *domain,
                const gchar *mac_address,
                GHashTable *taken,
                GError **error)
{
  g_autofree gchar *uuid = vmroot_domain_get_uuid (domain);
  virDomainPtr *domains = NULL;
  const gint n = virConnectListAllDomains (vmroot_connection_get_handle (connection), &domains, 0);
  gboolean fine = TRUE;

  if (n < 0)
    {
      vmroot_connection_set_error (error, "Cannot list the guests");
      return FALSE;
    }

  for (gint i = 0; i < n; i++)
    {
      gchar other[VIR_UUID_STRING_BUFLEN] = "";

      virDomainGetUUIDString (domains[i], other);
      if (fine && g_strcmp0 (uuid, other) != 0)
        fine = look_at_guest (domains[i], mac_address, taken, error);
      virDomainFree (domains[i]);
    }
  free (domains);
  return fine;
}

/* `command`: of virNetworkUpdateCommand. Both the running network and its definition, so that
 * neither a restart of libvirt's nor one of the network changes the address. */
static gboolean
update_network (virNetworkPtr network, guint command, VmrootSpec *spec, GError **error)
{
  g_autofree gchar *client = vmroot_nfs_mount_client (spec);
  g_autofree gchar *xml = NULL;
  guint flags = 0;
  guint32 address;

  if (!vmroot_network_parse_address (client, &address))
    return TRUE;

  xml = vmroot_network_format_reservation (vmroot_spec_get_mac_address (spec), address);
  if (virNetworkIsActive (network) == 1)
    flags |= VIR_NETWORK_UPDATE_AFFECT_LIVE;
  if (virNetworkIsPersistent (network) == 1)
    flags |= VIR_NETWORK_UPDATE_AFFECT_CONFIG;
  if (virNetworkUpdate (network, command, VIR_NETWORK_SECTION_IP_DHCP_HOST, -1, xml, flags) == 0)
    return TRUE;

  vmroot_connection_set_error (error, "Cannot change the addresses that the network reserves");
  return FALSE;
}

static gboolean
choose_address (VmrootAddress *self,
                VmrootConnection *connection,
                VmrootDomain *domain,
                virNetworkPtr network,
                VmrootNetwork *description,
                GError **error)
{
  const gchar *mac_address = vmroot_spec_get_mac_address (self->spec);
  const gchar *asked = vmroot_spec_get_address (self->spec);
  g_autofree gchar *wanted = asked != NULL ? vmroot_nfs_mount_client (self->spec) : NULL;
  g_autoptr (GHashTable) taken = g_hash_table_new (NULL, NULL);
  g_autofree gchar *text = NULL;
  g_autofree gchar *with_prefix = NULL;
  guint32 address;

  if (!look_at_guests (connection, domain, mac_address, taken, error))
    return FALSE;
  add_leases (network, mac_address, taken);
  if (!vmroot_network_choose (description, mac_address, wanted, taken, &address, error))
    return FALSE;

  text = vmroot_network_format_address (address);
  with_prefix = g_strdup_printf ("%s/%u", text, description->prefix);
  vmroot_spec_set_address (self->spec, with_prefix);
  self->made =
      description->has_dhcp && !vmroot_network_has_reservation (description, mac_address, address);
  return !self->made ||
         update_network (network, VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, self->spec, error);
}

static void
fill_in_host (VmrootSpec *spec, const VmrootNetwork *network)
{
  g_autofree gchar *host = vmroot_network_format_address (network->address);

  if (vmroot_spec_get_server (spec) == NULL)
    vmroot_spec_set_server (spec, host);
  if (vmroot_spec_get_gateway (spec) == NULL && !network->isolated)
    vmroot_spec_set_gateway (spec, host);
}

static void
fill_in_mac_address (VmrootSpec *spec, VmrootDomain *domain)
{
  g_autofree gchar *found = NULL;
  g_autofree gchar *made = make_mac_address ();

  if (vmroot_spec_get_mac_address (spec) != NULL)
    return;

  found = vmroot_domain_find_mac_address (domain, vmroot_spec_get_network (spec));
  vmroot_spec_set_mac_address (spec, found != NULL ? found : made);
}

/* Whether the entry that the network has already is one of ours: for the root that the guest has
 * now. */
static gboolean
was_ours (VmrootDomain *domain, VmrootSpec *spec)
{
  g_autoptr (VmrootSpec) before = vmroot_domain_get_spec (domain, NULL);

  return before != NULL && vmroot_domain_get_address_reserved (domain) &&
         g_strcmp0 (vmroot_spec_get_address (before), vmroot_spec_get_address (spec)) == 0 &&
         g_strcmp0 (vmroot_spec_get_mac_address (before), vmroot_spec_get_mac_address (spec)) == 0;
}

VmrootAddress *
vmroot_address_reserve (VmrootConnection *connection,
                        VmrootDomain *domain,
                        VmrootSpec *spec,
                        GError **error)
{
  g_autoptr (VmrootAddress) self = g_new0 (VmrootAddress, 1);
  g_autoptr (virNetwork) network = NULL;
  g_autoptr (VmrootNetwork) description = NULL;

  self->spec = vmroot_spec_copy (spec);
  if (vmroot_spec_get_network (spec) == NULL &&
      (vmroot_spec_get_address (spec) == NULL || vmroot_spec_get_server (spec) == NULL))
    vmroot_spec_set_network (self->spec, DEFAULT_NETWORK);
  fill_in_mac_address (self->spec, domain);
  /* A bridge that is not libvirt's, where nobody can be asked. */
  if (vmroot_spec_get_network (self->spec) == NULL)
    return g_steal_pointer (&self);

  network = open_network (connection, vmroot_spec_get_network (self->spec), error);
  if (network == NULL || (description = read_network (network, error)) == NULL)
    return NULL;

  fill_in_host (self->spec, description);
  if (!choose_address (self, connection, domain, network, description, error))
    return NULL;

  self->ours = self->made || was_ours (domain, self->spec);
  return g_steal_pointer (&self);
}

gboolean
vmroot_address_release (VmrootConnection *connection, VmrootSpec *spec, GError **error)
{
  g_autofree gchar *client = vmroot_nfs_mount_client (spec);
  g_autoptr (virNetwork) network = NULL;
  g_autoptr (VmrootNetwork) description = NULL;
  guint32 address;

  if (vmroot_spec_get_network (spec) == NULL || !vmroot_network_parse_address (client, &address))
    return TRUE;

  network = virNetworkLookupByName (vmroot_connection_get_handle (connection),
                                    vmroot_spec_get_network (spec));
  description = network != NULL ? read_network (network, NULL) : NULL;
  if (description == NULL ||
      !vmroot_network_has_reservation (description, vmroot_spec_get_mac_address (spec), address))
    return TRUE;

  return update_network (network, VIR_NETWORK_UPDATE_COMMAND_DELETE, spec, error);
}
