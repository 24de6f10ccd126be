/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib.h>

#include "vmroot-ip-address-private.h"

static VmrootIpAddress
parse (const gchar *text)
{
  VmrootIpAddress address;

  g_assert_true (vmroot_ip_address_parse (text, &address));
  return address;
}

static void
assert_is (const VmrootIpAddress *address, const gchar *expected)
{
  g_autofree gchar *text = vmroot_ip_address_to_string (address);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_parse (void)
{
  const gchar *texts[][2] = {
    { "192.168.122.5", "192.168.122.5" },
    { "fd00::5", "fd00::5" },
    { "FD00:0:0::0005", "fd00::5" },
    { "fd00:0:0:1:0:0:0:5", "fd00:0:0:1::5" },
  };
  const gchar *no_addresses[] = {
    "",           "a",       "10.0.0",     "10.0.0.256",   "fd00",
    "fd00::1::2", "fd00::g", "fd00::1/64", "fe80::1%eth0", "[fd00::1]"
  };
  VmrootIpAddress address;

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      address = parse (texts[i][0]);
      assert_is (&address, texts[i][1]);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (no_addresses); i++)
    g_assert_false (vmroot_ip_address_parse (no_addresses[i], &address));
}

static void
test_parse_interface (void)
{
  const gchar *wrong[] = { "10.0.0.1/0",  "10.0.0.1/31", "10.0.0.1/",   "10.0.0.1/24/24",
                           "fd00::1/127", "fd00::1/-1",  "fd00::1/ 64", "/24" };
  VmrootIpAddress address;
  guint prefix;

  g_assert_true (vmroot_ip_address_parse_interface ("10.0.0.1/30", &address, &prefix));
  assert_is (&address, "10.0.0.1");
  g_assert_cmpuint (prefix, ==, 30);
  g_assert_true (vmroot_ip_address_parse_interface ("fd00::1/126", &address, &prefix));
  assert_is (&address, "fd00::1");
  g_assert_cmpuint (prefix, ==, 126);
  g_assert_true (vmroot_ip_address_parse_interface ("fd00::1", &address, &prefix));
  g_assert_cmpuint (prefix, ==, 0);

  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    g_assert_false (vmroot_ip_address_parse_interface (wrong[i], &address, &prefix));
}

static void
test_compare (void)
{
  const VmrootIpAddress first = parse ("fd00::ff");
  const VmrootIpAddress second = parse ("fd00::100");
  const VmrootIpAddress same = parse ("fd00:0::0ff");
  const VmrootIpAddress ipv4 = parse ("253.0.0.0");
  const VmrootIpAddress ipv6 = parse ("fd00::");

  g_assert_cmpint (vmroot_ip_address_compare (&first, &second), <, 0);
  g_assert_cmpint (vmroot_ip_address_compare (&second, &first), >, 0);
  g_assert_true (vmroot_ip_address_equal (&first, &same));
  g_assert_cmpuint (vmroot_ip_address_hash (&first), ==, vmroot_ip_address_hash (&same));
  g_assert_false (vmroot_ip_address_equal (&first, &second));
  /* The same bytes. */
  g_assert_false (vmroot_ip_address_equal (&ipv4, &ipv6));
}

static void
test_networks (void)
{
  const struct
  {
    const gchar *address;
    const gchar *other;
    guint prefix;
    gboolean same;
    gboolean host;
  } cases[] = {
    { "192.168.122.5", "192.168.122.254", 24, TRUE, TRUE },
    { "192.168.122.5", "192.168.123.5", 24, FALSE, TRUE },
    { "192.168.123.0", "192.168.122.5", 23, TRUE, TRUE },
    { "192.168.122.0", "192.168.122.5", 24, TRUE, FALSE },
    { "192.168.122.255", "192.168.122.5", 24, TRUE, FALSE },
    { "10.0.0.2", "10.0.0.5", 30, FALSE, TRUE },
    { "fd00::5", "fd00::ffff:0:0:1", 64, TRUE, TRUE },
    { "fd00:0:0:1::5", "fd00::5", 64, FALSE, TRUE },
    { "fd00::", "fd00::5", 64, TRUE, FALSE },
    { "fd00::ffff:ffff:ffff:ffff", "fd00::5", 64, TRUE, TRUE },
    { "fd00::3", "fd00::4", 126, FALSE, TRUE },
    { "10.0.0.1", "a00:1::", 8, FALSE, TRUE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const VmrootIpAddress address = parse (cases[i].address);
      const VmrootIpAddress other = parse (cases[i].other);

      g_assert_cmpint (vmroot_ip_address_same_network (&address, &other, cases[i].prefix), ==,
                       cases[i].same);
      g_assert_cmpint (vmroot_ip_address_is_host (&address, cases[i].prefix), ==, cases[i].host);
    }
}

static void
test_routable (void)
{
  const gchar *yes[] = { "10.0.0.1", "169.254.1.1", "223.255.255.1", "fd00::1", "2001:db8::1" };
  const gchar *no[] = { "0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::",
                        "::1",     "ff02::1",   "fe80::1",   "::ffff:10.0.0.1" };

  for (gsize i = 0; i < G_N_ELEMENTS (yes); i++)
    {
      const VmrootIpAddress address = parse (yes[i]);

      g_assert_true (vmroot_ip_address_is_routable (&address));
      g_assert_false (vmroot_ip_address_is_ipv6_link_local (&address));
    }
  for (gsize i = 0; i < G_N_ELEMENTS (no); i++)
    {
      const VmrootIpAddress address = parse (no[i]);

      g_assert_false (vmroot_ip_address_is_routable (&address));
      g_assert_cmpint (vmroot_ip_address_is_ipv6_link_local (&address), ==,
                       g_str_equal (no[i], "fe80::1"));
    }
}

static void
test_last_host (void)
{
  const struct
  {
    const gchar *address;
    guint prefix;
    const gchar *last;
    const gchar *before;
  } cases[] = {
    { "192.168.122.1", 24, "192.168.122.254", "192.168.122.253" },
    { "10.0.0.1", 8, "10.255.255.254", "10.255.255.253" },
    { "fd00::1", 64, "fd00::ffff:ffff:ffff:ff7f", "fd00::ffff:ffff:ffff:ff7e" },
    { "fd00::1", 120, "fd00::7f", "fd00::7e" },
    { "fd00::1", 124, "fd00::f", "fd00::e" },
  };
  VmrootIpAddress borrows = parse ("fd00::1:0:0");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const VmrootIpAddress address = parse (cases[i].address);
      VmrootIpAddress last = vmroot_ip_address_last_host (&address, cases[i].prefix);

      assert_is (&last, cases[i].last);
      vmroot_ip_address_decrease (&last);
      assert_is (&last, cases[i].before);
    }

  vmroot_ip_address_decrease (&borrows);
  assert_is (&borrows, "fd00::ffff:ffff");
}

static void
test_for_mac (void)
{
  const VmrootIpAddress network = parse ("fd00:0:0:7::1");
  const VmrootIpAddress address = vmroot_ip_address_for_mac (&network, "52:54:00:AB:cd:56");

  assert_is (&address, "fd00::7:5054:ff:feab:cd56");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ip-address/parse", test_parse);
  g_test_add_func ("/ip-address/parse-interface", test_parse_interface);
  g_test_add_func ("/ip-address/compare", test_compare);
  g_test_add_func ("/ip-address/networks", test_networks);
  g_test_add_func ("/ip-address/routable", test_routable);
  g_test_add_func ("/ip-address/last-host", test_last_host);
  g_test_add_func ("/ip-address/for-mac", test_for_mac);
  return g_test_run ();
}
