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
#include "vmroot-translation-private.h"

#define DEFAULT_NETWORK "default"

/* A network has two descriptions: what runs now, and what it is from its next start on. */
static const struct
{
  guint update; /* virNetworkUpdateFlags */
  guint xml;    /* virNetworkXMLFlags */
} states[] = {
  { VIR_NETWORK_UPDATE_AFFECT_LIVE, 0 },
  { VIR_NETWORK_UPDATE_AFFECT_CONFIG, VIR_NETWORK_XML_INACTIVE },
};

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

/* Looking at it */

static virNetworkPtr
open_network (VmrootConnection *connection, const gchar *name, GError **error)
{
  g_autoptr (virNetwork) network =
      virNetworkLookupByName (vmroot_connection_get_handle (connection), name);

  if (network == NULL)
    {
      vmroot_connection_set_error (error, _ ("Cannot find the network of the guest"));
      return NULL;
    }
  if (virNetworkIsActive (network) != 1)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_ADDRESS,
                   _ ("The network %s is not active: start it with virsh net-start %s"), name,
                   name);
      return NULL;
    }

  return g_steal_pointer (&network);
}

/* xml_flags: virNetworkXMLFlags */
static VmrootNetwork *
read_network (virNetworkPtr network, guint xml_flags, gboolean ipv6, GError **error)
{
  char *xml = virNetworkGetXMLDesc (network, xml_flags);
  g_autofree gchar *copy = g_strdup (xml);

  free (xml);
  if (copy == NULL)
    {
      vmroot_connection_set_error (error, _ ("Cannot read the network of the guest"));
      return NULL;
    }
  return vmroot_network_new_from_xml (copy, ipv6, error);
}

/* IPv6 is for those who ask for it, and where there is nothing else. */
static VmrootNetwork *
describe_network (virNetworkPtr network, VmrootSpec *spec, GError **error)
{
  const gboolean ipv6 = vmroot_nfs_mount_is_ipv6 (spec);
  const gboolean asked = vmroot_spec_get_address (spec) != NULL ||
                         vmroot_spec_get_server (spec) != NULL ||
                         vmroot_spec_get_gateway (spec) != NULL;
  g_autoptr (VmrootNetwork) description = read_network (network, 0, ipv6, error);
  g_autoptr (VmrootNetwork) other = NULL;

  if (description == NULL || description->ip_index >= 0 || asked)
    return g_steal_pointer (&description);

  other = read_network (network, 0, TRUE, error);
  return other != NULL && other->ip_index < 0 ? g_steal_pointer (&description)
                                              : g_steal_pointer (&other);
}

/* taken: see vmroot_network_choose(). */
static void
take (GHashTable *taken, const VmrootIpAddress *address, gchar *owner)
{
  g_hash_table_insert (taken, g_memdup2 (address, sizeof *address), owner);
}

/* What others have from DHCP at the moment. Not every driver can tell. */
static void
add_leases (virNetworkPtr network, const gchar *mac_address, GHashTable *taken)
{
  virNetworkDHCPLeasePtr *leases = NULL;
  const gint n = virNetworkGetDHCPLeases (network, NULL, &leases, 0);

  for (gint i = 0; i < n; i++)
    {
      const gchar *mac = leases[i]->mac != NULL ? leases[i]->mac : "";
      VmrootIpAddress address;

      if (g_ascii_strcasecmp (mac, mac_address) != 0 && leases[i]->ipaddr != NULL &&
          vmroot_ip_address_parse (leases[i]->ipaddr, &address))
        take (taken, &address, g_strdup_printf (_ ("%s, which has it by DHCP"), mac));
      virNetworkDHCPLeaseFree (leases[i]);
    }
  free (leases);
}

static void
add_address_of (VmrootDomain *domain, const gchar *name, GHashTable *taken)
{
  g_autoptr (VmrootSpec) spec = vmroot_domain_get_spec (domain, NULL);
  VmrootIpAddress address;
  guint prefix;

  if (spec != NULL && vmroot_nfs_mount_get_client (spec, &address, &prefix))
    take (taken, &address, g_strdup_printf (_ ("the guest %s"), name));
}

