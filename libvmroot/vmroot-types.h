/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "vmroot-version-macros.h"

G_BEGIN_DECLS

/**
 * VmrootTransport:
 * @VMROOT_TRANSPORT_VIRTIOFS: a virtiofs device, served by virtiofsd
 * @VMROOT_TRANSPORT_NFS: NFSv4.2, served by the kernel's NFS server
 *
 * How a guest reaches its root.
 *
 * Since: 1.0
 */
typedef enum
{
  VMROOT_TRANSPORT_VIRTIOFS,
  VMROOT_TRANSPORT_NFS,
} VmrootTransport;

/**
 * VmrootBootSource:
 * @VMROOT_BOOT_SOURCE_VMROOT: the kernel of the tree and an initramfs that vmroot makes
 * @VMROOT_BOOT_SOURCE_GUEST: the kernel and the initramfs that the tree itself holds
 *
 * Where the initramfs that a guest boots comes from.
 *
 * Since: 1.0
 */
typedef enum
{
  VMROOT_BOOT_SOURCE_VMROOT,
  VMROOT_BOOT_SOURCE_GUEST,
} VmrootBootSource;

/**
 * VmrootCache:
 * @VMROOT_CACHE_AUTO: changes that the host makes in the tree are seen after about a second
 * @VMROOT_CACHE_ALWAYS: the tree is the guest's alone; fastest
 *
 * How much the guest may cache of its root.
 *
 * Since: 1.0
 */
typedef enum
{
  VMROOT_CACHE_AUTO,
  VMROOT_CACHE_ALWAYS,
} VmrootCache;

/**
 * VmrootXattrs:
 * @VMROOT_XATTRS_NATIVE: the guest's extended attributes are those of the files on the host
 * @VMROOT_XATTRS_SELINUX: as native, but the guest's SELinux labels are kept in
 *   `trusted.virtiofs.security.selinux`, apart from the host's
 * @VMROOT_XATTRS_USER: every attribute of the guest is kept below `user.virtiofs.`; for hosts
 *   whose file system has no other attributes. Attributes of the host are hidden
 *
 * Where the extended attributes that a virtiofs guest sets end up on the host.
 *
 * Since: 1.0
 */
typedef enum
{
  VMROOT_XATTRS_NATIVE,
  VMROOT_XATTRS_SELINUX,
  VMROOT_XATTRS_USER,
} VmrootXattrs;

/**
 * VmrootOnFailure:
 * @VMROOT_ON_FAILURE_POWER_OFF: the guest powers off
 * @VMROOT_ON_FAILURE_SHELL: a shell on the console, if the tree can be reached and has one
 *
 * What the guest does when its root cannot be mounted.
 *
 * Since: 1.0
 */
typedef enum
{
  VMROOT_ON_FAILURE_POWER_OFF,
  VMROOT_ON_FAILURE_SHELL,
} VmrootOnFailure;

/**
 * VmrootSeverity:
 * @VMROOT_SEVERITY_INFO: good to know
 * @VMROOT_SEVERITY_WARNING: something in the guest will not work
 * @VMROOT_SEVERITY_ERROR: the guest will not start
 *
 * How bad a [class@Vmroot.Finding] is.
 *
 * Since: 1.0
 */
typedef enum
{
  VMROOT_SEVERITY_INFO,
  VMROOT_SEVERITY_WARNING,
  VMROOT_SEVERITY_ERROR,
} VmrootSeverity;

G_END_DECLS
