/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-finding.h"

G_BEGIN_DECLS

/* Adds one to `findings`. `fix`: NULL, or what the user can do. */
void vmroot_findings_add (GPtrArray *findings,
                          const gchar *id,
                          VmrootSeverity severity,
                          const gchar *title,
                          const gchar *detail,
                          const gchar *fix);

/* The same for one that `vmroot check --fix` puts right (cli/vmroot-findings.c). */
void vmroot_findings_add_fixable (GPtrArray *findings,
                                  const gchar *id,
                                  VmrootSeverity severity,
                                  const gchar *title,
                                  const gchar *detail,
                                  const gchar *fix);

G_END_DECLS
