/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <string.h>

#include "vmroot-packet-filter-private.h"

static const VmrootPacket from_virbr0 = { .interface = "virbr0" };
static const VmrootPacket from_virbr0_by_ipv6 = { .interface = "virbr0", .ipv6 = TRUE };
static const VmrootPacket from_lab = { .interface = "lab" };

/* The chains in the way of the packet, separated by commas. */
static gchar *
closed (VmrootPacketFilter *filter)
{
  g_autoptr (GPtrArray) names = vmroot_packet_filter_list_closed (filter);

  g_ptr_array_add (names, NULL);
  return g_strjoinv (", ", (gchar **)names->pdata);
}

static gchar *
closed_by_iptables (const gchar *rules, const VmrootPacket *packet)
{
  g_autoptr (VmrootPacketFilter) filter = vmroot_packet_filter_new_from_iptables (rules, packet);

  return closed (filter);
}

/* A chain of the table filter with these rules, as nft lists it. */
static gchar *
nft_json (const gchar *family, const gchar *chain, const gchar *policy, const gchar *rules)
{
  g_auto (GStrv) expressions = g_strsplit (rules, "\n", -1);
  GString *json = g_string_new ("{\"nftables\": [{\"metainfo\": {\"version\": \"1.0.6\"}}");

  g_string_append_printf (json,
                          ", {\"chain\": {\"family\": \"%s\", \"table\": \"filter\", \"name\": "
                          "\"%s\", \"type\": \"filter\", \"hook\": \"input\", \"policy\": \"%s\"}}"
                          ", {\"chain\": {\"family\": \"%s\", \"table\": \"filter\", \"name\": "
                          "\"other\"}}",
                          family, chain, policy, family);
  for (guint i = 0; expressions[i] != NULL && *expressions[i] != '\0'; i++)
    {
      const gboolean of_other = g_str_has_prefix (expressions[i], "other: ");

      g_string_append_printf (json,
                              ", {\"rule\": {\"family\": \"%s\", \"table\": \"filter\", \"chain\": "
                              "\"%s\", \"expr\": [%s]}}",
                              family, of_other ? "other" : chain,
                              expressions[i] + (of_other ? strlen ("other: ") : 0));
    }
  g_string_append (json, "]}");
  return g_string_free (json, FALSE);
}

static gchar *
closed_by_nft (const gchar *policy, const gchar *rules, const VmrootPacket *packet)
{
  g_autofree gchar *json = nft_json ("inet", "input", policy, rules);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootPacketFilter) filter =
      vmroot_packet_filter_new_from_nft (json, packet, FALSE, &error);

  g_assert_no_error (error);
  return closed (filter);
}

typedef struct
{
  const gchar *name;
  const gchar *policy;
  const gchar *rules;
  const gchar *closed; /* the chains, for virbr0 */
} Case;

#define MATCH(left, op, right)                                                                     \
  "{\"match\": {\"op\": \"" op "\", \"left\": " left ", \"right\": " right "}}, "
#define IIFNAME "{\"meta\": {\"key\": \"iifname\"}}"
#define L4PROTO "{\"meta\": {\"key\": \"l4proto\"}}"
#define DPORT "{\"payload\": {\"protocol\": \"tcp\", \"field\": \"dport\"}}"
#define UDP_DPORT "{\"payload\": {\"protocol\": \"udp\", \"field\": \"dport\"}}"
#define SADDR "{\"payload\": {\"protocol\": \"ip\", \"field\": \"saddr\"}}"
#define STATE "{\"ct\": {\"key\": \"state\"}}"
#define ACCEPT "{\"accept\": null}\n"
#define DROP "{\"drop\": null}\n"
#define INPUT "inet filter input"

