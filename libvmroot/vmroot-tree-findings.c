/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What of a tree would go wrong in a guest: one function for each kind of finding. */

#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "vmroot-error.h"
#include "vmroot-modules-private.h"
#include "vmroot-translation-private.h"
#include "vmroot-tree-findings-private.h"

/* Enough for any fstab that a person wrote. */
#define MAX_FSTAB_FINDINGS 50

static void
add (VmrootTreeCheck *check,
     const gchar *id,
     VmrootSeverity severity,
     const gchar *title,
     const gchar *detail,
     const gchar *fix)
{
  vmroot_findings_add (check->findings, id, severity, title, detail, fix);
}

static gboolean
is_root (VmrootTree *tree)
{
  return vmroot_tree_is_directory (tree, "/etc") &&
         (vmroot_tree_is_directory (tree, "/usr") || vmroot_tree_is_directory (tree, "/bin"));
}

static void
check_init (VmrootTreeCheck *check)
{
  g_autofree gchar *init = vmroot_tree_get_init (check->tree);

  if (init == NULL)
    add (
        check, "no-init", VMROOT_SEVERITY_ERROR, _ ("The tree has no init"),
        _ ("None of /sbin/init, /etc/init, /bin/init, systemd and /bin/sh is an executable file in "
           "it, so the guest has nothing to start."),
        _ ("Install one with the tree's package manager (Debian: systemd-sysv; Alpine: "
           "alpine-base), or name another with the kernel argument init=PATH"));
  else if (g_str_equal (init, "/bin/sh"))
    add (check, "only-a-shell", VMROOT_SEVERITY_WARNING, _ ("The tree has a shell, but no init"),
         _ ("The guest starts /bin/sh on its console and no services."),
         _ ("Install an init with the tree's package manager (Debian: systemd-sysv)"));
}

static void
check_os_release (VmrootTreeCheck *check)
{
  g_autofree gchar *id = vmroot_tree_get_os_id (check->tree);

  if (id == NULL)
    add (check, "no-os-release", VMROOT_SEVERITY_INFO, _ ("The tree does not say what it is"),
         _ ("It has neither /etc/os-release nor /usr/lib/os-release. vmroot does not need it, but "
            "systemd and many programs do."),
         NULL);
}

/* Whether a processor of type `host` runs programs for `guest` as it is. */
static gboolean
runs (const gchar *host, const gchar *guest)
{
  return g_str_equal (host, guest) ||
         (g_str_equal (host, "x86_64") && g_str_equal (guest, "i686")) ||
         (g_str_equal (host, "aarch64") && g_str_equal (guest, "armv7l"));
}

static void
check_architecture (VmrootTreeCheck *check)
{
  g_autofree gchar *architecture = vmroot_tree_get_architecture (check->tree);
  g_autofree gchar *detail = NULL;
  g_autofree gchar *fix = NULL;
  struct utsname host;

  if (architecture == NULL || uname (&host) < 0 || runs (host.machine, architecture))
    return;

  detail =
      g_strdup_printf (_ ("Its init is a program for %s and this host is %s: the guest needs a "
                          "domain with that processor, which QEMU emulates slowly."),
                       architecture, host.machine);
  fix =
      g_strdup_printf (_ ("Give the domain <type arch='%s'> and <domain type='qemu'>, or make the "
                          "tree for %s"),
                       architecture, host.machine);
  add (check, "architecture", VMROOT_SEVERITY_WARNING, _ ("The tree is for another processor"),
       detail, fix);
}

static void
check_kernel (VmrootTreeCheck *check)
{
  g_autoptr (GError) error = NULL;

  check->kernel =
      vmroot_tree_find_kernel (check->tree, vmroot_spec_get_kernel (check->spec), &error);
  if (check->kernel != NULL)
    return;

  if (g_error_matches (error, VMROOT_ERROR, VMROOT_ERROR_NO_KERNEL))
    add (check, "no-kernel", VMROOT_SEVERITY_ERROR, _ ("The guest has no kernel to boot"),
         error->message, NULL);
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
    add (check, "kernel-unreadable", VMROOT_SEVERITY_INFO,
         _ ("Only root can look at the tree's kernels"), error->message,
         _ ("Check it again as root: libvirt starts guests as root, too"));
  else
    add (check, "kernel-unreadable", VMROOT_SEVERITY_ERROR,
         _ ("The tree's kernels cannot be looked for"), error->message, NULL);
}

static void
check_module_directory (VmrootTreeCheck *check)
{
  const gchar *version = vmroot_kernel_get_version (check->kernel);
  g_autofree gchar *detail = g_strdup_printf (_ ("There is no /usr/lib/modules/%s. A kernel with "
                                                 "everything built in boots nevertheless; one "
                                                 "from a distribution does not."),
                                              version);

  if (vmroot_kernel_get_modules (check->kernel) == NULL)
    add (
        check, "no-modules", VMROOT_SEVERITY_WARNING, _ ("The kernel has no modules"), detail,
        _ ("Install the package with this kernel's modules, or name another kernel with --kernel"));
}

