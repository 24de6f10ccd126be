/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a specification must be, so that libvirt, virtiofsd, the kernel and XML can carry it. */

#include "config.h"

#include "vmroot-error.h"
#include "vmroot-ip-address-private.h"
#include "vmroot-kernel-args-private.h"
#include "vmroot-spec.h"
#include "vmroot-spec-private.h"
#include "vmroot-translation-private.h"

/* struct virtio_fs_config: tag[36] (virtio 1.2, 5.11.4). */
#define MAX_TAG 36
/* A domain document travels in one libvirt message of 4 MiB (REMOTE_STRING_MAX). */
#define MAX_RUN_FILES (256 * 1024)

#define WORD_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-"

static gboolean invalid (GError **error, VmrootError code, const gchar *format, ...)
    G_GNUC_PRINTF (3, 4);

static gboolean
invalid (GError **error, VmrootError code, const gchar *format, ...)
{
  va_list args;

  va_start (args, format);
  g_propagate_error (error, g_error_new_valist (VMROOT_ERROR, code, format, args));
  va_end (args);
  return FALSE;
}

/* XML 1.0 can hold neither control characters nor U+FFFE and U+FFFF, not even as references. */
static gboolean
fits_xml (const gchar *text, const gchar *allowed_controls)
{
  if (!g_utf8_validate (text, -1, NULL))
    return FALSE;

  for (const gchar *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (c == 0x7f || c == 0xfffe || c == 0xffff)
        return FALSE;
      if (c < 0x20 && strchr (allowed_controls, (int)c) == NULL)
        return FALSE;
    }

  return TRUE;
}

static gboolean
has_dot_component (const gchar *path)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);

  return g_strv_contains ((const gchar *const *)parts, "..") ||
         g_strv_contains ((const gchar *const *)parts, ".");
}

static gboolean
validate_directory (const gchar *what, const gchar *directory, GError **error)
{
  const VmrootError code = VMROOT_ERROR_INVALID_DIRECTORY;

  if (directory == NULL || *directory == '\0')
    return invalid (error, code, _ ("No directory is given for %s: give the path of one"), what);
  if (!fits_xml (directory, ""))
    return invalid (error, code,
                    _ ("The path of %s holds control characters or is not UTF-8, which libvirt's "
                       "documents cannot carry: rename the directory"),
                    what);
  if (*directory != '/')
    return invalid (error, code,
                    _ ("The directory of %s, “%s”, is not an absolute path: begin it with a slash"),
                    what, directory);
  if (has_dot_component (directory))
    return invalid (error, code,
                    _ ("The directory of %s, “%s”, has “.” or “..” in it: give its direct path"),
                    what, directory);
  if (strchr (directory, ',') != NULL)
    return invalid (error, code,
                    _ ("The directory of %s, “%s”, has a comma in its path, where virtiofsd would "
                       "cut it off: rename it"),
                    what, directory);

  return TRUE;
}

static gboolean
validate_tag (const gchar *tag, guint n_shares, GError **error)
{
  const VmrootError code = VMROOT_ERROR_INVALID_TAG;

  if (*tag == '\0')
    return invalid (error, code, _ ("The tag is empty: give one, or leave it out for “vmroot”"));
  if (strlen (tag) > MAX_TAG)
    return invalid (error, code,
                    _ ("The tag “%s” has %zu bytes, where virtiofs takes %d: shorten it"), tag,
                    strlen (tag), MAX_TAG);
  if (!g_ascii_isalnum (*tag) || tag[strspn (tag, WORD_CHARACTERS)] != '\0')
    return invalid (error, code,
                    _ ("The tag “%s” would not get through the kernel's command line: use letters, "
                       "digits and “._+-”, and begin with a letter or digit"),
                    tag);

  for (guint i = 0; i < n_shares; i++)
    {
      g_autofree gchar *share_tag = vmroot_share_tag (i);

      if (g_str_equal (tag, share_tag))
        return invalid (error, code, _ ("The tag “%s” is that of share %u: choose another"), tag,
                        i + 1);
    }

  return TRUE;
}

