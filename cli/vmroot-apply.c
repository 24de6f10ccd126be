/* SPDX-License-Identifier: GPL-2.0-or-later */

/* vmroot apply, vmroot remove: they change a definition, of libvirt or in a file. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "vmroot-command.h"
#include "vmroot-findings.h"
#include "vmroot-spec-options.h"

/* The one domain that is meant: a name for libvirt, or a document. */
static gboolean
check_target (const CommonOptions *common, gchar **operands, GError **error)
{
  if (operands[0] == NULL && common->xml == NULL)
    {
      command_set_misused (error, "Which guest? Name a DOMAIN, or give its XML with --xml FILE");
      return FALSE;
    }
  if (operands[0] != NULL && common->xml != NULL)
    {
      command_set_misused (error, "DOMAIN and --xml exclude each other");
      return FALSE;
    }
  if (common->connect != NULL && common->xml != NULL)
    {
      command_set_misused (error, "--connect and --xml exclude each other");
      return FALSE;
    }
  return TRUE;
}

/* Writes the document in `path` to stdout, with `spec` as its root or with none of ours. */
static gboolean
edit_file (const gchar *path, VmrootSpec *spec, GCancellable *cancellable, GError **error)
{
  g_autoptr (VmrootDomain) domain = command_read_domain (path, cancellable, error);
  g_autofree gchar *xml = NULL;

  if (domain == NULL || !vmroot_domain_set_spec (domain, spec, error))
    return FALSE;

  xml = vmroot_domain_to_xml (domain);
  if (fputs (xml, stdout) == EOF || (!g_str_has_suffix (xml, "\n") && putchar ('\n') == EOF) ||
      fflush (stdout) == EOF)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "Cannot write to stdout: %s",
                   g_strerror (errno));
      return FALSE;
    }
  return TRUE;
}

/* A directory that is not there is a slip of the pen, unless the guest runs elsewhere. One that we
 * may not look for may well be there. */
static gboolean
check_directory (const gchar *sysroot, const gchar *directory, GError **error)
{
  g_autofree gchar *path = command_host_path (sysroot, directory);
  struct stat status;
  const gint code = stat (path, &status) != 0 ? errno : S_ISDIR (status.st_mode) ? 0 : ENOTDIR;

  if (code == 0 || code == EACCES)
    return TRUE;

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_DIRECTORY,
               "%s: %s. Nothing was changed. Make it first, or describe it all the same with "
               "--force",
               directory, g_strerror (code));
  return FALSE;
}

/* What the user should know before the guest starts. Not being able to look is no failure. */
static void
warn_about (const gchar *sysroot, VmrootSpec *spec, VmrootDomain *domain, GCancellable *cancellable)
{
  g_autofree gchar *uuid = domain != NULL ? vmroot_domain_get_uuid (domain) : NULL;
  g_autoptr (GPtrArray) findings = findings_collect (sysroot, spec, uuid, cancellable, NULL);

  if (findings != NULL)
    findings_print_stderr (findings, VMROOT_SEVERITY_WARNING);
}

/* Quotes only where a shell would need them. */
static gchar *
shell_word (const gchar *name)
{
  const gboolean plain = name[strspn (name, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "._-")] == '\0';

  return plain ? g_strdup (name) : g_shell_quote (name);
}

static void
say_next_step (const CommonOptions *common, const gchar *name, gboolean running)
{
  g_autofree gchar *quoted = shell_word (name);
  g_autofree gchar *connect =
      common->connect != NULL ? g_strdup_printf ("--connect %s ", common->connect) : g_strdup ("");

  if (running)
    g_print ("%s is running: this takes effect after its next shutdown.\n"
             "Then start it: virsh %sstart %s\n",
             name, connect, quoted);
  else
    g_print ("Start it: virsh %sstart %s\n", connect, quoted);
}

