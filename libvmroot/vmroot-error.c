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
G_DEFINE_QUARK (vmroot - error - quark, vmroot_error)
