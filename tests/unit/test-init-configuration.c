/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "configuration.h"

#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/mount.h>

static void
parse (struct configuration *configuration, const char *text)
{
  char message[256] = "";
  gboolean parsed =
      configuration_parse (configuration, strdup (text), strlen (text), message, sizeof message);

  g_assert_cmpstr (message, ==, "");
  g_assert_true (parsed);
}

static void
test_whole (void)
{
  struct configuration configuration;

  parse (&configuration, "version 1\n"
                         "module kernel/fs/fuse/fuse.ko\n"
                         "module kernel/fs/fuse/virtiofs.ko\n"
                         "timeout 5\n"
                         "on-failure shell\n"
                         "mount virtiofs vmroot / rw,relatime\n"
                         "overlay\n"
                         "mount virtiofs vmroot-share-1 /srv/pkgs ro\n"
                         "mount tmpfs tmpfs /var/tmp size=1073741824,mode=1777\n"
                         "run-file systemd/network/10-x.network 0644 1\n");

  g_assert_cmpuint (configuration.n_modules, ==, 2);
  g_assert_cmpstr (configuration.modules[0], ==, "kernel/fs/fuse/fuse.ko");
  g_assert_cmpstr (configuration.modules[1], ==, "kernel/fs/fuse/virtiofs.ko");
  g_assert_cmpuint (configuration.timeout, ==, 5);
  g_assert_true (configuration.shell_on_failure);
  g_assert_true (configuration.overlay);

  g_assert_cmpuint (configuration.n_mounts, ==, 3);
  g_assert_cmpstr (configuration.mounts[0].type, ==, "virtiofs");
  g_assert_cmpstr (configuration.mounts[0].source, ==, "vmroot");
  g_assert_cmpstr (configuration.mounts[0].target, ==, "/");
  g_assert_cmphex (configuration.mounts[0].flags, ==, MS_RELATIME);
  g_assert_null (configuration.mounts[0].data);
  g_assert_cmphex (configuration.mounts[1].flags, ==, MS_RDONLY);
  g_assert_cmpstr (configuration.mounts[2].data, ==, "size=1073741824,mode=1777");

  g_assert_cmpuint (configuration.n_run_files, ==, 1);
  g_assert_cmpstr (configuration.run_files[0].path, ==, "systemd/network/10-x.network");
  g_assert_cmphex (configuration.run_files[0].mode, ==, 0644);
  g_assert_cmpuint (configuration.run_files[0].number, ==, 1);
  configuration_clear (&configuration);
}

static void
test_defaults (void)
{
  struct configuration configuration;

  parse (&configuration, "version 1\nmount virtiofs vmroot / -\n");

  g_assert_cmpuint (configuration.timeout, ==, 30);
  g_assert_false (configuration.shell_on_failure);
  g_assert_false (configuration.overlay);
  g_assert_cmphex (configuration.mounts[0].flags, ==, 0);
  g_assert_null (configuration.mounts[0].data);
  configuration_clear (&configuration);
}

static void
test_flags_and_data_are_told_apart (void)
{
  struct configuration configuration;

  parse (&configuration,
         "version 1\n"
         "mount virtiofs vmroot / ro,nosuid,dax=always,nodev,,noexec,a=b,rw,exec\n");

  g_assert_cmphex (configuration.mounts[0].flags, ==, MS_NOSUID | MS_NODEV);
  g_assert_cmpstr (configuration.mounts[0].data, ==, "dax=always,a=b");
  configuration_clear (&configuration);
}

static void
test_escapes (void)
{
  struct configuration configuration;

  parse (&configuration, "version 1\n"
                         "mount virtiofs vmroot / rw\n"
                         "mount tmpfs tmpfs /a\\040b\\011c\\012d\\134e/\xc3\xa9 rw\n");

  g_assert_cmpstr (configuration.mounts[1].target, ==, "/a b\tc\nd\\e/\xc3\xa9");
  configuration_clear (&configuration);
}

