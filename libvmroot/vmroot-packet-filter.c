/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <string.h>

#include "vmroot-packet-filter-private.h"

/* The kernel allows 16 jumps in a row (NFT_JUMP_STACK_SIZE). */
#define MAX_DEPTH 16

struct _VmrootPacketFilter
{
  GPtrArray *chains;
  /* A rule of which nobody knows whether it matches does what lets the packet through. */
  gboolean in_doubt_open;
};

typedef struct
{
  gchar *name;
  gboolean is_hook;
  gboolean drops;
  GArray *rules;
} Chain;

typedef struct
{
  VmrootPacketMatch match;
  VmrootPacketVerdict verdict;
  gchar *target;
} Rule;

static void
rule_clear (gpointer data)
{
  g_free (((Rule *)data)->target);
}

static void
chain_free (gpointer data)
{
  Chain *chain = data;

  g_free (chain->name);
  g_array_unref (chain->rules);
  g_free (chain);
}

VmrootPacketFilter *
vmroot_packet_filter_new (void)
{
  VmrootPacketFilter *self = g_new0 (VmrootPacketFilter, 1);

  self->chains = g_ptr_array_new_with_free_func (chain_free);
  return self;
}

void
vmroot_packet_filter_free (VmrootPacketFilter *self)
{
  g_ptr_array_unref (self->chains);
  g_free (self);
}

static Chain *
find_chain (VmrootPacketFilter *self, const gchar *name)
{
  for (guint i = 0; i < self->chains->len; i++)
    {
      Chain *chain = g_ptr_array_index (self->chains, i);

      if (g_str_equal (chain->name, name))
        return chain;
    }
  return NULL;
}

void
vmroot_packet_filter_add_chain (VmrootPacketFilter *self,
                                const gchar *name,
                                gboolean is_hook,
                                gboolean drops)
{
  Chain *chain = g_new0 (Chain, 1);

  chain->name = g_strdup (name);
  chain->is_hook = is_hook;
  chain->drops = drops;
  chain->rules = g_array_new (FALSE, FALSE, sizeof (Rule));
  g_array_set_clear_func (chain->rules, rule_clear);
  g_ptr_array_add (self->chains, chain);
}

void
vmroot_packet_filter_add_rule (VmrootPacketFilter *self,
                               const gchar *chain,
                               VmrootPacketMatch match,
                               VmrootPacketVerdict verdict,
                               const gchar *target)
{
  const Rule rule = { match, verdict, g_strdup (target) };
  Chain *of = find_chain (self, chain);

  if (of != NULL)
    g_array_append_val (of->rules, rule);
  else
    g_free (rule.target);
}

static VmrootPacketVerdict walk (VmrootPacketFilter *self, const gchar *name, guint depth);

/* What the rule decides; RETURN: the chain ends here without having decided. */
static VmrootPacketVerdict
apply (VmrootPacketFilter *self, const Rule *rule, guint depth)
{
  VmrootPacketVerdict verdict;

  if (rule->match == VMROOT_PACKET_MATCH_NO ||
      (rule->match == VMROOT_PACKET_MATCH_MAYBE && !self->in_doubt_open))
    return VMROOT_PACKET_VERDICT_NONE;
  if (rule->verdict != VMROOT_PACKET_VERDICT_JUMP && rule->verdict != VMROOT_PACKET_VERDICT_GOTO)
    return rule->verdict;

  verdict = walk (self, rule->target, depth + 1);
  return verdict == VMROOT_PACKET_VERDICT_NONE && rule->verdict == VMROOT_PACKET_VERDICT_GOTO
             ? VMROOT_PACKET_VERDICT_RETURN
             : verdict;
}

/* ACCEPT, DROP, or NONE. */
static VmrootPacketVerdict
walk (VmrootPacketFilter *self, const gchar *name, guint depth)
{
  const Chain *chain = find_chain (self, name);
  gboolean may_end = FALSE;

  for (guint i = 0; chain != NULL && depth < MAX_DEPTH && i < chain->rules->len; i++)
    {
      const Rule *rule = &g_array_index (chain->rules, Rule, i);
      const VmrootPacketVerdict verdict = apply (self, rule, depth);

      if (rule->match == VMROOT_PACKET_MATCH_MAYBE && verdict != VMROOT_PACKET_VERDICT_ACCEPT)
        {
          may_end = may_end || verdict == VMROOT_PACKET_VERDICT_RETURN;
          continue;
        }
      if (verdict == VMROOT_PACKET_VERDICT_RETURN ||
          (verdict == VMROOT_PACKET_VERDICT_DROP && may_end))
        return VMROOT_PACKET_VERDICT_NONE;
      if (verdict != VMROOT_PACKET_VERDICT_NONE)
        return verdict;
    }
  return VMROOT_PACKET_VERDICT_NONE;
}

GPtrArray *
vmroot_packet_filter_list_surely_closed (VmrootPacketFilter *self)
{
  GPtrArray *closed;

  self->in_doubt_open = TRUE;
  closed = vmroot_packet_filter_list_closed (self);
  self->in_doubt_open = FALSE;
  return closed;
}

GPtrArray *
vmroot_packet_filter_list_closed (VmrootPacketFilter *self)
{
  GPtrArray *closed = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < self->chains->len; i++)
    {
      const Chain *chain = g_ptr_array_index (self->chains, i);
      const VmrootPacketVerdict verdict =
          chain->is_hook ? walk (self, chain->name, 0) : VMROOT_PACKET_VERDICT_ACCEPT;

      if (verdict == VMROOT_PACKET_VERDICT_DROP ||
          (verdict == VMROOT_PACKET_VERDICT_NONE && chain->drops))
        g_ptr_array_add (closed, g_strdup (chain->name));
    }
  return closed;
}

VmrootPacketMatch
vmroot_packet_match_not (VmrootPacketMatch match)
{
  return VMROOT_PACKET_MATCH_YES - match;
}

gboolean
vmroot_packet_match_interface (const gchar *pattern, gchar wildcard, const gchar *interface)
{
  const gsize length = strlen (pattern);

  return length > 0 && pattern[length - 1] == wildcard
             ? strncmp (pattern, interface, length - 1) == 0
             : g_str_equal (pattern, interface);
}
