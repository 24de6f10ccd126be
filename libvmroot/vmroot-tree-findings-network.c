/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Network services of a tree that take the interface of a root by NFS for their own, and that no
 * file in /run keeps from it; vmroot-guest-network.c has those that one does. */

#include "config.h"

#include <string.h>

#include "vmroot-translation-private.h"
#include "vmroot-tree-findings-private.h"

#define INTERFACES "/etc/network/interfaces"
#define NETIFRC "/etc/conf.d/net"

static void
add (VmrootTreeCheck *check, const gchar *what, const gchar *fix)
{
  g_autofree gchar *detail = g_strconcat (
      what,
      _ (" When it stops, at a restart or at the guest's end, it takes the interface down, and the "
         "guest hangs, as its root comes by that."),
      NULL);

  vmroot_findings_add (check->findings, "network-service", VMROOT_SEVERITY_WARNING,
                       _ ("The guest's network service takes the interface of its root"), detail,
                       fix);
}

static GStrv
read_lines (VmrootTreeCheck *check, const gchar *path)
{
  g_autofree gchar *text =
      vmroot_tree_read_text (check->tree, path, VMROOT_TREE_MAX_CONFIGURATION_SIZE, NULL);

  return g_strsplit (text != NULL ? text : "", "\n", -1);
}

/* Whether OpenRC or sysvinit starts a service at boot whose name matches `service`; its name. */
static gchar *
find_started (VmrootTreeCheck *check, const gchar *service)
{
  static const gchar *const directories[] = { "/etc/runlevels/sysinit",
                                              "/etc/runlevels/boot",
                                              "/etc/runlevels/default",
                                              "/etc/rcS.d",
                                              "/etc/rc2.d",
                                              "/etc/rc3.d",
                                              "/etc/rc5.d" };
  g_autofree gchar *pattern = g_strdup_printf ("^(S[0-9][0-9])?(?<name>%s)$", service);
  g_autoptr (GRegex) regex = g_regex_new (pattern, 0, 0, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (directories); i++)
    {
      g_auto (GStrv) names = vmroot_tree_list_directory (check->tree, directories[i], NULL);

      for (gchar **name = names; name != NULL && *name != NULL; name++)
        {
          g_autoptr (GMatchInfo) match = NULL;

          if (g_regex_match (regex, *name, 0, &match))
            return g_match_info_fetch_named (match, "name");
        }
    }
  return NULL;
}

/* dhcpcd.conf(5): “persistent” is made for a root by NFS. */
static void
find_dhcpcd (VmrootTreeCheck *check)
{
  g_autofree gchar *service = find_started (check, "dhcpcd");
  g_auto (GStrv) lines = read_lines (check, "/etc/dhcpcd.conf");

  for (gchar **line = lines; *line != NULL; line++)
    if (g_str_equal (g_strstrip (*line), "persistent") ||
        g_str_has_prefix (*line, "denyinterfaces"))
      return;

  if (service != NULL)
    add (
        check, _ ("dhcpcd is started at boot."),
        _ ("Write “persistent” into /etc/dhcpcd.conf of the tree: then dhcpcd leaves interfaces as "
           "they are when it ends"));
}

/* interfaces(5): the first interface beside lo that is brought up at boot. */
static gchar *
find_interface (VmrootTreeCheck *check)
{
  g_auto (GStrv) lines = read_lines (check, INTERFACES);

  for (gchar **line = lines; *line != NULL; line++)
    {
      g_auto (GStrv) words = g_strsplit_set (g_strstrip (*line), " \t", -1);

      if (words[0] == NULL ||
          (!g_str_equal (words[0], "auto") && !g_str_has_prefix (words[0], "allow-")))
        continue;
      for (gchar **word = words + 1; *word != NULL; word++)
        if (**word != '\0' && !g_str_equal (*word, "lo"))
          return g_strdup (*word);
    }
  return NULL;
}

/* Alpine's ifupdown-ng or BusyBox's. Debian's, known by its own scripts, is told by a file. */
static void
find_ifupdown (VmrootTreeCheck *check)
{
  g_autofree gchar *service = find_started (check, "networking");
  g_autofree gchar *interface = find_interface (check);
  g_autofree gchar *what = NULL;
  g_autofree gchar *fix = NULL;

  if (service == NULL || interface == NULL ||
      vmroot_tree_is_directory (check->tree, "/usr/lib/ifupdown") ||
      vmroot_tree_is_directory (check->tree, "/lib/ifupdown"))
    return;

  what =
      g_strdup_printf (_ ("networking brings up %s at boot, as %s says."), interface, INTERFACES);
  fix = g_strdup_printf (_ ("If that is its only interface, remove the lines of %s from %s in the "
                            "tree: it is up, with its address, when the guest's init starts"),
                         interface, INTERFACES);
  add (check, what, fix);
}

/* Gentoo's, one service for each interface. */
static void
find_netifrc (VmrootTreeCheck *check)
{
  g_autofree gchar *service = find_started (check, "net\\.(?!lo$).+");
  g_auto (GStrv) lines = read_lines (check, NETIFRC);
  g_autofree gchar *idle = NULL;
  g_autofree gchar *what = NULL;
  g_autofree gchar *fix = NULL;

  if (service == NULL)
    return;

  idle = g_strdup_printf ("config_%s=\"null\"", service + strlen ("net."));
  for (gchar **line = lines; *line != NULL; line++)
    if (g_str_equal (g_strstrip (*line), idle))
      return;

  what = g_strdup_printf (_ ("%s is started at boot."), service);
  fix = g_strdup_printf (
      _ ("If that is its only interface, run `rc-update del %s` in the tree, or write %s into %s "
         "there: the interface is up, with its address, when the guest's init starts"),
      service, idle, NETIFRC);
  add (check, what, fix);
}

void
vmroot_tree_find_nfs_network_service (VmrootTreeCheck *check)
{
  g_autofree gchar *init = vmroot_tree_get_init_system (check->tree);

  if (g_strcmp0 (init, "systemd") == 0)
    return;

  find_dhcpcd (check);
  find_ifupdown (check);
  find_netifrc (check);
}
