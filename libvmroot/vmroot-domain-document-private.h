/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <libxml/tree.h>

G_BEGIN_DECLS

/*
 * Domain documents as trees that change without a trace: what is inserted brings its own white
 * space, and takes it along when it is removed.
 *
 * For vmroot-domain*.c and vmroot-network.c alone.
 */

typedef xmlDoc VmrootDocument;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmrootDocument, xmlFreeDoc)

/* The white space that came with an inserted element. Where the element was the only content of
 * its parent, `after` is what then stands before the parent's end. */
typedef struct
{
  gchar *before;
  gchar *after;
} VmrootSpace;

void vmroot_space_clear (VmrootSpace *space);

/* `encoding`: what `data` is in, whatever it says itself; NULL: what it says. */
VmrootDocument *
vmroot_document_parse (const gchar *data, gsize size, const gchar *encoding, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
/* UTF-8. */
gchar *vmroot_document_to_string (VmrootDocument *self) G_GNUC_WARN_UNUSED_RESULT;
xmlNode *vmroot_document_root (VmrootDocument *self);

/* Elements here are those without a namespace: libvirt's. */
gboolean vmroot_node_is (xmlNode *node, const gchar *name);
/* The `index`th child of that name, or NULL. */
xmlNode *vmroot_node_child (xmlNode *parent, const gchar *name, guint index);
/* The element at a path of names below `node`, the first of each, or NULL. */
xmlNode *vmroot_node_find (xmlNode *node, const gchar *path);
gboolean vmroot_node_is_blank (xmlNode *node);

/* The text in an element, entities expanded; NULL where there is no element. */
gchar *vmroot_node_get_text (xmlNode *node) G_GNUC_WARN_UNUSED_RESULT;
void vmroot_node_set_text (xmlNode *node, const gchar *text);
gchar *vmroot_node_get_attribute (xmlNode *node, const gchar *name) G_GNUC_WARN_UNUSED_RESULT;
gboolean vmroot_node_attribute_is (xmlNode *node, const gchar *name, const gchar *value);
/* `value`: NULL to take the attribute away. */
void vmroot_node_set_attribute (xmlNode *node, const gchar *name, const gchar *value);

/* What is in an element, as XML, entities expanded; and back. */
gchar *vmroot_node_get_inner (xmlNode *node) G_GNUC_WARN_UNUSED_RESULT;
gboolean vmroot_node_set_inner (xmlNode *node, const gchar *inner, GError **error);

/* A new element on a line of its own if those around it are: after `sibling`, or last (NULL).
 * `space` may be NULL. */
xmlNode *
vmroot_node_insert (xmlNode *parent, xmlNode *sibling, const gchar *name, VmrootSpace *space);
void vmroot_node_remove (xmlNode *node, const VmrootSpace *space);

G_END_DECLS
