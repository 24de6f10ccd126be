/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <string.h>
#include <unistd.h>

#include "vmroot-error.h"
#include "vmroot-kernel-private.h"
#include "vmroot-translation-private.h"
#include "vmroot-tree-private.h"

#define MAX_KERNEL_SIZE (G_GUINT64_CONSTANT (512) << 20)
#define MAX_ENTRY_SIZE (64 * 1024)

/* Enough for the setup header of a bzImage and the release it points to. */
#define HEADER_SIZE (32 * 1024)

static const gchar *const module_parents[] = { "/usr/lib/modules", "/lib/modules" };

/* A search through one tree. */
typedef struct
{
  VmrootTree *tree;
  /* Releases that have a directory of modules. */
  GStrv releases;
  /* Release to VmrootKernel. */
  GHashTable *kernels;
} Search;

static gchar *
find_modules (VmrootTree *tree, const gchar *release)
{
  for (guint i = 0; i < G_N_ELEMENTS (module_parents); i++)
    {
      g_autofree gchar *path = g_build_filename (module_parents[i], release, NULL);

      if (vmroot_tree_is_directory (tree, path))
        return g_steal_pointer (&path);
    }
  return NULL;
}

static gchar *
find_initramfs (VmrootTree *tree, const gchar *kernel, const gchar *suffix, const gchar *release)
{
  /* Debian, Ubuntu; dracut; Alpine; SUSE; genkernel; kernel-install. */
  static const gchar *const before_after[][2] = {
    { "/boot/initrd.img-", "" },        { "/boot/initramfs-", ".img" },
    { "/boot/initramfs-", "" },         { "/boot/initrd-", "" },
    { "/boot/initrd-", ".img" },        { "/boot/initramfs-genkernel-x86_64-", "" },
    { "/usr/lib/modules/", "/initrd" }, { "/usr/lib/modules/", "/initramfs.img" },
  };
  const gchar *names[] = { suffix, release };

  for (guint n = 0; n < G_N_ELEMENTS (names); n++)
    for (guint i = 0; names[n] != NULL && i < G_N_ELEMENTS (before_after); i++)
      {
        g_autofree gchar *path =
            g_strconcat (before_after[i][0], names[n], before_after[i][1], NULL);

        if (!g_str_equal (path, kernel) && vmroot_tree_is_file (tree, path))
          return g_steal_pointer (&path);
      }
  return NULL;
}

/* The release in the header of an x86 bzImage: Documentation/arch/x86/boot.rst, kernel_version. */
static gchar *
release_of_bzimage (const guint8 *header, gsize size)
{
  g_autofree gchar *release = NULL;
  gsize offset;

  if (size < 0x210 || memcmp (header + 0x202, "HdrS", 4) != 0)
    return NULL;

  offset = (gsize)(header[0x20e] | header[0x20f] << 8) + 0x200;
  if (offset == 0x200 || offset >= size)
    return NULL;

  release = g_strndup ((const gchar *)header + offset, MIN (size - offset, 80));
  release[strcspn (release, " ")] = '\0';
  return vmroot_kernel_is_version (release) ? g_steal_pointer (&release) : NULL;
}

/* Whether a file can be given to QEMU as a kernel: bzImage, arm64 Image, EFI zboot, a compressed
 * Image, or an ELF. */
static gboolean
is_kernel (const guint8 *header, gsize size)
{
  return (size >= 0x210 && memcmp (header + 0x202, "HdrS", 4) == 0) ||
         (size >= 64 && memcmp (header + 56, "ARM\x64", 4) == 0) ||
         (size >= 64 && memcmp (header + 4, "zimg", 4) == 0) ||
         (size >= 64 && memcmp (header, "\x1f\x8b", 2) == 0) ||
         (size >= 64 && memcmp (header, "\177ELF", 4) == 0);
}

/* Where the image itself does not say: its name, and the modules there are. */
static gchar *
guess_release (Search *search, const gchar *suffix)
{
  const gchar *found = NULL;

  if (suffix != NULL && g_strv_contains ((const gchar *const *)search->releases, suffix))
    return g_strdup (suffix);

  /* Alpine's vmlinuz-lts has its modules in 6.6.32-0-lts; a bare "Image" has the only ones. */
  for (gchar **release = search->releases; *release != NULL; release++)
    {
      g_autofree gchar *flavour = suffix != NULL ? g_strconcat ("-", suffix, NULL) : g_strdup ("");

      if (!g_str_has_suffix (*release, flavour))
        continue;
      if (found != NULL)
        {
          found = NULL;
          break;
        }
      found = *release;
    }
  if (found != NULL)
    return g_strdup (found);

  return suffix != NULL && vmroot_kernel_is_version (suffix) ? g_strdup (suffix) : NULL;
}

