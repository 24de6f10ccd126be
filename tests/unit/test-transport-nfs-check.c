/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "vmroot-error.h"
#include "vmroot-finding.h"
#include "vmroot-transport-nfs-private.h"

#define NOBODY 65534

/* /export/web is a file system of its own, /export/db a directory beside others. */
#define MOUNTS                                                                                     \
  "20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"                                        \
  "21 20 253:1 / /export/web rw,nosuid,nodev shared:2 - ext4 /dev/vg/web rw\n"                     \
  "22 20 253:2 / /export/a\\040b rw,relatime - xfs /dev/vg/ab rw\n"                                \
  "23 20 0:40 /@roots /export/sub rw,nosuid,nodev - btrfs /dev/sdb rw\n"

/* A host with an NFS server on which nothing is wrong, until a test says otherwise. */
typedef struct
{
  gchar *sysroot;
  VmrootContext *context;
  VmrootConfiguration *configuration;
  VmrootSpec *spec;
  GPtrArray *directories;
} Fixture;

static void
write_file (Fixture *fixture, const gchar *path, const gchar *content)
{
  g_autofree gchar *full = g_build_filename (fixture->sysroot, path, NULL);
  g_autofree gchar *directory = g_path_get_dirname (full);

  g_assert_cmpint (g_mkdir_with_parents (directory, 0755), ==, 0);
  g_assert_true (g_file_set_contents (full, content, -1, NULL));
}

static void
remove_file (Fixture *fixture, const gchar *path)
{
  g_autofree gchar *full = g_build_filename (fixture->sysroot, path, NULL);

  g_assert_cmpint (g_remove (full), ==, 0);
}

/* Nothing but its path is looked at. */
static void
serve (Fixture *fixture, const gchar *path)
{
  VmrootServedDirectory *directory = g_new0 (VmrootServedDirectory, 1);

  directory->tag = g_strdup ("vmroot");
  directory->directory = g_strdup (path);
  directory->path = g_strdup (path);
  directory->id = g_strdup ("1:2");
  directory->above = g_new0 (gchar *, 1);
  directory->is_root = fixture->directories->len == 0;
  directory->writable = TRUE;
  g_ptr_array_add (fixture->directories, directory);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->sysroot = g_dir_make_tmp ("vmroot-test-XXXXXX", NULL);
  fixture->context = vmroot_context_new (fixture->sysroot);
  fixture->configuration = vmroot_configuration_load (fixture->context, NULL);
  fixture->spec = vmroot_spec_new ("/export/guest");
  fixture->directories =
      g_ptr_array_new_with_free_func ((GDestroyNotify)vmroot_served_directory_free);
  write_file (fixture, "/proc/fs/nfsd/threads", "8\n");
  write_file (fixture, "/proc/fs/nfsd/versions", "+3 +4 +4.1 +4.2\n");
  write_file (fixture, "/proc/self/mountinfo", MOUNTS);
}

static void
remove_recursively (const gchar *path)
{
  g_autoptr (GDir) directory =
      g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open (path, 0, NULL);
  const gchar *name;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree gchar *child = g_build_filename (path, name, NULL);

      remove_recursively (child);
    }
  g_assert_cmpint (g_remove (path), ==, 0);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  remove_recursively (fixture->sysroot);
  g_free (fixture->sysroot);
  vmroot_configuration_free (fixture->configuration);
  vmroot_context_unref (fixture->context);
  g_object_unref (fixture->spec);
  g_ptr_array_unref (fixture->directories);
}

static GPtrArray *
check (Fixture *fixture)
{
  GPtrArray *findings = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GError) error = NULL;

  g_assert_true (vmroot_transport_nfs_check (fixture->context, fixture->configuration,
                                             fixture->spec, fixture->directories, findings, NULL,
                                             &error));
  return findings;
}

static VmrootFinding *
find (GPtrArray *findings, const gchar *id)
{
  for (guint i = 0; i < findings->len; i++)
    if (g_str_equal (vmroot_finding_get_id (g_ptr_array_index (findings, i)), id))
      return g_ptr_array_index (findings, i);

  return NULL;
}

