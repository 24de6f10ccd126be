/* SPDX-License-Identifier: GPL-2.0-or-later */

/* vmroot boot-image: kernel and initramfs alone, for those who start QEMU themselves. */

#include "config.h"

#include "vmroot-command.h"
#include "vmroot-json.h"
#include "vmroot-spec-options.h"

static VmrootBootImage *
build (const gchar *sysroot,
       const SpecOptions *options,
       const gchar *word,
       const gchar *output,
       GCancellable *cancellable,
       GError **error)
{
  g_autofree gchar *directory = g_canonicalize_filename (word, NULL);
  g_autofree gchar *absolute_output = g_canonicalize_filename (output, NULL);
  g_autoptr (VmrootSpec) spec = spec_options_get_spec (options, directory, cancellable, error);
  g_autofree gchar *path = command_host_path (sysroot, directory);
  g_autoptr (VmrootTree) tree = spec != NULL ? vmroot_tree_new (path, error) : NULL;

  if (tree == NULL)
    return NULL;

  return vmroot_boot_image_build (tree, spec, absolute_output, cancellable, error);
}

static void
print_image (VmrootBootImage *image)
{
  g_print ("kernel      %s\n"
           "initramfs   %s\n"
           "version     %s\n",
           vmroot_boot_image_get_kernel (image), vmroot_boot_image_get_initramfs (image),
           vmroot_boot_image_get_kernel_version (image));
  if (!vmroot_boot_image_get_rebuilt (image))
    g_print ("Nothing has changed since they were made.\n");
}

static JsonObject *
image_to_json (VmrootBootImage *image)
{
  JsonObject *json = json_object_new ();

  json_object_set_string_member (json, "kernel", vmroot_boot_image_get_kernel (image));
  json_object_set_string_member (json, "initramfs", vmroot_boot_image_get_initramfs (image));
  json_object_set_string_member (json, "version", vmroot_boot_image_get_kernel_version (image));
  json_object_set_boolean_member (json, "rebuilt", vmroot_boot_image_get_rebuilt (image));
  return json;
}

static gboolean
boot_image (gchar **argv, GCancellable *cancellable, GError **error)
{
  g_auto (CommonOptions) common = { NULL };
  g_auto (SpecOptions) options = { NULL };
  g_autofree gchar *output = NULL;
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "Where to put them", "OUTDIR" },
    { NULL },
  };
  g_auto (GStrv) operands = command_parse (argv, entries, &options, &common, COMMON_JSON, 1, error);
  g_autoptr (VmrootBootImage) image = NULL;

  if (operands == NULL)
    return FALSE;
  if (operands[0] == NULL || output == NULL)
    {
      command_set_misused (error, "Say which tree and where to: DIR --output OUTDIR");
      return FALSE;
    }

  image = build (common.sysroot, &options, operands[0], output, cancellable, error);
  if (image == NULL)
    return FALSE;

  if (common.json)
    json_print_object (image_to_json (image));
  else
    print_image (image);
  return TRUE;
}

gint
run_boot_image (gchar **argv, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;

  return boot_image (argv, cancellable, &error) ? COMMAND_DONE : command_fail (argv[0], error);
}
