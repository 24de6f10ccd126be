/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "vmroot-enum-types.h"
#include "vmroot-spec-private.h"

#define DEFAULT_TAG "vmroot"

/**
 * VmrootSpec:
 *
 * What the root of a guest is.
 *
 * A specification is only a description: nothing of it is looked for on this machine, which may
 * not be the one that the guest runs on. [method@Domain.set_spec] writes it into a domain.
 *
 * Since: 1.0
 */
struct _VmrootSpec
{
  GObject parent_instance;
  gchar *directory;
  VmrootTransport transport;
  gchar *tag;
  VmrootXattrs xattrs;
  VmrootCache cache;
  gchar *network;
  gchar *address;
  gchar *mac_address;
  gchar *server;
  gchar *gateway;
  gchar *kernel;
  VmrootBootSource boot_source;
  gchar *kernel_args;
  gboolean read_only;
  gboolean ephemeral;
  VmrootOnFailure on_failure;
  GPtrArray *shares;
  GPtrArray *tmpfs;
  GTree *run_files;
};

enum
{
  PROP_DIRECTORY = 1,
  PROP_TRANSPORT,
  PROP_TAG,
  PROP_XATTRS,
  PROP_CACHE,
  PROP_NETWORK,
  PROP_ADDRESS,
  PROP_MAC_ADDRESS,
  PROP_SERVER,
  PROP_GATEWAY,
  PROP_KERNEL,
  PROP_BOOT_SOURCE,
  PROP_KERNEL_ARGS,
  PROP_READ_ONLY,
  PROP_EPHEMERAL,
  PROP_ON_FAILURE,
  N_PROPERTIES
};

