/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "vmroot-error.h"
#include "vmroot-translation-private.h"
#include "vmroot-tree-private.h"

#define MAX_OS_RELEASE_SIZE (64 * 1024)
#define MAX_INITTAB_SIZE (256 * 1024)
#define MAX_PROGRAM_SIZE (G_GUINT64_CONSTANT (1) << 30)

/* A script that starts a script that starts a program. */
#define MAX_INTERPRETERS 4

/**
 * VmrootTree:
 *
 * A directory that holds, or shall hold, the root of a guest, inspected without trusting it.
 *
 * The guest's root user writes the tree, so nothing in it is believed: every path is resolved
 * beneath the tree (a link to `/etc/passwd` is the tree's own `/etc/passwd`), only regular files
 * are read, and only up to a size that makes sense for them. A tree can be used from any thread.
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE (VmrootTree, vmroot_tree, G_TYPE_OBJECT)

static void
vmroot_tree_finalize (GObject *object)
{
  VmrootTree *self = (VmrootTree *)object;

  g_free (self->path);
  g_clear_pointer (&self->inputs, g_hash_table_unref);
  if (self->fd >= 0)
    close (self->fd);

  G_OBJECT_CLASS (vmroot_tree_parent_class)->finalize (object);
}

static void
vmroot_tree_class_init (VmrootTreeClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vmroot_tree_finalize;
}

static void
vmroot_tree_init (VmrootTree *self)
{
  self->fd = -1;
}

VmrootTree *
vmroot_tree_new_for_fd (int fd, const gchar *path)
{
  VmrootTree *self = g_object_new (VMROOT_TYPE_TREE, NULL);

  self->fd = fd;
  self->path = g_strdup (path);
  if (fstat (fd, &self->status) < 0)
    memset (&self->status, 0, sizeof self->status);
  return self;
}

/**
 * vmroot_tree_new:
 * @path: (type filename): a directory of this host
 * @error: return location for a #GError
 *
 * Opens a directory as a tree. Nothing in it is read yet.
 *
 * Returns: (transfer full): the tree; on error %NULL, with %VMROOT_ERROR_NOT_A_ROOT where there is
 *   no such directory and %VMROOT_ERROR_FAILED where it cannot be opened
 *
 * Since: 1.0
 */
VmrootTree *
vmroot_tree_new (const gchar *path, GError **error)
{
  g_autofree gchar *absolute = NULL;
  int fd;

  g_return_val_if_fail (path != NULL, NULL);

  absolute = g_canonicalize_filename (path, NULL);
  fd = open (absolute, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    {
      int saved_errno = errno;
      gboolean missing = saved_errno == ENOENT || saved_errno == ENOTDIR;

      g_set_error (error, VMROOT_ERROR, missing ? VMROOT_ERROR_NOT_A_ROOT : VMROOT_ERROR_FAILED,
                   _ ("Cannot open %s as the root directory of a guest: %s"), absolute,
                   g_strerror (saved_errno));
      return NULL;
    }
  return vmroot_tree_new_for_fd (fd, absolute);
}

int
vmroot_tree_get_fd (VmrootTree *self)
{
  return self->fd;
}

void
vmroot_tree_get_identity (VmrootTree *self, dev_t *dev, ino_t *ino)
{
  *dev = self->status.st_dev;
  *ino = self->status.st_ino;
}

/**
 * vmroot_tree_get_path:
 *
 * Where the tree was opened.
 *
 * Returns: (transfer none) (type filename): an absolute path on this host
 *
 * Since: 1.0
 */
const gchar *
vmroot_tree_get_path (VmrootTree *self)
{
  g_return_val_if_fail (VMROOT_IS_TREE (self), NULL);

  return self->path;
}

/* The value of a variable in os-release(5): shell quoting, comments, one assignment a line. */
static gchar *
parse_os_release (const gchar *text, const gchar *key)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autofree gchar *prefix = g_strconcat (key, "=", NULL);
  g_autofree gchar *value = NULL;

  for (gchar **line = lines; *line != NULL; line++)
    {
      g_strstrip (*line);
      if (g_str_has_prefix (*line, prefix))
        {
          g_free (value);
          value = g_shell_unquote (*line + strlen (prefix), NULL);
        }
    }
  return value != NULL && *value != '\0' ? g_steal_pointer (&value) : NULL;
}

