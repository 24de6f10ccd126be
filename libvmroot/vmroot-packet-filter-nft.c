/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What nft(8) prints, as libnftables-json(5) describes it. */

#include "config.h"

#include <json-glib/json-glib.h>

#include "vmroot-nfs-server-private.h"
#include "vmroot-packet-filter-private.h"

#define NO VMROOT_PACKET_MATCH_NO
#define MAYBE VMROOT_PACKET_MATCH_MAYBE
#define YES VMROOT_PACKET_MATCH_YES

/* NULL where there is no such member, or it is of another type. */
static JsonObject *
get_object (JsonObject *object, const gchar *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static JsonArray *
get_array (JsonObject *object, const gchar *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

static JsonObject *
get_element (JsonArray *array, guint i)
{
  JsonNode *node = json_array_get_element (array, i);

  return JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static guint
length_of (JsonArray *array)
{
  return array != NULL ? json_array_get_length (array) : 0;
}

static const gchar *
get_string (JsonObject *object, const gchar *name)
{
  return json_object_get_string_member_with_default (object, name, "");
}

/* What a match looks at, as far as the packet has it. */
typedef enum
{
  INTERFACE,
  PROTOCOL,
  PORT,
  STATE,
  ADDRESS_FAMILY,
  OF_ANOTHER_PROTOCOL, /* which the packet is not of */
  SOMETHING,
} Looks;

static Looks
looks_of_payload (JsonObject *payload, const VmrootPacket *packet)
{
  static const gchar *const other_protocols[] = { "udp",  "udplite", "icmp", "icmpv6",
                                                  "igmp", "sctp",    "dccp", "ah",
                                                  "esp",  "comp",    "arp",  NULL };
  const gchar *protocol = get_string (payload, "protocol");
  const gchar *field = get_string (payload, "field");

  if (g_strv_contains (other_protocols, protocol) ||
      g_str_equal (protocol, packet->ipv6 ? "ip" : "ip6"))
    return OF_ANOTHER_PROTOCOL;
  if (g_str_equal (field, "protocol") || g_str_equal (field, "nexthdr"))
    return PROTOCOL;

  return g_str_equal (field, "dport") ? PORT : SOMETHING;
}

static Looks
looks_at (JsonObject *left, const VmrootPacket *packet)
{
  JsonObject *meta = get_object (left, "meta");
  JsonObject *payload = get_object (left, "payload");
  JsonObject *ct = get_object (left, "ct");
  const gchar *key = meta != NULL ? get_string (meta, "key") : "";

  if (payload != NULL)
    return looks_of_payload (payload, packet);
  if (ct != NULL)
    return g_str_equal (get_string (ct, "key"), "state") ? STATE : SOMETHING;
  if (g_str_equal (key, "iifname") || g_str_equal (key, "iif"))
    return INTERFACE;
  if (g_str_equal (key, "l4proto"))
    return PROTOCOL;

  return g_str_equal (key, "nfproto") ? ADDRESS_FAMILY : SOMETHING;
}

static VmrootPacketMatch
match_string (Looks looks, const gchar *value, const VmrootPacket *packet)
{
  if (*value == '@')
    return MAYBE;

  switch (looks)
    {
    case INTERFACE:
      return vmroot_packet_match_interface (value, '*', packet->interface) ? YES : NO;
    case PROTOCOL:
      return g_str_equal (value, "tcp") ? YES : NO;
    case PORT:
      return g_str_equal (value, "nfs") ? YES : NO;
    case STATE:
      return g_str_equal (value, "new") ? YES : NO;
    case ADDRESS_FAMILY:
      return g_str_equal (value, packet->ipv6 ? "ipv6" : "ipv4") ? YES : NO;
    default:
      return MAYBE;
    }
}

static VmrootPacketMatch
match_number (Looks looks, gint64 least, gint64 most)
{
  const gint64 tcp = 6;
  const gint64 value = looks == PORT ? VMROOT_NFS_SERVER_PORT : tcp;

  if (looks != PORT && looks != PROTOCOL)
    return MAYBE;

  return least <= value && value <= most ? YES : NO;
}

static VmrootPacketMatch match_value (Looks looks, JsonNode *value, const VmrootPacket *packet);

/* One of them is enough. */
static VmrootPacketMatch
match_any (Looks looks, JsonArray *values, const VmrootPacket *packet)
{
  VmrootPacketMatch best = NO;

  for (guint i = 0; i < length_of (values); i++)
    best = MAX (best, match_value (looks, json_array_get_element (values, i), packet));
  return best;
}

static VmrootPacketMatch
match_object (Looks looks, JsonObject *value, const VmrootPacket *packet)
{
  JsonArray *range = get_array (value, "range");
  JsonObject *element = get_object (value, "elem");

  if (json_object_has_member (value, "set"))
    return match_value (looks, json_object_get_member (value, "set"), packet);
  if (element != NULL && json_object_has_member (element, "val"))
    return match_value (looks, json_object_get_member (element, "val"), packet);
  if (length_of (range) == 2)
    return match_number (looks, json_array_get_int_element (range, 0),
                         json_array_get_int_element (range, 1));

  return MAYBE;
}

static VmrootPacketMatch
match_value (Looks looks, JsonNode *value, const VmrootPacket *packet)
{
  if (JSON_NODE_HOLDS_OBJECT (value))
    return match_object (looks, json_node_get_object (value), packet);
  if (JSON_NODE_HOLDS_ARRAY (value))
    return match_any (looks, json_node_get_array (value), packet);
  if (json_node_get_value_type (value) == G_TYPE_STRING)
    return match_string (looks, json_node_get_string (value), packet);

  return match_number (looks, json_node_get_int (value), json_node_get_int (value));
}

static VmrootPacketMatch
match_statement (JsonObject *match, const VmrootPacket *packet)
{
  JsonNode *right = json_object_get_member (match, "right");
  const Looks looks = looks_at (get_object (match, "left"), packet);
  const gchar *op = get_string (match, "op");
  VmrootPacketMatch result;

  if (looks == OF_ANOTHER_PROTOCOL)
    return NO;
  if (looks == SOMETHING || right == NULL)
    return MAYBE;

  result = match_value (looks, right, packet);
  if (g_str_equal (op, "!="))
    return vmroot_packet_match_not (result);

  return g_str_equal (op, "==") || g_str_equal (op, "in") ? result : MAYBE;
}

/* The verdict that the statement is, if it is one. */
static VmrootPacketVerdict
verdict_of (JsonObject *statement, const gchar **target)
{
  JsonObject *jump = get_object (statement, "jump");
  JsonObject *go_to = get_object (statement, "goto");
  JsonObject *xt = get_object (statement, "xt");

  *target = NULL;
  if (jump != NULL || go_to != NULL)
    {
      *target = get_string (jump != NULL ? jump : go_to, "target");
      return jump != NULL ? VMROOT_PACKET_VERDICT_JUMP : VMROOT_PACKET_VERDICT_GOTO;
    }
  if (json_object_has_member (statement, "accept"))
    return VMROOT_PACKET_VERDICT_ACCEPT;
  if (json_object_has_member (statement, "return"))
    return VMROOT_PACKET_VERDICT_RETURN;
  if (json_object_has_member (statement, "drop") || json_object_has_member (statement, "reject") ||
      (xt != NULL && g_str_equal (get_string (xt, "name"), "REJECT")))
    return VMROOT_PACKET_VERDICT_DROP;

  return VMROOT_PACKET_VERDICT_NONE;
}

typedef struct
{
  VmrootPacketFilter *filter;
  const VmrootPacket *packet;
  const gchar *family;
  const gchar *table;
  const gchar *chain;
} Place;

static gchar *
name_of (const Place *place, const gchar *chain)
{
  return g_strdup_printf ("%s %s %s", place->family, place->table, chain);
}

static void
add_rule (const Place *place,
          VmrootPacketMatch match,
          VmrootPacketVerdict verdict,
          const gchar *target)
{
  g_autofree gchar *chain = name_of (place, place->chain);
  g_autofree gchar *full_target = target != NULL ? name_of (place, target) : NULL;

  vmroot_packet_filter_add_rule (place->filter, chain, match, verdict, full_target);
}

/* A map of values to verdicts is as many rules. */
static void
add_map (const Place *place, VmrootPacketMatch before, JsonObject *map)
{
  JsonObject *key = get_object (map, "key");
  JsonArray *pairs = get_array (get_object (map, "data"), "set");
  const Looks looks = key != NULL ? looks_at (key, place->packet) : SOMETHING;

  for (guint i = 0; i < length_of (pairs); i++)
    {
      JsonNode *node = json_array_get_element (pairs, i);
      JsonArray *pair = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
      JsonObject *verdict = length_of (pair) == 2 ? get_element (pair, 1) : NULL;
      const gchar *target;

      if (verdict != NULL && looks != OF_ANOTHER_PROTOCOL && looks != SOMETHING)
        {
          const VmrootPacketMatch match =
              match_value (looks, json_array_get_element (pair, 0), place->packet);
          const VmrootPacketVerdict v = verdict_of (verdict, &target);

          add_rule (place, MIN (before, match), v, target);
        }
    }
}

static void
add_statements (const Place *place, JsonArray *statements)
{
  VmrootPacketMatch match = YES;

  for (guint i = 0; i < length_of (statements); i++)
    {
      JsonObject *statement = get_element (statements, i);
      JsonObject *condition = statement != NULL ? get_object (statement, "match") : NULL;
      JsonObject *map = statement != NULL ? get_object (statement, "vmap") : NULL;
      JsonObject *xt = statement != NULL ? get_object (statement, "xt") : NULL;
      const gchar *target = NULL;
      VmrootPacketVerdict verdict;

      if (statement == NULL)
        continue;
      if (condition != NULL)
        match = MIN (match, match_statement (condition, place->packet));
      else if (xt != NULL && g_str_equal (get_string (xt, "type"), "match") &&
               !g_str_equal (get_string (xt, "name"), "comment"))
        match = MIN (match, MAYBE);
      else if (map != NULL)
        add_map (place, match, map);
      else if ((verdict = verdict_of (statement, &target)) != VMROOT_PACKET_VERDICT_NONE)
        add_rule (place, match, verdict, target);
    }
}

static gboolean
is_iptables_input (const Place *place)
{
  return g_str_equal (place->table, "filter") && g_str_equal (place->chain, "INPUT") &&
         !g_str_equal (place->family, "inet");
}

static void
add_chain (const Place *place, JsonObject *chain, gboolean with_iptables)
{
  g_autofree gchar *name = name_of (place, place->chain);
  const gboolean is_hook = g_str_equal (get_string (chain, "hook"), "input") &&
                           (with_iptables || !is_iptables_input (place));

  vmroot_packet_filter_add_chain (place->filter, name, is_hook,
                                  g_str_equal (get_string (chain, "policy"), "drop"));
}

/* The tables that the packet goes through. firewalld's is firewalld's to change. */
static gboolean
is_passed (const Place *place)
{
  return (g_str_equal (place->family, "inet") ||
          g_str_equal (place->family, place->packet->ipv6 ? "ip6" : "ip")) &&
         !g_str_equal (place->table, "firewalld");
}

static void
add_all (VmrootPacketFilter *self,
         JsonArray *all,
         const VmrootPacket *packet,
         gboolean with_iptables,
         gboolean chains)
{
  for (guint i = 0; i < length_of (all); i++)
    {
      JsonObject *element = get_element (all, i);
      JsonObject *object = element != NULL ? get_object (element, chains ? "chain" : "rule") : NULL;
      const Place place = {
        .filter = self,
        .packet = packet,
        .family = object != NULL ? get_string (object, "family") : "",
        .table = object != NULL ? get_string (object, "table") : "",
        .chain = object != NULL ? get_string (object, chains ? "name" : "chain") : "",
      };

      if (object == NULL || !is_passed (&place))
        continue;
      if (chains)
        add_chain (&place, object, with_iptables);
      else
        add_statements (&place, get_array (object, "expr"));
    }
}

VmrootPacketFilter *
vmroot_packet_filter_new_from_nft (const gchar *json,
                                   const VmrootPacket *packet,
                                   gboolean with_iptables,
                                   GError **error)
{
  g_autoptr (VmrootPacketFilter) self = vmroot_packet_filter_new ();
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonNode *root;
  JsonArray *all;

  if (!json_parser_load_from_data (parser, json, -1, error))
    return NULL;

  root = json_parser_get_root (parser);
  all = root != NULL && JSON_NODE_HOLDS_OBJECT (root)
            ? get_array (json_node_get_object (root), "nftables")
            : NULL;
  add_all (self, all, packet, with_iptables, TRUE);
  add_all (self, all, packet, with_iptables, FALSE);
  return g_steal_pointer (&self);
}