static GParamSpec *obj_props[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (VmrootSpec, vmroot_spec, G_TYPE_OBJECT)

static void
vmroot_spec_finalize (GObject *object)
{
  VmrootSpec *self = VMROOT_SPEC (object);

  g_free (self->directory);
  g_free (self->tag);
  g_free (self->network);
  g_free (self->address);
  g_free (self->mac_address);
  g_free (self->server);
  g_free (self->gateway);
  g_free (self->kernel);
  g_free (self->kernel_args);
  g_ptr_array_unref (self->shares);
  g_ptr_array_unref (self->tmpfs);
  g_tree_unref (self->run_files);

  G_OBJECT_CLASS (vmroot_spec_parent_class)->finalize (object);
}

static void
vmroot_spec_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  VmrootSpec *self = VMROOT_SPEC (object);

  switch (id)
    {
    case PROP_DIRECTORY:
      g_value_set_string (value, self->directory);
      break;
    case PROP_TRANSPORT:
      g_value_set_enum (value, self->transport);
      break;
    case PROP_TAG:
      g_value_set_string (value, self->tag);
      break;
    case PROP_XATTRS:
      g_value_set_enum (value, self->xattrs);
      break;
    case PROP_CACHE:
      g_value_set_enum (value, self->cache);
      break;
    case PROP_NETWORK:
      g_value_set_string (value, self->network);
      break;
    case PROP_ADDRESS:
      g_value_set_string (value, self->address);
      break;
    case PROP_MAC_ADDRESS:
      g_value_set_string (value, self->mac_address);
      break;
    case PROP_SERVER:
      g_value_set_string (value, self->server);
      break;
    case PROP_GATEWAY:
      g_value_set_string (value, self->gateway);
      break;
    case PROP_KERNEL:
      g_value_set_string (value, self->kernel);
      break;
    case PROP_BOOT_SOURCE:
      g_value_set_enum (value, self->boot_source);
      break;
    case PROP_KERNEL_ARGS:
      g_value_set_string (value, self->kernel_args);
      break;
    case PROP_READ_ONLY:
      g_value_set_boolean (value, self->read_only);
      break;
    case PROP_EPHEMERAL:
      g_value_set_boolean (value, self->ephemeral);
      break;
    case PROP_ON_FAILURE:
      g_value_set_enum (value, self->on_failure);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
vmroot_spec_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  VmrootSpec *self = VMROOT_SPEC (object);

  switch (id)
    {
    case PROP_DIRECTORY:
      vmroot_spec_set_directory (self, g_value_get_string (value));
      break;
    case PROP_TRANSPORT:
      vmroot_spec_set_transport (self, g_value_get_enum (value));
      break;
    case PROP_TAG:
      vmroot_spec_set_tag (self, g_value_get_string (value));
      break;
    case PROP_XATTRS:
      vmroot_spec_set_xattrs (self, g_value_get_enum (value));
      break;
    case PROP_CACHE:
      vmroot_spec_set_cache (self, g_value_get_enum (value));
      break;
    case PROP_NETWORK:
      vmroot_spec_set_network (self, g_value_get_string (value));
      break;
    case PROP_ADDRESS:
      vmroot_spec_set_address (self, g_value_get_string (value));
      break;
    case PROP_MAC_ADDRESS:
      vmroot_spec_set_mac_address (self, g_value_get_string (value));
      break;
    case PROP_SERVER:
      vmroot_spec_set_server (self, g_value_get_string (value));
      break;
    case PROP_GATEWAY:
      vmroot_spec_set_gateway (self, g_value_get_string (value));
      break;
    case PROP_KERNEL:
      vmroot_spec_set_kernel (self, g_value_get_string (value));
      break;
    case PROP_BOOT_SOURCE:
      vmroot_spec_set_boot_source (self, g_value_get_enum (value));
      break;
    case PROP_KERNEL_ARGS:
      vmroot_spec_set_kernel_args (self, g_value_get_string (value));
      break;
    case PROP_READ_ONLY:
      vmroot_spec_set_read_only (self, g_value_get_boolean (value));
      break;
    case PROP_EPHEMERAL:
      vmroot_spec_set_ephemeral (self, g_value_get_boolean (value));
      break;
    case PROP_ON_FAILURE:
      vmroot_spec_set_on_failure (self, g_value_get_enum (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
vmroot_spec_class_init (VmrootSpecClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->finalize = vmroot_spec_finalize;
  object_class->get_property = vmroot_spec_get_property;
  object_class->set_property = vmroot_spec_set_property;

  /**
   * VmrootSpec:directory:
   *
   * The directory on the host that is the root of the guest: an absolute path.
   *
   * %NULL only until it is set: [method@Spec.validate] refuses a specification without it.
   *
   * Since: 1.0
   */
  obj_props[PROP_DIRECTORY] = g_param_spec_string ("directory", NULL, NULL, NULL, flags);

  /**
   * VmrootSpec:transport:
   *
   * How the guest reaches its root.
   *
   * Since: 1.0
   */
  obj_props[PROP_TRANSPORT] = g_param_spec_enum ("transport", NULL, NULL, VMROOT_TYPE_TRANSPORT,
                                                 VMROOT_TRANSPORT_VIRTIOFS, flags);

  /**
   * VmrootSpec:tag:
   *
   * The virtiofs tag of the root, by which the guest finds it: at most 36 bytes (virtio
   * specification, 5.11.4), of letters, digits and `._+-`. `vmroot` unless set.
   *
   * Since: 1.0
   */
  obj_props[PROP_TAG] = g_param_spec_string ("tag", NULL, NULL, DEFAULT_TAG, flags);

  /**
   * VmrootSpec:xattrs:
   *
   * Where the extended attributes that the guest sets end up. Only for virtiofs.
   *
   * Since: 1.0
   */
  obj_props[PROP_XATTRS] =
      g_param_spec_enum ("xattrs", NULL, NULL, VMROOT_TYPE_XATTRS, VMROOT_XATTRS_NATIVE, flags);

  /**
   * VmrootSpec:cache:
   *
   * How much the guest may cache of its root. Only for virtiofs.
   *
   * Since: 1.0
   */
  obj_props[PROP_CACHE] =
      g_param_spec_enum ("cache", NULL, NULL, VMROOT_TYPE_CACHE, VMROOT_CACHE_AUTO, flags);

  /**
   * VmrootSpec:network:
   *
   * The libvirt network over which an NFS guest reaches its root; %NULL: the guest's first.
   *
   * Since: 1.0
   */
  obj_props[PROP_NETWORK] = g_param_spec_string ("network", NULL, NULL, NULL, flags);

  /**
   * VmrootSpec:address:
   *
   * The address of an NFS guest with the length of its network's prefix, `192.168.122.5/24` or
   * `fd00:7e57::5/64`; %NULL: one is reserved for it.
   *
   * Since: 1.0
   */
  obj_props[PROP_ADDRESS] = g_param_spec_string ("address", NULL, NULL, NULL, flags);

  /**
   * VmrootSpec:mac-address:
   *
   * The MAC address of the interface over which an NFS guest reaches its root; %NULL: that of
   * its first interface on the network.
   *
   * Since: 1.0
   */
  obj_props[PROP_MAC_ADDRESS] = g_param_spec_string ("mac-address", NULL, NULL, NULL, flags);

  /**
   * VmrootSpec:server:
   *
   * The address of the NFS server; %NULL: this host, as the guest's network sees it. An address of
   * IPv6 makes the guest have one of IPv6, too.
   *
   * Since: 1.0
   */
  obj_props[PROP_SERVER] = g_param_spec_string ("server", NULL, NULL, NULL, flags);

  /**
   * VmrootSpec:gateway:
   *
   * The router by which an NFS guest reaches other networks; %NULL: none over this interface.
   *
   * Since: 1.0
   */
  obj_props[PROP_GATEWAY] = g_param_spec_string ("gateway", NULL, NULL, NULL, flags);

  /**
   * VmrootSpec:kernel:
   *
   * The kernel to boot: its version, as in the name of the directory of its modules; %NULL: the
   * newest that the tree has, looked for at every start.
   *
   * Since: 1.0
   */
  obj_props[PROP_KERNEL] = g_param_spec_string ("kernel", NULL, NULL, NULL, flags);

  /**
   * VmrootSpec:boot-source:
   *
   * Where the initramfs comes from. That of the guest's own knows nothing of shares, of
   * memory-backed directories, of run files and of an ephemeral root.
   *
   * Since: 1.0
   */
  obj_props[PROP_BOOT_SOURCE] = g_param_spec_enum (
      "boot-source", NULL, NULL, VMROOT_TYPE_BOOT_SOURCE, VMROOT_BOOT_SOURCE_VMROOT, flags);

  /**
   * VmrootSpec:kernel-args:
   *
   * More arguments for the kernel, separated by spaces as on its command line, beside those that
   * the domain has and those that say where the root is; %NULL: none.
   *
   * Since: 1.0
   */
  obj_props[PROP_KERNEL_ARGS] = g_param_spec_string ("kernel-args", NULL, NULL, NULL, flags);

  /**
   * VmrootSpec:read-only:
   *
   * Whether the guest may only read its root.
   *
   * Since: 1.0
   */
  obj_props[PROP_READ_ONLY] = g_param_spec_boolean ("read-only", NULL, NULL, FALSE, flags);

  /**
   * VmrootSpec:ephemeral:
   *
   * Whether what the guest writes is gone when it stops: the tree below, memory above.
   *
   * Since: 1.0
   */
  obj_props[PROP_EPHEMERAL] = g_param_spec_boolean ("ephemeral", NULL, NULL, FALSE, flags);

  /**
   * VmrootSpec:on-failure:
   *
   * What the guest does when its root cannot be mounted.
   *
   * Since: 1.0
   */
  obj_props[PROP_ON_FAILURE] = g_param_spec_enum ("on-failure", NULL, NULL, VMROOT_TYPE_ON_FAILURE,
                                                  VMROOT_ON_FAILURE_POWER_OFF, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, obj_props);
}

static gpointer
copy_reference (gconstpointer object, gpointer user_data)
{
  return g_object_ref ((gpointer)object);
}

static gint
compare_paths (gconstpointer a, gconstpointer b, gpointer user_data)
{
  return g_strcmp0 (a, b);
}

static void
vmroot_spec_init (VmrootSpec *self)
{
  self->tag = g_strdup (DEFAULT_TAG);
  self->shares = g_ptr_array_new_with_free_func (g_object_unref);
  self->tmpfs = g_ptr_array_new_with_free_func (g_object_unref);
  self->run_files = g_tree_new_full (compare_paths, NULL, g_free, g_free);
}

/**
 * vmroot_spec_new:
 * @directory: (nullable): the directory on the host that is the root, an absolute path
 *
 * Describes a root, in the default way but for its directory.
 *
 * Returns: (transfer full): a new specification
 *
 * Since: 1.0
 */
VmrootSpec *
vmroot_spec_new (const gchar *directory)
{
  return g_object_new (VMROOT_TYPE_SPEC, "directory", directory, NULL);
}

static void
set_string (VmrootSpec *self, gchar **field, const gchar *value, guint property)
{
  if (g_strcmp0 (*field, value) == 0)
    return;

  g_free (*field);
  *field = g_strdup (value);
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[property]);
}

/* Whether `value` is one of an enumeration: C takes any number for it. */
static gboolean
is_value (guint property, gint value)
{
  return g_enum_get_value (G_PARAM_SPEC_ENUM (obj_props[property])->enum_class, value) != NULL;
}

/**
 * vmroot_spec_get_directory:
 * @self: a specification
 *
 * The directory on the host that is the root of the guest: an absolute path.
 *
 * %NULL until it is set.
 *
 * Returns: (transfer none) (nullable): the value of [property@Vmroot.Spec:directory]
 *
 * Since: 1.0
 */
const gchar *
vmroot_spec_get_directory (VmrootSpec *self)
{
  g_return_val_if_fail (VMROOT_IS_SPEC (self), NULL);

  return self->directory;
}

/**
 * vmroot_spec_set_directory:
 * @self: a specification
 * @directory: (nullable): an absolute path on the host
 *
 * Sets [property@Vmroot.Spec:directory].
 *
 * Since: 1.0
 */
void
vmroot_spec_set_directory (VmrootSpec *self, const gchar *directory)
{
  g_return_if_fail (VMROOT_IS_SPEC (self));

  set_string (self, &self->directory, directory, PROP_DIRECTORY);
}

/**
 * vmroot_spec_get_transport:
 * @self: a specification
 *
 * How the guest reaches its root.
 *
 * Returns: the value of [property@Vmroot.Spec:transport]
 *
 * Since: 1.0
 */
VmrootTransport
vmroot_spec_get_transport (VmrootSpec *self)
{
  g_return_val_if_fail (VMROOT_IS_SPEC (self), VMROOT_TRANSPORT_VIRTIOFS);

  return self->transport;
}

/**
 * vmroot_spec_set_transport:
 * @self: a specification
 * @transport: the transport
 *
 * Sets [property@Vmroot.Spec:transport].
 *
 * Since: 1.0
 */
void
vmroot_spec_set_transport (VmrootSpec *self, VmrootTransport transport)
{
  g_return_if_fail (VMROOT_IS_SPEC (self));
  g_return_if_fail (is_value (PROP_TRANSPORT, transport));

  if (self->transport == transport)
    return;

  self->transport = transport;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_TRANSPORT]);
}

/**
 * vmroot_spec_get_tag:
 * @self: a specification
 *
 * The virtiofs tag of the root, by which the guest finds it: at most 36 bytes (virtio
 * specification, 5.11.4), of letters, digits and `._+-`. `vmroot` unless set.
 *
 * Returns: (transfer none) (not nullable): the value of [property@Vmroot.Spec:tag]
 *
 * Since: 1.0
 */
const gchar *
vmroot_spec_get_tag (VmrootSpec *self)
{
  g_return_val_if_fail (VMROOT_IS_SPEC (self), NULL);

  return self->tag;
}

/**
 * vmroot_spec_set_tag:
 * @self: a specification
 * @tag: (nullable): a virtiofs tag; %NULL: the default, `vmroot`
 *
 * Sets [property@Vmroot.Spec:tag].
 *
 * Since: 1.0
 */
void
vmroot_spec_set_tag (VmrootSpec *self, const gchar *tag)
{
  g_return_if_fail (VMROOT_IS_SPEC (self));

  set_string (self, &self->tag, tag != NULL ? tag : DEFAULT_TAG, PROP_TAG);
}

/**
 * vmroot_spec_get_xattrs:
 * @self: a specification
 *
 * Where the extended attributes that the guest sets end up. Only for virtiofs.
 *
 * Returns: the value of [property@Vmroot.Spec:xattrs]
 *
 * Since: 1.0
 */
VmrootXattrs
vmroot_spec_get_xattrs (VmrootSpec *self)
{
  g_return_val_if_fail (VMROOT_IS_SPEC (self), VMROOT_XATTRS_NATIVE);

  return self->xattrs;
}

/**
 * vmroot_spec_set_xattrs:
 * @self: a specification
 * @xattrs: where extended attributes go
 *
 * Sets [property@Vmroot.Spec:xattrs].
 *
 * Since: 1.0
 */
void
vmroot_spec_set_xattrs (VmrootSpec *self, VmrootXattrs xattrs)
{
  g_return_if_fail (VMROOT_IS_SPEC (self));
  g_return_if_fail (is_value (PROP_XATTRS, xattrs));

  if (self->xattrs == xattrs)
    return;

  self->xattrs = xattrs;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_XATTRS]);
}

