/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-spec.h"
#include "vmroot-tree.h"

G_BEGIN_DECLS

/*
 * vmroot-boot-image-builder: the child process that reads what is in a tree, so that a file made to
 * break its reader breaks a process that can do nothing.
 *
 * It gets a request on standard input and answers on standard output, both a serialised GVariant of
 * type a{sv}. The request is the parent's and is believed; the answer is not. Its argument is the
 * directory of the translations: what it says is in the language of the parent.
 *
 * A request:
 *   "operation"     s    "build", "check" or "recognise"
 *   "path"          s    of the tree, for messages
 *   "kernel"        s    the kernel wished for; absent: the newest
 *   "transport"     u    VmrootTransport
 *   "boot-source"   u    VmrootBootSource
 *   "ephemeral"     b
 *   "xattrs"        u    VmrootXattrs
 *   "directory", "server", "address", "mac-address", "kernel-args" s, "read-only" b, "tmpfs" as
 *                        of the spec, for "check"
 *   "configuration" s    vmroot-init's, but for the modules
 *   "run-files"     aay  contents, in the order of the configuration
 *
 * An answer:
 *   "error-code" u, "error-message" s   of VMROOT_ERROR; or
 *   "kernel-version" s, "inputs" VMROOT_TREE_INPUTS_TYPE, "settled" b     of "build"
 *   "findings" a(susmsmsb)   id, severity, title, detail, fix, can-fix     of "check"
 *   "generator" s           absent if unknown                             of "recognise"
 *
 * "settled" says that no input was written so shortly before that another change could leave its
 * time stamps as they are.
 */
enum
{
  VMROOT_BUILDER_TREE_FD = 3,
  VMROOT_BUILDER_KERNEL_FD,
  VMROOT_BUILDER_INITRAMFS_FD,
  VMROOT_BUILDER_INIT_FD,
  VMROOT_BUILDER_N_FDS,
};

/* A sanitizer maps terabytes and makes system calls of its own: a build for tests only. */
#if defined(__SANITIZE_ADDRESS__)
#define VMROOT_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define VMROOT_SANITIZED 1
#endif
#endif
#ifndef VMROOT_SANITIZED
#define VMROOT_SANITIZED 0
#endif

#define VMROOT_BUILDER_PROGRAM "vmroot-boot-image-builder"
#define VMROOT_BUILDER_FINDINGS_TYPE "a(susmsmsb)"

/* What a request says of the spec: all that the boot image depends on. */
GVariant *vmroot_builder_request_new (const gchar *operation, VmrootTree *tree, VmrootSpec *spec)
    G_GNUC_WARN_UNUSED_RESULT;

/* The spec that a request was made from, as far as it says. */
VmrootSpec *vmroot_builder_request_get_spec (GVariant *request) G_GNUC_WARN_UNUSED_RESULT;

/* Runs the builder on a tree. `fds` are indexed by VMROOT_BUILDER_…_FD, from that after the tree's
 * on; NULL: none. They stay the caller's. An answer that is an error becomes one. */
GVariant *vmroot_builder_run (VmrootTree *tree,
                              GVariant *request,
                              const int *fds,
                              GCancellable *cancellable,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Text of an answer, for a terminal or a log: one printable line, not too long. NULL stays NULL. */
gchar *vmroot_builder_clean_text (const gchar *text) G_GNUC_WARN_UNUSED_RESULT;

/* Gives up everything but reading beneath `tree_fd` and writing to what is open already. The
 * descriptor that it leaves in `tree_fd` is the one to use from then on. For the builder. */
gboolean vmroot_builder_confine (int *tree_fd, GError **error);

G_END_DECLS
