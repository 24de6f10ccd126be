/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <string.h>

#include "vmroot-domain-elements-private.h"
#include "vmroot-domain-interface-private.h"
#include "vmroot-domain-private.h"
#include "vmroot-error.h"
#include "vmroot-kernel-args-private.h"
#include "vmroot-nfs-mount-private.h"
#include "vmroot-spec-private.h"
#include "vmroot-translation-private.h"

/* The most that virtiofsd takes, and what libvirt's documentation of virtiofs has. */
#define QUEUE_SIZE "1024"
#define WRAPPER VMROOT_WRAPPERDIR "/vmroot-virtiofsd"

/* What libvirt writes above <metadata>, <memoryBacking> and <os>. */
static const gchar *const above_metadata[] = {
  "name", "uuid", "genid", "title", "description", NULL
};
static const gchar *const above_memory_backing[] = { "name",      "uuid",        "genid",
                                                     "title",     "description", "metadata",
                                                     "maxMemory", "memory",      "currentMemory",
                                                     NULL };
static const gchar *const above_os[] = { "name",          "uuid",          "genid",     "title",
                                         "description",   "metadata",      "maxMemory", "memory",
                                         "currentMemory", "memoryBacking", "vcpu",      NULL };

/* The child of `parent` that comes last of those with the names, or NULL. */
static xmlNode *
last_of (xmlNode *parent, const gchar *const *names)
{
  xmlNode *last = NULL;

  for (xmlNode *node = parent->children; node != NULL; node = node->next)
    for (guint i = 0; names[i] != NULL; i++)
      if (vmroot_node_is (node, names[i]))
        last = node;
  return last;
}

static gchar *
child_path (const gchar *path, const gchar *name)
{
  return path != NULL ? g_strdup_printf ("%s/%s", path, name) : g_strdup (name);
}

static VmrootChange *
add_change (VmrootMetadata *metadata, const gchar *element)
{
  VmrootChange *change = vmroot_change_new (element);

  g_ptr_array_add (metadata->changes, change);
  return change;
}

/* The child `name` of `parent`, made if it is not there. `path`: of the parent, NULL for the
 * domain. */
static xmlNode *
ensure_child (VmrootMetadata *metadata,
              xmlNode *parent,
              const gchar *path,
              xmlNode *sibling,
              const gchar *name)
{
  xmlNode *node = vmroot_node_child (parent, name, 0);
  g_autofree gchar *element = child_path (path, name);
  VmrootChange *change;

  if (node != NULL)
    return node;

  change = add_change (metadata, element);
  change->added = TRUE;
  return vmroot_node_insert (parent, sibling, name, &change->space);
}

/* Makes `text` the content of the child `name` of `parent`. */
static xmlNode *
write_child (VmrootMetadata *metadata,
             xmlNode *parent,
             const gchar *path,
             xmlNode *sibling,
             const gchar *name,
             const gchar *text)
{
  g_autofree gchar *element = child_path (path, name);
  xmlNode *node = vmroot_node_child (parent, name, 0);
  VmrootChange *change = add_change (metadata, element);

  change->wrote = g_strdup (text);
  change->added = node == NULL;
  if (node != NULL)
    change->was = vmroot_node_get_inner (node);
  else
    node = vmroot_node_insert (parent, sibling, name, &change->space);

  vmroot_node_set_text (node, text);
  return node;
}

/* Sets an attribute of `node`, whose path is `element`. */
static void
write_attribute (VmrootMetadata *metadata,
                 xmlNode *node,
                 const gchar *element,
                 gint index,
                 const gchar *attribute,
                 const gchar *value)
{
  VmrootChange *change = add_change (metadata, element);

  change->index = index;
  change->attribute = g_strdup (attribute);
  change->wrote = g_strdup (value);
  change->was = vmroot_node_get_attribute (node, attribute);
  vmroot_node_set_attribute (node, attribute, value);
}

/* Memory */

/* Cells and memory devices say for themselves whether their memory is shared. Returns whether there
 * are cells, and none of them leaves it to <memoryBacking>. */
