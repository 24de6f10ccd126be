/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "vmroot-error.h"

/**
 * vmroot_error_quark:
 *
 * Returns: the domain of [error@Vmroot.Error]
 *
 * Since: 1.0
 */
GQuark
vmroot_error_quark (void)
{
  return g_quark_from_static_string ("vmroot-error-quark");
}