/* The release of the kernel image at `path`, or NULL if it is none. */
static gchar *
identify (Search *search, const gchar *path, const gchar *suffix)
{
  g_autoptr (GError) error = NULL;
  guint8 header[HEADER_SIZE];
  gchar *release;
  gssize size;
  int fd = vmroot_tree_open_file (search->tree, path, MAX_KERNEL_SIZE, &error);

  /* Ubuntu's kernels are for root's eyes only: then the name must do. */
  if (fd < 0)
    return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED)
               ? guess_release (search, suffix)
               : NULL;

  size = pread (fd, header, sizeof header, 0);
  close (fd);
  if (size <= 0 || !is_kernel (header, (gsize)size))
    return NULL;

  release = release_of_bzimage (header, (gsize)size);
  return release != NULL ? release : guess_release (search, suffix);
}

/* Kept for emergencies: Fedora's rescue kernel, and what installkernel moved out of the way. */
static gboolean
is_fallback (const gchar *path)
{
  return strstr (path, "rescue") != NULL || g_str_has_suffix (path, ".old");
}

static VmrootKernel *
kernel_new (VmrootTree *tree,
            const gchar *release,
            const gchar *path,
            const gchar *suffix,
            const gchar *initramfs)
{
  g_autofree gchar *modules = find_modules (tree, release);
  g_autofree gchar *found =
      initramfs != NULL ? g_strdup (initramfs) : find_initramfs (tree, path, suffix, release);

  return g_object_new (VMROOT_TYPE_KERNEL, "version", release, "path", path, "modules", modules,
                       "initramfs", found, NULL);
}

/* Adds the image at `path` unless its release is known already. */
static void
add_kernel (Search *search, const gchar *path, const gchar *suffix, const gchar *initramfs)
{
  g_autofree gchar *release = identify (search, path, suffix);
  VmrootKernel *known;

  if (release == NULL)
    return;

  known = g_hash_table_lookup (search->kernels, release);
  if (known == NULL || (is_fallback (vmroot_kernel_get_path (known)) && !is_fallback (path)) ||
      (initramfs != NULL && vmroot_kernel_get_initramfs (known) == NULL))
    g_hash_table_replace (search->kernels, g_strdup (release),
                          kernel_new (search->tree, release, path, suffix, initramfs));
}

/* "vmlinuz-6.1.0-49-amd64" gives "6.1.0-49-amd64", "vmlinuz" gives "". NULL: no kernel's name. */
static const gchar *
kernel_suffix (const gchar *name)
{
  static const gchar *const stems[] = { "vmlinuz", "vmlinux", "kernel", "bzImage", "Image" };

  for (guint i = 0; i < G_N_ELEMENTS (stems); i++)
    if (g_str_has_prefix (name, stems[i]))
      {
        const gchar *rest = name + strlen (stems[i]);

        if (*rest == '\0')
          return rest;
        if (*rest == '-')
          return rest + 1;
      }
  return NULL;
}

static void
add_kernel_named (Search *search, const gchar *directory, const gchar *name)
{
  const gchar *suffix = kernel_suffix (name);
  g_autofree gchar *path = NULL;

  if (suffix == NULL)
    return;

  path = g_build_filename (directory, name, NULL);
  add_kernel (search, path, *suffix != '\0' ? suffix : NULL, NULL);
}

/* A directory that is not there, or not one, holds nothing. */
static gboolean
list_optional (VmrootTree *tree, const gchar *path, GStrv *names, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  *names = vmroot_tree_list_directory (tree, path, &local_error);
  if (*names != NULL)
    return TRUE;

  if (g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND) ||
      g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_NOT_DIRECTORY) ||
      g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_LINKS))
    {
      *names = g_new0 (gchar *, 1);
      return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

static gboolean
list_releases (Search *search, GError **error)
{
  g_autoptr (GStrvBuilder) releases = g_strv_builder_new ();

  for (guint i = 0; i < G_N_ELEMENTS (module_parents); i++)
    {
      g_auto (GStrv) names = NULL;

      if (!list_optional (search->tree, module_parents[i], &names, error))
        return FALSE;
      for (gchar **name = names; *name != NULL; name++)
        if (vmroot_kernel_is_version (*name))
          g_strv_builder_add (releases, *name);

      /* The rest of a merged /usr is the same directory again. */
      if (names[0] != NULL)
        break;
    }
  search->releases = g_strv_builder_end (releases);
  return TRUE;
}

/* A value of a boot loader entry: a key, white space, the rest of the line (the Boot Loader
 * Specification, https://uapi-group.org/specifications/specs/boot_loader_specification/). */
static gchar *
entry_value (const gchar *text, const gchar *key)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  gsize length = strlen (key);

  for (gchar **line = lines; *line != NULL; line++)
    {
      g_strstrip (*line);
      if (g_str_has_prefix (*line, key) && g_ascii_isspace ((*line)[length]))
        return g_strdup (g_strchug (*line + length));
    }
  return NULL;
}

