/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "config.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmroot-setup-file.h"

#define FILE_MODE 0644

/* What is at a path. */
typedef enum
{
  NOTHING,
  DIRECTORY,
  LINK,
  REGULAR,
  OTHER,
  UNKNOWN, /* with an error */
} What;

static What
what_is (const gchar *path, GError **error)
{
  struct stat status;

  if (lstat (path, &status) != 0)
    {
      if (errno == ENOENT || errno == ENOTDIR)
        return NOTHING;
      setup_set_errno (error, "look at", path);
      return UNKNOWN;
    }
  if (S_ISLNK (status.st_mode))
    return LINK;
  if (S_ISDIR (status.st_mode))
    return DIRECTORY;

  return S_ISREG (status.st_mode) ? REGULAR : OTHER;
}

static gint
in_the_way (const gchar *path, const gchar *kind, GError **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS,
               "%s is in the way: there should be a %s. Move it elsewhere", path, kind);
  return -1;
}

/* Whether `path` is a link to the very file `target`, by whatever name. */
static gboolean
leads_to (Setup *setup, const gchar *path, const gchar *target)
{
  g_autofree gchar *link = g_file_read_link (path, NULL);
  g_autofree gchar *there = setup_path (setup, target);
  struct stat a, b;

  if (g_strcmp0 (link, target) == 0)
    return TRUE;

  return stat (path, &a) == 0 && stat (there, &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

static gint
has_directory (Setup *setup, const gchar *path, GError **error)
{
  g_autofree gchar *full = setup_path (setup, path);
  const What what = what_is (full, error);

  if (what == NOTHING || what == UNKNOWN)
    return what == NOTHING ? 0 : -1;

  /* A link to one will do. */
  return g_file_test (full, G_FILE_TEST_IS_DIR) ? 1 : in_the_way (full, SETUP_DIRECTORY, error);
}

gint
setup_has_link (Setup *setup, const gchar *path, const gchar *target, GError **error)
{
  g_autofree gchar *full = setup_path (setup, path);
  const What what = what_is (full, error);

  if (what == NOTHING || what == UNKNOWN)
    return what == NOTHING ? 0 : -1;

  return leads_to (setup, full, target) ? 1 : in_the_way (full, SETUP_LINK, error);
}

static gint
has_file (Setup *setup, const gchar *path, GError **error)
{
  g_autofree gchar *full = setup_path (setup, path);
  const What what = what_is (full, error);

  if (what == NOTHING || what == UNKNOWN)
    return what == NOTHING ? 0 : -1;

  return g_file_test (full, G_FILE_TEST_IS_REGULAR) ? 1 : in_the_way (full, SETUP_FILE, error);
}

gboolean
setup_want_directory (Setup *setup, const gchar *path, guint mode, GError **error)
{
  g_autofree gchar *full = setup_path (setup, path);
  const gint there = has_directory (setup, path, error);

  if (there != 0)
    return there > 0;
  if (g_cancellable_set_error_if_cancelled (setup->cancellable, error) ||
      !setup_remember (setup, (SetupThing){ .kind = SETUP_DIRECTORY, .path = path }, error))
    return FALSE;

  /* The umask of whoever calls has no say in it. */
  if (!setup->dry_run && (g_mkdir (full, (int)mode) != 0 || g_chmod (full, (int)mode) != 0))
    return setup_set_errno (error, "make", full);

  setup_say (setup, "made", "would make", "directory %s", path);
  return TRUE;
}

gboolean
setup_want_link (Setup *setup, const gchar *path, const gchar *target, GError **error)
{
  g_autofree gchar *full = setup_path (setup, path);
  const gint there = setup_has_link (setup, path, target, error);
  const SetupThing link = { .kind = SETUP_LINK, .path = path, .content = target };

  if (there != 0)
    return there > 0;
  if (g_cancellable_set_error_if_cancelled (setup->cancellable, error) ||
      !setup_remember (setup, link, error))
    return FALSE;

  if (!setup->dry_run && symlink (target, full) != 0)
    return setup_set_errno (error, "make", full);

  setup_say (setup, "made", "would make", "link %s -> %s", path, target);
  return TRUE;
}

/* The umask of whoever calls has no say in it. */
static gboolean
write_text (const gchar *path, const gchar *text, gsize length, guint mode, GError **error)
{
  const mode_t mask = umask (0);
  const gboolean written = g_file_set_contents_full (
      path, text, (gssize)length, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
      (int)mode, error);

  umask (mask);
  return written;
}

/* A dry run shows the text. */
static void
show_text (Setup *setup, const gchar *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; setup->dry_run && !setup->quiet && lines[i] != NULL; i++)
    if (*lines[i] != '\0')
      g_print ("    %s\n", lines[i]);
}

static gboolean
put_file (Setup *setup, const SetupThing *thing, const gchar *text, GError **error)
{
  g_autofree gchar *full = setup_path (setup, thing->path);

  if (g_cancellable_set_error_if_cancelled (setup->cancellable, error) ||
      !setup_remember (setup, *thing, error))
    return FALSE;
  if (!setup->dry_run && !write_text (full, text, strlen (text), FILE_MODE, error))
    return FALSE;

  if (thing->previous == NULL)
    setup_say (setup, "made", "would make", "file %s", thing->path);
  else
    setup_say (setup, "wrote", "would write", "file %s anew", thing->path);
  show_text (setup, text);
  return TRUE;
}

gboolean
setup_want_file (Setup *setup, const gchar *path, const gchar *text, GError **error)
{
  const gint there = has_file (setup, path, error);
  g_autofree gchar *checksum = setup_checksum (text, strlen (text));
  const SetupThing file = { .kind = SETUP_FILE, .path = path, .content = checksum };

  if (there != 0)
    return there > 0;

  return put_file (setup, &file, text, error);
}

/* Whether `checksum` is that of a text that we gave the file. */
static gboolean
has_our_text (const SetupThing *thing, const gchar *checksum)
{
  return g_str_equal (thing->content, checksum) || g_strcmp0 (thing->previous, checksum) == 0;
}

/* What the record says of the file, if it still has the text that we gave it; NULL kind: not. */
static SetupThing
find_ours (Setup *setup, const gchar *path, const gchar *checksum)
{
  const gint i = setup_record_find (setup->record, SETUP_FILE, path);
  const SetupThing none = { NULL };
  SetupThing thing;

  if (i < 0)
    return none;

  thing = setup_record_get (setup->record, (guint)i);
  return has_our_text (&thing, checksum) ? thing : none;
}

gboolean
setup_write_file (
    Setup *setup, const gchar *path, const gchar *text, gboolean *is_ours, GError **error)
{
  g_autofree gchar *full = setup_path (setup, path);
  g_autofree gchar *checksum = setup_checksum (text, strlen (text));
  const gint there = has_file (setup, path, error);
  g_autofree gchar *now = NULL;
  g_autofree gchar *now_checksum = NULL;
  SetupThing file = { .kind = SETUP_FILE, .path = path, .content = checksum };
  gsize length;

  *is_ours = TRUE;
  if (there <= 0)
    return there == 0 && put_file (setup, &file, text, error);
  if (!g_file_get_contents (full, &now, &length, error))
    return FALSE;

  now_checksum = setup_checksum (now, length);
  if (g_str_equal (now_checksum, checksum))
    return TRUE;
  if (find_ours (setup, path, now_checksum).kind == NULL)
    {
      setup_note (setup, "%s was not written by vmroot setup, or was changed: it stays as it is",
                  path);
      *is_ours = FALSE;
      return TRUE;
    }

  file.previous = now_checksum;
  return put_file (setup, &file, text, error);
}

/* A file whose text we change, as the record shall have it. */
static gboolean
remember_edit (Setup *setup,
               const gchar *path,
               const gchar *now,
               gsize length,
               const gchar *text,
               GError **error)
{
  g_autofree gchar *now_checksum = setup_checksum (now, length);
  g_autofree gchar *checksum = setup_checksum (text, strlen (text));
  g_autofree gchar *encoded = g_base64_encode ((const guchar *)now, length);
  const SetupThing ours = find_ours (setup, path, now_checksum);
  const gboolean again = ours.kind != NULL && ours.before != NULL;
  const SetupThing file = { .kind = SETUP_FILE,
                            .path = path,
                            .content = checksum,
                            .previous = again ? now_checksum : NULL,
                            .before = again ? ours.before : encoded };

  return setup_remember (setup, file, error);
}

gboolean
setup_edit_file (
    Setup *setup, const gchar *path, const gchar *text, const gchar *what, GError **error)
{
  g_autofree gchar *full = setup_path (setup, path);
  g_autofree gchar *real = realpath (full, NULL);
  g_autofree gchar *now = NULL;
  struct stat status;
  gsize length;

  if (real == NULL || stat (real, &status) != 0)
    return setup_set_errno (error, "look at", full);
  if (!g_file_get_contents (real, &now, &length, error))
    return FALSE;
  if (g_str_equal (now, text))
    return TRUE;
  if (g_cancellable_set_error_if_cancelled (setup->cancellable, error) ||
      !remember_edit (setup, path, now, length, text, error))
    return FALSE;
  if (!setup->dry_run && !write_text (real, text, strlen (text), status.st_mode & 07777, error))
    return FALSE;

  setup_say (setup, "changed", "would change", "%s: %s", path, what);
  return TRUE;
}

static gboolean
is_recorded (Setup *setup, const gchar *path)
{
  for (guint i = 0; i < setup_record_get_length (setup->record); i++)
    if (g_str_equal (setup_record_get (setup->record, i).path, path))
      return TRUE;

  return FALSE;
}

/* Whether the directory has something in it that setup did not put there. */
static gboolean
holds_others (Setup *setup, const gchar *directory)
{
  g_autofree gchar *path = setup_path (setup, directory);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree gchar *child = g_build_filename (directory, name, NULL);

      if (!is_recorded (setup, child))
        return TRUE;
    }
  return FALSE;
}

