/* SPDX-License-Identifier: GPL-2.0-or-later */

/* vmroot show, vmroot list: what is described, and what is true on this host now. */

#include "config.h"

#include "vmroot-command.h"
#include "vmroot-json.h"

/* What this host did for the guest `uuid`, among `roots`. NULL: nothing. */
static VmrootGuestRoot *
find_root (GPtrArray *roots, const gchar *uuid)
{
  for (guint i = 0; roots != NULL && i < roots->len; i++)
    {
      VmrootGuestRoot *root = g_ptr_array_index (roots, i);

      if (g_strcmp0 (vmroot_guest_root_get_uuid (root), uuid) == 0)
        return root;
    }
  return NULL;
}

/* One word for programs. Without `roots` nobody can tell: only root may look. */
static const gchar *
state_word (GPtrArray *roots, VmrootGuestRoot *root)
{
  if (roots == NULL)
    return "unknown";
  if (root == NULL)
    return "stopped";

  if (vmroot_guest_root_get_migrated (root))
    return "migrated";

  return vmroot_guest_root_get_complete (root) ? "prepared" : "incomplete";
}

/* The roots of this host; NULL where it is another host's guest, or we may not look. */
static GPtrArray *
list_roots (VmrootConnection *connection, const gchar *sysroot)
{
  g_autoptr (VmrootHost) host = vmroot_host_new (sysroot);

  if (connection != NULL && vmroot_connection_get_remote (connection))
    return NULL;

  return vmroot_host_list_roots (host, NULL);
}

static JsonObject *
guest_to_json (VmrootDomain *domain, VmrootSpec *spec, GPtrArray *roots)
{
  g_autofree gchar *name = vmroot_domain_get_name (domain);
  g_autofree gchar *uuid = vmroot_domain_get_uuid (domain);
  VmrootGuestRoot *root = find_root (roots, uuid);
  JsonObject *json = json_object_new ();

  json_object_set_string_member (json, "name", name);
  json_object_set_string_member (json, "uuid", uuid);
  json_object_set_string_member (json, "state", state_word (roots, root));
  json_object_set_object_member (json, "root", json_from_spec (spec));
  if (root != NULL)
    json_object_set_object_member (json, "host", json_from_object (G_OBJECT (root)));
  return json;
}

static void
print_line (const gchar *what, const gchar *value)
{
  if (value != NULL)
    g_print ("%-12s%s\n", what, value);
}

static void
print_lists (VmrootSpec *spec)
{
  g_autoptr (GPtrArray) shares = vmroot_spec_list_shares (spec);
  g_autoptr (GPtrArray) tmpfs = vmroot_spec_list_tmpfs (spec);
  g_auto (GStrv) files = vmroot_spec_list_run_files (spec);

  for (guint i = 0; i < shares->len; i++)
    {
      VmrootShare *share = g_ptr_array_index (shares, i);

      g_print ("%-12s%s at %s%s\n", "share", vmroot_share_get_directory (share),
               vmroot_share_get_mount_point (share),
               vmroot_share_get_read_only (share) ? ", read-only" : "");
    }
  for (guint i = 0; i < tmpfs->len; i++)
    {
      VmrootTmpfs *one = g_ptr_array_index (tmpfs, i);
      const guint64 size = vmroot_tmpfs_get_size (one);
      g_autofree gchar *text = g_format_size_full (size, G_FORMAT_SIZE_IEC_UNITS);

      g_print ("%-12s%s%s%s\n", "tmpfs", vmroot_tmpfs_get_mount_point (one), size > 0 ? ", " : "",
               size > 0 ? text : "");
    }
  for (guint i = 0; files[i] != NULL; i++)
    g_print ("%-12s/run/%s\n", "file", files[i]);
}

