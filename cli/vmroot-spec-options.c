/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "config.h"

#include <string.h>

#include "vmroot-command.h"
#include "vmroot-spec-options.h"

void
spec_options_clear (SpecOptions *options)
{
  g_clear_pointer (&options->directory, g_free);
  g_clear_pointer (&options->tag, g_free);
  g_clear_pointer (&options->kernel, g_free);
  g_clear_pointer (&options->kernel_args, g_free);
  g_clear_pointer (&options->boot_image, g_free);
  g_clear_pointer (&options->cache, g_free);
  g_clear_pointer (&options->xattrs, g_free);
  g_clear_pointer (&options->on_failure, g_free);
  g_clear_pointer (&options->transport, g_free);
  g_clear_pointer (&options->network, g_free);
  g_clear_pointer (&options->address, g_free);
  g_clear_pointer (&options->mac_address, g_free);
  g_clear_pointer (&options->server, g_free);
  g_clear_pointer (&options->gateway, g_free);
  g_clear_pointer (&options->shares, g_strfreev);
  g_clear_pointer (&options->tmpfs, g_strfreev);
  g_clear_pointer (&options->run_files, g_strfreev);
}

void
spec_options_add (SpecOptions *options, GOptionContext *context)
{
  const GOptionEntry entries[] = {
    { "read-only", 'r', 0, G_OPTION_ARG_NONE, &options->read_only,
      "The guest cannot change its root", NULL },
    { "ephemeral", 'e', 0, G_OPTION_ARG_NONE, &options->ephemeral,
      "Changes live in the guest's memory, and end with it", NULL },
    { "share", 's', 0, G_OPTION_ARG_FILENAME_ARRAY, &options->shares,
      "Another directory of the host, mounted in the guest", "DIR:MOUNTPOINT[:ro]" },
    { "tmpfs", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->tmpfs,
      "A directory in the guest's memory; sizes as 512M", "PATH[:SIZE]" },
    { "run-file", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->run_files,
      "Put FILE below /run of the guest, before its init starts", "PATH=FILE" },
    { "kernel", 'k', 0, G_OPTION_ARG_STRING, &options->kernel,
      "The kernel of the tree to boot; otherwise its newest", "VERSION" },
    { "kernel-args", 'a', 0, G_OPTION_ARG_STRING, &options->kernel_args,
      "More arguments for the kernel", "ARGS" },
    { "boot-image", 'b', 0, G_OPTION_ARG_STRING, &options->boot_image,
      "Whose initramfs: vmroot, guest", "WHOSE" },
    { "on-failure", 0, 0, G_OPTION_ARG_STRING, &options->on_failure,
      "If the root cannot be mounted: power-off, shell", "ACTION" },
    { "cache", 0, 0, G_OPTION_ARG_STRING, &options->cache,
      "auto: the host's changes are seen; always: the tree is the guest's alone", "MODE" },
    { "xattrs", 'x', 0, G_OPTION_ARG_STRING, &options->xattrs,
      "Where extended attributes end up: native, selinux, user", "MODE" },
    { "tag", 't', 0, G_OPTION_ARG_STRING, &options->tag, "The virtiofs tag", "TAG" },
    { "transport", 0, 0, G_OPTION_ARG_STRING, &options->transport,
      "How the guest reaches its root: virtiofs, nfs", "HOW" },
    { "network", 0, 0, G_OPTION_ARG_STRING, &options->network,
      "The libvirt network that the guest and the NFS server are on (default)", "NETWORK" },
    { "address", 0, 0, G_OPTION_ARG_STRING, &options->address,
      "The guest's address; otherwise one is chosen and reserved", "ADDRESS[/PREFIX]" },
    { "mac-address", 0, 0, G_OPTION_ARG_STRING, &options->mac_address,
      "The guest's interface; otherwise its first on that network, or a new one", "MAC" },
    { "server", 0, 0, G_OPTION_ARG_STRING, &options->server,
      "The NFS server, by name or address; otherwise this host, on that network", "HOST" },
    { "gateway", 0, 0, G_OPTION_ARG_STRING, &options->gateway,
      "The guest's router; otherwise this host, unless the network is isolated", "ADDRESS" },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
}

/* Sets the property `name` to the value of its enumeration that `word` names. */
static gboolean
set_choice (
    VmrootSpec *spec, const gchar *name, const gchar *option, const gchar *word, GError **error)
{
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (spec), name);
  GEnumClass *choices = G_PARAM_SPEC_ENUM (pspec)->enum_class;
  const GEnumValue *value = word != NULL ? g_enum_get_value_by_nick (choices, word) : NULL;
  g_autoptr (GString) known = g_string_new (NULL);

  if (word == NULL)
    return TRUE;
  if (value != NULL)
    {
      g_object_set (spec, name, value->value, NULL);
      return TRUE;
    }

  for (guint i = 0; i < choices->n_values; i++)
    g_string_append_printf (known, "%s%s", i > 0 ? ", " : "", choices->values[i].value_nick);
  command_set_misused (error, "--%s %s: not one of %s", option, word, known->str);
  return FALSE;
}

