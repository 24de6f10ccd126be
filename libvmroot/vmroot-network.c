/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <arpa/inet.h>
#include <string.h>

#include "vmroot-domain-document-private.h"
#include "vmroot-error.h"
#include "vmroot-network-private.h"

/* How many addresses of a network are looked at for a free one. */
#define MAX_TRIES 65536

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
  g_array_unref (self->ranges);
  g_ptr_array_unref (self->reservations);
  g_free (self);
}

gboolean
vmroot_network_parse_address (const gchar *text, guint32 *address)
{
  struct in_addr in;

  if (inet_pton (AF_INET, text, &in) != 1)
    return FALSE;

  *address = ntohl (in.s_addr);
  return TRUE;
}

gchar *
vmroot_network_format_address (guint32 address)
{
  return g_strdup_printf ("%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255,
                          address & 255);
}

static guint32
get_mask (const VmrootNetwork *self)
{
  return self->prefix == 0 ? 0 : ~0U << (32 - self->prefix);
}

/* The attribute `name` of `node`, as an address. */
static gboolean
get_address (xmlNode *node, const gchar *name, guint32 *address)
{
  g_autofree gchar *text = vmroot_node_get_attribute (node, name);

  return text != NULL && vmroot_network_parse_address (text, address);
}

/* libvirt has either, and takes the old classes where there is neither
 * (virNetworkIPDefPrefix()). */
static gboolean
get_prefix (xmlNode *ip, guint32 address, guint *prefix)
{
  g_autofree gchar *text = vmroot_node_get_attribute (ip, "prefix");
  guint32 mask;
  guint64 number;

  if (text != NULL && g_ascii_string_to_unsigned (text, 10, 1, 30, &number, NULL))
    {
      *prefix = (guint)number;
      return TRUE;
    }
  if (text != NULL)
    return FALSE;
  if (!get_address (ip, "netmask", &mask))
    mask = address >> 31 == 0 ? 0xff000000 : address >> 30 == 2 ? 0xffff0000 : 0xffffff00;

  *prefix = mask == 0 ? 0 : (guint)(32 - __builtin_ctz (mask));
  return *prefix > 0 && *prefix <= 30 && mask == ~0U << (32 - *prefix);
}

static void
read_dhcp (VmrootNetwork *self, xmlNode *dhcp)
{
  for (xmlNode *node = dhcp->children; node != NULL; node = node->next)
    {
      VmrootAddressRange range;
      guint32 address;

      if (vmroot_node_is (node, "range") && get_address (node, "start", &range.first) &&
          get_address (node, "end", &range.last))
        {
          g_array_append_val (self->ranges, range);
        }
      else if (vmroot_node_is (node, "host") && get_address (node, "ip", &address))
        {
          VmrootReservation *reservation = g_new0 (VmrootReservation, 1);

          reservation->mac_address = vmroot_node_get_attribute (node, "mac");
          reservation->address = address;
          g_ptr_array_add (self->reservations, reservation);
        }
    }
  self->has_dhcp = TRUE;
}

/* The first <ip> of IPv4: libvirt gives DHCP to at most one of them. One with DHCP is preferred. */
static gboolean
read_ip (VmrootNetwork *self, xmlNode *root)
{
  gboolean found = FALSE;

  for (xmlNode *node = root->children; node != NULL && !self->has_dhcp; node = node->next)
    {
      xmlNode *dhcp = vmroot_node_is (node, "ip") ? vmroot_node_child (node, "dhcp", 0) : NULL;
      guint32 address;
      guint prefix;

      if (!vmroot_node_is (node, "ip") || !get_address (node, "address", &address) ||
          !get_prefix (node, address, &prefix) || (found && dhcp == NULL))
        continue;
      self->address = address;
      self->prefix = prefix;
      found = TRUE;
      if (dhcp != NULL)
        read_dhcp (self, dhcp);
    }

  return found;
}

VmrootNetwork *
vmroot_network_new_from_xml (const gchar *xml, GError **error)
{
  g_autoptr (VmrootDocument) document = vmroot_document_parse (xml, strlen (xml), "UTF-8", error);
  g_autoptr (VmrootNetwork) self = NULL;
  xmlNode *root;

  if (document == NULL)
    return NULL;

  root = vmroot_document_root (document);
  self = g_new0 (VmrootNetwork, 1);
  self->ranges = g_array_new (FALSE, FALSE, sizeof (VmrootAddressRange));
  self->reservations = g_ptr_array_new_with_free_func ((GDestroyNotify)reservation_free);
  self->name = vmroot_node_get_text (vmroot_node_child (root, "name", 0));
  self->isolated = vmroot_node_child (root, "forward", 0) == NULL;
  if (read_ip (self, root))
    return g_steal_pointer (&self);

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_ADDRESS,
               "This host has no IPv4 address on the network %s, and so does not know who else is "
               "on it: give the address of the guest and that of the server",
               self->name != NULL ? self->name : "");
  return NULL;
}