/**
 * vmroot_spec_get_cache:
 * @self: a specification
 *
 * How much the guest may cache of its root. Only for virtiofs.
 *
 * Returns: the value of [property@Vmroot.Spec:cache]
 *
 * Since: 1.0
 */
VmrootCache
vmroot_spec_get_cache (VmrootSpec *self)
{
  g_return_val_if_fail (VMROOT_IS_SPEC (self), VMROOT_CACHE_AUTO);

  return self->cache;
}

/**
 * vmroot_spec_set_cache:
 * @self: a specification
 * @cache: how much is cached
 *
 * Sets [property@Vmroot.Spec:cache].
 *
 * Since: 1.0
 */
void
vmroot_spec_set_cache (VmrootSpec *self, VmrootCache cache)
{
  g_return_if_fail (VMROOT_IS_SPEC (self));
  g_return_if_fail (is_value (PROP_CACHE, cache));

  if (self->cache == cache)
    return;

  self->cache = cache;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_CACHE]);
}

/**
 * vmroot_spec_get_network:
 * @self: a specification
 *
 * The libvirt network over which an NFS guest reaches its root; %NULL: the guest's first.
 *
 * Returns: (transfer none) (nullable): the value of [property@Vmroot.Spec:network]
 *
 * Since: 1.0
 */
