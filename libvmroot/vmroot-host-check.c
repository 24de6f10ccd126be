/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "vmroot-domain-private.h"
#include "vmroot-error.h"
#include "vmroot-finding-private.h"
#include "vmroot-host-private.h"
#include "vmroot-translation-private.h"

#define HOOK_PATH VMROOT_HOOKDIR "/vmroot-hook"
#define HOOK_DIRECTORY VMROOT_SYSCONFDIR "/libvirt/hooks/qemu.d"

/* FALSE: there is nothing more that could be said about the directories. */
static gboolean
check_directories (VmrootHost *self,
                   VmrootConfiguration *configuration,
                   VmrootSpec *spec,
                   GPtrArray *directories,
                   GPtrArray *findings)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *fix = NULL;

  if (vmroot_host_open_directories (self, configuration, spec, directories, &error))
    return TRUE;

  if (g_error_matches (error, VMROOT_ERROR, VMROOT_ERROR_NOT_ALLOWED))
    {
      fix = g_strdup_printf (
          _ ("Add the directory it lies in to allowed-directories in %s, or move it."),
          VMROOT_CONFIGURATION_PATH);
      vmroot_findings_add (findings, "directory-not-allowed", VMROOT_SEVERITY_ERROR,
                           _ ("This host does not let guests have the directory"), error->message,
                           fix);
    }
  else
    vmroot_findings_add (findings, "directory-missing", VMROOT_SEVERITY_ERROR,
                         _ ("The directory cannot be opened"), error->message,
                         _ ("Make the directory, or correct the path."));
  return FALSE;
}

static void
check_claims (VmrootHost *self, const gchar *uuid, GPtrArray *directories, GPtrArray *findings)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootJournal) owner = NULL;
  g_autofree gchar *detail = NULL;
  const VmrootServedDirectory *conflict;

  if (!vmroot_host_find_conflict (self, uuid, directories, &owner, &conflict, &error))
    {
      vmroot_findings_add (findings, "claims-unknown", VMROOT_SEVERITY_INFO,
                           _ ("Which guests use the directory at the moment cannot be seen"),
                           error->message, _ ("Ask again as root."));
      return;
    }
  if (conflict == NULL)
    return;

  detail =
      g_strdup_printf (_ ("%s is in use by the guest %s (%s). Another guest cannot start with it "
                          "meanwhile."),
                       conflict->directory, owner->name, owner->uuid);
  vmroot_findings_add (
      findings, "in-use", VMROOT_SEVERITY_WARNING, _ ("A running guest uses the directory"), detail,
      _ ("Give each guest a tree of its own, or make both read-only or ephemeral."));
}

static gboolean
is_hook (VmrootHost *self, const gchar *path)
{
  g_autofree gchar *link = g_file_read_link (path, NULL);
  g_autofree gchar *target = link != NULL && g_path_is_absolute (link)
                                 ? vmroot_context_path (self->context, link)
                                 : g_strdup (path);
  g_autofree gchar *name = g_path_get_basename (link != NULL ? link : path);

  return g_str_equal (name, "vmroot-hook") && g_file_test (target, G_FILE_TEST_IS_EXECUTABLE);
}

static void
check_hook (VmrootHost *self, GPtrArray *findings)
{
  g_autofree gchar *directory = vmroot_context_path (self->context, HOOK_DIRECTORY);
  g_autoptr (GDir) files = g_dir_open (directory, 0, NULL);
  g_autofree gchar *detail = NULL;
  const gchar *name;

  while (files != NULL && (name = g_dir_read_name (files)) != NULL)
    {
      g_autofree gchar *path = g_build_filename (directory, name, NULL);

      if (is_hook (self, path))
        return;
    }

  detail = g_strdup_printf (
      _ ("No link in %s leads to %s, so nothing is made ready when the guest starts."),
      HOOK_DIRECTORY, HOOK_PATH);
  vmroot_findings_add_fixable (findings, "hook-not-installed", VMROOT_SEVERITY_ERROR,
                               _ ("libvirt does not call vmroot"), detail,
                               _ ("Run `vmroot setup`."));
}

/* Whether somebody who is not root can walk to `path`. */
static gboolean
is_searchable (const gchar *path)
{
  g_autofree gchar *current = g_strdup (path);

  while (!g_str_equal (current, "/"))
    {
      g_autofree gchar *above = g_path_get_dirname (current);
      struct stat st;

      if (stat (current, &st) == 0 && (st.st_mode & S_IXOTH) == 0)
        return FALSE;

      g_free (current);
      current = g_steal_pointer (&above);
    }

  return TRUE;
}

/* An entry that is no operating system's root may be somebody's who is not root. */
static gboolean
is_root (const gchar *path)
{
  g_autofree gchar *etc = g_build_filename (path, "etc", NULL);
  struct stat st;

  return lstat (path, &st) == 0 && S_ISDIR (st.st_mode) && lstat (etc, &st) == 0 &&
         S_ISDIR (st.st_mode);
}

