/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "config.h"

#include <libxml/relaxng.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>
#include <string.h>

#include "canonical-xml.h"
#include "vmroot-domain-private.h"
#include "vmroot.h"

#define UUID "4dea22b3-1d52-d8f3-2516-782e98ab3fa0"
#define DOMAIN(inner)                                                                              \
  "<domain type='kvm'>\n  <name>guest</name>\n  <uuid>" UUID "</uuid>\n" inner "</domain>\n"
#define OS "  <os>\n    <type>hvm</type>\n  </os>\n"

#define KERNEL VMROOT_BOOT_DIRECTORY "/" UUID "/kernel"
#define INITRAMFS VMROOT_BOOT_DIRECTORY "/" UUID "/initramfs"

/* A domain with nothing special in it. */
static const gchar plain[] = DOMAIN (OS "  <devices>\n    <emulator>/usr/bin/qemu</emulator>\n"
                                        "  </devices>\n");

static VmrootDomain *
new_domain (const gchar *xml)
{
  g_autoptr (GError) error = NULL;
  VmrootDomain *domain = vmroot_domain_new_from_xml (xml, &error);

  g_assert_no_error (error);
  return domain;
}

static void
set_spec (VmrootDomain *domain, VmrootSpec *spec)
{
  g_autoptr (GError) error = NULL;

  vmroot_domain_set_spec (domain, spec, &error);
  g_assert_no_error (error);
}

/* `xml` with `spec` as its root, or with none; a specification of the directory alone if NULL. */
static gchar *
apply (const gchar *xml, VmrootSpec *spec)
{
  g_autoptr (VmrootDomain) domain = new_domain (xml);
  g_autoptr (VmrootSpec) simple = vmroot_spec_new ("/export/guest");

  set_spec (domain, spec != NULL ? spec : simple);
  return vmroot_domain_to_xml (domain);
}

static gchar *
take_out (const gchar *xml)
{
  g_autoptr (VmrootDomain) domain = new_domain (xml);

  set_spec (domain, NULL);
  return vmroot_domain_to_xml (domain);
}

/* The value of an XPath expression as a string. */
static gchar *
xpath (const gchar *xml, const gchar *expression)
{
  xmlDoc *document = xmlReadMemory (xml, (int)strlen (xml), NULL, NULL, XML_PARSE_NOENT);
  xmlXPathContext *context = xmlXPathNewContext (document);
  xmlXPathObject *object;
  xmlChar *string;
  gchar *copy;

  xmlXPathRegisterNs (context, BAD_CAST "v", BAD_CAST "urn:vmroot:domain:1");
  object = xmlXPathEvalExpression (BAD_CAST expression, context);
  g_assert_nonnull (object);
  string = xmlXPathCastToString (object);
  copy = g_strdup ((const gchar *)string);
  xmlFree (string);
  xmlXPathFreeObject (object);
  xmlXPathFreeContext (context);
  xmlFreeDoc (document);
  return copy;
}

static void
assert_xpath (const gchar *xml, const gchar *expression, const gchar *expected)
{
  g_autofree gchar *actual = xpath (xml, expression);

  if (g_strcmp0 (actual, expected) != 0)
    g_test_message ("%s in\n%s", expression, xml);
  g_assert_cmpstr (actual, ==, expected);
}

static gchar *
replace (const gchar *text, const gchar *old, const gchar *new)
{
  g_auto (GStrv) parts = g_strsplit (text, old, -1);

  if (parts[1] == NULL)
    g_error ("“%s” is not in\n%s", old, text);
  return g_strjoinv (new, parts);
}

/* What is written */

static void
test_virtiofs_elements (void)
{
  g_autofree gchar *xml = apply (plain, NULL);

  assert_xpath (xml, "count(/domain/devices/filesystem)", "1");
  assert_xpath (xml, "string(//filesystem/@type)", "mount");
  assert_xpath (xml, "string(//filesystem/@accessmode)", "passthrough");
  assert_xpath (xml, "string(//filesystem/driver/@type)", "virtiofs");
  assert_xpath (xml, "string(//filesystem/driver/@queue)", "1024");
  assert_xpath (xml, "string(//filesystem/binary/@path)", VMROOT_WRAPPERDIR "/vmroot-virtiofsd");
  assert_xpath (xml, "string(//filesystem/binary/@xattr)", "on");
  assert_xpath (xml, "count(//filesystem/binary/cache)", "0");
  assert_xpath (xml, "string(//filesystem/source/@dir)", "/export/guest");
  assert_xpath (xml, "string(//filesystem/target/@dir)", "vmroot");
  assert_xpath (xml, "string(/domain/memoryBacking/source/@type)", "memfd");
  assert_xpath (xml, "string(/domain/memoryBacking/access/@mode)", "shared");
  assert_xpath (xml, "string(/domain/os/kernel)", KERNEL);
  assert_xpath (xml, "string(/domain/os/initrd)", INITRAMFS);
  assert_xpath (xml, "string(/domain/os/cmdline)", "root=vmroot rootfstype=virtiofs rw");
  assert_xpath (xml, "string(/domain/metadata/v:root/@uuid)", UUID);
  assert_xpath (xml, "string(/domain/metadata/v:root/@version)", "1");
}

static void
test_new_elements_stand_on_lines_of_their_own (void)
{
  g_autofree gchar *xml = apply (plain, NULL);

  g_test_message ("%s", xml);
  g_assert_nonnull (strstr (xml, "</emulator>\n    <filesystem type=\"mount\""));
  g_assert_nonnull (strstr (xml, ">\n      <driver type=\"virtiofs\""));
  g_assert_nonnull (strstr (xml, "/>\n    </filesystem>\n  </devices>\n</domain>"));
  g_assert_nonnull (strstr (xml, "\n  <memoryBacking>\n    <source type=\"memfd\"/>\n"));
}

static void
test_properties_show_in_the_elements (void)
{
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/a & b");
  g_autoptr (VmrootShare) packages = vmroot_share_new ("/srv/packages", "/var/cache", TRUE);
  g_autoptr (VmrootShare) home = vmroot_share_new ("/home/guest", "/home", FALSE);
  g_autofree gchar *xml = NULL;

  g_object_set (spec, "tag", "my-root", "cache", VMROOT_CACHE_ALWAYS, "read-only", TRUE,
                "kernel-args", "console=ttyS0 debug", NULL);
  vmroot_spec_add_share (spec, packages);
  vmroot_spec_add_share (spec, home);
  xml = apply (plain, spec);

  assert_xpath (xml, "string(/domain/os/cmdline)",
                "root=my-root rootfstype=virtiofs ro console=ttyS0 debug");
  assert_xpath (xml, "count(//filesystem)", "3");
  assert_xpath (xml, "count(//filesystem/binary/cache[@mode='always'])", "3");
  assert_xpath (xml, "string(//filesystem[target/@dir='my-root']/source/@dir)", "/export/a & b");
  assert_xpath (xml, "string(//filesystem[target/@dir='vmroot-share-1']/source/@dir)",
                "/srv/packages");
  assert_xpath (xml, "string(//filesystem[target/@dir='vmroot-share-2']/source/@dir)",
                "/home/guest");
}

