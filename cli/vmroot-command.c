/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "config.h"

#include <gio/gunixinputstream.h>
#include <unistd.h>

#include "vmroot-command.h"

/* More than any domain is. The library has its own limit and the words for it. */
#define MAX_XML (64 * 1024 * 1024)
#define CHUNK (64 * 1024)

void
common_options_clear (CommonOptions *options)
{
  g_clear_pointer (&options->connect, g_free);
  g_clear_pointer (&options->xml, g_free);
  g_clear_pointer (&options->sysroot, g_free);
}

static void
add_common_options (GOptionContext *context, CommonOptions *common, guint which)
{
  const GOptionEntry entries[] = {
    { "connect", 'c', 0, G_OPTION_ARG_STRING, &common->connect,
      "Connect to libvirt at URI, as virsh does", "URI" },
    { "xml", 0, 0, G_OPTION_ARG_FILENAME, &common->xml,
      "Work on the domain XML in FILE (-: stdin), without libvirt", "FILE" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &common->json, "Print JSON", NULL },
  };

  const GOptionEntry hidden[] = {
    { "sysroot", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &common->sysroot, NULL, "DIR" },
    { NULL },
  };

  g_option_context_add_main_entries (context, hidden, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (entries); i++)
    {
      const GOptionEntry one[] = { entries[i], { NULL } };

      if (which & (1u << i))
        g_option_context_add_main_entries (context, one, NULL);
    }
}

GStrv
command_parse (gchar **argv,
               const GOptionEntry *entries,
               SpecOptions *spec,
               CommonOptions *common,
               guint which,
               guint max_operands,
               GError **error)
{
  const Command *command = command_find (argv[0]);
  g_autoptr (GOptionContext) context = g_option_context_new (command->arguments);
  g_auto (GStrv) arguments = g_strdupv (argv);

  g_option_context_set_summary (context, command->summary);
  if (entries != NULL)
    g_option_context_add_main_entries (context, entries, NULL);
  if (spec != NULL)
    spec_options_add (spec, context);
  add_common_options (context, common, which);

  if (!g_option_context_parse_strv (context, &arguments, error))
    return NULL;
  if (g_strv_length (arguments) > max_operands + 1)
    {
      command_set_misused (error, "Too many words: what is '%s' for?", arguments[max_operands + 1]);
      return NULL;
    }

  return g_strdupv (arguments + 1);
}

void
command_set_misused (GError **error, const gchar *format, ...)
{
  va_list args;

  va_start (args, format);
  if (error != NULL)
    *error = g_error_new_valist (G_OPTION_ERROR, G_OPTION_ERROR_FAILED, format, args);
  va_end (args);
}

gint
command_fail (const gchar *command, const GError *error)
{
  const gboolean misused = error->domain == G_OPTION_ERROR;

  g_printerr ("vmroot: %s\n", error->message);
  if (misused)
    g_printerr ("Try 'vmroot %s --help'.\n", command);
  return misused ? COMMAND_MISUSED : COMMAND_FAILED;
}

gchar *
command_host_path (const gchar *sysroot, const gchar *path)
{
  return g_build_filename (sysroot != NULL ? sysroot : "/", path, NULL);
}

void
command_note (const gchar *format, ...)
{
  g_autofree gchar *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_printerr ("vmroot: %s\n", text);
}

/* All of it; a single read of a pipe ends where the writer paused. */
static GBytes *
read_stdin (GCancellable *cancellable, GError **error)
{
  g_autoptr (GInputStream) input = g_unix_input_stream_new (STDIN_FILENO, FALSE);
  g_autoptr (GByteArray) all = g_byte_array_new ();
  g_autoptr (GBytes) part = NULL;

  do
    {
      g_clear_pointer (&part, g_bytes_unref);
      part = g_input_stream_read_bytes (input, CHUNK, cancellable, error);
      if (part == NULL)
        return NULL;
      g_byte_array_append (all, g_bytes_get_data (part, NULL), g_bytes_get_size (part));
    }
  while (g_bytes_get_size (part) > 0 && all->len < MAX_XML);

  return g_byte_array_free_to_bytes (g_steal_pointer (&all));
}

VmrootDomain *
command_read_domain (const gchar *path, GCancellable *cancellable, GError **error)
{
  const gboolean is_stdin = g_str_equal (path, "-");
  g_autoptr (GFile) file = g_file_new_for_commandline_arg (path);
  g_autoptr (GBytes) bytes = is_stdin ? read_stdin (cancellable, error)
                                      : g_file_load_bytes (file, cancellable, NULL, error);
  VmrootDomain *domain = bytes != NULL ? vmroot_domain_new_from_bytes (bytes, error) : NULL;

  if (domain == NULL)
    g_prefix_error (error, "%s: ", is_stdin ? "stdin" : path);
  return domain;
}

VmrootSpec *
command_get_spec (VmrootDomain *domain, GError **error)
{
  g_autofree gchar *name = vmroot_domain_get_name (domain);
  VmrootSpec *spec = vmroot_domain_get_spec (domain, error);

  if (spec == NULL)
    g_prefix_error (error, "%s: ", name != NULL ? name : "the domain");
  return spec;
}
