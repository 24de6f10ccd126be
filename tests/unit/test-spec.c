/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "vmroot.h"
#include "vmroot-spec-private.h"

static void
test_share_keeps_what_it_was_given (void)
{
  g_autoptr (VmrootShare) share = vmroot_share_new ("/srv/packages", "/var/cache/packages", TRUE);

  g_assert_cmpstr (vmroot_share_get_directory (share), ==, "/srv/packages");
  g_assert_cmpstr (vmroot_share_get_mount_point (share), ==, "/var/cache/packages");
  g_assert_true (vmroot_share_get_read_only (share));
}

static void
test_tmpfs_keeps_what_it_was_given (void)
{
  g_autoptr (VmrootTmpfs) tmpfs = vmroot_tmpfs_new ("/var/tmp", G_GUINT64_CONSTANT (1) << 40);

  g_assert_cmpstr (vmroot_tmpfs_get_mount_point (tmpfs), ==, "/var/tmp");
  g_assert_cmpuint (vmroot_tmpfs_get_size (tmpfs), ==, G_GUINT64_CONSTANT (1) << 40);
}

static void
test_a_directory_is_all_that_is_needed (void)
{
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/guest");
  g_autoptr (GError) error = NULL;

  g_assert_true (vmroot_spec_validate (spec, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (vmroot_spec_get_tag (spec), ==, "vmroot");
  g_assert_cmpint (vmroot_spec_get_transport (spec), ==, VMROOT_TRANSPORT_VIRTIOFS);
  g_assert_cmpint (vmroot_spec_get_on_failure (spec), ==, VMROOT_ON_FAILURE_POWER_OFF);
  g_assert_null (vmroot_spec_get_kernel (spec));
}

/* Every property, through GObject as Python does it. */
static void
test_every_property_is_kept (void)
{
  g_autofree GParamSpec **properties = NULL;
  g_autoptr (VmrootSpec) spec = vmroot_spec_new (NULL);
  guint n;

  properties = g_object_class_list_properties (G_OBJECT_GET_CLASS (spec), &n);
  g_assert_cmpuint (n, ==, 16);

  for (guint i = 0; i < n; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;
      g_auto (GValue) result = G_VALUE_INIT;

      g_value_init (&value, properties[i]->value_type);
      g_value_init (&result, properties[i]->value_type);
      if (G_VALUE_HOLDS_STRING (&value))
        g_value_set_string (&value, properties[i]->name);
      else if (G_VALUE_HOLDS_ENUM (&value))
        g_value_set_enum (&value, 1);
      else
        g_value_set_boolean (&value, TRUE);

      g_object_set_property (G_OBJECT (spec), properties[i]->name, &value);
      g_object_get_property (G_OBJECT (spec), properties[i]->name, &result);
      g_assert_cmpint (g_param_values_cmp (properties[i], &value, &result), ==, 0);
    }
}

static void
count (gpointer counter)
{
  ++*(guint *)counter;
}

static void
test_only_a_change_is_notified (void)
{
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/guest");
  guint n = 0;

  g_signal_connect_swapped (spec, "notify", G_CALLBACK (count), &n);
  vmroot_spec_set_directory (spec, "/export/guest");
  vmroot_spec_set_read_only (spec, FALSE);
  g_assert_cmpuint (n, ==, 0);

  vmroot_spec_set_read_only (spec, TRUE);
  vmroot_spec_set_kernel (spec, "6.1.0-1-amd64");
  g_assert_cmpuint (n, ==, 2);
}

static void
test_a_tag_taken_back_is_the_default (void)
{
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/guest");

  vmroot_spec_set_tag (spec, "other");
  vmroot_spec_set_tag (spec, NULL);
  g_assert_cmpstr (vmroot_spec_get_tag (spec), ==, "vmroot");
}

static void
test_lists_belong_to_the_caller (void)
{
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/guest");
  g_autoptr (VmrootShare) share = vmroot_share_new ("/srv/a", "/a", FALSE);
  g_autoptr (VmrootTmpfs) tmpfs = vmroot_tmpfs_new ("/tmp", 0);
  g_autoptr (GPtrArray) shares = NULL;
  g_autoptr (GPtrArray) memory = NULL;

  vmroot_spec_add_share (spec, share);
  vmroot_spec_add_tmpfs (spec, tmpfs);
  shares = vmroot_spec_list_shares (spec);
  memory = vmroot_spec_list_tmpfs (spec);
  vmroot_spec_clear_shares (spec);
  vmroot_spec_clear_tmpfs (spec);

  g_assert_cmpuint (shares->len, ==, 1);
  g_assert_true (g_ptr_array_index (shares, 0) == share);
  g_assert_cmpuint (memory->len, ==, 1);
  g_assert_true (g_ptr_array_index (memory, 0) == tmpfs);
  g_clear_pointer (&shares, g_ptr_array_unref);
  shares = vmroot_spec_list_shares (spec);
  g_assert_cmpuint (shares->len, ==, 0);
}

static void
test_run_files_are_sorted_and_can_be_taken_back (void)
{
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/guest");
  g_auto (GStrv) paths = NULL;

  vmroot_spec_set_run_file (spec, "systemd/network/b", "B");
  vmroot_spec_set_run_file (spec, "a", "A");
  vmroot_spec_set_run_file (spec, "c", "C");
  vmroot_spec_set_run_file (spec, "a", "AA");
  vmroot_spec_set_run_file (spec, "c", NULL);
  paths = vmroot_spec_list_run_files (spec);

  g_assert_cmpuint (g_strv_length (paths), ==, 2);
  g_assert_cmpstr (paths[0], ==, "a");
  g_assert_cmpstr (paths[1], ==, "systemd/network/b");
  g_assert_cmpstr (vmroot_spec_get_run_file (spec, "a"), ==, "AA");
  g_assert_null (vmroot_spec_get_run_file (spec, "c"));
}

static void
test_shares_have_tags_in_their_order (void)
{
  g_autofree gchar *first = vmroot_share_tag (0);
  g_autofree gchar *twelfth = vmroot_share_tag (11);

  g_assert_cmpstr (first, ==, "vmroot-share-1");
  g_assert_cmpstr (twelfth, ==, "vmroot-share-12");
}

static void
assert_refused (VmrootSpec *spec, VmrootError code)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (vmroot_spec_validate (spec, &error));
  g_assert_error (error, VMROOT_ERROR, (int)code);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

static void
test_directories_that_cannot_be (void)
{
  const gchar *const directories[] = {
    NULL,         "",           "relative", "/with,comma",   "/a/../etc",    "/a/./b",
    "/new\nline", "/tab\there", "/bell\a",  "/not\xff utf8", "/\xef\xbf\xbe"
  };

  for (guint i = 0; i < G_N_ELEMENTS (directories); i++)
    {
      g_autoptr (VmrootSpec) spec = vmroot_spec_new (directories[i]);

      assert_refused (spec, VMROOT_ERROR_INVALID_DIRECTORY);
    }
}

static void
test_directories_that_only_look_odd (void)
{
  const gchar *const directories[] = { "/export/with space", "/export/wörter & <Zeichen> \"'",
                                       "/export/..hidden", "/a//b/" };

  for (guint i = 0; i < G_N_ELEMENTS (directories); i++)
    {
      g_autoptr (VmrootSpec) spec = vmroot_spec_new (directories[i]);
      g_autoptr (GError) error = NULL;

      vmroot_spec_validate (spec, &error);
      g_assert_no_error (error);
    }
}

static void
test_tags_that_cannot_be (void)
{
  const gchar *const tags[] = { "",   "two words", "a,b", "a=b",
                                "\"", "-a",        "ä",   "0123456789012345678901234567890123456" };
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/guest");
  g_autoptr (VmrootShare) share = vmroot_share_new ("/srv/a", "/a", FALSE);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (tags); i++)
    {
      vmroot_spec_set_tag (spec, tags[i]);
      assert_refused (spec, VMROOT_ERROR_INVALID_TAG);
    }

  vmroot_spec_set_tag (spec, "012345678901234567890123456789012345");
  vmroot_spec_validate (spec, &error);
  g_assert_no_error (error);

  vmroot_spec_set_tag (spec, "vmroot-share-1");
  vmroot_spec_validate (spec, &error);
  g_assert_no_error (error);
  vmroot_spec_add_share (spec, share);
  assert_refused (spec, VMROOT_ERROR_INVALID_TAG);
}

static void
test_properties_that_cannot_be (void)
{
  static const struct
  {
    const gchar *name;
    const gchar *value;
  } cases[] = {
    { "kernel", "" },
    { "kernel", "../6.1" },
    { "kernel", "6.1 amd64" },
    { "kernel-args", "quiet root=/dev/sda" },
    { "kernel-args", "rw" },
    { "kernel-args", "quiet\nsplash" },
    { "kernel-args", "name=\"open" },
    { "kernel-args", "quiet -- single" },
    { "network", "" },
    { "address", "guest.example.org" },
    { "address", "fe80::1" },
    { "address", "192.168.122.5/0" },
    { "address", "192.168.122.5/24/24" },
    { "mac-address", "52:54:00:12:34" },
    { "mac-address", "52:54:00:12:34:5g" },
    { "server", "no address" },
    { "gateway", "192.168.122.1/24" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/guest");

      g_test_message ("%s=%s", cases[i].name, cases[i].value);
      g_object_set (spec, cases[i].name, cases[i].value, NULL);
      assert_refused (spec, VMROOT_ERROR_INVALID_SPEC);
    }
}

static VmrootSpec *
new_spec_with_addresses (const gchar *address, const gchar *server, const gchar *gateway)
{
  VmrootSpec *spec = vmroot_spec_new ("/export/guest");

  g_object_set (spec, "transport", VMROOT_TRANSPORT_NFS, "address", address, "server", server,
                "gateway", gateway, NULL);
  return spec;
}

static void
test_addresses (void)
{
  static const gchar *const cases[][3] = {
    { "192.168.122.5/24", "192.168.122.1", "192.168.122.1" },
    { "192.168.122.5", "10.0.0.1", "192.168.122.1" },
    { NULL, "fd00::1", NULL },
    { "fd00::5", NULL, NULL },
    { "fd00::5/64", "2001:db8::1", "fe80::1" },
    { "FD00:0:0:0:0:0:0:5/126", "fd00::6", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (VmrootSpec) spec = new_spec_with_addresses (cases[i][0], cases[i][1], cases[i][2]);
      g_autoptr (GError) error = NULL;

      vmroot_spec_validate (spec, &error);
      g_assert_no_error (error);
    }
}

static void
test_addresses_that_cannot_be (void)
{
  static const gchar *const cases[][3] = {
    /* Not of one kind. */
    { "192.168.122.5/24", "fd00::1", NULL },
    { "fd00::5/64", "fd00::1", "192.168.122.1" },
    { NULL, "192.168.122.1", "fe80::1" },
    /* Nobody's. */
    { "192.168.122.0/24", "192.168.122.1", NULL },
    { "192.168.122.255/24", "192.168.122.1", NULL },
    { "fd00::/64", "fd00::1", NULL },
    { "fd00::5/127", "fd00::1", NULL },
    { "127.0.0.1/8", NULL, NULL },
    { "::1", NULL, NULL },
    { "ff02::1/64", NULL, NULL },
    { "::ffff:192.168.122.5", NULL, NULL },
    { NULL, "fe80::1", NULL },
    { NULL, "224.0.0.1", NULL },
    /* Somebody else's. */
    { "192.168.122.5/24", "192.168.122.5", NULL },
    { "fd00::5/64", "fd00::1", "FD00::05" },
    /* Out of reach. */
    { "192.168.122.5/24", "192.168.122.1", "192.168.123.1" },
    { "fd00::5/64", "fd00::1", "fd00:0:0:1::1" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (VmrootSpec) spec = new_spec_with_addresses (cases[i][0], cases[i][1], cases[i][2]);

      g_test_message ("%s %s %s", cases[i][0], cases[i][1], cases[i][2]);
      assert_refused (spec, VMROOT_ERROR_INVALID_SPEC);
    }
}

static void
test_mount_points_that_cannot_be (void)
{
  const gchar *const mount_points[] = { "", "/", "relative", "/a/../b", "/a\nb", "/taken" };

  for (guint i = 0; i < G_N_ELEMENTS (mount_points); i++)
    {
      g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/guest");
      g_autoptr (VmrootShare) share = vmroot_share_new ("/srv/a", "/taken", FALSE);
      g_autoptr (VmrootTmpfs) tmpfs = vmroot_tmpfs_new (mount_points[i], 0);

      vmroot_spec_add_share (spec, share);
      vmroot_spec_add_tmpfs (spec, tmpfs);
      assert_refused (spec, VMROOT_ERROR_INVALID_SPEC);
    }
}

static void
test_a_share_needs_a_good_directory_too (void)
{
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/guest");
  g_autoptr (VmrootShare) share = vmroot_share_new ("srv", "/srv", FALSE);

  vmroot_spec_add_share (spec, share);
  assert_refused (spec, VMROOT_ERROR_INVALID_DIRECTORY);
}

static void
test_run_files_that_cannot_be (void)
{
  const gchar *const paths[] = { "", "/etc/passwd", "../etc/passwd", "a//b", "a/", "a\nb" };
  g_autoptr (VmrootSpec) with_binary = vmroot_spec_new ("/export/guest");
  g_autoptr (VmrootSpec) with_too_much = vmroot_spec_new ("/export/guest");
  g_autofree gchar *much = g_strnfill (256 * 1024 + 1, 'x');

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/guest");

      vmroot_spec_set_run_file (spec, paths[i], "content");
      assert_refused (spec, VMROOT_ERROR_INVALID_SPEC);
    }

  vmroot_spec_set_run_file (with_binary, "a", "\033[0m");
  assert_refused (with_binary, VMROOT_ERROR_INVALID_SPEC);
  vmroot_spec_set_run_file (with_too_much, "a", much);
  assert_refused (with_too_much, VMROOT_ERROR_INVALID_SPEC);
}

static void
test_the_guests_initramfs_can_only_mount_a_root (void)
{
  g_autoptr (VmrootSpec) plain = vmroot_spec_new ("/export/guest");
  g_autoptr (VmrootSpec) ephemeral = vmroot_spec_new ("/export/guest");
  g_autoptr (VmrootSpec) with_share = vmroot_spec_new ("/export/guest");
  g_autoptr (VmrootSpec) with_run_file = vmroot_spec_new ("/export/guest");
  g_autoptr (VmrootShare) share = vmroot_share_new ("/srv/a", "/a", FALSE);
  g_autoptr (GError) error = NULL;

  g_object_set (plain, "boot-source", VMROOT_BOOT_SOURCE_GUEST, NULL);
  vmroot_spec_validate (plain, &error);
  g_assert_no_error (error);

  g_object_set (ephemeral, "boot-source", VMROOT_BOOT_SOURCE_GUEST, "ephemeral", TRUE, NULL);
  assert_refused (ephemeral, VMROOT_ERROR_INVALID_SPEC);
  g_object_set (with_share, "boot-source", VMROOT_BOOT_SOURCE_GUEST, NULL);
  vmroot_spec_add_share (with_share, share);
  assert_refused (with_share, VMROOT_ERROR_INVALID_SPEC);
  g_object_set (with_run_file, "boot-source", VMROOT_BOOT_SOURCE_GUEST, NULL);
  vmroot_spec_set_run_file (with_run_file, "a", "");
  assert_refused (with_run_file, VMROOT_ERROR_INVALID_SPEC);
}

/* A name service that knows a few names. */
#define TEST_TYPE_RESOLVER test_resolver_get_type ()
G_DECLARE_FINAL_TYPE (TestResolver, test_resolver, TEST, RESOLVER, GResolver)

struct _TestResolver
{
  GResolver parent_instance;
};

G_DEFINE_FINAL_TYPE (TestResolver, test_resolver, G_TYPE_RESOLVER)

static GList *
test_resolver_lookup (GResolver *resolver,
                      const gchar *name,
                      GResolverNameLookupFlags flags,
                      GCancellable *cancellable,
                      GError **error)
{
  const gchar *filer[] = { "fe80::1", "fd00:7e57::9", "10.0.0.9", "10.0.0.10", NULL };
  const gchar *this_host[] = { "127.0.1.1", "::1", NULL };
  const gchar *new_filer[] = { "fd00:7e57::9", NULL };
  const gchar **texts = g_str_equal (name, "filer")       ? filer
                        : g_str_equal (name, "this-host") ? this_host
                        : g_str_equal (name, "new-filer") ? new_filer
                                                          : NULL;
  GList *addresses = NULL;

  for (guint i = 0; texts != NULL && texts[i] != NULL; i++)
    {
      g_autoptr (GInetAddress) address = g_inet_address_new_from_string (texts[i]);
      const gboolean is_ipv6 = g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6;

      if (flags != (is_ipv6 ? G_RESOLVER_NAME_LOOKUP_FLAGS_IPV4_ONLY
                            : G_RESOLVER_NAME_LOOKUP_FLAGS_IPV6_ONLY))
        addresses = g_list_append (addresses, g_steal_pointer (&address));
    }
  if (addresses == NULL)
    g_set_error (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, "nobody knows %s", name);

  return addresses;
}

static GList *
test_resolver_lookup_all (GResolver *resolver,
                          const gchar *name,
                          GCancellable *cancellable,
                          GError **error)
{
  return test_resolver_lookup (resolver, name, G_RESOLVER_NAME_LOOKUP_FLAGS_DEFAULT, cancellable,
                               error);
}

static void
test_resolver_class_init (TestResolverClass *klass)
{
  G_RESOLVER_CLASS (klass)->lookup_by_name = test_resolver_lookup_all;
  G_RESOLVER_CLASS (klass)->lookup_by_name_with_flags = test_resolver_lookup;
}

static void
test_resolver_init (TestResolver *self)
{
}

static void
test_the_server_is_resolved (void)
{
  const struct
  {
    const gchar *server;
    const gchar *address;
    const gchar *gateway;
    const gchar *resolved; /* or why not */
    gboolean refused;
  } cases[] = {
    { "filer", NULL, NULL, "10.0.0.9" },
    { "filer", "10.0.0.2/24", NULL, "10.0.0.9" },
    { "filer", "fd00:7e57::2/64", NULL, "fd00:7e57::9" },
    { "filer", NULL, "fd00:7e57::1", "fd00:7e57::9" },
    { "new-filer", NULL, NULL, "fd00:7e57::9" },
    { "new-filer", "10.0.0.2/24", NULL, "nobody knows", TRUE },
    { "this-host", NULL, NULL, "takes it for itself", TRUE },
    { "nowhere", NULL, NULL, "nobody knows", TRUE },
    { "10.0.0.9", NULL, NULL, "10.0.0.9" },
    { "fd00:7e57::9", NULL, NULL, "fd00:7e57::9" },
    /* No name: vmroot_spec_validate() refuses it. */
    { "10.9", NULL, NULL, "10.9" },
    { NULL, NULL, NULL, NULL },
  };
  g_autoptr (GResolver) before = g_resolver_get_default ();
  g_autoptr (GResolver) resolver = g_object_new (TEST_TYPE_RESOLVER, NULL);

  g_resolver_set_default (resolver);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/guest");
      g_autoptr (GError) error = NULL;

      g_object_set (spec, "server", cases[i].server, "address", cases[i].address, "gateway",
                    cases[i].gateway, NULL);
      if (cases[i].refused)
        {
          g_assert_false (vmroot_spec_resolve_server (spec, NULL, &error));
          g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_SPEC);
          g_assert_nonnull (strstr (error->message, cases[i].resolved));
          g_assert_cmpstr (vmroot_spec_get_server (spec), ==, cases[i].server);
        }
      else
        {
          g_assert_true (vmroot_spec_resolve_server (spec, NULL, &error));
          g_assert_no_error (error);
          g_assert_cmpstr (vmroot_spec_get_server (spec), ==, cases[i].resolved);
        }
    }
  g_resolver_set_default (before);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/spec/share", test_share_keeps_what_it_was_given);
  g_test_add_func ("/spec/tmpfs", test_tmpfs_keeps_what_it_was_given);
  g_test_add_func ("/spec/default", test_a_directory_is_all_that_is_needed);
  g_test_add_func ("/spec/properties", test_every_property_is_kept);
  g_test_add_func ("/spec/notify", test_only_a_change_is_notified);
  g_test_add_func ("/spec/tag/default", test_a_tag_taken_back_is_the_default);
  g_test_add_func ("/spec/lists", test_lists_belong_to_the_caller);
  g_test_add_func ("/spec/run-files", test_run_files_are_sorted_and_can_be_taken_back);
  g_test_add_func ("/spec/share-tags", test_shares_have_tags_in_their_order);
  g_test_add_func ("/spec/invalid/directory", test_directories_that_cannot_be);
  g_test_add_func ("/spec/odd-directory", test_directories_that_only_look_odd);
  g_test_add_func ("/spec/invalid/tag", test_tags_that_cannot_be);
  g_test_add_func ("/spec/invalid/property", test_properties_that_cannot_be);
  g_test_add_func ("/spec/addresses", test_addresses);
  g_test_add_func ("/spec/invalid/addresses", test_addresses_that_cannot_be);
  g_test_add_func ("/spec/resolve-server", test_the_server_is_resolved);
  g_test_add_func ("/spec/invalid/mount-point", test_mount_points_that_cannot_be);
  g_test_add_func ("/spec/invalid/share", test_a_share_needs_a_good_directory_too);
  g_test_add_func ("/spec/invalid/run-file", test_run_files_that_cannot_be);
  g_test_add_func ("/spec/invalid/boot-source", test_the_guests_initramfs_can_only_mount_a_root);

  return g_test_run ();
}