/* Each module that is missing, with what it comes from. */
static void
check_modules (VmrootTreeCheck *check)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmrootModules) modules = NULL;
  g_autoptr (GPtrArray) needs = NULL;

  if (check->kernel == NULL ||
      vmroot_spec_get_boot_source (check->spec) != VMROOT_BOOT_SOURCE_VMROOT)
    return;

  check_module_directory (check);
  modules = vmroot_modules_new (check->tree, check->kernel, &error);
  if (modules == NULL)
    {
      add (check, "modules-unreadable", VMROOT_SEVERITY_ERROR,
           _ ("The kernel's modules cannot be read"), error->message, NULL);
      return;
    }

  needs = vmroot_modules_needed_for (check->spec);
  for (guint i = 0; i < needs->len; i++)
    {
      g_autoptr (GError) missing = NULL;

      if (!vmroot_modules_has (modules, needs->pdata[i], &missing))
        add (check, "no-module", VMROOT_SEVERITY_ERROR,
             _ ("The kernel lacks a module that the root needs"), missing->message, NULL);
    }
}

static gboolean
is_by_nfs (VmrootTreeCheck *check)
{
  return vmroot_spec_get_transport (check->spec) == VMROOT_TRANSPORT_NFS;
}

/* What each generator makes of root=TAG rootfstype=virtiofs. */
static void
check_guest_initramfs (VmrootTreeCheck *check)
{
  g_autofree gchar *generator = NULL;
  g_autofree gchar *detail = NULL;

  if (check->kernel == NULL ||
      vmroot_spec_get_boot_source (check->spec) != VMROOT_BOOT_SOURCE_GUEST)
    return;

  if (vmroot_kernel_get_initramfs (check->kernel) == NULL)
    {
      if (is_by_nfs (check))
        vmroot_tree_find_nfs_built_in (check);
      else
        add (check, "no-initramfs", VMROOT_SEVERITY_ERROR,
             _ ("The kernel has no initramfs in the tree"),
             _ ("The guest is to boot its own, but there is none beside the kernel in /boot."),
             _ ("Make one inside the tree, or use --boot-image vmroot"));
      return;
    }

  generator =
      vmroot_tree_recognise_initramfs (check->tree, vmroot_kernel_get_initramfs (check->kernel));
  if (g_strcmp0 (generator, "initramfs-tools") == 0 || g_strcmp0 (generator, "dracut") == 0 ||
      g_strcmp0 (generator, "mkinitcpio") == 0)
    {
      if (is_by_nfs (check))
        vmroot_tree_find_nfs_initramfs (check, generator);
      return;
    }

  detail =
      g_strdup_printf (_ ("%s was made by %s, of which vmroot does not know that it can mount a "
                          "root by %s."),
                       vmroot_kernel_get_initramfs (check->kernel),
                       generator != NULL ? generator : _ ("a program that it does not know"),
                       is_by_nfs (check) ? "NFS 4.2" : "virtiofs");
  add (check, "guest-initramfs", VMROOT_SEVERITY_WARNING,
       _ ("The tree's own initramfs may not find its root"), detail, _ ("Use --boot-image vmroot"));
}

static gboolean
names_a_disk (const gchar *device)
{
  static const gchar *const prefixes[] = { "/dev/",     "UUID=",      "LABEL=",
                                           "PARTUUID=", "PARTLABEL=", "ID=" };

  for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++)
    if (g_str_has_prefix (device, prefixes[i]))
      return TRUE;
  return FALSE;
}

static void
check_fstab_root (VmrootTreeCheck *check, const struct mntent *entry)
{
  g_autofree gchar *detail =
      g_strdup_printf (_ ("/etc/fstab says that / is %s. The guest's init waits for that device, "
                          "checks it, and fails to mount it again."),
                       entry->mnt_fsname);

  add (check, "fstab-root", VMROOT_SEVERITY_WARNING, _ ("The tree's fstab has a root on a disk"),
       detail, _ ("Remove that line from /etc/fstab in the tree: the root is mounted without it"));
}

static void
check_fstab_swap (VmrootTreeCheck *check, const struct mntent *entry)
{
  g_autofree gchar *detail = g_strdup_printf (
      _ ("/etc/fstab has swap on %s. A file on a shared directory cannot be swapped to, and a disk "
         "that the guest does not have is waited for."),
      entry->mnt_fsname);

  add (check, "fstab-swap", VMROOT_SEVERITY_WARNING, _ ("The tree's fstab has swap"), detail,
       _ ("Remove that line from /etc/fstab in the tree, or give the guest that disk"));
}

static void
check_fstab_device (VmrootTreeCheck *check, const struct mntent *entry)
{
  g_autofree gchar *detail = g_strdup_printf (
      _ ("/etc/fstab mounts %s on %s. Unless the guest has that disk, systemd waits 90 seconds for "
         "it and then offers an emergency shell instead of starting."),
      entry->mnt_fsname, entry->mnt_dir);

  add (check, "fstab-device", VMROOT_SEVERITY_WARNING, _ ("The tree's fstab mounts a disk"), detail,
       _ ("Remove that line from /etc/fstab in the tree, or add the option nofail to it"));
}

