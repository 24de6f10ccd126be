/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include "vmroot-error.h"
#include "vmroot-modules-private.h"
#include "vmroot-nfs-mount-private.h"
#include "vmroot-translation-private.h"
#include "vmroot-tree-private.h"

/* A distribution kernel's modules.dep has about 600 KB. */
#define MAX_INDEX_SIZE (16 * 1024 * 1024)
#define MAX_MODULE_SIZE (64 * 1024 * 1024)

/* Some ten are needed. The limit also bounds how deep dependencies are followed. */
#define MAX_MODULES 256

struct _VmrootModules
{
  VmrootTree *tree;
  VmrootKernel *kernel;

  /* The lines of modules.dep. */
  GStrv lines;
  /* Module name to the line that starts with its path. */
  GHashTable *dependencies;
  GHashTable *builtin;
  /* Module name to the rest of its "softdep" line. */
  GHashTable *softdeps;
};

/*
 * What each way to a root needs, as data. A vhost-user file system is a PCI device on every machine
 * type that QEMU has it for, but for s390's CCW, whose driver is always built in: no virtio_mmio.
 */
static const struct
{
  VmrootTransport transport;
  VmrootModuleNeed need;
} transport_needs[] = {
  { VMROOT_TRANSPORT_VIRTIOFS, { "virtio_pci", "CONFIG_VIRTIO_PCI" } },
  { VMROOT_TRANSPORT_VIRTIOFS, { "virtiofs", "CONFIG_VIRTIO_FS" } },
  { VMROOT_TRANSPORT_NFS, { "virtio_pci", "CONFIG_VIRTIO_PCI" } },
  { VMROOT_TRANSPORT_NFS, { "virtio_net", "CONFIG_VIRTIO_NET" } },
  { VMROOT_TRANSPORT_NFS, { "nfsv4", "CONFIG_NFS_V4" } },
};

static const VmrootModuleNeed ipv6_need = { "ipv6", "CONFIG_IPV6" };
static const VmrootModuleNeed overlay_need = { "overlay", "CONFIG_OVERLAY_FS" };

GPtrArray *
vmroot_modules_needed_for (VmrootSpec *spec)
{
  GPtrArray *needs = g_ptr_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (transport_needs); i++)
    if (transport_needs[i].transport == vmroot_spec_get_transport (spec))
      g_ptr_array_add (needs, (gpointer)&transport_needs[i].need);
  if (vmroot_spec_get_transport (spec) == VMROOT_TRANSPORT_NFS && vmroot_nfs_mount_is_ipv6 (spec))
    g_ptr_array_add (needs, (gpointer)&ipv6_need);
  if (vmroot_spec_get_ephemeral (spec))
    g_ptr_array_add (needs, (gpointer)&overlay_need);
  return needs;
}

/* "kernel/fs/fuse/virtio-fs.ko.xz" is the module "virtio_fs": "-" and "_" are one (modprobe(8)). */
static gchar *
module_name (const gchar *path, gsize length)
{
  const gchar *start = path;
  const gchar *end;
  gchar *name;

  for (const gchar *c = path; c < path + length; c++)
    if (*c == '/')
      start = c + 1;
  end = memchr (start, '.', (gsize)(path + length - start));
  name = g_strndup (start, end != NULL ? (gsize)(end - start) : (gsize)(path + length - start));
  return g_strdelimit (name, "-", '_');
}

