/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "vmroot.h"

G_BEGIN_DECLS

/* The options that describe a root. */
typedef struct
{
  gchar *directory;
  gchar *tag;
  gchar *transport;
  gchar *network;
  gchar *address;
  gchar *mac_address;
  gchar *server;
  gchar *gateway;
  gchar *kernel;
  gchar *kernel_args;
  gchar *boot_image;
  gchar *cache;
  gchar *xattrs;
  gchar *on_failure;
  gboolean read_only;
  gboolean ephemeral;
  gchar **shares;
  gchar **tmpfs;
  gchar **run_files;
} SpecOptions;

void spec_options_clear (SpecOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SpecOptions, spec_options_clear)

void spec_options_add (SpecOptions *options, GOptionContext *context);

/* What they describe, for the root `directory`. Words that mean nothing are the user's error; the
 * library says the rest. */
VmrootSpec *spec_options_get_spec (const SpecOptions *options,
                                   const gchar *directory,
                                   GCancellable *cancellable,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
