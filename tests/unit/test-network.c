/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib.h>

#include <string.h>

#include "vmroot-error.h"
#include "vmroot-network-private.h"

#define MAC "52:54:00:12:34:56"
#define OTHER_MAC "52:54:00:aa:aa:aa"

/* libvirt's network “default”, but for a smaller range, and IPv6 in two networks. */
#define NETWORK                                                                                    \
  "<network><name>default</name><forward mode='nat'/><bridge name='virbr0'/>"                      \
  "<ip family='ipv6' address='fd00::1' prefix='64'/>"                                              \
  "<ip address='192.168.122.1' netmask='255.255.255.0'><dhcp>"                                     \
  "<range start='192.168.122.2' end='192.168.122.250'/>"                                           \
  "<host mac='52:54:00:aa:aa:aa' name='a' ip='192.168.122.254'/>"                                  \
  "</dhcp></ip>"                                                                                   \
  "<ip address='192.168.122.252' prefix='24'/>"                                                    \
  "<ip family='ipv6' address='fd00:0:0:7::1' prefix='64'><dhcp>"                                   \
  "<range start='fd00:0:0:7::100' end='fd00:0:0:7::1ff'/>"                                         \
  "<host id='0:3:0:1:52:54:0:aa:aa:aa' ip='fd00:0:0:7::a'/>"                                       \
  "<host name='b' ip='fd00:0:0:7::b'/>"                                                            \
  "</dhcp></ip></network>"

static VmrootIpAddress
address_of (const gchar *text)
{
  VmrootIpAddress address;

  g_assert_true (vmroot_ip_address_parse (text, &address));
  return address;
}

static VmrootNetwork *
parse (const gchar *xml, gboolean ipv6)
{
  g_autoptr (GError) error = NULL;
  VmrootNetwork *network = vmroot_network_new_from_xml (xml, ipv6, &error);

  g_assert_no_error (error);
  return network;
}

/* ipv6: as `wanted` and `taken` are, or if it is "". */
static gchar *
choose (const gchar *xml,
        gboolean ipv6,
        const gchar *mac,
        const gchar *wanted,
        const gchar *taken,
        GError **error)
{
  g_autoptr (VmrootNetwork) network = parse (xml, ipv6);
  g_autoptr (GHashTable) table = g_hash_table_new (vmroot_ip_address_hash, vmroot_ip_address_equal);
  VmrootIpAddress others = address_of (taken != NULL ? taken : "0.0.0.0");
  VmrootIpAddress ours = address_of (wanted != NULL ? wanted : "0.0.0.0");
  VmrootIpAddress address;

  if (taken != NULL)
    g_hash_table_insert (table, &others, "somebody else");
  return vmroot_network_choose (network, mac, wanted != NULL ? &ours : NULL, table, &address, error)
             ? vmroot_ip_address_to_string (&address)
             : NULL;
}

static void
assert_has_ip (VmrootNetwork *network, const gchar *address, guint prefix, gint index)
{
  g_autofree gchar *text = vmroot_ip_address_to_string (&network->address);

  g_assert_cmpstr (text, ==, address);
  g_assert_cmpuint (network->prefix, ==, prefix);
  g_assert_cmpint (network->ip_index, ==, index);
}

static void
test_parse (void)
{
  g_autoptr (VmrootNetwork) network = parse (NETWORK, FALSE);
  const VmrootIpAddress reserved = address_of ("192.168.122.254");

  g_assert_cmpstr (network->name, ==, "default");
  g_assert_cmpstr (network->bridge, ==, "virbr0");
  g_assert_cmpstr (network->forward, ==, "nat");
  assert_has_ip (network, "192.168.122.1", 24, 1);
  g_assert_true (network->has_dhcp);
  g_assert_cmpuint (network->ranges->len, ==, 1);
  g_assert_true (vmroot_network_has_reservation (network, "52:54:00:AA:AA:AA", &reserved));
  g_assert_false (vmroot_network_has_reservation (network, MAC, &reserved));
}

/* The <ip> with DHCP, which is not the first; libvirt counts those of both kinds. */
static void
test_parse_ipv6 (void)
{
  g_autoptr (VmrootNetwork) network = parse (NETWORK, TRUE);
  const VmrootIpAddress reserved = address_of ("fd00:0:0:7::a");

  assert_has_ip (network, "fd00:0:0:7::1", 64, 3);
  g_assert_true (network->has_dhcp);
  g_assert_cmpuint (network->reservations->len, ==, 2);
  g_assert_true (vmroot_network_has_reservation (network, OTHER_MAC, &reserved));
}