static gchar *
read_index (VmrootModules *self, const gchar *name, GError **error)
{
  g_autofree gchar *path = g_build_filename (vmroot_kernel_get_modules (self->kernel), name, NULL);
  g_autoptr (GError) local_error = NULL;
  gchar *text = vmroot_tree_read_text (self->tree, path, MAX_INDEX_SIZE, &local_error);

  if (text != NULL)
    return text;
  if (g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return g_strdup ("");
  g_propagate_error (error, g_steal_pointer (&local_error));
  return NULL;
}

static gboolean
load_dependencies (VmrootModules *self, GError **error)
{
  g_autofree gchar *text = read_index (self, "modules.dep", error);

  if (text == NULL)
    return FALSE;

  self->lines = g_strsplit (text, "\n", -1);
  for (gchar **line = self->lines; *line != NULL; line++)
    {
      const gchar *colon = strchr (*line, ':');

      if (colon != NULL)
        g_hash_table_insert (self->dependencies, module_name (*line, (gsize)(colon - *line)),
                             *line);
    }
  return TRUE;
}

static gboolean
load_builtin (VmrootModules *self, GError **error)
{
  g_autofree gchar *text = read_index (self, "modules.builtin", error);
  g_auto (GStrv) lines = NULL;

  if (text == NULL)
    return FALSE;

  lines = g_strsplit (text, "\n", -1);
  for (gchar **line = lines; *line != NULL; line++)
    if (**line != '\0')
      g_hash_table_add (self->builtin, module_name (*line, strlen (*line)));
  return TRUE;
}

/* Lines of "softdep NAME pre: A B post: C" (modprobe.d(5)). */
static gboolean
load_softdeps (VmrootModules *self, GError **error)
{
  g_autofree gchar *text = read_index (self, "modules.softdep", error);
  g_auto (GStrv) lines = NULL;

  if (text == NULL)
    return FALSE;

  lines = g_strsplit (text, "\n", -1);
  for (gchar **line = lines; *line != NULL; line++)
    {
      g_auto (GStrv) words = g_strsplit (*line, " ", 3);

      if (g_strv_length (words) == 3 && g_str_equal (words[0], "softdep"))
        g_hash_table_insert (self->softdeps, module_name (words[1], strlen (words[1])),
                             g_strdup (words[2]));
    }
  return TRUE;
}

VmrootModules *
vmroot_modules_new (VmrootTree *tree, VmrootKernel *kernel, GError **error)
{
  g_autoptr (VmrootModules) self = g_new0 (VmrootModules, 1);

  self->tree = g_object_ref (tree);
  self->kernel = g_object_ref (kernel);
  self->dependencies = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->builtin = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->softdeps = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  if (vmroot_kernel_get_modules (kernel) != NULL &&
      (!load_dependencies (self, error) || !load_builtin (self, error) ||
       !load_softdeps (self, error)))
    {
      g_prefix_error (error, _ ("Cannot tell which modules kernel %s needs: "),
                      vmroot_kernel_get_version (kernel));
      return NULL;
    }
  return g_steal_pointer (&self);
}

void
vmroot_modules_free (VmrootModules *self)
{
  g_object_unref (self->tree);
  g_object_unref (self->kernel);
  g_strfreev (self->lines);
  g_hash_table_unref (self->dependencies);
  g_hash_table_unref (self->builtin);
  g_hash_table_unref (self->softdeps);
  g_free (self);
}

gboolean
vmroot_modules_has (VmrootModules *self, const VmrootModuleNeed *need, GError **error)
{
  const gchar *release = vmroot_kernel_get_version (self->kernel);
  const gchar *root = vmroot_tree_get_path (self->tree);

  if (vmroot_kernel_get_modules (self->kernel) == NULL ||
      g_hash_table_contains (self->builtin, need->name) ||
      g_hash_table_contains (self->dependencies, need->name))
    return TRUE;

  if (g_hash_table_size (self->dependencies) == 0)
    g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_MODULE,
                 _ ("Kernel %s in %s needs the module %s, but its modules.dep lists none. Make "
                    "that file: depmod -b %s %s"),
                 release, root, need->name, root, release);
  else
    g_set_error (
        error, VMROOT_ERROR, VMROOT_ERROR_NO_MODULE,
        _ ("Kernel %s in %s has no module %s. Install a kernel built with %s=m or =y, or the"
           " package with the rest of this kernel's modules"),
        release, root, need->name, need->option);
  return FALSE;
}

/* A walk along the dependencies of what is needed. */
typedef struct
{
  VmrootModules *modules;
  GHashTable *seen;
  GStrvBuilder *order;
} Walk;

static gboolean add_module (Walk *walk, const gchar *name, GError **error);

static gboolean
add_soft_dependencies (Walk *walk, const gchar *name, const gchar *when, GError **error)
{
  const gchar *rest = g_hash_table_lookup (walk->modules->softdeps, name);
  g_auto (GStrv) words = g_strsplit (rest != NULL ? rest : "", " ", -1);
  gboolean now = FALSE;

  for (gchar **word = words; *word != NULL; word++)
    {
      g_autofree gchar *other = module_name (*word, strlen (*word));

      if (g_str_has_suffix (*word, ":"))
        now = g_str_equal (*word, when);
      else if (now && g_hash_table_contains (walk->modules->dependencies, other) &&
               !add_module (walk, other, error))
        return FALSE;
    }
  return TRUE;
}

/* A path goes into the initramfs under its own name, so it must be one. */
static gboolean
is_module_path (const gchar *path)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);

  for (gchar **part = parts; *part != NULL; part++)
    if (**part == '\0' || g_str_equal (*part, ".") || g_str_equal (*part, ".."))
      return FALSE;
  for (const gchar *c = path; *c != '\0'; c++)
    if (!g_ascii_isgraph (*c) || *c == '\\')
      return FALSE;
  return parts[0] != NULL;
}

