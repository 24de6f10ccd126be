/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Kernel command lines, which vmroot shares with whoever else writes them. */

#include "config.h"

#include <string.h>

#include "vmroot-kernel-args-private.h"

/* lib/cmdline.c of the kernel, next_arg(): white space separates, double quotes anywhere in an
 * argument keep it together, and nothing escapes a quotation mark. */
gchar **
vmroot_kernel_args_split (const gchar *line, gboolean *balanced)
{
  g_autoptr (GStrvBuilder) args = g_strv_builder_new ();
  g_autoptr (GString) arg = g_string_new (NULL);
  gboolean quoted = FALSE;

  for (const gchar *p = line; *p != '\0'; p++)
    {
      if (*p == '"')
        quoted = !quoted;

      if (quoted || !g_ascii_isspace (*p))
        {
          g_string_append_c (arg, *p);
        }
      else if (arg->len > 0)
        {
          g_strv_builder_add (args, arg->str);
          g_string_truncate (arg, 0);
        }
    }

  if (arg->len > 0)
    g_strv_builder_add (args, arg->str);
  if (balanced != NULL)
    *balanced = !quoted;
  return g_strv_builder_end (args);
}

/* Whether `arg` is the parameter `name`, with a value or without. */
static gboolean
is_parameter (const gchar *arg, const gchar *name)
{
  gsize length = strlen (name);

  return strncmp (arg, name, length) == 0 && (arg[length] == '\0' || arg[length] == '=');
}

gboolean
vmroot_kernel_arg_names_root (const gchar *arg)
{
  /* Documentation/admin-guide/kernel-parameters.txt */
  const gchar *const parameters[] = { "root", "rootfstype", "rootflags", "nfsroot", "ro", "rw" };

  for (guint i = 0; i < G_N_ELEMENTS (parameters); i++)
    if (is_parameter (arg, parameters[i]))
      return TRUE;
  return FALSE;
}

/* Whether a command line with both would contradict itself. */
static gboolean
same_parameter (const gchar *a, const gchar *b)
{
  g_autofree gchar *name = g_strndup (a, strcspn (a, "="));

  if (g_str_equal (name, "ro") || g_str_equal (name, "rw"))
    return is_parameter (b, "ro") || is_parameter (b, "rw");
  return is_parameter (b, name);
}

/* The position of `arg` in `args`, or -1. */
static gint
find_arg (GPtrArray *args, const gchar *arg)
{
  guint i;

  return g_ptr_array_find_with_equal_func (args, arg, g_str_equal, &i) ? (gint)i : -1;
}

static GPtrArray *
split_to_array (const gchar *line)
{
  g_autofree gchar **args = vmroot_kernel_args_split (line, NULL);
  GPtrArray *array = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; args[i] != NULL; i++)
    g_ptr_array_add (array, args[i]);
  return array;
}

static gchar *
join (GPtrArray *args)
{
  g_autoptr (GString) line = g_string_new (NULL);

  for (guint i = 0; i < args->len; i++)
    g_string_append_printf (line, "%s%s", i > 0 ? " " : "",
                            (const gchar *)g_ptr_array_index (args, i));
  return g_string_free (g_steal_pointer (&line), FALSE);
}

/* The arguments of `line` that `other` has not, each as often as it is there more often. */
static GPtrArray *
subtract (const gchar *line, const gchar *other)
{
  GPtrArray *args = split_to_array (line);
  g_autoptr (GPtrArray) others = split_to_array (other);

  for (guint i = 0; i < others->len; i++)
    {
      gint found = find_arg (args, g_ptr_array_index (others, i));

      if (found >= 0)
        g_ptr_array_remove_index (args, found);
    }

  return args;
}

gchar *
vmroot_kernel_args_add (const gchar *line, const gchar *ours)
{
  g_autoptr (GPtrArray) args = split_to_array (ours);
  g_autoptr (GPtrArray) theirs = split_to_array (line != NULL ? line : "");
  const guint n_ours = args->len;
  gboolean for_init = FALSE;

  /* Ours come first: what follows “--” is for the guest's init, and must remain its last. */
  for (guint i = 0; i < theirs->len; i++)
    {
      const gchar *arg = g_ptr_array_index (theirs, i);
      gint found = find_arg (args, arg);

      for_init = for_init || g_str_equal (arg, "--");
      if (for_init ||
          (!vmroot_kernel_arg_names_root (arg) && !(found >= 0 && (guint)found < n_ours)))
        g_ptr_array_add (args, g_strdup (arg));
    }

  return join (args);
}

gchar *
vmroot_kernel_args_remove (const gchar *line, const gchar *wrote, const gchar *was)
{
  g_autoptr (GPtrArray) args = split_to_array (line);
  g_autoptr (GPtrArray) ours = subtract (wrote, was);
  g_autoptr (GPtrArray) replaced = subtract (was, wrote);
  guint position = 0;

  for (guint i = 0; i < ours->len; i++)
    {
      gint found = find_arg (args, g_ptr_array_index (ours, i));

      if (found >= 0)
        g_ptr_array_remove_index (args, found);
    }

  /* What ours had replaced comes back, unless something else says the same by now. */
  for (guint i = 0; i < replaced->len; i++)
    {
      const gchar *arg = g_ptr_array_index (replaced, i);
      gboolean taken = FALSE;

      for (guint j = 0; j < args->len && !taken; j++)
        taken = same_parameter (arg, g_ptr_array_index (args, j));
      if (!taken)
        g_ptr_array_insert (args, position++, g_strdup (arg));
    }

  return join (args);
}
