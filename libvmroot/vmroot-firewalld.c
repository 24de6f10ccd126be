/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What firewall-cmd(1) prints: a line with the name of a zone or policy, and below it, further in,
 * lines of “what: values”; of rich rules each has a line of its own.
 *
 * A packet to this host goes through the policies of negative priority, then through the zone of
 * its interface, then through the other policies (firewalld.policies(5)). The first that decides
 * has decided.
 */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "vmroot-firewalld-private.h"
#include "vmroot-nfs-server-private.h"

#define SECONDS 10

/* A zone or a policy. */
typedef struct
{
  gchar *name;
  GHashTable *values; /* of gchar *, each value separated by spaces; rich rules by line breaks */
} Section;

static void
section_free (Section *section)
{
  g_free (section->name);
  g_hash_table_unref (section->values);
  g_free (section);
}

static Section *
section_new (const gchar *line)
{
  Section *section = g_new0 (Section, 1);

  /* “libvirt (active)” */
  section->name = g_strndup (line, strcspn (line, " "));
  section->values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return section;
}

static const gchar *
get_value (const Section *section, const gchar *key)
{
  const gchar *value = g_hash_table_lookup (section->values, key);

  return value != NULL ? value : "";
}

static void
add_line (Section *section, const gchar *line)
{
  const gchar *colon = strchr (line, ':');

  if (g_str_has_prefix (line, "rule "))
    g_hash_table_insert (section->values, g_strdup ("rich rules"),
                         g_strconcat (get_value (section, "rich rules"), line, "\n", NULL));
  else if (colon != NULL)
    g_hash_table_insert (section->values, g_strndup (line, (gsize)(colon - line)),
                         g_strstrip (g_strdup (colon + 1)));
}

static GPtrArray *
parse (const gchar *text)
{
  GPtrArray *sections = g_ptr_array_new_with_free_func ((GDestroyNotify)section_free);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (gchar **line = lines; *line != NULL; line++)
    {
      const gboolean is_name = **line != '\0' && !g_ascii_isspace (**line);
      const gchar *words = g_strstrip (*line);

      if (is_name)
        g_ptr_array_add (sections, section_new (words));
      else if (sections->len > 0)
        add_line (g_ptr_array_index (sections, sections->len - 1), words);
    }
  return sections;
}

static gboolean
has_word (const gchar *value, const gchar *word)
{
  g_auto (GStrv) words = g_strsplit (value, " ", -1);

  return g_strv_contains ((const gchar *const *)words, word);
}

/* “2049/tcp” and “2000-3000/tcp” */
static gboolean
has_port (const gchar *ports)
{
  g_auto (GStrv) words = g_strsplit (ports, " ", -1);

  for (gchar **word = words; *word != NULL; word++)
    {
      const gchar *to = strchr (*word, '-');
      const gint first = atoi (*word);
      const gint last = to != NULL ? atoi (to + 1) : first;

      if (g_str_has_suffix (*word, "/tcp") && first <= VMROOT_NFS_SERVER_PORT &&
          VMROOT_NFS_SERVER_PORT <= last)
        return TRUE;
    }
  return FALSE;
}

/* What stands in quotation marks after `key`; NULL: the rule does not have it. */
static gchar *
get_quoted (const gchar *rule, const gchar *key)
{
  const gchar *start = strstr (rule, key);

  start = start != NULL ? start + strlen (key) : NULL;
  return start != NULL ? g_strndup (start, strcspn (start, "\"")) : NULL;
}

/* Whether a rich rule (firewalld.richlanguage(5)) has nothing to do with NFS. What asks for an
 * address only may have. */
static gboolean
is_about_others (const gchar *rule)
{
  g_autofree gchar *service = get_quoted (rule, " service name=\"");
  g_autofree gchar *port = get_quoted (rule, " port port=\"");
  g_autofree gchar *of_port = get_quoted (rule, " protocol=\"");
  g_autofree gchar *protocol = get_quoted (rule, " protocol value=\"");
  g_autofree gchar *both = g_strconcat (port != NULL ? port : "", "/", of_port, NULL);

  if (service != NULL)
    return !g_str_has_prefix (service, "nfs");
  if (port != NULL)
    return !has_port (both);
  if (protocol != NULL)
    return !g_str_equal (protocol, "tcp");
  return strstr (rule, " icmp-") != NULL;
}

/* Of every packet. */
static gboolean
is_for_all (const gchar *rule)
{
  static const gchar *const words[] = { "source", "destination", "service", "port",  "protocol",
                                        "icmp",   "forward",     "mac",     "ipset", "family" };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (strstr (rule, words[i]) != NULL)
      return FALSE;
  return TRUE;
}

/* CLOSED: what no other line lets in is refused. `sure`: FALSE when a rule may decide otherwise. */
static VmrootFirewalldAnswer
ask_rich_rules (const Section *section, gboolean *sure)
{
  g_auto (GStrv) rules = g_strsplit (get_value (section, "rich rules"), "\n", -1);
  VmrootFirewalldAnswer answer = VMROOT_FIREWALLD_UNKNOWN;

  *sure = TRUE;
  for (gchar **rule = rules; *rule != NULL && **rule != '\0'; rule++)
    {
      const gboolean refuses = strstr (*rule, " reject") != NULL || strstr (*rule, " drop") != NULL;

      if (refuses && is_for_all (*rule))
        answer = VMROOT_FIREWALLD_CLOSED;
      else if (!is_about_others (*rule))
        *sure = FALSE;
    }
  return answer;
}