static void
test_a_spec_comes_back_as_it_went_in (void)
{
  g_autoptr (VmrootDomain) domain = new_domain (plain);
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/Wörter \"&\" <>'");
  g_autoptr (VmrootShare) share = vmroot_share_new ("/srv/packages", "/var/cache", TRUE);
  g_autoptr (VmrootTmpfs) tmpfs = vmroot_tmpfs_new ("/var/tmp", G_MAXUINT64);
  g_autoptr (VmrootSpec) read = NULL;
  g_autoptr (GPtrArray) shares = NULL;
  g_autoptr (GPtrArray) memory = NULL;
  g_autofree GParamSpec **properties = NULL;
  g_autoptr (GError) error = NULL;
  guint n;

  g_object_set (spec, "tag", "my-root", "xattrs", VMROOT_XATTRS_SELINUX, "cache",
                VMROOT_CACHE_ALWAYS, "network", "default net", "address", "192.0.2.7/24",
                "mac-address", "52:54:00:12:34:56", "server", "192.0.2.1", "gateway", "192.0.2.2",
                "kernel", "6.1.0-1-amd64", "kernel-args", "name=\"two words\"", "read-only", TRUE,
                "ephemeral", TRUE, "on-failure", VMROOT_ON_FAILURE_SHELL, NULL);
  vmroot_spec_add_share (spec, share);
  vmroot_spec_add_tmpfs (spec, tmpfs);
  vmroot_spec_set_run_file (spec, "systemd/network/a", "\n[Match]\r\n\tName=*\n");
  vmroot_spec_set_run_file (spec, "blank", " \n");
  vmroot_spec_set_run_file (spec, "empty", "");
  set_spec (domain, spec);

  read = vmroot_domain_get_spec (domain, &error);
  g_assert_no_error (error);

  properties = g_object_class_list_properties (G_OBJECT_GET_CLASS (spec), &n);
  for (guint i = 0; i < n; i++)
    {
      g_auto (GValue) a = G_VALUE_INIT;
      g_auto (GValue) b = G_VALUE_INIT;

      g_object_get_property (G_OBJECT (spec), properties[i]->name, &a);
      g_object_get_property (G_OBJECT (read), properties[i]->name, &b);
      g_assert_cmpint (g_param_values_cmp (properties[i], &a, &b), ==, 0);
    }
  shares = vmroot_spec_list_shares (read);
  g_assert_cmpuint (shares->len, ==, 1);
  g_assert_cmpstr (vmroot_share_get_mount_point (shares->pdata[0]), ==, "/var/cache");
  g_assert_true (vmroot_share_get_read_only (shares->pdata[0]));
  memory = vmroot_spec_list_tmpfs (read);
  g_assert_cmpuint (memory->len, ==, 1);
  g_assert_cmpuint (vmroot_tmpfs_get_size (memory->pdata[0]), ==, G_MAXUINT64);
  g_assert_cmpstr (vmroot_spec_get_run_file (read, "systemd/network/a"), ==,
                   "\n[Match]\r\n\tName=*\n");
  g_assert_cmpstr (vmroot_spec_get_run_file (read, "blank"), ==, " \n");
  g_assert_cmpstr (vmroot_spec_get_run_file (read, "empty"), ==, "");
}

static void
test_arguments_of_the_user_are_kept (void)
{
  g_autofree gchar *before =
      replace (plain, "</type>", "</type><cmdline>quiet root=/dev/vda1 ro  console=tty0</cmdline>");
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/guest");
  g_autofree gchar *xml = NULL;

  vmroot_spec_set_kernel_args (spec, "quiet debug");
  xml = apply (before, spec);

  assert_xpath (xml, "string(/domain/os/cmdline)",
                "root=vmroot rootfstype=virtiofs rw quiet debug console=tty0");
}

static void
test_memory_is_shared_in_the_form_that_is_there (void)
{
  static const struct
  {
    const gchar *name;
    const gchar *before;
    const gchar *after; /* without indentation */
  } cases[] = {
    { "none", "", "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>" },
    { "empty", "<memoryBacking/>",
      "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>" },
    { "locked", "<memoryBacking><locked/></memoryBacking>",
      "<memoryBacking><locked/><source type='memfd'/><access mode='shared'/></memoryBacking>" },
    { "shared already",
      "<memoryBacking><access mode='shared'/><source type='file'/></memoryBacking>",
      "<memoryBacking><access mode='shared'/><source type='file'/></memoryBacking>" },
    { "file", "<memoryBacking><source type='file'/></memoryBacking>",
      "<memoryBacking><source type='file'/><access mode='shared'/></memoryBacking>" },
    { "anonymous", "<memoryBacking><source type='anonymous'/></memoryBacking>",
      "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>" },
    { "private", "<memoryBacking><source type='memfd'/><access mode='private'/></memoryBacking>",
      "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>" },
    { "huge pages", "<memoryBacking><hugepages><page size='2048'/></hugepages></memoryBacking>",
      "<memoryBacking><hugepages><page size='2048'/></hugepages><access mode='shared'/>"
      "</memoryBacking>" },
    { "shared cells",
      "<cpu><numa><cell memory='1' memAccess='shared'/><cell memory='1' memAccess='shared'/></numa>"
      "</cpu>",
      "<cpu><numa><cell memory='1' memAccess='shared'/><cell memory='1' memAccess='shared'/></numa>"
      "</cpu>" },
    { "private cell",
      "<cpu><numa><cell memory='1' memAccess='private'/><cell memory='1' memAccess='shared'/>"
      "</numa></cpu>",
      "<cpu><numa><cell memory='1' memAccess='shared'/><cell memory='1' memAccess='shared'/></numa>"
      "</cpu>" },
    { "cells that leave it open",
      "<memoryBacking><hugepages/></memoryBacking>"
      "<cpu><numa><cell memory='1' memAccess='shared'/><cell memory='1'/></numa></cpu>",
      "<memoryBacking><hugepages/><access mode='shared'/></memoryBacking>"
      "<cpu><numa><cell memory='1' memAccess='shared'/><cell memory='1'/></numa></cpu>" },
    { "memory devices",
      "<memoryBacking><access mode='shared'/><source type='memfd'/></memoryBacking><devices>"
      "<memory model='dimm' access='private'/><memory model='dimm'/>"
      "<memory model='virtio-mem' access='private'/><memory model='nvdimm' access='private'/>"
      "</devices>",
      "<memoryBacking><access mode='shared'/><source type='memfd'/></memoryBacking><devices>"
      "<memory model='dimm' access='shared'/><memory model='dimm'/>"
      "<memory model='virtio-mem' access='shared'/><memory model='nvdimm' access='private'/>"
      "</devices>" },
  };
  const gchar *const expression =
      "/domain/*[self::memoryBacking or self::cpu]/descendant-or-self::*"
      "| /domain/devices/memory";

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *before =
          g_strdup_printf ("<domain type='kvm'><uuid>" UUID "</uuid>%s</domain>", cases[i].before);
      g_autofree gchar *after = g_strdup_printf ("<domain type='kvm'>%s</domain>", cases[i].after);
      g_autofree gchar *xml = apply (before, NULL);
      g_autofree gchar *restored = take_out (xml);
      g_autofree gchar *count = g_strdup_printf ("count(%s)", expression);
      g_autofree gchar *n = xpath (after, count);

      g_test_message ("%s", cases[i].name);
      assert_xpath (xml, count, n);
      for (guint j = 1; j <= (guint)g_ascii_strtoull (n, NULL, 10); j++)
        {
          g_autofree gchar *describe = g_strdup_printf (
              "concat(name((%s)[%u]), ' ', (%s)[%u]/@type, (%s)[%u]/@mode, (%s)[%u]/@memAccess, "
              "(%s)[%u]/@access)",
              expression, j, expression, j, expression, j, expression, j, expression, j);
          g_autofree gchar *expected = xpath (after, describe);

          assert_xpath (xml, describe, expected);
        }
      assert_same_canonical_xml (restored, before);
    }
}

/* What is taken out */

