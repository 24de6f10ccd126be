/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The child that reads a tree: see vmroot-builder-private.h for what it is asked and answers. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "vmroot-builder-private.h"
#include "vmroot-error.h"
#include "vmroot-initramfs-private.h"
#include "vmroot-kernel-config-private.h"
#include "vmroot-modules-private.h"
#include "vmroot-translation-private.h"
#include "vmroot-tree-private.h"

#define MAX_REQUEST_SIZE (64 * 1024 * 1024)
#define MAX_IMAGE_SIZE (G_GUINT64_CONSTANT (512) << 20)

/* linux/Documentation/admin-guide/devices.txt */
#define CONSOLE_MAJOR 5
#define CONSOLE_MINOR 1

static GBytes *
read_descriptor (int fd, GError **error)
{
  struct stat status;
  g_autofree gchar *data = NULL;

  if (fstat (fd, &status) < 0 || status.st_size > MAX_REQUEST_SIZE)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
                   _ ("Cannot read what the parent gave: %s"), g_strerror (errno));
      return NULL;
    }

  data = g_malloc ((gsize)status.st_size);
  if (pread (fd, data, (gsize)status.st_size, 0) != status.st_size)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
                   _ ("Cannot read what the parent gave: %s"), g_strerror (errno));
      return NULL;
    }
  return g_bytes_new_take (g_steal_pointer (&data), (gsize)status.st_size);
}

static GVariant *
read_request (GError **error)
{
  g_autoptr (GBytes) bytes = read_descriptor (STDIN_FILENO, error);

  if (bytes == NULL)
    return NULL;
  return g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE_VARDICT, bytes, FALSE));
}

/* In the kernel where it can: a copy-on-write file system then copies nothing. */
static gboolean
copy_descriptor (int from, int to)
{
  gssize n;

  while ((n = copy_file_range (from, NULL, to, NULL, G_MAXINT32, 0)) > 0)
    ;
  if (n == 0)
    return TRUE;
  if (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
    return FALSE;

  while ((n = sendfile (to, from, NULL, G_MAXINT32)) > 0)
    ;
  return n == 0;
}

static gboolean
copy_file (VmrootTree *tree, const gchar *path, int to, GError **error)
{
  int from = vmroot_tree_open_file (tree, path, MAX_IMAGE_SIZE, error);
  gboolean copied;

  if (from < 0)
    return FALSE;

  copied = copy_descriptor (from, to);
  if (!copied)
    g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, _ ("Cannot copy %s: %s"), path,
                 g_strerror (errno));
  close (from);
  return copied;
}

static gboolean
add_modules (VmrootInitramfs *initramfs,
             VmrootModules *modules,
             gchar **paths,
             GString *configuration,
             GError **error)
{
  for (gchar **path = paths; *path != NULL; path++)
    {
      g_autofree gchar *name = vmroot_modules_packed_name (*path);
      g_autofree gchar *packed = g_build_filename ("modules", name, NULL);
      g_autoptr (GBytes) content = vmroot_modules_read (modules, *path, error);

      if (content == NULL)
        return FALSE;
      vmroot_initramfs_add_file (initramfs, packed, 0644, content);
      g_string_append_printf (configuration, "module %s\n", name);
    }
  return TRUE;
}

static void
add_run_files (VmrootInitramfs *initramfs, GVariant *request)
{
  g_autoptr (GVariant) contents =
      g_variant_lookup_value (request, "run-files", G_VARIANT_TYPE_BYTESTRING_ARRAY);

  for (gsize i = 0; contents != NULL && i < g_variant_n_children (contents); i++)
    {
      g_autoptr (GVariant) content = g_variant_get_child_value (contents, i);
      const gchar *text = g_variant_get_bytestring (content);
      g_autofree gchar *path = g_strdup_printf ("run-files/%" G_GSIZE_FORMAT, i + 1);
      g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

      vmroot_initramfs_add_file (initramfs, path, 0644, bytes);
    }
}

