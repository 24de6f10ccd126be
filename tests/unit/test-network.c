/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib.h>

#include "vmroot-error.h"
#include "vmroot-network-private.h"

#define MAC "52:54:00:12:34:56"

/* libvirt's network “default”, but for a smaller range. */
#define NETWORK                                                                                    \
  "<network><name>default</name><forward mode='nat'/><ip family='ipv6' address='fd00::1' "         \
  "prefix='64'/>"                                                                                  \
  "<ip address='192.168.122.1' netmask='255.255.255.0'><dhcp>"                                     \
  "<range start='192.168.122.2' end='192.168.122.250'/>"                                           \
  "<host mac='52:54:00:aa:aa:aa' name='a' ip='192.168.122.254'/>"                                  \
  "</dhcp></ip></network>"

static VmrootNetwork *
parse (const gchar *xml)
{
  g_autoptr (GError) error = NULL;
  VmrootNetwork *network = vmroot_network_new_from_xml (xml, &error);

  g_assert_no_error (error);
  return network;
}

static gchar *
choose (const gchar *xml, const gchar *mac, const gchar *wanted, const gchar *taken, GError **error)
{
  g_autoptr (VmrootNetwork) network = parse (xml);
  g_autoptr (GHashTable) table = g_hash_table_new (NULL, NULL);
  guint32 address;

  if (taken != NULL)
    {
      g_assert_true (vmroot_network_parse_address (taken, &address));
      g_hash_table_add (table, GUINT_TO_POINTER (address));
    }
  return vmroot_network_choose (network, mac, wanted, table, &address, error)
             ? vmroot_network_format_address (address)
             : NULL;
}

static void
test_parse (void)
{
  g_autoptr (VmrootNetwork) network = parse (NETWORK);
  g_autofree gchar *address = vmroot_network_format_address (network->address);

  g_assert_cmpstr (network->name, ==, "default");
  g_assert_cmpstr (address, ==, "192.168.122.1");
  g_assert_cmpuint (network->prefix, ==, 24);
  g_assert_false (network->isolated);
  g_assert_true (network->has_dhcp);
  g_assert_cmpuint (network->ranges->len, ==, 1);
  g_assert_true (vmroot_network_has_reservation (network, "52:54:00:AA:AA:AA", 0xc0a87afe));
}

static void
test_isolated (void)
{
  g_autoptr (VmrootNetwork) network =
      parse ("<network><name>a</name><ip address='10.0.0.1' prefix='8'/></network>");

  g_assert_true (network->isolated);
  g_assert_false (network->has_dhcp);
  g_assert_cmpuint (network->prefix, ==, 8);
}

static void
test_no_address (void)
{
  const gchar *cases[] = {
    "<network><name>a</name><forward mode='bridge'/><bridge name='br0'/></network>",
    "<network><name>a</name><ip family='ipv6' address='fd00::1' prefix='64'/></network>",
    "<network><name>a</name><ip address='10.0.0.1' prefix='33'/></network>",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (vmroot_network_new_from_xml (cases[i], &error));
      g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_ADDRESS);
    }
}

static void
test_choose (void)
{
  const struct
  {
    const gchar *mac;
    const gchar *wanted;
    const gchar *taken;
    const gchar *address;
  } cases[] = {
    /* Above the range, below what is reserved. */
    { MAC, NULL, NULL, "192.168.122.253" },
    { MAC, NULL, "192.168.122.253", "192.168.122.252" },
    /* What is reserved for this guest, in whatever case its MAC address is written. */
    { "52:54:00:AA:aa:aa", NULL, NULL, "192.168.122.254" },
    { MAC, "192.168.122.7", NULL, "192.168.122.7" },
    /* Cannot be. */
    { "52:54:00:aa:aa:aa", NULL, "192.168.122.254", NULL },
    { "52:54:00:aa:aa:aa", "192.168.122.7", NULL, NULL },
    { MAC, "192.168.122.7", "192.168.122.7", NULL },
    { MAC, "192.168.122.254", NULL, NULL },
    { MAC, "192.168.122.1", NULL, NULL },
    { MAC, "192.168.122.0", NULL, NULL },
    { MAC, "192.168.122.255", NULL, NULL },
    { MAC, "192.168.123.7", NULL, NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree gchar *address =
          choose (NETWORK, cases[i].mac, cases[i].wanted, cases[i].taken, &error);

      g_assert_cmpstr (address, ==, cases[i].address);
      if (address == NULL)
        g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_ADDRESS);
    }
}

/* All that is not DHCP's is in use: one of DHCP's, and of a full network none. */
static void
test_small_networks (void)
{
  const gchar *full_range = "<network><name>a</name><ip address='10.0.0.1' prefix='30'><dhcp>"
                            "<range start='10.0.0.2' end='10.0.0.2'/></dhcp></ip></network>";
  g_autoptr (GError) error = NULL;
  g_autofree gchar *address = choose (full_range, MAC, NULL, NULL, &error);

  g_assert_cmpstr (address, ==, "10.0.0.2");
  g_assert_null (choose (full_range, MAC, NULL, "10.0.0.2", &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_ADDRESS);
}

static void
test_reservation (void)
{
  g_autofree gchar *xml = vmroot_network_format_reservation (MAC, 0xc0a87a05);

  g_assert_cmpstr (xml, ==, "<host mac='" MAC "' ip='192.168.122.5'/>");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/network/parse", test_parse);
  g_test_add_func ("/network/isolated", test_isolated);
  g_test_add_func ("/network/no-address", test_no_address);
  g_test_add_func ("/network/choose", test_choose);
  g_test_add_func ("/network/small-networks", test_small_networks);
  g_test_add_func ("/network/reservation", test_reservation);
  return g_test_run ();
}
