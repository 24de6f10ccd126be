/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What the start and stop of one more guest over NFS takes when there are exports already, beside
 * what exportfs itself takes for that, and what of it is vmroot's own work. Without the boot
 * image, which does not depend on exports. Root's; everything happens in namespaces and memory.
 */

#include "config.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "vmroot-host-private.h"

#define UUID "6d3d3a7e-2b1f-4f0e-9a56-0f3b8a0f1c11"
#define SERVER "10.0.255.1"
#define CLIENT "10.0.255.5"
#define ROUNDS 15
/* Without a copy of the process, as fork() makes it. */
#define AS_VMROOT_DOES (G_SPAWN_SEARCH_PATH | G_SPAWN_LEAVE_DESCRIPTORS_OPEN)

static const gchar domain_xml[] =
    "<domain type='kvm' id='3'><name>alpha</name><uuid>" UUID "</uuid>"
    "<os><type>hvm</type></os><devices/></domain>";

static gboolean
build_boot_image (const VmrootServedDirectory *root,
                  VmrootSpec *spec,
                  const gchar *directory,
                  GCancellable *cancellable,
                  GError **error)
{
  return TRUE;
}

static void
enter_namespaces (const gchar *sysroot)
{
  struct ifreq request = { .ifr_name = "lo" };
  struct sockaddr_in *address = (struct sockaddr_in *)&request.ifr_addr;
  int fd;

  if (unshare (CLONE_NEWNS | CLONE_NEWNET) != 0)
    g_error ("this takes root");
  fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  address->sin_family = AF_INET;
  inet_pton (AF_INET, SERVER, &address->sin_addr);
  if (ioctl (fd, SIOCSIFADDR, &request) != 0 ||
      mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
      mount ("tmpfs", sysroot, "tmpfs", 0, NULL) != 0)
    g_error ("cannot set up namespaces: %m");
  close (fd);
}

static void
write_file (VmrootContext *context, const gchar *path, const gchar *text)
{
  g_autofree gchar *directory = g_path_get_dirname (path);

  if (!vmroot_context_make_directory (context, directory, 0755, NULL) ||
      !vmroot_context_write_file (context, path, text, NULL))
    g_error ("cannot write %s", path);
}

/* As exportfs writes them. */
static void
write_etab (VmrootContext *context, guint n)
{
  g_autoptr (GString) etab = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append_printf (
        etab,
        "/export/guest%u\t10.0.%u.%u(rw,async,wdelay,hide,nocrossmnt,insecure,no_root_squash,"
        "no_all_squash,no_subtree_check,secure_locks,acl,no_pnfs,fsid=766d7274-1111-2222-3333-%"
        "012u,"
        "anonuid=65534,anongid=65534,sec=sys,rw,insecure,no_root_squash,no_all_squash)\n",
        i, i / 250, i % 250 + 2, i);
  write_file (context, "/var/lib/nfs/etab", etab->str);
}

static VmrootDomain *
new_domain (void)
{
  g_autoptr (VmrootDomain) domain = vmroot_domain_new_from_xml (domain_xml, NULL);
  g_autoptr (VmrootSpec) spec = vmroot_spec_new ("/export/a");
  g_autoptr (GError) error = NULL;

  g_object_set (spec, "transport", VMROOT_TRANSPORT_NFS, "network", "default", "mac-address",
                "52:54:00:12:34:56", "address", CLIENT "/16", "server", SERVER, NULL);
  if (!vmroot_domain_set_spec (domain, spec, &error))
    g_error ("%s", error->message);
  return g_steal_pointer (&domain);
}

/* Of this process and its threads, not of exportfs. */
static gdouble
get_processor_time (void)
{
  struct timespec time;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &time);
  return (gdouble)time.tv_sec * 1e3 + (gdouble)time.tv_nsec / 1e6;
}

