/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "vmroot-firewall-private.h"
#include "vmroot-nfs-server-private.h"
#include "vmroot-packet-filter-private.h"

#define NETWORKS "/etc/libvirt/qemu/networks"
#define LIBVIRTS_OWN "virbr"
#define COMMENT "vmroot-nfs"
#define PORT G_STRINGIFY (VMROOT_NFS_SERVER_PORT)
#define SECONDS 30

/* For each version of IP, what manages the chain INPUT where it is installed. */
static const gchar *const iptables_programs[] = { "iptables", "ip6tables" };

/* What the definition of a network says. */
typedef struct
{
  gchar *bridge;
  gboolean is_hosts;
} Network;

static void
on_element (GMarkupParseContext *parser,
            const gchar *name,
            const gchar **attributes,
            const gchar **values,
            gpointer user_data,
            GError **error)
{
  static const gchar *const libvirts[] = { "nat", "route", "open", NULL };
  Network *network = user_data;

  for (guint i = 0; attributes[i] != NULL; i++)
    {
      if (g_str_equal (name, "bridge") && g_str_equal (attributes[i], "name"))
        {
          g_free (network->bridge);
          network->bridge = g_strdup (values[i]);
        }
      if (g_str_equal (name, "forward") && g_str_equal (attributes[i], "mode"))
        network->is_hosts = !g_strv_contains (libvirts, values[i]);
    }
}

/* The bridge that libvirt makes for the network defined in `path`, or NULL. */
static gchar *
read_bridge (const gchar *path)
{
  const GMarkupParser parser = { .start_element = on_element };
  Network network = { NULL };
  g_autoptr (GMarkupParseContext) context = g_markup_parse_context_new (&parser, 0, &network, NULL);
  g_autofree gchar *text = NULL;
  gsize length;

  if (!g_file_get_contents (path, &text, &length, NULL) ||
      !g_markup_parse_context_parse (context, text, (gssize)length, NULL) || network.is_hosts)
    g_clear_pointer (&network.bridge, g_free);
  return network.bridge;
}

GPtrArray *
vmroot_firewall_list_bridges (VmrootContext *context)
{
  g_autofree gchar *networks = vmroot_context_path (context, NETWORKS);
  g_autoptr (GDir) dir = g_dir_open (networks, 0, NULL);
  GPtrArray *bridges = g_ptr_array_new_with_free_func (g_free);
  const gchar *name;

  g_ptr_array_add (bridges, g_strdup (LIBVIRTS_OWN "*"));
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree gchar *path = g_build_filename (networks, name, NULL);
      g_autofree gchar *bridge = g_str_has_suffix (name, ".xml") ? read_bridge (path) : NULL;

      if (bridge != NULL && *bridge != '\0' && !g_str_has_prefix (bridge, LIBVIRTS_OWN))
        g_ptr_array_add (bridges, g_steal_pointer (&bridge));
    }
  return bridges;
}

static gboolean
is_installed (const gchar *program)
{
  g_autofree gchar *path = g_find_program_in_path (program);

  return path != NULL;
}

static gchar *
run (VmrootContext *context, const gchar *const *argv, GCancellable *cancellable, GError **error)
{
  gchar *output = NULL;

  return vmroot_context_run (context, argv, SECONDS, &output, cancellable, error) ? output : NULL;
}

/* NULL without an error where nft is not installed. */
static gchar *
list_nft (VmrootContext *context, GCancellable *cancellable, GError **error)
{
  const gchar *const argv[] = { "nft", "--json", "--handle", "list", "ruleset", NULL };

  return is_installed (argv[0]) ? run (context, argv, cancellable, error) : NULL;
}

static gchar *
list_iptables (VmrootContext *context,
               const gchar *program,
               GCancellable *cancellable,
               GError **error)
{
  const gchar *const argv[] = { program, "--wait", "--list-rules", NULL };

  return is_installed (program) ? run (context, argv, cancellable, error) : NULL;
}

/* All chains in the way of the packet: what nft shows, but what iptables made is iptables' to show,
 * which knows its own matches. */