static gboolean
share_cells (xmlNode *domain, VmrootMetadata *metadata)
{
  xmlNode *numa = vmroot_node_find (domain, "cpu/numa");
  gboolean all = TRUE;
  xmlNode *cell;
  guint i;

  for (i = 0; numa != NULL && (cell = vmroot_node_child (numa, "cell", i)) != NULL; i++)
    {
      g_autofree gchar *access = vmroot_node_get_attribute (cell, "memAccess");

      all = all && access != NULL;
      if (g_strcmp0 (access, "private") == 0)
        write_attribute (metadata, cell, "cpu/numa/cell", (gint)i, "memAccess", "shared");
    }

  return i > 0 && all;
}

static void
share_memory_devices (xmlNode *domain, VmrootMetadata *metadata)
{
  xmlNode *devices = vmroot_node_child (domain, "devices", 0);
  xmlNode *memory;

  for (guint i = 0; devices && (memory = vmroot_node_child (devices, "memory", i)) != NULL; i++)
    /* A private NVDIMM keeps the guest's writes from the host's file: sharing it would not. */
    if (vmroot_node_attribute_is (memory, "access", "private") &&
        (vmroot_node_attribute_is (memory, "model", "dimm") ||
         vmroot_node_attribute_is (memory, "model", "virtio-mem")))
      write_attribute (metadata, memory, "devices/memory", (gint)i, "access", "shared");
}

/* What qemuValidateDomainDefVhostUserRequireSharedMemory() of libvirt asks for, with the backing
 * that is there: huge pages and files can be shared, and memory that has neither becomes a memfd,
 * as libvirt would otherwise share it through a file on a disk. */
static void
share_memory_backing (xmlNode *domain, VmrootMetadata *metadata)
{
  xmlNode *backing = ensure_child (metadata, domain, NULL, last_of (domain, above_memory_backing),
                                   "memoryBacking");
  xmlNode *source = vmroot_node_child (backing, "source", 0);
  xmlNode *access;

  if (vmroot_node_child (backing, "hugepages", 0) == NULL)
    {
      if (source == NULL)
        {
          source = ensure_child (metadata, backing, "memoryBacking", NULL, "source");
          write_attribute (metadata, source, "memoryBacking/source", -1, "type", "memfd");
        }
      else if (vmroot_node_attribute_is (source, "type", "anonymous"))
        write_attribute (metadata, source, "memoryBacking/source", -1, "type", "memfd");
    }

  access = ensure_child (metadata, backing, "memoryBacking", source, "access");
  if (!vmroot_node_attribute_is (access, "mode", "shared"))
    write_attribute (metadata, access, "memoryBacking/access", -1, "mode", "shared");
}

static void
share_memory (xmlNode *domain, VmrootMetadata *metadata)
{
  share_memory_devices (domain, metadata);
  if (!share_cells (domain, metadata))
    share_memory_backing (domain, metadata);
}

/* Devices */

/* The <filesystem> whose target is `tag`, of whatever kind: the tag is unique among all. */
static xmlNode *
find_filesystem (xmlNode *domain, const gchar *tag)
{
  for (xmlNode *devices = domain->children; devices != NULL; devices = devices->next)
    {
      if (!vmroot_node_is (devices, "devices"))
        continue;
      for (xmlNode *node = devices->children; node != NULL; node = node->next)
        {
          xmlNode *target =
              vmroot_node_is (node, "filesystem") ? vmroot_node_child (node, "target", 0) : NULL;

          if (target != NULL && vmroot_node_attribute_is (target, "dir", tag))
            return node;
        }
    }

  return NULL;
}