static gboolean
add_share (VmrootSpec *spec, const gchar *word, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (word, ":", -1);
  const guint n = g_strv_length (parts);
  const gboolean has_mode = n == 3;
  const gboolean read_only = has_mode && g_str_equal (parts[2], "ro");
  g_autoptr (VmrootShare) share = NULL;

  if (n < 2 || n > 3 || (has_mode && !read_only && !g_str_equal (parts[2], "rw")))
    {
      command_set_misused (error, "--share %s: not DIR:MOUNTPOINT or DIR:MOUNTPOINT:ro", word);
      return FALSE;
    }

  share = vmroot_share_new (parts[0], parts[1], read_only);
  vmroot_spec_add_share (spec, share);
  return TRUE;
}

/* Bytes, or with K, M, G or T after them that many times 1024 of the one before. */
static gboolean
parse_size (const gchar *word, guint64 *size)
{
  const gchar units[] = "KMGT";
  const gchar *digits_end = word + strspn (word, "0123456789");
  const gchar *unit = *digits_end != '\0' ? strchr (units, g_ascii_toupper (*digits_end)) : NULL;
  const guint shift = unit != NULL ? 10 * (guint)(unit - units + 1) : 0;
  g_autofree gchar *digits = g_strndup (word, digits_end - word);

  if (*digits_end != '\0' && (unit == NULL || digits_end[1] != '\0'))
    return FALSE;
  if (!g_ascii_string_to_unsigned (digits, 10, 1, G_MAXUINT64 >> shift, size, NULL))
    return FALSE;

  *size <<= shift;
  return TRUE;
}

static gboolean
add_tmpfs (VmrootSpec *spec, const gchar *word, GError **error)
{
  const gchar *colon = strrchr (word, ':');
  g_autofree gchar *path = colon != NULL ? g_strndup (word, colon - word) : g_strdup (word);
  guint64 size = 0;
  g_autoptr (VmrootTmpfs) tmpfs = NULL;

  if (colon != NULL && !parse_size (colon + 1, &size))
    {
      command_set_misused (error, "--tmpfs %s: %s is no size, such as 512M or 2G", word, colon + 1);
      return FALSE;
    }

  tmpfs = vmroot_tmpfs_new (path, size);
  vmroot_spec_add_tmpfs (spec, tmpfs);
  return TRUE;
}

static gboolean
add_run_file (VmrootSpec *spec, const gchar *word, GError **error)
{
  const gchar *equals = strchr (word, '=');
  g_autofree gchar *path = NULL;
  g_autofree gchar *content = NULL;
  gsize length;

  if (equals == NULL)
    {
      command_set_misused (error, "--run-file %s: not PATH=FILE", word);
      return FALSE;
    }
  path = g_strndup (word, equals - word);
  if (!g_file_get_contents (equals + 1, &content, &length, error))
    return FALSE;
  if (!g_utf8_validate_len (content, length, NULL))
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_SPEC,
                   "--run-file %s: %s is not text in UTF-8, and cannot be part of a domain's XML",
                   word, equals + 1);
      return FALSE;
    }

  vmroot_spec_set_run_file (spec, path, content);
  return TRUE;
}

typedef gboolean (*AddWord) (VmrootSpec *spec, const gchar *word, GError **error);

static gboolean
add_all (VmrootSpec *spec, gchar **words, AddWord add, GError **error)
{
  for (guint i = 0; words != NULL && words[i] != NULL; i++)
    if (!add (spec, words[i], error))
      return FALSE;

  return TRUE;
}

static void
set_string (VmrootSpec *spec, const gchar *name, const gchar *value)
{
  if (value != NULL)
    g_object_set (spec, name, value, NULL);
}

static gboolean
resolve_server (VmrootSpec *spec, GCancellable *cancellable, GError **error)
{
  g_autofree gchar *name = g_strdup (vmroot_spec_get_server (spec));

  if (!vmroot_spec_resolve_server (spec, cancellable, error))
    return FALSE;
  if (g_strcmp0 (name, vmroot_spec_get_server (spec)) != 0)
    command_note ("the server %s is %s, which is what the guest will know", name,
                  vmroot_spec_get_server (spec));

  return TRUE;
}

VmrootSpec *
spec_options_get_spec (const SpecOptions *options,
                       const gchar *directory,
                       GCancellable *cancellable,
                       GError **error)
{
  g_autoptr (VmrootSpec) spec = vmroot_spec_new (directory);

  set_string (spec, "tag", options->tag);
  set_string (spec, "kernel", options->kernel);
  set_string (spec, "network", options->network);
  set_string (spec, "address", options->address);
  set_string (spec, "mac-address", options->mac_address);
  set_string (spec, "server", options->server);
  set_string (spec, "gateway", options->gateway);
  set_string (spec, "kernel-args", options->kernel_args);
  vmroot_spec_set_read_only (spec, options->read_only);
  vmroot_spec_set_ephemeral (spec, options->ephemeral);

  if (!set_choice (spec, "transport", "transport", options->transport, error) ||
      !set_choice (spec, "boot-source", "boot-image", options->boot_image, error) ||
      !set_choice (spec, "cache", "cache", options->cache, error) ||
      !set_choice (spec, "xattrs", "xattrs", options->xattrs, error) ||
      !set_choice (spec, "on-failure", "on-failure", options->on_failure, error) ||
      !add_all (spec, options->shares, add_share, error) ||
      !add_all (spec, options->tmpfs, add_tmpfs, error) ||
      !add_all (spec, options->run_files, add_run_file, error) ||
      !resolve_server (spec, cancellable, error) || !vmroot_spec_validate (spec, error))
    return NULL;

  return g_steal_pointer (&spec);
}
