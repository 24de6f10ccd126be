/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The process shares libxml2 with virt-manager and libvirt: nothing global of it is set here. */

#include "config.h"

#include <string.h>

#include <libxml/parser.h>
#include <libxml/xmlsave.h>

#include "vmroot-domain-document-private.h"
#include "vmroot-error.h"
#include "vmroot-translation-private.h"

/* What libvirt itself takes: REMOTE_STRING_MAX of remote_protocol.x. */
#define MAX_DOCUMENT (4 * 1024 * 1024)

G_DEFINE_AUTOPTR_CLEANUP_FUNC (xmlParserCtxt, xmlFreeParserCtxt)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (xmlBuffer, xmlBufferFree)

void
vmroot_space_clear (VmrootSpace *space)
{
  g_clear_pointer (&space->before, g_free);
  g_clear_pointer (&space->after, g_free);
}

/* Parsing */

static VmrootError
error_code (const xmlError *error)
{
  switch (error->code)
    {
    case XML_ERR_ENTITY_LOOP:
      return VMROOT_ERROR_XML_ENTITIES;
    case XML_ERR_ENTITY_IS_EXTERNAL:
      return VMROOT_ERROR_XML_EXTERNAL;
    case XML_ERR_INTERNAL_ERROR: /* elements nested too deeply */
    case XML_ERR_NAME_TOO_LONG:
    case XML_ERR_NO_MEMORY:
      return VMROOT_ERROR_XML_TOO_LARGE;
    default:
      break;
    }

  /* XML_ERR_RESOURCE_LIMIT, of libxml2 2.11 and later. */
  if (error->code == 118)
    return strstr (error->message, "ntity") != NULL ? VMROOT_ERROR_XML_ENTITIES
                                                    : VMROOT_ERROR_XML_TOO_LARGE;
  return VMROOT_ERROR_XML_SYNTAX;
}

/* Keeps the first error: those that follow are its consequences. */
static void
#if LIBXML_VERSION >= 21200
keep_first_error (gpointer user_data, const xmlError *xml_error)
#else
keep_first_error (gpointer user_data, xmlError *xml_error)
#endif
{
  xmlParserCtxt *parser = user_data;
  GError **error = parser->_private;
  g_autofree gchar *message = NULL;

  if (*error != NULL || xml_error->level < XML_ERR_ERROR)
    return;

  message = g_utf8_make_valid (xml_error->message != NULL ? xml_error->message : "?", -1);
  *error =
      g_error_new (VMROOT_ERROR, (int)error_code (xml_error),
                   _ ("The XML is broken at line %d: %s"), xml_error->line, g_strstrip (message));
}

static xmlDoc *
run_parser (const gchar *data, gsize size, const gchar *encoding, GError **error)
{
  g_autoptr (xmlParserCtxt) parser = xmlNewParserCtxt ();
  g_autoptr (VmrootDocument) document = NULL;
  g_autoptr (GError) first = NULL;
  gboolean well_formed;

  parser->_private = &first;
  parser->sax->serror = keep_first_error;
  /* Another user of libxml2 in this thread may have called xmlKeepBlanksDefault(), as libvirt does;
   * this is what it changes. */
  parser->keepBlanks = 1;
  parser->sax->ignorableWhitespace = parser->sax->characters;

  document = xmlCtxtReadMemory (parser, data, (int)size, NULL, encoding, XML_PARSE_NONET);
  well_formed = document != NULL && parser->wellFormed;

  if (!well_formed && first == NULL)
    g_set_error_literal (&first, VMROOT_ERROR, VMROOT_ERROR_XML_SYNTAX,
                         _ ("The XML is broken: there is no element in it"));
  if (!well_formed)
    {
      g_propagate_error (error, g_steal_pointer (&first));
      return NULL;
    }

  return g_steal_pointer (&document);
}

/* Entities */

typedef struct
{
  GHashTable *sizes; /* xmlEntity to its length when expanded */
  guint64 total;
  gboolean external;
} EntityCensus;

static guint64 expanded_size (xmlNode *nodes, EntityCensus *census);