static const struct
{
  const gchar *name;
  const gchar *xml;
} documents[] = {
  { "plain", plain },
  { "nothing but the element", "<domain/>" },
  { "nothing but a name", "<domain type='kvm'><name>guest</name></domain>" },
  { "no devices", DOMAIN (OS) },
  { "no os", DOMAIN ("  <devices/>\n") },
  { "empty devices", DOMAIN (OS "  <devices/>\n") },
  { "blank devices", DOMAIN (OS "  <devices>\n\n  </devices>\n") },
  { "compact", "<domain type='kvm'><name>a</name><os><type>hvm</type></os><devices><emulator>/q"
               "</emulator></devices></domain>" },
  { "tabs and blank lines",
    "<domain type='kvm'>\n\n\t<name>a</name>\n\n\n\t<os>\n\t\t<type>hvm"
    "</type>\n\n\t</os>\t\n\n\t<devices>\n\n\t\t<emulator/>\t\n\n\t</devices>"
    "\n\n\n</domain>" },
  { "carriage returns",
    "<domain type='kvm'>\r\n  <name>a</name>\r\n  <devices>\r\n  </devices>\r\n</domain>\r\n" },
  { "text where none belongs",
    "<domain type='kvm'>a<name>a</name>b<os>c<type>hvm</type>d</os><devices> e "
    "</devices>f</domain>" },
  { "comments everywhere",
    "<!-- 1 -->\n<?pi 2?>\n<domain type='kvm'><!-- 3 -->\n  <name>a</name><!-- 4 -->\n  <os><!-- 5 "
    "-->"
    "\n    <type>hvm</type>\n    <!-- 6 --></os>\n  <devices>\n    <!-- 7 -->\n  </devices>\n"
    "  <!-- 8 -->\n</domain>\n<!-- 9 -->" },
  { "its own kernel",
    DOMAIN ("  <os>\n    <type>hvm</type>\n    <kernel>/boot/vmlinuz</kernel>\n"
            "    <initrd>/boot/initrd</initrd>\n    <cmdline>root=/dev/vda1  ro quiet</cmdline>\n"
            "  </os>\n") },
  { "its own kernel, oddly",
    DOMAIN (
        "  <os>\n    <type>hvm</type>\n    <kernel x='y'>\n /boot/<!-- a -->vmlinuz\n</kernel>\n"
        "    <initrd/>\n    <cmdline><![CDATA[a <b> & c]]> &lt;d&gt;<?e f?></cmdline>\n"
        "  </os>\n") },
  { "its own file systems",
    DOMAIN (OS "  <devices>\n    <filesystem type='mount'><source dir='/a'/><target dir='a'/>"
               "</filesystem>\n    <interface type='user'/>\n    <filesystem><target dir='b'/>"
               "</filesystem>\n  </devices>\n") },
  { "its own metadata", DOMAIN ("  <metadata>\n    <a:a xmlns:a='urn:a'><a:b> c </a:b></a:a>\n"
                                "    <d xmlns='urn:d'/>\n  </metadata>\n" OS) },
  { "empty metadata", DOMAIN ("  <metadata/>\n" OS) },
  { "namespaces", "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' "
                  "xmlns:vmroot='urn:vmroot:domain:1'>\n  <name>a</name>\n"
                  "  <qemu:commandline>\n    <qemu:arg value='-s'/>\n  </qemu:commandline>\n"
                  "</domain>" },
  { "entities", "<!DOCTYPE domain [<!ENTITY k '/boot/&v;'><!ENTITY v 'vm&#38;#38;linuz'>"
                "<!ENTITY o 'quiet <!-- x -->'>]>\n"
                "<domain type='kvm'>\n  <name>&v;</name>\n  <title>&#169; &amp; &k;</title>\n"
                "  <os><type>hvm</type><kernel>&k;</kernel><cmdline>&o; a='&v;'</cmdline></os>\n"
                "  <description a='&v;'/>\n</domain>" },
  { "CDATA", DOMAIN ("  <description><![CDATA[<b> ]]>&amp; <![CDATA[c]]></description>\n" OS) },
  { "a declaration", "<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n<domain/>" },
  { "upper case UUID",
    "<domain type='kvm'><uuid> 4DEA22B31D52D8F32516782E98AB3FA0\n</uuid></domain>" },
  { "huge pages", DOMAIN ("  <memoryBacking>\n    <hugepages/>\n  </memoryBacking>\n" OS) },
  { "private memory",
    DOMAIN ("  <memoryBacking>\n    <access mode='private'/>\n    <source type='anonymous'/>\n"
            "  </memoryBacking>\n" OS) },
  { "cells", DOMAIN (OS "  <cpu>\n    <numa>\n      <cell id='1' memory='1' memAccess='private'/>\n"
                        "      <cell id='0' memory='1' memAccess='private'/>\n    </numa>\n"
                        "  </cpu>\n") },
};

static void
test_taken_out_the_document_is_what_it_was (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (documents); i++)
    {
      g_autofree gchar *with = apply (documents[i].xml, NULL);
      g_autofree gchar *without = take_out (with);

      g_test_message ("%s", documents[i].name);
      assert_same_canonical_xml (without, documents[i].xml);
    }
}

static void
test_applied_twice_is_applied_once (void)
{
  g_autoptr (VmrootSpec) other = vmroot_spec_new ("/export/other");
  g_autoptr (VmrootShare) share = vmroot_share_new ("/srv/packages", "/var/cache", TRUE);

  g_object_set (other, "tag", "other", "kernel-args", "debug", NULL);
  vmroot_spec_add_share (other, share);

  for (guint i = 0; i < G_N_ELEMENTS (documents); i++)
    {
      g_autofree gchar *once = apply (documents[i].xml, NULL);
      g_autofree gchar *changed = apply (once, other);
      g_autofree gchar *back = apply (changed, NULL);
      g_autofree gchar *without = take_out (back);

      g_test_message ("%s", documents[i].name);
      if (strstr (documents[i].xml, "<uuid>") != NULL)
        g_assert_cmpstr (back, ==, once);
      assert_same_canonical_xml (without, documents[i].xml);
    }
}

static void
test_nothing_to_take_out (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (documents); i++)
    {
      g_autofree gchar *without = take_out (documents[i].xml);

      assert_same_canonical_xml (without, documents[i].xml);
    }
}

static void
test_what_others_do_with_libxml2_does_not_matter (void)
{
  int blanks = xmlKeepBlanksDefault (0);
  int indentation = xmlIndentTreeOutput;
  g_autofree gchar *with = apply (plain, NULL);
  g_autofree gchar *without = take_out (with);

  g_assert_cmpint (xmlKeepBlanksDefault (blanks), ==, 0);
  xmlIndentTreeOutput = indentation;
  assert_same_canonical_xml (without, plain);
}

static void
test_one_document_can_be_edited_again_and_again (void)
{
  g_autoptr (VmrootDomain) domain = new_domain (plain);
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/guest");
  g_autofree gchar *xml = NULL;

  for (guint i = 0; i < 3; i++)
    {
      set_spec (domain, spec);
      set_spec (domain, spec);
      set_spec (domain, NULL);
      set_spec (domain, NULL);
    }

  xml = vmroot_domain_to_xml (domain);
  assert_same_canonical_xml (xml, plain);
}

/* Applies to `before`, replaces `old` by `new` in the result as somebody else would, takes the root
 * out, and expects `after`. */
static void
assert_edit_survives (const gchar *before, const gchar *old, const gchar *new, const gchar *after)
{
  g_autofree gchar *applied = apply (before, NULL);
  g_autofree gchar *edited = replace (applied, old, new);
  g_autofree gchar *without = take_out (edited);

  assert_same_canonical_xml (without, after);
}

