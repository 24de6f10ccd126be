/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* `message` in the language of the process, or as it is where there is no translation. errno stays
 * as it was. */
const gchar *vmroot_translate (const gchar *message) G_GNUC_FORMAT (1);

/* A literal that is translated where it stands, and one that is translated where it is used. */
#define _(message) vmroot_translate (message)
#define N_(message) message

/* What a child process takes to speak the language of this one: its environment, and the argument
 * for vmroot_translation_load(). */
gchar **vmroot_translation_get_environment (void) G_GNUC_WARN_UNUSED_RESULT;
const gchar *vmroot_translation_get_directory (void);

/* For that child: takes its language from the environment, and reads all of its messages now, as a
 * process that confines itself cannot later. `directory`: NULL is that of the installation. */
void vmroot_translation_load (const gchar *directory);

G_END_DECLS
