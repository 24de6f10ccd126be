/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "vmroot-builder-private.h"
#include "vmroot-guest-network-private.h"
#include "vmroot-nfs-mount-private.h"
#include "vmroot-share-mount-private.h"
#include "vmroot-spec-private.h"

/* How long vmroot-init waits for the device of its root. */
#define DEVICE_TIMEOUT_SECONDS 30

/* A field of /vmroot-init.conf: white space and backslashes as in /proc/mounts. */
static void
append_field (GString *line, const gchar *field)
{
  if (line->len > 0 && line->str[line->len - 1] != '\n')
    g_string_append_c (line, ' ');

  for (const gchar *c = field; *c != '\0'; c++)
    {
      if (*c == ' ' || *c == '\t' || *c == '\n' || *c == '\\')
        g_string_append_printf (line, "\\%03o", (guint)*c);
      else
        g_string_append_c (line, *c);
    }
}

static void
append_mount (GString *configuration,
              const gchar *type,
              const gchar *source,
              const gchar *target,
              const gchar *options)
{
  append_field (configuration, "mount");
  append_field (configuration, type);
  append_field (configuration, source);
  append_field (configuration, target);
  append_field (configuration, options);
  g_string_append_c (configuration, '\n');
}

/* The interface over which the root is reached. */
static void
append_interface (GString *configuration, VmrootSpec *spec)
{
  const gchar *gateway = vmroot_spec_get_gateway (spec);

  append_field (configuration, "interface");
  append_field (configuration, vmroot_spec_get_mac_address (spec));
  append_field (configuration, vmroot_spec_get_address (spec));
  append_field (configuration, gateway != NULL ? gateway : "-");
  g_string_append_c (configuration, '\n');
}

static void
append_nfs_mount (GString *configuration,
                  VmrootSpec *spec,
                  const gchar *directory,
                  const gchar *target,
                  gboolean read_only)
{
  g_autofree gchar *source = vmroot_nfs_mount_source (spec, directory);
  g_autofree gchar *options = vmroot_nfs_mount_options (spec, read_only);

  append_mount (configuration, "nfs4", source, target, options);
}

static void
append_root (GString *configuration, VmrootSpec *spec, VmrootTree *tree)
{
  gboolean read_only = vmroot_spec_get_read_only (spec) || vmroot_spec_get_ephemeral (spec);

  if (vmroot_spec_get_transport (spec) == VMROOT_TRANSPORT_NFS)
    {
      append_interface (configuration, spec);
      append_nfs_mount (configuration, spec, vmroot_tree_get_path (tree), "/", read_only);
    }
  else
    append_mount (configuration, "virtiofs", vmroot_spec_get_tag (spec), "/",
                  read_only ? "ro,relatime" : "rw,relatime");
  if (vmroot_spec_get_ephemeral (spec))
    g_string_append (configuration, "overlay\n");
}

/* A host with vmroot exports a share from a place of its own, any other server from where it is.
 * Which of them `server` is, the guest finds out: a host that it was migrated to cannot know. */
static void
append_nfs_share (
    GString *configuration, VmrootSpec *spec, guint index, const gchar *target, gboolean read_only)
{
  g_autoptr (GPtrArray) shares = vmroot_spec_list_shares (spec);
  const gchar *directory = vmroot_share_get_directory (g_ptr_array_index (shares, index));
  g_autofree gchar *client = vmroot_nfs_mount_client (spec);
  g_autofree gchar *place = vmroot_share_mount_path (client, index);
  g_autofree gchar *otherwise = vmroot_nfs_mount_source (spec, directory);

  append_nfs_mount (configuration, spec, place, target, read_only);
  append_field (configuration, "or");
  append_field (configuration, otherwise);
  g_string_append_c (configuration, '\n');
}

static void
append_shares (GString *configuration, VmrootSpec *spec)
{
  g_autoptr (GPtrArray) shares = vmroot_spec_list_shares (spec);

  for (guint i = 0; i < shares->len; i++)
    {
      g_autofree gchar *tag = vmroot_share_tag (i);
      const gchar *target = vmroot_share_get_mount_point (shares->pdata[i]);
      gboolean read_only = vmroot_share_get_read_only (shares->pdata[i]);

      if (vmroot_spec_get_transport (spec) == VMROOT_TRANSPORT_NFS)
        append_nfs_share (configuration, spec, i, target, read_only);
      else
        append_mount (configuration, "virtiofs", tag, target, read_only ? "ro" : "rw");
    }
}