static gchar *
read_os_release (VmrootTree *self)
{
  gchar *text = vmroot_tree_read_text (self, "/etc/os-release", MAX_OS_RELEASE_SIZE, NULL);

  if (text == NULL)
    text = vmroot_tree_read_text (self, "/usr/lib/os-release", MAX_OS_RELEASE_SIZE, NULL);
  return text;
}

/**
 * vmroot_tree_get_os_id:
 *
 * The operating system, as `ID` of os-release(5): `debian`, `alpine`.
 *
 * Returns: (nullable) (transfer full): the identifier, or %NULL if the tree does not say
 *
 * Since: 1.0
 */
gchar *
vmroot_tree_get_os_id (VmrootTree *self)
{
  g_autofree gchar *text = NULL;
  gchar *id;

  g_return_val_if_fail (VMROOT_IS_TREE (self), NULL);

  text = read_os_release (self);
  if (text == NULL)
    return NULL;

  id = parse_os_release (text, "ID");
  return id != NULL ? id : g_strdup ("linux");
}

/**
 * vmroot_tree_get_os_name:
 *
 * The operating system for a person, as `PRETTY_NAME` of os-release(5): `Debian GNU/Linux 12
 * (bookworm)`.
 *
 * Returns: (nullable) (transfer full): the name, or %NULL if the tree does not say
 *
 * Since: 1.0
 */
gchar *
vmroot_tree_get_os_name (VmrootTree *self)
{
  g_autofree gchar *text = NULL;
  gchar *name;

  g_return_val_if_fail (VMROOT_IS_TREE (self), NULL);

  text = read_os_release (self);
  if (text == NULL)
    return NULL;

  name = parse_os_release (text, "PRETTY_NAME");
  if (name == NULL)
    name = parse_os_release (text, "NAME");
  return name != NULL ? name : g_strdup ("Linux");
}

/**
 * vmroot_tree_get_init:
 *
 * The program that the guest starts first, where its kernel arguments name no other.
 *
 * Returns: (nullable) (transfer full): an absolute path inside the tree, or %NULL if there is none
 *
 * Since: 1.0
 */
