/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "command-line.h"

#include <glib.h>

static void
assert_init (const char *line, const char *expected)
{
  g_autofree char *init = command_line_get (line, "init");

  g_assert_cmpstr (init, ==, expected);
}

static void
test_get (void)
{
  assert_init ("", NULL);
  assert_init ("root=vmroot rw\n", NULL);
  assert_init ("init=/bin/sh", "/bin/sh");
  assert_init ("root=vmroot init=/bin/sh quiet\n", "/bin/sh");
  assert_init ("init=/a init=/b", "/b");
  assert_init ("rdinit=/a myinit=/b", NULL);
  assert_init ("init", NULL);
  assert_init ("init=", "");
  assert_init ("init=\"/a b\" x", "/a b");
  assert_init ("\"init=/a b\" x", "/a b");
  assert_init ("x=\"a init=/b\"", NULL);
  assert_init ("quiet -- init=/a", NULL);
  assert_init ("quiet\t--x init=/a", "/a");
}

static void
assert_parameters (const char *line, const char *module, const char *expected)
{
  g_autofree char *parameters = command_line_get_module_parameters (line, module);

  g_assert_cmpstr (parameters, ==, expected);
}

static void
test_module_parameters (void)
{
  assert_parameters ("", "fuse", "");
  assert_parameters ("root=a quiet", "fuse", "");
  assert_parameters ("fuse.a=1 x fuse.b=2 virtio.c=3", "fuse", "a=1 b=2");
  assert_parameters ("virtio-pci.force_legacy=1", "virtio_pci", "force_legacy=1");
  assert_parameters ("virtio_pci.force_legacy=1", "virtio-pci", "force_legacy=1");
  assert_parameters ("fusex.a=1 fuse", "fuse", "");
  assert_parameters ("fuse.a=\"1 2\"", "fuse", "a=\"1 2\"");
  assert_parameters ("-- fuse.a=1", "fuse", "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/init-command-line/get", test_get);
  g_test_add_func ("/init-command-line/module-parameters", test_module_parameters);
  return g_test_run ();
}