/* Adds `mount_point` to `taken`. */
static gboolean
validate_mount_point (const gchar *mount_point, GHashTable *taken, GError **error)
{
  const VmrootError code = VMROOT_ERROR_INVALID_SPEC;

  if (mount_point == NULL || *mount_point != '/' || mount_point[1] == '\0')
    return invalid (error, code,
                    _ ("The mount point “%s” is not an absolute path below the root of the guest"),
                    mount_point != NULL ? mount_point : "");
  if (!fits_xml (mount_point, "") || has_dot_component (mount_point))
    return invalid (error, code,
                    _ ("The mount point “%s” has “.”, “..” or control characters in it: give its "
                       "direct path"),
                    mount_point);
  if (!g_hash_table_add (taken, (gpointer)mount_point))
    return invalid (error, code, _ ("Two things are to be mounted on “%s”: leave one out"),
                    mount_point);

  return TRUE;
}

static gboolean
validate_mounts (VmrootSpec *self, GPtrArray *shares, GPtrArray *tmpfs, GError **error)
{
  g_autoptr (GHashTable) taken = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < shares->len; i++)
    {
      VmrootShare *share = g_ptr_array_index (shares, i);
      g_autofree gchar *what = g_strdup_printf (_ ("share %u"), i + 1);

      if (!validate_directory (what, vmroot_share_get_directory (share), error))
        return FALSE;
      if (!validate_mount_point (vmroot_share_get_mount_point (share), taken, error))
        return FALSE;
    }

  for (guint i = 0; i < tmpfs->len; i++)
    if (!validate_mount_point (vmroot_tmpfs_get_mount_point (g_ptr_array_index (tmpfs, i)), taken,
                               error))
      return FALSE;

  return TRUE;
}

static gboolean
validate_run_file (const gchar *path, const gchar *content, GError **error)
{
  const VmrootError code = VMROOT_ERROR_INVALID_SPEC;

  if (*path == '\0' || *path == '/' || g_str_has_suffix (path, "/") ||
      strstr (path, "//") != NULL || has_dot_component (path) || !fits_xml (path, ""))
    return invalid (
        error, code,
        _ ("The run file “%s” is not a path below /run: give one like “systemd/network/a”"), path);
  if (!fits_xml (content, "\t\n\r"))
    return invalid (error, code,
                    _ ("The run file “%s” is not text: control characters and what is not UTF-8 "
                       "cannot be kept in a domain"),
                    path);

  return TRUE;
}

static gboolean
validate_run_files (VmrootSpec *self, GError **error)
{
  g_auto (GStrv) paths = vmroot_spec_list_run_files (self);
  gsize size = 0;

  for (guint i = 0; paths[i] != NULL; i++)
    {
      const gchar *content = vmroot_spec_get_run_file (self, paths[i]);

      if (!validate_run_file (paths[i], content, error))
        return FALSE;
      size += strlen (content);
    }

  if (size > MAX_RUN_FILES)
    return invalid (error, VMROOT_ERROR_INVALID_SPEC,
                    _ ("The run files have %zu bytes together, where a domain can carry %d: keep "
                       "what is large in the tree"),
                    size, MAX_RUN_FILES);
  return TRUE;
}

/* The kernel's own rule (lib/cmdline.c, next_arg): double quotes keep spaces together, there is no
 * way to escape one. */