static gboolean
add_closed (VmrootContext *context,
            const VmrootPacket *packet,
            GPtrArray *(*list) (VmrootPacketFilter *),
            GPtrArray *closed,
            GCancellable *cancellable,
            GError **error)
{
  const gchar *iptables = iptables_programs[packet->ipv6 ? 1 : 0];
  g_autoptr (GError) local_error = NULL;
  g_autofree gchar *rules = list_iptables (context, iptables, cancellable, &local_error);
  g_autofree gchar *json =
      local_error == NULL ? list_nft (context, cancellable, &local_error) : NULL;
  g_autoptr (VmrootPacketFilter) of_nft =
      json != NULL ? vmroot_packet_filter_new_from_nft (json, packet, rules == NULL, &local_error)
                   : NULL;
  g_autoptr (VmrootPacketFilter) of_iptables =
      rules != NULL ? vmroot_packet_filter_new_from_iptables (rules, packet) : NULL;
  g_autoptr (GPtrArray) nft = of_nft != NULL ? list (of_nft) : NULL;
  g_autoptr (GPtrArray) xt = of_iptables != NULL ? list (of_iptables) : NULL;

  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  for (guint i = 0; xt != NULL && i < xt->len; i++)
    g_ptr_array_add (closed, g_strconcat (iptables, " ", g_ptr_array_index (xt, i), NULL));
  for (guint i = 0; nft != NULL && i < nft->len; i++)
    g_ptr_array_add (closed, g_strconcat ("nft ", g_ptr_array_index (nft, i), NULL));
  return TRUE;
}

static void
remove_doubles (GPtrArray *strings)
{
  for (guint i = strings->len; i-- > 1;)
    {
      guint first;

      if (g_ptr_array_find_with_equal_func (strings, g_ptr_array_index (strings, i), g_str_equal,
                                            &first) &&
          first < i)
        g_ptr_array_remove_index (strings, i);
    }
}

GPtrArray *
vmroot_firewall_list_closed (VmrootContext *context, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) bridges = vmroot_firewall_list_bridges (context);
  g_autoptr (GPtrArray) closed = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < 2 * bridges->len; i++)
    {
      const gchar *bridge = g_ptr_array_index (bridges, i / 2);
      const VmrootPacket packet = {
        .interface = g_str_has_suffix (bridge, "*") ? LIBVIRTS_OWN "0" : bridge,
        .ipv6 = i % 2 != 0,
      };

      if (!add_closed (context, &packet, vmroot_packet_filter_list_closed, closed, cancellable,
                       error))
        return NULL;
    }
  remove_doubles (closed);
  return g_steal_pointer (&closed);
}

GPtrArray *
vmroot_firewall_list_surely_closed (VmrootContext *context,
                                    const gchar *interface,
                                    gboolean ipv6,
                                    GCancellable *cancellable,
                                    GError **error)
{
  g_autoptr (GPtrArray) closed = g_ptr_array_new_with_free_func (g_free);
  const VmrootPacket packet = { .interface = interface, .ipv6 = ipv6 };

  return add_closed (context, &packet, vmroot_packet_filter_list_surely_closed, closed, cancellable,
                     error)
             ? g_steal_pointer (&closed)
             : NULL;
}

gboolean
vmroot_firewall_is_bridge (VmrootContext *context, const gchar *interface)
{
  g_autoptr (GPtrArray) bridges = vmroot_firewall_list_bridges (context);

  for (guint i = 0; i < bridges->len; i++)
    if (vmroot_packet_match_interface (g_ptr_array_index (bridges, i), '*', interface))
      return TRUE;
  return FALSE;
}

static gchar *
open_with_iptables (VmrootContext *context,
                    gchar **words,
                    const gchar *bridge,
                    GCancellable *cancellable,
                    GError **error)
{
  g_autofree gchar *interface = g_strdelimit (g_strdup (bridge), "*", '+');
  const gchar *const argv[] = { words[0],    "--wait", "--insert", words[1], "-i", interface,
                                "-p",        "tcp",    "--dport",  PORT,     "-m", "comment",
                                "--comment", COMMENT,  "-j",       "ACCEPT", NULL };

  return run (context, argv, cancellable, error);
}

static gchar *
open_with_nft (VmrootContext *context,
               gchar **words,
               const gchar *bridge,
               GCancellable *cancellable,
               GError **error)
{
  g_autofree gchar *interface = g_strdup_printf ("\"%s\"", bridge);
  const gchar *const argv[] = { words[0],  "insert",          "rule", words[1], words[2], words[3],
                                "iifname", interface,         "tcp",  "dport",  PORT,     "accept",
                                "comment", "\"" COMMENT "\"", NULL };

  return run (context, argv, cancellable, error);
}

/* The rule for one bridge into the chain, as vmroot_firewall_list_closed() has it. */
static gboolean
open_chain (VmrootContext *context,
            const gchar *chain,
            const gchar *bridge,
            GCancellable *cancellable,
            GError **error)
{
  g_auto (GStrv) words = g_strsplit (chain, " ", -1);
  g_autofree gchar *output = g_str_equal (words[0], "nft")
                                 ? open_with_nft (context, words, bridge, cancellable, error)
                                 : open_with_iptables (context, words, bridge, cancellable, error);

  return output != NULL;
}