static guint64
entity_size (xmlEntity *entity, EntityCensus *census)
{
  guint64 *known;
  guint64 size;

  if (entity == NULL)
    return 0;
  known = g_hash_table_lookup (census->sizes, entity);
  if (known != NULL)
    return *known;

  /* A loop would have been an error of the parser's: this only ends the recursion if not. */
  g_hash_table_insert (census->sizes, entity, g_new0 (guint64, 1));
  size = MAX (expanded_size (entity->children, census), (guint64)MAX (entity->length, 0));
  g_hash_table_insert (census->sizes, entity, g_memdup2 (&size, sizeof size));
  return size;
}

/* How much the entities in a list of nodes and below it expand to. */
static guint64
expanded_size (xmlNode *nodes, EntityCensus *census)
{
  guint64 size = 0;

  for (xmlNode *node = nodes; node != NULL && size <= MAX_DOCUMENT; node = node->next)
    {
      if (node->type == XML_ENTITY_REF_NODE)
        size += entity_size (xmlGetDocEntity (node->doc, node->name), census);
      else if (node->type == XML_ELEMENT_NODE)
        {
          for (xmlAttr *attr = node->properties; attr != NULL; attr = attr->next)
            size += expanded_size (attr->children, census);
          size += expanded_size (node->children, census);
        }
    }

  return size;
}

static void
note_external (gpointer payload, gpointer census, const xmlChar *name)
{
  const xmlEntity *entity = payload;

  if (entity->etype != XML_INTERNAL_GENERAL_ENTITY &&
      entity->etype != XML_INTERNAL_PARAMETER_ENTITY)
    ((EntityCensus *)census)->external = TRUE;
}

static gboolean
check_entities (xmlDoc *document, GError **error)
{
  g_autoptr (GHashTable) sizes = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  EntityCensus census = { sizes, 0, FALSE };
  const xmlDtd *dtd = document->intSubset;

  if (dtd == NULL)
    return TRUE;

  census.external = dtd->SystemID != NULL || dtd->ExternalID != NULL;
  if (dtd->entities != NULL)
    xmlHashScan (dtd->entities, note_external, &census);
  if (dtd->pentities != NULL)
    xmlHashScan (dtd->pentities, note_external, &census);
  if (census.external)
    {
      g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_XML_EXTERNAL,
                           _ ("The XML refers to a DTD or an entity outside itself, which is not "
                              "read: put what it stands for into the document"));
      return FALSE;
    }

  if (expanded_size (document->children, &census) > MAX_DOCUMENT)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_XML_ENTITIES,
                   _ ("The entities of the XML expand to more than the %d MiB that libvirt takes"),
                   MAX_DOCUMENT / 1024 / 1024);
      return FALSE;
    }

  return TRUE;
}

VmrootDocument *
vmroot_document_parse (const gchar *data, gsize size, const gchar *encoding, GError **error)
{
  g_autoptr (VmrootDocument) document = NULL;

  if (size > MAX_DOCUMENT)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_XML_TOO_LARGE,
                   _ ("The XML has %zu bytes, where libvirt takes %d MiB for a domain"), size,
                   MAX_DOCUMENT / 1024 / 1024);
      return NULL;
    }

  document = run_parser (data, size, encoding, error);
  if (document == NULL || !check_entities (document, error))
    return NULL;

  return g_steal_pointer (&document);
}

static int
append_output (void *string, const char *data, int length)
{
  g_string_append_len (string, data, length);
  return length;
}

gchar *
vmroot_document_to_string (VmrootDocument *self)
{
  g_autoptr (GString) string = g_string_new (NULL);
  /* -1: there was no XML declaration (struct _xmlDoc of libxml/tree.h). */
  const int declaration = self->standalone == -1 ? XML_SAVE_NO_DECL : 0;
  /* Not an xmlBuffer, which is copied each time that it grows, by a few bytes. */
  xmlSaveCtxt *save =
      xmlSaveToIO (append_output, NULL, string, "UTF-8", XML_SAVE_AS_XML | declaration);

  xmlSaveDoc (save, self);
  xmlSaveClose (save);
  return g_string_free (g_steal_pointer (&string), FALSE);
}

xmlNode *
vmroot_document_root (VmrootDocument *self)
{
  return xmlDocGetRootElement (self);
}

/* Reading */