/* UNKNOWN with `sure`: it leaves the decision to the next. */
static VmrootFirewalldAnswer
ask_section (const Section *section, gboolean *sure)
{
  const gchar *target = get_value (section, "target");
  const gchar *services = get_value (section, "services");
  const VmrootFirewalldAnswer by_rules = ask_rich_rules (section, sure);

  if (!*sure)
    return VMROOT_FIREWALLD_UNKNOWN;
  if (has_word (services, "nfs") || has_word (services, "nfs3") ||
      has_port (get_value (section, "ports")) || has_word (get_value (section, "protocols"), "tcp"))
    return VMROOT_FIREWALLD_OPEN;
  if (by_rules == VMROOT_FIREWALLD_CLOSED)
    return VMROOT_FIREWALLD_CLOSED;
  if (g_str_equal (target, "CONTINUE"))
    return VMROOT_FIREWALLD_UNKNOWN;
  if (g_str_equal (target, "ACCEPT"))
    return VMROOT_FIREWALLD_OPEN;

  /* “default”, “DROP”, “REJECT”, “%%REJECT%%”; anything else is none that is known. */
  *sure = g_str_equal (target, "default") || strstr (target, "DROP") != NULL ||
          strstr (target, "REJECT") != NULL;
  return *sure ? VMROOT_FIREWALLD_CLOSED : VMROOT_FIREWALLD_UNKNOWN;
}

static gboolean
concerns (const Section *policy, const gchar *zone)
{
  const gchar *from = get_value (policy, "ingress-zones");

  return (has_word (from, zone) || has_word (from, "ANY")) &&
         has_word (get_value (policy, "egress-zones"), "HOST");
}

static gint
compare_priority (gconstpointer a, gconstpointer b)
{
  const Section *one = *(const Section *const *)a;
  const Section *other = *(const Section *const *)b;

  return atoi (get_value (one, "priority")) - atoi (get_value (other, "priority"));
}

/* All that the packet goes through, in order. The zone has no priority: 0, which no policy may
 * have.
 */
static VmrootFirewalldAnswer
ask_in_order (GPtrArray *zones, GPtrArray *policies, const gchar *zone)
{
  g_autoptr (GPtrArray) way = g_ptr_array_new ();

  for (guint i = 0; i < policies->len; i++)
    if (concerns (g_ptr_array_index (policies, i), zone))
      g_ptr_array_add (way, g_ptr_array_index (policies, i));
  g_ptr_array_add (way, g_ptr_array_index (zones, 0));
  g_ptr_array_sort (way, compare_priority);

  for (guint i = 0; i < way->len; i++)
    {
      gboolean sure;
      const VmrootFirewalldAnswer answer = ask_section (g_ptr_array_index (way, i), &sure);

      if (!sure || answer != VMROOT_FIREWALLD_UNKNOWN)
        return answer;
    }
  return VMROOT_FIREWALLD_UNKNOWN;
}

/* NULL where it fails: nothing can be said then. */
static gchar *
run (VmrootContext *context, const gchar *option, const gchar *other, GCancellable *cancellable)
{
  const gchar *const argv[] = { "firewall-cmd", option, other, NULL };
  gchar *output = NULL;

  return vmroot_context_run (context, argv, SECONDS, &output, cancellable, NULL) ? output : NULL;
}

/* A zone that has sources takes their packets, whatever interface they come from: then nobody knows
 * without the guest's address. NULL: it cannot be said. */
static gchar *
find_zone (VmrootContext *context, const gchar *interface, GCancellable *cancellable)
{
  g_autofree gchar *output = run (context, "--get-active-zones", NULL, cancellable);
  g_autoptr (GPtrArray) zones = parse (output != NULL ? output : "");
  const gchar *found = NULL;

  for (guint i = 0; i < zones->len; i++)
    {
      const Section *zone = g_ptr_array_index (zones, i);

      if (*get_value (zone, "sources") != '\0')
        return NULL;
      if (has_word (get_value (zone, "interfaces"), interface))
        found = zone->name;
    }

  if (found != NULL)
    return g_strdup (found);
  g_free (output);
  output = run (context, "--get-default-zone", NULL, cancellable);
  return output != NULL ? g_strdup (g_strstrip (output)) : NULL;
}

VmrootFirewalldAnswer
vmroot_firewalld_ask (VmrootContext *context,
                      const gchar *interface,
                      gchar **zone,
                      GCancellable *cancellable)
{
  g_autofree gchar *option = NULL;
  g_autofree gchar *of_zone = NULL;
  g_autofree gchar *of_policies = NULL;
  g_autoptr (GPtrArray) zones = NULL;
  g_autoptr (GPtrArray) policies = NULL;

  *zone = find_zone (context, interface, cancellable);
  if (*zone == NULL)
    return VMROOT_FIREWALLD_UNKNOWN;

  option = g_strconcat ("--zone=", *zone, NULL);
  of_zone = run (context, option, "--list-all", cancellable);
  /* There were none before firewalld 0.9. */
  of_policies = run (context, "--list-all-policies", NULL, cancellable);
  zones = parse (of_zone != NULL ? of_zone : "");
  policies = parse (of_policies != NULL ? of_policies : "");
  return zones->len == 1 ? ask_in_order (zones, policies, *zone) : VMROOT_FIREWALLD_UNKNOWN;
}