/* Asserts that `id` is the only finding, and gives it back. */
static VmrootFinding *
find_only (GPtrArray *findings, const gchar *id)
{
  g_assert_cmpuint (findings->len, ==, 1);
  g_assert_cmpstr (vmroot_finding_get_id (g_ptr_array_index (findings, 0)), ==, id);
  g_assert_nonnull (vmroot_finding_get_fix (g_ptr_array_index (findings, 0)));
  return g_ptr_array_index (findings, 0);
}

static void
assert_says (VmrootFinding *finding, const gchar *text)
{
  g_assert_nonnull (strstr (vmroot_finding_get_detail (finding), text));
}

static void
test_nothing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) findings = NULL;

  serve (fixture, "/export/web");
  findings = check (fixture);

  g_assert_cmpuint (findings->len, ==, 0);
}

static void
test_server (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) stopped = NULL;
  g_autoptr (GPtrArray) absent = NULL;

  write_file (fixture, "/proc/fs/nfsd/threads", "0\n");
  stopped = check (fixture);
  g_assert_cmpint (vmroot_finding_get_severity (find_only (stopped, "no-nfs-server")), ==,
                   VMROOT_SEVERITY_ERROR);

  /* Not loaded at all. */
  remove_file (fixture, "/proc/fs/nfsd/threads");
  remove_file (fixture, "/proc/fs/nfsd/versions");
  absent = check (fixture);
  find_only (absent, "no-nfs-server");
}

static void
test_version (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) findings = NULL;

  write_file (fixture, "/proc/fs/nfsd/versions", "+3 +4 +4.1 -4.2\n");
  findings = check (fixture);

  assert_says (find_only (findings, "nfs-version"), "“+3 +4 +4.1 -4.2”");
}

/* The kernel tells only root. */
static void
test_not_root (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *threads = g_build_filename (fixture->sysroot, "/proc/fs/nfsd/threads", NULL);
  g_autoptr (GPtrArray) findings = NULL;
  const uid_t user = getuid ();

  g_assert_cmpint (g_chmod (threads, 0), ==, 0);
  g_assert_cmpint (g_chmod (fixture->sysroot, 0755), ==, 0);
  /* Nothing is closed to root. */
  if (user == 0)
    g_assert_no_errno (setresuid (NOBODY, NOBODY, 0));
  findings = check (fixture);
  if (user == 0)
    g_assert_no_errno (setresuid (0, 0, 0));

  g_assert_cmpuint (findings->len, ==, 0);
}

static void
test_file_system (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) findings = NULL;

  remove_file (fixture, "/proc/self/mountinfo");
  serve (fixture, "/proc/self");
  findings = check (fixture);

  find_only (findings, "nfs-file-system");
}

static void
test_shared_file_system (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) of_host = NULL;
  g_autoptr (GPtrArray) of_mount = NULL;
  g_autoptr (GPtrArray) of_btrfs = NULL;

  serve (fixture, "/export/db");
  of_host = check (fixture);
  assert_says (find_only (of_host, "nfs-shared-file-system"), "/etc/shadow");

  g_ptr_array_set_size (fixture->directories, 0);
  serve (fixture, "/export/web/root");
  write_file (fixture, "/export/web/secret", "");
  write_file (fixture, "/export/web/root/etc/passwd", "");
  of_mount = check (fixture);
  assert_says (find_only (of_mount, "nfs-shared-file-system"), "secret");
  assert_says (find_only (of_mount, "nfs-shared-file-system"), "the file system of /export/web (");

  /* A subvolume looks like a file system, and is none to nfsd. */
  g_ptr_array_set_size (fixture->directories, 0);
  serve (fixture, "/export/sub");
  of_btrfs = check (fixture);
  find_only (of_btrfs, "nfs-shared-file-system");
}

static void
test_mount_options (Fixture *fixture, gconstpointer data)
{
  VmrootServedDirectory *directory;
  g_autoptr (GPtrArray) findings = NULL;
  g_autoptr (GPtrArray) read_only = NULL;

  serve (fixture, "/export/a b");
  findings = check (fixture);
  g_assert_cmpint (vmroot_finding_get_severity (find_only (findings, "nfs-mount-options")), ==,
                   VMROOT_SEVERITY_INFO);

  directory = g_ptr_array_index (fixture->directories, 0);
  directory->writable = FALSE;
  read_only = check (fixture);
  g_assert_cmpuint (read_only->len, ==, 0);
}