static void
test_what_others_added_stays (void)
{
  g_autofree gchar *with_disk =
      replace (plain, "</emulator>\n", "</emulator>\n    <disk type='file'/>\n");
  g_autofree gchar *with_interface =
      replace (plain, "</emulator>\n", "</emulator>\n    <interface type='user'/>\n");
  g_autofree gchar *with_title =
      replace (plain, "</uuid>\n", "</uuid>\n  <title>A guest</title>\n");
  g_autofree gchar *with_boot = replace (plain, "</type>\n", "</type>\n    <boot dev='hd'/>\n");

  assert_edit_survives (plain, "</emulator>\n", "</emulator>\n    <disk type='file'/>\n",
                        with_disk);
  assert_edit_survives (plain, "</filesystem>\n", "</filesystem>\n    <interface type='user'/>\n",
                        with_interface);
  assert_edit_survives (plain, "</uuid>\n", "</uuid>\n  <title>A guest</title>\n", with_title);
  assert_edit_survives (plain, "</type>\n", "</type>\n    <boot dev='hd'/>\n", with_boot);
}

static void
test_what_others_put_into_our_elements_stays (void)
{
  g_autofree gchar *foreign = replace (
      plain, "</uuid>\n", "</uuid>\n  <metadata>\n    <a xmlns='urn:a'/>\n  </metadata>\n");
  g_autofree gchar *applied = apply (plain, NULL);
  g_autofree gchar *with_locked = replace (applied, "<access mode=\"shared\"/>\n",
                                           "<access mode=\"shared\"/>\n    <locked/>\n");
  g_autofree gchar *without = take_out (with_locked);

  assert_xpath (without, "count(/domain/memoryBacking/*)", "1");
  assert_xpath (without, "count(/domain/memoryBacking/locked)", "1");
  assert_edit_survives (plain, "</vmroot:root>\n", "</vmroot:root>\n    <a xmlns='urn:a'/>\n",
                        foreign);
}

static void
test_what_others_changed_of_ours_stays (void)
{
  g_autofree gchar *applied = apply (plain, NULL);
  g_autofree gchar *kernel = replace (applied, KERNEL "</kernel>", "/boot/mine</kernel>");
  g_autofree gchar *without_ours = take_out (kernel);
  g_autofree gchar *file = replace (applied, "<source type=\"memfd\"/>", "<source type='file'/>");
  g_autofree gchar *with_file = take_out (file);

  assert_xpath (without_ours, "string(/domain/os/kernel)", "/boot/mine");
  assert_xpath (without_ours, "count(/domain/os/*)", "2");
  assert_xpath (with_file, "string(/domain/memoryBacking/source/@type)", "file");
  assert_xpath (with_file, "count(/domain/memoryBacking/*)", "1");
}

static void
test_of_a_changed_command_line_only_ours_goes (void)
{
  g_autofree gchar *own =
      replace (plain, "</type>", "</type><cmdline>root=/dev/vda1 quiet</cmdline>");
  g_autofree gchar *own_debug =
      replace (plain, "</type>", "</type><cmdline>root=/dev/vda1 quiet debug</cmdline>");
  g_autofree gchar *applied = apply (plain, NULL);
  g_autofree gchar *with_debug = replace (applied, "virtiofs rw<", "virtiofs rw debug<");
  g_autofree gchar *without = take_out (with_debug);

  assert_edit_survives (own, "rw quiet<", "rw quiet debug<", own_debug);
  assert_xpath (without, "string(/domain/os/cmdline)", "debug");
  assert_edit_survives (plain, "virtiofs rw<", "virtiofs<", plain);
}

static void
test_what_others_removed_stays_removed (void)
{
  g_autofree gchar *own = replace (plain, "</type>", "</type><kernel>/boot/a</kernel>");
  g_autofree gchar *applied = apply (own, NULL);
  g_autofree gchar *without_kernel = replace (applied, "<kernel>" KERNEL "</kernel>", "");
  g_autofree gchar *without = take_out (without_kernel);

  assert_same_canonical_xml (without, plain);
}

static void
test_shared_memory_stays_for_who_needs_it (void)
{
  const gchar *const device =
      "<filesystem type='mount'><driver type='virtiofs'/><source dir='/a'/><target dir='a'/>"
      "</filesystem>";
  g_autofree gchar *new_device = g_strconcat (device, "\n  </devices>", NULL);
  g_autofree gchar *had_one = replace (plain, "</devices>", new_device);
  g_autofree gchar *applied = apply (plain, NULL);
  g_autofree gchar *with_device = replace (applied, "</devices>", new_device);
  g_autofree gchar *without = take_out (with_device);
  g_autofree gchar *applied_to_one = apply (had_one, NULL);
  g_autofree gchar *restored = take_out (applied_to_one);

  assert_xpath (without, "string(/domain/memoryBacking/access/@mode)", "shared");
  assert_xpath (without, "string(/domain/memoryBacking/source/@type)", "memfd");
  assert_xpath (without, "count(//filesystem)", "1");
  assert_same_canonical_xml (restored, had_one);
}

/* As libvirt's define and dumpxml do: no comments, no blank text, indented anew, defaults filled
 * in, other order. */
static gchar *
reformat (const gchar *xml)
{
  xmlDoc *document = xmlReadMemory (xml, (int)strlen (xml), NULL, NULL, XML_PARSE_NOBLANKS);
  xmlChar *formatted;
  g_autofree gchar *plain_xml = NULL;
  g_autofree gchar *with_address = NULL;
  g_autoptr (GRegex) comments = g_regex_new ("<!--.*?-->", G_REGEX_DOTALL, 0, NULL);
  gchar *result;
  int size;

  xmlDocDumpFormatMemory (document, &formatted, &size, 1);
  plain_xml = g_regex_replace_literal (comments, (const gchar *)formatted, -1, 0, "", 0, NULL);
  xmlFree (formatted);
  xmlFreeDoc (document);

  with_address = replace (plain_xml, "</filesystem>",
                          "<alias name='fs0'/><address type='pci' slot='0x02'/></filesystem>");
  result = replace (with_address, "</os>", "<boot dev='hd'/></os>");
  return result;
}

static void
test_found_again_in_what_libvirt_made_of_it (void)
{
  g_autofree gchar *own = replace (
      plain, "</type>\n", "</type>\n    <kernel>/boot/a</kernel>\n    <cmdline>quiet</cmdline>\n");
  g_autofree gchar *applied = apply (own, NULL);
  g_autofree gchar *reformatted = reformat (applied);
  g_autofree gchar *without = take_out (reformatted);

  assert_xpath (without, "count(//filesystem)", "0");
  assert_xpath (without, "count(/domain/metadata)", "0");
  assert_xpath (without, "count(/domain/memoryBacking)", "0");
  assert_xpath (without, "string(/domain/os/kernel)", "/boot/a");
  assert_xpath (without, "string(/domain/os/cmdline)", "quiet");
  assert_xpath (without, "count(/domain/os/*)", "4");
  assert_xpath (without, "count(/domain/*)", "4");
  assert_xpath (without, "count(//devices/*)", "1");
}