/* Ends undoing number `i`: the file is gone, or shall go now. */
static gboolean
take_away (Setup *setup, guint i, GError **error)
{
  const SetupThing thing = setup_record_get (setup->record, i);
  g_autofree gchar *path = setup_path (setup, thing.path);

  if (!setup->dry_run && g_remove (path) != 0)
    {
      if (errno != ENOTEMPTY && errno != EEXIST && errno != EBUSY)
        return setup_set_errno (error, "remove", path);
      setup_say_left (thing.path, "it is not empty");
      return TRUE;
    }

  setup_say (setup, "removed", "would remove", "%s %s", thing.kind, thing.path);
  return setup_forget (setup, i, error);
}

gboolean
setup_undo_directory (Setup *setup, guint i, GError **error)
{
  const SetupThing thing = setup_record_get (setup->record, i);
  g_autofree gchar *path = setup_path (setup, thing.path);

  if (!g_file_test (path, G_FILE_TEST_IS_DIR))
    return setup_forget (setup, i, error);
  if (holds_others (setup, thing.path))
    {
      setup_say_left (thing.path, "it is not empty");
      return TRUE;
    }
  return take_away (setup, i, error);
}

gboolean
setup_undo_link (Setup *setup, guint i, GError **error)
{
  const SetupThing thing = setup_record_get (setup->record, i);
  g_autofree gchar *path = setup_path (setup, thing.path);

  if (what_is (path, NULL) == NOTHING)
    return setup_forget (setup, i, error);
  if (!leads_to (setup, path, thing.content))
    {
      setup_say_left (thing.path, "it leads elsewhere now");
      return TRUE;
    }
  return take_away (setup, i, error);
}