static gboolean
is_same_mac (const gchar *a, const gchar *b)
{
  return a != NULL && b != NULL && g_ascii_strcasecmp (a, b) == 0;
}

gboolean
vmroot_network_has_reservation (VmrootNetwork *self, const gchar *mac_address, guint32 address)
{
  for (guint i = 0; i < self->reservations->len; i++)
    {
      const VmrootReservation *reservation = g_ptr_array_index (self->reservations, i);

      if (reservation->address == address && is_same_mac (reservation->mac_address, mac_address))
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

/* Neither the first address, which is the network, nor the last, which is everybody. */
static gboolean
is_host_address (const VmrootNetwork *self, guint32 address)
{
  const guint32 mask = get_mask (self);

  return (address & mask) == (self->address & mask) && (address & ~mask) != 0 &&
         (address & ~mask) != ~mask && address != self->address;
}

static gboolean
is_given_away (const VmrootNetwork *self, guint32 address)
{
  for (guint i = 0; i < self->ranges->len; i++)
    {
      const VmrootAddressRange *range = &g_array_index (self->ranges, VmrootAddressRange, i);

      if (address >= range->first && address <= range->last)
        return TRUE;
    }

  return FALSE;
}

static gboolean
is_free (VmrootNetwork *self, const gchar *mac_address, GHashTable *taken, guint32 address)
{
  if (!is_host_address (self, address) || g_hash_table_contains (taken, GUINT_TO_POINTER (address)))
    return FALSE;

  for (guint i = 0; i < self->reservations->len; i++)
    {
      const VmrootReservation *reservation = g_ptr_array_index (self->reservations, i);

      if (reservation->address == address && !is_same_mac (reservation->mac_address, mac_address))
        return FALSE;
    }

  return TRUE;
}

static gboolean
check_wanted (VmrootNetwork *self,
              const gchar *mac_address,
              const gchar *wanted,
              GHashTable *taken,
              guint32 *address,
              GError **error)
{
  const VmrootReservation *reservation = find_reservation (self, mac_address);
  g_autofree gchar *host = vmroot_network_format_address (self->address);

  if (!vmroot_network_parse_address (wanted, address) || !is_host_address (self, *address))
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_ADDRESS,
                   "%s is not an address that a guest can have on the network %s (%s/%u)", wanted,
                   self->name, host, self->prefix);
      return FALSE;
    }
  if (!is_free (self, mac_address, taken, *address))
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_ADDRESS,
                   "The address %s is in use or reserved on the network %s: choose another, or "
                   "none, and one is chosen",
                   wanted, self->name);
      return FALSE;
    }
  if (reservation != NULL && reservation->address != *address)
    {
      g_autofree gchar *reserved = vmroot_network_format_address (reservation->address);

      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_ADDRESS,
                   "The network %s has the address %s reserved for %s already: use that, or take "
                   "the reservation out",
                   self->name, reserved, mac_address);
      return FALSE;
    }

  return TRUE;
}

/* From the top: networks begin with what people gave out by hand. */
static gboolean
find_free (VmrootNetwork *self,
           const gchar *mac_address,
           GHashTable *taken,
           gboolean given_away,
           guint32 *address)
{
  const guint32 mask = get_mask (self);
  const guint32 network = self->address & mask;
  const guint32 last = ~mask - 1;

  for (guint32 i = last; i > 0 && i + MAX_TRIES > last; i--)
    {
      *address = network | i;
      if (is_given_away (self, *address) == given_away &&
          is_free (self, mac_address, taken, *address))
        return TRUE;
    }

  return FALSE;
}

gboolean
vmroot_network_choose (VmrootNetwork *self,
                       const gchar *mac_address,
                       const gchar *wanted,
                       GHashTable *taken,
                       guint32 *address,
                       GError **error)
{
  const VmrootReservation *reservation = find_reservation (self, mac_address);

  if (wanted != NULL)
    return check_wanted (self, mac_address, wanted, taken, address, error);
  if (reservation != NULL && is_free (self, mac_address, taken, reservation->address))
    {
      *address = reservation->address;
      return TRUE;
    }
  if (reservation == NULL && (find_free (self, mac_address, taken, FALSE, address) ||
                              find_free (self, mac_address, taken, TRUE, address)))
    return TRUE;

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_ADDRESS, "The network %s has no free address%s",
               self->name,
               reservation != NULL ? " for this guest: what is reserved for it is used "
                                     "by another"
                                   : "");
  return FALSE;
}

gchar *
vmroot_network_format_reservation (const gchar *mac_address, guint32 address)
{
  g_autofree gchar *text = vmroot_network_format_address (address);

  return g_strdup_printf ("<host mac='%s' ip='%s'/>", mac_address, text);
}
