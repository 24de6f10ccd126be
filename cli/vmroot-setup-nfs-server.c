/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What the NFS server of the kernel does now: nfsd(7), proc(5). */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "vmroot-setup-nfs.h"

#define THREADS "/proc/fs/nfsd/threads"
#define VERSIONS "/proc/fs/nfsd/versions"
#define ETAB "/var/lib/nfs/etab"

/* As /proc/net/tcp has it: the port 2049, and a socket that listens. */
#define PORT ":0801"
#define LISTENS "0A"

/* An empty string where there is no such file. */
static gchar *
read_text (Setup *setup, const gchar *path)
{
  g_autofree gchar *full = setup_path (setup, path);
  gchar *text = NULL;

  return g_file_get_contents (full, &text, NULL, NULL) ? text : g_strdup ("");
}

gboolean
setup_nfs_has_exports (Setup *setup)
{
  g_autofree gchar *etab = read_text (setup, ETAB);

  return *g_strstrip (etab) != '\0';
}

static guint64
read_threads (Setup *setup)
{
  g_autofree gchar *text = read_text (setup, THREADS);

  return g_ascii_strtoull (text, NULL, 10);
}

/* Not by renaming: the kernel is to see it. */
static gboolean
write_threads (Setup *setup, const gchar *threads, GError **error)
{
  g_autofree gchar *path = setup_path (setup, THREADS);
  const int fd = g_open (path, O_WRONLY | O_TRUNC | O_CLOEXEC, 0);
  const gboolean written =
      fd != -1 && write (fd, threads, strlen (threads)) == (gssize)strlen (threads);

  if (!written)
    setup_set_errno (error, "write", path);
  if (fd != -1)
    close (fd);
  return written;
}

gboolean
setup_nfs_raise_threads (Setup *setup, guint threads, GError **error)
{
  const guint64 now = read_threads (setup);
  const gint i = setup_record_find (setup->record, SETUP_SETTING, THREADS);
  g_autofree gchar *content = g_strdup_printf ("%u", threads);
  g_autofree gchar *before = g_strdup_printf ("%" G_GUINT64_FORMAT, now);
  SetupThing setting = {
    .kind = SETUP_SETTING, .path = THREADS, .content = content, .before = before
  };

  if (now == 0 || now >= threads)
    return TRUE;

  if (i >= 0)
    setting.before = setup_record_get (setup->record, (guint)i).before;
  if (!setup_remember (setup, setting, error) ||
      (!setup->dry_run && !write_threads (setup, content, error)))
    return FALSE;

  setup_say (setup, "changed", "would change", "%s: %s", THREADS, content);
  return TRUE;
}

gboolean
setup_undo_nfs_threads (Setup *setup, guint i, GError **error)
{
  const SetupThing thing = setup_record_get (setup->record, i);
  g_autofree gchar *now = g_strdup_printf ("%" G_GUINT64_FORMAT, read_threads (setup));

  /* Somebody else's by now, or the server has been started anew. */
  if (!g_str_equal (now, thing.content))
    return setup_forget (setup, i, error);
  if (!setup->dry_run && !write_threads (setup, thing.before, error))
    return FALSE;

  setup_say (setup, "changed", "would change", "%s: %s", thing.path, thing.before);
  return setup_forget (setup, i, error);
}

gboolean
setup_nfs_speaks_4_2 (Setup *setup, gboolean alone)
{
  static const gchar *const others[] = { "+2", "+3", "+4.0", "+4.1" };
  g_autofree gchar *text = read_text (setup, VERSIONS);
  g_auto (GStrv) words = g_strsplit (g_strstrip (text), " ", -1);
  gboolean speaks = *text == '\0' || g_strv_contains ((const gchar *const *)words, "+4.2");

  for (guint i = 0; alone && i < G_N_ELEMENTS (others); i++)
    speaks = speaks && !g_strv_contains ((const gchar *const *)words, others[i]);
  return speaks;
}

/* The local addresses of the sockets that listen for NFS, as the kernel writes them. */
static void
add_listeners (Setup *setup, const gchar *path, GPtrArray *addresses)
{
  g_autofree gchar *text = read_text (setup, path);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      gchar local[64], state[8];

      if (sscanf (lines[i], " %*[0-9]: %63s %*s %7s", local, state) == 2 &&
          g_str_has_suffix (local, PORT) && g_str_equal (state, LISTENS))
        g_ptr_array_add (addresses, g_strndup (local, strlen (local) - strlen (PORT)));
    }
}

/* Words of the address, in the byte order of this machine. */
static gchar *
kernel_form (const gchar *address)
{
  g_autoptr (GInetAddress) inet = g_inet_address_new_from_string (address);
  GString *text = g_string_new (NULL);

  for (gsize i = 0; inet != NULL && i < g_inet_address_get_native_size (inet); i += 4)
    {
      guint32 word;

      memcpy (&word, g_inet_address_to_bytes (inet) + i, sizeof word);
      g_string_append_printf (text, "%08X", word);
    }
  return g_string_free (text, FALSE);
}

static GPtrArray *
kernel_forms (const gchar *addresses)
{
  g_auto (GStrv) words = g_strsplit (addresses, ",", -1);
  GPtrArray *forms = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; words[i] != NULL; i++)
    g_ptr_array_add (forms, kernel_form (g_strstrip (words[i])));
  return forms;
}

static gboolean
contains_all (GPtrArray *these, GPtrArray *those)
{
  for (guint i = 0; i < those->len; i++)
    if (!g_ptr_array_find_with_equal_func (these, g_ptr_array_index (those, i), g_str_equal, NULL))
      return FALSE;

  return TRUE;
}

gboolean
setup_nfs_listens_on (Setup *setup, const gchar *addresses)
{
  g_autoptr (GPtrArray) wanted = kernel_forms (*addresses != '\0' ? addresses : "0.0.0.0");
  g_autoptr (GPtrArray) listeners = g_ptr_array_new_with_free_func (g_free);

  add_listeners (setup, "/proc/net/tcp", listeners);
  add_listeners (setup, "/proc/net/tcp6", listeners);
  return listeners->len == 0 || (contains_all (listeners, wanted) &&
                                 (*addresses == '\0' || contains_all (wanted, listeners)));
}
