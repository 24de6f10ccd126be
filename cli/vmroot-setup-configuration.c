/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The pieces `configuration` and `export` of vmroot setup: what vmroot may do on this host, and a
 * place for trees. */

#include "config.h"

#include "vmroot-setup-file.h"
#include "vmroot-setup-pieces.h"

#define CONFIGURATION "/etc/vmroot/vmroot.conf"
#define DEFAULT_TREES "/export"

gboolean
setup_configuration (Setup *setup, GError **error)
{
  g_autoptr (GBytes) text =
      g_resources_lookup_data ("/vmroot/vmroot.conf", G_RESOURCE_LOOKUP_FLAGS_NONE, error);

  /* GLib puts a zero byte after the data of a resource. */
  return text != NULL && setup_want_directory (setup, "/etc/vmroot", 0755, error) &&
         setup_want_file (setup, CONFIGURATION, g_bytes_get_data (text, NULL), error);
}

/* Whether the configuration of this host lets trees be where we would make a place for them. */
static gboolean
wants_default_trees (Setup *setup)
{
  g_autofree gchar *path = setup_path (setup, CONFIGURATION);
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_auto (GStrv) allowed = NULL;

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL))
    return TRUE;

  allowed = g_key_file_get_string_list (file, "host", "allowed-directories", NULL, NULL);
  return allowed == NULL || g_strv_contains ((const gchar *const *)allowed, DEFAULT_TREES);
}

gboolean
setup_export (Setup *setup, GError **error)
{
  /* Only root may search it: a guest's root user makes setuid programs and device nodes there. */
  return !wants_default_trees (setup) || setup_want_directory (setup, DEFAULT_TREES, 0700, error);
}
