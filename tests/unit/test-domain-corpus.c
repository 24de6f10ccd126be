/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The documents with which libvirt and virt-manager test themselves: tools/fetch-domain-corpus. */

#include "config.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <libxml/relaxng.h>
#include <string.h>

#include "canonical-xml.h"
#include "vmroot.h"

#define LIBVIRT_SCHEMA "/usr/share/libvirt/schemas/domain.rng"
#ifdef __SANITIZE_ADDRESS__
/* With whole stacks of every allocation, all of them would take half an hour. */
#define STEP 50
#else
#define STEP 1
#endif
/* Fewer than there are: a corpus that has shrunk to this is broken. */
#define MIN_DOCUMENTS (1000 / STEP)

static const gchar *corpus;

typedef struct
{
  gchar *path;
  gchar *xml;
  gsize size;
} Document;

static void
document_free (gpointer data)
{
  Document *document = data;

  g_free (document->path);
  g_free (document->xml);
  g_free (document);
}

static void
collect_documents (const gchar *directory, GPtrArray *documents)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  const gchar *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree gchar *path = g_build_filename (directory, name, NULL);
      Document *document;

      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        collect_documents (path, documents);
      if (!g_str_has_suffix (name, ".xml"))
        continue;

      document = g_new0 (Document, 1);
      g_file_get_contents (path, &document->xml, &document->size, NULL);
      document->path = g_steal_pointer (&path);
      g_ptr_array_add (documents, document);
    }
}

/* Every file of the corpus; NULL, with the test skipped, if there is none. */
static GPtrArray *
read_corpus (void)
{
  g_autoptr (GPtrArray) documents = g_ptr_array_new_with_free_func (document_free);

  if (corpus == NULL)
    {
      g_test_skip (
          "no documents: set VMROOT_DOMAIN_CORPUS to what tools/fetch-domain-corpus prints");
      return NULL;
    }

  collect_documents (corpus, documents);
  for (guint i = 0; i < documents->len; i++)
    g_ptr_array_remove_range (documents, i, MIN (STEP, documents->len - i) - 1);
  g_assert_cmpuint (documents->len, >=, MIN_DOCUMENTS);
  return g_steal_pointer (&documents);
}

static VmrootDomain *
new_domain (const gchar *xml, gsize size, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (xml, size);

  return vmroot_domain_new_from_bytes (bytes, error);
}

/* The document with a root; NULL if it cannot have one. */
static gchar *
apply (const gchar *xml, gsize size, GError **error)
{
  g_autoptr (VmrootDomain) domain = new_domain (xml, size, error);
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/guest");
  g_autoptr (VmrootShare) share = vmroot_share_new ("/srv/packages", "/var/cache", TRUE);

  vmroot_spec_set_kernel_args (spec, "console=ttyS0 quiet");
  vmroot_spec_add_share (spec, share);
  if (domain == NULL || !vmroot_domain_set_spec (domain, spec, error))
    return NULL;
  return vmroot_domain_to_xml (domain);
}

static gchar *
take_out (const gchar *xml, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootDomain) domain = new_domain (xml, size, &error);

  g_assert_no_error (error);
  vmroot_domain_set_spec (domain, NULL, &error);
  g_assert_no_error (error);
  return vmroot_domain_to_xml (domain);
}

/* What a real document may be refused for. */
static gboolean
is_expected (const GError *error)
{
  return g_error_matches (error, VMROOT_ERROR, VMROOT_ERROR_XML_SYNTAX) ||
         g_error_matches (error, VMROOT_ERROR, VMROOT_ERROR_NOT_A_DOMAIN) ||
         g_error_matches (error, VMROOT_ERROR, VMROOT_ERROR_CONTAINER_DOMAIN) ||
         g_error_matches (error, VMROOT_ERROR, VMROOT_ERROR_HYPERVISOR);
}

