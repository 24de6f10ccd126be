/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <string.h>
#include <unistd.h>

#include <json-glib/json-glib.h>

#include "vmroot-error.h"
#include "vmroot-translation-private.h"
#include "vmroot-virtiofsd-private.h"

#define WRAPPER_NAME "vmroot-virtiofsd"
#define HELP_SECONDS 10

/* The guest's SELinux labels beside those that the host gives its files; virtiofsd's README,
 * "xattrmap". */
#define SELINUX_MAP ":map:security.selinux:trusted.virtiofs.:"
#define USER_MAP ":map::user.virtiofs.:"

/* /etc masks /usr/share: QEMU's docs/interop/vhost-user.json, "Backend program conventions". */
static const gchar *const json_directories[] = { "/etc/qemu/vhost-user",
                                                 "/usr/share/qemu/vhost-user" };

static const gchar *const known_paths[] = {
  "/usr/libexec/virtiofsd",       /* Fedora, Debian 13: the one in Rust */
  "/usr/lib/virtiofsd",           /* Arch */
  "/usr/lib/virtiofsd/virtiofsd", /* openSUSE's older ones */
  "/usr/lib/qemu/virtiofsd",      /* Debian 12, Arch: the one in C */
  "/usr/libexec/qemu/virtiofsd",
};

/* Ours must not start itself, whatever link it is found through. */
static gboolean
is_program (VmrootContext *context, const gchar *path)
{
  g_autofree gchar *full_path = vmroot_context_path (context, path);
  char *real_path = realpath (full_path, NULL);
  g_autofree gchar *name = real_path != NULL ? g_path_get_basename (real_path) : NULL;

  free (real_path);
  return name != NULL && !g_str_has_prefix (name, WRAPPER_NAME) &&
         g_file_test (full_path, G_FILE_TEST_IS_REGULAR) && access (full_path, X_OK) == 0;
}

static gint
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar *const *)a, *(const gchar *const *)b);
}

static void
add_json_names (VmrootContext *context, const gchar *directory, GPtrArray *names)
{
  g_autofree gchar *path = vmroot_context_path (context, directory);
  g_autoptr (GDir) files = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (files != NULL && (name = g_dir_read_name (files)) != NULL)
    if (g_str_has_suffix (name, ".json") &&
        !g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
      g_ptr_array_add (names, g_strdup (name));
}

static gchar *
read_json (const gchar *path)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  JsonObject *object;

  if (!json_parser_load_from_file (parser, path, NULL) || json_parser_get_root (parser) == NULL ||
      !JSON_NODE_HOLDS_OBJECT (json_parser_get_root (parser)))
    return NULL;

  object = json_node_get_object (json_parser_get_root (parser));
  if (g_strcmp0 (json_object_get_string_member_with_default (object, "type", NULL), "fs") != 0)
    return NULL;

  return g_strdup (json_object_get_string_member_with_default (object, "binary", NULL));
}

/* The first of the directories that has the file decides, also when it is empty and so names none.
 */
static gchar *
read_first_json (VmrootContext *context, const gchar *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (json_directories); i++)
    {
      g_autofree gchar *relative_path = g_build_filename (json_directories[i], name, NULL);
      g_autofree gchar *path = vmroot_context_path (context, relative_path);

      if (g_file_test (path, G_FILE_TEST_EXISTS))
        return read_json (path);
    }

  return NULL;
}

static gchar *
find_by_json (VmrootContext *context)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  for (gsize i = 0; i < G_N_ELEMENTS (json_directories); i++)
    add_json_names (context, json_directories[i], names);
  g_ptr_array_sort (names, compare_strings);

  for (guint i = 0; i < names->len; i++)
    {
      g_autofree gchar *binary = read_first_json (context, g_ptr_array_index (names, i));

      if (binary != NULL && is_program (context, binary))
        return g_steal_pointer (&binary);
    }

  return NULL;
}

gchar *
vmroot_virtiofsd_find_path (VmrootContext *context,
                            VmrootConfiguration *configuration,
                            GError **error)
{
  g_autofree gchar *found = NULL;

  if (configuration->virtiofsd != NULL)
    {
      if (is_program (context, configuration->virtiofsd))
        return vmroot_context_path (context, configuration->virtiofsd);

      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_VIRTIOFSD,
                   _ ("%s, which virtiofsd in %s names, is not a program other than vmroot's own"),
                   configuration->virtiofsd, VMROOT_CONFIGURATION_PATH);
      return NULL;
    }

  found = find_by_json (context);
  for (gsize i = 0; found == NULL && i < G_N_ELEMENTS (known_paths); i++)
    if (is_program (context, known_paths[i]))
      found = g_strdup (known_paths[i]);
  if (found != NULL)
    return vmroot_context_path (context, found);

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_VIRTIOFSD,
               _ ("This host has no virtiofsd: install the package virtiofsd (on Debian 12 "
                  "qemu-system-common), or name one by virtiofsd in %s"),
               VMROOT_CONFIGURATION_PATH);
  return NULL;
}