static gboolean
holds_only_roots (const gchar *directory)
{
  g_autoptr (GDir) entries = g_dir_open (directory, 0, NULL);
  const gchar *name;

  while (entries != NULL && (name = g_dir_read_name (entries)) != NULL)
    {
      g_autofree gchar *path = g_build_filename (directory, name, NULL);

      if (!g_str_equal (name, "lost+found") && !is_root (path))
        return FALSE;
    }

  return entries != NULL;
}

static void
add_exposed (GPtrArray *findings, const VmrootServedDirectory *directory)
{
  g_autofree gchar *above = g_path_get_dirname (directory->path);
  g_autofree gchar *detail =
      g_strdup_printf (_ ("The guest can put setuid programs and device nodes into %s, and any "
                          "user of this host could use them."),
                       directory->directory);
  g_autofree gchar *fix = NULL;

  if (directory->is_root && holds_only_roots (above))
    {
      fix = g_strdup_printf (_ ("Run `chmod 0700 %s`, in which there is nothing else."), above);
      vmroot_findings_add_fixable (findings, "tree-exposed", VMROOT_SEVERITY_WARNING,
                                   _ ("Users of this host can reach what the guest writes"), detail,
                                   fix);
      return;
    }

  fix =
      g_strdup_printf (_ ("Move it into a directory that only root can search; run `chmod 0700 %s` "
                          "if nobody else needs what is in there; or mount its file system "
                          "nodev,nosuid."),
                       above);
  vmroot_findings_add (findings, "tree-exposed", VMROOT_SEVERITY_WARNING,
                       _ ("Users of this host can reach what the guest writes"), detail, fix);
}

static void
check_exposure (GPtrArray *directories, GPtrArray *findings)
{
  const unsigned long safe = ST_NODEV | ST_NOSUID;

  for (guint i = 0; i < directories->len; i++)
    {
      const VmrootServedDirectory *directory = g_ptr_array_index (directories, i);
      struct statvfs st;

      if (directory->writable && is_searchable (directory->path) &&
          !(statvfs (directory->path, &st) == 0 && (st.f_flag & safe) == safe))
        add_exposed (findings, directory);
    }
}

static void
check_boot_directory (VmrootHost *self, GPtrArray *findings)
{
  g_autofree gchar *path = vmroot_context_path (self->context, VMROOT_BOOT_DIRECTORY);
  g_autofree gchar *detail = NULL;
  g_autofree gchar *fix = NULL;
  struct stat st;

  if (stat (path, &st) != 0 || (st.st_mode & S_IXOTH) != 0)
    return;

  detail = g_strdup_printf (_ ("QEMU does not run as root, and %s is searchable by root only."),
                            VMROOT_BOOT_DIRECTORY);
  fix = g_strdup_printf (_ ("Run `chmod 0711 %s`."), VMROOT_BOOT_DIRECTORY);
  vmroot_findings_add_fixable (findings, "boot-directory-closed", VMROOT_SEVERITY_ERROR,
                               _ ("QEMU cannot reach boot images"), detail, fix);
}

/**
 * vmroot_host_check:
 * @self: this machine
 * @spec: what a guest's root shall be
 * @uuid: (nullable): the UUID of that guest, whose own use of the directory is no finding
 * @cancellable: (nullable): to give up early
 * @error: return location for an error
 *
 * Looks at what on this host would keep a guest with such a root from starting, or would make it
 * dangerous. What the tree itself lacks, [method@Vmroot.Tree.check] finds.
 *
 * Returns: (transfer container) (element-type VmrootFinding): what was found, none if all is well;
 * or %NULL with @error set
 *
 * Since: 1.0
 */
GPtrArray *
vmroot_host_check (VmrootHost *self,
                   VmrootSpec *spec,
                   const gchar *uuid,
                   GCancellable *cancellable,
                   GError **error)
{
  g_autoptr (GPtrArray) findings = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) directories =
      g_ptr_array_new_with_free_func ((GDestroyNotify)vmroot_served_directory_free);
  g_autoptr (VmrootConfiguration) configuration = NULL;
  const VmrootTransportBackend *backend;

  g_return_val_if_fail (VMROOT_IS_HOST (self), NULL);
  g_return_val_if_fail (VMROOT_IS_SPEC (spec), NULL);

  configuration = vmroot_configuration_load (self->context, error);
  if (configuration == NULL)
    return NULL;
  backend = vmroot_host_get_backend (vmroot_spec_get_transport (spec), error);
  if (backend == NULL)
    return NULL;

  if (check_directories (self, configuration, spec, directories, findings))
    {
      check_claims (self, uuid, directories, findings);
      check_exposure (directories, findings);
    }
  check_hook (self, findings);
  check_boot_directory (self, findings);
  if (backend->check != NULL && !backend->check (self->context, configuration, spec, directories,
                                                 findings, cancellable, error))
    return NULL;

  return g_steal_pointer (&findings);
}