gboolean
vmroot_node_is (xmlNode *node, const gchar *name)
{
  return node->type == XML_ELEMENT_NODE && node->ns == NULL &&
         g_str_equal ((const gchar *)node->name, name);
}

xmlNode *
vmroot_node_child (xmlNode *parent, const gchar *name, guint index)
{
  for (xmlNode *node = parent->children; node != NULL; node = node->next)
    if (vmroot_node_is (node, name) && index-- == 0)
      return node;
  return NULL;
}

xmlNode *
vmroot_node_find (xmlNode *node, const gchar *path)
{
  g_auto (GStrv) names = g_strsplit (path, "/", -1);

  for (guint i = 0; names[i] != NULL && node != NULL; i++)
    node = vmroot_node_child (node, names[i], 0);
  return node;
}

gboolean
vmroot_node_is_blank (xmlNode *node)
{
  return node != NULL && node->type == XML_TEXT_NODE && xmlIsBlankNode (node);
}

/* A copy that g_free() may free. */
static gchar *
take_string (xmlChar *string)
{
  gchar *copy = g_strdup ((const gchar *)string);

  if (string != NULL)
    xmlFree (string);
  return copy;
}

gchar *
vmroot_node_get_text (xmlNode *node)
{
  return node != NULL ? take_string (xmlNodeGetContent (node)) : NULL;
}

gchar *
vmroot_node_get_attribute (xmlNode *node, const gchar *name)
{
  return take_string (xmlGetNoNsProp (node, BAD_CAST name));
}

gboolean
vmroot_node_attribute_is (xmlNode *node, const gchar *name, const gchar *value)
{
  g_autofree gchar *actual = vmroot_node_get_attribute (node, name);

  return g_strcmp0 (actual, value) == 0;
}

static void
append_inner (GString *inner, xmlNode *nodes)
{
  for (xmlNode *node = nodes; node != NULL; node = node->next)
    {
      g_autoptr (xmlBuffer) buffer = NULL;
      g_autofree gchar *text = NULL;
      xmlEntity *entity;

      switch (node->type)
        {
        case XML_TEXT_NODE:
        case XML_CDATA_SECTION_NODE:
          text = take_string (xmlEncodeSpecialChars (node->doc, node->content));
          g_string_append (inner, text);
          break;
        case XML_ENTITY_REF_NODE:
          entity = xmlGetDocEntity (node->doc, node->name);
          append_inner (inner, entity != NULL ? entity->children : NULL);
          break;
        default:
          buffer = xmlBufferCreate ();
          xmlNodeDump (buffer, node->doc, node, 0, 0);
          g_string_append (inner, (const gchar *)xmlBufferContent (buffer));
        }
    }
}

gchar *
vmroot_node_get_inner (xmlNode *node)
{
  g_autoptr (GString) inner = g_string_new (NULL);

  append_inner (inner, node->children);
  return g_string_free (g_steal_pointer (&inner), FALSE);
}

/* Writing */

static void
remove_children (xmlNode *node)
{
  xmlNode *next;

  for (xmlNode *child = node->children; child != NULL; child = next)
    {
      next = child->next;
      xmlUnlinkNode (child);
      xmlFreeNode (child);
    }
}

void
vmroot_node_set_text (xmlNode *node, const gchar *text)
{
  remove_children (node);
  if (*text != '\0')
    xmlAddChild (node, xmlNewDocText (node->doc, BAD_CAST text));
}

void
vmroot_node_set_attribute (xmlNode *node, const gchar *name, const gchar *value)
{
  if (value != NULL)
    xmlSetProp (node, BAD_CAST name, BAD_CAST value);
  else
    xmlUnsetProp (node, BAD_CAST name);
}

gboolean
vmroot_node_set_inner (xmlNode *node, const gchar *inner, GError **error)
{
  g_autofree gchar *xml = g_strconcat ("<inner>", inner, "</inner>", NULL);
  g_autoptr (VmrootDocument) document = vmroot_document_parse (xml, strlen (xml), "UTF-8", error);

  if (document == NULL)
    return FALSE;

  remove_children (node);
  for (xmlNode *child = vmroot_document_root (document)->children; child; child = child->next)
    xmlAddChild (node, xmlDocCopyNode (child, node->doc, 1));
  return TRUE;
}