static gboolean
validate_kernel_args (const gchar *kernel_args, GError **error)
{
  const VmrootError code = VMROOT_ERROR_INVALID_SPEC;
  g_auto (GStrv) words = NULL;
  gboolean balanced;

  if (kernel_args == NULL)
    return TRUE;
  if (!fits_xml (kernel_args, ""))
    return invalid (error, code,
                    _ ("The kernel arguments hold control characters or are not UTF-8"));

  words = vmroot_kernel_args_split (kernel_args, &balanced);
  if (!balanced)
    return invalid (error, code,
                    _ ("The kernel arguments “%s” have a quotation mark that is not closed"),
                    kernel_args);

  for (guint i = 0; words[i] != NULL; i++)
    if (vmroot_kernel_arg_names_root (words[i]))
      return invalid (error, code,
                      _ ("The kernel arguments hold “%s”, which vmroot sets itself: leave it out"),
                      words[i]);
    else if (g_str_equal (words[i], "--"))
      return invalid (
          error, code,
          _ ("The kernel arguments hold “--”: what follows it is for the guest's init, and "
             "belongs in the <cmdline> of the domain"));

  return TRUE;
}

static gboolean
validate_word (const gchar *what, const gchar *value, GError **error)
{
  if (value == NULL)
    return TRUE;
  if (*value == '\0' || value[strspn (value, WORD_CHARACTERS)] != '\0' || *value == '.')
    return invalid (error, VMROOT_ERROR_INVALID_SPEC,
                    _ ("The %s “%s” is not one: use letters, digits and “._+-”, or leave it out"),
                    what, value);
  return TRUE;
}

/* The addresses of a root by NFS; one that is not given has no size. */
typedef struct
{
  VmrootIpAddress address;
  guint prefix;
  VmrootIpAddress server;
  VmrootIpAddress gateway;
} Addresses;

static gboolean
parse_addresses (VmrootSpec *self, Addresses *addresses, GError **error)
{
  const VmrootError code = VMROOT_ERROR_INVALID_SPEC;
  const gchar *address = vmroot_spec_get_address (self);
  const gchar *server = vmroot_spec_get_server (self);
  const gchar *gateway = vmroot_spec_get_gateway (self);

  if (address != NULL &&
      (!vmroot_ip_address_parse_interface (address, &addresses->address, &addresses->prefix) ||
       !vmroot_ip_address_is_routable (&addresses->address)))
    return invalid (error, code,
                    _ ("“%s” is not the address of a guest, or one with the length of its "
                       "network's prefix: 192.168.122.5/24, fd00:7e57::5/64"),
                    address);
  if (server != NULL && (!vmroot_ip_address_parse (server, &addresses->server) ||
                         !vmroot_ip_address_is_routable (&addresses->server)))
    return invalid (error, code, _ ("“%s” is not the IPv4 or IPv6 address of a server"), server);
  if (gateway != NULL && (!vmroot_ip_address_parse (gateway, &addresses->gateway) ||
                          (!vmroot_ip_address_is_routable (&addresses->gateway) &&
                           !vmroot_ip_address_is_ipv6_link_local (&addresses->gateway))))
    return invalid (error, code, _ ("“%s” is not the IPv4 or IPv6 address of a router"), gateway);

  return TRUE;
}

static gboolean
is_other_kind (const VmrootIpAddress *a, const VmrootIpAddress *b)
{
  return a->size != 0 && b->size != 0 && a->size != b->size;
}

static gboolean
validate_addresses (VmrootSpec *self, GError **error)
{
  const VmrootError code = VMROOT_ERROR_INVALID_SPEC;
  const gchar *address = vmroot_spec_get_address (self);
  const gchar *gateway = vmroot_spec_get_gateway (self);
  Addresses all = { 0 };

  if (!parse_addresses (self, &all, error))
    return FALSE;
  if (is_other_kind (&all.address, &all.server) || is_other_kind (&all.address, &all.gateway) ||
      is_other_kind (&all.server, &all.gateway))
    return invalid (error, code,
                    _ ("The addresses of the guest, its server and its router are not all of IPv4, "
                       "nor all of IPv6"));
  if (address == NULL)
    return TRUE;
  if (all.prefix > 0 && !vmroot_ip_address_is_host (&all.address, all.prefix))
    return invalid (error, code,
                    _ ("“%s” is the first or last address of its network, which no guest can have"),
                    address);
  if (vmroot_ip_address_equal (&all.address, &all.server) ||
      vmroot_ip_address_equal (&all.address, &all.gateway))
    return invalid (error, code, _ ("“%s” cannot be the address of the guest and of another"),
                    address);
  if (gateway != NULL && all.prefix > 0 && !vmroot_ip_address_is_ipv6_link_local (&all.gateway) &&
      !vmroot_ip_address_same_network (&all.address, &all.gateway, all.prefix))
    return invalid (error, code, _ ("The router “%s” is not on the network of the guest, %s"),
                    gateway, address);

  return TRUE;
}