static const Case nft_cases[] = {
  { "nothing", "accept", "", "" },
  { "policy", "drop", "", INPUT },
  { "reject-at-the-end", "accept",
    MATCH (STATE, "in", "[\"established\", \"related\"]") ACCEPT
    "{\"counter\": {\"packets\": 0, \"bytes\": 0}}, {\"reject\": {\"type\": \"icmpx\"}}\n",
    INPUT },
  { "port", "drop", MATCH (DPORT, "==", "2049") ACCEPT, "" },
  { "other-port", "drop", MATCH (DPORT, "==", "22") ACCEPT, INPUT },
  { "port-by-name", "drop", MATCH (DPORT, "==", "\"nfs\"") ACCEPT, "" },
  { "port-in-set", "drop", MATCH (DPORT, "==", "{\"set\": [22, {\"range\": [2000, 2100]}]}") ACCEPT,
    "" },
  { "port-not-in-set", "drop", MATCH (DPORT, "==", "{\"set\": [22, {\"range\": [80, 90]}]}") ACCEPT,
    INPUT },
  { "port-of-udp", "drop", MATCH (UDP_DPORT, "==", "2049") ACCEPT, INPUT },
  { "interface", "drop", MATCH (IIFNAME, "==", "\"virbr0\"") ACCEPT, "" },
  { "interfaces", "drop", MATCH (IIFNAME, "==", "\"virbr*\"") ACCEPT, "" },
  { "other-interface", "drop", MATCH (IIFNAME, "==", "{\"set\": [\"eth0\", \"lo\"]}") ACCEPT,
    INPUT },
  { "not-an-interface", "drop", MATCH (IIFNAME, "!=", "\"eth0\"") ACCEPT, "" },
  { "protocol", "drop", MATCH (L4PROTO, "==", "\"tcp\"") ACCEPT, "" },
  { "other-protocols", "drop", MATCH (L4PROTO, "==", "{\"set\": [\"icmp\", \"udp\"]}") ACCEPT,
    INPUT },
  { "some-addresses-dropped", "accept", MATCH (SADDR, "==", "\"@banned\"") DROP, "" },
  { "some-addresses-accepted", "drop",
    MATCH (SADDR, "==", "{\"prefix\": {\"addr\": \"10.0.0.0\", \"len\": 8}}") ACCEPT, INPUT },
  { "new-state", "drop", MATCH (STATE, "==", "{\"set\": [\"new\", \"untracked\"]}") ACCEPT, "" },
  { "old-state-dropped", "accept", MATCH (STATE, "in", "\"invalid\"") DROP, "" },
  { "first-rule-decides", "accept", MATCH (IIFNAME, "==", "\"virbr0\"") ACCEPT DROP, "" },
  { "jump", "accept", "{\"jump\": {\"target\": \"other\"}}\nother: " DROP, INPUT },
  { "jump-comes-back", "drop",
    "{\"jump\": {\"target\": \"other\"}}\n" ACCEPT "other: {\"return\": null}\n", "" },
  { "goto-does-not", "drop", "{\"goto\": {\"target\": \"other\"}}\n" ACCEPT, INPUT },
  { "endless-jumps", "drop",
    "{\"jump\": {\"target\": \"other\"}}\nother: {\"jump\": {\"target\": \"other\"}}\n", INPUT },
  { "map", "drop",
    "{\"vmap\": {\"key\": " IIFNAME ", \"data\": {\"set\": [[\"lo\", {\"accept\": null}], "
    "[\"virbr0\", {\"jump\": {\"target\": \"other\"}}]]}}}\nother: " ACCEPT,
    "" },
  { "map-without-it", "drop",
    "{\"vmap\": {\"key\": " STATE ", \"data\": {\"set\": [[\"established\", {\"accept\": null}], "
    "[\"invalid\", {\"drop\": null}]]}}}\n",
    INPUT },
  { "match-of-iptables", "accept",
    "{\"xt\": {\"type\": \"match\", \"name\": \"recent\"}}, {\"xt\": {\"type\": \"target\", "
    "\"name\": \"REJECT\"}}\n",
    "" },
  { "target-of-iptables", "accept", "{\"xt\": {\"type\": \"target\", \"name\": \"REJECT\"}}\n",
    INPUT },
};

static void
test_nft (gconstpointer data)
{
  const Case *test = data;
  g_autofree gchar *chains = closed_by_nft (test->policy, test->rules, &from_virbr0);

  g_assert_cmpstr (chains, ==, test->closed);
}