static gboolean
add_line (Walk *walk, const gchar *line, GError **error)
{
  const gchar *colon = strchr (line, ':');
  g_autofree gchar *path = g_strndup (line, (gsize)(colon - line));
  g_auto (GStrv) others = g_strsplit (colon + 1, " ", -1);

  if (!is_module_path (path))
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_UNSAFE_TREE,
                   _ ("modules.dep of kernel %s in %s names a module that cannot be: \"%s\". Make "
                      "that file anew: depmod"),
                   vmroot_kernel_get_version (walk->modules->kernel),
                   vmroot_tree_get_path (walk->modules->tree), path);
      return FALSE;
    }

  /* depmod(8) lists last what must be loaded first. */
  for (guint i = g_strv_length (others); i > 0; i--)
    {
      g_autofree gchar *other = module_name (others[i - 1], strlen (others[i - 1]));

      if (*other != '\0' && !add_module (walk, other, error))
        return FALSE;
    }
  g_strv_builder_add (walk->order, path);
  return TRUE;
}

static gboolean
add_module (Walk *walk, const gchar *name, GError **error)
{
  const gchar *line = g_hash_table_lookup (walk->modules->dependencies, name);

  if (g_hash_table_contains (walk->modules->builtin, name) ||
      g_hash_table_contains (walk->seen, name))
    return TRUE;

  g_hash_table_add (walk->seen, g_strdup (name));
  if (line == NULL || g_hash_table_size (walk->seen) > MAX_MODULES)
    {
      g_set_error (
          error, VMROOT_ERROR, VMROOT_ERROR_NO_MODULE,
          _ ("modules.dep of kernel %s in %s is broken at \"%s\". Make that file anew: depmod"),
          vmroot_kernel_get_version (walk->modules->kernel),
          vmroot_tree_get_path (walk->modules->tree), name);
      return FALSE;
    }
  return add_soft_dependencies (walk, name, "pre:", error) && add_line (walk, line, error) &&
         add_soft_dependencies (walk, name, "post:", error);
}

GStrv
vmroot_modules_resolve (VmrootModules *self, GPtrArray *needs, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GStrvBuilder) order = g_strv_builder_new ();
  Walk walk = { .modules = self, .seen = seen, .order = order };

  if (vmroot_kernel_get_modules (self->kernel) == NULL)
    return g_strv_builder_end (order);

  for (guint i = 0; i < needs->len; i++)
    {
      const VmrootModuleNeed *need = needs->pdata[i];

      if (!vmroot_modules_has (self, need, error) || !add_module (&walk, need->name, error))
        return NULL;
    }
  return g_strv_builder_end (order);
}

gchar *
vmroot_modules_packed_name (const gchar *path)
{
  const gchar *suffix = g_strrstr (path, ".ko.");

  return suffix != NULL ? g_strndup (path, (gsize)(suffix - path) + strlen (".ko"))
                        : g_strdup (path);
}

static gboolean
is_elf (GBytes *bytes)
{
  gsize size;
  const gchar *data = g_bytes_get_data (bytes, &size);

  return size > 4 && memcmp (data, "\177ELF", 4) == 0;
}

typedef struct archive Archive;

static void
archive_reader_free (Archive *archive)
{
  archive_read_free (archive);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Archive, archive_reader_free)

static GBytes *
decompress (GBytes *compressed)
{
  g_autoptr (Archive) reader = archive_read_new ();
  g_autoptr (GByteArray) content = g_byte_array_new ();
  struct archive_entry *entry;
  guint8 buffer[65536];
  gsize size;
  const guint8 *data = g_bytes_get_data (compressed, &size);
  gssize n;

  archive_read_support_format_raw (reader);
  archive_read_support_filter_gzip (reader);
  archive_read_support_filter_xz (reader);
  archive_read_support_filter_zstd (reader);
  if (archive_read_open_memory (reader, data, size) != ARCHIVE_OK ||
      archive_read_next_header (reader, &entry) != ARCHIVE_OK)
    return NULL;

  while ((n = archive_read_data (reader, buffer, sizeof buffer)) > 0)
    {
      if (content->len + (gsize)n > MAX_MODULE_SIZE)
        return NULL;
      g_byte_array_append (content, buffer, (guint)n);
    }
  return n == 0 ? g_byte_array_free_to_bytes (g_steal_pointer (&content)) : NULL;
}

GBytes *
vmroot_modules_read (VmrootModules *self, const gchar *path, GError **error)
{
  g_autofree gchar *full = g_build_filename (vmroot_kernel_get_modules (self->kernel), path, NULL);
  g_autoptr (GBytes) file = vmroot_tree_read_file (self->tree, full, MAX_MODULE_SIZE, error);
  g_autoptr (GBytes) content = NULL;

  if (file == NULL)
    return NULL;
  if (is_elf (file))
    return g_steal_pointer (&file);

  content = decompress (file);
  if (content == NULL || !is_elf (content))
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_UNSAFE_TREE,
                   _ ("%s in %s is not a kernel module, plain or compressed with gzip, xz or zstd."
                      " Install the kernel's package again"),
                   full, vmroot_tree_get_path (self->tree));
      return NULL;
    }
  return g_steal_pointer (&content);
}