/* Paths in an entry start at the partition's root: it may be mounted, or be part of the tree. */
static gchar *
resolve_entry_path (VmrootTree *tree, const gchar *boot, const gchar *path)
{
  g_autofree gchar *below = path != NULL ? g_build_filename (boot, path, NULL) : NULL;

  if (below != NULL && vmroot_tree_is_file (tree, below))
    return g_steal_pointer (&below);
  if (path != NULL && path[0] == '/' && vmroot_tree_is_file (tree, path))
    return g_strdup (path);
  return NULL;
}

static void
add_entry (Search *search, const gchar *boot, const gchar *entry)
{
  g_autofree gchar *text = vmroot_tree_read_text (search->tree, entry, MAX_ENTRY_SIZE, NULL);
  g_autofree gchar *linux_value = NULL;
  g_autofree gchar *initrd_value = NULL;
  g_autofree gchar *version = NULL;
  g_autofree gchar *kernel = NULL;
  g_autofree gchar *initramfs = NULL;

  if (text == NULL)
    return;

  linux_value = entry_value (text, "linux");
  initrd_value = entry_value (text, "initrd");
  version = entry_value (text, "version");
  kernel = resolve_entry_path (search->tree, boot, linux_value);
  initramfs = resolve_entry_path (search->tree, boot, initrd_value);
  if (kernel != NULL)
    add_kernel (search, kernel, version, initramfs);
}

static gboolean
add_entries (Search *search, const gchar *boot, GError **error)
{
  g_autofree gchar *directory = g_build_filename (boot, "loader/entries", NULL);
  g_auto (GStrv) names = NULL;

  if (!list_optional (search->tree, directory, &names, error))
    return FALSE;

  for (gchar **name = names; *name != NULL; name++)
    if (g_str_has_suffix (*name, ".conf"))
      {
        g_autofree gchar *entry = g_build_filename (directory, *name, NULL);

        add_entry (search, boot, entry);
      }
  return TRUE;
}

static gboolean
search_tree (Search *search, GError **error)
{
  static const gchar *const boot_directories[] = { "/boot", "/efi", "/boot/efi" };
  g_auto (GStrv) names = NULL;

  if (!list_optional (search->tree, "/boot", &names, error))
    return FALSE;

  for (gchar **name = names; *name != NULL; name++)
    add_kernel_named (search, "/boot", *name);
  for (gchar **release = search->releases; *release != NULL; release++)
    {
      g_autofree gchar *modules = find_modules (search->tree, *release);
      g_autofree gchar *path = modules != NULL ? g_build_filename (modules, "vmlinuz", NULL) : NULL;

      if (path != NULL)
        add_kernel (search, path, *release, NULL);
    }
  for (guint i = 0; i < G_N_ELEMENTS (boot_directories); i++)
    if (!add_entries (search, boot_directories[i], error))
      return FALSE;

  add_kernel_named (search, "/", "vmlinuz");
  return TRUE;
}

/* Best first: what can load modules, what is not for emergencies, the newest. */
static gint
compare_kernels (gconstpointer a, gconstpointer b)
{
  VmrootKernel *one = *(VmrootKernel *const *)a;
  VmrootKernel *other = *(VmrootKernel *const *)b;
  gboolean one_lacks = vmroot_kernel_get_modules (one) == NULL;
  gboolean other_lacks = vmroot_kernel_get_modules (other) == NULL;
  gboolean one_old = is_fallback (vmroot_kernel_get_path (one));
  gboolean other_old = is_fallback (vmroot_kernel_get_path (other));

  if (one_lacks != other_lacks)
    return one_lacks - other_lacks;
  if (one_old != other_old)
    return one_old - other_old;
  return vmroot_kernel_compare_versions (vmroot_kernel_get_version (other),
                                         vmroot_kernel_get_version (one));
}