static void
test_interfaces (void)
{
  struct configuration configuration;
  const guint8 address4[] = { 192, 168, 122, 5 };
  const guint8 gateway4[] = { 192, 168, 122, 1 };
  const guint8 address6[16] = { 0xfd, 0, [15] = 5 };

  parse (&configuration, "version 1\n"
                         "interface 52:54:00:AB:cd:56 192.168.122.5/24 192.168.122.1\n"
                         "interface 52:54:00:ab:cd:56 fd00::5/64 -\n"
                         "mount nfs4 192.168.122.1:/export/a / rw,vers=4.2,addr=192.168.122.1\n"
                         "run-file a 0644 1\n"
                         "interface-file 52:54:00:AB:CD:56 b.@interface@ 0644 2\n");

  g_assert_cmpuint (configuration.n_interfaces, ==, 2);
  g_assert_cmpstr (configuration.interfaces[0].mac, ==, "52:54:00:AB:cd:56");
  g_assert_cmpint (configuration.interfaces[0].family, ==, AF_INET);
  g_assert_cmpmem (configuration.interfaces[0].address, 4, address4, 4);
  g_assert_cmpuint (configuration.interfaces[0].prefix, ==, 24);
  g_assert_true (configuration.interfaces[0].has_gateway);
  g_assert_cmpmem (configuration.interfaces[0].gateway, 4, gateway4, 4);
  g_assert_cmpint (configuration.interfaces[1].family, ==, AF_INET6);
  g_assert_cmpmem (configuration.interfaces[1].address, 16, address6, 16);
  g_assert_cmpuint (configuration.interfaces[1].prefix, ==, 64);
  g_assert_false (configuration.interfaces[1].has_gateway);
  g_assert_null (configuration.run_files[0].mac);
  g_assert_cmpstr (configuration.run_files[1].mac, ==, "52:54:00:AB:CD:56");
  g_assert_cmpstr (configuration.run_files[1].path, ==, "b.@interface@");
  g_assert_cmpuint (configuration.run_files[1].number, ==, 2);
  configuration_clear (&configuration);
}

#define INTERFACE "version 1\ninterface 52:54:00:12:34:56 10.0.0.2/8 -\n"

static const struct
{
  const char *text;
  const char *message;
} mistakes[] = {
  { "", "line 0: the file ends without a mount of \"/\"" },
  { "mount virtiofs vmroot / rw\n", "line 1: \"version 1\" must be the first line, and only that" },
  { "version 2\n", "line 1: version 2, but this vmroot-init knows version 1 only" },
  { "version 1\nversion 1\n", "line 2: \"version 1\" must be the first line, and only that" },
  { "version 1\nmodul a.ko\n", "line 2: unknown word \"modul\"" },
  { "version 1\nmodule a.ko", "line 2: the file ends in the middle of a line" },
  { "version 1\nmodule\n", "line 2: \"module\" has 0 fields, not 1" },
  { "version 1\nmodule a b\n", "line 2: \"module\" has 2 fields, not 1" },
  { "version 1\nmodule  a\n", "line 2: an empty field" },
  { "version 1\n\n", "line 2: an empty field" },
  { "version 1\nmodule a b c d e\n", "line 2: more fields than any directive has" },
  { "version 1\nmodule /a.ko\n", "line 2: \"/a.ko\" must be a relative path without \"..\"" },
  { "version 1\nmodule a/../b\n", "line 2: \"a/../b\" must be a relative path without \"..\"" },
  { "version 1\nmodule a\\04\n", "line 2: a backslash starts no escape in \"\\04\"" },
  { "version 1\nmodule a\\000b\n", "line 2: a field must not hold the NUL character" },
  { "version 1\ntimeout 5s\n", "line 2: \"5s\" is not a number up to 3600" },
  { "version 1\ntimeout -1\n", "line 2: \"-1\" is not a number up to 3600" },
  { "version 1\ntimeout 3601\n", "line 2: \"3601\" is not a number up to 3600" },
  { "version 1\ntimeout 99999999999999999999\n",
    "line 2: \"99999999999999999999\" is not a number up to 3600" },
  { "version 1\ntimeout 1\ntimeout 2\n", "line 3: a second timeout" },
  { "version 1\non-failure reboot\n",
    "line 2: on-failure is \"power-off\" or \"shell\", not \"reboot\"" },
  { "version 1\non-failure shell\non-failure shell\n", "line 3: a second on-failure" },
  { "version 1\nor a\n", "line 2: \"or\" comes once, after a mount of type nfs4" },
  { "version 1\nmount virtiofs a / rw\nor a\n",
    "line 3: \"or\" comes once, after a mount of type nfs4" },
  { "version 1\noverlay\n", "line 2: \"overlay\" comes once, after the mount of \"/\"" },
  { "version 1\nmount virtiofs a / rw\noverlay\noverlay\n",
    "line 4: \"overlay\" comes once, after the mount of \"/\"" },
  { "version 1\nmount virtiofs a /srv rw\n",
    "line 2: the first mount, and no other, is that of \"/\"" },
  { "version 1\nmount virtiofs a / rw\nmount virtiofs b / rw\n",
    "line 3: the first mount, and no other, is that of \"/\"" },
  { "version 1\nmount virtiofs a srv rw\n",
    "line 2: \"srv\" must be an absolute path without \"..\"" },
  { "version 1\nmount virtiofs a / rw\nmount tmpfs tmpfs /a/.. rw\n",
    "line 3: \"/a/..\" must be an absolute path without \"..\"" },
  { "version 1\ninterface 52:54:00:12:34 10.0.0.2/8 -\n",
    "line 2: \"52:54:00:12:34\" is not a MAC address" },
  { "version 1\ninterface 52:54:00:12:34:5g 10.0.0.2/8 -\n",
    "line 2: \"52:54:00:12:34:5g\" is not a MAC address" },
  { "version 1\ninterface 52:54:00:12:34:56 10.0.0.2 -\n",
    "line 2: \"10.0.0.2\" is not ADDRESS/PREFIX" },
  { "version 1\ninterface 52:54:00:12:34:56 10.0.0/8 -\n", "line 2: \"10.0.0\" is not an address" },
  { "version 1\ninterface 52:54:00:12:34:56 10.0.0.2/33 -\n",
    "line 2: \"33\" is not a number up to 32" },
  { "version 1\ninterface 52:54:00:12:34:56 fd00::2/129 -\n",
    "line 2: \"129\" is not a number up to 128" },
  { "version 1\ninterface 52:54:00:12:34:56 10.0.0.2/8 fd00::1\n",
    "line 2: \"fd00::1\" is not a gateway for 10.0.0.2/8" },
  { "version 1\ninterface 52:54:00:12:34:56 10.0.0.2/8\n",
    "line 2: \"interface\" has 2 fields, not 3" },
  { INTERFACE "interface 52:54:00:12:34:56 10.0.0.3/8 -\n",
    "line 3: a second address of the same kind for 52:54:00:12:34:56" },
  { "version 1\nrun-file ../a 0644 1\n",
    "line 2: \"../a\" must be a relative path without \"..\"" },
  { "version 1\nrun-file a 0888 1\n", "line 2: \"0888\" is not a number in base eight up to 4095" },
  { "version 1\nrun-file a 0644 x\n", "line 2: \"x\" is not a number up to 1000000" },
  { INTERFACE "interface-file 52:54:00:12:34:57 a 0644 1\n",
    "line 3: no \"interface\" above has the MAC address 52:54:00:12:34:57" },
};