static void
add_skeleton (VmrootInitramfs *initramfs, GBytes *init, const gchar *configuration)
{
  static const gchar *const directories[] = { "dev", "proc", "root", "run", "sys" };
  g_autoptr (GBytes) text = g_bytes_new (configuration, strlen (configuration));

  for (guint i = 0; i < G_N_ELEMENTS (directories); i++)
    vmroot_initramfs_add_directory (initramfs, directories[i]);
  vmroot_initramfs_add_character_device (initramfs, "dev/console", 0600, CONSOLE_MAJOR,
                                         CONSOLE_MINOR);
  vmroot_initramfs_add_file (initramfs, "init", 0755, init);
  vmroot_initramfs_add_file (initramfs, "vmroot-init.conf", 0644, text);
}

static gboolean
make_initramfs (VmrootTree *tree, VmrootKernel *kernel, GVariant *request, GError **error)
{
  g_autoptr (VmrootSpec) spec = vmroot_builder_request_get_spec (request);
  g_autoptr (VmrootModules) modules = vmroot_modules_new (tree, kernel, error);
  g_autoptr (GPtrArray) needs = vmroot_modules_needed_for (spec);
  g_autoptr (VmrootInitramfs) initramfs = vmroot_initramfs_new ();
  g_autoptr (GString) configuration = g_string_new ("version 1\n");
  g_autoptr (GBytes) init = NULL;
  g_auto (GStrv) paths = NULL;
  const gchar *rest = "";

  if (modules == NULL)
    return FALSE;

  paths = vmroot_modules_resolve (modules, needs, error);
  if (paths == NULL || !add_modules (initramfs, modules, paths, configuration, error))
    return FALSE;

  init = read_descriptor (VMROOT_BUILDER_INIT_FD, error);
  if (init == NULL)
    return FALSE;

  g_variant_lookup (request, "configuration", "&s", &rest);
  g_string_append (configuration, rest);
  add_skeleton (initramfs, init, configuration->str);
  add_run_files (initramfs, request);
  return vmroot_initramfs_write (initramfs, VMROOT_BUILDER_INITRAMFS_FD, error);
}

/* QEMU is told of an initramfs in any case; the kernel goes on by itself where it finds no /init.
 */
static gboolean
write_empty_initramfs (GError **error)
{
  g_autoptr (VmrootInitramfs) initramfs = vmroot_initramfs_new ();

  return vmroot_initramfs_write (initramfs, VMROOT_BUILDER_INITRAMFS_FD, error);
}

static gboolean
copy_initramfs (VmrootTree *tree, VmrootKernel *kernel, GVariant *request, GError **error)
{
  const gchar *path = vmroot_kernel_get_initramfs (kernel);
  g_autofree gchar *missing = NULL;
  guint32 transport = VMROOT_TRANSPORT_VIRTIOFS;

  g_variant_lookup (request, "transport", "u", &transport);
  if (path == NULL && transport == VMROOT_TRANSPORT_NFS &&
      vmroot_kernel_config_mounts_nfs (tree, kernel, &missing))
    return write_empty_initramfs (error);
  if (path == NULL)
    {
      g_set_error (
          error, VMROOT_ERROR, VMROOT_ERROR_NO_INITRAMFS,
          _ ("Kernel %s in %s has no initramfs beside it in /boot. Make one in the tree (Debian: "
             "update-initramfs -c -k %s), or let vmroot make it: --boot-image vmroot"),
          vmroot_kernel_get_version (kernel), vmroot_tree_get_path (tree),
          vmroot_kernel_get_version (kernel));
      return FALSE;
    }
  return copy_file (tree, path, VMROOT_BUILDER_INITRAMFS_FD, error);
}

/* Whether every input was written before `start`, by a clock that may stand still for a while. */
static gboolean
is_settled (GVariant *inputs, const struct timespec *start)
{
  gint64 limit = (gint64)start->tv_sec * G_GINT64_CONSTANT (1000000000) + start->tv_nsec;
  GVariantIter iter;
  gint64 changed;

  g_variant_iter_init (&iter, inputs);
  while (g_variant_iter_next (&iter, "(&sbtttxx)", NULL, NULL, NULL, NULL, NULL, NULL, &changed))
    if (changed >= limit)
      return FALSE;
  return TRUE;
}

