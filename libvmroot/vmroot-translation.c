/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <errno.h>
#include <libintl.h>
#include <locale.h>

#include "vmroot-translation-private.h"

static void
bind_domain (void)
{
  static gsize bound = 0;

  if (!g_once_init_enter (&bound))
    return;
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  g_once_init_leave (&bound, 1);
}

const gchar *
vmroot_translate (const gchar *message)
{
  const int saved_errno = errno;
  const gchar *translation;

  bind_domain ();
  translation = g_dgettext (GETTEXT_PACKAGE, message);
  errno = saved_errno;
  return translation;
}

gchar **
vmroot_translation_get_environment (void)
{
  /* gettext(3) and locale(7) */
  static const gchar *const names[] = { "LANGUAGE", "LOCPATH" };
  gchar **environment = g_environ_setenv (NULL, "LC_ALL", setlocale (LC_MESSAGES, NULL), TRUE);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_getenv (names[i]) != NULL)
      environment = g_environ_setenv (environment, names[i], g_getenv (names[i]), TRUE);
  return environment;
}

const gchar *
vmroot_translation_get_directory (void)
{
  bind_domain ();
  return bindtextdomain (GETTEXT_PACKAGE, NULL);
}

void
vmroot_translation_load (const gchar *directory)
{
  setlocale (LC_MESSAGES, "");
  bind_domain ();
  if (directory != NULL)
    bindtextdomain (GETTEXT_PACKAGE, directory);

  /* The header of the catalogue, which every one has. */
  vmroot_translate ("");
}