const gchar *
vmroot_spec_get_network (VmrootSpec *self)
{
  g_return_val_if_fail (VMROOT_IS_SPEC (self), NULL);

  return self->network;
}

/**
 * vmroot_spec_set_network:
 * @self: a specification
 * @network: (nullable): the name of a libvirt network
 *
 * Sets [property@Vmroot.Spec:network].
 *
 * Since: 1.0
 */
void
vmroot_spec_set_network (VmrootSpec *self, const gchar *network)
{
  g_return_if_fail (VMROOT_IS_SPEC (self));

  set_string (self, &self->network, network, PROP_NETWORK);
}

/**
 * vmroot_spec_get_address:
 * @self: a specification
 *
 * The address of an NFS guest with the length of its network's prefix, `192.168.122.5/24` or
 * `fd00:7e57::5/64`; %NULL: one is reserved for it.
 *
 * Returns: (transfer none) (nullable): the value of [property@Vmroot.Spec:address]
 *
 * Since: 1.0
 */
const gchar *
vmroot_spec_get_address (VmrootSpec *self)
{
  g_return_val_if_fail (VMROOT_IS_SPEC (self), NULL);

  return self->address;
}

/**
 * vmroot_spec_set_address:
 * @self: a specification
 * @address: (nullable): an address of IPv4 or IPv6 and the length of its prefix
 *
 * Sets [property@Vmroot.Spec:address].
 *
 * Since: 1.0
 */
