/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "vmroot-error.h"
#include "vmroot-firewalld-private.h"

/* What firewall-cmd 1.3 prints for a zone of libvirt's, for one as a distribution ships it, and for
 * the policy that came with the zone libvirt-routed. */
#define ACTIVE "libvirt\n  interfaces: virbr0\npublic\n  interfaces: eth0\n"
#define ZONE(name, target, services, ports, rules)                                                 \
  name " (active)\n  target: " target "\n  icmp-block-inversion: no\n  interfaces: virbr0\n"       \
       "  sources: \n  services: " services "\n  ports: " ports "\n  protocols: icmp ipv6-icmp\n"  \
       "  forward: no\n  rich rules: \n" rules
#define REJECT_ALL "\trule priority=\"32767\" reject\n"
#define SSH "dhcp dhcpv6 dns ssh tftp"
#define POLICY(priority, target, services, from)                                                   \
  "libvirt-to-host (active)\n  priority: " priority "\n  target: " target                          \
  "\n  ingress-zones: " from "\n  egress-zones: HOST\n  services: " services                       \
  "\n  ports: \n  protocols: icmp\n  rich rules: \n"

/* Comes with firewalld, and concerns all that comes to the host. */
#define ICMPV6                                                                                     \
  "allow-host-ipv6 (active)\n  priority: -15000\n  target: CONTINUE\n  ingress-zones: ANY\n"       \
  "  egress-zones: HOST\n  services: \n  ports: \n  protocols: \n  rich rules: \n"                 \
  "\trule family=\"ipv6\" icmp-type name=\"neighbour-advertisement\" accept\n"                     \
  "\trule family=\"ipv6\" icmp-type name=\"redirect\" accept\n\n"

typedef struct
{
  const gchar *name;
  const gchar *active;
  const gchar *zone;
  const gchar *policies; /* NULL: it knows none */
  VmrootFirewalldAnswer answer;
} Case;

#define OPEN VMROOT_FIREWALLD_OPEN
#define CLOSED VMROOT_FIREWALLD_CLOSED
#define UNKNOWN VMROOT_FIREWALLD_UNKNOWN

static const Case cases[] = {
  { "libvirts-zone", ACTIVE, ZONE ("libvirt", "ACCEPT", SSH, "", REJECT_ALL), ICMPV6, CLOSED },
  { "service", ACTIVE, ZONE ("libvirt", "ACCEPT", SSH " nfs", "", REJECT_ALL), "", OPEN },
  { "port", ACTIVE, ZONE ("libvirt", "ACCEPT", SSH, "53/udp 2049/tcp", REJECT_ALL), "", OPEN },
  { "ports", ACTIVE, ZONE ("libvirt", "ACCEPT", SSH, "2000-3000/tcp", REJECT_ALL), "", OPEN },
  { "port-of-udp", ACTIVE, ZONE ("libvirt", "ACCEPT", SSH, "2049/udp", REJECT_ALL), "", CLOSED },
  { "target", ACTIVE, ZONE ("trusted", "ACCEPT", "", "", ""), "", OPEN },
  { "default-target", ACTIVE, ZONE ("public", "default", SSH, "", ""), NULL, CLOSED },
  { "strange-target", ACTIVE, ZONE ("public", "PERHAPS", SSH, "", ""), NULL, UNKNOWN },
  { "rule-for-an-address", ACTIVE,
    ZONE ("libvirt",
          "ACCEPT",
          SSH,
          "",
          "\trule family=\"ipv4\" source address=\"192.168.122.5\" accept\n" REJECT_ALL),
    "", UNKNOWN },
  { "rule-for-nfs", ACTIVE,
    ZONE ("libvirt", "ACCEPT", SSH, "", "\trule service name=\"nfs\" accept\n" REJECT_ALL), "",
    UNKNOWN },
  { "rule-for-the-port", ACTIVE,
    ZONE ("libvirt",
          "ACCEPT",
          SSH,
          "",
          "\trule port port=\"2000-3000\" protocol=\"tcp\" accept\n" REJECT_ALL),
    "", UNKNOWN },
  { "rule-for-another-port", ACTIVE,
    ZONE ("libvirt",
          "ACCEPT",
          SSH,
          "",
          "\trule port port=\"20-30\" protocol=\"tcp\" accept\n" REJECT_ALL),
    "", CLOSED },
  { "rule-for-others", ACTIVE,
    ZONE ("libvirt", "ACCEPT", SSH, "", "\trule service name=\"http\" accept\n" REJECT_ALL), "",
    CLOSED },
  { "sources", "libvirt\n  interfaces: virbr0\nwork\n  sources: 192.168.0.0/16\n",
    ZONE ("libvirt", "ACCEPT", SSH, "", REJECT_ALL), "", UNKNOWN },
  { "policy-first", ACTIVE, ZONE ("libvirt", "ACCEPT", "", "", ""),
    ICMPV6 POLICY ("-1", "REJECT", SSH, "libvirt"), CLOSED },
  { "policy-opens", ACTIVE, ZONE ("libvirt", "default", "", "", ""),
    POLICY ("-1", "CONTINUE", "nfs", "ANY"), OPEN },
  { "policy-last", ACTIVE, ZONE ("libvirt", "ACCEPT", "", "", ""),
    POLICY ("1", "REJECT", SSH, "libvirt"), OPEN },
  { "policy-of-others", ACTIVE, ZONE ("libvirt", "ACCEPT", "", "", ""),
    POLICY ("-1", "REJECT", SSH, "public"), OPEN },
};

static gboolean
run (const gchar *const *argv, gchar **output, gpointer user_data, GError **error)
{
  const Case *test = user_data;
  const gchar *text = NULL;

  g_assert_cmpstr (argv[0], ==, "firewall-cmd");
  if (test != NULL && g_str_equal (argv[1], "--get-active-zones"))
    text = test->active;
  else if (test != NULL && g_str_equal (argv[1], "--list-all-policies"))
    text = test->policies;
  else if (test != NULL && g_str_equal (argv[1], "--zone=libvirt"))
    text = test->zone;

  if (text == NULL)
    g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "FirewallD is not running");
  else
    *output = g_strdup (text);
  return text != NULL;
}

static VmrootFirewalldAnswer
ask (const Case *test, const gchar *interface, gchar **zone)
{
  g_autoptr (VmrootContext) context = vmroot_context_new ("/nonexistent");

  vmroot_context_set_run_func (context, run, (gpointer)test);
  return vmroot_firewalld_ask (context, interface, zone, NULL);
}

static void
test_case (gconstpointer data)
{
  const Case *test = data;
  g_autofree gchar *zone = NULL;

  g_assert_cmpint (ask (test, "virbr0", &zone), ==, test->answer);
  g_assert_cmpstr (zone, ==, test->answer == UNKNOWN && zone == NULL ? NULL : "libvirt");
}

static void
test_it_does_not_run (void)
{
  g_autofree gchar *zone = NULL;

  g_assert_cmpint (ask (NULL, "virbr0", &zone), ==, UNKNOWN);
}

/* Without a zone of its own, and nobody says which is the default. */
static void
test_another_interface (void)
{
  g_autofree gchar *zone = NULL;

  g_assert_cmpint (ask (&cases[0], "virbr1", &zone), ==, UNKNOWN);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *path = g_strconcat ("/firewalld/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_case);
    }
  g_test_add_func ("/firewalld/absent", test_it_does_not_run);
  g_test_add_func ("/firewalld/another-interface", test_another_interface);
  return g_test_run ();
}
