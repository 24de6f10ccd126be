/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* With its parts, vmroot-connection-*.c, the only file of the library that knows libvirt. */

#include "config.h"

#include <libvirt/virterror.h>

#include "vmroot-connection-private.h"
#include "vmroot-domain-private.h"
#include "vmroot-error.h"
#include "vmroot-translation-private.h"

/**
 * VmrootConnection:
 *
 * A connection to libvirt, on this host or on another.
 *
 * Its calls wait for libvirt: in a program with a main loop, use the `_async` forms or a thread.
 * One connection may be used from several threads at once. It installs no error handler outside
 * itself: libvirt's own, which belongs to the program, still prints when a connection cannot be
 * opened, or was not opened here, unless the program calls `virSetErrorFunc()`.
 *
 * Since: 1.0
 */
struct _VmrootConnection
{
  GObject parent_instance;

  virConnectPtr connection;
  gchar *uri;
  gboolean read_only;
};

enum
{
  PROP_URI = 1,
  PROP_READ_ONLY,
  PROP_REMOTE,
  N_PROPERTIES
};

static GParamSpec *obj_props[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (VmrootConnection, vmroot_connection, G_TYPE_OBJECT)

static void
vmroot_connection_finalize (GObject *object)
{
  VmrootConnection *self = VMROOT_CONNECTION (object);

  g_clear_pointer (&self->connection, virConnectClose);
  g_free (self->uri);

  G_OBJECT_CLASS (vmroot_connection_parent_class)->finalize (object);
}

static void
vmroot_connection_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  VmrootConnection *self = VMROOT_CONNECTION (object);

  switch (id)
    {
    case PROP_URI:
      g_value_set_string (value, vmroot_connection_get_uri (self));
      break;
    case PROP_READ_ONLY:
      g_value_set_boolean (value, vmroot_connection_get_read_only (self));
      break;
    case PROP_REMOTE:
      g_value_set_boolean (value, vmroot_connection_get_remote (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
vmroot_connection_class_init (VmrootConnectionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->finalize = vmroot_connection_finalize;
  object_class->get_property = vmroot_connection_get_property;

  /**
   * VmrootConnection:uri:
   *
   * What is connected to, as libvirt says it: `qemu:///system`.
   *
   * Since: 1.0
   */
  obj_props[PROP_URI] = g_param_spec_string ("uri", NULL, NULL, NULL, flags);

  /**
   * VmrootConnection:read-only:
   *
   * Whether definitions can only be read.
   *
   * Since: 1.0
   */
  obj_props[PROP_READ_ONLY] = g_param_spec_boolean ("read-only", NULL, NULL, FALSE, flags);

  /**
   * VmrootConnection:remote:
   *
   * Whether the guests run on another host: then a directory of this host means nothing to them.
   *
   * Since: 1.0
   */
  obj_props[PROP_REMOTE] = g_param_spec_boolean ("remote", NULL, NULL, FALSE, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, obj_props);
}

static void
vmroot_connection_init (VmrootConnection *self)
{
}

virConnectPtr
vmroot_connection_get_handle (VmrootConnection *self)
{
  return self->connection;
}

VmrootDomain *
vmroot_connection_read_domain (virDomainPtr domain, guint flags)
{
  char *xml = virDomainGetXMLDesc (domain, flags);
  VmrootDomain *read = xml != NULL ? vmroot_domain_new_from_xml (xml, NULL) : NULL;

  free (xml);
  return read;
}

static VmrootError
error_code (const virError *error)
{
  switch (error != NULL ? error->code : VIR_ERR_OK)
    {
    case VIR_ERR_NO_DOMAIN:
      return VMROOT_ERROR_NO_DOMAIN;
    case VIR_ERR_OPERATION_DENIED:
      return VMROOT_ERROR_READ_ONLY;
    case VIR_ERR_NO_CONNECT:
    case VIR_ERR_INVALID_CONN:
    case VIR_ERR_RPC:
    case VIR_ERR_AUTH_FAILED:
    case VIR_ERR_AUTH_CANCELLED:
    case VIR_ERR_AUTH_UNAVAILABLE:
      return VMROOT_ERROR_CONNECTION;
    default:
      return VMROOT_ERROR_LIBVIRT;
    }
}

static const gchar *
error_message (const virError *error)
{
  return error != NULL && error->message != NULL ? error->message : _ ("no reason given");
}

void
vmroot_connection_set_error (GError **error, const gchar *what)
{
  const virError *last = virGetLastError ();

  g_set_error (error, VMROOT_ERROR, error_code (last), "%s: %s", what, error_message (last));
}

static void
ignore_libvirt_error (void *data, virErrorPtr error)
{
}

static const gchar *
open_hint (const virError *error)
{
  switch (error != NULL ? error->code : VIR_ERR_OK)
    {
    case VIR_ERR_AUTH_FAILED:
    case VIR_ERR_AUTH_CANCELLED:
    case VIR_ERR_AUTH_UNAVAILABLE:
      return _ ("Be root, or a member of the group libvirt.");
    case VIR_ERR_SYSTEM_ERROR:
    case VIR_ERR_INTERNAL_ERROR:
      return _ ("Is the libvirt daemon of that host running, and may you use it?");
    case VIR_ERR_NO_CONNECT:
    case VIR_ERR_INVALID_ARG:
      return _ ("A connection is named as in virsh --connect: qemu:///system.");
    default:
      return _ ("Try the same with virsh --connect.");
    }
}

/* Takes the reference. */
static VmrootConnection *
connection_new (virConnectPtr connection, gboolean read_only)
{
  VmrootConnection *self = g_object_new (VMROOT_TYPE_CONNECTION, NULL);
  char *uri = virConnectGetURI (connection);

  self->connection = connection;
  self->read_only = read_only;
  self->uri = g_strdup (uri != NULL ? uri : "");
  free (uri);
  return self;
}

static VmrootConnection *
open_connection (const gchar *uri, gboolean read_only, GError **error)
{
  virConnectPtr connection = read_only ? virConnectOpenReadOnly (uri) : virConnectOpen (uri);

  if (connection == NULL)
    {
      const virError *last = virGetLastError ();

      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_CONNECTION,
                   _ ("Cannot connect to libvirt at %s: %s. %s"),
                   uri != NULL ? uri : _ ("its default URI"), error_message (last),
                   open_hint (last));
      return NULL;
    }

  /* What fails from now on is in our GErrors: libvirt need not print it too. */
  virConnSetErrorFunc (connection, NULL, ignore_libvirt_error);
  return connection_new (connection, read_only);
}

/**
 * vmroot_connection_new_for_handle: (constructor)
 * @handle: (type gpointer): a `virConnectPtr` that was opened for reading and writing
 *
 * Uses a connection that the program has already, with the rights that its user was asked for. In
 * Python, the handle of a `libvirt.virConnect` is what its method `c_pointer()` returns.
 *
 * Returns: (transfer full): a connection, with a reference of its own on @handle
 *
 * Since: 1.0
 */
VmrootConnection *
vmroot_connection_new_for_handle (gpointer handle)
{
  g_return_val_if_fail (handle != NULL, NULL);

  if (virConnectRef (handle) < 0)
    g_return_val_if_reached (NULL);
  return connection_new (handle, FALSE);
}

/**
 * vmroot_connection_open:
 * @uri: (nullable): what to connect to, as in `virsh --connect`; %NULL: libvirt's default, which
 *   the environment variable `LIBVIRT_DEFAULT_URI` and libvirt.conf(5) set
 * @error: return location of an error
 *
 * Connects to libvirt. No password is ever asked for: an authentication that needs one fails.
 *
 * Returns: (transfer full): a connection. On failure %NULL, with %VMROOT_ERROR_CONNECTION
 *
 * Since: 1.0
 */
VmrootConnection *
vmroot_connection_open (const gchar *uri, GError **error)
{
  return open_connection (uri, FALSE, error);
}

/**
 * vmroot_connection_open_read_only:
 * @uri: (nullable): what to connect to; see [func@Connection.open]
 * @error: return location of an error
 *
 * Connects to libvirt in order to read only, which any user may do on most hosts.
 *
 * Returns: (transfer full): a connection. On failure %NULL, with %VMROOT_ERROR_CONNECTION
 *
 * Since: 1.0
 */
VmrootConnection *
vmroot_connection_open_read_only (const gchar *uri, GError **error)
{
  return open_connection (uri, TRUE, error);
}

static void
open_in_thread (GTask *task, gpointer source, gpointer uri, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;
  VmrootConnection *self = open_connection (uri, FALSE, &error);

  if (self == NULL)
    g_task_return_error (task, g_steal_pointer (&error));
  else
    g_task_return_pointer (task, self, g_object_unref);
}

/**
 * vmroot_connection_open_async:
 * @uri: (nullable): what to connect to; see [func@Connection.open]
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called in the thread-default main context when it is done
 * @user_data: data for @callback
 *
 * Connects to libvirt in another thread. Cancelling gives the attempt up: libvirt ends it in its
 * own time.
 *
 * Since: 1.0
 */
void
vmroot_connection_open_async (const gchar *uri,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_source_tag (task, vmroot_connection_open_async);
  g_task_set_return_on_cancel (task, TRUE);
  g_task_set_task_data (task, g_strdup (uri), g_free);
  g_task_run_in_thread (task, open_in_thread);
}

/**
 * vmroot_connection_open_finish:
 * @result: what the callback was given
 * @error: return location of an error
 *
 * Ends [func@Connection.open_async].
 *
 * Returns: (transfer full): a connection. On failure %NULL, with %VMROOT_ERROR_CONNECTION
 *
 * Since: 1.0
 */
VmrootConnection *
vmroot_connection_open_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * vmroot_connection_get_uri:
 * @self: a connection
 *
 * What is connected to, as libvirt says it: `qemu:///system`.
 *
 * Returns: (transfer none): the value of [property@Vmroot.Connection:uri]
 *
 * Since: 1.0
 */
const gchar *
vmroot_connection_get_uri (VmrootConnection *self)
{
  g_return_val_if_fail (VMROOT_IS_CONNECTION (self), NULL);

  return self->uri;
}

/**
 * vmroot_connection_get_read_only:
 * @self: a connection
 *
 * Whether definitions can only be read.
 *
 * Returns: the value of [property@Vmroot.Connection:read-only]
 *
 * Since: 1.0
 */
gboolean
vmroot_connection_get_read_only (VmrootConnection *self)
{
  g_return_val_if_fail (VMROOT_IS_CONNECTION (self), FALSE);

  return self->read_only;
}

/**
 * vmroot_connection_get_remote:
 * @self: a connection
 *
 * Whether the guests run on another host: then a directory of this host means nothing to them.
 * Told by the URI having a host that is not this one's name for itself.
 *
 * Returns: the value of [property@Vmroot.Connection:remote]
 *
 * Since: 1.0
 */
gboolean
vmroot_connection_get_remote (VmrootConnection *self)
{
  const gchar *const local[] = { "", "localhost", "127.0.0.1", "::1", NULL };
  g_autoptr (GUri) uri = NULL;

  g_return_val_if_fail (VMROOT_IS_CONNECTION (self), FALSE);

  uri = g_uri_parse (self->uri, G_URI_FLAGS_NON_DNS, NULL);
  if (uri == NULL || g_uri_get_host (uri) == NULL)
    return FALSE;

  return !g_strv_contains (local, g_uri_get_host (uri));
}

static gboolean
is_number (const gchar *name)
{
  return *name != '\0' && name[strspn (name, "0123456789")] == '\0';
}

/* The running domain that has the number `name`, if `name` is a number. */
static virDomainPtr
look_up_id (VmrootConnection *self, const gchar *name)
{
  guint64 id;

  if (!is_number (name) || !g_ascii_string_to_unsigned (name, 10, 0, G_MAXINT, &id, NULL))
    return NULL;

  return virDomainLookupByID (self->connection, (int)id);
}

virDomainPtr
vmroot_connection_look_up (VmrootConnection *self, const gchar *name, GError **error)
{
  g_autoptr (virDomain) by_name = virDomainLookupByName (self->connection, name);
  const VmrootError code = by_name == NULL ? error_code (virGetLastError ()) : VMROOT_ERROR_FAILED;
  g_autoptr (virDomain) by_id = NULL;

  if (by_name == NULL && code != VMROOT_ERROR_NO_DOMAIN)
    {
      vmroot_connection_set_error (error, _ ("Cannot look for the domain"));
      g_prefix_error (error, "%s: ", name);
      return NULL;
    }

  by_id = look_up_id (self, name);
  if (by_name != NULL && by_id != NULL && g_strcmp0 (virDomainGetName (by_id), name) != 0)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_DOMAIN,
                   _ ("%s is both the name of a domain and the id of the running domain %s. Use a "
                      "UUID: virsh domuuid NAME"),
                   name, virDomainGetName (by_id));
      return NULL;
    }
  if (by_name != NULL)
    return g_steal_pointer (&by_name);
  if (by_id != NULL)
    return g_steal_pointer (&by_id);

  by_name =
      g_uuid_string_is_valid (name) ? virDomainLookupByUUIDString (self->connection, name) : NULL;
  if (by_name == NULL)
    g_set_error (
        error, VMROOT_ERROR, VMROOT_ERROR_NO_DOMAIN,
        _ ("%s has no domain with the name, UUID or id %s. See virsh --connect %s list --all"),
        self->uri, name, self->uri);
  return g_steal_pointer (&by_name);
}

gchar *
vmroot_connection_read_definition (VmrootConnection *self, virDomainPtr domain, GError **error)
{
  const guint flags = VIR_DOMAIN_XML_INACTIVE | (self->read_only ? 0 : VIR_DOMAIN_XML_SECURE);
  char *xml = virDomainGetXMLDesc (domain, flags);
  gchar *copy = g_strdup (xml);

  if (xml == NULL)
    {
      vmroot_connection_set_error (error, _ ("Cannot read its definition"));
      g_prefix_error (error, "%s: ", virDomainGetName (domain));
    }
  free (xml);
  return copy;
}

/**
 * vmroot_connection_get_domain:
 * @self: a connection
 * @name: the name, UUID or id of a domain
 * @error: return location of an error
 *
 * Reads the definition of a domain: of a running one that which it has from its next start on.
 * Over a read-only connection it comes without its secrets, and must not be defined again.
 *
 * Returns: (transfer full): the definition. On failure %NULL, with %VMROOT_ERROR_NO_DOMAIN,
 *   %VMROOT_ERROR_LIBVIRT or what [ctor@Domain.new_from_xml] reports
 *
 * Since: 1.0
 */
VmrootDomain *
vmroot_connection_get_domain (VmrootConnection *self, const gchar *name, GError **error)
{
  g_autoptr (virDomain) domain = NULL;
  g_autofree gchar *xml = NULL;

  g_return_val_if_fail (VMROOT_IS_CONNECTION (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  domain = vmroot_connection_look_up (self, name, error);
  if (domain == NULL)
    return NULL;

  xml = vmroot_connection_read_definition (self, domain, error);
  if (xml == NULL)
    return NULL;

  return vmroot_domain_new_from_xml (xml, error);
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const gchar *const *)a, *(const gchar *const *)b);
}

/**
 * vmroot_connection_list_domains:
 * @self: a connection
 * @error: return location of an error
 *
 * Lists every domain, running or not, ours or not.
 *
 * Returns: (transfer full) (array zero-terminated=1): names, sorted. On failure %NULL, with
 *   %VMROOT_ERROR_LIBVIRT
 *
 * Since: 1.0
 */
gchar **
vmroot_connection_list_domains (VmrootConnection *self, GError **error)
{
  virDomainPtr *domains = NULL;
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  gint n;

  g_return_val_if_fail (VMROOT_IS_CONNECTION (self), NULL);

  n = virConnectListAllDomains (self->connection, &domains, 0);
  if (n < 0)
    {
      vmroot_connection_set_error (error, _ ("Cannot list the domains"));
      g_prefix_error (error, "%s: ", self->uri);
      return NULL;
    }

  for (gint i = 0; i < n; i++)
    {
      g_ptr_array_add (names, g_strdup (virDomainGetName (domains[i])));
      virDomainFree (domains[i]);
    }
  free (domains);
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return (gchar **)g_ptr_array_free (g_steal_pointer (&names), FALSE);
}