static void
test_ids_of_dhcpv6 (void)
{
  const struct
  {
    const gchar *id;
    gboolean has;
  } cases[] = {
    { "00:03:00:01:52:54:00:AA:AA:AA", TRUE },
    { "0:3:0:1:52:54:0:aa:aa:aa", TRUE },
    { "0:1:0:1:2a:3b:4c:5d:52:54:0:aa:aa:aa", TRUE },
    { "0:3:0:6:52:54:0:aa:aa:aa", FALSE },
    { "0:2:0:1:52:54:0:aa:aa:aa", FALSE },
    { "0:3:0:1:52:54:0:aa:aa", FALSE },
    { "0:3:0:1:52:54:0:aa:aa:aa:aa", FALSE },
    { "0:1:0:1:52:54:0:aa:aa:aa", FALSE },
    { "0:3:0", FALSE },
    { "", FALSE },
  };
  const VmrootIpAddress reserved = address_of ("fd00::a");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *xml =
          g_strdup_printf ("<network><name>a</name><ip family='ipv6' address='fd00::1'><dhcp>"
                           "<host id='%s' ip='fd00::a'/></dhcp></ip></network>",
                           cases[i].id);
      g_autoptr (VmrootNetwork) network = parse (xml, TRUE);

      g_assert_cmpint (vmroot_network_has_reservation (network, OTHER_MAC, &reserved), ==,
                       cases[i].has);
    }
}

static void
test_isolated (void)
{
  g_autoptr (VmrootNetwork) network =
      parse ("<network><name>a</name><ip address='10.0.0.1' prefix='8'/></network>", FALSE);

  g_assert_null (network->forward);
  g_assert_false (network->has_dhcp);
  g_assert_true (vmroot_network_is_bridged (network));
  assert_has_ip (network, "10.0.0.1", 8, 0);
}

static void
test_no_address (void)
{
  const gchar *cases[] = {
    "<network><name>a</name><forward mode='bridge'/><bridge name='br0'/></network>",
    "<network><name>a</name><ip family='ipv6' address='fd00::1' prefix='64'/></network>",
    "<network><name>a</name><ip address='10.0.0.1' prefix='33'/></network>",
    "<network><name>a</name><ip address='10.0.0.1' netmask='255.0.255.0'/></network>",
    "<network><name>a</name><ip address='10.0.0.1' netmask='255.255.255.255'/></network>",
    "<network><name>a</name><ip address='a'/></network>",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (VmrootNetwork) network = parse (cases[i], FALSE);

      g_assert_cmpint (network->ip_index, ==, -1);
    }
}

static void
test_no_network (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (vmroot_network_new_from_xml ("<network>", FALSE, &error));
  g_assert_nonnull (error);
}

static void
test_bridged (void)
{
  const struct
  {
    const gchar *forward;
    gboolean bridged;
  } cases[] = {
    { "<forward/><bridge name='virbr0'/>", TRUE },
    { "<forward mode='route'/><bridge name='virbr0'/>", TRUE },
    { "<forward mode='open'/><bridge name='virbr0'/>", TRUE },
    { "<forward mode='bridge'/><bridge name='br0'/>", TRUE },
    { "<forward mode='bridge'><interface dev='eth0'/></forward>", FALSE },
    { "<forward mode='private'/>", FALSE },
    { "<forward mode='vepa'/>", FALSE },
    { "<forward mode='passthrough'/>", FALSE },
    { "<forward mode='hostdev'/>", FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *xml =
          g_strconcat ("<network><name>a</name>", cases[i].forward, "</network>", NULL);
      g_autoptr (VmrootNetwork) network = parse (xml, FALSE);

      g_assert_cmpint (vmroot_network_is_bridged (network), ==, cases[i].bridged);
    }
}

typedef struct
{
  const gchar *mac;
  const gchar *wanted;
  const gchar *taken;
  const gchar *address; /* NULL: none can be had */
} Choice;

static void
assert_choices (gboolean ipv6, const Choice *choices, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree gchar *address =
          choose (NETWORK, ipv6, choices[i].mac, choices[i].wanted, choices[i].taken, &error);

      g_assert_cmpstr (address, ==, choices[i].address);
      if (address == NULL)
        g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_ADDRESS);
    }
}

static void
test_choose (void)
{
  const Choice choices[] = {
    /* Above the range, below what is reserved, and not the second address of the host. */
    { MAC, NULL, NULL, "192.168.122.253" },
    { MAC, NULL, "192.168.122.253", "192.168.122.251" },
    /* What is reserved for this guest, in whatever case its MAC address is written. */
    { "52:54:00:AA:aa:aa", NULL, NULL, "192.168.122.254" },
    { MAC, "192.168.122.7", NULL, "192.168.122.7" },
    /* Cannot be. */
    { OTHER_MAC, NULL, "192.168.122.254", NULL },
    { OTHER_MAC, "192.168.122.7", NULL, NULL },
    { MAC, "192.168.122.7", "192.168.122.7", NULL },
    { MAC, "192.168.122.254", NULL, NULL },
    { MAC, "192.168.122.1", NULL, NULL },
    { MAC, "192.168.122.252", NULL, NULL },
    { MAC, "192.168.122.0", NULL, NULL },
    { MAC, "192.168.122.255", NULL, NULL },
    { MAC, "192.168.123.7", NULL, NULL },
    { MAC, "fd00::7", NULL, NULL },
  };

  assert_choices (FALSE, choices, G_N_ELEMENTS (choices));
}

