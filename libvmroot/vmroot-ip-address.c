/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <arpa/inet.h>
#include <string.h>

#include "vmroot-ip-address-private.h"

gboolean
vmroot_ip_address_parse (const gchar *text, VmrootIpAddress *self)
{
  const gboolean ipv6 = strchr (text, ':') != NULL;

  *self = (VmrootIpAddress){ .size = ipv6 ? 16 : 4 };
  return inet_pton (ipv6 ? AF_INET6 : AF_INET, text, self->bytes) == 1;
}

/* The length of a prefix below which there is more than one host. */
static gboolean
parse_prefix (const gchar *text, const VmrootIpAddress *address, guint *prefix)
{
  guint64 number;

  if (!g_ascii_string_to_unsigned (text, 10, 1, address->size * 8 - 2, &number, NULL))
    return FALSE;

  *prefix = (guint)number;
  return TRUE;
}

gboolean
vmroot_ip_address_parse_interface (const gchar *text, VmrootIpAddress *self, guint *prefix)
{
  g_auto (GStrv) parts = g_strsplit (text, "/", 2);

  *prefix = 0;
  return parts[0] != NULL && vmroot_ip_address_parse (parts[0], self) &&
         (parts[1] == NULL || parse_prefix (parts[1], self, prefix));
}

gboolean
vmroot_ip_address_is_ipv6 (const VmrootIpAddress *self)
{
  return self->size == 16;
}

gchar *
vmroot_ip_address_to_string (const VmrootIpAddress *self)
{
  gchar text[INET6_ADDRSTRLEN] = "";

  inet_ntop (vmroot_ip_address_is_ipv6 (self) ? AF_INET6 : AF_INET, self->bytes, text, sizeof text);
  return g_strdup (text);
}

guint
vmroot_ip_address_hash (gconstpointer self)
{
  guint32 words[4];

  memcpy (words, ((const VmrootIpAddress *)self)->bytes, sizeof words);
  return words[0] ^ words[1] ^ words[2] ^ words[3];
}

gint
vmroot_ip_address_compare (const VmrootIpAddress *a, const VmrootIpAddress *b)
{
  return a->size == b->size ? memcmp (a->bytes, b->bytes, a->size) : (gint)a->size - (gint)b->size;
}

gboolean
vmroot_ip_address_equal (gconstpointer a, gconstpointer b)
{
  return vmroot_ip_address_compare (a, b) == 0;
}

/* The bits of byte `i` that belong to a prefix of this length. */
static guint8
prefix_bits (guint i, guint prefix)
{
  return prefix >= 8 * (i + 1) ? 0xff : prefix <= 8 * i ? 0 : (guint8)(0xff00 >> (prefix - 8 * i));
}

gboolean
vmroot_ip_address_same_network (const VmrootIpAddress *a, const VmrootIpAddress *b, guint prefix)
{
  if (a->size != b->size)
    return FALSE;

  for (guint i = 0; i < a->size; i++)
    if ((a->bytes[i] ^ b->bytes[i]) & prefix_bits (i, prefix))
      return FALSE;
  return TRUE;
}

gboolean
vmroot_ip_address_is_host (const VmrootIpAddress *self, guint prefix)
{
  gboolean zeros = TRUE;
  gboolean ones = TRUE;

  for (guint i = 0; i < self->size; i++)
    {
      const guint8 bits = (guint8)~prefix_bits (i, prefix);

      zeros = zeros && (self->bytes[i] & bits) == 0;
      ones = ones && (self->bytes[i] & bits) == bits;
    }

  return !zeros && (vmroot_ip_address_is_ipv6 (self) || !ones);
}

gboolean
vmroot_ip_address_is_ipv6_link_local (const VmrootIpAddress *self)
{
  struct in6_addr in6;

  memcpy (&in6, self->bytes, sizeof in6);
  return vmroot_ip_address_is_ipv6 (self) && IN6_IS_ADDR_LINKLOCAL (&in6);
}

gboolean
vmroot_ip_address_is_routable (const VmrootIpAddress *self)
{
  struct in6_addr in6;

  /* “This” network, the loopback's, multicast and what is reserved. */
  if (!vmroot_ip_address_is_ipv6 (self))
    return self->bytes[0] != 0 && self->bytes[0] != 127 && self->bytes[0] < 224;

  memcpy (&in6, self->bytes, sizeof in6);
  return !IN6_IS_ADDR_UNSPECIFIED (&in6) && !IN6_IS_ADDR_LOOPBACK (&in6) &&
         !IN6_IS_ADDR_MULTICAST (&in6) && !IN6_IS_ADDR_LINKLOCAL (&in6) &&
         !IN6_IS_ADDR_V4MAPPED (&in6) && !IN6_IS_ADDR_V4COMPAT (&in6);
}

/* The last 128 of IPv6 are reserved for anycast (RFC 2526). */
VmrootIpAddress
vmroot_ip_address_last_host (const VmrootIpAddress *self, guint prefix)
{
  VmrootIpAddress last = *self;

  for (guint i = 0; i < last.size; i++)
    last.bytes[i] |= (guint8)~prefix_bits (i, prefix);
  if (!vmroot_ip_address_is_ipv6 (&last))
    last.bytes[3] &= 0xfe;
  else if (prefix < 121)
    last.bytes[15] = 0x7f;
  return last;
}

void
vmroot_ip_address_decrease (VmrootIpAddress *self)
{
  for (guint i = self->size; i > 0; i--)
    if (self->bytes[i - 1]-- != 0)
      return;
}

VmrootIpAddress
vmroot_ip_address_for_mac (const VmrootIpAddress *self, const gchar *mac_address)
{
  VmrootIpAddress address = *self;
  guint8 *id = address.bytes + 8;
  const guint at[] = { 0, 1, 2, 5, 6, 7 };

  for (guint i = 0; i < G_N_ELEMENTS (at); i++)
    id[at[i]] = (guint8)(g_ascii_xdigit_value (mac_address[3 * i]) << 4 |
                         g_ascii_xdigit_value (mac_address[3 * i + 1]));
  id[0] ^= 2;
  id[3] = 0xff;
  id[4] = 0xfe;
  return address;
}