static void
insert_filesystem (VmrootMetadata *metadata,
                   xmlNode *devices,
                   const gchar *directory,
                   const gchar *tag)
{
  VmrootChange *change = add_change (metadata, "devices/filesystem");
  xmlNode *filesystem = vmroot_node_insert (devices, NULL, "filesystem", &change->space);
  xmlNode *driver = vmroot_node_insert (filesystem, NULL, "driver", NULL);
  xmlNode *binary = vmroot_node_insert (filesystem, NULL, "binary", NULL);
  xmlNode *source = vmroot_node_insert (filesystem, NULL, "source", NULL);
  xmlNode *target = vmroot_node_insert (filesystem, NULL, "target", NULL);

  change->added = TRUE;
  change->target = g_strdup (tag);

  /* accessmode: libvirt takes no other for virtiofs. */
  vmroot_node_set_attribute (filesystem, "type", "mount");
  vmroot_node_set_attribute (filesystem, "accessmode", "passthrough");
  vmroot_node_set_attribute (driver, "type", "virtiofs");
  vmroot_node_set_attribute (driver, "queue", QUEUE_SIZE);
  vmroot_node_set_attribute (binary, "path", WRAPPER);
  vmroot_node_set_attribute (binary, "xattr", "on");
  if (vmroot_spec_get_cache (metadata->spec) == VMROOT_CACHE_ALWAYS)
    vmroot_node_set_attribute (vmroot_node_insert (binary, NULL, "cache", NULL), "mode", "always");
  vmroot_node_set_attribute (source, "dir", directory);
  vmroot_node_set_attribute (target, "dir", tag);
}

static void
insert_filesystems (xmlNode *domain, VmrootMetadata *metadata)
{
  g_autoptr (GPtrArray) shares = vmroot_spec_list_shares (metadata->spec);
  xmlNode *devices = ensure_child (metadata, domain, NULL, NULL, "devices");

  insert_filesystem (metadata, devices, vmroot_spec_get_directory (metadata->spec),
                     vmroot_spec_get_tag (metadata->spec));
  for (guint i = 0; i < shares->len; i++)
    {
      g_autofree gchar *tag = vmroot_share_tag (i);

      insert_filesystem (metadata, devices,
                         vmroot_share_get_directory (g_ptr_array_index (shares, i)), tag);
    }
}

static gboolean
check_tag (xmlNode *domain, const gchar *tag, GError **error)
{
  if (find_filesystem (domain, tag) == NULL)
    return TRUE;

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_TAG_IN_USE,
               _ ("The domain has a file system with the tag “%s” already: choose another tag, or "
                  "remove that file system"),
               tag);
  return FALSE;
}