/* Each family's packets go through their own tables, and all through those of inet. */
static void
test_families (void)
{
  static const struct
  {
    const gchar *family;
    const VmrootPacket *packet;
    const gchar *closed;
  } cases[] = {
    { "inet", &from_virbr0_by_ipv6, "inet filter input" },
    { "ip", &from_virbr0, "ip filter input" },
    { "ip", &from_virbr0_by_ipv6, "" },
    { "ip6", &from_virbr0, "" },
    { "ip6", &from_virbr0_by_ipv6, "ip6 filter input" },
    { "bridge", &from_virbr0, "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *json = nft_json (cases[i].family, "input", "drop", "");
      g_autoptr (VmrootPacketFilter) filter =
          vmroot_packet_filter_new_from_nft (json, cases[i].packet, FALSE, NULL);
      g_autofree gchar *chains = closed (filter);

      g_assert_cmpstr (chains, ==, cases[i].closed);
    }
}

static void
test_chain_of_iptables (void)
{
  g_autofree gchar *json = nft_json ("ip", "INPUT", "drop", "");
  g_autoptr (VmrootPacketFilter) without =
      vmroot_packet_filter_new_from_nft (json, &from_virbr0, FALSE, NULL);
  g_autoptr (VmrootPacketFilter) with =
      vmroot_packet_filter_new_from_nft (json, &from_virbr0, TRUE, NULL);
  g_autofree gchar *chains_without = closed (without);
  g_autofree gchar *chains_with = closed (with);

  g_assert_cmpstr (chains_without, ==, "");
  g_assert_cmpstr (chains_with, ==, "ip filter INPUT");
}

static void
test_not_json (void)
{
  static const gchar *const texts[] = { "", "[]", "{}", "{\"nftables\": 7}",
                                        "{\"nftables\": [7, {\"chain\": []}, {\"rule\": {}}]}" };
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootPacketFilter) none =
      vmroot_packet_filter_new_from_nft ("{", &from_virbr0, FALSE, &error);

  g_assert_nonnull (error);
  g_assert_null (none);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (VmrootPacketFilter) filter =
          vmroot_packet_filter_new_from_nft (texts[i], &from_virbr0, FALSE, NULL);
      g_autofree gchar *chains = filter != NULL ? closed (filter) : g_strdup ("");

      g_assert_cmpstr (chains, ==, "");
    }
}

static const Case iptables_cases[] = {
  { "nothing", "ACCEPT", "", "" },
  { "policy", "DROP", "", "INPUT" },
  { "reject-at-the-end", "ACCEPT",
    "-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT\n"
    "-A INPUT -p icmp -j ACCEPT\n-A INPUT -i lo -j ACCEPT\n"
    "-A INPUT -p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT\n"
    "-A INPUT -j REJECT --reject-with icmp-host-prohibited\n",
    "INPUT" },
  { "ours", "DROP",
    "-A INPUT -i virbr+ -p tcp -m tcp --dport 2049 -m comment --comment vmroot-nfs -j ACCEPT\n",
    "" },
  { "ports", "DROP", "-A INPUT -p tcp -m multiport --dports 22,2000:2100 -j ACCEPT\n", "" },
  { "not-an-interface", "DROP", "-A INPUT ! -i eth0 -j ACCEPT\n", "" },
  { "not-a-port", "ACCEPT", "-A INPUT -p tcp -m tcp ! --dport 22 -j DROP\n", "INPUT" },
  { "address", "DROP", "-A INPUT -s 10.0.0.0/8 -j ACCEPT\n", "INPUT" },
  { "comment", "DROP", "-A INPUT -m comment --comment \"a -s b\" -j ACCEPT\n", "" },
  /* As `ufw enable` makes them, and `ufw allow in on virbr0 to any port 2049`. */
  { "ufw", "DROP",
    "-N ufw-before-input\n-N ufw-not-local\n-N ufw-user-input\n"
    "-A INPUT -j ufw-before-input\n"
    "-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
    "-A ufw-before-input -m conntrack --ctstate INVALID -j DROP\n"
    "-A ufw-before-input -j ufw-not-local\n"
    "-A ufw-before-input -j ufw-user-input\n"
    "-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN\n"
    "-A ufw-not-local -j DROP\n"
    "-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT\n",
    "INPUT" },
  { "ufw-allowed", "DROP",
    "-N ufw-before-input\n-N ufw-not-local\n-N ufw-user-input\n"
    "-A INPUT -j ufw-before-input\n"
    "-A ufw-before-input -j ufw-not-local\n"
    "-A ufw-before-input -j ufw-user-input\n"
    "-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN\n"
    "-A ufw-not-local -j DROP\n"
    "-A ufw-user-input -i virbr0 -p tcp -m tcp --dport 2049 -j ACCEPT\n",
    "" },
};