static void
test_choose_ipv6 (void)
{
  const Choice choices[] = {
    /* What the guest would give itself; if somebody has that, the last that may be had. */
    { MAC, NULL, NULL, "fd00::7:5054:ff:fe12:3456" },
    { MAC, NULL, "fd00::7:5054:ff:fe12:3456", "fd00::7:ffff:ffff:ffff:ff7f" },
    { OTHER_MAC, NULL, NULL, "fd00:0:0:7::a" },
    { MAC, "fd00:0:0:7::150", NULL, "fd00:0:0:7::150" },
    { MAC, "fd00:0:0:7::a", NULL, NULL },
    { MAC, "fd00:0:0:7::b", NULL, NULL },
    { MAC, "fd00:0:0:7::1", NULL, NULL },
    { MAC, "fd00:0:0:7::", NULL, NULL },
    { MAC, "fd00:0:0:8::7", NULL, NULL },
    { MAC, "fd00:0:0:7::7", "fd00:0:0:7::7", NULL },
    { MAC, "192.168.122.7", NULL, NULL },
  };

  assert_choices (TRUE, choices, G_N_ELEMENTS (choices));
}

static void
test_message_says_whose_it_is (void)
{
  const gchar *cases[][2] = {
    { "192.168.122.254", OTHER_MAC },
    { "192.168.122.1", "this host" },
    { "192.168.122.9", "somebody else" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (choose (NETWORK, FALSE, MAC, cases[i][0], "192.168.122.9", &error));
      g_assert_nonnull (strstr (error->message, cases[i][0]));
      g_assert_nonnull (strstr (error->message, cases[i][1]));
    }
}

/* All that is not DHCP's is in use: one of DHCP's, and of a full network none. */
static void
test_small_networks (void)
{
  const struct
  {
    gboolean ipv6;
    const gchar *xml;
    const gchar *only;
  } cases[] = {
    { FALSE,
      "<network><name>a</name><ip address='10.0.0.1' prefix='30'><dhcp>"
      "<range start='10.0.0.2' end='10.0.0.2'/></dhcp></ip></network>",
      "10.0.0.2" },
    { TRUE,
      "<network><name>a</name><ip family='ipv6' address='fd00::1' prefix='126'><dhcp>"
      "<range start='fd00::2' end='fd00::3'/><host name='b' ip='fd00::3'/></dhcp></ip></network>",
      "fd00::2" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree gchar *address = choose (cases[i].xml, cases[i].ipv6, MAC, NULL, NULL, &error);

      g_assert_cmpstr (address, ==, cases[i].only);
      g_assert_null (choose (cases[i].xml, cases[i].ipv6, MAC, NULL, cases[i].only, &error));
      g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_ADDRESS);
    }
}

/* DHCP gives all of the network away. */
static void
test_range_without_room (void)
{
  const gchar *xml =
      "<network><name>a</name><ip family='ipv6' address='fd00::1' prefix='64'><dhcp>"
      "<range start='fd00::' end='fd00::ffff:ffff:ffff:ffff'/></dhcp></ip></network>";
  g_autoptr (GError) error = NULL;
  g_autofree gchar *address = choose (xml, TRUE, MAC, NULL, NULL, &error);

  g_assert_cmpstr (address, ==, "fd00::5054:ff:fe12:3456");
}

static void
test_reservation (void)
{
  const VmrootIpAddress ipv4 = address_of ("192.168.122.5");
  const VmrootIpAddress ipv6 = address_of ("fd00::5");
  g_autofree gchar *xml = vmroot_network_format_reservation (MAC, &ipv4);
  g_autofree gchar *xml6 = vmroot_network_format_reservation (MAC, &ipv6);

  g_assert_cmpstr (xml, ==, "<host mac='" MAC "' ip='192.168.122.5'/>");
  g_assert_cmpstr (xml6, ==, "<host id='00:03:00:01:" MAC "' ip='fd00::5'/>");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/network/parse", test_parse);
  g_test_add_func ("/network/parse/ipv6", test_parse_ipv6);
  g_test_add_func ("/network/parse/ids", test_ids_of_dhcpv6);
  g_test_add_func ("/network/parse/nothing", test_no_network);
  g_test_add_func ("/network/isolated", test_isolated);
  g_test_add_func ("/network/no-address", test_no_address);
  g_test_add_func ("/network/bridged", test_bridged);
  g_test_add_func ("/network/choose", test_choose);
  g_test_add_func ("/network/choose/ipv6", test_choose_ipv6);
  g_test_add_func ("/network/choose/message", test_message_says_whose_it_is);
  g_test_add_func ("/network/small-networks", test_small_networks);
  g_test_add_func ("/network/range-without-room", test_range_without_room);
  g_test_add_func ("/network/reservation", test_reservation);
  return g_test_run ();
}
