/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Against libvirt's test driver, which is built into the client library: no daemon runs. */

#include <dlfcn.h>
#include <glib/gstdio.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <unistd.h>

#include "vmroot.h"

#define UUID "8b7a8f3c-1111-4222-8333-444455556666"
#define DOMAIN(name, more)                                                                         \
  "<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>"                   \
  "<name>" name "</name><memory>65536</memory><os><type>hvm</type></os>" more "</domain>"

/* What the test driver starts with. The first that runs has the id 1, and so on. */
static const gchar node[] = "<node>" DOMAIN ("running", "") DOMAIN ("2", "") /* the id is 2, too */
    DOMAIN ("4", "")                                                         /* the id is 3 */
    DOMAIN ("transient", "<test:transient/>")
        DOMAIN ("stopped",
                "<uuid>" UUID "</uuid><test:runstate>5</test:runstate>"
                "<devices><graphics type='vnc' passwd='secret'/></devices>") "</node>";

typedef struct
{
  gchar *file;
  gchar *uri;
  VmrootConnection *connection;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  gint fd = g_file_open_tmp ("vmroot-node-XXXXXX.xml", &fixture->file, &error);

  g_assert_no_error (error);
  close (fd);
  g_file_set_contents (fixture->file, node, -1, &error);
  g_assert_no_error (error);

  fixture->uri = g_strconcat ("test://", fixture->file, NULL);
  fixture->connection = vmroot_connection_open (fixture->uri, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  g_clear_object (&fixture->connection);
  g_remove (fixture->file);
  g_free (fixture->file);
  g_free (fixture->uri);
}

static gchar *
get_name (VmrootConnection *connection, const gchar *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootDomain) domain = vmroot_connection_get_domain (connection, name, &error);

  g_assert_no_error (error);
  return vmroot_domain_get_name (domain);
}

static void
assert_no_domain (VmrootConnection *connection, const gchar *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootDomain) domain = vmroot_connection_get_domain (connection, name, &error);

  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_DOMAIN);
  g_assert_null (domain);
  g_assert_nonnull (strstr (error->message, name));
}

static void
test_open_says_what_it_is (Fixture *fixture, gconstpointer unused)
{
  g_assert_cmpstr (vmroot_connection_get_uri (fixture->connection), ==, fixture->uri);
  g_assert_false (vmroot_connection_get_read_only (fixture->connection));
  g_assert_false (vmroot_connection_get_remote (fixture->connection));
}

static void
test_open_without_uri_is_libvirts_default (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootConnection) connection = NULL;

  g_setenv ("LIBVIRT_DEFAULT_URI", fixture->uri, TRUE);
  connection = vmroot_connection_open (NULL, &error);
  g_unsetenv ("LIBVIRT_DEFAULT_URI");

  g_assert_no_error (error);
  g_assert_cmpstr (vmroot_connection_get_uri (connection), ==, fixture->uri);
}

static void
test_open_failing_names_the_uri (void)
{
  const gchar *const uris[] = { "nonsense:///", "test:///nowhere.xml",
                                "qemu+unix:///system?socket=/nowhere" };

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (VmrootConnection) connection = vmroot_connection_open (uris[i], &error);

      g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_CONNECTION);
      g_assert_null (connection);
      g_assert_nonnull (strstr (error->message, uris[i]));
    }
}

/* It is shared: neither end closes it for the other. */
static void
test_handle_of_the_program_is_shared (Fixture *fixture, gconstpointer unused)
{
  virConnectPtr handle = virConnectOpen (fixture->uri);
  VmrootConnection *connection = vmroot_connection_new_for_handle (handle);
  g_autofree gchar *name = NULL;

  g_assert_cmpstr (vmroot_connection_get_uri (connection), ==, fixture->uri);
  g_assert_false (vmroot_connection_get_read_only (connection));
  name = get_name (connection, "stopped");
  g_assert_cmpstr (name, ==, "stopped");

  g_object_unref (connection);
  g_assert_cmpint (virConnectIsAlive (handle), ==, 1);

  connection = vmroot_connection_new_for_handle (handle);
  g_assert_cmpint (virConnectClose (handle), ==, 1);
  g_free (name);
  name = get_name (connection, "stopped");
  g_assert_cmpstr (name, ==, "stopped");
  g_object_unref (connection);
}

static void
test_domains_are_listed_by_name (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) names = vmroot_connection_list_domains (fixture->connection, &error);
  const gchar *const expected[] = { "2", "4", "running", "stopped", "transient", NULL };

  g_assert_no_error (error);
  g_assert_cmpstrv (names, expected);
}