static gboolean
validate_network (VmrootSpec *self, GError **error)
{
  const VmrootError code = VMROOT_ERROR_INVALID_SPEC;
  const gchar *network = vmroot_spec_get_network (self);
  const gchar *mac_address = vmroot_spec_get_mac_address (self);

  if (network != NULL && (*network == '\0' || strchr (network, '/') || !fits_xml (network, "")))
    return invalid (error, code, _ ("“%s” is not the name of a libvirt network"), network);
  if (mac_address != NULL && !g_regex_match_simple ("^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$",
                                                    mac_address, G_REGEX_DOLLAR_ENDONLY, 0))
    return invalid (error, code, _ ("“%s” is not a MAC address like 52:54:00:12:34:56"),
                    mac_address);

  return validate_addresses (self, error);
}

/* Only vmroot's own initramfs can do these. */
static gboolean
validate_boot_source (VmrootSpec *self, guint n_mounts, GError **error)
{
  g_auto (GStrv) run_files = vmroot_spec_list_run_files (self);
  const gchar *what = NULL;

  if (vmroot_spec_get_boot_source (self) != VMROOT_BOOT_SOURCE_GUEST)
    return TRUE;

  if (vmroot_spec_get_ephemeral (self))
    what = _ ("an ephemeral root");
  else if (n_mounts > 0)
    what = _ ("shares and memory-backed directories");
  else if (run_files[0] != NULL)
    what = _ ("run files");
  if (what != NULL)
    return invalid (error, VMROOT_ERROR_INVALID_SPEC,
                    _ ("The guest's own initramfs knows nothing of %s: boot that of vmroot"), what);

  return TRUE;
}

/**
 * vmroot_spec_validate:
 * @self: a specification
 * @error: return location for an error
 *
 * Whether a domain can hold the specification. Nothing is looked for on this machine: whether the
 * directory is there and holds an operating system, [method@Tree.check] says.
 *
 * Errors: %VMROOT_ERROR_INVALID_DIRECTORY for a directory that libvirt and virtiofsd cannot take,
 * %VMROOT_ERROR_INVALID_TAG, %VMROOT_ERROR_INVALID_SPEC for everything else.
 *
 * Returns: %TRUE if it can
 *
 * Since: 1.0
 */
gboolean
vmroot_spec_validate (VmrootSpec *self, GError **error)
{
  g_autoptr (GPtrArray) shares = NULL;
  g_autoptr (GPtrArray) tmpfs = NULL;

  g_return_val_if_fail (VMROOT_IS_SPEC (self), FALSE);

  shares = vmroot_spec_list_shares (self);
  tmpfs = vmroot_spec_list_tmpfs (self);

  return validate_directory (_ ("the root"), vmroot_spec_get_directory (self), error) &&
         validate_tag (vmroot_spec_get_tag (self), shares->len, error) &&
         validate_word (_ ("kernel version"), vmroot_spec_get_kernel (self), error) &&
         validate_kernel_args (vmroot_spec_get_kernel_args (self), error) &&
         validate_network (self, error) && validate_mounts (self, shares, tmpfs, error) &&
         validate_run_files (self, error) &&
         validate_boot_source (self, shares->len + tmpfs->len, error);
}
