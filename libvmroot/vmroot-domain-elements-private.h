/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-domain-metadata-private.h"

G_BEGIN_DECLS

/*
 * The libvirt elements that a Spec implies.
 *
 * For vmroot-domain.c alone.
 */

/* Makes the changes that `metadata->spec` implies, and writes `metadata` with a record of each. On
 * an error `document` may be changed in part. */
gboolean vmroot_elements_apply (VmrootDocument *document, VmrootMetadata *metadata, GError **error);
/* Takes them back, but for what somebody else changed since. */
gboolean vmroot_elements_undo (VmrootDocument *document, VmrootMetadata *metadata, GError **error);

G_END_DECLS
