/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "vmroot-kernel-args-private.h"

static void
test_quotes_keep_arguments_together (void)
{
  gboolean balanced;
  g_auto (GStrv) args =
      vmroot_kernel_args_split ("  quiet \t dyndbg=\"file a +p\"\n\"b c\" ", &balanced);

  g_assert_cmpuint (g_strv_length (args), ==, 3);
  g_assert_cmpstr (args[0], ==, "quiet");
  g_assert_cmpstr (args[1], ==, "dyndbg=\"file a +p\"");
  g_assert_cmpstr (args[2], ==, "\"b c\"");
  g_assert_true (balanced);
}

static void
test_an_open_quote_goes_to_the_end (void)
{
  gboolean balanced;
  g_auto (GStrv) args = vmroot_kernel_args_split ("a=\"b c", &balanced);

  g_assert_cmpuint (g_strv_length (args), ==, 1);
  g_assert_cmpstr (args[0], ==, "a=\"b c");
  g_assert_false (balanced);
}

typedef struct
{
  const gchar *was;
  const gchar *ours;
  const gchar *expected;
} AddCase;

static void
test_ours_replace_and_are_not_doubled (void)
{
  const AddCase cases[] = {
    { NULL, "root=vmroot rw", "root=vmroot rw" },
    { "", "root=vmroot rw", "root=vmroot rw" },
    { "quiet  splash", "root=vmroot rw", "root=vmroot rw quiet splash" },
    { "root=/dev/vda1 ro quiet", "root=vmroot rw", "root=vmroot rw quiet" },
    { "rootwait rooted=1 row", "root=vmroot rw", "root=vmroot rw rootwait rooted=1 row" },
    { "root=vmroot rw", "root=vmroot rw", "root=vmroot rw" },
    { "console=ttyS0 console=ttyS0", "rw console=ttyS0", "rw console=ttyS0" },
    { "console=tty0 console=ttyS0", "rw console=hvc0",
      "rw console=hvc0 console=tty0 console=ttyS0" },
    { "quiet -- root=1 rw", "root=vmroot rw", "root=vmroot rw quiet -- root=1 rw" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *line = vmroot_kernel_args_add (cases[i].was, cases[i].ours);

      g_assert_cmpstr (line, ==, cases[i].expected);
    }
}

static void
test_what_others_changed_meanwhile_stays (void)
{
  const struct
  {
    const gchar *line;
    const gchar *wrote;
    const gchar *was;
    const gchar *expected;
  } cases[] = {
    /* added */
    { "root=vmroot rw quiet debug", "root=vmroot rw quiet", "quiet", "quiet debug" },
    /* taken away */
    { "root=vmroot rw", "root=vmroot rw quiet", "quiet", "" },
    /* what we had replaced comes back */
    { "root=vmroot rw debug", "root=vmroot rw", "root=/dev/vda ro", "root=/dev/vda ro debug" },
    /* but not against what was put in its place */
    { "root=/dev/vdb rw", "root=vmroot rw", "root=/dev/vda ro", "ro root=/dev/vdb" },
    { "root=vmroot ro debug", "root=vmroot rw", "", "ro debug" },
    /* all of it is theirs */
    { "quiet", "root=vmroot rw", "", "quiet" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree gchar *line =
          vmroot_kernel_args_remove (cases[i].line, cases[i].wrote, cases[i].was);

      g_assert_cmpstr (line, ==, cases[i].expected);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/kernel-args/split", test_quotes_keep_arguments_together);
  g_test_add_func ("/kernel-args/split/open-quote", test_an_open_quote_goes_to_the_end);
  g_test_add_func ("/kernel-args/add", test_ours_replace_and_are_not_doubled);
  g_test_add_func ("/kernel-args/remove", test_what_others_changed_meanwhile_stays);

  return g_test_run ();
}