static void
test_domain_is_found_by_name_uuid_or_id (Fixture *fixture, gconstpointer unused)
{
  const gchar *const words[][2] = {
    { "running", "running" }, { "1", "running" }, { "stopped", "stopped" },
    { UUID, "stopped" },      { "2", "2" },       { "3", "4" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      g_autofree gchar *name = get_name (fixture->connection, words[i][0]);

      g_assert_cmpstr (name, ==, words[i][1]);
    }
}

static void
test_domain_that_is_not_there (Fixture *fixture, gconstpointer unused)
{
  assert_no_domain (fixture->connection, "nobody");
  assert_no_domain (fixture->connection, "99");
  assert_no_domain (fixture->connection, "99999999999999999999");
  assert_no_domain (fixture->connection, "00000000-0000-4000-8000-000000000000");
}

static void
test_id_that_is_anothers_name_is_refused (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootDomain) domain = vmroot_connection_get_domain (fixture->connection, "4", &error);

  /* The name of the domain 3, the id of the domain `transient`. */
  g_assert_null (domain);
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_DOMAIN);
  g_assert_nonnull (strstr (error->message, "transient"));
  g_assert_nonnull (strstr (error->message, "UUID"));
}

static gchar *
get_xml (VmrootConnection *connection, const gchar *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootDomain) domain = vmroot_connection_get_domain (connection, name, &error);

  g_assert_no_error (error);
  return vmroot_domain_to_xml (domain);
}

static gboolean
attach (Fixture *fixture, const gchar *name, gboolean *running, GError **error)
{
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/web");

  return vmroot_connection_attach (fixture->connection, name, spec, running, NULL, error);
}

static void
assert_directory (Fixture *fixture, const gchar *name, const gchar *directory)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootDomain) domain =
      vmroot_connection_get_domain (fixture->connection, name, &error);
  g_autoptr (VmrootSpec) spec = vmroot_domain_get_spec (domain, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (vmroot_spec_get_directory (spec), ==, directory);
}

static void
test_attach_changes_the_definition (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  gboolean running = TRUE;

  g_assert_true (attach (fixture, UUID, &running, &error));
  g_assert_no_error (error);
  g_assert_false (running);
  assert_directory (fixture, "stopped", "/export/web");
}

static void
test_attach_keeps_secrets (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *xml = NULL;

  g_assert_true (attach (fixture, "stopped", NULL, &error));
  xml = get_xml (fixture->connection, "stopped");
  g_assert_nonnull (strstr (xml, "secret"));
}

/* How often the next definitions that are read are changed by somebody else right after that. */
static guint others_changes;

/* Takes the place of libvirt's for libvmroot as well: here another client comes in between. */
__attribute__ ((visibility ("default"))) char *
virDomainGetXMLDesc (virDomainPtr domain, unsigned int flags)
{
  char *(*real) (virDomainPtr, unsigned int) = dlsym (RTLD_NEXT, "virDomainGetXMLDesc");
  char *xml = real (domain, flags);

  if (others_changes > 0)
    {
      g_autofree gchar *title = g_strdup_printf ("title %u", others_changes--);

      g_assert_cmpint (virDomainSetMetadata (domain, VIR_DOMAIN_METADATA_TITLE, title, NULL, NULL,
                                             VIR_DOMAIN_AFFECT_CONFIG),
                       ==, 0);
    }
  return xml;
}

static void
test_change_of_another_client_is_kept (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *xml = NULL;

  others_changes = 2;
  g_assert_true (attach (fixture, "stopped", NULL, &error));
  g_assert_no_error (error);

  xml = get_xml (fixture->connection, "stopped");
  g_assert_nonnull (strstr (xml, "<title>title 1</title>"));
  assert_directory (fixture, "stopped", "/export/web");
}

static void
test_client_that_never_stops_is_not_waited_for (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  others_changes = G_MAXUINT;
  g_assert_false (attach (fixture, "stopped", NULL, &error));
  others_changes = 0;
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_LIBVIRT);
  g_assert_nonnull (strstr (error->message, "Nothing was changed"));
}

static void
test_attach_to_a_running_guest_says_so (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  gboolean running = FALSE;

  g_assert_true (attach (fixture, "running", &running, &error));
  g_assert_true (running);
  g_assert_true (attach (fixture, "running", NULL, &error));
  assert_directory (fixture, "running", "/export/web");
}

static void
test_detach_gives_the_definition_back (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *before = get_xml (fixture->connection, "stopped");
  g_autofree gchar *after = NULL;
  gboolean running = TRUE;

  g_assert_true (attach (fixture, "stopped", NULL, &error));
  g_assert_true (vmroot_connection_detach (fixture->connection, "stopped", &running, NULL, &error));
  g_assert_no_error (error);

  after = get_xml (fixture->connection, "stopped");
  g_assert_cmpstr (after, ==, before);
  g_assert_false (running);
}

