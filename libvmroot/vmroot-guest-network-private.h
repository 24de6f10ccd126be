/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-spec.h"

G_BEGIN_DECLS

/* Adds the run files that keep what manages the network in the guest from taking down the interface
 * that carries the root. Files of the same path that `spec` has already stay. Only for NFS. */
void vmroot_guest_network_add_run_files (VmrootSpec *spec);

/* For vmroot-init, which puts the name of the interface in place of @interface@. */
typedef struct
{
  const gchar *path;
  const gchar *content;
} VmrootInterfaceFile;

/* The same for what knows interfaces by their names alone. Ends with a path of %NULL. */
const VmrootInterfaceFile *vmroot_guest_network_list_interface_files (VmrootSpec *spec);

G_END_DECLS