static void
test_numbered_cells_are_found_in_another_order (void)
{
  g_autofree gchar *before =
      replace (plain, "</uuid>",
               "</uuid><cpu><numa><cell id='0' memory='1' memAccess='shared'/>"
               "<cell id='1' memory='1' memAccess='private'/></numa></cpu>");
  g_autofree gchar *applied = apply (before, NULL);
  g_autofree gchar *turned = replace (applied,
                                      "<cell id=\"0\" memory=\"1\" memAccess=\"shared\"/>"
                                      "<cell id=\"1\" memory=\"1\" memAccess=\"shared\"/>",
                                      "<cell id=\"1\" memory=\"1\" memAccess=\"shared\"/>"
                                      "<cell id=\"0\" memory=\"1\" memAccess=\"shared\"/>");
  g_autofree gchar *without = take_out (turned);

  assert_xpath (without, "string(//cell[@id='1']/@memAccess)", "private");
  assert_xpath (without, "string(//cell[@id='0']/@memAccess)", "shared");
}

/* A domain without a UUID */

static void
test_a_uuid_is_chosen_where_there_is_none (void)
{
  const gchar *const nameless = "<domain type='kvm'>\n  <name>a</name>\n</domain>";
  g_autoptr (VmrootDomain) domain = new_domain (nameless);
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/guest");
  g_autofree gchar *uuid = NULL;
  g_autofree gchar *kernel = NULL;
  g_autofree gchar *xml = NULL;

  g_assert_null (vmroot_domain_get_uuid (domain));
  set_spec (domain, spec);
  uuid = vmroot_domain_get_uuid (domain);
  xml = vmroot_domain_to_xml (domain);
  kernel = g_strdup_printf (VMROOT_BOOT_DIRECTORY "/%s/kernel", uuid);

  g_assert_true (g_uuid_string_is_valid (uuid));
  assert_xpath (xml, "string(/domain/os/kernel)", kernel);
  assert_xpath (xml, "string(/domain/metadata/v:root/@uuid)", uuid);
}

static void
test_a_chosen_uuid_stays_once_libvirt_has_it (void)
{
  const gchar *const nameless = "<domain type='kvm'>\n  <name>a</name>\n</domain>";
  g_autofree gchar *applied = apply (nameless, NULL);
  g_autofree gchar *defined = reformat (applied);
  g_autofree gchar *without = take_out (defined);
  g_autofree gchar *uuid = xpath (applied, "string(/domain/uuid)");

  assert_xpath (without, "string(/domain/uuid)", uuid);
}

/* Encodings */

static void
assert_round_trip_of_bytes (const gchar *data, gssize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size >= 0 ? (gsize)size : strlen (data));
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootDomain) domain = vmroot_domain_new_from_bytes (bytes, &error);
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/Wurzel ü");
  g_autofree gchar *with = NULL;
  g_autofree gchar *without = NULL;
  g_autofree gchar *name = NULL;
  g_autofree gchar *expected =
      canonical_xml (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  g_autofree gchar *actual = NULL;

  g_assert_no_error (error);
  name = vmroot_domain_get_name (domain);
  g_assert_cmpstr (name, ==, "Gäst");
  set_spec (domain, spec);
  with = vmroot_domain_to_xml (domain);
  g_assert_true (g_utf8_validate (with, -1, NULL));
  without = take_out (with);
  actual = canonical_xml (without, strlen (without));
  g_assert_cmpstr (actual, ==, expected);
}

static void
test_encodings_and_byte_order_marks (void)
{
  const gchar *const utf16 =
      "<?xml version='1.0' encoding='UTF-16'?>\n<domain><name>Gäst</name></domain>";
  g_autofree gchar *little = NULL;
  g_autofree gchar *big = NULL;
  gsize size;

  assert_round_trip_of_bytes ("<domain><name>Gäst</name></domain>", -1);
  assert_round_trip_of_bytes ("\xef\xbb\xbf<domain><name>Gäst</name></domain>", -1);
  assert_round_trip_of_bytes (
      "<?xml version='1.0' encoding='ISO-8859-1'?><domain><name>G\xe4st</name></domain>", -1);

  little = g_convert (utf16, -1, "UTF-16", "UTF-8", NULL, &size, NULL); /* with a mark */
  assert_round_trip_of_bytes (little, (gssize)size);
  big = g_convert (utf16, -1, "UTF-16BE", "UTF-8", NULL, &size, NULL);
  assert_round_trip_of_bytes (big, (gssize)size);
}

static void
test_a_string_is_utf8_whatever_it_says (void)
{
  const gchar *const documents_of_strings[] = {
    "<?xml version='1.0' encoding='UTF-16'?><domain><name>Gäst</name></domain>",
    "<?xml version='1.0' encoding='ISO-8859-1'?><domain><name>Gäst</name></domain>",
    "\xef\xbb\xbf<?xml version='1.0'?><domain><name>Gäst</name></domain>",
  };

  for (guint i = 0; i < G_N_ELEMENTS (documents_of_strings); i++)
    {
      g_autoptr (VmrootDomain) domain = new_domain (documents_of_strings[i]);
      g_autofree gchar *name = vmroot_domain_get_name (domain);
      g_autofree gchar *xml = apply (documents_of_strings[i], NULL);
      g_autoptr (VmrootDomain) again = new_domain (xml);
      g_autofree gchar *same = vmroot_domain_get_name (again);

      g_assert_cmpstr (name, ==, "Gäst");
      g_assert_cmpstr (same, ==, "Gäst");
    }
}

