/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What of a tree would go wrong in a guest that has it by NFS. */

#include "config.h"

#include <string.h>

#include "vmroot-kernel-args-private.h"
#include "vmroot-kernel-config-private.h"
#include "vmroot-nfs-mount-private.h"
#include "vmroot-translation-private.h"
#include "vmroot-tree-attributes-private.h"
#include "vmroot-tree-findings-private.h"

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

/* The server is asked for the very directory of the host, and it is known once the root is
 * described whole. NULL: it is not yet. */
static gchar *
get_source (VmrootSpec *spec)
{
  return vmroot_spec_get_server (spec) != NULL
             ? vmroot_nfs_mount_source (spec, vmroot_spec_get_directory (spec))
             : NULL;
}

/* systemd-remount-fs(8) gives the options of that line to the root, and the NFS client refuses to
 * change most of its own, the address among them. */
static void
find_other_source (VmrootTreeCheck *check, const struct mntent *entry)
{
  g_autofree gchar *source = get_source (check->spec);
  g_autofree gchar *detail = NULL;

  if (vmroot_spec_get_transport (check->spec) == VMROOT_TRANSPORT_NFS &&
      g_str_has_prefix (entry->mnt_type, "nfs") &&
      (source == NULL || g_str_equal (source, entry->mnt_fsname)))
    return;

  if (source != NULL)
    detail = g_strdup_printf (
        _ ("/etc/fstab says that / is %s (%s), and the guest's is not that but %s. Its init tries "
           "to mount it again with what that line says, and fails."),
        entry->mnt_fsname, entry->mnt_type, source);
  else
    detail =
        g_strdup_printf (_ ("/etc/fstab says that / is %s (%s), and the guest's is not that. Its "
                            "init tries to mount it again with what that line says, and fails."),
                         entry->mnt_fsname, entry->mnt_type);
  add (check, "fstab-root", VMROOT_SEVERITY_WARNING,
       _ ("The tree's fstab has the root somewhere else"), detail,
       _ ("Remove that line from /etc/fstab in the tree: the root is mounted without it"));
}

/* mount(8), “Filesystem-independent mount options”, as far as a root that has them is the same. */
static gboolean
is_harmless (const gchar *option)
{
  static const gchar *const options[] = { "defaults", "auto",     "nouser",  "exec",
                                          "suid",     "dev",      "_netdev", "nofail",
                                          "noatime",  "relatime", "rw",      NULL };

  return *option == '\0' || g_str_has_prefix (option, "x-") || g_strv_contains (options, option);
}

static gboolean
is_ours (VmrootSpec *spec, const gchar *option)
{
  g_autofree gchar *text = vmroot_nfs_mount_is_described (spec)
                               ? vmroot_nfs_mount_options (spec, vmroot_spec_get_read_only (spec))
                               : g_strdup (vmroot_spec_get_read_only (spec) ? "ro" : "");
  g_auto (GStrv) ours = g_strsplit (text, ",", -1);

  return g_strv_contains ((const gchar *const *)ours, option);
}

static void
find_other_options (VmrootTreeCheck *check, const struct mntent *entry)
{
  g_auto (GStrv) options = g_strsplit (entry->mnt_opts, ",", -1);
  g_autofree gchar *detail = NULL;
  const gchar *other = NULL;

  for (gchar **option = options; *option != NULL && other == NULL; option++)
    if (!is_harmless (*option) && !is_ours (check->spec, *option))
      other = *option;
  if (other == NULL)
    return;

  detail = g_strdup_printf (
      _ ("/etc/fstab has the option “%s” for /, with which the guest's init mounts its root again. "
         "%s"),
      other,
      g_str_equal (other, "ro")
          ? _ ("From then on nothing can be written.")
          : _ ("The NFS client refuses to change most options of a mount, and systemd-remount-fs "
               "fails."));
  add (check, "fstab-root-options", VMROOT_SEVERITY_WARNING,
       _ ("The tree's fstab would mount the root again with other options"), detail,
       _ ("Remove that line from /etc/fstab in the tree, or leave only “defaults” in it"));
}

void
vmroot_tree_find_nfs_root_entry (VmrootTreeCheck *check, const struct mntent *entry)
{
  const gboolean by_nfs = g_str_has_prefix (entry->mnt_type, "nfs");

  if (!by_nfs && !(g_str_equal (entry->mnt_type, "virtiofs") &&
                   vmroot_spec_get_transport (check->spec) == VMROOT_TRANSPORT_NFS))
    return;

  find_other_source (check, entry);
  if (by_nfs && vmroot_spec_get_transport (check->spec) == VMROOT_TRANSPORT_NFS)
    find_other_options (check, entry);
}

/* Which initramfs mounts NFS 4.2, told by a file of which it needs one of the names, and why it
 * does not without. */