/* By --help, not --version: it tells the two apart as well, and which options there are. */
VmrootVirtiofsd *
vmroot_virtiofsd_find (VmrootContext *context,
                       VmrootConfiguration *configuration,
                       GCancellable *cancellable,
                       GError **error)
{
  g_autoptr (VmrootVirtiofsd) self = g_new0 (VmrootVirtiofsd, 1);
  g_autofree gchar *help = NULL;

  self->path = vmroot_virtiofsd_find_path (context, configuration, error);
  if (self->path == NULL)
    return NULL;
  if (!vmroot_context_run (context, (const gchar *const[]){ self->path, "--help", NULL },
                           HELP_SECONDS, &help, cancellable, error))
    return NULL;

  self->is_rust = strstr (help, "--shared-dir") != NULL;
  self->has_file_handles = strstr (help, "--inode-file-handles") != NULL;
  self->has_killpriv_v2 = strstr (help, self->is_rust ? "--killpriv-v2" : "killpriv_v2") != NULL;
  if (!self->is_rust && strstr (help, "-o source=") == NULL)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_VIRTIOFSD,
                   _ ("%s is not a virtiofsd that vmroot knows: its --help names neither "
                      "--shared-dir nor -o source="),
                   self->path);
      return NULL;
    }

  return g_steal_pointer (&self);
}

void
vmroot_virtiofsd_free (VmrootVirtiofsd *self)
{
  g_free (self->path);
  g_free (self);
}

/* The value of the option `name` at argv[i], given as "NAME VALUE" or "NAME=VALUE"; else NULL. */
static const gchar *
get_value (const gchar *const *argv, gsize i, const gchar *name)
{
  const gsize length = strlen (name);

  if (g_str_equal (argv[i], name))
    return argv[i + 1];
  if (strncmp (argv[i], name, length) == 0 && argv[i][length] == '=')
    return argv[i] + length + 1;

  return NULL;
}

/* "source=" among the words of an `-o`. A directory with a comma never gets here: a Spec refuses
 * it. */
static gchar *
get_source_word (const gchar *options)
{
  g_auto (GStrv) words = g_strsplit (options, ",", -1);

  for (gsize i = 0; words[i] != NULL; i++)
    if (g_str_has_prefix (words[i], "source="))
      return g_strdup (words[i] + strlen ("source="));

  return NULL;
}

gchar *
vmroot_virtiofsd_get_source (const gchar *const *argv)
{
  for (gsize i = 1; argv[i] != NULL; i++)
    {
      const gchar *directory = get_value (argv, i, "--shared-dir");
      const gchar *options = get_value (argv, i, "-o");
      gchar *source = options != NULL ? get_source_word (options) : g_strdup (directory);

      if (source != NULL)
        return source;
    }

  return NULL;
}

gint
vmroot_virtiofsd_get_socket (const gchar *const *argv)
{
  for (gsize i = 1; argv[i] != NULL; i++)
    {
      const gchar *value = get_value (argv, i, "--fd");
      guint64 fd;

      if (value != NULL && g_ascii_string_to_unsigned (value, 10, 0, G_MAXINT, &fd, NULL))
        return (gint)fd;
    }

  return -1;
}

static gchar *
replace_source_word (const gchar *options, const gchar *path)
{
  g_auto (GStrv) words = g_strsplit (options, ",", -1);

  for (gsize i = 0; words[i] != NULL; i++)
    if (g_str_has_prefix (words[i], "source="))
      {
        g_free (words[i]);
        words[i] = g_strconcat ("source=", path, NULL);
      }

  return g_strjoinv (",", words);
}