static void
test_every_document_is_restored (void)
{
  g_autoptr (GPtrArray) documents = read_corpus ();
  guint n = 0;

  for (guint i = 0; documents != NULL && i < documents->len; i++)
    {
      Document *document = g_ptr_array_index (documents, i);
      g_autoptr (GError) error = NULL;
      g_autofree gchar *once = apply (document->xml, document->size, &error);
      g_autofree gchar *twice = NULL;
      g_autofree gchar *without = NULL;
      g_autofree gchar *expected = NULL;
      g_autofree gchar *actual = NULL;

      if (once == NULL && !is_expected (error))
        g_error ("%s: %s", document->path, error->message);
      if (once == NULL)
        continue;

      twice = apply (once, strlen (once), &error);
      g_assert_no_error (error);
      without = take_out (twice, strlen (twice));
      expected = canonical_xml (document->xml, document->size);
      actual = canonical_xml (without, strlen (without));
      if (g_strcmp0 (actual, expected) != 0)
        g_test_message ("%s", document->path);
      g_assert_cmpstr (actual, ==, expected);
      n++;
    }

  g_test_message ("%u documents", n);
  g_assert_true (documents == NULL || n >= MIN_DOCUMENTS);
}

static void
ignore_message (void *user_data, const char *format, ...)
{
}

static gboolean
is_valid (xmlRelaxNG *schema, const gchar *xml, gsize size)
{
  xmlDoc *document = xmlReadMemory (xml, (int)size, NULL, NULL, XML_PARSE_NOERROR);
  xmlRelaxNGValidCtxt *validation = xmlRelaxNGNewValidCtxt (schema);
  int result;

  xmlRelaxNGSetValidErrors (validation, ignore_message, ignore_message, NULL);
  result = xmlRelaxNGValidateDoc (validation, document);
  xmlRelaxNGFreeValidCtxt (validation);
  xmlFreeDoc (document);
  return result == 0;
}

static void
test_what_libvirts_schema_takes_it_still_takes (void)
{
  g_autoptr (GPtrArray) documents = read_corpus ();
  xmlRelaxNGParserCtxt *parser = NULL;
  xmlRelaxNG *schema;
  guint n = 0;

  if (documents == NULL)
    return;
  if (!g_file_test (LIBVIRT_SCHEMA, G_FILE_TEST_EXISTS))
    {
      g_test_skip ("no " LIBVIRT_SCHEMA ": install libvirt0");
      return;
    }

  parser = xmlRelaxNGNewParserCtxt (LIBVIRT_SCHEMA);
  schema = xmlRelaxNGParse (parser);
  xmlRelaxNGFreeParserCtxt (parser);
  g_assert_nonnull (schema);

  for (guint i = 0; i < documents->len; i++)
    {
      Document *document = g_ptr_array_index (documents, i);
      g_autofree gchar *xml = apply (document->xml, document->size, NULL);

      if (xml == NULL || !is_valid (schema, document->xml, document->size))
        continue;
      if (!is_valid (schema, xml, strlen (xml)))
        g_error ("%s is not valid any more:\n%s", document->path, xml);
      n++;
    }

  g_test_message ("%u valid documents", n);
  g_assert_cmpuint (n, >=, MIN_DOCUMENTS);
  xmlRelaxNGFree (schema);
}

/* Through libvirt's own parser and formatter. */

static void
ignore_error (void *user_data, virErrorPtr error)
{
}

