/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* With its parts, vmroot-connection-*.c, the only file of the library that knows libvirt. */

#include "config.h"

#include <libvirt/virterror.h>

#include "vmroot-connection-private.h"
#include "vmroot-domain-private.h"
#include "vmroot-error.h"

/* A definition that keeps changing while we edit it belongs to a program that never lets go. */
#define MAX_EDITS 5

/**
 * VmrootConnection:
 *
 * A connection to libvirt, on this host or on another.
 *
 * Its calls wait for libvirt: in a program with a main loop, use the `_async` forms or a thread.
 * One connection may be used from several threads at once. It installs no error handler outside
 * itself: libvirt's own, which belongs to the program, still prints when a connection cannot be
 * opened, unless the program calls `virSetErrorFunc()`.
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

G_DEFINE_AUTOPTR_CLEANUP_FUNC (virDomain, virDomainFree)

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
  return error != NULL && error->message != NULL ? error->message : "no reason given";
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
      return "Be root, or a member of the group libvirt.";
    case VIR_ERR_SYSTEM_ERROR:
    case VIR_ERR_INTERNAL_ERROR:
      return "Is the libvirt daemon of that host running, and may you use it?";
    case VIR_ERR_NO_CONNECT:
    case VIR_ERR_INVALID_ARG:
      return "A connection is named as in virsh --connect: qemu:///system.";
    default:
      return "Try the same with virsh --connect.";
    }
}

static VmrootConnection *
open_connection (const gchar *uri, gboolean read_only, GError **error)
{
  g_autoptr (VmrootConnection) self = g_object_new (VMROOT_TYPE_CONNECTION, NULL);
  char *canonical = NULL;

  self->read_only = read_only;
  self->connection = read_only ? virConnectOpenReadOnly (uri) : virConnectOpen (uri);
  if (self->connection == NULL)
    {
      const virError *last = virGetLastError ();

      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_CONNECTION,
                   "Cannot connect to libvirt at %s: %s. %s", uri != NULL ? uri : "its default URI",
                   error_message (last), open_hint (last));
      return NULL;
    }

  /* What fails from now on is in our GErrors: libvirt need not print it too. */
  virConnSetErrorFunc (self->connection, NULL, ignore_libvirt_error);

  canonical = virConnectGetURI (self->connection);
  self->uri = g_strdup (canonical != NULL ? canonical : uri);
  free (canonical);
  return g_steal_pointer (&self);
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

static virDomainPtr
look_up (VmrootConnection *self, const gchar *name, GError **error)
{
  g_autoptr (virDomain) by_name = virDomainLookupByName (self->connection, name);
  const VmrootError code = by_name == NULL ? error_code (virGetLastError ()) : VMROOT_ERROR_FAILED;
  g_autoptr (virDomain) by_id = NULL;

  if (by_name == NULL && code != VMROOT_ERROR_NO_DOMAIN)
    {
      vmroot_connection_set_error (error, "Cannot look for the domain");
      g_prefix_error (error, "%s: ", name);
      return NULL;
    }

  by_id = look_up_id (self, name);
  if (by_name != NULL && by_id != NULL && g_strcmp0 (virDomainGetName (by_id), name) != 0)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_DOMAIN,
                   "%s is both the name of a domain and the id of the running domain %s. "
                   "Use a UUID: virsh domuuid NAME",
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
    g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_DOMAIN,
                 "%s has no domain with the name, UUID or id %s. "
                 "See virsh --connect %s list --all",
                 self->uri, name, self->uri);
  return g_steal_pointer (&by_name);
}

/* The definition that the domain has at its next start. Secrets are part of it: without them
 * defining it again would lose them. */
static gchar *
read_definition (VmrootConnection *self, virDomainPtr domain, GError **error)
{
  const guint flags = VIR_DOMAIN_XML_INACTIVE | (self->read_only ? 0 : VIR_DOMAIN_XML_SECURE);
  char *xml = virDomainGetXMLDesc (domain, flags);
  gchar *copy = g_strdup (xml);

  if (xml == NULL)
    {
      vmroot_connection_set_error (error, "Cannot read its definition");
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

  domain = look_up (self, name, error);
  if (domain == NULL)
    return NULL;

  xml = read_definition (self, domain, error);
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
      vmroot_connection_set_error (error, "Cannot list the domains");
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

/* A session daemon is not root: its virtiofsd cannot keep the owners of files, and its hooks cannot
 * prepare anything (https://libvirt.org/hooks.html). */
static gboolean
check_not_session (VmrootConnection *self, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (self->uri, G_URI_FLAGS_NON_DNS, NULL);

  if (uri == NULL || !g_str_equal (g_uri_get_path (uri), "/session"))
    return TRUE;

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_LIBVIRT,
               "Guests of %s run without root's rights and cannot have a directory as their root. "
               "Use the system's guests: --connect qemu:///system",
               self->uri);
  return FALSE;
}

static gboolean
check_can_define (VmrootConnection *self, virDomainPtr domain, GError **error)
{
  const gchar *name = virDomainGetName (domain);
  const gint persistent = virDomainIsPersistent (domain);

  if (persistent < 0)
    {
      vmroot_connection_set_error (error, "Cannot tell whether it is persistent");
      g_prefix_error (error, "%s: ", name);
      return FALSE;
    }
  if (persistent == 0)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_TRANSIENT_DOMAIN,
                   "%s is transient: it ends with its run and has no definition to change. "
                   "Define it first: virsh dumpxml %s > FILE; virsh define FILE",
                   name, name);
      return FALSE;
    }

  return TRUE;
}