static void
check_fstab_entry (VmrootTreeCheck *check, const struct mntent *entry)
{
  if (hasmntopt (entry, "noauto") != NULL)
    return;

  if (g_str_equal (entry->mnt_type, "swap"))
    check_fstab_swap (check, entry);
  else if (g_str_equal (entry->mnt_dir, "/"))
    {
      if (names_a_disk (entry->mnt_fsname))
        check_fstab_root (check, entry);
      else
        vmroot_tree_find_nfs_root_entry (check, entry);
    }
  else if (!names_a_disk (entry->mnt_fsname))
    return;
  else if (hasmntopt (entry, "nofail") == NULL)
    check_fstab_device (check, entry);
}

static void
check_fstab (VmrootTreeCheck *check)
{
  g_autofree gchar *text =
      vmroot_tree_read_text (check->tree, "/etc/fstab", VMROOT_TREE_MAX_CONFIGURATION_SIZE, NULL);
  FILE *stream = text != NULL && *text != '\0' ? fmemopen (text, strlen (text), "r") : NULL;
  guint limit = check->findings->len + MAX_FSTAB_FINDINGS;
  struct mntent entry;
  gchar buffer[4096];

  if (stream == NULL)
    return;

  while (check->findings->len < limit &&
         getmntent_r (stream, &entry, buffer, sizeof buffer) != NULL)
    check_fstab_entry (check, &entry);
  fclose (stream);
}

static gboolean
has_line (const gchar *text, const gchar *line)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (gchar **l = lines; *l != NULL; l++)
    if (g_str_equal (g_strstrip (*l), line))
      return TRUE;
  return FALSE;
}

static void
check_selinux (VmrootTreeCheck *check)
{
  g_autofree gchar *text = vmroot_tree_read_text (check->tree, "/etc/selinux/config",
                                                  VMROOT_TREE_MAX_CONFIGURATION_SIZE, NULL);

  if (text == NULL || !has_line (text, "SELINUX=enforcing") ||
      vmroot_spec_get_xattrs (check->spec) == VMROOT_XATTRS_SELINUX)
    return;

  if (is_by_nfs (check))
    vmroot_tree_find_nfs_selinux (check);
  else
    add (check, "selinux", VMROOT_SEVERITY_WARNING,
         _ ("The guest enforces SELinux, without labels"),
         _ ("/etc/selinux/config says enforcing. Without labels of its own on its files the guest "
            "refuses nearly everything, and the host's labels are not its own."),
         _ ("Use --xattrs selinux, and have the guest label its files: touch /.autorelabel in the "
            "tree"));
}

#define SYSTEMD_UNITS "/etc/systemd/system"

/* systemd.swap(5) */
static void
check_swap_units (VmrootTreeCheck *check)
{
  g_auto (GStrv) names = vmroot_tree_list_directory (check->tree, SYSTEMD_UNITS, NULL);

  for (gchar **name = names; name != NULL && *name != NULL; name++)
    {
      g_autofree gchar *path = g_build_filename (SYSTEMD_UNITS, *name, NULL);
      g_autofree gchar *detail = NULL;

      if (!g_str_has_suffix (*name, ".swap") || !vmroot_tree_is_file (check->tree, path))
        continue;
      detail =
          g_strdup_printf (_ ("%s is a unit for swap. A file on a shared directory cannot be "
                              "swapped to, and a disk that the guest does not have is waited for."),
                           path);
      add (check, "swap-unit", VMROOT_SEVERITY_WARNING, _ ("The tree has a systemd unit for swap"),
           detail, _ ("Remove it from the tree, or give the guest that disk"));
      return;
    }
}

static void
check_nfs (VmrootTreeCheck *check)
{
  if (!is_by_nfs (check))
    return;

  vmroot_tree_find_nfs_journal (check);
  vmroot_tree_find_nfs_network_service (check);
  vmroot_tree_find_nfs_attributes (check);
}

static void (*const checks[]) (VmrootTreeCheck *check) = {
  check_init,   check_os_release, check_architecture,
  check_kernel, check_modules,    check_guest_initramfs,
  check_fstab,  check_selinux,    check_swap_units,
  check_nfs,
};

GPtrArray *
vmroot_tree_collect_findings (VmrootTree *self, VmrootSpec *spec)
{
  GPtrArray *findings = g_ptr_array_new_with_free_func (g_object_unref);
  VmrootTreeCheck check = { .tree = self, .spec = spec, .findings = findings };

  if (!is_root (self))
    {
      add (&check, "not-a-root", VMROOT_SEVERITY_ERROR, _ ("This is not a root directory"),
           _ ("It lacks /etc, or both /usr and /bin: no operating system is installed in it."),
           _ ("Name the directory that holds the guest's /etc and /usr, or make one: mmdebstrap, "
              "dnf --installroot, apk --root, pacstrap"));
      return findings;
    }

  for (guint i = 0; i < G_N_ELEMENTS (checks); i++)
    checks[i](&check);
  g_clear_object (&check.kernel);
  return findings;
}
