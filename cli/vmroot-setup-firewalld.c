/* SPDX-License-Identifier: GPL-2.0-or-later */

/* firewalld, where it runs: libvirt puts its bridges into zones of its own, and what those may
 * reach on the host is said in the zone `libvirt`, and in the policy `libvirt-to-host` for networks
 * that are routed. */

#include "config.h"

#include <errno.h>
#include <glib/gstdio.h>

#include "vmroot-setup-firewall.h"

#define SERVICE "nfs"
#define UNKNOWN ""

/* Where the service is added, and the file that firewalld keeps it in. */
static const struct
{
  const gchar *option;
  const gchar *file;
} places[] = {
  { "--zone=libvirt", "/etc/firewalld/zones/libvirt.xml" },
  { "--policy=libvirt-to-host", "/etc/firewalld/policies/libvirt-to-host.xml" },
};

/* firewall-cmd [--permanent] PLACE ACTION. */
static gboolean
firewall_cmd (
    Setup *setup, gboolean permanent, const gchar *place, const gchar *action, GError **error)
{
  const gchar *const runtime[] = { "firewall-cmd", place, action, NULL };
  const gchar *const on_disk[] = { "firewall-cmd", "--permanent", place, action, NULL };
  g_autofree gchar *output = setup_run (setup, permanent ? on_disk : runtime, error);

  return output != NULL;
}

gboolean
setup_firewalld_runs (Setup *setup)
{
  const gchar *const argv[] = { "firewall-cmd", "--state", NULL };
  g_autofree gchar *output = setup_run (setup, argv, NULL);

  return output != NULL;
}

/* A file in base64; NULL where there is none. */
static gchar *
encode_file (Setup *setup, const gchar *path)
{
  g_autofree gchar *full = setup_path (setup, path);
  g_autofree gchar *text = NULL;
  gsize length;

  return g_file_get_contents (full, &text, &length, NULL)
             ? g_base64_encode ((const guchar *)text, length)
             : NULL;
}

/* An empty string where there is no file. */
static gchar *
checksum_of (Setup *setup, const gchar *path)
{
  g_autofree gchar *full = setup_path (setup, path);
  g_autofree gchar *text = NULL;
  gsize length;

  return g_file_get_contents (full, &text, &length, NULL) ? setup_checksum (text, length)
                                                          : g_strdup ("");
}

/* What the file was stays what it was when we came, unless somebody changed it since. Its checksum
 * is not known before firewalld has written it. */
static gboolean
remember_before (Setup *setup, guint place, GError **error)
{
  const gint i = setup_record_find (setup->record, SETUP_FIREWALLD, places[place].option);
  g_autofree gchar *backup_path = g_strconcat (places[place].file, ".old", NULL);
  g_autofree gchar *before = encode_file (setup, places[place].file);
  g_autofree gchar *backup = encode_file (setup, backup_path);
  g_autofree gchar *checksum = checksum_of (setup, places[place].file);
  SetupThing thing = { .kind = SETUP_FIREWALLD,
                       .path = places[place].option,
                       .content = UNKNOWN,
                       .before = before,
                       .backup = backup };

  if (i >= 0)
    {
      const SetupThing ours = setup_record_get (setup->record, (guint)i);

      if (g_str_equal (ours.content, UNKNOWN) || g_str_equal (ours.content, checksum))
        thing = ours;
      thing.content = UNKNOWN;
    }
  return setup_remember (setup, thing, error);
}

static gboolean
remember_after (Setup *setup, guint place, GError **error)
{
  const gint i = setup_record_find (setup->record, SETUP_FIREWALLD, places[place].option);
  g_autofree gchar *checksum = checksum_of (setup, places[place].file);
  SetupThing thing;

  if (i < 0)
    return TRUE;

  thing = setup_record_get (setup->record, (guint)i);
  if (!g_str_equal (thing.content, UNKNOWN))
    return TRUE;

  thing.content = checksum;
  return setup_remember (setup, thing, error);
}