static void
test_wide_exports (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const gchar *etab;
    const gchar *says; /* NULL: nothing */
  } cases[] = {
    { "/export/web\t192.168.122.5(rw)\n", NULL },
    { "/export/web\tfd00::5(rw)\n", NULL },
    { "/export/web\t192.168.122.0/24(rw)\n",
      "/export/web to 192.168.122.0/24 (is that directory)" },
    { "/export/web\t@trusted(rw)\n", "@trusted" },
    { "/export/web\t*(ro)\n", "to * (" },
    { "/export\t*(rw,crossmnt)\n", "/export to * (holds it, by crossmnt)" },
    { "/export\t*(rw)\n", NULL },
    { "/export\t192.168.122.9(rw,crossmnt)\n", NULL },
    { "/exp\t*(rw,crossmnt)\n", NULL },
    { "/export/web/srv\t*(rw)\n", "is on the same file system" },
    { "/export/db\t*(rw)\n", NULL },
  };

  serve (fixture, "/export/web");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GPtrArray) findings = NULL;

      write_file (fixture, "/var/lib/nfs/etab", cases[i].etab);
      findings = check (fixture);
      if (cases[i].says != NULL)
        assert_says (find_only (findings, "nfs-wide-export"), cases[i].says);
      else
        g_assert_cmpuint (findings->len, ==, 0);
    }
}

/* Above it, on the same file system: no crossmnt is needed. */
static void
test_wide_export_above (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) findings = NULL;

  serve (fixture, "/export/db");
  write_file (fixture, "/var/lib/nfs/etab", "/export\t10.0.0.0/8(rw)\n");
  findings = check (fixture);

  g_assert_nonnull (find (findings, "nfs-wide-export"));
  assert_says (find (findings, "nfs-wide-export"), "/export to 10.0.0.0/8 (holds it)");
}

/* The programs that a firewall is asked with; what they print, NULL where they fail. */
typedef struct
{
  const gchar *zones;
  const gchar *zone;
  const gchar *rules;
} Firewall;

static gboolean
ask_firewall (const gchar *const *argv, gchar **output, gpointer user_data, GError **error)
{
  const Firewall *firewall = user_data;
  const gchar *text = NULL;

  if (g_str_equal (argv[0], "iptables"))
    text = firewall->rules;
  else if (g_str_equal (argv[0], "nft"))
    text = "{\"nftables\": []}";
  else if (g_str_equal (argv[1], "--get-active-zones"))
    text = firewall->zones;
  else if (g_strcmp0 (argv[2], "--list-all") == 0)
    text = firewall->zone;

  if (text == NULL)
    g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "it did not work");
  else
    *output = g_strdup (text);
  return text != NULL;
}

/* Programs of these names: that they are installed is all that is asked of them. */
static void
install_firewalls (Fixture *fixture)
{
  static const gchar *const names[] = { "/bin/iptables", "/bin/nft" };
  g_autofree gchar *path = g_build_filename (fixture->sysroot, "bin", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree gchar *program = g_build_filename (fixture->sysroot, names[i], NULL);

      write_file (fixture, names[i], "");
      g_assert_cmpint (g_chmod (program, 0755), ==, 0);
    }
  g_setenv ("PATH", path, TRUE);
}

