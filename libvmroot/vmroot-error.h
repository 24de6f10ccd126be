/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-types.h"

G_BEGIN_DECLS

#define VMROOT_ERROR (vmroot_error_quark ())

/**
 * VmrootError:
 * @VMROOT_ERROR_FAILED: anything that has no code of its own
 * @VMROOT_ERROR_XML_SYNTAX: not well-formed XML
 * @VMROOT_ERROR_XML_TOO_LARGE: more XML than a domain can be
 * @VMROOT_ERROR_XML_ENTITIES: entities that expand without end
 * @VMROOT_ERROR_XML_EXTERNAL: an entity or DTD outside the document
 * @VMROOT_ERROR_NOT_A_DOMAIN: XML, but not a libvirt domain
 * @VMROOT_ERROR_CONTAINER_DOMAIN: a domain without a kernel of its own
 * @VMROOT_ERROR_HYPERVISOR: a domain of another hypervisor than QEMU
 * @VMROOT_ERROR_METADATA_VERSION: written by a later vmroot
 * @VMROOT_ERROR_METADATA_INVALID: our metadata, but not as the schema has it
 * @VMROOT_ERROR_METADATA_DUPLICATE: more than one of our elements
 * @VMROOT_ERROR_FOREIGN_UUID: the metadata belongs to another domain: this one is a clone
 * @VMROOT_ERROR_NO_SPEC: the domain has no root described by vmroot
 * @VMROOT_ERROR_INVALID_DIRECTORY: not an absolute path that libvirt and virtiofsd can take
 * @VMROOT_ERROR_INVALID_TAG: not a virtiofs tag
 * @VMROOT_ERROR_TAG_IN_USE: the domain has another file system with that tag
 * @VMROOT_ERROR_INVALID_SPEC: another property that cannot be
 * @VMROOT_ERROR_NOT_A_ROOT: the directory holds no operating system
 * @VMROOT_ERROR_UNSAFE_TREE: a file in the tree is not what it must be to be read
 * @VMROOT_ERROR_NO_KERNEL: the tree has no kernel, or not the one asked for
 * @VMROOT_ERROR_NO_INITRAMFS: the tree has no initramfs of its own for that kernel
 * @VMROOT_ERROR_NO_MODULE: the kernel lacks a module that the root needs
 * @VMROOT_ERROR_ARCHITECTURE: the tree is for another processor
 * @VMROOT_ERROR_NOT_ALLOWED: the host's configuration does not allow this directory
 * @VMROOT_ERROR_IN_USE: another guest writes to this tree
 * @VMROOT_ERROR_CONFIGURATION: the host's configuration cannot be read
 * @VMROOT_ERROR_NO_VIRTIOFSD: no virtiofsd on this host
 * @VMROOT_ERROR_CONNECTION: libvirt cannot be reached
 * @VMROOT_ERROR_READ_ONLY: the connection to libvirt is read-only
 * @VMROOT_ERROR_NO_DOMAIN: libvirt knows no such domain
 * @VMROOT_ERROR_LIBVIRT: libvirt refused
 * @VMROOT_ERROR_TRANSIENT_DOMAIN: a domain without a definition that lasts
 * @VMROOT_ERROR_NO_ADDRESS: the guest cannot have an address, or this address, on its network
 *
 * What went wrong.
 *
 * Since: 1.0
 */
typedef enum
{
  VMROOT_ERROR_FAILED,
  VMROOT_ERROR_XML_SYNTAX,
  VMROOT_ERROR_XML_TOO_LARGE,
  VMROOT_ERROR_XML_ENTITIES,
  VMROOT_ERROR_XML_EXTERNAL,
  VMROOT_ERROR_NOT_A_DOMAIN,
  VMROOT_ERROR_CONTAINER_DOMAIN,
  VMROOT_ERROR_HYPERVISOR,
  VMROOT_ERROR_METADATA_VERSION,
  VMROOT_ERROR_METADATA_INVALID,
  VMROOT_ERROR_METADATA_DUPLICATE,
  VMROOT_ERROR_FOREIGN_UUID,
  VMROOT_ERROR_NO_SPEC,
  VMROOT_ERROR_INVALID_DIRECTORY,
  VMROOT_ERROR_INVALID_TAG,
  VMROOT_ERROR_TAG_IN_USE,
  VMROOT_ERROR_INVALID_SPEC,
  VMROOT_ERROR_NOT_A_ROOT,
  VMROOT_ERROR_UNSAFE_TREE,
  VMROOT_ERROR_NO_KERNEL,
  VMROOT_ERROR_NO_INITRAMFS,
  VMROOT_ERROR_NO_MODULE,
  VMROOT_ERROR_ARCHITECTURE,
  VMROOT_ERROR_NOT_ALLOWED,
  VMROOT_ERROR_IN_USE,
  VMROOT_ERROR_CONFIGURATION,
  VMROOT_ERROR_NO_VIRTIOFSD,
  VMROOT_ERROR_CONNECTION,
  VMROOT_ERROR_READ_ONLY,
  VMROOT_ERROR_NO_DOMAIN,
  VMROOT_ERROR_LIBVIRT,
  VMROOT_ERROR_TRANSIENT_DOMAIN,
  VMROOT_ERROR_NO_ADDRESS,
} VmrootError;

VMROOT_AVAILABLE_IN_1_0
GQuark vmroot_error_quark (void);

G_END_DECLS
