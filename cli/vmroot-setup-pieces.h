/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "vmroot-setup-host.h"

G_BEGIN_DECLS

/* The pieces of vmroot setup. Each looks at what the host has, makes what is missing, and says it.
 */

gboolean setup_configuration (Setup *setup, GError **error);
gboolean setup_export (Setup *setup, GError **error);
gboolean setup_hook (Setup *setup, GError **error);
gboolean setup_nfs (Setup *setup, GError **error);
gboolean setup_firewall (Setup *setup, GError **error);
gboolean setup_nss (Setup *setup, GError **error);

G_END_DECLS
