/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <string.h>

#include "vmroot-domain-document-private.h"
#include "vmroot-error.h"
#include "vmroot-network-private.h"
#include "vmroot-translation-private.h"

/* How many addresses of a network are looked at for a free one. */
#define MAX_TRIES 65536

/* RFC 8415, 11: the type, the kind of hardware, and the address; with the time before that. */
#define DUID_LINK_LAYER_TIME 1
#define DUID_LINK_LAYER 3
#define ETHERNET 1

static void
reservation_free (VmrootReservation *reservation)
{
  g_free (reservation->mac_address);
  g_free (reservation);
}

void
vmroot_network_free (VmrootNetwork *self)
{
  g_free (self->name);
  g_free (self->bridge);
  g_free (self->forward);
  g_array_unref (self->own);
  g_array_unref (self->ranges);
  g_ptr_array_unref (self->reservations);
  g_free (self);
}

/* The attribute `name` of `node`, as an address. */
static gboolean
get_address (xmlNode *node, const gchar *name, VmrootIpAddress *address)
{
  g_autofree gchar *text = vmroot_node_get_attribute (node, name);

  return text != NULL && vmroot_ip_address_parse (text, address);
}

/* The length of the prefix that a netmask stands for; 0: for none. */
static guint
netmask_length (const VmrootIpAddress *netmask)
{
  guint32 mask;

  memcpy (&mask, netmask->bytes, sizeof mask);
  mask = GUINT32_FROM_BE (mask);
  if (mask == 0 || (~mask & (~mask + 1)) != 0)
    return 0;
  return (guint)(32 - __builtin_ctz (mask));
}

/* libvirt has either, and takes the old classes, or all of IPv6, where there is neither
 * (virNetworkIPDefPrefix()). */
static gboolean
get_prefix (xmlNode *ip, const VmrootIpAddress *address, guint *prefix)
{
  g_autofree gchar *text = vmroot_node_get_attribute (ip, "prefix");
  const guint longest = address->size * 8 - 2;
  VmrootIpAddress netmask;
  guint64 number;

  if (text != NULL)
    *prefix = g_ascii_string_to_unsigned (text, 10, 1, longest, &number, NULL) ? (guint)number : 0;
  else if (vmroot_ip_address_is_ipv6 (address))
    *prefix = 64;
  else if (get_address (ip, "netmask", &netmask))
    *prefix = netmask_length (&netmask);
  else
    *prefix = address->bytes[0] < 128 ? 8 : address->bytes[0] < 192 ? 16 : 24;
  return *prefix > 0 && *prefix <= longest;
}

/* The bytes of "0:3:0:1:52:54:0:12:34:56"; NULL: it is nothing like that. */
static GByteArray *
parse_id (const gchar *text)
{
  g_auto (GStrv) parts = g_strsplit (text, ":", -1);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  for (guint i = 0; parts[i] != NULL; i++)
    {
      guint64 number;
      guint8 byte;

      if (!g_ascii_string_to_unsigned (parts[i], 16, 0, 255, &number, NULL))
        return NULL;
      byte = (guint8)number;
      g_byte_array_append (bytes, &byte, 1);
    }

  return g_steal_pointer (&bytes);
}

/* The MAC address in the id of a DHCPv6 client, if it has one. */
static gchar *
mac_address_of_id (const gchar *id)
{
  g_autoptr (GByteArray) bytes = parse_id (id);
  const gsize skipped = bytes == NULL || bytes->len < 4          ? 0
                        : bytes->data[1] == DUID_LINK_LAYER      ? 4
                        : bytes->data[1] == DUID_LINK_LAYER_TIME ? 8
                                                                 : 0;
  const guint8 *mac;

  if (skipped == 0 || bytes->len != skipped + 6 || bytes->data[0] != 0 || bytes->data[2] != 0 ||
      bytes->data[3] != ETHERNET)
    return NULL;

  mac = bytes->data + skipped;
  return g_strdup_printf ("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
                          mac[5]);
}

static void
read_reservation (VmrootNetwork *self, xmlNode *host, const VmrootIpAddress *address)
{
  VmrootReservation *reservation = g_new0 (VmrootReservation, 1);
  g_autofree gchar *id = vmroot_node_get_attribute (host, "id");

  reservation->address = *address;
  if (!vmroot_ip_address_is_ipv6 (address))
    reservation->mac_address = vmroot_node_get_attribute (host, "mac");
  else if (id != NULL)
    reservation->mac_address = mac_address_of_id (id);
  g_ptr_array_add (self->reservations, reservation);
}

static void
read_dhcp (VmrootNetwork *self, xmlNode *dhcp)
{
  for (xmlNode *node = dhcp->children; node != NULL; node = node->next)
    {
      VmrootAddressRange range;
      VmrootIpAddress address;

      if (vmroot_node_is (node, "range") && get_address (node, "start", &range.first) &&
          get_address (node, "end", &range.last))
        g_array_append_val (self->ranges, range);
      else if (vmroot_node_is (node, "host") && get_address (node, "ip", &address))
        read_reservation (self, node, &address);
    }
  self->has_dhcp = TRUE;
}

