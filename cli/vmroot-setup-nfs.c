/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The piece `nfs` of vmroot setup: the NFS server of the kernel, for guests over NFSv4.2. */

#include "config.h"

#include <string.h>

#include "vmroot-command.h"
#include "vmroot-setup-file.h"
#include "vmroot-setup-nfs.h"
#include "vmroot-setup-pieces.h"
#include "vmroot-setup-unit.h"

#define DROP_INS "/etc/nfs.conf.d"
#define CONFIGURATION DROP_INS "/vmroot.conf"
#define UNIT_DROP_INS "/etc/systemd/system/" SETUP_NFS_SERVER ".d"

/* A thread serves one request at a time, and most of it is waiting for the disk. It may hold 1 MiB
 * of buffers, so they are given at most 1/64 of the memory, as far as that is more than the
 * kernel's own default. */
#define THREADS_PER_CORE 8
#define LEAST_THREADS 8
#define MOST_THREADS 256
#define MEBIBYTES_PER_THREAD 64

/* What the server shall be. */
typedef struct
{
  guint threads; /* 0: as others say */
  gchar *host;
  gboolean only_4_2;
} Server;

static void
server_clear (Server *server)
{
  g_clear_pointer (&server->host, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Server, server_clear)

gboolean
setup_nfs_check_options (const Setup *setup, gboolean has_use, GError **error)
{
  const gchar *host = setup->nfs_host != NULL ? setup->nfs_host : "";
  g_auto (GStrv) addresses = g_strsplit (host, ",", -1);

  if (!has_use && (setup->nfs_host != NULL || setup->nfs_versions != NULL || setup->nfs_restart))
    {
      command_set_misused (error, "--nfs-host, --nfs-versions and --restart are for the piece nfs: "
                                  "vmroot setup nfs");
      return FALSE;
    }
  if (setup->nfs_versions != NULL && !g_str_equal (setup->nfs_versions, "4.2") &&
      !g_str_equal (setup->nfs_versions, "all"))
    {
      command_set_misused (error, "--nfs-versions is 4.2 or all, not '%s'", setup->nfs_versions);
      return FALSE;
    }
  for (guint i = 0; addresses[i] != NULL && *host != '\0'; i++)
    /* A scope, as in fe80::1%eth0, is none of the addresses that a network has. */
    if (!g_hostname_is_ip_address (addresses[i]) || strchr (addresses[i], '%') != NULL)
      {
        command_set_misused (error, "--nfs-host: '%s' is no address", addresses[i]);
        return FALSE;
      }
  return TRUE;
}

static gboolean
check_installed (Setup *setup, GError **error)
{
  g_autofree gchar *program = setup_path (setup, "/usr/sbin/rpc.nfsd");

  if (g_file_test (program, G_FILE_TEST_IS_EXECUTABLE))
    return TRUE;

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
               "There is no %s: install the NFS server first (Debian: apt install "
               "nfs-kernel-server)",
               program);
  return FALSE;
}

static guint64
read_mebibytes (Setup *setup)
{
  g_autofree gchar *path = setup_path (setup, "/proc/meminfo");
  g_autofree gchar *text = NULL;
  const gchar *total;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;

  total = strstr (text, "MemTotal:");
  return total != NULL ? g_ascii_strtoull (total + strlen ("MemTotal:"), NULL, 10) / 1024 : 0;
}

static guint
threads_of_host (Setup *setup)
{
  const guint64 by_memory = read_mebibytes (setup) / MEBIBYTES_PER_THREAD;
  const guint64 by_cores = (guint64)g_get_num_processors () * THREADS_PER_CORE;
  /* In steps, so that a new kernel, which leaves a little more or less, changes nothing. */
  const guint64 threads = MIN (by_memory, by_cores) / LEAST_THREADS * LEAST_THREADS;

  return (guint)CLAMP (threads, LEAST_THREADS, MOST_THREADS);
}

/* Whether a file in the format of nfs.conf(5) says how many threads. */
static gboolean
sets_threads (const gchar *path)
{
  g_autofree gchar *text = NULL;
  g_auto (GStrv) lines = NULL;
  gboolean in_nfsd = FALSE;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return FALSE;

  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      gchar *line = g_strstrip (lines[i]);

      if (*line == '[')
        in_nfsd = g_ascii_strncasecmp (line, "[nfsd]", strlen ("[nfsd]")) == 0;
      else if (in_nfsd && g_ascii_strncasecmp (line, "threads", strlen ("threads")) == 0)
        return TRUE;
    }
  return FALSE;
}

/* Whether the administrator has said how many threads, in another file than ours. */
static gboolean
others_set_threads (Setup *setup)
{
  g_autofree gchar *main_file = setup_path (setup, "/etc/nfs.conf");
  g_autofree gchar *drop_ins = setup_path (setup, DROP_INS);
  g_autofree gchar *ours = setup_path (setup, CONFIGURATION);
  g_autoptr (GDir) dir = g_dir_open (drop_ins, 0, NULL);
  gboolean set = sets_threads (main_file);
  const gchar *name;

  while (!set && dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree gchar *path = g_build_filename (drop_ins, name, NULL);

      set = g_str_has_suffix (name, ".conf") && !g_str_equal (path, ours) && sets_threads (path);
    }
  return set;
}

