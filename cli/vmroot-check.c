/* SPDX-License-Identifier: GPL-2.0-or-later */

/* vmroot check: what would go wrong if a guest started from this directory now. */

#include "config.h"

#include <string.h>

#include "vmroot-command.h"
#include "vmroot-findings.h"
#include "vmroot-json.h"
#include "vmroot-spec-options.h"

/* Names of domains have no slash: libvirt forbids it. */
static gboolean
is_directory_word (const gchar *word)
{
  return strchr (word, '/') != NULL || g_str_equal (word, ".") || g_str_equal (word, "..");
}

static VmrootSpec *
spec_of_domain (const gchar *uri, const gchar *name, gchar **uuid, GError **error)
{
  g_autoptr (VmrootConnection) connection = vmroot_connection_open_read_only (uri, error);
  g_autoptr (VmrootDomain) domain = NULL;

  if (connection == NULL)
    return NULL;
  if (vmroot_connection_get_remote (connection))
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
                   "%s runs on another host: run vmroot check %s there", name, name);
      return NULL;
    }

  domain = vmroot_connection_get_domain (connection, name, error);
  if (domain == NULL)
    return NULL;

  *uuid = vmroot_domain_get_uuid (domain);
  return command_get_spec (domain, error);
}

static VmrootSpec *
spec_of_word (const SpecOptions *options,
              const gchar *uri,
              const gchar *word,
              gchar **uuid,
              GCancellable *cancellable,
              GError **error)
{
  g_autofree gchar *directory = g_canonicalize_filename (word, NULL);

  if (!is_directory_word (word))
    return spec_of_domain (uri, word, uuid, error);

  return spec_options_get_spec (options, directory, cancellable, error);
}

static void
print_findings (const gchar *word, GPtrArray *findings)
{
  findings_print (findings);
  if (findings->len == 0)
    g_print ("%s: nothing that would go wrong was found\n", word);
  else
    g_print ("%s: %u errors, %u warnings\n", word, findings_count (findings, VMROOT_SEVERITY_ERROR),
             findings_count (findings, VMROOT_SEVERITY_WARNING));
}

/* What is still to be found after everything was fixed that can be. */
static GPtrArray *
collect (const gchar *sysroot,
         VmrootSpec *spec,
         const gchar *uuid,
         gboolean fix,
         GCancellable *cancellable,
         GError **error)
{
  g_autoptr (GPtrArray) findings = findings_collect (sysroot, spec, uuid, cancellable, error);
  gboolean any = FALSE;

  if (findings == NULL ||
      (fix && !findings_fix (sysroot, spec, findings, &any, cancellable, error)))
    return NULL;

  return any ? findings_collect (sysroot, spec, uuid, cancellable, error)
             : g_steal_pointer (&findings);
}

static gint
check (gchar **argv, GCancellable *cancellable, GError **error)
{
  g_auto (CommonOptions) common = { NULL };
  g_auto (SpecOptions) options = { NULL };
  gboolean fix = FALSE;
  const GOptionEntry entries[] = {
    { "fix", 0, 0, G_OPTION_ARG_NONE, &fix, "Put right what can be", NULL },
    { NULL },
  };
  g_auto (GStrv) operands =
      command_parse (argv, entries, &options, &common, COMMON_CONNECT | COMMON_JSON, 1, error);
  g_autoptr (VmrootSpec) spec = NULL;
  g_autofree gchar *uuid = NULL;
  g_autoptr (GPtrArray) findings = NULL;

  if (operands == NULL)
    return COMMAND_FAILED;
  if (operands[0] == NULL)
    {
      command_set_misused (error, "What shall be checked? Name a directory or a domain");
      return COMMAND_FAILED;
    }

  spec = spec_of_word (&options, common.connect, operands[0], &uuid, cancellable, error);
  findings = spec != NULL ? collect (common.sysroot, spec, uuid, fix, cancellable, error) : NULL;
  if (findings == NULL)
    return COMMAND_FAILED;

  if (common.json)
    json_print_array (json_from_objects (findings));
  else
    print_findings (operands[0], findings);
  return findings_count (findings, VMROOT_SEVERITY_ERROR) > 0 ? COMMAND_FAILED : COMMAND_DONE;
}

gint
run_check (gchar **argv, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;
  const gint status = check (argv, cancellable, &error);

  return error != NULL ? command_fail (argv[0], error) : status;
}
