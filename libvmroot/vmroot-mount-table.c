/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <string.h>

#include "vmroot-mount-table-private.h"

/* proc(5), /proc/PID/mountinfo. A “-” stands between the optional fields and the rest. */
enum
{
  DEVICE = 2,
  ROOT,
  MOUNT_POINT,
  OPTIONS,
  N_FIRST_FIELDS,
};

static void
mount_free (VmrootMount *mount)
{
  g_free (mount->device);
  g_free (mount->root);
  g_free (mount->mount_point);
  g_strfreev (mount->options);
  g_free (mount->type);
  g_free (mount);
}

/* NULL: not a line of that file. The kernel escapes white space and backslashes in octal, which C
 * does, too. */
static VmrootMount *
parse_line (const gchar *line)
{
  g_auto (GStrv) fields = g_strsplit (line, " ", -1);
  VmrootMount *mount;
  guint type = N_FIRST_FIELDS;

  if (g_strv_length (fields) < N_FIRST_FIELDS)
    return NULL;
  while (fields[type] != NULL && !g_str_equal (fields[type], "-"))
    type++;
  if (fields[type] == NULL || fields[type + 1] == NULL)
    return NULL;

  mount = g_new0 (VmrootMount, 1);
  mount->device = g_strdup (fields[DEVICE]);
  mount->root = g_strcompress (fields[ROOT]);
  mount->mount_point = g_strcompress (fields[MOUNT_POINT]);
  mount->options = g_strsplit (fields[OPTIONS], ",", -1);
  mount->type = g_strdup (fields[type + 1]);
  return mount;
}

GPtrArray *
vmroot_mount_table_read (VmrootContext *context)
{
  GPtrArray *table = g_ptr_array_new_with_free_func ((GDestroyNotify)mount_free);
  g_autofree gchar *path = vmroot_context_path (context, "/proc/self/mountinfo");
  g_autofree gchar *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return table;

  lines = g_strsplit (text, "\n", -1);
  for (gchar **line = lines; *line != NULL; line++)
    {
      VmrootMount *mount = parse_line (*line);

      if (mount != NULL)
        g_ptr_array_add (table, mount);
    }
  return table;
}

gboolean
vmroot_path_is_within (const gchar *path, const gchar *directory)
{
  const gsize length = g_str_equal (directory, "/") ? 0 : strlen (directory);

  return strncmp (path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* Of two mounts on the same place, the later one covers the earlier. */
const VmrootMount *
vmroot_mount_table_find (GPtrArray *table, const gchar *path)
{
  const VmrootMount *found = NULL;

  for (guint i = 0; i < table->len; i++)
    {
      const VmrootMount *mount = g_ptr_array_index (table, i);

      if (vmroot_path_is_within (path, mount->mount_point) &&
          (found == NULL || strlen (mount->mount_point) >= strlen (found->mount_point)))
        found = mount;
    }

  return found;
}

gboolean
vmroot_mount_has_option (const VmrootMount *self, const gchar *option)
{
  return g_strv_contains ((const gchar *const *)self->options, option);
}