static void
test_detach_of_nothing (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (vmroot_connection_detach (fixture->connection, "stopped", NULL, NULL, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_SPEC);
}

static void
test_attach_to_a_transient_domain_is_refused (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (attach (fixture, "transient", NULL, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_TRANSIENT_DOMAIN);
}

static void
test_attach_to_nobody (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (attach (fixture, "nobody", NULL, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_DOMAIN);
  g_assert_nonnull (strstr (error->message, fixture->uri));
}

static void
test_attach_of_an_invalid_spec_changes_nothing (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("relative");
  g_autofree gchar *before = get_xml (fixture->connection, "stopped");
  g_autofree gchar *after = NULL;

  g_assert_false (
      vmroot_connection_attach (fixture->connection, "stopped", spec, NULL, NULL, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_DIRECTORY);
  after = get_xml (fixture->connection, "stopped");
  g_assert_cmpstr (after, ==, before);
}

static void
test_cancelled_attach_changes_nothing (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/web");
  g_autofree gchar *before = get_xml (fixture->connection, "stopped");
  g_autofree gchar *after = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_false (
      vmroot_connection_attach (fixture->connection, "stopped", spec, NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  after = get_xml (fixture->connection, "stopped");
  g_assert_cmpstr (after, ==, before);
}

static void
test_read_only_connection_reads_only (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/web");
  g_autoptr (VmrootConnection) connection = vmroot_connection_open_read_only (fixture->uri, &error);
  g_autofree gchar *name = NULL;

  g_assert_no_error (error);
  g_assert_true (vmroot_connection_get_read_only (connection));
  name = get_name (connection, "stopped");
  g_assert_cmpstr (name, ==, "stopped");

  /* Before anything else is looked at: there is no such domain either. */
  g_assert_false (vmroot_connection_attach (connection, "nobody", spec, NULL, NULL, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_READ_ONLY);
  g_clear_error (&error);
  g_assert_false (vmroot_connection_detach (connection, "nobody", NULL, NULL, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_READ_ONLY);
}

/* Where an asynchronous call ends. */
typedef struct
{
  GMainLoop *loop;
  GAsyncResult *result;
} Wait;

static void
wait_done (GObject *source, GAsyncResult *result, gpointer data)
{
  Wait *wait = data;

  wait->result = g_object_ref (result);
  g_main_loop_quit (wait->loop);
}

static void
test_asynchronous_calls_do_the_same (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/web");
  g_autoptr (VmrootConnection) connection = NULL;
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Wait wait = { loop, NULL };
  gboolean running = FALSE;

  vmroot_connection_open_async (fixture->uri, NULL, wait_done, &wait);
  g_main_loop_run (loop);
  connection = vmroot_connection_open_finish (wait.result, &error);
  g_assert_no_error (error);
  g_clear_object (&wait.result);

  vmroot_connection_attach_async (connection, "running", spec, NULL, wait_done, &wait);
  g_main_loop_run (loop);
  g_assert_true (vmroot_connection_attach_finish (connection, wait.result, &running, &error));
  g_assert_no_error (error);
  g_assert_true (running);
  g_clear_object (&wait.result);

  vmroot_connection_detach_async (connection, "stopped", NULL, wait_done, &wait);
  g_main_loop_run (loop);
  g_assert_false (vmroot_connection_detach_finish (connection, wait.result, NULL, &error));
  g_assert_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_SPEC);
  g_clear_object (&wait.result);
}

/* What libvirt prints by itself would end up in the middle of a user's terminal. Opening is
 * different: before there is a connection, only the program may have libvirt be quiet. */
static void
ignore_error (void *data, virErrorPtr error)
{
}

static void
test_libvirt_prints_nothing (void)
{
  if (g_test_subprocess ())
    {
      Fixture fixture;
      g_autoptr (GError) error = NULL;

      set_up (&fixture, NULL);
      g_assert_false (attach (&fixture, "nobody", NULL, &error));
      tear_down (&fixture, NULL);
      return;
    }

  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("");
}

#define ADD(path, function)                                                                        \
  g_test_add ("/connection/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  if (!g_test_subprocess ())
    virSetErrorFunc (NULL, ignore_error);

  ADD ("open", test_open_says_what_it_is);
  ADD ("open/default", test_open_without_uri_is_libvirts_default);
  g_test_add_func ("/connection/open/failing", test_open_failing_names_the_uri);
  ADD ("handle", test_handle_of_the_program_is_shared);
  ADD ("list", test_domains_are_listed_by_name);
  ADD ("get", test_domain_is_found_by_name_uuid_or_id);
  ADD ("get/nobody", test_domain_that_is_not_there);
  ADD ("get/ambiguous", test_id_that_is_anothers_name_is_refused);
  ADD ("attach", test_attach_changes_the_definition);
  ADD ("attach/running", test_attach_to_a_running_guest_says_so);
  ADD ("attach/secrets", test_attach_keeps_secrets);
  ADD ("attach/other-client", test_change_of_another_client_is_kept);
  ADD ("attach/restless-client", test_client_that_never_stops_is_not_waited_for);
  ADD ("attach/transient", test_attach_to_a_transient_domain_is_refused);
  ADD ("attach/nobody", test_attach_to_nobody);
  ADD ("attach/invalid", test_attach_of_an_invalid_spec_changes_nothing);
  ADD ("attach/cancelled", test_cancelled_attach_changes_nothing);
  ADD ("detach", test_detach_gives_the_definition_back);
  ADD ("detach/nothing", test_detach_of_nothing);
  ADD ("read-only", test_read_only_connection_reads_only);
  ADD ("asynchronous", test_asynchronous_calls_do_the_same);
  g_test_add_func ("/connection/quiet", test_libvirt_prints_nothing);
  return g_test_run ();
}