static void
add_libvirts_arguments (GStrvBuilder *builder, const gchar *const *argv, const gchar *path)
{
  for (gsize i = 1; argv[i] != NULL; i++)
    {
      g_autofree gchar *options = NULL;

      if (g_str_has_prefix (argv[i], "--shared-dir="))
        options = g_strconcat ("--shared-dir=", path, NULL);
      else if (i > 1 && g_str_equal (argv[i - 1], "--shared-dir"))
        options = g_strdup (path);
      else if (i > 1 && g_str_equal (argv[i - 1], "-o"))
        options = replace_source_word (argv[i], path);

      g_strv_builder_add (builder, options != NULL ? options : argv[i]);
    }
}

static void
add_modcaps (GPtrArray *capabilities, VmrootVirtiofsPolicy *policy)
{
  /* The kernel lets only CAP_SYS_ADMIN see trusted.*, which container engines and the SELinux map
   * need. */
  if (policy->trusted_xattrs || policy->xattrs == VMROOT_XATTRS_SELINUX)
    g_ptr_array_add (capabilities, (gpointer) "+sys_admin");
  g_ptr_array_add (capabilities, NULL);
}

/* FUSE_HANDLE_KILLPRIV_V2 of <linux/fuse.h>: when a user of the guest writes to a program of
 * another's, or truncates it, the host's kernel takes its setuid bits and capabilities away.
 * Otherwise the guest's does, but not when the program is opened with O_TRUNC: virtiofsd does
 * that as root, who may keep them. Of capabilities under another name the host's knows nothing. */
static gboolean
is_killing_privileges (VmrootVirtiofsd *self, VmrootVirtiofsPolicy *policy)
{
  return self->has_killpriv_v2 && policy->xattrs != VMROOT_XATTRS_USER;
}

static void
add_options_of_c (VmrootVirtiofsd *self, GStrvBuilder *builder, VmrootVirtiofsPolicy *policy)
{
  g_autoptr (GPtrArray) capabilities = g_ptr_array_new ();
  g_autofree gchar *modcaps = NULL;
  g_autoptr (GString) options = g_string_new ("xattr");

  if (policy->xattrs == VMROOT_XATTRS_USER)
    g_string_append (options, ",xattrmap=" USER_MAP);
  else
    g_string_append (options, ",posix_acl");
  if (policy->xattrs == VMROOT_XATTRS_SELINUX)
    g_string_append (options, ",security_label,xattrmap=" SELINUX_MAP);
  if (is_killing_privileges (self, policy))
    g_string_append (options, ",killpriv_v2");

  add_modcaps (capabilities, policy);
  modcaps = g_strjoinv (":", (gchar **)capabilities->pdata);
  if (*modcaps != '\0')
    g_string_append_printf (options, ",modcaps=%s", modcaps);

  g_strv_builder_add_many (builder, "-o", options->str, NULL);
}

static void
add_options_of_rust (VmrootVirtiofsd *self, GStrvBuilder *builder, VmrootVirtiofsPolicy *policy)
{
  g_autoptr (GPtrArray) capabilities = g_ptr_array_new ();
  g_autofree gchar *modcaps = NULL;

  /* Both imply --xattr, which libvirt may have given, and which it is an error to give twice. */
  if (policy->xattrs == VMROOT_XATTRS_USER)
    g_strv_builder_add (builder, "--xattrmap=" USER_MAP);
  else
    g_strv_builder_add (builder, "--posix-acl");
  if (policy->xattrs == VMROOT_XATTRS_SELINUX)
    g_strv_builder_add_many (builder, "--security-label", "--xattrmap=" SELINUX_MAP, NULL);

  if (is_killing_privileges (self, policy))
    g_strv_builder_add (builder, "--killpriv-v2");
  if (self->has_file_handles)
    {
      g_strv_builder_add (builder, "--inode-file-handles=prefer");
      g_ptr_array_add (capabilities, (gpointer) "+dac_read_search");
    }
  add_modcaps (capabilities, policy);
  modcaps = g_strjoinv (":", (gchar **)capabilities->pdata);
  if (*modcaps != '\0')
    {
      g_autofree gchar *option = g_strconcat ("--modcaps=", modcaps, NULL);

      g_strv_builder_add (builder, option);
    }
}

gchar **
vmroot_virtiofsd_get_argv (VmrootVirtiofsd *self,
                           const gchar *const *argv,
                           VmrootVirtiofsPolicy *policy,
                           const VmrootServedDirectory *served)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  g_strv_builder_add (builder, self->path);
  add_libvirts_arguments (builder, argv, served->path);
  if (self->is_rust)
    add_options_of_rust (self, builder, policy);
  else
    add_options_of_c (self, builder, policy);

  return g_strv_builder_end (builder);
}
