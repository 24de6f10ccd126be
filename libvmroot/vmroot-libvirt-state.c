/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "vmroot-libvirt-state-private.h"
#include "vmroot-translation-private.h"

#define STATUS_DIRECTORY "/run/libvirt/qemu"
#define DEFINITION_DIRECTORY "/etc/libvirt/qemu"
#define LOG_DIRECTORY "/var/log/libvirt/qemu"
#define STOP_WORDS ": shutting down, reason="
#define NAMESPACE "urn:vmroot:domain:1"

static gboolean
has_living_process (const gchar *status_path)
{
  g_autofree gchar *stem = g_strndup (status_path, strlen (status_path) - strlen (".xml"));
  g_autofree gchar *path = g_strconcat (stem, ".pid", NULL);
  g_autofree gchar *text = NULL;
  gint64 pid;

  if (!g_file_get_contents (path, &text, NULL, NULL) ||
      !g_ascii_string_to_signed (g_strstrip (text), 10, 1, G_MAXINT32, &pid, NULL))
    return FALSE;

  return kill ((pid_t)pid, 0) == 0 || errno == EPERM;
}

/* The status document has the domain's own inside it, after what libvirt keeps for itself. */
static VmrootDomain *
parse_status (const gchar *text, GError **error)
{
  const gchar *begin = strstr (text, "<domain ");
  const gchar *end = g_strrstr (text, "</domain>");
  g_autoptr (GBytes) bytes = NULL;

  if (begin == NULL || end == NULL || end < begin)
    return vmroot_domain_new_from_xml (text, error);

  bytes = g_bytes_new (begin, (gsize)(end - begin) + strlen ("</domain>"));
  return vmroot_domain_new_from_bytes (bytes, error);
}

static gboolean
add_running (const gchar *path, GPtrArray *domains, GError **error)
{
  g_autofree gchar *text = NULL;
  VmrootDomain *domain;

  /* It may have stopped since the directory was listed. */
  if (!has_living_process (path) || !g_file_get_contents (path, &text, NULL, NULL) ||
      strstr (text, NAMESPACE) == NULL)
    return TRUE;

  domain = parse_status (text, error);
  if (domain == NULL)
    {
      g_prefix_error (error, _ ("Cannot read libvirt's state of a running guest, %s: "), path);
      return FALSE;
    }

  g_ptr_array_add (domains, domain);
  return TRUE;
}

GPtrArray *
vmroot_libvirt_state_list_running (VmrootContext *context, GError **error)
{
  g_autofree gchar *directory = vmroot_context_path (context, STATUS_DIRECTORY);
  g_autoptr (GPtrArray) domains = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GDir) files = g_dir_open (directory, 0, &local_error);
  const gchar *name;

  if (files == NULL && !g_error_matches (local_error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }

  while (files != NULL && (name = g_dir_read_name (files)) != NULL)
    {
      g_autofree gchar *path = g_build_filename (directory, name, NULL);

      if (g_str_has_suffix (name, ".xml") && !add_running (path, domains, error))
        return NULL;
    }

  return g_steal_pointer (&domains);
}

/* The job of a migration is written there until QEMU runs (qemuDomainObjPrivateXMLFormatJob). */
gboolean
vmroot_libvirt_state_is_arriving (VmrootContext *context, VmrootDomain *domain)
{
  g_autofree gchar *directory = vmroot_context_path (context, STATUS_DIRECTORY);
  g_autofree gchar *name = vmroot_domain_get_name (domain);
  g_autofree gchar *path = g_strdup_printf ("%s/%s.xml", directory, name);
  g_autofree gchar *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) &&
         strstr (text, "async='migration in'") != NULL;
}

/* The last line "2026-11-24 16:01:02.345+0000: shutting down, reason=migrated". */
static gchar *
find_reason (const gchar *log, GDateTime *since)
{
  const gchar *words = g_strrstr (log, STOP_WORDS);
  const gchar *line = words != NULL ? g_strrstr_len (log, words - log, "\n") : NULL;
  g_autofree gchar *time = NULL;
  g_autoptr (GDateTime) stopped = NULL;

  if (words == NULL)
    return NULL;

  line = line != NULL ? line + 1 : log;
  time = g_strndup (line, (gsize)(words - line));
  stopped = g_date_time_new_from_iso8601 (time, NULL);
  if (stopped == NULL || g_date_time_compare (stopped, since) < 0)
    return NULL;

  words += strlen (STOP_WORDS);
  return g_strndup (words, strcspn (words, " \n"));
}

gchar *
vmroot_libvirt_state_get_stop_reason (VmrootContext *context, const gchar *name, GDateTime *since)
{
  g_autofree gchar *directory = vmroot_context_path (context, LOG_DIRECTORY);
  g_autofree gchar *path = g_strdup_printf ("%s/%s.log", directory, name);
  g_autofree gchar *log = NULL;
  gsize length;

  if (strchr (name, '/') != NULL || !g_file_get_contents (path, &log, &length, NULL))
    return NULL;

  /* What QEMU writes there may have any byte in it. */
  for (gsize i = 0; i < length; i++)
    if (log[i] == '\0')
      log[i] = '\n';
  return find_reason (log, since);
}

gboolean
vmroot_libvirt_state_defines (VmrootContext *context, const gchar *uuid)
{
  g_autofree gchar *directory = vmroot_context_path (context, DEFINITION_DIRECTORY);
  g_autoptr (GDir) files = g_dir_open (directory, 0, NULL);
  g_autofree gchar *element = g_strdup_printf ("<uuid>%s</uuid>", uuid);
  const gchar *name;

  if (files == NULL)
    return TRUE;

  while ((name = g_dir_read_name (files)) != NULL)
    {
      g_autofree gchar *path = g_build_filename (directory, name, NULL);
      g_autofree gchar *text = NULL;

      if (!g_str_has_suffix (name, ".xml"))
        continue;
      if (!g_file_get_contents (path, &text, NULL, NULL) || strstr (text, element) != NULL)
        return TRUE;
    }

  return FALSE;
}