void
vmroot_spec_set_address (VmrootSpec *self, const gchar *address)
{
  g_return_if_fail (VMROOT_IS_SPEC (self));

  set_string (self, &self->address, address, PROP_ADDRESS);
}

/**
 * vmroot_spec_get_mac_address:
 * @self: a specification
 *
 * The MAC address of the interface over which an NFS guest reaches its root; %NULL: that of
 * its first interface on the network.
 *
 * Returns: (transfer none) (nullable): the value of [property@Vmroot.Spec:mac-address]
 *
 * Since: 1.0
 */
const gchar *
vmroot_spec_get_mac_address (VmrootSpec *self)
{
  g_return_val_if_fail (VMROOT_IS_SPEC (self), NULL);

  return self->mac_address;
}

/**
 * vmroot_spec_set_mac_address:
 * @self: a specification
 * @mac_address: (nullable): a MAC address, six pairs of hexadecimal digits and colons
 *
 * Sets [property@Vmroot.Spec:mac-address].
 *
 * Since: 1.0
 */
void
vmroot_spec_set_mac_address (VmrootSpec *self, const gchar *mac_address)
{
  g_return_if_fail (VMROOT_IS_SPEC (self));

  set_string (self, &self->mac_address, mac_address, PROP_MAC_ADDRESS);
}

/**
 * vmroot_spec_get_server:
 * @self: a specification
 *
 * The address of the NFS server; %NULL: this host, as the guest's network sees it.
 *
 * Returns: (transfer none) (nullable): the value of [property@Vmroot.Spec:server]
 *
 * Since: 1.0
 */
const gchar *
vmroot_spec_get_server (VmrootSpec *self)
{
  g_return_val_if_fail (VMROOT_IS_SPEC (self), NULL);

  return self->server;
}

/**
 * vmroot_spec_set_server:
 * @self: a specification
 * @server: (nullable): an address of IPv4 or IPv6, or a name, for
 *   [method@Vmroot.Spec.resolve_server]
 *
 * Sets [property@Vmroot.Spec:server].
 *
 * Since: 1.0
 */
void
vmroot_spec_set_server (VmrootSpec *self, const gchar *server)
{
  g_return_if_fail (VMROOT_IS_SPEC (self));

  set_string (self, &self->server, server, PROP_SERVER);
}

