/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmroot-builder-private.h"
#include "vmroot-error.h"
#include "vmroot-translation-private.h"

#define NOBODY 65534

#define MAX_SECONDS 60
#define MAX_MEMORY (1024 * 1024 * 1024)
#define MAX_OUTPUT (1024 * 1024 * 1024)

typedef void *Filter;

static gboolean
fail (GError **error, const gchar *what, int saved_errno)
{
  g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_FAILED,
               _ ("Refusing to read the tree: cannot confine the process that does (%s: %s)"), what,
               g_strerror (saved_errno));
  return FALSE;
}

/*
 * The tree again, as a mount of our own in which nothing can be written and no device opened. It
 * needs root and Linux 5.12 (mount_setattr(2)); the rest of this file holds without it.
 */
static int
clone_tree (int tree_fd)
{
  struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV |
                                               MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC };
  int fd = (int)syscall (SYS_open_tree, tree_fd, "",
                         OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);

  if (fd < 0)
    return -1;
  if (syscall (SYS_mount_setattr, fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes,
               sizeof attributes) < 0)
    {
      close (fd);
      return -1;
    }
  return fd;
}

static gboolean
set_limits (GError **error)
{
  const struct
  {
    __rlimit_resource_t resource;
    rlim_t limit;
  } limits[] = {
    { RLIMIT_CPU, MAX_SECONDS }, { RLIMIT_FSIZE, MAX_OUTPUT }, { RLIMIT_CORE, 0 },
    { RLIMIT_NOFILE, 64 },       { RLIMIT_NPROC, 0 },          { RLIMIT_AS, MAX_MEMORY },
  };

  for (guint i = 0; i < G_N_ELEMENTS (limits) - VMROOT_SANITIZED; i++)
    {
      struct rlimit limit = { limits[i].limit, limits[i].limit };

      if (setrlimit (limits[i].resource, &limit) < 0)
        return fail (error, "setrlimit", errno);
    }
  alarm (MAX_SECONDS);
  return TRUE;
}

/*
 * Landlock (landlock(7)): no file but those in the tree can be opened, and none for writing. A
 * kernel or a container without it leaves that to the user ID and to the mount.
 */
static gboolean
restrict_paths (int tree_fd, GError **error)
{
  const guint64 reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
  struct landlock_ruleset_attr handled = { .handled_access_fs =
                                               (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1 };
  struct landlock_path_beneath_attr beneath = { .allowed_access = reading, .parent_fd = tree_fd };
  int ruleset = (int)syscall (SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
  gboolean restricted;

  if (ruleset < 0)
    return errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM ||
           fail (error, "landlock", errno);

  restricted =
      syscall (SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0 &&
      syscall (SYS_landlock_restrict_self, ruleset, 0) == 0;
  if (!restricted)
    fail (error, "landlock", errno);
  close (ruleset);
  return restricted;
}

/* root becomes nobody, who may read everything that is in the tree and nothing else. */
static gboolean
drop_root (GError **error)
{
  const cap_value_t keep[] = { CAP_DAC_READ_SEARCH };
  cap_t capabilities = cap_init ();
  gboolean dropped;

  if (prctl (PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setgroups (0, NULL) < 0 ||
      setresgid (NOBODY, NOBODY, NOBODY) < 0 || setresuid (NOBODY, NOBODY, NOBODY) < 0)
    {
      fail (error, "setresuid", errno);
      cap_free (capabilities);
      return FALSE;
    }

  dropped = cap_set_flag (capabilities, CAP_PERMITTED, 1, keep, CAP_SET) == 0 &&
            cap_set_flag (capabilities, CAP_EFFECTIVE, 1, keep, CAP_SET) == 0 &&
            cap_set_proc (capabilities) == 0;
  if (!dropped)
    fail (error, "capset", errno);
  cap_free (capabilities);
  return dropped;
}

/* Reading, writing, memory, leaving. Names that an architecture does not have are passed over. */
static const gchar *const allowed_calls[] = {
  "openat2",
  "read",
  "pread64",
  "readv",
  "write",
  "writev",
  "close",
  "lseek",
  "_llseek",
  "fstat",
  "fstat64",
  "newfstatat",
  "fstatat64",
  "statx",
  "fstatfs",
  "fstatfs64",
  "flistxattr",
  "getdents64",
  "fcntl",
  "fcntl64",
  "ftruncate",
  "ftruncate64",
  "copy_file_range",
  "sendfile",
  "sendfile64",
  "brk",
  "munmap",
  "mremap",
  "madvise",
  "futex",
  "futex_time64",
  "getrandom",
  "clock_gettime",
  "clock_gettime64",
  "clock_getres",
  "clock_getres_time64",
  "gettimeofday",
  "sched_yield",
  "sched_getaffinity",
  "getpid",
  "gettid",
  "rt_sigprocmask",
  "rt_sigreturn",
  "restart_syscall",
  "exit",
  "exit_group",
  "uname",
};

static int
fill_filter (Filter filter)
{
  const struct scmp_arg_cmp not_executable = SCMP_A2 (SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
  const struct scmp_arg_cmp self = SCMP_A0 (SCMP_CMP_EQ, (scmp_datum_t)getpid ());
  int result = 0;

  for (guint i = 0; result == 0 && i < G_N_ELEMENTS (allowed_calls); i++)
    {
      int number = seccomp_syscall_resolve_name (allowed_calls[i]);

      if (number != __NR_SCMP_ERROR)
        result = seccomp_rule_add (filter, SCMP_ACT_ALLOW, number, 0);
    }
  if (result == 0)
    result = seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (mmap), 1, not_executable);
  if (result == 0)
    result = seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (mmap2), 1, not_executable);
  if (result == 0)
    result = seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (mprotect), 1, not_executable);
  if (result == 0)
    result = seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (tgkill), 1, self);
  return result;
}

/* Everything else is ENOSYS, for which the C library falls back where it can. */
static gboolean
filter_system_calls (GError **error)
{
  Filter filter;
  int result;

  if (VMROOT_SANITIZED)
    return TRUE;

  filter = seccomp_init (SCMP_ACT_ERRNO (ENOSYS));
  if (filter == NULL)
    return fail (error, "seccomp", ENOMEM);

  result = fill_filter (filter);
  if (result == 0)
    result = seccomp_load (filter);
  seccomp_release (filter);
  return result == 0 || fail (error, "seccomp", -result);
}

gboolean
vmroot_builder_confine (int *tree_fd, GError **error)
{
  gboolean is_root = geteuid () == 0;
  int clone = is_root ? clone_tree (*tree_fd) : -1;

  if (clone >= 0)
    {
      close (*tree_fd);
      *tree_fd = clone;
    }

  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    return fail (error, "no_new_privs", errno);
  if (!set_limits (error) || !restrict_paths (*tree_fd, error) || (is_root && !drop_root (error)))
    return FALSE;
  if (prctl (PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
    return fail (error, "dumpable", errno);

  /* After the change of user, which undoes it (prctl(2)). */
  if (prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
    return fail (error, "pdeathsig", errno);
  return filter_system_calls (error);
}