/* Looks at one other guest: its address is taken, and its MAC addresses must not be ours. */
static gboolean
look_at_guest (virDomainPtr other, const gchar *mac_address, GHashTable *taken, GError **error)
{
  const guint flags[] = { VIR_DOMAIN_XML_INACTIVE, 0 };
  const guint n = virDomainIsActive (other) == 1 ? 2 : 1;

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (VmrootDomain) domain = vmroot_connection_read_domain (other, flags[i]);

      if (domain == NULL)
        continue;
      add_address_of (domain, virDomainGetName (other), taken);
      if (!vmroot_domain_has_mac_address (domain, mac_address))
        continue;
      g_set_error (
          error, VMROOT_ERROR, VMROOT_ERROR_NO_ADDRESS,
          _ ("The guest %s has an interface with the MAC address %s, too: give one of them "
             "another"),
          virDomainGetName (other), mac_address);
      return FALSE;
    }

  return TRUE;
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
      vmroot_connection_set_error (error, _ ("Cannot list the guests"));
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

/* Choosing */

/* Where libvirt does not know the addresses: on a bridge that is not its own. */
static gboolean
check_given (VmrootSpec *spec, GHashTable *taken, GError **error)
{
  const gchar *network = vmroot_spec_get_network (spec);
  g_autofree gchar *place = NULL;
  const gchar *owner;
  VmrootIpAddress address;
  guint prefix = 0;

  if (!vmroot_nfs_mount_get_client (spec, &address, &prefix) || prefix == 0 ||
      vmroot_spec_get_server (spec) == NULL)
    {
      place = network != NULL ? g_strdup_printf (_ ("of the network %s"), network)
                              : g_strdup (_ ("on a bridge that is not its own"));
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_ADDRESS,
                   _ ("libvirt does not know the addresses %s, so none can be chosen: give the "
                      "guest's with the length of its network's prefix (--address 192.0.2.7/24), "
                      "and the server's (--server 192.0.2.1)"),
                   place);
      return FALSE;
    }

  owner = g_hash_table_lookup (taken, &address);
  if (owner == NULL)
    return TRUE;
  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_ADDRESS,
               _ ("The address %s is that of %s: choose another"), vmroot_spec_get_address (spec),
               owner);
  return FALSE;
}

static void
fill_in_host (VmrootSpec *spec, const VmrootNetwork *network)
{
  g_autofree gchar *host = vmroot_ip_address_to_string (&network->address);

  if (vmroot_spec_get_server (spec) == NULL)
    vmroot_spec_set_server (spec, host);
  if (vmroot_spec_get_gateway (spec) == NULL && network->forward != NULL)
    vmroot_spec_set_gateway (spec, host);
}

static gboolean
choose_address (VmrootSpec *spec, VmrootNetwork *description, GHashTable *taken, GError **error)
{
  g_autofree gchar *text = NULL;
  g_autofree gchar *with_prefix = NULL;
  VmrootIpAddress wanted;
  VmrootIpAddress address;
  guint prefix;
  const gboolean asked = vmroot_nfs_mount_get_client (spec, &wanted, &prefix);

  if (!vmroot_network_choose (description, vmroot_spec_get_mac_address (spec),
                              asked ? &wanted : NULL, taken, &address, error))
    return FALSE;

  text = vmroot_ip_address_to_string (&address);
  with_prefix = g_strdup_printf ("%s/%u", text, description->prefix);
  vmroot_spec_set_address (spec, with_prefix);
  fill_in_host (spec, description);
  return TRUE;
}

/* The network that is not named: that of the interface which is, or the default one. Where address
 * and server are given, it need not be libvirt's. */
static void
fill_in_network (VmrootSpec *spec, VmrootDomain *domain)
{
  const gchar *mac_address = vmroot_spec_get_mac_address (spec);
  g_autofree gchar *network =
      mac_address != NULL ? vmroot_domain_find_source (domain, mac_address, "network") : NULL;
  g_autofree gchar *bridge =
      mac_address != NULL ? vmroot_domain_find_source (domain, mac_address, "bridge") : NULL;

  if (vmroot_spec_get_network (spec) != NULL)
    return;
  if (network != NULL)
    vmroot_spec_set_network (spec, network);
  else if (bridge == NULL &&
           (vmroot_spec_get_address (spec) == NULL || vmroot_spec_get_server (spec) == NULL))
    vmroot_spec_set_network (spec, DEFAULT_NETWORK);
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

static gboolean
check_network (VmrootSpec *spec, VmrootNetwork *network, VmrootDomain *domain, GError **error)
{
  const gchar *mac_address = vmroot_spec_get_mac_address (spec);
  g_autofree gchar *bridge = vmroot_domain_find_source (domain, mac_address, "bridge");

  if (!vmroot_network_is_bridged (network))
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_ADDRESS,
                   _ ("The guests of the network %s have interfaces of its mode “%s”, which "
                      "libvirt cannot hold to an address: choose a network with a bridge"),
                   network->name, network->forward);
      return FALSE;
    }
  if (bridge != NULL && g_strcmp0 (bridge, network->bridge) != 0)
    {
      g_set_error (
          error, VMROOT_ERROR, VMROOT_ERROR_NO_ADDRESS,
          _ ("The interface %s is on the bridge %s, which is not that of the network %s: name "
             "another interface with --mac-address, or no network, but --address and --server"),
          mac_address, bridge, network->name);
      return FALSE;
    }

  return TRUE;
}