static void
append_tmpfs (GString *configuration, VmrootSpec *spec)
{
  g_autoptr (GPtrArray) list = vmroot_spec_list_tmpfs (spec);

  for (guint i = 0; i < list->len; i++)
    {
      guint64 size = vmroot_tmpfs_get_size (list->pdata[i]);
      g_autofree gchar *options =
          size > 0 ? g_strdup_printf ("size=%" G_GUINT64_FORMAT ",mode=1777", size)
                   : g_strdup ("mode=1777");

      append_mount (configuration, "tmpfs", "tmpfs", vmroot_tmpfs_get_mount_point (list->pdata[i]),
                    options);
    }
}

static void
append_run_files (GString *configuration, gchar **paths)
{
  for (guint i = 0; paths[i] != NULL; i++)
    {
      append_field (configuration, "run-file");
      append_field (configuration, paths[i]);
      g_string_append_printf (configuration, " 0644 %u\n", i + 1);
    }
}

static void
append_interface_files (GString *configuration,
                        VmrootSpec *spec,
                        const VmrootInterfaceFile *files,
                        guint n)
{
  for (; files->path != NULL; files++)
    {
      append_field (configuration, "interface-file");
      append_field (configuration, vmroot_spec_get_mac_address (spec));
      append_field (configuration, files->path);
      g_string_append_printf (configuration, " 0644 %u\n", ++n);
    }
}

/* The format is that of guest/configuration.h. The builder puts the version and the modules first.
 */
static gchar *
make_configuration (VmrootSpec *spec, VmrootTree *tree, gchar **run_files)
{
  g_autoptr (GString) configuration = g_string_new (NULL);
  gboolean shell = vmroot_spec_get_on_failure (spec) == VMROOT_ON_FAILURE_SHELL;

  g_string_append_printf (configuration, "timeout %d\n", DEVICE_TIMEOUT_SECONDS);
  g_string_append_printf (configuration, "on-failure %s\n", shell ? "shell" : "power-off");
  append_root (configuration, spec, tree);
  append_shares (configuration, spec);
  append_tmpfs (configuration, spec);
  append_run_files (configuration, run_files);
  append_interface_files (configuration, spec, vmroot_guest_network_list_interface_files (spec),
                          g_strv_length (run_files));
  return g_string_free (g_steal_pointer (&configuration), FALSE);
}

static GVariant *
run_file_contents (VmrootSpec *spec, gchar **paths)
{
  GVariantBuilder contents;

  g_variant_builder_init (&contents, G_VARIANT_TYPE_BYTESTRING_ARRAY);
  for (gchar **path = paths; *path != NULL; path++)
    g_variant_builder_add (&contents, "^ay", vmroot_spec_get_run_file (spec, *path));
  for (const VmrootInterfaceFile *file = vmroot_guest_network_list_interface_files (spec);
       file->path != NULL; file++)
    g_variant_builder_add (&contents, "^ay", file->content);
  return g_variant_builder_end (&contents);
}

/* What only an initramfs needs; a spec that is merely checked may lack an address. */
static void
insert_contents (GVariantDict *request, VmrootTree *tree, VmrootSpec *spec)
{
  g_autoptr (VmrootSpec) whole = vmroot_spec_copy (spec);
  g_auto (GStrv) run_files = NULL;
  g_autofree gchar *configuration = NULL;

  vmroot_guest_network_add_run_files (whole);
  run_files = vmroot_spec_list_run_files (whole);
  configuration = make_configuration (whole, tree, run_files);

  g_variant_dict_insert (request, "configuration", "s", configuration);
  g_variant_dict_insert_value (request, "run-files", run_file_contents (whole, run_files));
}

static void
insert_text (GVariantDict *request, const gchar *key, const gchar *text)
{
  if (text != NULL)
    g_variant_dict_insert (request, key, "s", text);
}

