/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-domain.h"

G_BEGIN_DECLS

/* Below it, <uuid>/kernel and <uuid>/initramfs are what a domain boots. */
#define VMROOT_BOOT_DIRECTORY "/var/lib/vmroot/boot"

/* The number of a running guest (<domain id=…>), or -1. */
gint vmroot_domain_get_id (VmrootDomain *self);

G_END_DECLS