/* Reserving */

static gboolean
update_network (virNetworkPtr network,
                VmrootNetwork *description,
                guint command,
                guint flag,
                VmrootSpec *spec,
                GError **error)
{
  g_autofree gchar *xml = NULL;
  VmrootIpAddress address;
  guint prefix;

  if (!vmroot_nfs_mount_get_client (spec, &address, &prefix))
    return TRUE;

  xml = vmroot_network_format_reservation (vmroot_spec_get_mac_address (spec), &address);
  if (virNetworkUpdate (network, command, VIR_NETWORK_SECTION_IP_DHCP_HOST, description->ip_index,
                        xml, flag) == 0)
    return TRUE;

  vmroot_connection_set_error (error, _ ("Cannot change the addresses that the network reserves"));
  g_prefix_error (error, "%s: ", description->name);
  return FALSE;
}

static gboolean
has_reservation (VmrootNetwork *description, VmrootSpec *spec)
{
  VmrootIpAddress address;
  guint prefix;

  return vmroot_nfs_mount_get_client (spec, &address, &prefix) &&
         vmroot_network_has_reservation (description, vmroot_spec_get_mac_address (spec), &address);
}

static gboolean
has_state (virNetworkPtr network, guint flag)
{
  return flag == VIR_NETWORK_UPDATE_AFFECT_LIVE ? virNetworkIsActive (network) == 1
                                                : virNetworkIsPersistent (network) == 1;
}

/* What the network has, or is to have; NULL for a state that it has not. Before any of it is
 * changed: libvirt's mock driver only ever shows one of them. */
typedef struct
{
  VmrootNetwork *of[G_N_ELEMENTS (states)];
} Descriptions;

