/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <string.h>

#include "vmroot-domain-elements-private.h"
#include "vmroot-domain-interface-private.h"
#include "vmroot-domain-private.h"
#include "vmroot-error.h"
#include "vmroot-translation-private.h"

/**
 * VmrootDomain:
 *
 * One libvirt domain, as its XML document.
 *
 * The document is edited in place: what is not vmroot's stays as it is, comments, white space and
 * elements of other namespaces too. A specification is kept in the `<metadata>` of the domain, in
 * the namespace `urn:vmroot:domain:1`, together with all that it took to make the rest of the
 * document agree with it.
 *
 * Since: 1.0
 */
struct _VmrootDomain
{
  GObject parent_instance;

  VmrootDocument *document;
};

G_DEFINE_FINAL_TYPE (VmrootDomain, vmroot_domain, G_TYPE_OBJECT)

static void
vmroot_domain_finalize (GObject *object)
{
  VmrootDomain *self = VMROOT_DOMAIN (object);

  g_clear_pointer (&self->document, xmlFreeDoc);

  G_OBJECT_CLASS (vmroot_domain_parent_class)->finalize (object);
}

static void
vmroot_domain_class_init (VmrootDomainClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vmroot_domain_finalize;
}

static void
vmroot_domain_init (VmrootDomain *self)
{
}

/* libvirt takes a UUID in either case, with or without dashes, in white space (virUUIDParse()).
 * NULL: it is none. */
static gchar *
normalize_uuid (const gchar *text)
{
  g_autoptr (GString) uuid = g_string_new (NULL);

  for (const gchar *p = text; *p != '\0'; p++)
    {
      if (!g_ascii_isxdigit (*p))
        continue;
      g_string_append_c (uuid, g_ascii_tolower (*p));
      if (uuid->len == 8 || uuid->len == 13 || uuid->len == 18 || uuid->len == 23)
        g_string_append_c (uuid, '-');
    }

  if (text[strspn (text, "0123456789abcdefABCDEF- \t\r\n")] != '\0' ||
      !g_uuid_string_is_valid (uuid->str))
    return NULL;
  return g_string_free (g_steal_pointer (&uuid), FALSE);
}

static gboolean
check_domain (xmlNode *root, GError **error)
{
  xmlNode *uuid;
  g_autofree gchar *text = NULL;
  g_autofree gchar *normalized = NULL;

  if (!vmroot_node_is (root, "domain"))
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NOT_A_DOMAIN,
                   _ ("The XML is a <%s>, not a libvirt <domain>"), (const gchar *)root->name);
      return FALSE;
    }

  uuid = vmroot_node_child (root, "uuid", 0);
  if (uuid == NULL)
    return TRUE;
  text = vmroot_node_get_text (uuid);
  normalized = normalize_uuid (text);
  if (normalized == NULL)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NOT_A_DOMAIN,
                   _ ("The <uuid> of the domain, “%s”, is none"), text);
      return FALSE;
    }

  return TRUE;
}

static VmrootDomain *
new_from_memory (const gchar *data, gsize size, const gchar *encoding, GError **error)
{
  g_autoptr (VmrootDocument) document = vmroot_document_parse (data, size, encoding, error);
  VmrootDomain *self;

  if (document == NULL || !check_domain (vmroot_document_root (document), error))
    return NULL;

  self = g_object_new (VMROOT_TYPE_DOMAIN, NULL);
  self->document = g_steal_pointer (&document);
  return self;
}

/**
 * vmroot_domain_new_from_xml:
 * @xml: the XML of a domain, in UTF-8 whatever its declaration says
 * @error: return location for an error
 *
 * Reads a domain, as libvirt's `virDomainGetXMLDesc()` and `virsh dumpxml` give it.
 *
 * Nothing outside the document is read. Errors: %VMROOT_ERROR_XML_SYNTAX,
 * %VMROOT_ERROR_XML_TOO_LARGE above the 4 MiB that libvirt takes, %VMROOT_ERROR_XML_ENTITIES for
 * entities that expand beyond that, %VMROOT_ERROR_XML_EXTERNAL for external ones,
 * %VMROOT_ERROR_NOT_A_DOMAIN.
 *
 * Returns: (transfer full): the domain
 *
 * Since: 1.0
 */