static void
test_a_declaration_comes_and_goes_with_the_document (void)
{
  g_autofree gchar *without = apply ("<domain/>", NULL);
  g_autofree gchar *with = apply ("<?xml version='1.0'?><domain/>", NULL);

  g_assert_true (g_str_has_prefix (without, "<domain"));
  g_assert_true (g_str_has_prefix (with, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"));
}

/* What a document says of itself */

static void
test_name_uuid_and_id (void)
{
  g_autoptr (VmrootDomain) running =
      new_domain ("<domain id='7'><name>a&amp;b</name>"
                  "<uuid> 4DEA22B31D52D8F32516782E98AB3FA0 </uuid></domain>");
  g_autoptr (VmrootDomain) stopped = new_domain ("<domain/>");
  g_autoptr (VmrootDomain) odd = new_domain ("<domain id='-1'/>");
  g_autofree gchar *name = vmroot_domain_get_name (running);
  g_autofree gchar *uuid = vmroot_domain_get_uuid (running);

  g_assert_cmpstr (name, ==, "a&b");
  g_assert_cmpstr (uuid, ==, UUID);
  g_assert_cmpint (vmroot_domain_get_id (running), ==, 7);
  g_assert_null (vmroot_domain_get_name (stopped));
  g_assert_null (vmroot_domain_get_uuid (stopped));
  g_assert_cmpint (vmroot_domain_get_id (stopped), ==, -1);
  g_assert_cmpint (vmroot_domain_get_id (odd), ==, -1);
}

/* Bad input */

static gchar *
nested (guint depth)
{
  g_autoptr (GString) xml = g_string_new ("<domain>");

  for (guint i = 0; i < depth; i++)
    g_string_append (xml, "<a>");
  for (guint i = 0; i < depth; i++)
    g_string_append (xml, "</a>");
  g_string_append (xml, "</domain>");
  return g_string_free (g_steal_pointer (&xml), FALSE);
}

static gchar *
entity_bomb (const gchar *use)
{
  g_autoptr (GString) xml = g_string_new ("<!DOCTYPE domain [<!ENTITY e0 '0123456789'>");

  for (guint i = 1; i < 10; i++)
    {
      g_string_append_printf (xml, "<!ENTITY e%u '", i);
      for (guint j = 0; j < 10; j++)
        g_string_append_printf (xml, "&e%u;", i - 1);
      g_string_append (xml, "'>");
    }
  g_string_append_printf (xml, "]>%s", use);
  return g_string_free (g_steal_pointer (&xml), FALSE);
}

/* No entity holds another: one long one, often. */
static gchar *
flat_entity_bomb (void)
{
  g_autofree gchar *text = g_strnfill (1000 * 1000, 'x');
  g_autoptr (GString) xml = g_string_new (NULL);

  g_string_append_printf (xml, "<!DOCTYPE domain [<!ENTITY e '%s'>]><domain><os><kernel>", text);
  for (guint i = 0; i < 10 * 1000; i++)
    g_string_append (xml, "&e;");
  g_string_append (xml, "</kernel></os></domain>");
  return g_string_free (g_steal_pointer (&xml), FALSE);
}

static void
assert_not_read (const gchar *xml, gssize size, VmrootError code)
{
  g_autoptr (GBytes) bytes = g_bytes_new (xml, size >= 0 ? (gsize)size : strlen (xml));
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) bytes_error = NULL;

  if (size < 0)
    {
      g_assert_null (vmroot_domain_new_from_xml (xml, &error));
      g_assert_error (error, VMROOT_ERROR, (int)code);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
    }
  g_assert_null (vmroot_domain_new_from_bytes (bytes, &bytes_error));
  g_assert_error (bytes_error, VMROOT_ERROR, (int)code);
}

static void
test_what_is_not_xml (void)
{
  const gchar *const broken[] = { "",
                                  " ",
                                  "domain",
                                  "<domain>",
                                  "<domain></os></domain>",
                                  "<a/><b/>",
                                  "<domain>&x;</domain>",
                                  "<domain a='1' a='2'/>",
                                  "<domain>\x01</domain>",
                                  "<domain>\xff\xfe</domain>",
                                  "\xef\xbb\xbf" };

  for (guint i = 0; i < G_N_ELEMENTS (broken); i++)
    assert_not_read (broken[i], -1, VMROOT_ERROR_XML_SYNTAX);
  assert_not_read ("<domain>\0</domain>", 18, VMROOT_ERROR_XML_SYNTAX);
}

static void
test_what_is_not_a_domain (void)
{
  const gchar *const others[] = { "<network/>",
                                  "<domainsnapshot><domain/></domainsnapshot>",
                                  "<domain xmlns='urn:other'/>",
                                  "<o:domain xmlns:o='urn:other'/>",
                                  "<domain><uuid/></domain>",
                                  "<domain><uuid>4dea22b3</uuid></domain>",
                                  "<domain><uuid>" UUID "0</uuid></domain>",
                                  "<domain><uuid>no UUID</uuid></domain>" };

  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    assert_not_read (others[i], -1, VMROOT_ERROR_NOT_A_DOMAIN);
}

static void
test_what_is_too_large (void)
{
  g_autofree gchar *text = g_strnfill (50 * 1024 * 1024, ' ');
  g_autofree gchar *large = g_strconcat ("<domain>", text, "</domain>", NULL);
  g_autofree gchar *deep = nested (10000);

  assert_not_read (large, -1, VMROOT_ERROR_XML_TOO_LARGE);
  assert_not_read (deep, -1, VMROOT_ERROR_XML_TOO_LARGE);
}

static void
test_entities_that_explode (void)
{
  g_autofree gchar *in_text = entity_bomb ("<domain><name>&e9;</name></domain>");
  g_autofree gchar *in_attribute = entity_bomb ("<domain><name a='&e9;'/></domain>");
  g_autofree gchar *flat = flat_entity_bomb ();

  assert_not_read (in_text, -1, VMROOT_ERROR_XML_ENTITIES);
  assert_not_read (in_attribute, -1, VMROOT_ERROR_XML_ENTITIES);
  assert_not_read (flat, -1, VMROOT_ERROR_XML_ENTITIES);
  assert_not_read ("<!DOCTYPE domain [<!ENTITY a '&b;'><!ENTITY b '&a;'>]><domain>&a;</domain>", -1,
                   VMROOT_ERROR_XML_ENTITIES);
}

static void
test_entities_from_outside (void)
{
  const gchar *const outside[] = {
    "<!DOCTYPE domain [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><domain><name>&x;</name></domain>",
    "<!DOCTYPE domain [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><domain><name a='&x;'/></domain>",
    "<!DOCTYPE domain [<!ENTITY % x SYSTEM 'file:///etc/passwd'>%x;]><domain/>",
    "<!DOCTYPE domain SYSTEM 'http://192.0.2.1/domain.dtd'><domain/>",
    "<!DOCTYPE domain PUBLIC '-//a//b' 'file:///etc/passwd'><domain/>",
  };

  for (guint i = 0; i < G_N_ELEMENTS (outside); i++)
    assert_not_read (outside[i], -1, VMROOT_ERROR_XML_EXTERNAL);
}

static void
assert_refused (const gchar *xml, VmrootSpec *spec, VmrootError code)
{
  g_autoptr (VmrootDomain) domain = new_domain (xml);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *before = vmroot_domain_to_xml (domain);
  g_autofree gchar *after = NULL;

  g_assert_false (vmroot_domain_set_spec (domain, spec, &error));
  g_assert_error (error, VMROOT_ERROR, (int)code);
  after = vmroot_domain_to_xml (domain);
  g_assert_cmpstr (after, ==, before);
}

static void
test_domains_that_cannot_have_a_root (void)
{
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/guest");

  assert_refused ("<domain type='lxc'/>", spec, VMROOT_ERROR_CONTAINER_DOMAIN);
  assert_refused ("<domain><os><type>exe</type></os></domain>", spec,
                  VMROOT_ERROR_CONTAINER_DOMAIN);
  assert_refused ("<domain type='xen'/>", spec, VMROOT_ERROR_HYPERVISOR);
  assert_refused ("<domain type=''/>", spec, VMROOT_ERROR_HYPERVISOR);
}

static void
test_specs_that_a_domain_cannot_have (void)
{
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/guest");
  g_autoptr (VmrootSpec) relative = vmroot_spec_new ("guest");
  g_autoptr (VmrootSpec) comma = vmroot_spec_new ("/export/a,b");
  g_autoptr (VmrootSpec) nfs = vmroot_spec_new ("/export/guest");
  g_autoptr (VmrootSpec) with_share = vmroot_spec_new ("/export/guest");
  g_autoptr (VmrootShare) share = vmroot_share_new ("/srv", "/srv", FALSE);
  g_autofree gchar *taken =
      replace (plain, "</emulator>", "</emulator><filesystem><target dir='vmroot'/></filesystem>");
  g_autofree gchar *share_taken = replace (taken, "'vmroot'", "'vmroot-share-1'");
  g_autofree gchar *much = g_strnfill (4 * 1024 * 1024 - 1000, ' ');
  g_autofree gchar *full = g_strdup_printf (DOMAIN ("%s"), much);

  assert_refused (plain, relative, VMROOT_ERROR_INVALID_DIRECTORY);
  assert_refused (plain, comma, VMROOT_ERROR_INVALID_DIRECTORY);
  assert_refused (taken, spec, VMROOT_ERROR_TAG_IN_USE);
  vmroot_spec_add_share (with_share, share);
  assert_refused (share_taken, with_share, VMROOT_ERROR_TAG_IN_USE);
  g_object_set (nfs, "transport", VMROOT_TRANSPORT_NFS, NULL);
  assert_refused (plain, nfs, VMROOT_ERROR_INVALID_SPEC);
  assert_refused (full, spec, VMROOT_ERROR_XML_TOO_LARGE);
  vmroot_spec_set_tag (spec, "0123456789012345678901234567890123456");
  assert_refused (plain, spec, VMROOT_ERROR_INVALID_TAG);
}

static void
assert_spec_refused (const gchar *xml, VmrootError code)
{
  g_autoptr (VmrootDomain) domain = new_domain (xml);
  g_autoptr (GError) error = NULL;

  g_assert_null (vmroot_domain_get_spec (domain, &error));
  g_assert_error (error, VMROOT_ERROR, (int)code);
}

/* An element of vmroot's in a domain. */
static gchar *
with_metadata (const gchar *element)
{
  g_autofree gchar *metadata =
      g_strdup_printf ("</uuid><metadata xmlns:v='urn:vmroot:domain:1'>%s</metadata>", element);

  return replace (plain, "</uuid>", metadata);
}

static void
test_metadata_that_cannot_be (void)
{
  const struct
  {
    const gchar *element;
    VmrootError code;
  } cases[] = {
    { "<v:root version='2' directory='/a' new='x'/>", VMROOT_ERROR_METADATA_VERSION },
    { "<v:root version='' directory='/a'/>", VMROOT_ERROR_METADATA_VERSION },
    { "<w:root xmlns:w='urn:vmroot:domain:2'/>", VMROOT_ERROR_METADATA_VERSION },
    { "<v:root version='1' uuid='" UUID "' directory='/a'/>"
      "<v:root version='1' uuid='" UUID "' directory='/a'/>",
      VMROOT_ERROR_METADATA_DUPLICATE },
    { "<v:root/>", VMROOT_ERROR_METADATA_INVALID },
    { "<v:other version='1'/>", VMROOT_ERROR_METADATA_INVALID },
    { "<v:root version='1' directory='/a'/>", VMROOT_ERROR_METADATA_INVALID },
    { "<v:root version='1' uuid='x' directory='/a'/>", VMROOT_ERROR_METADATA_INVALID },
    { "<v:root version='1' uuid='" UUID "' directory='/a' colour='red'/>",
      VMROOT_ERROR_METADATA_INVALID },
    { "<v:root version='1' uuid='" UUID "' directory='/a' cache='never'/>",
      VMROOT_ERROR_METADATA_INVALID },
    { "<v:root version='1' uuid='" UUID "' directory='/a' read-only='maybe'/>",
      VMROOT_ERROR_METADATA_INVALID },
    { "<v:root version='1' uuid='" UUID "' directory='/a' v:tag='x'/>",
      VMROOT_ERROR_METADATA_INVALID },
    { "<v:root version='1' uuid='" UUID "' directory='/a'><v:share directory='/b'/></v:root>",
      VMROOT_ERROR_METADATA_INVALID },
    { "<v:root version='1' uuid='" UUID "' directory='/a'><v:tmpfs mount-point='/b' size='1G'/>"
      "</v:root>",
      VMROOT_ERROR_METADATA_INVALID },
    { "<v:root version='1' uuid='" UUID "' directory='/a'><v:run-file path='a'/></v:root>",
      VMROOT_ERROR_METADATA_INVALID },
    { "<v:root version='1' uuid='" UUID "' directory='/a'><v:change/></v:root>",
      VMROOT_ERROR_METADATA_INVALID },
    { "<v:root version='1' uuid='" UUID "' directory='/a'><v:change element='os/kernel'/></v:root>",
      VMROOT_ERROR_METADATA_INVALID },
    { "<v:root version='1' uuid='" UUID "' directory='/a'><v:change element='' added='yes'/>"
      "</v:root>",
      VMROOT_ERROR_METADATA_INVALID },
    { "<v:root version='1' uuid='" UUID "' directory='/a'><v:change element='..' added='yes'/>"
      "</v:root>",
      VMROOT_ERROR_METADATA_INVALID },
    { "<v:root version='1' uuid='" UUID "' directory='/a'><v:change element='os' attribute='a b' "
      "wrote='x'/></v:root>",
      VMROOT_ERROR_METADATA_INVALID },
    { "<v:root version='1' uuid='" UUID "' directory='/a'><other/></v:root>",
      VMROOT_ERROR_METADATA_INVALID },
    { "<v:root version='1' uuid='" UUID "'/>", VMROOT_ERROR_INVALID_DIRECTORY },
    { "<v:root version='1' uuid='" UUID "' directory='a'/>", VMROOT_ERROR_INVALID_DIRECTORY },
    { "<v:root version='1' uuid='" UUID "' directory='/a' tag='a b'/>", VMROOT_ERROR_INVALID_TAG },
  };
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/guest");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *xml = with_metadata (cases[i].element);

      g_test_message ("%s", cases[i].element);
      assert_spec_refused (xml, cases[i].code);
      assert_refused (xml, spec, cases[i].code);
      assert_refused (xml, NULL, cases[i].code);
    }
}