/* libvirt gives DHCP to at most one <ip> of a kind, which is preferred to those before it. */
static void
read_ip (VmrootNetwork *self, xmlNode *ip, gint index, gboolean ipv6)
{
  xmlNode *dhcp = vmroot_node_child (ip, "dhcp", 0);
  VmrootIpAddress address;
  guint prefix;

  if (!get_address (ip, "address", &address) || vmroot_ip_address_is_ipv6 (&address) != ipv6 ||
      !get_prefix (ip, &address, &prefix))
    return;

  g_array_append_val (self->own, address);
  if (self->ip_index >= 0 && (self->has_dhcp || dhcp == NULL))
    return;
  self->address = address;
  self->prefix = prefix;
  self->ip_index = index;
  if (dhcp != NULL)
    read_dhcp (self, dhcp);
}

static void
read_ips (VmrootNetwork *self, xmlNode *root, gboolean ipv6)
{
  gint index = 0;

  for (xmlNode *node = root->children; node != NULL; node = node->next)
    if (vmroot_node_is (node, "ip"))
      read_ip (self, node, index++, ipv6);
}

static void
read_forward (VmrootNetwork *self, xmlNode *root)
{
  xmlNode *forward = vmroot_node_child (root, "forward", 0);
  xmlNode *bridge = vmroot_node_child (root, "bridge", 0);

  if (bridge != NULL)
    self->bridge = vmroot_node_get_attribute (bridge, "name");
  if (forward == NULL)
    return;
  self->forward = vmroot_node_get_attribute (forward, "mode");
  if (self->forward == NULL)
    self->forward = g_strdup ("nat");
}

VmrootNetwork *
vmroot_network_new_from_xml (const gchar *xml, gboolean ipv6, GError **error)
{
  g_autoptr (VmrootDocument) document = vmroot_document_parse (xml, strlen (xml), "UTF-8", error);
  g_autoptr (VmrootNetwork) self = NULL;
  xmlNode *root;

  if (document == NULL)
    return NULL;

  root = vmroot_document_root (document);
  self = g_new0 (VmrootNetwork, 1);
  self->ip_index = -1;
  self->own = g_array_new (FALSE, FALSE, sizeof (VmrootIpAddress));
  self->ranges = g_array_new (FALSE, FALSE, sizeof (VmrootAddressRange));
  self->reservations = g_ptr_array_new_with_free_func ((GDestroyNotify)reservation_free);
  self->name = vmroot_node_get_text (vmroot_node_child (root, "name", 0));
  read_forward (self, root);
  read_ips (self, root, ipv6);
  return g_steal_pointer (&self);
}

/* Not those whose guests have a physical interface, or a part of one. */
gboolean
vmroot_network_is_bridged (VmrootNetwork *self)
{
  const gchar *const modes[] = { "nat", "route", "open", "bridge", NULL };

  return self->forward == NULL ||
         (g_strv_contains (modes, self->forward) &&
          (self->bridge != NULL || !g_str_equal (self->forward, "bridge")));
}

static gboolean
is_same_mac (const gchar *a, const gchar *b)
{
  return a != NULL && b != NULL && g_ascii_strcasecmp (a, b) == 0;
}

gboolean
vmroot_network_has_reservation (VmrootNetwork *self,
                                const gchar *mac_address,
                                const VmrootIpAddress *address)
{
  for (guint i = 0; i < self->reservations->len; i++)
    {
      const VmrootReservation *reservation = g_ptr_array_index (self->reservations, i);

      if (vmroot_ip_address_equal (&reservation->address, address) &&
          is_same_mac (reservation->mac_address, mac_address))
        return TRUE;
    }

  return FALSE;
}

static const VmrootReservation *
find_reservation (VmrootNetwork *self, const gchar *mac_address)
{
  for (guint i = 0; i < self->reservations->len; i++)
    {
      const VmrootReservation *reservation = g_ptr_array_index (self->reservations, i);

      if (is_same_mac (reservation->mac_address, mac_address))
        return reservation;
    }

  return NULL;
}

static gboolean
is_on_network (const VmrootNetwork *self, const VmrootIpAddress *address)
{
  return vmroot_ip_address_same_network (address, &self->address, self->prefix) &&
         vmroot_ip_address_is_host (address, self->prefix);
}

static gboolean
is_given_away (const VmrootNetwork *self, const VmrootIpAddress *address)
{
  for (guint i = 0; i < self->ranges->len; i++)
    {
      const VmrootAddressRange *range = &g_array_index (self->ranges, VmrootAddressRange, i);

      if (vmroot_ip_address_compare (address, &range->first) >= 0 &&
          vmroot_ip_address_compare (address, &range->last) <= 0)
        return TRUE;
    }

  return FALSE;
}

