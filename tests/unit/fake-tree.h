/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "vmroot.h"

/* Trees as distributions lay them out, in temporary directories. */

typedef gchar FakeTree;

/* An empty tree. Freed together with its directory. */
FakeTree *fake_tree_new (void);
void fake_tree_free (FakeTree *root);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FakeTree, fake_tree_free)

/* Parents are made as needed. `path` starts with "/". */
void fake_tree_write (FakeTree *root, const gchar *path, const gchar *text);
void fake_tree_write_data (FakeTree *root, const gchar *path, gconstpointer data, gsize size);
void fake_tree_link (FakeTree *root, const gchar *path, const gchar *target);
void fake_tree_make_directory (FakeTree *root, const gchar *path);
void fake_tree_make_fifo (FakeTree *root, const gchar *path);

/* An executable ELF header for a machine of <elf.h>. */
void fake_tree_write_program (FakeTree *root, const gchar *path, guint16 machine);

/* An x86 bzImage whose header says `release`; NULL: an arm64 Image, which says nothing. */
void fake_tree_write_kernel (FakeTree *root, const gchar *path, const gchar *release);

/* Debian's: systemd, a merged /usr, one kernel with the modules that virtiofs needs. */
FakeTree *fake_tree_new_debian (void);
#define FAKE_DEBIAN_RELEASE "6.1.0-49-cloud-amd64"
#define FAKE_DEBIAN_MODULES "/usr/lib/modules/" FAKE_DEBIAN_RELEASE

/* Returns once a change of a file made from now on has a later time stamp than any before. */
void fake_tree_settle (void);

VmrootTree *fake_tree_open (FakeTree *root);