/* What was asked now, or was asked before and is in our file. */
static Server
decide (Setup *setup)
{
  g_autofree gchar *path = setup_path (setup, CONFIGURATION);
  g_autoptr (GKeyFile) ours = g_key_file_new ();
  Server server = { .threads = others_set_threads (setup) ? 0 : threads_of_host (setup) };

  (void)g_key_file_load_from_file (ours, path, G_KEY_FILE_NONE, NULL);
  server.only_4_2 = setup->nfs_versions != NULL ? g_str_equal (setup->nfs_versions, "4.2")
                                                : g_key_file_has_key (ours, "nfsd", "vers3", NULL);
  server.host = setup->nfs_host != NULL ? g_strdup (setup->nfs_host)
                                        : g_key_file_get_string (ours, "nfsd", "host", NULL);
  if (server.host == NULL)
    server.host = g_strdup ("");
  return server;
}

static gchar *
write_configuration (const Server *server)
{
  GString *text = g_string_new (
      "# Written by vmroot setup, see vmroot(1). What nfs.conf says otherwise does not count.\n"
      "\n"
      "[nfsd]\n"
      "vers4=y\n"
      "vers4.2=y\n");

  if (server->threads > 0)
    g_string_append_printf (text, "threads=%u\n", server->threads);
  if (server->only_4_2)
    g_string_append (text, "vers3=n\nvers4.0=n\nvers4.1=n\n");
  if (*server->host != '\0')
    g_string_append_printf (text, "host=%s\n", server->host);
  return g_string_free (text, FALSE);
}

static gboolean
needs_restart (Setup *setup, const Server *server)
{
  return !setup_nfs_speaks_4_2 (setup, server->only_4_2) ||
         ((setup->nfs_host != NULL || *server->host != '\0') &&
          !setup_nfs_listens_on (setup, server->host));
}

/* A restart makes every client wait, for up to the 90 seconds of grace in which the server lets
 * them only take up again what they had (nfsd(7)). */
static gboolean
check_restart (Setup *setup, GError **error)
{
  if (setup->nfs_restart || !setup_nfs_has_exports (setup))
    return TRUE;

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY,
                       "The NFS server would have to be restarted, and exports something: its "
                       "clients would wait for "
                       "up to 90 seconds. Nothing of it was changed. When they can wait: vmroot "
                       "setup nfs --restart");
  return FALSE;
}

/* An address of a libvirt network is not there before libvirt made its bridge, which it does after
 * it has said that it is ready. systemd's own Restart= is of no use: a server that fails takes
 * nfs-mountd.service down with it, and that its restart. */
static gchar *
write_order (const Server *server)
{
  g_auto (GStrv) addresses = g_strsplit (server->host, ",", -1);
  GString *text = g_string_new (
      "# Written by vmroot setup: the addresses to listen on may be those of libvirt's networks.\n"
      "[Unit]\n"
      "After=libvirtd.service virtnetworkd.service\n"
      "\n"
      "[Service]\n");

  g_string_append (text, "ExecStartPre=" VMROOT_BINDIR "/vmroot wait-for-address");
  for (guint i = 0; addresses[i] != NULL; i++)
    g_string_append_printf (text, " %s", addresses[i]);
  g_string_append_c (text, '\n');
  return g_string_free (text, FALSE);
}

static gboolean
want_order (Setup *setup, const Server *server, GError **error)
{
  const gint i = setup_record_find (setup->record, SETUP_FILE, UNIT_DROP_INS "/vmroot.conf");
  g_autofree gchar *text = write_order (server);
  gboolean is_ours;

  if (*server->host == '\0')
    return i < 0 || setup_undo_file (setup, (guint)i, error);

  return setup_want_directory (setup, UNIT_DROP_INS, 0755, error) &&
         setup_write_file (setup, UNIT_DROP_INS "/vmroot.conf", text, &is_ours, error);
}

static gboolean
run_server (Setup *setup, const Server *server, gboolean restart, GError **error)
{
  if (!setup_refresh_unit (setup, SETUP_NFS_SERVER, error) ||
      !setup_enable_unit (setup, SETUP_NFS_SERVER, error))
    return FALSE;
  if (!setup_unit_is_active (setup, SETUP_NFS_SERVER))
    return setup_start_unit (setup, SETUP_NFS_SERVER, error);
  if (restart)
    return setup_tell_unit (setup, "restart", "restarted", SETUP_NFS_SERVER, error);

  return setup_nfs_raise_threads (setup, server->threads, error);
}

gboolean
setup_nfs (Setup *setup, GError **error)
{
  g_auto (Server) server = decide (setup);
  g_autofree gchar *text = write_configuration (&server);
  const gboolean has_systemd = setup_has_systemd (setup);
  const gboolean restart = has_systemd && setup_unit_is_active (setup, SETUP_NFS_SERVER) &&
                           needs_restart (setup, &server);
  const SetupThing restarted = { .kind = SETUP_UNIT_RESTARTED, .path = SETUP_NFS_SERVER };
  gboolean is_ours;

  if (!check_installed (setup, error) || (restart && !check_restart (setup, error)))
    return FALSE;

  /* Before the files, so that undoing restarts it after them. */
  if ((restart && !setup_remember (setup, restarted, error)) ||
      !setup_want_directory (setup, DROP_INS, 0755, error) ||
      !setup_write_file (setup, CONFIGURATION, text, &is_ours, error) ||
      (has_systemd && !want_order (setup, &server, error)))
    return FALSE;

  if (!is_ours)
    return TRUE;
  if (has_systemd)
    return run_server (setup, &server, restart, error);

  setup_note (setup, "systemd does not run here: start the NFS server (rpc.nfsd, rpc.mountd)");
  return TRUE;
}