/* The definition `xml` with `spec` as its root, or without ours where `spec` is NULL. */
static gchar *
edit_definition (
    const gchar *name, const gchar *xml, VmrootSpec *spec, gboolean reserved, GError **error)
{
  g_autoptr (VmrootDomain) domain = vmroot_domain_new_from_xml (xml, error);
  g_autofree gchar *before = NULL;
  g_autofree gchar *after = NULL;

  if (domain == NULL)
    return NULL;

  before = vmroot_domain_to_xml (domain);
  if (!vmroot_domain_set_spec (domain, spec, error))
    return NULL;
  if (reserved)
    vmroot_domain_set_address_reserved (domain);

  after = vmroot_domain_to_xml (domain);
  if (spec == NULL && g_strcmp0 (before, after) == 0)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_SPEC,
                   "%s has no root that vmroot described: nothing to take away", name);
      return NULL;
    }
  return g_steal_pointer (&after);
}

static gboolean
define (VmrootConnection *self, const gchar *name, const gchar *xml, GError **error)
{
  g_autoptr (virDomain) defined =
      virDomainDefineXMLFlags (self->connection, xml, VIR_DOMAIN_DEFINE_VALIDATE);

  if (defined != NULL)
    return TRUE;

  vmroot_connection_set_error (error,
                               "libvirt refused the new definition; the old one is unchanged");
  g_prefix_error (error, "%s: ", name);
  return FALSE;
}

/*
 * libvirt has no "define if unchanged". So the definition is read again just before it is
 * replaced, and the edit is made anew if another client was there meanwhile. What remains is the
 * time between two calls.
 */
static gboolean
redefine (VmrootConnection *self,
          virDomainPtr domain,
          VmrootSpec *spec,
          gboolean reserved,
          GCancellable *cancellable,
          GError **error)
{
  const gchar *name = virDomainGetName (domain);
  g_autofree gchar *xml = read_definition (self, domain, error);

  for (guint i = 0; xml != NULL && i < MAX_EDITS; i++)
    {
      g_autofree gchar *edited = edit_definition (name, xml, spec, reserved, error);
      g_autofree gchar *now = edited != NULL ? read_definition (self, domain, error) : NULL;

      if (now == NULL || g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      if (g_str_equal (now, xml))
        return g_str_equal (edited, xml) || define (self, name, edited, error);

      g_free (xml);
      xml = g_steal_pointer (&now);
    }

  if (xml != NULL)
    g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_LIBVIRT,
                 "%s: another program keeps changing its definition. Nothing was changed; "
                 "try again later",
                 name);
  return FALSE;
}

/* The spec of `before`, if vmroot reserved an address for it. */
static VmrootSpec *
get_reserved (VmrootDomain *before)
{
  return vmroot_domain_get_address_reserved (before) ? vmroot_domain_get_spec (before, NULL) : NULL;
}

/* After a root of its own is gone from the definition, its address goes, too, unless `kept` has the
 * same. */
static gboolean
release_reserved (VmrootConnection *self, VmrootDomain *before, VmrootSpec *kept, GError **error)
{
  g_autoptr (VmrootSpec) old = get_reserved (before);

  if (old == NULL ||
      (kept != NULL && vmroot_spec_get_transport (kept) == VMROOT_TRANSPORT_NFS &&
       g_strcmp0 (vmroot_spec_get_network (old), vmroot_spec_get_network (kept)) == 0 &&
       g_strcmp0 (vmroot_spec_get_mac_address (old), vmroot_spec_get_mac_address (kept)) == 0 &&
       g_strcmp0 (vmroot_spec_get_address (old), vmroot_spec_get_address (kept)) == 0))
    return TRUE;
  if (vmroot_address_release (self, old, error))
    return TRUE;

  g_prefix_error (error, "The definition of the domain was changed, but its address is still "
                         "reserved: ");
  return FALSE;
}

