/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "vmroot.h"

static void
test_share_keeps_what_it_was_given (void)
{
  g_autoptr (VmrootShare) share = vmroot_share_new ("/srv/packages", "/var/cache/packages", TRUE);

  g_assert_cmpstr (vmroot_share_get_directory (share), ==, "/srv/packages");
  g_assert_cmpstr (vmroot_share_get_mount_point (share), ==, "/var/cache/packages");
  g_assert_true (vmroot_share_get_read_only (share));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/spec/share", test_share_keeps_what_it_was_given);
  return g_test_run ();
}