/**
 * vmroot_spec_get_gateway:
 * @self: a specification
 *
 * The router by which an NFS guest reaches other networks; %NULL: none over this interface.
 *
 * Returns: (transfer none) (nullable): the value of [property@Vmroot.Spec:gateway]
 *
 * Since: 1.0
 */
const gchar *
vmroot_spec_get_gateway (VmrootSpec *self)
{
  g_return_val_if_fail (VMROOT_IS_SPEC (self), NULL);

  return self->gateway;
}

/**
 * vmroot_spec_set_gateway:
 * @self: a specification
 * @gateway: (nullable): an address of IPv4 or IPv6
 *
 * Sets [property@Vmroot.Spec:gateway].
 *
 * Since: 1.0
 */
void
vmroot_spec_set_gateway (VmrootSpec *self, const gchar *gateway)
{
  g_return_if_fail (VMROOT_IS_SPEC (self));

  set_string (self, &self->gateway, gateway, PROP_GATEWAY);
}

/**
 * vmroot_spec_get_kernel:
 * @self: a specification
 *
 * The kernel to boot: its version, as in the name of the directory of its modules; %NULL: the
 * newest that the tree has, looked for at every start.
 *
 * Returns: (transfer none) (nullable): the value of [property@Vmroot.Spec:kernel]
 *
 * Since: 1.0
 */
const gchar *
vmroot_spec_get_kernel (VmrootSpec *self)
{
  g_return_val_if_fail (VMROOT_IS_SPEC (self), NULL);

  return self->kernel;
}

/**
 * vmroot_spec_set_kernel:
 * @self: a specification
 * @kernel: (nullable): a kernel version
 *
 * Sets [property@Vmroot.Spec:kernel].
 *
 * Since: 1.0
 */
void
vmroot_spec_set_kernel (VmrootSpec *self, const gchar *kernel)
{
  g_return_if_fail (VMROOT_IS_SPEC (self));

  set_string (self, &self->kernel, kernel, PROP_KERNEL);
}

/**
 * vmroot_spec_get_boot_source:
 * @self: a specification
 *
 * Where the initramfs comes from. That of the guest's own knows nothing of shares, of
 * memory-backed directories, of run files and of an ephemeral root.
 *
 * Returns: the value of [property@Vmroot.Spec:boot-source]
 *
 * Since: 1.0
 */
VmrootBootSource
vmroot_spec_get_boot_source (VmrootSpec *self)
{
  g_return_val_if_fail (VMROOT_IS_SPEC (self), VMROOT_BOOT_SOURCE_VMROOT);

  return self->boot_source;
}

/**
 * vmroot_spec_set_boot_source:
 * @self: a specification
 * @boot_source: where the initramfs comes from
 *
 * Sets [property@Vmroot.Spec:boot-source].
 *
 * Since: 1.0
 */
void
vmroot_spec_set_boot_source (VmrootSpec *self, VmrootBootSource boot_source)
{
  g_return_if_fail (VMROOT_IS_SPEC (self));
  g_return_if_fail (is_value (PROP_BOOT_SOURCE, boot_source));

  if (self->boot_source == boot_source)
    return;

  self->boot_source = boot_source;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_BOOT_SOURCE]);
}

/**
 * vmroot_spec_get_kernel_args:
 * @self: a specification
 *
 * More arguments for the kernel, separated by spaces as on its command line, beside those that
 * the domain has and those that say where the root is; %NULL: none.
 *
 * Returns: (transfer none) (nullable): the value of [property@Vmroot.Spec:kernel-args]
 *
 * Since: 1.0
 */
const gchar *
vmroot_spec_get_kernel_args (VmrootSpec *self)
{
  g_return_val_if_fail (VMROOT_IS_SPEC (self), NULL);

  return self->kernel_args;
}

/**
 * vmroot_spec_set_kernel_args:
 * @self: a specification
 * @kernel_args: (nullable): arguments for the kernel
 *
 * Sets [property@Vmroot.Spec:kernel-args].
 *
 * Since: 1.0
 */
void
vmroot_spec_set_kernel_args (VmrootSpec *self, const gchar *kernel_args)
{
  g_return_if_fail (VMROOT_IS_SPEC (self));

  set_string (self, &self->kernel_args, kernel_args, PROP_KERNEL_ARGS);
}

/**
 * vmroot_spec_get_read_only:
 * @self: a specification
 *
 * Whether the guest may only read its root.
 *
 * Returns: the value of [property@Vmroot.Spec:read-only]
 *
 * Since: 1.0
 */