/* Whose the address is, if it is anybody's but the guest's with `mac_address`. */
static const gchar *
find_owner (VmrootNetwork *self,
            const gchar *mac_address,
            GHashTable *taken,
            const VmrootIpAddress *address)
{
  for (guint i = 0; i < self->own->len; i++)
    if (vmroot_ip_address_equal (address, &g_array_index (self->own, VmrootIpAddress, i)))
      return _ ("this host");

  for (guint i = 0; i < self->reservations->len; i++)
    {
      const VmrootReservation *reservation = g_ptr_array_index (self->reservations, i);

      if (vmroot_ip_address_equal (&reservation->address, address) &&
          !is_same_mac (reservation->mac_address, mac_address))
        return reservation->mac_address != NULL ? reservation->mac_address
                                                : _ ("a reservation of the network");
    }

  return g_hash_table_lookup (taken, address);
}

static gboolean
check_wanted (VmrootNetwork *self,
              const gchar *mac_address,
              const VmrootIpAddress *wanted,
              GHashTable *taken,
              GError **error)
{
  const VmrootReservation *reservation = find_reservation (self, mac_address);
  const gchar *owner = find_owner (self, mac_address, taken, wanted);
  g_autofree gchar *text = vmroot_ip_address_to_string (wanted);
  g_autofree gchar *host = vmroot_ip_address_to_string (&self->address);

  if (!is_on_network (self, wanted))
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_ADDRESS,
                   _ ("%s is not an address that a guest can have on the network %s (%s/%u)"), text,
                   self->name, host, self->prefix);
      return FALSE;
    }
  if (owner != NULL)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_ADDRESS,
                   _ ("The address %s on the network %s is that of %s: choose another, or none, "
                      "and one is chosen"),
                   text, self->name, owner);
      return FALSE;
    }
  if (reservation != NULL && !vmroot_ip_address_equal (&reservation->address, wanted))
    {
      g_autofree gchar *reserved = vmroot_ip_address_to_string (&reservation->address);

      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_ADDRESS,
                   _ ("The network %s has the address %s reserved for %s already: use that, or "
                      "take the reservation out"),
                   self->name, reserved, mac_address);
      return FALSE;
    }

  return TRUE;
}

static gboolean
can_have (VmrootNetwork *self,
          const gchar *mac_address,
          GHashTable *taken,
          gboolean given_away,
          const VmrootIpAddress *address)
{
  return is_on_network (self, address) && is_given_away (self, address) == given_away &&
         find_owner (self, mac_address, taken, address) == NULL;
}

/* From the top: networks begin with what people gave out by hand. In a network of IPv6, the address
 * that the guest would give itself is the first choice: no other guest will come upon it. */
static gboolean
find_free (VmrootNetwork *self,
           const gchar *mac_address,
           GHashTable *taken,
           gboolean given_away,
           VmrootIpAddress *address)
{
  if (vmroot_ip_address_is_ipv6 (&self->address) && self->prefix <= 64)
    {
      *address = vmroot_ip_address_for_mac (&self->address, mac_address);
      if (can_have (self, mac_address, taken, given_away, address))
        return TRUE;
    }

  *address = vmroot_ip_address_last_host (&self->address, self->prefix);
  for (guint i = 0; i < MAX_TRIES && is_on_network (self, address); i++)
    {
      if (can_have (self, mac_address, taken, given_away, address))
        return TRUE;
      vmroot_ip_address_decrease (address);
    }

  return FALSE;
}

gboolean
vmroot_network_choose (VmrootNetwork *self,
                       const gchar *mac_address,
                       const VmrootIpAddress *wanted,
                       GHashTable *taken,
                       VmrootIpAddress *address,
                       GError **error)
{
  const VmrootReservation *reservation = find_reservation (self, mac_address);
  const gchar *owner = NULL;

  if (wanted == NULL && reservation != NULL)
    {
      owner = find_owner (self, mac_address, taken, &reservation->address);
      wanted = owner == NULL ? &reservation->address : NULL;
    }
  if (wanted != NULL)
    {
      *address = *wanted;
      return check_wanted (self, mac_address, wanted, taken, error);
    }
  if (reservation == NULL && (find_free (self, mac_address, taken, FALSE, address) ||
                              find_free (self, mac_address, taken, TRUE, address)))
    return TRUE;

  if (owner != NULL)
    g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_ADDRESS,
                 _ ("The network %s has no free address for this guest: what is reserved for it is "
                    "used by %s"),
                 self->name, owner);
  else
    g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_ADDRESS,
                 _ ("The network %s has no free address"), self->name);
  return FALSE;
}

gchar *
vmroot_network_format_reservation (const gchar *mac_address, const VmrootIpAddress *address)
{
  g_autofree gchar *text = vmroot_ip_address_to_string (address);

  return g_strdup_printf (vmroot_ip_address_is_ipv6 (address)
                              ? "<host id='00:03:00:01:%s' ip='%s'/>"
                              : "<host mac='%s' ip='%s'/>",
                          mac_address, text);
}