/* Gives the file number `i` the text it had before we came. */
static gboolean
give_back (Setup *setup, guint i, const gchar *now, gsize now_length, GError **error)
{
  const SetupThing thing = setup_record_get (setup->record, i);
  g_autofree gchar *full = setup_path (setup, thing.path);
  g_autofree gchar *real = realpath (full, NULL);
  g_autofree gchar *checksum = setup_checksum (now, now_length);
  gsize length;
  g_autofree guchar *before = g_base64_decode (thing.before, &length);
  struct stat status;

  /* Killed before it was changed, or changed back by somebody. */
  if (length == now_length && memcmp (before, now, length) == 0)
    return setup_forget (setup, i, error);
  if (!has_our_text (&thing, checksum))
    {
      setup_say_left (thing.path, "it was changed");
      return TRUE;
    }

  if (real == NULL || stat (real, &status) != 0)
    return setup_set_errno (error, "look at", full);
  if (!setup->dry_run &&
      !write_text (real, (const gchar *)before, length, status.st_mode & 07777, error))
    return FALSE;

  setup_say (setup, "gave back", "would give back", "%s as it was", thing.path);
  return setup_forget (setup, i, error);
}

gboolean
setup_undo_file (Setup *setup, guint i, GError **error)
{
  const SetupThing thing = setup_record_get (setup->record, i);
  g_autofree gchar *path = setup_path (setup, thing.path);
  g_autofree gchar *now = NULL;
  g_autofree gchar *checksum = NULL;
  gsize length;

  if (what_is (path, NULL) == NOTHING)
    return setup_forget (setup, i, error);
  if (!g_file_get_contents (path, &now, &length, NULL))
    {
      setup_say_left (thing.path, "it cannot be read");
      return TRUE;
    }
  if (thing.before != NULL)
    return give_back (setup, i, now, length, error);

  checksum = setup_checksum (now, length);
  if (!has_our_text (&thing, checksum))
    {
      setup_say_left (thing.path, "it was changed");
      return TRUE;
    }
  return take_away (setup, i, error);
}
