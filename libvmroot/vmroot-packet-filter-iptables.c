/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What iptables(8) prints. */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "vmroot-nfs-server-private.h"
#include "vmroot-packet-filter-private.h"

#define NO VMROOT_PACKET_MATCH_NO
#define MAYBE VMROOT_PACKET_MATCH_MAYBE
#define YES VMROOT_PACKET_MATCH_YES

static VmrootPacketMatch
match_port (const gchar *value)
{
  gchar *end;
  const gulong least = strtoul (value, &end, 10);
  const gulong most = *end == ':' ? strtoul (end + 1, NULL, 10) : least;

  return least <= VMROOT_NFS_SERVER_PORT && VMROOT_NFS_SERVER_PORT <= most ? YES : NO;
}

static VmrootPacketMatch
match_ports (const gchar *value)
{
  g_auto (GStrv) ports = g_strsplit (value, ",", -1);
  VmrootPacketMatch best = NO;

  for (guint i = 0; ports[i] != NULL; i++)
    best = MAX (best, match_port (ports[i]));
  return best;
}

static VmrootPacketMatch
match_state (const gchar *value)
{
  g_auto (GStrv) states = g_strsplit (value, ",", -1);

  return g_strv_contains ((const gchar *const *)states, "NEW") ? YES : NO;
}

/* What an option with a value says of the packet. */
static VmrootPacketMatch
match_option (const gchar *option, const gchar *value, const VmrootPacket *packet)
{
  if (g_str_equal (option, "-i"))
    return vmroot_packet_match_interface (value, '+', packet->interface) ? YES : NO;
  if (g_str_equal (option, "-p"))
    return g_str_equal (value, "tcp") || g_str_equal (value, "all") ? YES : NO;
  if (g_str_equal (option, "--dport"))
    return match_port (value);
  if (g_str_equal (option, "--dports"))
    return match_ports (value);
  if (g_str_equal (option, "--ctstate") || g_str_equal (option, "--state"))
    return match_state (value);
  if (g_str_equal (option, "--dst-type"))
    return g_str_equal (value, "LOCAL") ? YES : NO;

  return MAYBE;
}

/* Options that say nothing of the packet: how a match is called, and what a target does. */
static gboolean
says_nothing (const gchar *option)
{
  static const gchar *const options[] = { "-m",      "--comment",     "--reject-with",
                                          "--limit", "--limit-burst", NULL };

  return g_strv_contains (options, option);
}

static VmrootPacketVerdict
verdict_of (const gchar *option, const gchar *target)
{
  if (g_str_equal (target, "ACCEPT"))
    return VMROOT_PACKET_VERDICT_ACCEPT;
  if (g_str_equal (target, "DROP") || g_str_equal (target, "REJECT"))
    return VMROOT_PACKET_VERDICT_DROP;
  if (g_str_equal (target, "RETURN"))
    return VMROOT_PACKET_VERDICT_RETURN;

  return g_str_equal (option, "-g") ? VMROOT_PACKET_VERDICT_GOTO : VMROOT_PACKET_VERDICT_JUMP;
}

/* The words after -A CHAIN. */
static void
add_rule (VmrootPacketFilter *self, const gchar *chain, gchar **words, const VmrootPacket *packet)
{
  VmrootPacketMatch match = YES;

  for (guint i = 0; words[i] != NULL && words[i + 1] != NULL; i++)
    {
      const gboolean is_not = g_str_equal (words[i], "!");
      const gchar *option = words[is_not ? ++i : i];
      const gchar *value = words[i + 1];

      if (value == NULL)
        return;
      if (g_str_equal (option, "-j") || g_str_equal (option, "-g"))
        {
          vmroot_packet_filter_add_rule (self, chain, match, verdict_of (option, value), value);
          return;
        }
      if (*option != '-' || says_nothing (option))
        continue;

      match = MIN (match, is_not ? vmroot_packet_match_not (match_option (option, value, packet))
                                 : match_option (option, value, packet));
    }
}

static void
add_line (VmrootPacketFilter *self, gchar **words, const VmrootPacket *packet, gboolean chains)
{
  const guint n = g_strv_length (words);

  if (chains && n >= 3 && g_str_equal (words[0], "-P"))
    vmroot_packet_filter_add_chain (self, words[1], g_str_equal (words[1], "INPUT"),
                                    g_str_equal (words[2], "DROP"));
  if (chains && n >= 2 && g_str_equal (words[0], "-N"))
    vmroot_packet_filter_add_chain (self, words[1], FALSE, FALSE);
  if (!chains && n >= 2 && g_str_equal (words[0], "-A"))
    add_rule (self, words[1], words + 2, packet);
}

VmrootPacketFilter *
vmroot_packet_filter_new_from_iptables (const gchar *rules, const VmrootPacket *packet)
{
  VmrootPacketFilter *self = vmroot_packet_filter_new ();
  g_auto (GStrv) lines = g_strsplit (rules, "\n", -1);

  for (guint chains = 2; chains-- > 0;)
    for (guint i = 0; lines[i] != NULL; i++)
      {
        g_auto (GStrv) words = NULL;

        if (g_shell_parse_argv (lines[i], NULL, &words, NULL))
          add_line (self, words, packet, chains == 1);
      }
  return self;
}
