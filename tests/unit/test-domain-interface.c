/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib.h>

#include <string.h>

#include "canonical-xml.h"
#include "vmroot-domain-private.h"
#include "vmroot-error.h"

#define MAC "52:54:00:12:34:56"
#define DOMAIN(devices)                                                                            \
  "<domain type='kvm'>\n  <name>guest</name>\n"                                                    \
  "  <uuid>6e1c1b63-4b3f-4f2d-9d1e-5a3b1a2c3d4e</uuid>\n"                                          \
  "  <os><type>hvm</type></os>\n  <devices>\n" devices "  </devices>\n</domain>\n"
#define VIRTIO                                                                                     \
  "    <interface type='bridge'>\n      <mac address='52:54:00:12:34:56'/>\n"                      \
  "      <source bridge='br0'/>\n      <model type='virtio'/>\n    </interface>\n"

static VmrootSpec *
new_spec (void)
{
  VmrootSpec *spec = vmroot_spec_new ("/export/guest");

  g_object_set (spec, "transport", VMROOT_TRANSPORT_NFS, "network", "default", "address",
                "192.168.122.5/24", "mac-address", MAC, "server", "192.168.122.1", NULL);
  return spec;
}

static VmrootDomain *
parse (const gchar *xml)
{
  g_autoptr (GError) error = NULL;
  VmrootDomain *domain = vmroot_domain_new_from_xml (xml, &error);

  g_assert_no_error (error);
  return domain;
}

/* The domain `xml` with `spec`, as XML. */
static gchar *
set_spec (const gchar *xml, VmrootSpec *spec)
{
  g_autoptr (VmrootDomain) domain = parse (xml);
  g_autoptr (GError) error = NULL;

  g_assert_true (vmroot_domain_set_spec (domain, spec, &error));
  g_assert_no_error (error);
  return vmroot_domain_to_xml (domain);
}

static void
assert_comes_back (const gchar *xml)
{
  g_autoptr (VmrootSpec) spec = new_spec ();
  g_autofree gchar *with = set_spec (xml, spec);
  g_autofree gchar *without = set_spec (with, NULL);

  assert_same_canonical_xml (without, xml);
}

static void
test_interface_is_added (void)
{
  const gchar *xml = DOMAIN ("    <emulator>/usr/bin/qemu</emulator>\n");
  g_autoptr (VmrootSpec) spec = new_spec ();
  g_autofree gchar *with = set_spec (xml, spec);

  g_assert_nonnull (strstr (with, "    <interface type=\"network\">\n"
                                  "      <mac address=\"" MAC "\"/>\n"
                                  "      <source network=\"default\"/>\n"
                                  "      <model type=\"virtio\"/>\n"
                                  "      <filterref filter=\"clean-traffic\">\n"
                                  "        <parameter name=\"IP\" value=\"192.168.122.5\"/>\n"
                                  "      </filterref>\n"
                                  "    </interface>\n"));
  g_assert_nonnull (strstr (with, "<cmdline>root=/dev/nfs rw</cmdline>"));
  g_assert_null (strstr (with, "memoryBacking"));
  g_assert_null (strstr (with, "<filesystem"));
  assert_comes_back (xml);
}

/* To the address, and to the one that it has on its link. */
static void
test_ipv6 (void)
{
  const gchar *xml = DOMAIN ("    <emulator>/usr/bin/qemu</emulator>\n");
  g_autoptr (VmrootSpec) spec = new_spec ();
  g_autofree gchar *with = NULL;
  g_autofree gchar *without = NULL;

  g_object_set (spec, "address", "FD00::0:5/64", "server", "fd00::1", NULL);
  with = set_spec (xml, spec);

  g_assert_nonnull (strstr (with,
                            "      <filterref filter=\"vmroot-clean-traffic-ipv6\">\n"
                            "        <parameter name=\"IPV6\" value=\"fd00::5\"/>\n"
                            "        <parameter name=\"IPV6\" value=\"fe80::5054:ff:fe12:3456\""
                            "/>\n"
                            "      </filterref>\n"));
  without = set_spec (with, NULL);
  assert_same_canonical_xml (without, xml);
}