static void
test_mistakes (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (mistakes); i++)
    {
      struct configuration configuration;
      char message[256] = "";
      const char *text = mistakes[i].text;

      g_assert_false (configuration_parse (&configuration, strdup (text), strlen (text), message,
                                           sizeof message));
      g_assert_cmpstr (message, ==, mistakes[i].message);
    }
}

static void
test_nul (void)
{
  struct configuration configuration;
  const char text[] = "version 1\0mount virtiofs vmroot / rw\n";
  char *copy = g_memdup2 (text, sizeof text);
  char message[256];

  g_assert_false (
      configuration_parse (&configuration, copy, sizeof text - 1, message, sizeof message));
  g_assert_cmpstr (message, ==, "line 0: the file holds a NUL character");
}

/* Cutting a good file anywhere gives a message, or a shorter good file; never more than that. */
static void
test_cut_anywhere (void)
{
  const char *whole = "version 1\nmodule a\\040b.ko\ntimeout 5\nmount virtiofs vmroot / ro,a=b\n"
                      "overlay\nmount tmpfs tmpfs /tmp -\n"
                      "interface 52:54:00:12:34:56 10.0.0.2/8 10.0.0.1\nrun-file a/b 0644 1\n";

  for (gsize length = 0; length <= strlen (whole); length++)
    {
      struct configuration configuration;
      char message[256] = "";

      if (configuration_parse (&configuration, g_strndup (whole, length), length, message,
                               sizeof message))
        configuration_clear (&configuration);
      else
        g_assert_cmpstr (message, !=, "");
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/init-configuration/whole", test_whole);
  g_test_add_func ("/init-configuration/defaults", test_defaults);
  g_test_add_func ("/init-configuration/flags-and-data", test_flags_and_data_are_told_apart);
  g_test_add_func ("/init-configuration/escapes", test_escapes);
  g_test_add_func ("/init-configuration/interfaces", test_interfaces);
  g_test_add_func ("/init-configuration/mistakes", test_mistakes);
  g_test_add_func ("/init-configuration/nul", test_nul);
  g_test_add_func ("/init-configuration/cut-anywhere", test_cut_anywhere);
  return g_test_run ();
}
