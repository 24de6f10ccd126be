/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmroot-domain-document-private.h"
#include "vmroot-spec.h"

G_BEGIN_DECLS

/*
 * Our element below <metadata>, as data/vmroot-domain-1.rng has it: the Spec, the UUID of the
 * domain that it was written for, and every change made to the rest of the document.
 *
 * For vmroot-domain*.c alone.
 */

/* One change to the document: of an attribute (`attribute`) or of the content of an element. */
typedef struct
{
  gchar *element;    /* a path below the domain: os/kernel */
  gchar *target;     /* of several: the <filesystem> with this <target dir> */
  gint index;        /* of several: this one, counted from 0; -1: the first */
  gchar *attribute;  /* NULL: the content */
  gchar *wrote;      /* what we wrote: text; NULL where only the element matters */
  gchar *was;        /* what was there: text for attributes, XML for content; NULL: nothing */
  gboolean added;    /* the element itself is ours */
  VmrootSpace space; /* that came with it */
} VmrootChange;

VmrootChange *vmroot_change_new (const gchar *element) G_GNUC_WARN_UNUSED_RESULT;
void vmroot_change_free (VmrootChange *change);

typedef struct
{
  VmrootSpec *spec;
  gchar *uuid;
  GPtrArray *changes; /* of VmrootChange, in the order in which they were made */
  guint vhost_user;   /* other devices that needed shared memory then */
  VmrootSpace space;  /* that came with the element itself */
} VmrootMetadata;

VmrootMetadata *vmroot_metadata_new (VmrootSpec *spec, const gchar *uuid) G_GNUC_WARN_UNUSED_RESULT;
void vmroot_metadata_free (VmrootMetadata *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmrootMetadata, vmroot_metadata_free)

/* Sets `element` to our element, or to NULL if there is none. */
gboolean vmroot_metadata_find (VmrootDocument *document, xmlNode **element, GError **error);
VmrootMetadata *vmroot_metadata_read (xmlNode *element, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Writes `self` as the last element of `parent`. */
void vmroot_metadata_write (VmrootMetadata *self, xmlNode *parent);

G_END_DECLS