static void
test_interface_is_bound (void)
{
  g_autoptr (VmrootSpec) spec = new_spec ();
  g_autofree gchar *with = NULL;

  vmroot_spec_set_network (spec, NULL);
  with = set_spec (DOMAIN (VIRTIO), spec);

  g_assert_nonnull (strstr (with, "      <model type=\"virtio\"/>\n"
                                  "      <filterref filter=\"clean-traffic\">\n"));
  assert_comes_back (DOMAIN (VIRTIO));
}

/* What the user made of our interface meanwhile is the user's. */
static void
test_interface_changed_meanwhile (void)
{
  g_autoptr (VmrootSpec) spec = new_spec ();
  g_autofree gchar *with = set_spec (DOMAIN (""), spec);
  g_auto (GStrv) parts = g_strsplit (with, "<mac address=\"" MAC "\"/>", -1);
  g_autofree gchar *changed = g_strjoinv ("<mac address=\"52:54:00:00:00:01\"/>", parts);
  g_autofree gchar *without = set_spec (changed, NULL);

  g_assert_nonnull (strstr (without, "52:54:00:00:00:01"));
}

static void
test_own_initramfs (void)
{
  g_autoptr (VmrootSpec) spec = new_spec ();
  g_autofree gchar *with = NULL;

  g_object_set (spec, "boot-source", VMROOT_BOOT_SOURCE_GUEST, "gateway", "192.168.122.1", NULL);
  with = set_spec (DOMAIN (""), spec);

  g_assert_nonnull (strstr (with,
                            "<cmdline>root=/dev/nfs "
                            "nfsroot=192.168.122.1:/export/guest,vers=4.2,proto=tcp,actimeo=1 "
                            "ip=192.168.122.5::192.168.122.1:255.255.255.0:::none "
                            "BOOTIF=01-52-54-00-12-34-56 rw"
                            "</cmdline>"));
}