static void
test_firewall (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    Firewall firewall;
    const gchar *says; /* NULL: nothing */
  } cases[] = {
    { { NULL, NULL, "-P INPUT ACCEPT\n" }, NULL },
    { { NULL, NULL, "-P INPUT DROP\n" }, "iptables INPUT" },
    { { NULL, NULL, "-P INPUT DROP\n-A INPUT -s 127.0.0.0/8 -j ACCEPT\n" }, NULL },
    { { NULL, NULL, NULL }, NULL },
    { { "public\n  interfaces: lo\n", "public\n  target: default\n  services: ssh\n",
        "-P INPUT ACCEPT\n" },
      "the zone “public”" },
    { { "public\n  interfaces: lo\n", "public\n  target: default\n  services: ssh nfs\n",
        "-P INPUT ACCEPT\n" },
      NULL },
  };
  g_autofree gchar *path = g_strdup (g_getenv ("PATH"));

  install_firewalls (fixture);
  vmroot_spec_set_server (fixture->spec, "127.0.0.1");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GPtrArray) findings = NULL;

      vmroot_context_set_run_func (fixture->context, ask_firewall, (gpointer)&cases[i].firewall);
      findings = check (fixture);
      if (cases[i].says == NULL)
        {
          g_assert_cmpuint (findings->len, ==, 0);
          continue;
        }
      assert_says (find_only (findings, "nfs-firewall"), cases[i].says);
      g_assert_false (vmroot_finding_get_can_fix (g_ptr_array_index (findings, 0)));
    }
  g_setenv ("PATH", path, TRUE);
}

/* vmroot setup opens libvirt's own bridges, and no others. */
static void
test_firewall_before_a_bridge_of_libvirts (Fixture *fixture, gconstpointer data)
{
  Firewall firewall = { NULL, NULL, "-P INPUT DROP\n" };
  g_autofree gchar *path = g_strdup (g_getenv ("PATH"));
  g_autoptr (GPtrArray) findings = NULL;

  install_firewalls (fixture);
  write_file (fixture, "/etc/libvirt/qemu/networks/lab.xml",
              "<network><name>lab</name><forward mode='nat'/><bridge name='lo'/></network>");
  vmroot_spec_set_server (fixture->spec, "127.0.0.1");
  vmroot_context_set_run_func (fixture->context, ask_firewall, &firewall);
  findings = check (fixture);

  g_assert_true (vmroot_finding_get_can_fix (find_only (findings, "nfs-firewall")));
  g_setenv ("PATH", path, TRUE);
}

/* Nothing has a label where there is nothing. */
static void
test_labels (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) findings = NULL;

  serve (fixture, "/export/web");
  vmroot_spec_set_xattrs (fixture->spec, VMROOT_XATTRS_SELINUX);
  findings = check (fixture);

  find_only (findings, "nfs-labels");
}

/* In the network 127.0.0.0/8, but no address that an interface has. */
#define ELSEWHERE "127.0.77.1"

/* RFC 5531 and RFC 7530. */
#define REPLY 1
#define MSG_DENIED 1
#define AUTH_ERROR 1
#define AUTH_TOOWEAK 5
#define PROG_MISMATCH 2
#define NFS4ERR_MINOR_VERS_MISMATCH 10021

typedef struct
{
  guint32 words[6]; /* what follows the number of the call */
  guint n_words;
} Reply;

typedef struct
{
  GSocketListener *listener;
  const Reply *reply;
} Server;

/* Takes one call, and gives the reply to it. */
static gpointer
serve_call (gpointer data)
{
  const Server *server = data;
  const Reply *reply = server->reply;
  g_autoptr (GSocketConnection) connection =
      g_socket_listener_accept (server->listener, NULL, NULL, NULL);
  GIOStream *stream = G_IO_STREAM (connection);
  guint32 call[14] = { 0 };
  guint32 answer[8] = { 0 };
  const guint length = (reply->n_words + 1) * 4;

  g_assert_true (g_input_stream_read_all (g_io_stream_get_input_stream (stream), call, sizeof call,
                                          NULL, NULL, NULL));
  g_assert_cmphex (GUINT32_FROM_BE (call[0]), ==, 0x80000000 | (sizeof call - 4));
  /* A call to NFS, version 4, of COMPOUND, minor version 2. */
  g_assert_cmpuint (GUINT32_FROM_BE (call[2]), ==, 0);
  g_assert_cmpuint (GUINT32_FROM_BE (call[4]), ==, 100003);
  g_assert_cmpuint (GUINT32_FROM_BE (call[5]), ==, 4);
  g_assert_cmpuint (GUINT32_FROM_BE (call[6]), ==, 1);
  g_assert_cmpuint (GUINT32_FROM_BE (call[12]), ==, 2);

  answer[0] = GUINT32_TO_BE (0x80000000 | length);
  answer[1] = call[1];
  for (guint i = 0; i < reply->n_words; i++)
    answer[i + 2] = GUINT32_TO_BE (reply->words[i]);
  g_assert_true (g_output_stream_write_all (g_io_stream_get_output_stream (stream), answer,
                                            length + 4, NULL, NULL, NULL));
  return NULL;
}