static gboolean
build (VmrootTree *tree, GVariant *request, GVariantDict *answer, GError **error)
{
  g_autoptr (VmrootKernel) kernel = NULL;
  g_autoptr (GVariant) inputs = NULL;
  const gchar *wish = NULL;
  guint32 boot_source = VMROOT_BOOT_SOURCE_VMROOT;
  struct timespec start;

  clock_gettime (CLOCK_REALTIME_COARSE, &start);
  vmroot_tree_record_inputs (tree);
  g_variant_lookup (request, "kernel", "&s", &wish);
  g_variant_lookup (request, "boot-source", "u", &boot_source);

  kernel = vmroot_tree_find_kernel (tree, wish, error);
  if (kernel == NULL)
    return FALSE;
  if (boot_source == VMROOT_BOOT_SOURCE_GUEST ? !copy_initramfs (tree, kernel, request, error)
                                              : !make_initramfs (tree, kernel, request, error))
    return FALSE;
  if (!copy_file (tree, vmroot_kernel_get_path (kernel), VMROOT_BUILDER_KERNEL_FD, error))
    return FALSE;

  inputs = vmroot_tree_get_inputs (tree);
  g_variant_dict_insert (answer, "kernel-version", "s", vmroot_kernel_get_version (kernel));
  g_variant_dict_insert (answer, "settled", "b", is_settled (inputs, &start));
  g_variant_dict_insert_value (answer, "inputs", inputs);
  return TRUE;
}

static gboolean
check (VmrootTree *tree, GVariant *request, GVariantDict *answer, GError **error)
{
  g_autoptr (VmrootSpec) spec = vmroot_builder_request_get_spec (request);
  g_autoptr (GPtrArray) findings = vmroot_tree_collect_findings (tree, spec);

  g_variant_dict_insert_value (answer, "findings", vmroot_tree_pack_findings (findings));
  return TRUE;
}

static gboolean
recognise (VmrootTree *tree, GVariant *request, GVariantDict *answer, GError **error)
{
  g_autofree gchar *generator = vmroot_tree_find_generator (tree);

  if (generator != NULL)
    g_variant_dict_insert (answer, "generator", "s", generator);
  return TRUE;
}

typedef gboolean (*Operation) (VmrootTree *tree,
                               GVariant *request,
                               GVariantDict *answer,
                               GError **error);

static const struct
{
  const gchar *name;
  Operation run;
} operations[] = {
  { "build", build },
  { "check", check },
  { "recognise", recognise },
};

static gboolean
serve (GVariant *request, GVariantDict *answer, GError **error)
{
  g_autoptr (VmrootTree) tree = NULL;
  const gchar *operation = "";
  const gchar *path = "/";
  int tree_fd = VMROOT_BUILDER_TREE_FD;

  g_variant_lookup (request, "operation", "&s", &operation);
  g_variant_lookup (request, "path", "&s", &path);
  if (!vmroot_builder_confine (&tree_fd, error))
    return FALSE;

  tree = vmroot_tree_new_for_fd (tree_fd, path);
  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    if (g_str_equal (operations[i].name, operation))
      return operations[i].run (tree, request, answer, error);

  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
               "%s is run by vmroot's own programs, and knows no operation \"%s\"",
               VMROOT_BUILDER_PROGRAM, operation);
  return FALSE;
}

static void
answer_error (GVariantDict *answer, const GError *error)
{
  gint code = error->domain == VMROOT_ERROR ? error->code : VMROOT_ERROR_FAILED;
  g_autofree gchar *message = g_utf8_make_valid (error->message, -1);

  g_variant_dict_clear (answer);
  g_variant_dict_init (answer, NULL);
  g_variant_dict_insert (answer, "error-code", "u", (guint32)code);
  g_variant_dict_insert (answer, "error-message", "s", message);
}

#if VMROOT_SANITIZED
/* Looking for leaks needs ptrace(2), which a confined process does not have. */
__attribute__ ((visibility ("default"))) const gchar *__asan_default_options (void);

const gchar *
__asan_default_options (void)
{
  return "detect_leaks=0";
}
#endif

int
main (int argc, char **argv)
{
  g_auto (GVariantDict) answer = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) request = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  vmroot_translation_load (argc > 1 ? argv[1] : NULL);
  request = read_request (&error);
  if (request == NULL || !serve (request, &answer, &error))
    answer_error (&answer, error);

  reply = g_variant_ref_sink (g_variant_dict_end (&answer));
  size = g_variant_get_size (reply);
  return write (STDOUT_FILENO, g_variant_get_data (reply), size) == (gssize)size ? 0 : 1;
}