static void
test_a_record_that_cannot_be_restored_changes_nothing (void)
{
  g_autofree gchar *own = replace (plain, "</type>", "</type><kernel>/boot/a</kernel>");
  g_autofree gchar *applied = apply (own, NULL);
  g_autofree gchar *damaged = replace (applied, "was=\"/boot/a\"", "was=\"&lt;a>\"");

  assert_refused (damaged, NULL, VMROOT_ERROR_XML_SYNTAX);
}

static void
test_no_spec_is_an_error_of_its_own (void)
{
  assert_spec_refused (plain, VMROOT_ERROR_NO_SPEC);
  assert_spec_refused ("<domain><metadata><a xmlns='urn:a'/></metadata></domain>",
                       VMROOT_ERROR_NO_SPEC);
}

static void
test_a_clone_is_told_apart_and_can_be_made_whole (void)
{
  const gchar *const other = "00000000-1d52-d8f3-2516-782e98ab3fa0";
  g_autofree gchar *applied = apply (plain, NULL);
  g_autofree gchar *element = g_strdup_printf ("<uuid>%s", other);
  g_autofree gchar *clone = replace (applied, "<uuid>" UUID, element);
  g_autofree gchar *clone_of_plain = replace (plain, "<uuid>" UUID, element);
  g_autofree gchar *without = take_out (clone);
  g_autofree gchar *applied_anew = apply (clone, NULL);
  g_autoptr (VmrootDomain) domain = new_domain (applied_anew);
  g_autoptr (VmrootSpec) spec = NULL;
  g_autoptr (GError) error = NULL;

  assert_spec_refused (clone, VMROOT_ERROR_FOREIGN_UUID);
  assert_same_canonical_xml (without, clone_of_plain);
  spec = vmroot_domain_get_spec (domain, &error);
  g_assert_no_error (error);
  assert_xpath (applied_anew, "string(/domain/os/kernel)",
                VMROOT_BOOT_DIRECTORY "/00000000-1d52-d8f3-2516-782e98ab3fa0/kernel");
}

/* The schema of the metadata */

static void
ignore_message (void *user_data, const char *format, ...)
{
}

static gboolean
is_valid (xmlRelaxNG *schema, const gchar *xml)
{
  xmlDoc *document = xmlReadMemory (xml, (int)strlen (xml), NULL, NULL, 0);
  xmlXPathContext *context = xmlXPathNewContext (document);
  xmlRelaxNGValidCtxt *validation = xmlRelaxNGNewValidCtxt (schema);
  xmlXPathObject *object;
  xmlDoc *alone = xmlNewDoc (BAD_CAST "1.0");
  int result;

  xmlXPathRegisterNs (context, BAD_CAST "v", BAD_CAST "urn:vmroot:domain:1");
  object = xmlXPathEvalExpression (BAD_CAST "/domain/metadata/v:*", context);
  g_assert_cmpint (xmlXPathNodeSetGetLength (object->nodesetval), >, 0);
  xmlDocSetRootElement (alone, xmlDocCopyNode (object->nodesetval->nodeTab[0], alone, 1));
  xmlRelaxNGSetValidErrors (validation, ignore_message, ignore_message, NULL);
  result = xmlRelaxNGValidateDoc (validation, alone);

  xmlFreeDoc (alone);
  xmlXPathFreeObject (object);
  xmlRelaxNGFreeValidCtxt (validation);
  xmlXPathFreeContext (context);
  xmlFreeDoc (document);
  return result == 0;
}