/* White space */

/* The end of the line above `node` and the indentation of its own; NULL if it does not begin one.
 */
static gchar *
indentation (xmlNode *node)
{
  const gchar *text;
  const gchar *line;

  if (node->prev == NULL || node->prev->type != XML_TEXT_NODE)
    return NULL;

  text = (const gchar *)node->prev->content;
  line = strrchr (text, '\n');
  if (line == NULL || line[strspn (line, " \t\r\n")] != '\0')
    return NULL;
  return g_strdup (line);
}

/* What to put before a new child of `parent`: as before its siblings, else one step deeper. */
static gchar *
child_indentation (xmlNode *parent)
{
  g_autofree gchar *own = NULL;

  for (xmlNode *child = parent->children; child != NULL; child = child->next)
    if (child->type == XML_ELEMENT_NODE)
      {
        g_autofree gchar *found = indentation (child);

        return g_strdup (found != NULL ? found : "");
      }

  own = indentation (parent);
  return own != NULL ? g_strconcat (own, "  ", NULL) : g_strdup ("");
}

/* Text between elements; libxml2 merges it with text that is there already. */
static void
add_space (xmlNode *node, const gchar *before, const gchar *after)
{
  if (*before != '\0')
    xmlAddPrevSibling (node, xmlNewDocText (node->doc, BAD_CAST before));
  if (*after != '\0')
    xmlAddNextSibling (node, xmlNewDocText (node->doc, BAD_CAST after));
}

xmlNode *
vmroot_node_insert (xmlNode *parent, xmlNode *sibling, const gchar *name, VmrootSpace *space)
{
  g_autofree gchar *before = child_indentation (parent);
  g_autofree gchar *own = indentation (parent);
  const gchar *after = parent->children == NULL && own != NULL ? own : "";
  xmlNode *node = xmlNewDocNode (parent->doc, NULL, BAD_CAST name, NULL);

  /* The white space before the end tag stays there. */
  if (sibling != NULL)
    xmlAddNextSibling (sibling, node);
  else if (vmroot_node_is_blank (parent->last))
    xmlAddPrevSibling (parent->last, node);
  else
    xmlAddChild (parent, node);
  add_space (node, before, after);

  if (space != NULL)
    {
      space->before = g_steal_pointer (&before);
      space->after = g_strdup (after);
    }
  return node;
}

static void
replace_text (xmlNode *text, const gchar *content, gsize length)
{
  g_autofree gchar *rest = g_strndup (content, length);

  if (length > 0)
    {
      xmlNodeSetContent (text, BAD_CAST rest);
      return;
    }
  xmlUnlinkNode (text);
  xmlFreeNode (text);
}

/* Takes `space` from the end of `text`. If it is not there, the document was formatted anew since,
 * and the white space is that of the new format. */
static void
strip_before (xmlNode *text, const gchar *space)
{
  const gchar *content = (const gchar *)text->content;

  if (*space != '\0' && g_str_has_suffix (content, space))
    replace_text (text, content, strlen (content) - strlen (space));
  else if (vmroot_node_is_blank (text))
    replace_text (text, content, 0);
}

/* Takes `space` from the start of `text`, if there is nothing else in the parent any more. */
static void
strip_after (xmlNode *text, const gchar *space)
{
  const gchar *content = (const gchar *)text->content;

  if (*space == '\0' || text->prev != NULL || text->next != NULL)
    return;
  if (g_str_has_prefix (content, space))
    replace_text (text, content + strlen (space), strlen (content) - strlen (space));
  else if (vmroot_node_is_blank (text))
    replace_text (text, content, 0);
}

static gboolean
is_text (xmlNode *node)
{
  return node != NULL && node->type == XML_TEXT_NODE;
}

void
vmroot_node_remove (xmlNode *node, const VmrootSpace *space)
{
  xmlNode *before = is_text (node->prev) ? node->prev : NULL;
  xmlNode *after = is_text (node->next) ? node->next : NULL;

  xmlUnlinkNode (node);
  xmlFreeNode (node);

  if (before != NULL)
    strip_before (before, space->before);
  if (after != NULL)
    strip_after (after, space->after);
}