VmrootDomain *
vmroot_domain_new_from_xml (const gchar *xml, GError **error)
{
  g_return_val_if_fail (xml != NULL, NULL);

  return new_from_memory (xml, strlen (xml), "UTF-8", error);
}

/**
 * vmroot_domain_new_from_bytes:
 * @bytes: the XML of a domain, as in a file
 * @error: return location for an error
 *
 * Reads a domain in the encoding that its XML declaration or its byte-order mark says, UTF-8
 * without either. Otherwise like [ctor@Domain.new_from_xml].
 *
 * Returns: (transfer full): the domain
 *
 * Since: 1.0
 */
VmrootDomain *
vmroot_domain_new_from_bytes (GBytes *bytes, GError **error)
{
  gconstpointer data;
  gsize size;

  g_return_val_if_fail (bytes != NULL, NULL);

  data = g_bytes_get_data (bytes, &size);
  return new_from_memory (data != NULL ? data : "", size, NULL, error);
}

/**
 * vmroot_domain_get_name:
 * @self: a domain
 *
 * The name of the domain.
 *
 * Returns: (transfer full) (nullable): the name; %NULL: it has none, which libvirt does not take
 *
 * Since: 1.0
 */
gchar *
vmroot_domain_get_name (VmrootDomain *self)
{
  g_return_val_if_fail (VMROOT_IS_DOMAIN (self), NULL);

  return vmroot_node_get_text (
      vmroot_node_child (vmroot_document_root (self->document), "name", 0));
}

/**
 * vmroot_domain_get_uuid:
 * @self: a domain
 *
 * The UUID of the domain, in lower case and with dashes, however the document has it.
 *
 * Returns: (transfer full) (nullable): the UUID; %NULL: the domain has none yet, libvirt would
 *   choose one
 *
 * Since: 1.0
 */
gchar *
vmroot_domain_get_uuid (VmrootDomain *self)
{
  g_autofree gchar *text = NULL;

  g_return_val_if_fail (VMROOT_IS_DOMAIN (self), NULL);

  text =
      vmroot_node_get_text (vmroot_node_child (vmroot_document_root (self->document), "uuid", 0));
  return text != NULL ? normalize_uuid (text) : NULL;
}

gint
vmroot_domain_get_id (VmrootDomain *self)
{
  g_autofree gchar *id = vmroot_node_get_attribute (vmroot_document_root (self->document), "id");
  guint64 number;

  if (id == NULL || !g_ascii_string_to_unsigned (id, 10, 0, G_MAXINT, &number, NULL))
    return -1;
  return (gint)number;
}

/**
 * vmroot_domain_get_spec:
 * @self: a domain
 * @error: return location for an error
 *
 * What the root of the domain is, as [method@Domain.set_spec] described it.
 *
 * Errors: %VMROOT_ERROR_NO_SPEC if the domain has no root described by vmroot,
 * %VMROOT_ERROR_FOREIGN_UUID if the description was made for another domain, of which this one is
 * a clone, %VMROOT_ERROR_METADATA_VERSION, %VMROOT_ERROR_METADATA_DUPLICATE,
 * %VMROOT_ERROR_METADATA_INVALID, and those of [method@Spec.validate].
 *
 * Returns: (transfer full): a new specification, which knows nothing of the domain
 *
 * Since: 1.0
 */
VmrootSpec *
vmroot_domain_get_spec (VmrootDomain *self, GError **error)
{
  g_autoptr (VmrootMetadata) metadata = NULL;
  g_autofree gchar *uuid = NULL;
  xmlNode *element;

  g_return_val_if_fail (VMROOT_IS_DOMAIN (self), NULL);

  if (!vmroot_metadata_find (self->document, &element, error))
    return NULL;
  if (element == NULL)
    {
      g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_NO_SPEC,
                           _ ("The domain has no root described by vmroot: give it one with vmroot "
                              "apply"));
      return NULL;
    }

  metadata = vmroot_metadata_read (element, error);
  if (metadata == NULL)
    return NULL;

  uuid = vmroot_domain_get_uuid (self);
  if (uuid != NULL && !g_str_equal (uuid, metadata->uuid))
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FOREIGN_UUID,
                   _ ("The root “%s” was described for the domain with the UUID %s, not for this "
                      "one: it is a clone. Give it a directory of its own with vmroot apply, or "
                      "none with vmroot remove"),
                   vmroot_spec_get_directory (metadata->spec), metadata->uuid);
      return NULL;
    }

  return g_object_ref (metadata->spec);
}

