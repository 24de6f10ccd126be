/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "vmroot-setup-host.h"

G_BEGIN_DECLS

/* systemd's units, as far as setup has to do with them. */

/* Whether systemd runs this host. */
gboolean setup_has_systemd (Setup *setup);

gboolean setup_unit_is_active (Setup *setup, const gchar *unit);

/* systemctl VERB UNIT, said as a change; in a dry run only said. */
gboolean setup_tell_unit (
    Setup *setup, const gchar *verb, const gchar *done, const gchar *unit, GError **error);

/* Has systemd read the files of the unit again if they are others now. */
gboolean setup_refresh_unit (Setup *setup, const gchar *unit, GError **error);

/* Have the unit started at boot, or now. Undone unless somebody had done it before. */
gboolean setup_enable_unit (Setup *setup, const gchar *unit, GError **error);
gboolean setup_start_unit (Setup *setup, const gchar *unit, GError **error);

gboolean setup_undo_enabled_unit (Setup *setup, guint i, GError **error);
gboolean setup_undo_started_unit (Setup *setup, guint i, GError **error);
gboolean setup_undo_restarted_unit (Setup *setup, guint i, GError **error);

G_END_DECLS