static void
test_iptables (gconstpointer data)
{
  const Case *test = data;
  g_autofree gchar *rules =
      g_strdup_printf ("-P INPUT %s\n-P FORWARD DROP\n%s", test->policy, test->rules);
  g_autofree gchar *chains = closed_by_iptables (rules, &from_virbr0);

  g_assert_cmpstr (chains, ==, test->closed);
}

static void
test_interface_counts (void)
{
  const gchar *rules = "-P INPUT DROP\n-A INPUT -i virbr0 -j ACCEPT\n";
  g_autofree gchar *virbr0 = closed_by_iptables (rules, &from_virbr0);
  g_autofree gchar *lab = closed_by_iptables (rules, &from_lab);

  g_assert_cmpstr (virbr0, ==, "");
  g_assert_cmpstr (lab, ==, "INPUT");
}

/* Rules whose match nobody can tell: with the packet's good luck, it gets through. */
static void
test_in_doubt (void)
{
  static const struct
  {
    const gchar *rules;
    const gchar *surely;
  } doubts[] = {
    { "-P INPUT DROP\n", "INPUT" },
    { "-P INPUT DROP\n-A INPUT -s 10.0.0.0/8 -j ACCEPT\n", "" },
    { "-P INPUT DROP\n-A INPUT -s 10.0.0.0/8 -j DROP\n", "INPUT" },
    { "-P INPUT DROP\n-N X\n-A X -j ACCEPT\n-A INPUT -s 10.0.0.0/8 -j X\n", "" },
    { "-P INPUT DROP\n-N X\n-A X -j DROP\n-A INPUT -s 10.0.0.0/8 -j X\n", "INPUT" },
    { "-P INPUT ACCEPT\n-N X\n-A X -s 10.0.0.0/8 -j RETURN\n-A X -j DROP\n-A INPUT -j X\n", "" },
    { "-P INPUT DROP\n-N X\n-A X -s 10.0.0.0/8 -j RETURN\n-A X -j DROP\n-A INPUT -j X\n", "INPUT" },
    { "-P INPUT ACCEPT\n-A INPUT -j DROP\n-A INPUT -s 10.0.0.0/8 -j ACCEPT\n", "INPUT" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (doubts); i++)
    {
      g_autoptr (VmrootPacketFilter) filter =
          vmroot_packet_filter_new_from_iptables (doubts[i].rules, &from_virbr0);
      g_autoptr (GPtrArray) names = vmroot_packet_filter_list_surely_closed (filter);
      g_autofree gchar *chains = NULL;

      g_ptr_array_add (names, NULL);
      chains = g_strjoinv (", ", (gchar **)names->pdata);
      g_assert_cmpstr (chains, ==, doubts[i].surely);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (nft_cases); i++)
    {
      g_autofree gchar *path = g_strconcat ("/packet-filter/nft/", nft_cases[i].name, NULL);

      g_test_add_data_func (path, &nft_cases[i], test_nft);
    }
  for (guint i = 0; i < G_N_ELEMENTS (iptables_cases); i++)
    {
      g_autofree gchar *path =
          g_strconcat ("/packet-filter/iptables/", iptables_cases[i].name, NULL);

      g_test_add_data_func (path, &iptables_cases[i], test_iptables);
    }
  g_test_add_func ("/packet-filter/families", test_families);
  g_test_add_func ("/packet-filter/chain-of-iptables", test_chain_of_iptables);
  g_test_add_func ("/packet-filter/not-json", test_not_json);
  g_test_add_func ("/packet-filter/interface-counts", test_interface_counts);
  g_test_add_func ("/packet-filter/in-doubt", test_in_doubt);
  return g_test_run ();
}