/* Takes everything of vmroot's out of `document`. */
static gboolean
remove_spec (VmrootDocument *document, GError **error)
{
  g_autoptr (VmrootMetadata) metadata = NULL;
  xmlNode *element;

  if (!vmroot_metadata_find (document, &element, error))
    return FALSE;
  if (element == NULL)
    return TRUE;

  metadata = vmroot_metadata_read (element, error);
  if (metadata == NULL)
    return FALSE;

  vmroot_node_remove (element, &metadata->space);
  return vmroot_elements_undo (document, metadata, error);
}

/* Only QEMU has virtiofs. “test” is libvirt's mock driver, with which programs are tried out. */
static gboolean
check_hypervisor (xmlNode *domain, GError **error)
{
  const gchar *const ours[] = { "kvm", "qemu", "hvf", "kqemu", "test", NULL };
  const gchar *const containers[] = { "lxc", "openvz", "uml", NULL };
  g_autofree gchar *type = vmroot_node_get_attribute (domain, "type");
  g_autofree gchar *os_type = vmroot_node_get_text (vmroot_node_find (domain, "os/type"));

  if ((type != NULL && g_strv_contains (containers, type)) ||
      (os_type != NULL && g_str_equal (g_strstrip (os_type), "exe")))
    {
      g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_CONTAINER_DOMAIN,
                           _ ("The domain is a container, which boots no kernel: its root is the "
                              "<filesystem> with the target “/”"));
      return FALSE;
    }
  if (type != NULL && !g_strv_contains (ours, type))
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_HYPERVISOR,
                   _ ("The domain is of the type “%s”: only QEMU's (“kvm”, “qemu”) can have a "
                      "directory as their root"),
                   type);
      return FALSE;
    }

  return TRUE;
}

static gboolean
add_spec (VmrootDocument *document, VmrootSpec *spec, const gchar *uuid, GError **error)
{
  g_autofree gchar *chosen = uuid == NULL ? g_uuid_string_random () : NULL;
  g_autoptr (VmrootMetadata) metadata = vmroot_metadata_new (spec, uuid != NULL ? uuid : chosen);

  return check_hypervisor (vmroot_document_root (document), error) &&
         vmroot_spec_validate (spec, error) && vmroot_elements_apply (document, metadata, error);
}

/* `document` as it would be read again: text in one piece, entities filled. */
static VmrootDocument *
reread (VmrootDocument *document, GError **error)
{
  g_autofree gchar *xml = vmroot_document_to_string (document);

  return vmroot_document_parse (xml, strlen (xml), "UTF-8", error);
}

static gboolean
replace_spec (VmrootDocument **document, VmrootSpec *spec, const gchar *uuid, GError **error)
{
  g_autoptr (VmrootDocument) without = NULL;
  g_autoptr (VmrootDocument) with = NULL;

  without = reread (*document, error);
  if (without == NULL || !remove_spec (without, error))
    return FALSE;

  with = reread (without, error);
  if (with == NULL || (spec != NULL && !add_spec (with, spec, uuid, error)))
    return FALSE;

  /* Once more, so that what is kept can be read by everybody. */
  g_clear_pointer (&without, xmlFreeDoc);
  without = reread (with, error);
  if (without == NULL)
    return FALSE;

  xmlFreeDoc (*document);
  *document = g_steal_pointer (&without);
  return TRUE;
}

/**
 * vmroot_domain_set_spec:
 * @self: a domain
 * @spec: (nullable): what its root is to be; %NULL: not vmroot's any more
 * @error: return location for an error
 *
 * Describes the root of the domain, in place of what was described before.
 *
 * Beside the metadata, the document gets `<kernel>`, `<initrd>` and `<cmdline>`; for virtiofs a
 * `<filesystem>` for the root and each share, and memory that virtiofsd can share; for NFS an
 * `<interface>` with the MAC address of @spec, unless there is one, and on it the network filter
 * that binds the guest to its address. What the command line has keeps its place, but for what says
 * where the root is.
 *
 * %NULL takes all that out again, and puts back what was replaced: if nobody changed the document
 * in between, its canonical XML is what it was. What somebody did change stays as they made it. The
 * changes are known by what they say, so they are also found in what libvirt made of the document.
 *
 * A domain without a UUID gets one, since the paths of its boot image have it in them. It goes with
 * the specification, unless the domain was defined with it meanwhile.
 *
 * On an error the document is as before. Errors: those of [method@Spec.validate], and
 * %VMROOT_ERROR_CONTAINER_DOMAIN, %VMROOT_ERROR_HYPERVISOR, %VMROOT_ERROR_TAG_IN_USE,
 * %VMROOT_ERROR_METADATA_VERSION, %VMROOT_ERROR_METADATA_DUPLICATE,
 * %VMROOT_ERROR_METADATA_INVALID, %VMROOT_ERROR_XML_TOO_LARGE. A clone, whose metadata are another
 * domain's, can be given a specification of its own, or none.
 *
 * Returns: %TRUE if the document is as asked
 *
 * Since: 1.0
 */