/* What libvirt makes of a document; NULL if it does not take it. */
static gchar *
define (virConnectPtr connection, const gchar *xml)
{
  virDomainPtr domain = virDomainDefineXML (connection, xml);
  g_autofree char *defined = NULL;
  gchar *copy;

  if (domain == NULL)
    return NULL;
  defined = virDomainGetXMLDesc (domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
  copy = g_strdup (defined);
  virDomainUndefine (domain);
  virDomainFree (domain);
  return copy;
}

static gchar *
canonical_without_blanks (const gchar *xml)
{
  xmlDoc *document = xmlReadMemory (xml, (int)strlen (xml), NULL, NULL, XML_PARSE_NOBLANKS);
  xmlChar *canonical = NULL;
  gchar *copy;

  xmlC14NDocDumpMemory (document, NULL, XML_C14N_1_0, NULL, TRUE, &canonical);
  copy = g_strdup ((const gchar *)canonical);
  xmlFree (canonical);
  xmlFreeDoc (document);
  return copy;
}

/* As a domain of libvirt's mock driver, which has one architecture and no machines; NULL if it is
 * not XML. */
static gchar *
for_test_driver (const Document *document)
{
  xmlDoc *doc = xmlReadMemory (document->xml, (int)document->size, NULL, NULL, XML_PARSE_NOERROR);
  xmlNode *root = doc != NULL ? xmlDocGetRootElement (doc) : NULL;
  xmlChar *xml = NULL;
  gchar *copy;
  int size;

  if (root == NULL)
    return NULL;

  xmlSetProp (root, BAD_CAST "type", BAD_CAST "test");
  for (xmlNode *os = root->children; os != NULL; os = os->next)
    for (xmlNode *type = os->children; type != NULL && xmlStrEqual (os->name, BAD_CAST "os");
         type = type->next)
      if (xmlStrEqual (type->name, BAD_CAST "type"))
        {
          xmlUnsetProp (type, BAD_CAST "arch");
          xmlUnsetProp (type, BAD_CAST "machine");
        }

  xmlDocDumpMemory (doc, &xml, &size);
  xmlFreeDoc (doc);
  copy = g_strdup ((const gchar *)xml);
  xmlFree (xml);
  return copy;
}

static gboolean
is_restored_by_libvirt (virConnectPtr connection, const Document *document)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *source = for_test_driver (document);
  /* Twice: not everything is as libvirt wants it after it went through once. */
  g_autofree gchar *plain = source != NULL ? define (connection, source) : NULL;
  g_autofree gchar *again = plain != NULL ? define (connection, plain) : NULL;
  g_autofree gchar *applied = plain != NULL ? apply (plain, strlen (plain), &error) : NULL;
  g_autofree gchar *defined = NULL;
  g_autofree gchar *without = NULL;
  g_autofree gchar *expected = NULL;
  g_autofree gchar *actual = NULL;

  if (applied == NULL || again == NULL)
    return FALSE;

  defined = define (connection, applied);
  if (defined == NULL)
    g_error ("%s: libvirt does not take it any more: %s\n%s", document->path,
             virGetLastErrorMessage (), applied);
  without = take_out (defined, strlen (defined));
  expected = canonical_without_blanks (again);
  actual = canonical_without_blanks (without);
  if (g_strcmp0 (actual, expected) != 0)
    g_test_message ("%s\n%s", document->path, defined);
  g_assert_cmpstr (actual, ==, expected);
  return TRUE;
}

static void
test_every_document_is_restored_from_what_libvirt_makes_of_it (void)
{
  g_autoptr (GPtrArray) documents = read_corpus ();
  virConnectPtr connection;
  guint n = 0;

  if (documents == NULL)
    return;

  virSetErrorFunc (NULL, ignore_error);
  connection = virConnectOpen ("test:///default");
  g_assert_nonnull (connection);
  for (guint i = 0; i < documents->len; i++)
    n += is_restored_by_libvirt (connection, g_ptr_array_index (documents, i)) ? 1 : 0;
  virConnectClose (connection);

  g_test_message ("%u documents", n);
  g_assert_cmpuint (n, >=, MIN_DOCUMENTS);
}

int
main (int argc, char **argv)
{
  corpus = g_getenv ("VMROOT_DOMAIN_CORPUS");
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/domain-corpus/restored", test_every_document_is_restored);
  g_test_add_func ("/domain-corpus/schema", test_what_libvirts_schema_takes_it_still_takes);
  g_test_add_func ("/domain-corpus/libvirt",
                   test_every_document_is_restored_from_what_libvirt_makes_of_it);

  return g_test_run ();
}