static const struct
{
  const gchar *generator;
  const gchar *needs[5];
  const gchar *why;
  const gchar *fix;
} generators[] = {
  { "dracut",
    { "lib/nfs-lib.sh" },
    N_ ("was made by dracut without its module “nfs”: dracut leaves it out where its own root is "
        "not on NFS"),
    N_ ("In the tree, install what the module needs (Debian: dracut-network, nfs-common, rpcbind; "
        "Fedora: dracut-network, nfs-utils) and run `dracut --force --no-hostonly --add nfs`; or "
        "use --boot-image vmroot, which needs none of it") },
  { "initramfs-tools",
    { "mount.nfs", "mount.nfs4" },
    N_ ("was made by initramfs-tools, which mounts with klibc's nfsmount: that knows the versions "
        "2 and 3 of NFS, and roots are exported by 4.2"),
    N_ ("Use --boot-image vmroot, or make the initramfs with dracut") },
  { "mkinitcpio",
    { "nfsv4.ko", "nfsv4.ko.zst", "nfsv4.ko.xz", "nfsv4.ko.gz" },
    N_ ("was made by mkinitcpio without the module nfsv4: the nfsmount of mkinitcpio-nfs-utils "
        "knows the versions 2 and 3 of NFS, and roots are exported by 4.2"),
    N_ ("Use --boot-image vmroot; or have the hook “net” mount with mount.nfs4, and add that "
        "program and the module nfsv4 to /etc/mkinitcpio.conf") },
};

void
vmroot_tree_find_nfs_initramfs (VmrootTreeCheck *check, const gchar *generator)
{
  const gchar *path = vmroot_kernel_get_initramfs (check->kernel);

  for (guint i = 0; i < G_N_ELEMENTS (generators); i++)
    {
      g_autofree gchar *detail = NULL;

      if (g_strcmp0 (generator, generators[i].generator) != 0 ||
          vmroot_tree_initramfs_has (check->tree, path, generators[i].needs))
        continue;

      detail = g_strdup_printf (_ ("%s %s. The guest would wait for its root, and not start."),
                                path, _ (generators[i].why));
      add (check, "guest-initramfs-nfs", VMROOT_SEVERITY_ERROR,
           _ ("The tree's own initramfs cannot mount NFS 4.2"), detail, _ (generators[i].fix));
    }
}

/* Such a kernel starts with an initramfs that is empty. */
void
vmroot_tree_find_nfs_built_in (VmrootTreeCheck *check)
{
  g_autofree gchar *missing = NULL;
  g_autofree gchar *detail = NULL;

  if (vmroot_kernel_config_mounts_nfs (check->tree, check->kernel, &missing))
    return;

  detail =
      g_strdup_printf (_ ("The guest is to boot its own, but there is none beside the kernel in "
                          "/boot, and the kernel does not mount NFS 4.2 by itself: for that it "
                          "must be configured so, and %s is missing."),
                       missing);
  add (check, "no-initramfs", VMROOT_SEVERITY_ERROR, _ ("The kernel has no initramfs in the tree"),
       detail, _ ("Make one inside the tree, or use --boot-image vmroot"));
}

static gboolean
has_kernel_arg (VmrootSpec *spec, const gchar *arg)
{
  const gchar *line = vmroot_spec_get_kernel_args (spec);
  g_auto (GStrv) args = vmroot_kernel_args_split (line != NULL ? line : "", NULL);

  return g_strv_contains ((const gchar *const *)args, arg);
}

/* selinux(8): these on the command line have the last word. */
void
vmroot_tree_find_nfs_selinux (VmrootTreeCheck *check)
{
  if (has_kernel_arg (check->spec, "enforcing=0") || has_kernel_arg (check->spec, "selinux=0"))
    return;

  add (
      check, "selinux", VMROOT_SEVERITY_WARNING, _ ("The guest enforces SELinux, without labels"),
      _ ("/etc/selinux/config says enforcing. By NFS all files have one label, nfs_t, of which the "
         "guest's policy lets services do next to nothing: most fail, and logins with them."),
      _ ("Use --kernel-args enforcing=0, or set SELINUX=permissive in /etc/selinux/config of the "
         "tree; --xattrs selinux where this host runs SELinux itself; or use virtiofs, which has "
         "the guest's labels everywhere"));
}

/* "/usr/bin/ping, /usr/bin/mtr and 3 more, of which …" */
static gchar *
list_paths (GPtrArray *paths, guint n, gboolean complete)
{
  g_autoptr (GString) list = g_string_new (NULL);

  for (guint i = 0; i < paths->len; i++)
    g_string_append_printf (list, "%s%s", i > 0 ? ", " : "", (const gchar *)paths->pdata[i]);
  if (n > paths->len)
    g_string_append_printf (list, _ (" and %u more"), n - paths->len);
  if (!complete)
    g_string_append (list, _ ("; and maybe others, as the tree is too large to look at all of it"));
  return g_string_free (g_steal_pointer (&list), FALSE);
}