static void
assert_refused (const gchar *xml, VmrootSpec *spec, const gchar *name, const gchar *value)
{
  g_autoptr (VmrootDomain) domain = parse (xml);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *after = NULL;

  if (name != NULL)
    g_object_set (spec, name, value, NULL);
  g_assert_false (vmroot_domain_set_spec (domain, spec, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_SPEC);
  after = vmroot_domain_to_xml (domain);
  assert_same_canonical_xml (after, xml);
  g_object_unref (spec);
}

static void
test_refused (void)
{
  assert_refused (DOMAIN (""), new_spec (), "address", NULL);
  assert_refused (DOMAIN (""), new_spec (), "address", "192.168.122.5");
  assert_refused (DOMAIN (""), new_spec (), "server", NULL);
  assert_refused (DOMAIN (""), new_spec (), "server", "192.168.123.1");
  assert_refused (DOMAIN (""), new_spec (), "mac-address", NULL);
  assert_refused (DOMAIN (""), new_spec (), "network", NULL);
  assert_refused (DOMAIN ("<interface type='user'><mac address='52:54:00:12:34:56'/>"
                          "<model type='virtio'/></interface>"),
                  new_spec (), NULL, NULL);
  assert_refused (DOMAIN ("<interface type='network'><mac address='52:54:00:12:34:56'/>"
                          "<source network='default'/><model type='e1000'/></interface>"),
                  new_spec (), NULL, NULL);
  assert_refused (DOMAIN ("<interface type='network'><mac address='52:54:00:12:34:56'/>"
                          "<source network='other'/><model type='virtio'/></interface>"),
                  new_spec (), NULL, NULL);
  assert_refused (DOMAIN ("<interface type='bridge'><mac address='52:54:00:12:34:56'/>"
                          "<source bridge='br0'/><model type='virtio'/>"
                          "<filterref filter='mine'/></interface>"),
                  new_spec (), NULL, NULL);
}

/* The server may be elsewhere if there is a router. */
static void
test_router (void)
{
  g_autoptr (VmrootSpec) spec = new_spec ();
  g_autofree gchar *with = NULL;

  g_object_set (spec, "server", "192.0.2.1", "gateway", "192.168.122.1", NULL);
  with = set_spec (DOMAIN (""), spec);

  g_assert_nonnull (with);
}

/* The kernel's command line has no words for it. */
static void
test_own_initramfs_knows_no_ipv6 (void)
{
  VmrootSpec *spec = new_spec ();

  g_object_set (spec, "boot-source", VMROOT_BOOT_SOURCE_GUEST, "address", "fd00::5/64", NULL);
  assert_refused (DOMAIN (""), spec, "server", "fd00::1");
}

static void
test_find_source (void)
{
  g_autoptr (VmrootDomain) domain =
      parse (DOMAIN ("<interface type='bridge'><mac address='52:54:00:00:00:01'/>"
                     "<source bridge='br0'/></interface>"
                     "<interface type='network'><mac address='52:54:00:00:00:02'/>"
                     "<source network='default'/><filterref filter='mine'/></interface>"));
  g_autofree gchar *bridge = vmroot_domain_find_source (domain, "52:54:00:00:00:01", "bridge");
  g_autofree gchar *network = vmroot_domain_find_source (domain, "52:54:00:00:00:02", "network");

  g_assert_cmpstr (bridge, ==, "br0");
  g_assert_cmpstr (network, ==, "default");
  g_assert_null (vmroot_domain_find_source (domain, "52:54:00:00:00:01", "network"));
  g_assert_null (vmroot_domain_find_source (domain, MAC, "network"));
  g_assert_true (vmroot_domain_has_filter (domain, "mine"));
  g_assert_false (vmroot_domain_has_filter (domain, "other"));
}

static void
test_find_mac_address (void)
{
  g_autoptr (VmrootDomain) domain =
      parse (DOMAIN ("<interface type='user'><mac address='52:54:00:00:00:01'/></interface>"
                     "<interface type='network'><mac address='52:54:00:00:00:02'/>"
                     "<source network='default'/></interface>"));
  g_autofree gchar *first = vmroot_domain_find_mac_address (domain, NULL);
  g_autofree gchar *of_network = vmroot_domain_find_mac_address (domain, "default");

  g_assert_cmpstr (first, ==, "52:54:00:00:00:01");
  g_assert_cmpstr (of_network, ==, "52:54:00:00:00:02");
  g_assert_null (vmroot_domain_find_mac_address (domain, "other"));
  g_assert_true (vmroot_domain_has_mac_address (domain, "52:54:00:00:00:02"));
  g_assert_false (vmroot_domain_has_mac_address (domain, MAC));
}

static void
test_address_reserved (void)
{
  g_autoptr (VmrootDomain) domain = parse (DOMAIN (""));
  g_autoptr (VmrootSpec) spec = new_spec ();
  g_autoptr (GError) error = NULL;

  g_assert_false (vmroot_domain_get_address_reserved (domain));
  g_assert_true (vmroot_domain_set_spec (domain, spec, &error));
  g_assert_false (vmroot_domain_get_address_reserved (domain));
  vmroot_domain_set_address_reserved (domain);
  g_assert_true (vmroot_domain_get_address_reserved (domain));

  g_assert_true (vmroot_domain_set_spec (domain, spec, &error));
  g_assert_false (vmroot_domain_get_address_reserved (domain));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/domain-interface/added", test_interface_is_added);
  g_test_add_func ("/domain-interface/ipv6", test_ipv6);
  g_test_add_func ("/domain-interface/router", test_router);
  g_test_add_func ("/domain-interface/own-initramfs/ipv6", test_own_initramfs_knows_no_ipv6);
  g_test_add_func ("/domain-interface/find-source", test_find_source);
  g_test_add_func ("/domain-interface/bound", test_interface_is_bound);
  g_test_add_func ("/domain-interface/changed-meanwhile", test_interface_changed_meanwhile);
  g_test_add_func ("/domain-interface/own-initramfs", test_own_initramfs);
  g_test_add_func ("/domain-interface/refused", test_refused);
  g_test_add_func ("/domain-interface/find-mac-address", test_find_mac_address);
  g_test_add_func ("/domain-interface/address-reserved", test_address_reserved);
  return g_test_run ();
}