/* A root by NFS: the address comes before the definition that names it, and goes again if that is
 * refused. */
static gboolean
redefine_with_address (VmrootConnection *self,
                       virDomainPtr domain,
                       VmrootDomain *before,
                       VmrootSpec *spec,
                       GCancellable *cancellable,
                       GError **error)
{
  g_autoptr (VmrootAddress) address = NULL;
  g_autoptr (GError) undo_error = NULL;

  if (!vmroot_spec_validate (spec, error))
    return FALSE;

  address = vmroot_address_reserve (self, before, spec, error);
  if (address == NULL)
    return FALSE;
  if (redefine (self, domain, address->spec, address->ours, cancellable, error))
    return release_reserved (self, before, address->spec, error);

  if (!vmroot_address_undo (self, address, &undo_error))
    g_prefix_error (error, "%s; and before that: ", undo_error->message);
  return FALSE;
}

static gboolean
set_root_of (VmrootConnection *self,
             virDomainPtr domain,
             VmrootSpec *spec,
             GCancellable *cancellable,
             GError **error)
{
  g_autofree gchar *xml = read_definition (self, domain, error);
  g_autoptr (VmrootDomain) before = xml != NULL ? vmroot_domain_new_from_xml (xml, error) : NULL;

  if (before == NULL)
    return FALSE;
  if (spec != NULL && vmroot_spec_get_transport (spec) == VMROOT_TRANSPORT_NFS)
    return redefine_with_address (self, domain, before, spec, cancellable, error);

  return redefine (self, domain, spec, FALSE, cancellable, error) &&
         release_reserved (self, before, spec, error);
}

static gboolean
set_root (VmrootConnection *self,
          const gchar *name,
          VmrootSpec *spec,
          gboolean *running,
          GCancellable *cancellable,
          GError **error)
{
  g_autoptr (virDomain) domain = NULL;

  if (self->read_only)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_READ_ONLY,
                   "Cannot change %s: the connection to %s is read-only", name, self->uri);
      return FALSE;
    }
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (spec != NULL && !check_not_session (self, error))
    return FALSE;

  domain = look_up (self, name, error);
  if (domain == NULL || !check_can_define (self, domain, error) ||
      !set_root_of (self, domain, spec, cancellable, error))
    return FALSE;

  vmroot_filter_remove_unused (self);
  if (running != NULL)
    *running = virDomainIsActive (domain) == 1;
  return TRUE;
}

/**
 * vmroot_connection_attach:
 * @self: a connection
 * @name: the name, UUID or id of a domain
 * @spec: the root it shall have
 * @running: (out) (optional): whether the guest runs, and sees the change after its next
 *   shutdown only
 * @cancellable: (nullable): a #GCancellable
 * @error: return location of an error
 *
 * Makes a directory the root of a domain, from its next start on. Its persistent definition is
 * replaced in one step, or not at all. For a root by NFS, what @spec leaves open of the guest's
 * network is chosen, and its address reserved on its libvirt network;
 * [method@Connection.get_domain] tells what was chosen. Where another client changes it at the same
 * time, the change is made to what that client wrote; but libvirt cannot compare and define in one
 * step, so a change that falls between two consecutive calls of ours is lost.
 *
 * Returns: whether it was done. If not, @error is one of %VMROOT_ERROR_READ_ONLY,
 *   %VMROOT_ERROR_NO_DOMAIN, %VMROOT_ERROR_TRANSIENT_DOMAIN, %VMROOT_ERROR_LIBVIRT, or what
 *   [method@Domain.set_spec] reports
 *
 * Since: 1.0
 */