gboolean
vmroot_spec_get_read_only (VmrootSpec *self)
{
  g_return_val_if_fail (VMROOT_IS_SPEC (self), FALSE);

  return self->read_only;
}

/**
 * vmroot_spec_set_read_only:
 * @self: a specification
 * @read_only: whether the guest may only read
 *
 * Sets [property@Vmroot.Spec:read-only].
 *
 * Since: 1.0
 */
void
vmroot_spec_set_read_only (VmrootSpec *self, gboolean read_only)
{
  g_return_if_fail (VMROOT_IS_SPEC (self));

  if (self->read_only == !!read_only)
    return;

  self->read_only = !!read_only;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_READ_ONLY]);
}

/**
 * vmroot_spec_get_ephemeral:
 * @self: a specification
 *
 * Whether what the guest writes is gone when it stops: the tree below, memory above.
 *
 * Returns: the value of [property@Vmroot.Spec:ephemeral]
 *
 * Since: 1.0
 */
gboolean
vmroot_spec_get_ephemeral (VmrootSpec *self)
{
  g_return_val_if_fail (VMROOT_IS_SPEC (self), FALSE);

  return self->ephemeral;
}

/**
 * vmroot_spec_set_ephemeral:
 * @self: a specification
 * @ephemeral: whether what the guest writes is gone when it stops
 *
 * Sets [property@Vmroot.Spec:ephemeral].
 *
 * Since: 1.0
 */
void
vmroot_spec_set_ephemeral (VmrootSpec *self, gboolean ephemeral)
{
  g_return_if_fail (VMROOT_IS_SPEC (self));

  if (self->ephemeral == !!ephemeral)
    return;

  self->ephemeral = !!ephemeral;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_EPHEMERAL]);
}

/**
 * vmroot_spec_get_on_failure:
 * @self: a specification
 *
 * What the guest does when its root cannot be mounted.
 *
 * Returns: the value of [property@Vmroot.Spec:on-failure]
 *
 * Since: 1.0
 */
VmrootOnFailure
vmroot_spec_get_on_failure (VmrootSpec *self)
{
  g_return_val_if_fail (VMROOT_IS_SPEC (self), VMROOT_ON_FAILURE_POWER_OFF);

  return self->on_failure;
}

/**
 * vmroot_spec_set_on_failure:
 * @self: a specification
 * @on_failure: what a guest without its root does
 *
 * Sets [property@Vmroot.Spec:on-failure].
 *
 * Since: 1.0
 */
void
vmroot_spec_set_on_failure (VmrootSpec *self, VmrootOnFailure on_failure)
{
  g_return_if_fail (VMROOT_IS_SPEC (self));
  g_return_if_fail (is_value (PROP_ON_FAILURE, on_failure));

  if (self->on_failure == on_failure)
    return;

  self->on_failure = on_failure;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_ON_FAILURE]);
}

gchar *
vmroot_share_tag (guint index)
{
  return g_strdup_printf ("vmroot-share-%u", index + 1);
}

/**
 * vmroot_spec_add_share:
 * @self: a specification
 * @share: another directory that the guest sees
 *
 * Adds a share. They are mounted in the order in which they were added.
 *
 * Since: 1.0
 */
void
vmroot_spec_add_share (VmrootSpec *self, VmrootShare *share)
{
  g_return_if_fail (VMROOT_IS_SPEC (self));
  g_return_if_fail (VMROOT_IS_SHARE (share));

  g_ptr_array_add (self->shares, g_object_ref (share));
}

/**
 * vmroot_spec_list_shares:
 * @self: a specification
 *
 * The other directories that the guest sees, in the order in which they were added.
 *
 * Returns: (transfer container) (element-type VmrootShare): the shares
 *
 * Since: 1.0
 */
GPtrArray *
vmroot_spec_list_shares (VmrootSpec *self)
{
  g_return_val_if_fail (VMROOT_IS_SPEC (self), NULL);

  return g_ptr_array_copy (self->shares, copy_reference, NULL);
}

/**
 * vmroot_spec_clear_shares:
 * @self: a specification
 *
 * Removes every share.
 *
 * Since: 1.0
 */
void
vmroot_spec_clear_shares (VmrootSpec *self)
{
  g_return_if_fail (VMROOT_IS_SPEC (self));

  g_ptr_array_set_size (self->shares, 0);
}

/**
 * vmroot_spec_add_tmpfs:
 * @self: a specification
 * @tmpfs: a memory-backed directory
 *
 * Adds a memory-backed directory. They are mounted in the order in which they were added, after
 * the shares.
 *
 * Since: 1.0
 */