gchar *
vmroot_tree_get_init (VmrootTree *self)
{
  /* As vmroot-init looks for it. */
  static const gchar *const candidates[] = {
    "/sbin/init",           "/etc/init", "/bin/init", "/usr/lib/systemd/systemd",
    "/lib/systemd/systemd", "/bin/sh",
  };

  g_return_val_if_fail (VMROOT_IS_TREE (self), NULL);

  for (guint i = 0; i < G_N_ELEMENTS (candidates); i++)
    {
      struct stat status;

      if (vmroot_tree_stat (self, candidates[i], &status, NULL) && S_ISREG (status.st_mode) &&
          (status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0)
        return g_strdup (candidates[i]);
    }
  return NULL;
}

/* Names as `uname -m` and libvirt have them; values from elf(5) and <elf.h>. */
static const gchar *
architecture_of_elf (const guint8 *header)
{
  gboolean little = header[EI_DATA] == ELFDATA2LSB;
  gboolean wide = header[EI_CLASS] == ELFCLASS64;
  guint16 machine;

  memcpy (&machine, header + G_STRUCT_OFFSET (Elf64_Ehdr, e_machine), sizeof machine);
  machine = little ? GUINT16_FROM_LE (machine) : GUINT16_FROM_BE (machine);

  switch (machine)
    {
    case EM_X86_64:
      return "x86_64";
    case EM_386:
      return "i686";
    case EM_AARCH64:
      return "aarch64";
    case EM_ARM:
      return "armv7l";
    case EM_RISCV:
      return wide ? "riscv64" : "riscv32";
    case EM_PPC64:
      return little ? "ppc64le" : "ppc64";
    case EM_S390:
      return "s390x";
    case 258: /* EM_LOONGARCH, since glibc 2.36 */
      return "loongarch64";
    default:
      return NULL;
    }
}

static gssize
read_start (VmrootTree *self, const gchar *path, guint8 *buffer, gsize size)
{
  int fd = vmroot_tree_open_file (self, path, MAX_PROGRAM_SIZE, NULL);
  gssize n;

  if (fd < 0)
    return -1;

  n = pread (fd, buffer, size, 0);
  close (fd);
  return n;
}

/* The program of a "#!" line, or NULL. */
static gchar *
parse_interpreter (const guint8 *start, gsize size)
{
  g_autofree gchar *line = NULL;
  g_auto (GStrv) words = NULL;

  if (size < 3 || start[0] != '#' || start[1] != '!')
    return NULL;

  line = g_strndup ((const gchar *)start + 2, size - 2);
  line[strcspn (line, "\n")] = '\0';
  words = g_strsplit_set (g_strstrip (line), " \t", 2);
  return words[0] != NULL && words[0][0] == '/' ? g_strdup (words[0]) : NULL;
}

/**
 * vmroot_tree_get_architecture:
 *
 * The processor that the tree is for, from the ELF header of its init.
 *
 * Returns: (nullable) (transfer full): a name as `uname -m` and libvirt have it (`x86_64`, `i686`,
 *   `aarch64`), or %NULL if it cannot be told
 *
 * Since: 1.0
 */
gchar *
vmroot_tree_get_architecture (VmrootTree *self)
{
  g_autofree gchar *path = NULL;

  g_return_val_if_fail (VMROOT_IS_TREE (self), NULL);

  path = vmroot_tree_get_init (self);
  for (guint i = 0; path != NULL && i < MAX_INTERPRETERS; i++)
    {
      guint8 start[256];
      gssize n = read_start (self, path, start, sizeof start);
      gchar *interpreter;

      if (n >= (gssize)sizeof (Elf32_Ehdr) && memcmp (start, ELFMAG, SELFMAG) == 0)
        return g_strdup (architecture_of_elf (start));

      interpreter = n > 0 ? parse_interpreter (start, (gsize)n) : NULL;
      g_free (path);
      path = interpreter;
    }
  return NULL;
}

static gboolean
is_one_of (VmrootTree *self, const struct stat *status, const gchar *path)
{
  struct stat other;

  return vmroot_tree_stat (self, path, &other, NULL) && other.st_dev == status->st_dev &&
         other.st_ino == status->st_ino;
}

static gboolean
inittab_starts_openrc (VmrootTree *self)
{
  g_autofree gchar *inittab = vmroot_tree_read_text (self, "/etc/inittab", MAX_INITTAB_SIZE, NULL);

  return inittab != NULL && strstr (inittab, "openrc") != NULL;
}

/**
 * vmroot_tree_get_init_system:
 *
 * What starts the tree's services.
 *
 * Returns: (nullable) (transfer full): `systemd`, `openrc` (also under busybox's or sysvinit's
 *   init), `sysvinit`, `busybox`, `runit`, `s6`, `dinit`, or %NULL if it cannot be told
 *
 * Since: 1.0
 */
gchar *
vmroot_tree_get_init_system (VmrootTree *self)
{
  /* What init is a link to, told by being the same file. */
  static const struct
  {
    const gchar *path;
    const gchar *name;
  } programs[] = {
    { "/usr/lib/systemd/systemd", "systemd" },
    { "/lib/systemd/systemd", "systemd" },
    { "/sbin/openrc-init", "openrc" },
    { "/usr/bin/openrc-init", "openrc" },
    { "/sbin/runit-init", "runit" },
    { "/usr/bin/runit-init", "runit" },
    { "/bin/s6-linux-init", "s6" },
    { "/etc/s6-linux-init/current/bin/init", "s6" },
    { "/sbin/dinit", "dinit" },
    { "/usr/bin/dinit", "dinit" },
  };
  g_autofree gchar *init = NULL;
  struct stat status;

  g_return_val_if_fail (VMROOT_IS_TREE (self), NULL);

  init = vmroot_tree_get_init (self);
  if (init == NULL || g_str_equal (init, "/bin/sh") ||
      !vmroot_tree_stat (self, init, &status, NULL))
    return NULL;

  for (guint i = 0; i < G_N_ELEMENTS (programs); i++)
    if (is_one_of (self, &status, programs[i].path))
      return g_strdup (programs[i].name);

  if (inittab_starts_openrc (self))
    return g_strdup ("openrc");
  if (is_one_of (self, &status, "/bin/busybox") || is_one_of (self, &status, "/usr/bin/busybox"))
    return g_strdup ("busybox");
  if (vmroot_tree_is_file (self, "/etc/inittab"))
    return g_strdup ("sysvinit");
  return NULL;
}