static gboolean
check_tags (xmlNode *domain, VmrootSpec *spec, GError **error)
{
  g_autoptr (GPtrArray) shares = vmroot_spec_list_shares (spec);

  if (!check_tag (domain, vmroot_spec_get_tag (spec), error))
    return FALSE;
  for (guint i = 0; i < shares->len; i++)
    {
      g_autofree gchar *tag = vmroot_share_tag (i);

      if (!check_tag (domain, tag, error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
is_vhost_user (xmlNode *device)
{
  xmlNode *driver = vmroot_node_child (device, "driver", 0);

  return vmroot_node_attribute_is (device, "type", "vhostuser") ||
         (driver != NULL && (vmroot_node_attribute_is (driver, "type", "virtiofs") ||
                             vmroot_node_attribute_is (driver, "name", "vhostuser")));
}

static guint
count_vhost_user (xmlNode *domain)
{
  xmlNode *devices = vmroot_node_child (domain, "devices", 0);
  guint n = 0;

  for (xmlNode *node = devices != NULL ? devices->children : NULL; node != NULL; node = node->next)
    if (node->type == XML_ELEMENT_NODE && is_vhost_user (node))
      n++;
  return n;
}

/* Boot */

/* The same form for every initramfs: dracut, mkinitcpio, initramfs-tools and ours. */
static gchar *
our_kernel_args (VmrootSpec *spec)
{
  const gchar *kernel_args = vmroot_spec_get_kernel_args (spec);
  g_autofree gchar *root =
      vmroot_spec_get_transport (spec) == VMROOT_TRANSPORT_NFS
          ? vmroot_nfs_mount_kernel_args (spec)
          : g_strdup_printf ("root=%s rootfstype=virtiofs", vmroot_spec_get_tag (spec));

  return g_strdup_printf ("%s %s%s%s", root, vmroot_spec_get_read_only (spec) ? "ro" : "rw",
                          kernel_args != NULL ? " " : "", kernel_args != NULL ? kernel_args : "");
}

static void
write_boot (xmlNode *domain, VmrootMetadata *metadata)
{
  xmlNode *os = ensure_child (metadata, domain, NULL, last_of (domain, above_os), "os");
  g_autofree gchar *kernel =
      g_build_filename (VMROOT_BOOT_DIRECTORY, metadata->uuid, "kernel", NULL);
  g_autofree gchar *initramfs =
      g_build_filename (VMROOT_BOOT_DIRECTORY, metadata->uuid, "initramfs", NULL);
  g_autofree gchar *args = our_kernel_args (metadata->spec);
  g_autofree gchar *user_line = vmroot_node_get_text (vmroot_node_child (os, "cmdline", 0));
  g_autofree gchar *line = vmroot_kernel_args_add (user_line, args);
  xmlNode *node;

  if (vmroot_node_child (os, "type", 0) == NULL)
    write_child (metadata, os, "os", NULL, "type", "hvm");
  node = write_child (metadata, os, "os", NULL, "kernel", kernel);
  node = write_child (metadata, os, "os", node, "initrd", initramfs);
  write_child (metadata, os, "os", node, "cmdline", line);
}

/* Metadata */

/*
 * The boot image's path has the domain's UUID in it, so a domain without one gets one here rather
 * than from libvirt. The comment tells whether the document has been libvirt's since, which drops
 * comments: then the UUID is the domain's identity, and must stay when the root is removed.
 */
static void
ensure_uuid (xmlNode *domain, VmrootMetadata *metadata)
{
  xmlNode *node;

  if (vmroot_node_child (domain, "uuid", 0) != NULL)
    return;

  node = write_child (metadata, domain, NULL, vmroot_node_child (domain, "name", 0), "uuid",
                      metadata->uuid);
  xmlAddChild (node, xmlNewDocComment (node->doc, BAD_CAST " chosen by vmroot "));
}

static xmlNode *
ensure_metadata (xmlNode *domain, VmrootMetadata *metadata)
{
  return ensure_child (metadata, domain, NULL, last_of (domain, above_metadata), "metadata");
}

gboolean
vmroot_elements_apply (VmrootDocument *document, VmrootMetadata *metadata, GError **error)
{
  xmlNode *domain = vmroot_document_root (document);
  const gboolean nfs = vmroot_spec_get_transport (metadata->spec) == VMROOT_TRANSPORT_NFS;
  xmlNode *parent;

  if (nfs ? !vmroot_interface_check (domain, metadata, error)
          : !check_tags (domain, metadata->spec, error))
    return FALSE;

  metadata->vhost_user = count_vhost_user (domain);
  ensure_uuid (domain, metadata);
  parent = ensure_metadata (domain, metadata);
  if (!nfs)
    share_memory (domain, metadata);
  write_boot (domain, metadata);
  if (nfs)
    vmroot_interface_apply (domain, ensure_child (metadata, domain, NULL, NULL, "devices"),
                            metadata);
  else
    insert_filesystems (domain, metadata);
  vmroot_metadata_write (metadata, parent);
  return TRUE;
}

/* Undoing */

/* A cell by its number: libvirt writes it out, and may sort by it. */
static xmlNode *
find_numbered (xmlNode *parent, const gchar *name, guint index)
{
  g_autofree gchar *id = g_strdup_printf ("%u", index);

  for (xmlNode *node = parent->children; node != NULL; node = node->next)
    if (vmroot_node_is (node, name) && vmroot_node_attribute_is (node, "id", id))
      return node;
  return vmroot_node_child (parent, name, index);
}

/* The interface, or what we added to it. */
static xmlNode *
find_in_interface (xmlNode *domain, const VmrootChange *change)
{
  xmlNode *interface =
      change->target != NULL ? vmroot_interface_find (domain, change->target) : NULL;
  const gchar *child = change->element + strlen ("devices/interface");

  return interface != NULL && *child == '/' ? vmroot_node_child (interface, child + 1, 0)
                                            : interface;
}

static xmlNode *
find_changed (xmlNode *domain, const VmrootChange *change)
{
  g_autofree gchar *parent_path = NULL;
  const gchar *name;
  xmlNode *parent;

  if (g_str_has_prefix (change->element, "devices/interface"))
    return find_in_interface (domain, change);
  if (change->target != NULL)
    return find_filesystem (domain, change->target);
  if (change->index < 0)
    return vmroot_node_find (domain, change->element);

  name = strrchr (change->element, '/');
  if (name == NULL)
    return NULL;
  parent_path = g_strndup (change->element, (gsize)(name - change->element));
  parent = vmroot_node_find (domain, parent_path);
  return parent != NULL ? find_numbered (parent, name + 1, (guint)change->index) : NULL;
}

/* Whether what we put there is still there. */
static gboolean
is_as_written (xmlNode *node, const VmrootChange *change)
{
  g_autofree gchar *text = NULL;

  if (change->wrote == NULL)
    return TRUE;
  if (change->attribute != NULL)
    return vmroot_node_attribute_is (node, change->attribute, change->wrote);

  text = vmroot_node_get_text (node);
  return g_str_equal (text, change->wrote);
}

static gboolean
has_child_of_type (xmlNode *node, xmlElementType type)
{
  for (xmlNode *child = node->children; child != NULL; child = child->next)
    if (child->type == type)
      return TRUE;
  return FALSE;
}

/* Whether an element that we added can go. One with a target is a device, ours as a whole; others
 * go when there is nothing of anybody else in them. */
static gboolean
can_remove (xmlNode *node, const VmrootChange *change)
{
  if (change->target != NULL)
    return TRUE;
  /* See ensure_uuid(). */
  if (g_str_equal (change->element, "uuid"))
    return has_child_of_type (node, XML_COMMENT_NODE);
  if (change->wrote != NULL)
    return TRUE;

  for (xmlNode *child = node->children; child != NULL; child = child->next)
    if (!vmroot_node_is_blank (child))
      return FALSE;
  return node->properties == NULL;
}

/* Somebody else changed the kernel's command line: only our part of it goes. */
static void
undo_part_of_cmdline (xmlNode *node, const VmrootChange *change)
{
  g_autofree gchar *line = vmroot_node_get_text (node);
  g_autoptr (VmrootDocument) original = NULL;
  g_autofree gchar *was = NULL;
  g_autofree gchar *rest = NULL;

  if (change->was != NULL)
    {
      g_autofree gchar *xml = g_strconcat ("<was>", change->was, "</was>", NULL);

      original = vmroot_document_parse (xml, strlen (xml), "UTF-8", NULL);
    }
  was = original != NULL ? vmroot_node_get_text (vmroot_document_root (original)) : g_strdup ("");
  rest = vmroot_kernel_args_remove (line, change->wrote, was);

  if (*rest == '\0' && change->added)
    vmroot_node_remove (node, &change->space);
  else if (!g_str_equal (rest, line))
    vmroot_node_set_text (node, rest);
}

static gboolean
is_memory (const VmrootChange *change)
{
  return g_str_has_prefix (change->element, "memoryBacking") ||
         g_str_equal (change->element, "cpu/numa/cell") ||
         g_str_equal (change->element, "devices/memory");
}

static gboolean
undo (xmlNode *node, const VmrootChange *change, GError **error)
{
  if (!is_as_written (node, change))
    {
      if (g_str_equal (change->element, "os/cmdline"))
        undo_part_of_cmdline (node, change);
    }
  else if (change->attribute != NULL)
    vmroot_node_set_attribute (node, change->attribute, change->was);
  else if (!change->added)
    return vmroot_node_set_inner (node, change->was != NULL ? change->was : "", error);
  else if (can_remove (node, change))
    vmroot_node_remove (node, &change->space);

  return TRUE;
}

gboolean
vmroot_elements_undo (VmrootDocument *document, VmrootMetadata *metadata, GError **error)
{
  xmlNode *domain = vmroot_document_root (document);
  gboolean keep_memory = FALSE;

  /* Newest first: what is below an element that we added was added after it, and devices last. */
  for (guint i = metadata->changes->len; i > 0; i--)
    {
      const VmrootChange *change = g_ptr_array_index (metadata->changes, i - 1);
      xmlNode *node = find_changed (domain, change);

      /* Devices that came meanwhile need the memory that we shared. */
      if (is_memory (change) && !keep_memory)
        keep_memory = count_vhost_user (domain) > metadata->vhost_user;
      if (node == NULL || (is_memory (change) && keep_memory))
        continue;
      if (!undo (node, change, error))
        {
          g_prefix_error (error, _ ("What <%s> of the domain was cannot be restored: "),
                          change->element);
          return FALSE;
        }
    }

  return TRUE;
}
