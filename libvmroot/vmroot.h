/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-boot-image.h"
#include "vmroot-connection.h"
#include "vmroot-domain.h"
#include "vmroot-enum-types.h"
#include "vmroot-error.h"
#include "vmroot-finding.h"
#include "vmroot-guest-root.h"
#include "vmroot-host.h"
#include "vmroot-kernel.h"
#include "vmroot-share.h"
#include "vmroot-spec.h"
#include "vmroot-tmpfs.h"
#include "vmroot-tree.h"
#include "vmroot-types.h"
#include "vmroot-version-macros.h"