static void
find_capabilities (VmrootTreeCheck *check, VmrootTreeAttributes *attributes)
{
  g_autofree gchar *list = NULL;
  g_autofree gchar *detail = NULL;

  if (attributes->n_capabilities == 0)
    return;

  list = list_paths (attributes->capabilities, attributes->n_capabilities, attributes->complete);
  detail =
      g_strdup_printf (_ ("NFS does not carry file capabilities, so these programs have no more "
                          "rights than who starts them, and setcap fails in the guest: %s."),
                       list);
  add (check, "nfs-capabilities", VMROOT_SEVERITY_WARNING,
       _ ("Programs lose their capabilities over NFS"), detail,
       _ ("For each that users of the guest need: `chmod u+s`, or AmbientCapabilities= in its "
          "service. Packages that set capabilities install with tsflags=nocaps in "
          "/etc/dnf/dnf.conf. Or use virtiofs, which keeps them"));
}

static void
find_acls (VmrootTreeCheck *check, VmrootTreeAttributes *attributes)
{
  g_autofree gchar *list = NULL;
  g_autofree gchar *detail = NULL;

  if (attributes->n_acls == 0)
    return;

  list = list_paths (attributes->acls, attributes->n_acls, attributes->complete);
  detail =
      g_strdup_printf (_ ("The server honours them, but the guest can neither see nor change "
                          "them, and what it unpacks has none. They are on: %s. Only directories "
                          "and programs were looked at."),
                       list);
  add (check, "nfs-acls", VMROOT_SEVERITY_INFO,
       _ ("POSIX ACLs are out of the guest's reach over NFS"), detail,
       _ ("Grant what they grant by groups, or use virtiofs, which keeps them"));
}

void
vmroot_tree_find_nfs_attributes (VmrootTreeCheck *check)
{
  g_autoptr (VmrootTreeAttributes) attributes = vmroot_tree_attributes_new (check->tree);

  find_capabilities (check, attributes);
  find_acls (check, attributes);
}

/* What the last line of `text` that sets Storage= sets; `before` if there is none. */
static gchar *
read_storage (const gchar *text, gchar *before)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (gchar **line = lines; *line != NULL; line++)
    if (g_str_has_prefix (g_strstrip (*line), "Storage="))
      {
        g_free (before);
        before = g_strdup (*line + strlen ("Storage="));
      }
  return before;
}

static gchar *
add_file (VmrootTreeCheck *check, const gchar *path, gchar *storage)
{
  g_autofree gchar *text =
      vmroot_tree_read_text (check->tree, path, VMROOT_TREE_MAX_CONFIGURATION_SIZE, NULL);

  return text != NULL ? read_storage (text, storage) : storage;
}

static gchar *
add_directory (VmrootTreeCheck *check, const gchar *directory, gchar *storage)
{
  g_auto (GStrv) names = vmroot_tree_list_directory (check->tree, directory, NULL);

  for (gchar **name = names; name != NULL && *name != NULL; name++)
    {
      g_autofree gchar *path = g_build_filename (directory, *name, NULL);

      if (g_str_has_suffix (*name, ".conf"))
        storage = add_file (check, path, storage);
    }
  return storage;
}

/* journald.conf(5): drop-ins have precedence over the main file. */
static gchar *
get_storage (VmrootTreeCheck *check)
{
  gchar *storage = g_strdup ("auto");

  storage = add_file (check, "/etc/systemd/journald.conf", storage);
  storage = add_directory (check, "/usr/lib/systemd/journald.conf.d", storage);
  return add_directory (check, "/etc/systemd/journald.conf.d", storage);
}

/* A memory-backed directory is where the journal goes then. */
static gboolean
has_tmpfs_for_journal (VmrootSpec *spec)
{
  static const gchar *const directories[] = { "/var", "/var/log", "/var/log/journal", NULL };
  g_autoptr (GPtrArray) tmpfs = vmroot_spec_list_tmpfs (spec);

  for (guint i = 0; i < tmpfs->len; i++)
    if (g_strv_contains (directories, vmroot_tmpfs_get_mount_point (tmpfs->pdata[i])))
      return TRUE;
  return FALSE;
}

void
vmroot_tree_find_nfs_journal (VmrootTreeCheck *check)
{
  g_autofree gchar *storage = get_storage (check);
  const gboolean asked = g_str_equal (storage, "persistent");

  if (!vmroot_tree_is_file (check->tree, "/usr/lib/systemd/systemd-journald") ||
      vmroot_spec_get_ephemeral (check->spec) || has_tmpfs_for_journal (check->spec) ||
      !(asked || (g_str_equal (storage, "auto") &&
                  vmroot_tree_is_directory (check->tree, "/var/log/journal"))))
    return;

  add (
      check, "nfs-journal", asked ? VMROOT_SEVERITY_WARNING : VMROOT_SEVERITY_INFO,
      _ ("The guest's journal is written over NFS"),
      asked
          ? _ ("journald's configuration in the tree says Storage=persistent. journald maps its "
               "files into memory: over NFS that is slow, and when the server is away for a while, "
               "whatever logs stands still with it.")
          : _ ("The tree has /var/log/journal, and journald writes there. It maps its files into "
               "memory: over NFS that is slow, and when the server is away for a while, whatever "
               "logs stands still with it."),
      _ ("Set Storage=volatile in /etc/systemd/journald.conf of the tree, or use --tmpfs "
         "/var/log/journal; to keep logs, send them to another host"));
}