static void
print_network (VmrootSpec *spec)
{
  print_line ("server", vmroot_spec_get_server (spec));
  print_line ("network", vmroot_spec_get_network (spec));
  print_line ("address", vmroot_spec_get_address (spec));
  print_line ("mac address", vmroot_spec_get_mac_address (spec));
  print_line ("gateway", vmroot_spec_get_gateway (spec));
}

static void
print_guest (VmrootDomain *domain, VmrootSpec *spec, GPtrArray *roots)
{
  g_autofree gchar *name = vmroot_domain_get_name (domain);
  g_autofree gchar *uuid = vmroot_domain_get_uuid (domain);
  g_autoptr (JsonObject) words = json_from_object (G_OBJECT (spec));
  VmrootGuestRoot *root = find_root (roots, uuid);
  GDateTime *since = root != NULL ? vmroot_guest_root_get_since (root) : NULL;
  g_autofree gchar *since_text = since != NULL ? g_date_time_format (since, " since %c") : NULL;

  print_line ("guest", name);
  print_line ("uuid", uuid);
  g_print ("%-12s%s%s\n", "state", state_word (roots, root), since_text != NULL ? since_text : "");
  g_print ("%-12s%s%s%s\n", "root", vmroot_spec_get_directory (spec),
           vmroot_spec_get_read_only (spec) ? ", read-only" : "",
           vmroot_spec_get_ephemeral (spec) ? ", ephemeral" : "");
  print_line ("transport", json_object_get_string_member (words, "transport"));
  if (vmroot_spec_get_transport (spec) == VMROOT_TRANSPORT_NFS)
    print_network (spec);
  else
    print_line ("tag", vmroot_spec_get_tag (spec));
  print_line ("cache", json_object_get_string_member (words, "cache"));
  print_line ("xattrs", json_object_get_string_member (words, "xattrs"));
  print_line ("kernel", vmroot_spec_get_kernel (spec) != NULL ? vmroot_spec_get_kernel (spec)
                                                              : "the newest of the tree");
  print_line ("arguments", vmroot_spec_get_kernel_args (spec));
  print_line ("boot image", json_object_get_string_member (words, "boot-source"));
  print_line ("on failure", json_object_get_string_member (words, "on-failure"));
  print_lists (spec);
}

static gboolean
show_domain (const CommonOptions *common,
             VmrootDomain *domain,
             VmrootConnection *connection,
             GError **error)
{
  g_autoptr (VmrootSpec) spec = command_get_spec (domain, error);
  g_autoptr (GPtrArray) roots = NULL;

  if (spec == NULL)
    return FALSE;

  roots = list_roots (connection, common->sysroot);
  if (common->json)
    json_print_object (guest_to_json (domain, spec, roots));
  else
    print_guest (domain, spec, roots);
  return TRUE;
}

static gboolean
show (gchar **argv, GCancellable *cancellable, GError **error)
{
  g_auto (CommonOptions) common = { NULL };
  g_auto (GStrv) operands = command_parse (argv, NULL, NULL, &common,
                                           COMMON_CONNECT | COMMON_XML | COMMON_JSON, 1, error);
  g_autoptr (VmrootConnection) connection = NULL;
  g_autoptr (VmrootDomain) domain = NULL;

  if (operands == NULL)
    return FALSE;
  if ((operands[0] == NULL) == (common.xml == NULL))
    {
      command_set_misused (error, "Which guest? Name a DOMAIN, or give its XML with --xml FILE");
      return FALSE;
    }

  if (common.xml != NULL)
    domain = command_read_domain (common.xml, cancellable, error);
  else
    {
      connection = vmroot_connection_open_read_only (common.connect, error);
      domain =
          connection != NULL ? vmroot_connection_get_domain (connection, operands[0], error) : NULL;
    }

  return domain != NULL && show_domain (&common, domain, connection, error);
}

gint
run_show (gchar **argv, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;

  return show (argv, cancellable, &error) ? COMMAND_DONE : command_fail (argv[0], error);
}