gboolean
vmroot_firewall_open (VmrootContext *context,
                      GPtrArray *changed,
                      GCancellable *cancellable,
                      GError **error)
{
  g_autoptr (GPtrArray) bridges = vmroot_firewall_list_bridges (context);
  g_autoptr (GPtrArray) closed = vmroot_firewall_list_closed (context, cancellable, error);

  for (guint i = 0; closed != NULL && i < closed->len; i++)
    {
      const gchar *chain = g_ptr_array_index (closed, i);

      for (guint k = 0; k < bridges->len; k++)
        if (!open_chain (context, chain, g_ptr_array_index (bridges, k), cancellable, error))
          return FALSE;
      g_ptr_array_add (changed, g_strdup (chain));
    }
  return closed != NULL;
}

/* Takes away the rule that `iptables --list-rules` shows as `line`, if it is ours. */
static gboolean
close_line (VmrootContext *context,
            const gchar *program,
            const gchar *line,
            GPtrArray *changed,
            GCancellable *cancellable,
            GError **error)
{
  g_auto (GStrv) words = NULL;
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autofree gchar *output = NULL;

  if (!g_shell_parse_argv (line, NULL, &words, NULL) || !g_str_equal (words[0], "-A") ||
      !g_strv_contains ((const gchar *const *)words, COMMENT))
    return TRUE;

  g_ptr_array_add (argv, (gpointer)program);
  g_ptr_array_add (argv, (gpointer) "--wait");
  g_ptr_array_add (argv, (gpointer) "--delete");
  for (guint i = 1; words[i] != NULL; i++)
    g_ptr_array_add (argv, words[i]);
  g_ptr_array_add (argv, NULL);

  output = run (context, (const gchar *const *)argv->pdata, cancellable, error);
  if (output != NULL)
    g_ptr_array_add (changed, g_strdup_printf ("%s %s", program, words[1]));
  return output != NULL;
}

static gboolean
close_iptables (VmrootContext *context,
                const gchar *program,
                GPtrArray *changed,
                GCancellable *cancellable,
                GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autofree gchar *rules = list_iptables (context, program, cancellable, &local_error);
  g_auto (GStrv) lines = g_strsplit (rules != NULL ? rules : "", "\n", -1);

  for (guint i = 0; local_error == NULL && lines[i] != NULL; i++)
    if (!close_line (context, program, lines[i], changed, cancellable, &local_error))
      break;

  if (local_error == NULL)
    return TRUE;

  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

static gboolean
close_rule (VmrootContext *context,
            JsonObject *rule,
            GPtrArray *changed,
            GCancellable *cancellable,
            GError **error)
{
  const gchar *family = json_object_get_string_member (rule, "family");
  const gchar *table = json_object_get_string_member (rule, "table");
  const gchar *chain = json_object_get_string_member (rule, "chain");
  g_autofree gchar *handle =
      g_strdup_printf ("%" G_GINT64_FORMAT, json_object_get_int_member (rule, "handle"));
  const gchar *const argv[] = { "nft", "delete", "rule", family, table,
                                chain, "handle", handle, NULL };
  g_autofree gchar *output = run (context, argv, cancellable, error);

  if (output != NULL)
    g_ptr_array_add (changed, g_strdup_printf ("nft %s %s %s", family, table, chain));
  return output != NULL;
}

static gboolean
is_our_rule (JsonObject *element)
{
  JsonNode *node = json_object_get_member (element, "rule");

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) &&
         g_str_equal (json_object_get_string_member_with_default (json_node_get_object (node),
                                                                  "comment", ""),
                      COMMENT);
}

static gboolean
close_nft (VmrootContext *context, GPtrArray *changed, GCancellable *cancellable, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) local_error = NULL;
  g_autofree gchar *json = list_nft (context, cancellable, &local_error);
  JsonArray *all;

  if (json == NULL || !json_parser_load_from_data (parser, json, -1, &local_error))
    {
      if (local_error != NULL)
        g_propagate_error (error, g_steal_pointer (&local_error));
      return json == NULL && local_error == NULL;
    }

  all = json_object_get_array_member (json_node_get_object (json_parser_get_root (parser)),
                                      "nftables");
  for (guint i = 0; i < json_array_get_length (all); i++)
    {
      JsonObject *element = json_array_get_object_element (all, i);

      if (is_our_rule (element) &&
          !close_rule (context, json_object_get_object_member (element, "rule"), changed,
                       cancellable, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
vmroot_firewall_close (VmrootContext *context,
                       GPtrArray *changed,
                       GCancellable *cancellable,
                       GError **error)
{
  gboolean closed = TRUE;

  for (guint i = 0; closed && i < G_N_ELEMENTS (iptables_programs); i++)
    closed = close_iptables (context, iptables_programs[i], changed, cancellable, error);

  closed = closed && close_nft (context, changed, cancellable, error);
  remove_doubles (changed);
  return closed;
}