/* What the tree's own configuration must agree with. */
static void
insert_mounts (GVariantDict *request, VmrootSpec *spec)
{
  g_autoptr (GPtrArray) tmpfs = vmroot_spec_list_tmpfs (spec);
  GVariantBuilder mount_points;

  g_variant_builder_init (&mount_points, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint i = 0; i < tmpfs->len; i++)
    g_variant_builder_add (&mount_points, "s", vmroot_tmpfs_get_mount_point (tmpfs->pdata[i]));
  g_variant_dict_insert_value (request, "tmpfs", g_variant_builder_end (&mount_points));

  insert_text (request, "directory", vmroot_spec_get_directory (spec));
  insert_text (request, "server", vmroot_spec_get_server (spec));
  insert_text (request, "address", vmroot_spec_get_address (spec));
  insert_text (request, "mac-address", vmroot_spec_get_mac_address (spec));
  insert_text (request, "kernel-args", vmroot_spec_get_kernel_args (spec));
  g_variant_dict_insert (request, "read-only", "b", vmroot_spec_get_read_only (spec));
}

GVariant *
vmroot_builder_request_new (const gchar *operation, VmrootTree *tree, VmrootSpec *spec)
{
  g_autofree gchar *path = g_filename_display_name (vmroot_tree_get_path (tree));
  g_auto (GVariantDict) request = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&request, "operation", "s", operation);
  g_variant_dict_insert (&request, "path", "s", path);
  if (vmroot_spec_get_kernel (spec) != NULL)
    g_variant_dict_insert (&request, "kernel", "s", vmroot_spec_get_kernel (spec));
  g_variant_dict_insert (&request, "transport", "u", vmroot_spec_get_transport (spec));
  g_variant_dict_insert (&request, "boot-source", "u", vmroot_spec_get_boot_source (spec));
  g_variant_dict_insert (&request, "ephemeral", "b", vmroot_spec_get_ephemeral (spec));
  g_variant_dict_insert (&request, "xattrs", "u", vmroot_spec_get_xattrs (spec));
  if (g_str_equal (operation, "check"))
    insert_mounts (&request, spec);
  if (g_str_equal (operation, "build"))
    insert_contents (&request, tree, spec);
  return g_variant_ref_sink (g_variant_dict_end (&request));
}

static void
get_mounts (GVariant *request, VmrootSpec *spec)
{
  g_autofree const gchar **tmpfs = NULL;
  const gchar *text = NULL;
  gboolean read_only;

  if (g_variant_lookup (request, "tmpfs", "^a&s", &tmpfs))
    for (guint i = 0; tmpfs[i] != NULL; i++)
      {
        g_autoptr (VmrootTmpfs) mount = vmroot_tmpfs_new (tmpfs[i], 0);

        vmroot_spec_add_tmpfs (spec, mount);
      }
  if (g_variant_lookup (request, "server", "&s", &text))
    vmroot_spec_set_server (spec, text);
  if (g_variant_lookup (request, "address", "&s", &text))
    vmroot_spec_set_address (spec, text);
  if (g_variant_lookup (request, "mac-address", "&s", &text))
    vmroot_spec_set_mac_address (spec, text);
  if (g_variant_lookup (request, "kernel-args", "&s", &text))
    vmroot_spec_set_kernel_args (spec, text);
  if (g_variant_lookup (request, "read-only", "b", &read_only))
    vmroot_spec_set_read_only (spec, read_only);
}

VmrootSpec *
vmroot_builder_request_get_spec (GVariant *request)
{
  const gchar *directory = "/";
  VmrootSpec *spec;
  const gchar *kernel = NULL;
  guint32 number;
  gboolean ephemeral;

  g_variant_lookup (request, "directory", "&s", &directory);
  spec = vmroot_spec_new (directory);
  get_mounts (request, spec);
  if (g_variant_lookup (request, "kernel", "&s", &kernel))
    vmroot_spec_set_kernel (spec, kernel);
  if (g_variant_lookup (request, "transport", "u", &number))
    vmroot_spec_set_transport (spec, number);
  if (g_variant_lookup (request, "boot-source", "u", &number))
    vmroot_spec_set_boot_source (spec, number);
  if (g_variant_lookup (request, "xattrs", "u", &number))
    vmroot_spec_set_xattrs (spec, number);
  if (g_variant_lookup (request, "ephemeral", "b", &ephemeral))
    vmroot_spec_set_ephemeral (spec, ephemeral);
  return spec;
}