static xmlRelaxNG *
read_schema (void)
{
  g_autofree gchar *path =
      g_test_build_filename (G_TEST_DIST, "..", "data", "vmroot-domain-1.rng", NULL);
  xmlRelaxNGParserCtxt *parser = xmlRelaxNGNewParserCtxt (path);
  xmlRelaxNG *schema = xmlRelaxNGParse (parser);

  xmlRelaxNGFreeParserCtxt (parser);
  g_assert_nonnull (schema);
  return schema;
}

static void
test_the_schema_takes_what_is_written (void)
{
  xmlRelaxNG *schema = read_schema ();
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/guest");
  g_autoptr (VmrootShare) share = vmroot_share_new ("/srv/packages", "/var/cache", TRUE);
  g_autoptr (VmrootTmpfs) tmpfs = vmroot_tmpfs_new ("/var/tmp", 4096);
  g_autofree gchar *full = NULL;

  g_object_set (spec, "tag", "my-root", "xattrs", VMROOT_XATTRS_SELINUX, "cache",
                VMROOT_CACHE_ALWAYS, "network", "default", "address", "192.0.2.7/24", "mac-address",
                "52:54:00:12:34:56", "server", "192.0.2.1", "kernel", "6.1.0-1-amd64",
                "kernel-args", "quiet", "read-only", TRUE, "ephemeral", TRUE, "on-failure",
                VMROOT_ON_FAILURE_SHELL, NULL);
  vmroot_spec_add_share (spec, share);
  vmroot_spec_add_tmpfs (spec, tmpfs);
  vmroot_spec_set_run_file (spec, "a", "b");

  for (guint i = 0; i < G_N_ELEMENTS (documents); i++)
    {
      g_autofree gchar *simple = apply (documents[i].xml, NULL);

      g_test_message ("%s", documents[i].name);
      g_assert_true (is_valid (schema, simple));
    }

  /* Only once: libxml2 takes twice the time for each optional attribute. */
  full = apply (plain, spec);
  g_assert_true (is_valid (schema, full));

  xmlRelaxNGFree (schema);
}

static void
test_the_schema_takes_nothing_else (void)
{
  const gchar *const elements[] = {
    "<v:root version='2' uuid='" UUID "' directory='/a'/>",
    "<v:root version='1' uuid='" UUID "'/>",
    "<v:root version='1' uuid='" UUID "' directory='a'/>",
    "<v:root version='1' uuid='" UUID "' directory='/a,b'/>",
    "<v:root version='1' uuid='" UUID "' directory='/a' colour='red'/>",
    "<v:root version='1' uuid='" UUID "' directory='/a' tag='a b'/>",
    "<v:root version='1' uuid='" UUID "' directory='/a' read-only='maybe'/>",
    "<v:root version='1' uuid='" UUID "' directory='/a'><v:share directory='/b'/></v:root>",
    "<v:root version='1' uuid='" UUID "' directory='/a'><v:change element='os'/></v:root>",
    "<v:root version='1' uuid='" UUID "' directory='/a'>text</v:root>",
    "<v:other version='1'/>",
  };
  xmlRelaxNG *schema = read_schema ();

  for (guint i = 0; i < G_N_ELEMENTS (elements); i++)
    {
      g_autofree gchar *xml = with_metadata (elements[i]);

      g_test_message ("%s", elements[i]);
      g_assert_false (is_valid (schema, xml));
    }

  xmlRelaxNGFree (schema);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/domain/set/virtiofs", test_virtiofs_elements);
  g_test_add_func ("/domain/set/format", test_new_elements_stand_on_lines_of_their_own);
  g_test_add_func ("/domain/set/properties", test_properties_show_in_the_elements);
  g_test_add_func ("/domain/set/get", test_a_spec_comes_back_as_it_went_in);
  g_test_add_func ("/domain/set/arguments", test_arguments_of_the_user_are_kept);
  g_test_add_func ("/domain/set/memory", test_memory_is_shared_in_the_form_that_is_there);
  g_test_add_func ("/domain/unset/restored", test_taken_out_the_document_is_what_it_was);
  g_test_add_func ("/domain/unset/twice", test_applied_twice_is_applied_once);
  g_test_add_func ("/domain/unset/nothing", test_nothing_to_take_out);
  g_test_add_func ("/domain/unset/libxml2", test_what_others_do_with_libxml2_does_not_matter);
  g_test_add_func ("/domain/unset/again", test_one_document_can_be_edited_again_and_again);
  g_test_add_func ("/domain/unset/added", test_what_others_added_stays);
  g_test_add_func ("/domain/unset/in-ours", test_what_others_put_into_our_elements_stays);
  g_test_add_func ("/domain/unset/changed", test_what_others_changed_of_ours_stays);
  g_test_add_func ("/domain/unset/command-line", test_of_a_changed_command_line_only_ours_goes);
  g_test_add_func ("/domain/unset/removed", test_what_others_removed_stays_removed);
  g_test_add_func ("/domain/unset/shared-memory", test_shared_memory_stays_for_who_needs_it);
  g_test_add_func ("/domain/unset/libvirt", test_found_again_in_what_libvirt_made_of_it);
  g_test_add_func ("/domain/unset/cells", test_numbered_cells_are_found_in_another_order);
  g_test_add_func ("/domain/uuid/chosen", test_a_uuid_is_chosen_where_there_is_none);
  g_test_add_func ("/domain/uuid/stays", test_a_chosen_uuid_stays_once_libvirt_has_it);
  g_test_add_func ("/domain/encoding/bytes", test_encodings_and_byte_order_marks);
  g_test_add_func ("/domain/encoding/string", test_a_string_is_utf8_whatever_it_says);
  g_test_add_func ("/domain/encoding/declaration",
                   test_a_declaration_comes_and_goes_with_the_document);
  g_test_add_func ("/domain/identity", test_name_uuid_and_id);
  g_test_add_func ("/domain/invalid/syntax", test_what_is_not_xml);
  g_test_add_func ("/domain/invalid/other", test_what_is_not_a_domain);
  g_test_add_func ("/domain/invalid/large", test_what_is_too_large);
  g_test_add_func ("/domain/invalid/entities", test_entities_that_explode);
  g_test_add_func ("/domain/invalid/external", test_entities_from_outside);
  g_test_add_func ("/domain/invalid/hypervisor", test_domains_that_cannot_have_a_root);
  g_test_add_func ("/domain/invalid/spec", test_specs_that_a_domain_cannot_have);
  g_test_add_func ("/domain/invalid/metadata", test_metadata_that_cannot_be);
  g_test_add_func ("/domain/invalid/record", test_a_record_that_cannot_be_restored_changes_nothing);
  g_test_add_func ("/domain/invalid/none", test_no_spec_is_an_error_of_its_own);
  g_test_add_func ("/domain/clone", test_a_clone_is_told_apart_and_can_be_made_whole);
  g_test_add_func ("/domain/schema/valid", test_the_schema_takes_what_is_written);
  g_test_add_func ("/domain/schema/invalid", test_the_schema_takes_nothing_else);

  return g_test_run ();
}