static void
descriptions_clear (Descriptions *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    g_clear_pointer (&self->of[i], vmroot_network_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Descriptions, descriptions_clear)

static gboolean
read_descriptions (virNetworkPtr network, gboolean ipv6, Descriptions *descriptions, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    {
      g_autoptr (GError) local_error = NULL;

      if (!has_state (network, states[i].update))
        continue;
      descriptions->of[i] = read_network (network, states[i].xml, ipv6, &local_error);
      /* Drivers that keep a network in one state only, such as libvirt's mock, do not know how to
       * show the other. */
      if (descriptions->of[i] == NULL && (i == 0 || virGetLastErrorCode () != VIR_ERR_INVALID_ARG))
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
    }

  return TRUE;
}

/* In both descriptions, so that neither a restart of libvirt's nor one of the network changes the
 * address. An entry that somebody else made in either of them makes none of them ours: more may be
 * left in the end, but nothing is lost. */
static gboolean
reserve (VmrootAddress *self, virNetworkPtr network, GError **error)
{
  g_auto (Descriptions) descriptions = { { NULL } };
  gboolean others = FALSE;

  if (!read_descriptions (network, vmroot_nfs_mount_is_ipv6 (self->spec), &descriptions, error))
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    {
      VmrootNetwork *description = descriptions.of[i];

      if (description == NULL || !description->has_dhcp)
        continue;
      if (has_reservation (description, self->spec))
        {
          others = TRUE;
          continue;
        }
      /* Before it is tried: of an update that it cannot save, libvirt remembers all the same. */
      self->made |= states[i].update;
      if (!update_network (network, description, VIR_NETWORK_UPDATE_COMMAND_ADD_LAST,
                           states[i].update, self->spec, error))
        return FALSE;
    }

  self->ours = self->made != 0 && !others;
  return TRUE;
}

/* wanted: of virNetworkUpdateFlags, where it is to go. */
static gboolean
take_back (VmrootConnection *connection, VmrootSpec *spec, guint wanted, GError **error)
{
  g_auto (Descriptions) descriptions = { { NULL } };
  g_autoptr (virNetwork) network = virNetworkLookupByName (
      vmroot_connection_get_handle (connection), vmroot_spec_get_network (spec));
  gboolean done = TRUE;

  if (network == NULL)
    return TRUE;
  if (!read_descriptions (network, vmroot_nfs_mount_is_ipv6 (spec), &descriptions, error))
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    if ((wanted & states[i].update) != 0 && descriptions.of[i] != NULL &&
        has_reservation (descriptions.of[i], spec))
      done = update_network (network, descriptions.of[i], VIR_NETWORK_UPDATE_COMMAND_DELETE,
                             states[i].update, spec, done ? error : NULL) &&
             done;

  return done;
}

/* Whether the entry that the network has already is one of ours: for the root that the guest has
 * now. */
static gboolean
was_ours (VmrootDomain *domain, VmrootSpec *spec)
{
  g_autoptr (VmrootSpec) before = vmroot_domain_get_spec (domain, NULL);

  return before != NULL && vmroot_domain_get_address_reserved (domain) &&
         g_strcmp0 (vmroot_spec_get_network (before), vmroot_spec_get_network (spec)) == 0 &&
         g_strcmp0 (vmroot_spec_get_address (before), vmroot_spec_get_address (spec)) == 0 &&
         g_strcmp0 (vmroot_spec_get_mac_address (before), vmroot_spec_get_mac_address (spec)) == 0;
}

static gboolean
reserve_on_network (VmrootAddress *self,
                    VmrootConnection *connection,
                    VmrootDomain *domain,
                    GHashTable *taken,
                    GError **error)
{
  g_autoptr (virNetwork) network =
      open_network (connection, vmroot_spec_get_network (self->spec), error);
  g_autoptr (VmrootNetwork) description = NULL;

  if (network == NULL || (description = describe_network (network, self->spec, error)) == NULL ||
      !check_network (self->spec, description, domain, error))
    return FALSE;
  if (description->ip_index < 0)
    return check_given (self->spec, taken, error);

  add_leases (network, vmroot_spec_get_mac_address (self->spec), taken);
  if (!choose_address (self->spec, description, taken, error) || !reserve (self, network, error))
    return FALSE;
  self->ours = self->ours || was_ours (domain, self->spec);
  return TRUE;
}

static gboolean
reserve_all (VmrootAddress *self,
             VmrootConnection *connection,
             VmrootDomain *domain,
             GError **error)
{
  g_autoptr (GHashTable) taken =
      g_hash_table_new_full (vmroot_ip_address_hash, vmroot_ip_address_equal, g_free, g_free);

  if (!look_at_guests (connection, domain, vmroot_spec_get_mac_address (self->spec), taken, error))
    return FALSE;
  if (vmroot_spec_get_network (self->spec) == NULL
          ? !check_given (self->spec, taken, error)
          : !reserve_on_network (self, connection, domain, taken, error))
    return FALSE;

  return vmroot_filter_ensure (connection, vmroot_nfs_mount_is_ipv6 (self->spec),
                               &self->made_filter, error);
}

VmrootAddress *
vmroot_address_reserve (VmrootConnection *connection,
                        VmrootDomain *domain,
                        VmrootSpec *spec,
                        GError **error)
{
  g_autoptr (VmrootAddress) self = g_new0 (VmrootAddress, 1);
  g_autoptr (GError) undo_error = NULL;

  self->spec = vmroot_spec_copy (spec);
  fill_in_network (self->spec, domain);
  fill_in_mac_address (self->spec, domain);
  if (reserve_all (self, connection, domain, error))
    return g_steal_pointer (&self);

  if (!vmroot_address_undo (connection, self, &undo_error))
    g_prefix_error (error, _ ("%s; and before that: "), undo_error->message);
  return NULL;
}

gboolean
vmroot_address_undo (VmrootConnection *connection, VmrootAddress *self, GError **error)
{
  if (self->made_filter)
    vmroot_filter_remove_unused (connection);

  return self->made == 0 || take_back (connection, self->spec, self->made, error);
}

gboolean
vmroot_address_release (VmrootConnection *connection, VmrootSpec *spec, GError **error)
{
  return vmroot_spec_get_network (spec) == NULL ||
         take_back (connection, spec,
                    VIR_NETWORK_UPDATE_AFFECT_LIVE | VIR_NETWORK_UPDATE_AFFECT_CONFIG, error);
}
