/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The piece `nss` of vmroot setup: guests have names on the host (nss(5), libvirt's
 * https://libvirt.org/nss.html). */

#include "config.h"

#include <glob.h>
#include <string.h>

#include "vmroot-setup-file.h"
#include "vmroot-setup-pieces.h"

#define NSSWITCH "/etc/nsswitch.conf"

/* By the names that guests give themselves, and by those of their domains. */
static const gchar *const modules[] = { "libvirt", "libvirt_guest" };

static gboolean
is_installed (Setup *setup, const gchar *module)
{
  static const gchar *const places[] = { "/lib",     "/lib64",     "/lib/*-linux-*",
                                         "/usr/lib", "/usr/lib64", "/usr/lib/*-linux-*" };

  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autofree gchar *library = g_strdup_printf ("%s/libnss_%s.so.2", places[i], module);
      g_autofree gchar *pattern = setup_path (setup, library);
      glob_t found = { 0 };
      const gboolean is_there = glob (pattern, GLOB_NOSORT, NULL, &found) == 0;

      globfree (&found);
      if (is_there)
        return TRUE;
    }
  return FALSE;
}

/* Where in the words of the line one is, or the end; what is in brackets says what to do after the
 * word before it. */
static gchar *
find_word (gchar *words, const gchar *word)
{
  const gsize length = strlen (word);

  for (gchar *p = words; *p != '\0';)
    {
      gsize n;

      p += strspn (p, " \t");
      n = *p == '[' ? strcspn (p, "]") + 1 : strcspn (p, " \t");
      if (n == length && strncmp (p, word, n) == 0)
        return p;
      p += MIN (n, strlen (p));
    }
  return words + strlen (words);
}

/* The line with the modules in front of whoever would ask the network. */
static gchar *
add_modules (Setup *setup, const gchar *line)
{
  const gsize length = strcspn (line, "#");
  g_autofree gchar *words = g_strndup (line, length);
  g_autoptr (GString) ours = g_string_new (NULL);
  gchar *place;

  g_strchomp (words);
  for (guint i = 0; i < G_N_ELEMENTS (modules); i++)
    if (*find_word (words, modules[i]) == '\0' && is_installed (setup, modules[i]))
      g_string_append_printf (ours, "%s ", modules[i]);
  if (ours->len == 0)
    return g_strdup (line);

  place = MIN (find_word (words, "resolve"), find_word (words, "dns"));
  if (*place == '\0')
    {
      g_string_truncate (ours, ours->len - 1);
      g_string_prepend_c (ours, ' ');
    }
  return g_strdup_printf ("%.*s%s%s", (int)(place - words), words, ours->str,
                          line + (place - words));
}

/* authselect writes the file anew from a profile of its own, and follows no edit of ours. */
static gboolean
is_authselects (Setup *setup)
{
  g_autofree gchar *path = setup_path (setup, NSSWITCH);
  g_autofree gchar *link = g_file_read_link (path, NULL);

  return link != NULL && strstr (link, "authselect") != NULL;
}

static gboolean
edit (Setup *setup, const gchar *text, GError **error)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], "hosts:"))
      {
        g_autofree gchar *line = add_modules (setup, lines[i]);
        g_autofree gchar *edited = NULL;

        if (g_str_equal (line, lines[i]))
          return TRUE;

        g_free (lines[i]);
        lines[i] = g_strdup (line);
        edited = g_strjoinv ("\n", lines);
        return setup_edit_file (setup, NSSWITCH, edited, line, error);
      }

  setup_note (setup, "%s has no line of hosts: it stays as it is", NSSWITCH);
  return TRUE;
}

gboolean
setup_nss (Setup *setup, GError **error)
{
  g_autofree gchar *path = setup_path (setup, NSSWITCH);
  g_autofree gchar *text = NULL;

  if (!is_installed (setup, modules[0]) && !is_installed (setup, modules[1]))
    {
      setup_note (setup,
                  "libvirt's NSS modules are not installed (Debian: apt install "
                  "libnss-libvirt): %s stays as it is",
                  NSSWITCH);
      return TRUE;
    }
  if (is_authselects (setup))
    {
      setup_note (setup,
                  "%s is authselect's: put 'libvirt libvirt_guest' into the line of hosts of "
                  "its profile",
                  NSSWITCH);
      return TRUE;
    }

  return g_file_get_contents (path, &text, NULL, error) && edit (setup, text, error);
}