static gdouble
time_vmroot (VmrootHost *host, VmrootDomain *domain, gdouble *processor)
{
  const gint64 began = g_get_monotonic_time ();
  const gdouble processor_began = get_processor_time ();
  g_autoptr (GError) error = NULL;

  if (!vmroot_host_prepare (host, domain, NULL, &error) ||
      !vmroot_host_release (host, domain, NULL, &error))
    g_error ("%s", error->message);
  *processor = get_processor_time () - processor_began;
  return (gdouble)(g_get_monotonic_time () - began) / 1e3;
}

static gdouble
time_exportfs (const gchar *what)
{
  const gchar *add[] = { "exportfs", "-i",
                         "-o",       "rw,async,no_root_squash,insecure,no_subtree_check,fsid=1",
                         what,       NULL };
  const gchar *take_away[] = { "exportfs", "-u", what, NULL };
  const gint64 began = g_get_monotonic_time ();

  if (!g_spawn_sync (NULL, (gchar **)add, NULL, AS_VMROOT_DOES, NULL, NULL, NULL, NULL, NULL,
                     NULL) ||
      !g_spawn_sync (NULL, (gchar **)take_away, NULL, AS_VMROOT_DOES, NULL, NULL, NULL, NULL, NULL,
                     NULL))
    g_error ("cannot run exportfs: install nfs-kernel-server");
  return (gdouble)(g_get_monotonic_time () - began) / 1e3;
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  const gdouble difference = *(const gdouble *)a - *(const gdouble *)b;

  return difference < 0 ? -1 : difference > 0;
}

/* They take turns, so that whatever else the machine does hits both. */
static void
measure (VmrootHost *host, VmrootDomain *domain, const gchar *what, guint n)
{
  gdouble ours[ROUNDS], bare[ROUNDS], own[ROUNDS];

  write_etab (host->context, n);
  for (guint i = 0; i < ROUNDS; i++)
    {
      ours[i] = time_vmroot (host, domain, &own[i]);
      bare[i] = time_exportfs (what);
    }
  qsort (ours, ROUNDS, sizeof *ours, compare);
  qsort (bare, ROUNDS, sizeof *bare, compare);
  qsort (own, ROUNDS, sizeof *own, compare);
  g_print ("| %u | %.1f ms | %.1f ms | %.1f ms |\n", n, ours[ROUNDS / 4], bare[ROUNDS / 4],
           own[ROUNDS / 4]);
}

int
main (void)
{
  static const guint counts[] = { 0, 100, 1000, 5000 };
  g_autofree gchar *sysroot = g_dir_make_tmp ("vmroot-bench-XXXXXX", NULL);
  g_autoptr (VmrootContext) context = vmroot_context_new (sysroot);
  g_autoptr (VmrootHost) host = vmroot_host_new_for_context (context);
  g_autoptr (VmrootDomain) domain = new_domain ();
  g_autofree gchar *state = vmroot_context_path (context, "/var/lib/nfs");
  g_autofree gchar *root = vmroot_context_path (context, "/export/a");
  g_autofree gchar *what = g_strconcat (CLIENT ":", root, NULL);

  enter_namespaces (sysroot);
  host->build_boot_image = build_boot_image;
  write_file (context, "/proc/fs/nfsd/threads", "8\n");
  write_file (context, "/proc/fs/nfsd/versions", "+4.2\n");
  write_file (context, "/export/a/file", "");
  write_etab (context, 0);
  if (mount (state, "/var/lib/nfs", NULL, MS_BIND, NULL) != 0)
    g_error ("no /var/lib/nfs: install nfs-kernel-server");

  g_print ("| exports there | prepare and release | exportfs -i and -u alone | vmroot's own "
           "processor time |\n"
           "|---|---|---|---|\n");
  for (gsize i = 0; i < G_N_ELEMENTS (counts); i++)
    measure (host, domain, what, counts[i]);
  umount2 (sysroot, MNT_DETACH);
  g_rmdir (sysroot);
  return 0;
}