gboolean
vmroot_connection_attach (VmrootConnection *self,
                          const gchar *name,
                          VmrootSpec *spec,
                          gboolean *running,
                          GCancellable *cancellable,
                          GError **error)
{
  g_return_val_if_fail (VMROOT_IS_CONNECTION (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (VMROOT_IS_SPEC (spec), FALSE);

  return set_root (self, name, spec, running, cancellable, error);
}

/**
 * vmroot_connection_detach:
 * @self: a connection
 * @name: the name, UUID or id of a domain
 * @running: (out) (optional): whether the guest runs, and keeps its root until its next shutdown
 * @cancellable: (nullable): a #GCancellable
 * @error: return location of an error
 *
 * Takes the root that vmroot described out of the definition of a domain, which becomes what it
 * was before. The directory is left alone.
 *
 * Returns: whether it was done. If not, @error is one of %VMROOT_ERROR_READ_ONLY,
 *   %VMROOT_ERROR_NO_DOMAIN, %VMROOT_ERROR_NO_SPEC, %VMROOT_ERROR_TRANSIENT_DOMAIN,
 *   %VMROOT_ERROR_LIBVIRT, or what [method@Domain.set_spec] reports
 *
 * Since: 1.0
 */
gboolean
vmroot_connection_detach (VmrootConnection *self,
                          const gchar *name,
                          gboolean *running,
                          GCancellable *cancellable,
                          GError **error)
{
  g_return_val_if_fail (VMROOT_IS_CONNECTION (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);

  return set_root (self, name, NULL, running, cancellable, error);
}

/* One attach or detach that a thread carries out. */
typedef struct
{
  gchar *name;
  VmrootSpec *spec;
  gboolean running;
} Change;

static void
change_free (Change *change)
{
  g_free (change->name);
  g_clear_object (&change->spec);
  g_free (change);
}

static void
change_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Change *change = data;
  g_autoptr (GError) error = NULL;

  if (set_root (source, change->name, change->spec, &change->running, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

static void
change_async (VmrootConnection *self,
              const gchar *name,
              VmrootSpec *spec,
              gpointer tag,
              GCancellable *cancellable,
              GAsyncReadyCallback callback,
              gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Change *change = g_new0 (Change, 1);

  change->name = g_strdup (name);
  g_set_object (&change->spec, spec);
  g_task_set_source_tag (task, tag);
  /* Whether the definition was replaced is known only to the end: a cancelled task must not
   * answer that it was not. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, change, (GDestroyNotify)change_free);
  g_task_run_in_thread (task, change_in_thread);
}

static gboolean
change_finish (GAsyncResult *result, gboolean *running, GError **error)
{
  const Change *change = g_task_get_task_data (G_TASK (result));

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;

  if (running != NULL)
    *running = change->running;
  return TRUE;
}

/**
 * vmroot_connection_attach_async:
 * @self: a connection
 * @name: the name, UUID or id of a domain
 * @spec: the root it shall have; not to be changed before the call ends
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called in the thread-default main context when it is done
 * @user_data: data for @callback
 *
 * Does what [method@Connection.attach] does, in another thread.
 *
 * Since: 1.0
 */
void
vmroot_connection_attach_async (VmrootConnection *self,
                                const gchar *name,
                                VmrootSpec *spec,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_return_if_fail (VMROOT_IS_CONNECTION (self));
  g_return_if_fail (name != NULL);
  g_return_if_fail (VMROOT_IS_SPEC (spec));

  change_async (self, name, spec, vmroot_connection_attach_async, cancellable, callback, user_data);
}

/**
 * vmroot_connection_attach_finish:
 * @self: a connection
 * @result: what the callback was given
 * @running: (out) (optional): whether the guest runs, and sees the change after its next
 *   shutdown only
 * @error: return location of an error
 *
 * Ends [method@Connection.attach_async].
 *
 * Returns: whether it was done. If not, @error is as [method@Connection.attach] says
 *
 * Since: 1.0
 */
gboolean
vmroot_connection_attach_finish (VmrootConnection *self,
                                 GAsyncResult *result,
                                 gboolean *running,
                                 GError **error)
{
  g_return_val_if_fail (VMROOT_IS_CONNECTION (self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, vmroot_connection_attach_async), FALSE);

  return change_finish (result, running, error);
}

/**
 * vmroot_connection_detach_async:
 * @self: a connection
 * @name: the name, UUID or id of a domain
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called in the thread-default main context when it is done
 * @user_data: data for @callback
 *
 * Does what [method@Connection.detach] does, in another thread.
 *
 * Since: 1.0
 */
void
vmroot_connection_detach_async (VmrootConnection *self,
                                const gchar *name,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_return_if_fail (VMROOT_IS_CONNECTION (self));
  g_return_if_fail (name != NULL);

  change_async (self, name, NULL, vmroot_connection_detach_async, cancellable, callback, user_data);
}

/**
 * vmroot_connection_detach_finish:
 * @self: a connection
 * @result: what the callback was given
 * @running: (out) (optional): whether the guest runs, and keeps its root until its next shutdown
 * @error: return location of an error
 *
 * Ends [method@Connection.detach_async].
 *
 * Returns: whether it was done. If not, @error is as [method@Connection.detach] says
 *
 * Since: 1.0
 */
gboolean
vmroot_connection_detach_finish (VmrootConnection *self,
                                 GAsyncResult *result,
                                 gboolean *running,
                                 GError **error)
{
  g_return_val_if_fail (VMROOT_IS_CONNECTION (self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, vmroot_connection_detach_async), FALSE);

  return change_finish (result, running, error);
}
