/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The `vmroot` command: finds the word that was meant, and runs it. */

#include "config.h"

#include <glib-unix.h>
#include <libvirt/virterror.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "vmroot-command.h"

const Command commands[] = {
  { "apply", "DOMAIN --directory DIR", "Make a directory the root of a guest.", run_apply },
  { "remove", "DOMAIN", "Give a guest back the definition it had before apply.", run_remove },
  { "show", "DOMAIN", "Show the root of a guest.", run_show },
  { "list", NULL, "List the guests whose root is a directory.", run_list },
  { "check", "DIR|DOMAIN", "Say what would go wrong, and what to do about it.", run_check },
  { "boot-image", "DIR --output OUTDIR", "Make the kernel and initramfs of a tree.",
    run_boot_image },
  { "reconcile", NULL, "Make this host agree with the guests that run.", run_reconcile },
  { "release", "GUEST", "Take away what is kept for a guest that was migrated to another host.",
    run_release },
  { "setup", "[PIECE…]", "Prepare this host for guests whose root is a directory.", run_setup },
  { "wait-for-address", "ADDRESS…", "Wait until servers can listen on addresses of this host.",
    run_wait_for_address },
  { "help", "[COMMAND]", "Explain a command.", run_help },
  { NULL },
};

const Command *
command_find (const gchar *name)
{
  for (const Command *command = commands; command->name != NULL; command++)
    if (g_str_equal (command->name, name))
      return command;

  return NULL;
}

/* How many single letters have to be put in, taken out or replaced to make `b` of `a`. */
static guint
edit_distance (const gchar *a, const gchar *b)
{
  const gsize width = strlen (b);
  g_autofree guint *row = g_new (guint, width + 1);

  for (gsize j = 0; j <= width; j++)
    row[j] = j;
  for (gsize i = 0; a[i] != '\0'; i++)
    {
      guint diagonal = row[0]++;

      for (gsize j = 0; j < width; j++)
        {
          const guint replaced = diagonal + (a[i] != b[j]);

          diagonal = row[j + 1];
          row[j + 1] = MIN (replaced, MIN (row[j], diagonal) + 1);
        }
    }
  return row[width];
}

/* The command whose name is nearest to `word`; NULL if none is near. */
static const Command *
suggest (const gchar *word)
{
  const Command *best = NULL;
  guint best_distance = strlen (word) / 2 + 1;

  for (const Command *command = commands; command->name != NULL; command++)
    {
      const guint distance =
          g_str_has_prefix (command->name, word) ? 0 : edit_distance (word, command->name);

      if (distance < best_distance)
        {
          best = command;
          best_distance = distance;
        }
    }
  return best;
}

static gint
unknown_command (const gchar *word)
{
  const Command *near = suggest (word);

  if (near != NULL)
    g_printerr ("vmroot: '%s' is not a command. Did you mean 'vmroot %s'?\n", word, near->name);
  else
    g_printerr ("vmroot: '%s' is not a command. See 'vmroot help'.\n", word);
  return COMMAND_MISUSED;
}

static void
print_usage (void)
{
  g_print ("Usage:\n  vmroot COMMAND [OPTION…]\n\n"
           "Makes a plain directory of this host the root file system of a libvirt guest.\n\n"
           "Commands:\n");
  for (const Command *command = commands; command->name != NULL; command++)
    g_print ("  %-18s%s\n", command->name, command->summary);
  g_print ("\n'vmroot help COMMAND' explains one of them; vmroot(1) has it all.\n");
}

gint
run_help (gchar **argv, GCancellable *cancellable)
{
  const Command *command;
  gchar *words[] = { argv[1], (gchar *)"--help", NULL };
  g_autofree gchar *program = NULL;

  if (argv[1] == NULL || g_str_has_prefix (argv[1], "-") || g_str_equal (argv[1], "help"))
    {
      print_usage ();
      return COMMAND_DONE;
    }

  command = command_find (argv[1]);
  if (command == NULL)
    return unknown_command (argv[1]);

  program = g_strconcat ("vmroot ", command->name, NULL);
  g_set_prgname (program);
  return command->run (words, cancellable);
}

/* A command that runs, and what ends it. */
typedef struct
{
  const Command *command;
  gchar **argv;
  GCancellable *cancellable;
  GMainLoop *loop;
  gint signal;
  gint status;
} Run;

static gboolean
quit_loop (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

static gpointer
run_in_thread (gpointer data)
{
  Run *run = data;

  run->status = run->command->run (run->argv, run->cancellable);
  g_idle_add (quit_loop, run->loop);
  return NULL;
}

/* The command ends by itself now, and cleans up. The source is gone then, and with it our handler:
 * a second Ctrl-C ends us at once. */
static gboolean
cancel (Run *run, gint signal)
{
  run->signal = signal;
  g_cancellable_cancel (run->cancellable);
  return G_SOURCE_REMOVE;
}

static gboolean
interrupted (gpointer run)
{
  return cancel (run, SIGINT);
}

static gboolean
terminated (gpointer run)
{
  return cancel (run, SIGTERM);
}

static gint
run_command (const Command *command, gchar **argv)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Run run = { command, argv, cancellable, loop, 0, COMMAND_FAILED };
  GThread *thread;

  g_unix_signal_add (SIGINT, interrupted, &run);
  g_unix_signal_add (SIGTERM, terminated, &run);
  thread = g_thread_new (command->name, run_in_thread, &run);
  g_main_loop_run (loop);
  g_thread_join (thread);

  /* Whoever started us shall see that it was the signal: a shell then ends its loop. */
  if (run.signal != 0)
    {
      signal (run.signal, SIG_DFL);
      raise (run.signal);
    }
  return run.status;
}

static void
ignore_libvirt_error (void *data, virErrorPtr error)
{
}

int
main (int argc, char **argv)
{
  const Command *command;
  g_autofree gchar *program = NULL;

  setlocale (LC_ALL, "");
  /* The command speaks English, and so do the parts of its messages that come from elsewhere. */
  setlocale (LC_MESSAGES, "C");
  /* What libvirt has to say is part of our own messages. */
  virSetErrorFunc (NULL, ignore_libvirt_error);

  if (argc < 2)
    {
      g_printerr ("vmroot: which command? See 'vmroot help'.\n");
      return COMMAND_MISUSED;
    }
  if (g_str_equal (argv[1], "--version"))
    {
      g_print ("vmroot %s\n", PACKAGE_VERSION);
      return COMMAND_DONE;
    }

  command = command_find (g_str_equal (argv[1], "--help") || g_str_equal (argv[1], "-h") ? "help"
                                                                                         : argv[1]);
  if (command == NULL)
    return unknown_command (argv[1]);

  program = g_strconcat ("vmroot ", command->name, NULL);
  g_set_prgname (program);
  return run_command (command, argv + 1);
}