static void
search_clear (Search *search)
{
  g_clear_pointer (&search->releases, g_strfreev);
  g_clear_pointer (&search->kernels, g_hash_table_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Search, search_clear)

static gboolean
search_start (Search *search, VmrootTree *tree, GError **error)
{
  search->tree = tree;
  search->kernels = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  return list_releases (search, error);
}

/**
 * vmroot_tree_list_kernels:
 * @self: a tree
 * @error: return location for a #GError
 *
 * Looks for kernels: in `/boot`, beside their modules, and in boot loader entries. One that is
 * there under several names is listed once.
 *
 * A kernel says its own release where it is an x86 one; else its name or its modules must.
 *
 * Returns: (transfer container) (element-type VmrootKernel): the kernels, the one that a guest
 * would boot first: those with modules before those without, then newest first. Empty if there are
 * none. %NULL on error: %VMROOT_ERROR_UNSAFE_TREE for a directory that no distribution makes, and
 *   [error@Gio.IOErrorEnum] where the tree cannot be read
 *
 * Since: 1.0
 */
GPtrArray *
vmroot_tree_list_kernels (VmrootTree *self, GError **error)
{
  g_auto (Search) search = { NULL };
  GPtrArray *kernels;
  GHashTableIter iter;
  gpointer kernel;

  g_return_val_if_fail (VMROOT_IS_TREE (self), NULL);

  if (!search_start (&search, self, error) || !search_tree (&search, error))
    return NULL;

  kernels = g_ptr_array_new_with_free_func (g_object_unref);
  g_hash_table_iter_init (&iter, search.kernels);
  while (g_hash_table_iter_next (&iter, NULL, &kernel))
    g_ptr_array_add (kernels, g_object_ref (kernel));
  g_ptr_array_sort (kernels, compare_kernels);
  return kernels;
}

/* An image that is named by its path need not be where kernels are looked for. */
static VmrootKernel *
kernel_at (VmrootTree *self, const gchar *path, GError **error)
{
  g_auto (Search) search = { NULL };
  g_autofree gchar *name = g_path_get_basename (path);
  g_autofree gchar *release = NULL;
  const gchar *suffix = kernel_suffix (name);

  if (!search_start (&search, self, error))
    return NULL;

  if (suffix != NULL && *suffix == '\0')
    suffix = NULL;
  release = identify (&search, path, suffix);
  if (release == NULL)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_KERNEL,
                   _ ("%s in %s is not a kernel whose release can be told. Name one that \"vmroot "
                      "check\" lists, or none, for the newest"),
                   path, self->path);
      return NULL;
    }
  return kernel_new (self, release, path, suffix, NULL);
}

static gchar *
join_versions (GPtrArray *kernels)
{
  g_autoptr (GString) versions = g_string_new (NULL);

  for (guint i = 0; i < kernels->len; i++)
    g_string_append_printf (versions, "%s%s", i > 0 ? ", " : "",
                            vmroot_kernel_get_version (kernels->pdata[i]));
  return g_string_free (g_steal_pointer (&versions), FALSE);
}

VmrootKernel *
vmroot_tree_find_kernel (VmrootTree *self, const gchar *wish, GError **error)
{
  g_autoptr (GPtrArray) kernels = NULL;
  g_autofree gchar *versions = NULL;

  if (wish != NULL && wish[0] == '/')
    return kernel_at (self, wish, error);

  kernels = vmroot_tree_list_kernels (self, error);
  if (kernels == NULL)
    return NULL;
  if (kernels->len == 0)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_KERNEL,
                   _ ("No kernel in %s: looked in /boot, /usr/lib/modules and boot loader entries. "
                      "Install one with the tree's package manager (Debian: "
                      "linux-image-cloud-amd64; Fedora: kernel-core; Alpine: linux-virt)"),
                   self->path);
      return NULL;
    }
  if (wish == NULL)
    return g_object_ref (kernels->pdata[0]);

  for (guint i = 0; i < kernels->len; i++)
    if (g_str_equal (vmroot_kernel_get_version (kernels->pdata[i]), wish))
      return g_object_ref (kernels->pdata[i]);

  versions = join_versions (kernels);
  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_NO_KERNEL,
               _ ("No kernel %s in %s: it has %s. Name one of these, or none, for the newest"),
               wish, self->path, versions);
  return NULL;
}
