/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "vmroot-version.h"

/* The availability macros carry the export attribute: what has none is hidden. */
#ifdef VMROOT_COMPILATION
#define _VMROOT_EXTERN __attribute__ ((visibility ("default"))) extern
#else
#define _VMROOT_EXTERN extern
#endif

/**
 * VMROOT_VERSION_1_0:
 *
 * The 1.0 API, to define `VMROOT_VERSION_MAX_ALLOWED` as.
 *
 * Since: 1.0
 */
#define VMROOT_VERSION_1_0 (G_ENCODE_VERSION (1, 0))

#ifndef VMROOT_VERSION_MAX_ALLOWED
#define VMROOT_VERSION_MAX_ALLOWED VMROOT_VERSION_1_0
#endif

#define VMROOT_AVAILABLE_IN_1_0 _VMROOT_EXTERN