gboolean
vmroot_domain_set_spec (VmrootDomain *self, VmrootSpec *spec, GError **error)
{
  g_autofree gchar *uuid = NULL;

  g_return_val_if_fail (VMROOT_IS_DOMAIN (self), FALSE);
  g_return_val_if_fail (spec == NULL || VMROOT_IS_SPEC (spec), FALSE);

  uuid = vmroot_domain_get_uuid (self);
  return replace_spec (&self->document, spec, uuid, error);
}

/**
 * vmroot_domain_to_xml:
 * @self: a domain
 *
 * The document, for libvirt's `virDomainDefineXML()` or `virsh define`.
 *
 * Returns: (transfer full): XML in UTF-8, with an XML declaration if the document had one
 *
 * Since: 1.0
 */
gchar *
vmroot_domain_to_xml (VmrootDomain *self)
{
  g_return_val_if_fail (VMROOT_IS_DOMAIN (self), NULL);

  return vmroot_document_to_string (self->document);
}

#define ADDRESS_RESERVED "address-reserved"

gboolean
vmroot_domain_has_mac_address (VmrootDomain *self, const gchar *mac_address)
{
  return vmroot_interface_find (vmroot_document_root (self->document), mac_address) != NULL;
}

static gboolean
is_on_network (xmlNode *interface, const gchar *network)
{
  xmlNode *source = vmroot_node_child (interface, "source", 0);

  return vmroot_node_is (interface, "interface") &&
         (network == NULL ||
          (source != NULL && vmroot_node_attribute_is (source, "network", network)));
}

gchar *
vmroot_domain_find_mac_address (VmrootDomain *self, const gchar *network)
{
  xmlNode *devices = vmroot_node_child (vmroot_document_root (self->document), "devices", 0);

  for (xmlNode *node = devices != NULL ? devices->children : NULL; node != NULL; node = node->next)
    {
      xmlNode *mac = is_on_network (node, network) ? vmroot_node_child (node, "mac", 0) : NULL;

      if (mac != NULL)
        return vmroot_node_get_attribute (mac, "address");
    }

  return NULL;
}

gchar *
vmroot_domain_find_source (VmrootDomain *self, const gchar *mac_address, const gchar *kind)
{
  xmlNode *interface = vmroot_interface_find (vmroot_document_root (self->document), mac_address);
  xmlNode *source = interface != NULL ? vmroot_node_child (interface, "source", 0) : NULL;

  return source != NULL ? vmroot_node_get_attribute (source, kind) : NULL;
}

gboolean
vmroot_domain_has_filter (VmrootDomain *self, const gchar *name)
{
  xmlNode *devices = vmroot_node_child (vmroot_document_root (self->document), "devices", 0);

  for (xmlNode *node = devices != NULL ? devices->children : NULL; node != NULL; node = node->next)
    {
      xmlNode *filter =
          vmroot_node_is (node, "interface") ? vmroot_node_child (node, "filterref", 0) : NULL;

      if (filter != NULL && vmroot_node_attribute_is (filter, "filter", name))
        return TRUE;
    }

  return FALSE;
}

gboolean
vmroot_domain_get_address_reserved (VmrootDomain *self)
{
  xmlNode *element;

  return vmroot_metadata_find (self->document, &element, NULL) && element != NULL &&
         vmroot_node_attribute_is (element, ADDRESS_RESERVED, "yes");
}

void
vmroot_domain_set_address_reserved (VmrootDomain *self)
{
  xmlNode *element;

  if (vmroot_metadata_find (self->document, &element, NULL) && element != NULL)
    vmroot_node_set_attribute (element, ADDRESS_RESERVED, "yes");
}