static void
print_row (JsonArray *json, const gchar *state, const gchar *name, const gchar *directory)
{
  if (json == NULL)
    g_print ("%-20s %-11s %s\n", name, state, directory);
}

/* Lists the domain `name` if its root is a directory. A domain that cannot be read, or is gone by
 * now, does not keep us from the others. */
static void
list_domain (JsonArray *json, VmrootConnection *connection, const gchar *name, GPtrArray *roots)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootDomain) domain = vmroot_connection_get_domain (connection, name, &error);
  g_autoptr (VmrootSpec) spec = domain != NULL ? vmroot_domain_get_spec (domain, &error) : NULL;
  g_autofree gchar *uuid = domain != NULL ? vmroot_domain_get_uuid (domain) : NULL;
  VmrootGuestRoot *root = find_root (roots, uuid);

  if (spec == NULL)
    {
      if (!g_error_matches (error, VMROOT_ERROR, VMROOT_ERROR_NO_SPEC) &&
          !g_error_matches (error, VMROOT_ERROR, VMROOT_ERROR_NO_DOMAIN) &&
          !g_error_matches (error, VMROOT_ERROR, VMROOT_ERROR_CONTAINER_DOMAIN))
        command_note ("%s: %s", name, error->message);
      return;
    }

  if (json != NULL)
    json_array_add_object_element (json, guest_to_json (domain, spec, roots));
  print_row (json, state_word (roots, root), name, vmroot_spec_get_directory (spec));
  if (root != NULL)
    g_ptr_array_remove (roots, root);
}

/* What remains of `roots` belongs to guests that this connection does not define. */
static void
list_rest (JsonArray *json, GPtrArray *roots)
{
  for (guint i = 0; roots != NULL && i < roots->len; i++)
    {
      VmrootGuestRoot *root = g_ptr_array_index (roots, i);
      JsonObject *object = json != NULL ? json_object_new () : NULL;

      print_row (json, state_word (roots, root), vmroot_guest_root_get_name (root),
                 vmroot_guest_root_get_directory (root));
      if (json == NULL)
        continue;

      json_object_set_string_member (object, "name", vmroot_guest_root_get_name (root));
      json_object_set_string_member (object, "uuid", vmroot_guest_root_get_uuid (root));
      json_object_set_string_member (object, "state", state_word (roots, root));
      json_object_set_object_member (object, "host", json_from_object (G_OBJECT (root)));
      json_array_add_object_element (json, object);
    }
}

/* Lists what libvirt defines. Takes those out of `roots`. */
static gboolean
list_domains (JsonArray *json, VmrootConnection *connection, GPtrArray *roots, GError **error)
{
  g_auto (GStrv) names = vmroot_connection_list_domains (connection, error);

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    list_domain (json, connection, names[i], roots);
  return names != NULL;
}

/* Without libvirt, what this host knows by itself is listed all the same. */
static gboolean
list (gchar **argv, GError **error)
{
  g_auto (CommonOptions) common = { NULL };
  g_auto (GStrv) operands =
      command_parse (argv, NULL, NULL, &common, COMMON_CONNECT | COMMON_JSON, 0, error);
  g_autoptr (VmrootConnection) connection = NULL;
  g_autoptr (GPtrArray) roots = NULL;
  JsonArray *json;
  gboolean all;

  if (operands == NULL)
    return FALSE;

  connection = vmroot_connection_open_read_only (common.connect, error);
  roots = list_roots (connection, common.sysroot);
  json = common.json ? json_array_new () : NULL;
  print_row (json, "STATE", "GUEST", "DIRECTORY");
  all = connection != NULL && list_domains (json, connection, roots, error);
  list_rest (json, roots);
  if (json != NULL)
    json_print_array (json);
  return all;
}

gint
run_list (gchar **argv, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;

  return list (argv, &error) ? COMMAND_DONE : command_fail (argv[0], error);
}