static GPtrArray *
check_with_reply (Fixture *fixture, const Reply *reply)
{
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string (ELSEWHERE, 2049);
  Server server = { listener, reply };
  GPtrArray *findings;
  GThread *thread;

  g_assert_true (g_socket_listener_add_address (listener, address, G_SOCKET_TYPE_STREAM,
                                                G_SOCKET_PROTOCOL_TCP, NULL, NULL, NULL));
  thread = g_thread_new ("server", serve_call, &server);
  vmroot_spec_set_server (fixture->spec, ELSEWHERE);
  findings = check (fixture);
  g_thread_join (thread);

  return findings;
}

static void
test_server_elsewhere (Fixture *fixture, gconstpointer data)
{
  const Reply speaks = { { REPLY, 0, 0, 0, 0, 0 }, 6 };
  const Reply has_no_minor_version = { { REPLY, 0, 0, 0, 0, NFS4ERR_MINOR_VERS_MISMATCH }, 6 };
  const Reply has_version_3 = { { REPLY, 0, 0, 0, PROG_MISMATCH, 3 }, 6 };
  const Reply wants_credentials = { { REPLY, MSG_DENIED, AUTH_ERROR, AUTH_TOOWEAK }, 4 };
  const Reply no_server = { { 0, 0, 0 }, 3 };
  g_autoptr (GPtrArray) silent = NULL;
  g_autoptr (GPtrArray) good = NULL;
  g_autoptr (GPtrArray) old = NULL;
  g_autoptr (GPtrArray) older = NULL;
  g_autoptr (GPtrArray) strict = NULL;
  g_autoptr (GPtrArray) other = NULL;

  /* Nothing of this host counts. */
  write_file (fixture, "/proc/fs/nfsd/threads", "0\n");
  serve (fixture, "/export/db");
  vmroot_spec_set_server (fixture->spec, ELSEWHERE);
  silent = check (fixture);
  assert_says (find_only (silent, "nfs-server-unreachable"), ELSEWHERE);

  good = check_with_reply (fixture, &speaks);
  g_assert_cmpuint (good->len, ==, 0);
  old = check_with_reply (fixture, &has_no_minor_version);
  assert_says (find_only (old, "nfs-version"), ELSEWHERE);
  older = check_with_reply (fixture, &has_version_3);
  assert_says (find_only (older, "nfs-version"), ELSEWHERE);
  strict = check_with_reply (fixture, &wants_credentials);
  g_assert_cmpuint (strict->len, ==, 0);
  other = check_with_reply (fixture, &no_server);
  assert_says (find_only (other, "nfs-server-unreachable"), "no NFS server");
}

static void
test_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) findings = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  vmroot_spec_set_server (fixture->spec, ELSEWHERE);

  g_assert_false (vmroot_transport_nfs_check (fixture->context, fixture->configuration,
                                              fixture->spec, fixture->directories, findings,
                                              cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, function)                                                                        \
  g_test_add ("/transport-nfs-check/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("nothing", test_nothing);
  ADD ("server", test_server);
  ADD ("version", test_version);
  ADD ("not-root", test_not_root);
  ADD ("file-system", test_file_system);
  ADD ("shared-file-system", test_shared_file_system);
  ADD ("mount-options", test_mount_options);
  ADD ("wide-exports", test_wide_exports);
  ADD ("wide-export-above", test_wide_export_above);
  ADD ("firewall", test_firewall);
  ADD ("firewall-before-libvirts-bridge", test_firewall_before_a_bridge_of_libvirts);
  ADD ("labels", test_labels);
  ADD ("server-elsewhere", test_server_elsewhere);
  ADD ("cancelled", test_cancelled);
  return g_test_run ();
}