static gboolean
apply_to_domain (const CommonOptions *common,
                 const gchar *name,
                 VmrootSpec *spec,
                 gboolean force,
                 GCancellable *cancellable,
                 GError **error)
{
  g_autoptr (VmrootConnection) connection = vmroot_connection_open (common->connect, error);
  const gchar *directory = vmroot_spec_get_directory (spec);
  gboolean running;

  if (connection == NULL)
    return FALSE;
  if (!force && !vmroot_connection_get_remote (connection) &&
      !check_directory (common->sysroot, directory, error))
    return FALSE;
  if (!vmroot_connection_attach (connection, name, spec, &running, cancellable, error))
    return FALSE;

  if (!vmroot_connection_get_remote (connection))
    {
      g_autoptr (VmrootDomain) domain = vmroot_connection_get_domain (connection, name, NULL);

      warn_about (common->sysroot, spec, domain, cancellable);
    }
  g_print ("%s has %s as its root.\n", name, directory);
  say_next_step (common, name, running);
  return TRUE;
}

/* A relative directory is one of the host we run on. */
static gchar *
absolute_directory (const gchar *directory, const CommonOptions *common, GError **error)
{
  if (g_path_is_absolute (directory) || (common->connect == NULL && common->xml == NULL))
    return g_canonicalize_filename (directory, NULL);

  command_set_misused (error, "--directory %s: not an absolute path", directory);
  return NULL;
}

static VmrootSpec *
get_spec (const SpecOptions *options,
          const CommonOptions *common,
          GCancellable *cancellable,
          GError **error)
{
  g_autofree gchar *directory = NULL;

  if (options->directory == NULL)
    {
      command_set_misused (error, "Which directory? Give it with --directory DIR");
      return NULL;
    }

  directory = absolute_directory (options->directory, common, error);
  return directory != NULL ? spec_options_get_spec (options, directory, cancellable, error) : NULL;
}

static gboolean
apply (gchar **argv, GCancellable *cancellable, GError **error)
{
  g_auto (CommonOptions) common = { NULL };
  g_auto (SpecOptions) options = { NULL };
  gboolean force = FALSE;
  const GOptionEntry entries[] = {
    { "directory", 'd', 0, G_OPTION_ARG_FILENAME, &options.directory,
      "The directory that becomes the root", "DIR" },
    { "force", 'f', 0, G_OPTION_ARG_NONE, &force, "Even if there is no such directory", NULL },
    { NULL },
  };
  g_auto (GStrv) operands =
      command_parse (argv, entries, &options, &common, COMMON_CONNECT | COMMON_XML, 1, error);
  g_autoptr (VmrootSpec) spec = NULL;

  if (operands == NULL || !check_target (&common, operands, error))
    return FALSE;

  spec = get_spec (&options, &common, cancellable, error);
  if (spec == NULL)
    return FALSE;

  if (common.xml != NULL)
    return edit_file (common.xml, spec, cancellable, error);

  return apply_to_domain (&common, operands[0], spec, force, cancellable, error);
}

gint
run_apply (gchar **argv, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;

  return apply (argv, cancellable, &error) ? COMMAND_DONE : command_fail (argv[0], error);
}

static gboolean
remove_from_domain (const gchar *uri, const gchar *name, GCancellable *cancellable, GError **error)
{
  g_autoptr (VmrootConnection) connection = vmroot_connection_open (uri, error);
  g_autoptr (GError) local = NULL;
  gboolean running;

  if (connection == NULL)
    return FALSE;
  if (vmroot_connection_detach (connection, name, &running, cancellable, &local))
    {
      g_print ("%s has the definition it had before.\n", name);
      if (running)
        g_print ("It is running: this takes effect after its next shutdown.\n");
      return TRUE;
    }

  /* What was asked for is so already. */
  if (g_error_matches (local, VMROOT_ERROR, VMROOT_ERROR_NO_SPEC))
    {
      command_note ("%s", local->message);
      return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
remove_root (gchar **argv, GCancellable *cancellable, GError **error)
{
  g_auto (CommonOptions) common = { NULL };
  g_auto (GStrv) operands =
      command_parse (argv, NULL, NULL, &common, COMMON_CONNECT | COMMON_XML, 1, error);

  if (operands == NULL || !check_target (&common, operands, error))
    return FALSE;
  if (common.xml != NULL)
    return edit_file (common.xml, NULL, cancellable, error);

  return remove_from_domain (common.connect, operands[0], cancellable, error);
}

gint
run_remove (gchar **argv, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;

  return remove_root (argv, cancellable, &error) ? COMMAND_DONE : command_fail (argv[0], error);
}
