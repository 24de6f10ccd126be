/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include <libxml/c14n.h>
#include <libxml/parser.h>

/* The canonical form of a document (C14N 1.0, with comments): what tells two documents apart. */
static inline gchar *
canonical_xml (const gchar *xml, gsize size)
{
  xmlDoc *document = xmlReadMemory (xml, (int)size, NULL, NULL,
                                    XML_PARSE_NOENT | XML_PARSE_NONET | XML_PARSE_NOERROR);
  xmlChar *canonical = NULL;
  gchar *copy;

  if (document == NULL)
    return NULL;

  xmlC14NDocDumpMemory (document, NULL, XML_C14N_1_0, NULL, TRUE, &canonical);
  copy = g_strdup ((const gchar *)canonical);
  xmlFree (canonical);
  xmlFreeDoc (document);
  return copy;
}

static inline void
assert_same_canonical_xml (const gchar *actual, const gchar *expected)
{
  g_autofree gchar *a = canonical_xml (actual, strlen (actual));
  g_autofree gchar *b = canonical_xml (expected, strlen (expected));

  g_assert_nonnull (a);
  g_assert_cmpstr (a, ==, b);
}
