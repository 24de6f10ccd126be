/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-spec.h"

G_BEGIN_DECLS

/* The virtiofs tag of the share at `index` of vmroot_spec_list_shares(): vmroot-share-1, … */
gchar *vmroot_share_tag (guint index) G_GNUC_WARN_UNUSED_RESULT;

/* Another with the same properties, shares, tmpfs mounts and run files. */
VmrootSpec *vmroot_spec_copy (VmrootSpec *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