void
vmroot_spec_add_tmpfs (VmrootSpec *self, VmrootTmpfs *tmpfs)
{
  g_return_if_fail (VMROOT_IS_SPEC (self));
  g_return_if_fail (VMROOT_IS_TMPFS (tmpfs));

  g_ptr_array_add (self->tmpfs, g_object_ref (tmpfs));
}

/**
 * vmroot_spec_list_tmpfs:
 * @self: a specification
 *
 * The memory-backed directories, in the order in which they were added.
 *
 * Returns: (transfer container) (element-type VmrootTmpfs): the memory-backed directories
 *
 * Since: 1.0
 */
GPtrArray *
vmroot_spec_list_tmpfs (VmrootSpec *self)
{
  g_return_val_if_fail (VMROOT_IS_SPEC (self), NULL);

  return g_ptr_array_copy (self->tmpfs, copy_reference, NULL);
}

/**
 * vmroot_spec_clear_tmpfs:
 * @self: a specification
 *
 * Removes every memory-backed directory.
 *
 * Since: 1.0
 */
void
vmroot_spec_clear_tmpfs (VmrootSpec *self)
{
  g_return_if_fail (VMROOT_IS_SPEC (self));

  g_ptr_array_set_size (self->tmpfs, 0);
}

/**
 * vmroot_spec_set_run_file:
 * @self: a specification
 * @path: a path below `/run` of the guest, without a slash at its start
 * @content: (nullable): what the file holds; %NULL: no such file
 *
 * Asks for a file in `/run` of the guest, readable by all, there before the guest's init starts:
 * a way to tell the guest something that leaves no trace in its tree.
 *
 * Since: 1.0
 */
void
vmroot_spec_set_run_file (VmrootSpec *self, const gchar *path, const gchar *content)
{
  g_return_if_fail (VMROOT_IS_SPEC (self));
  g_return_if_fail (path != NULL);

  if (content != NULL)
    g_tree_replace (self->run_files, g_strdup (path), g_strdup (content));
  else
    g_tree_remove (self->run_files, path);
}

/**
 * vmroot_spec_get_run_file:
 * @self: a specification
 * @path: a path below `/run` of the guest, without a slash at its start
 *
 * What a file in `/run` of the guest is to hold.
 *
 * Returns: (transfer none) (nullable): its content; %NULL: no such file was asked for
 *
 * Since: 1.0
 */
const gchar *
vmroot_spec_get_run_file (VmrootSpec *self, const gchar *path)
{
  g_return_val_if_fail (VMROOT_IS_SPEC (self), NULL);
  g_return_val_if_fail (path != NULL, NULL);

  return g_tree_lookup (self->run_files, path);
}

static gboolean
collect_path (gpointer path, gpointer content, gpointer paths)
{
  g_strv_builder_add (paths, path);
  return FALSE;
}

/**
 * vmroot_spec_list_run_files:
 * @self: a specification
 *
 * The paths of the files that [method@Spec.set_run_file] asked for.
 *
 * Returns: (transfer full) (array zero-terminated=1): paths below `/run`, sorted
 *
 * Since: 1.0
 */
gchar **
vmroot_spec_list_run_files (VmrootSpec *self)
{
  g_autoptr (GStrvBuilder) paths = g_strv_builder_new ();

  g_return_val_if_fail (VMROOT_IS_SPEC (self), NULL);

  g_tree_foreach (self->run_files, collect_path, paths);
  return g_strv_builder_end (paths);
}

static gboolean
copy_run_file (gpointer path, gpointer content, gpointer copy)
{
  vmroot_spec_set_run_file (copy, path, content);
  return FALSE;
}

VmrootSpec *
vmroot_spec_copy (VmrootSpec *self)
{
  VmrootSpec *copy = vmroot_spec_new (NULL);

  for (guint i = PROP_DIRECTORY; i < N_PROPERTIES; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      g_value_init (&value, obj_props[i]->value_type);
      g_object_get_property (G_OBJECT (self), obj_props[i]->name, &value);
      g_object_set_property (G_OBJECT (copy), obj_props[i]->name, &value);
    }
  for (guint i = 0; i < self->shares->len; i++)
    vmroot_spec_add_share (copy, g_ptr_array_index (self->shares, i));
  for (guint i = 0; i < self->tmpfs->len; i++)
    vmroot_spec_add_tmpfs (copy, g_ptr_array_index (self->tmpfs, i));
  g_tree_foreach (self->run_files, copy_run_file, copy);
  return copy;
}