static gboolean
add (Setup *setup, guint place, gboolean permanent, GError **error)
{
  const gchar *option = places[place].option;

  if (!remember_before (setup, place, error))
    return FALSE;
  if (!setup->dry_run && !firewall_cmd (setup, permanent, option, "--add-service=" SERVICE, error))
    return FALSE;

  setup_say (setup, "let", "would let", "NFS through firewalld: %s, %s", option,
             permanent ? "permanently" : "now");
  return TRUE;
}

/* Whether it is let through already, by the service or by its port. */
static gboolean
is_open (Setup *setup, const gchar *option, gboolean permanent)
{
  return firewall_cmd (setup, permanent, option, "--query-service=" SERVICE, NULL) ||
         firewall_cmd (setup, permanent, option, "--query-port=2049/tcp", NULL);
}

static gboolean
open_place (Setup *setup, guint place, GError **error)
{
  const gchar *option = places[place].option;

  for (guint permanent = 0; permanent < 2; permanent++)
    if (!is_open (setup, option, permanent) && !add (setup, place, permanent, error))
      return FALSE;

  /* Of a run that was killed, too. */
  return remember_after (setup, place, error);
}

gboolean
setup_firewalld (Setup *setup, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      if (g_cancellable_set_error_if_cancelled (setup->cancellable, error))
        return FALSE;

      /* libvirt had no zones before 5.1, and no such policy before 8.10. */
      if (!firewall_cmd (setup, FALSE, places[i].option, "--list-services", NULL))
        setup_note (setup, "firewalld has no %s: nothing is let through there", places[i].option);
      else if (!open_place (setup, i, error))
        return FALSE;
    }
  return TRUE;
}

static const gchar *
file_of (const gchar *option)
{
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    if (g_str_equal (option, places[i].option))
      return places[i].file;

  return NULL;
}

static gboolean
give_back (Setup *setup, const gchar *path, const gchar *encoded, GError **error)
{
  g_autofree gchar *full = setup_path (setup, path);
  gsize length = 0;
  g_autofree guchar *text = encoded != NULL ? g_base64_decode (encoded, &length) : NULL;

  if (text != NULL)
    return g_file_set_contents (full, (const gchar *)text, (gssize)length, error);

  return g_unlink (full) == 0 || errno == ENOENT || setup_set_errno (error, "remove", full);
}

static gboolean
take_out (Setup *setup, const gchar *option, GError **error)
{
  for (guint permanent = 0; permanent < 2; permanent++)
    if (firewall_cmd (setup, permanent, option, "--query-service=" SERVICE, NULL) &&
        !firewall_cmd (setup, permanent, option, "--remove-service=" SERVICE, error))
      return FALSE;

  return TRUE;
}

/* firewalld takes the service out, and writes the file anew; where nobody else changed it, the file
 * is put back as it was, which says the same. */
static gboolean
undo_place (Setup *setup, const SetupThing *thing, const gchar *file, GError **error)
{
  g_autofree gchar *checksum = checksum_of (setup, file);
  g_autofree gchar *backup = g_strconcat (file, ".old", NULL);

  if (!take_out (setup, thing->path, error))
    return FALSE;
  if (!g_str_equal (thing->content, UNKNOWN) && !g_str_equal (checksum, thing->content))
    {
      setup_say_left (file, "it was changed; only the service " SERVICE " was taken out");
      return TRUE;
    }
  return give_back (setup, file, thing->before, error) &&
         give_back (setup, backup, thing->backup, error);
}

gboolean
setup_undo_firewalld (Setup *setup, guint i, GError **error)
{
  const SetupThing thing = setup_record_get (setup->record, i);
  const gchar *file = file_of (thing.path);

  if (file == NULL || !setup_firewalld_runs (setup))
    {
      setup_say_left ("NFS let through firewalld", "firewalld does not run; start it first");
      return TRUE;
    }
  if (!setup->dry_run && !undo_place (setup, &thing, file, error))
    return FALSE;

  setup_say (setup, "closed", "would close", "firewalld for NFS: %s", thing.path);
  return setup_forget (setup, i, error);
}
