/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guest-probe: what a guest can do with its root file system, found out from inside.
 *
 * Linked statically and started by the init of whatever guest is under test, it tries each thing
 * with the system call itself, so that a tree needs no tool for it. The report goes to
 * /var/lib/guest-probe.json, for the host to read in the tree. What the files are meant to be stays
 * in /var/lib/guest-probe/, for the host to compare.
 *
 * The second serial line then carries one line each way: "ready" to the host when the report is on
 * disk; from the host a request, answered by one line: see answer().
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <unistd.h>

#define DIRECTORY "/var/lib/guest-probe"
#define REPORT "/var/lib/guest-probe.json"
#define LINE "/dev/ttyS1"
#define N_FILES 5000

/* Each check returns 0, or the errno of what did not work. */
typedef int (*Check) (void);

static int
touch (const char *path)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0)
    return errno;
  int failed = write (fd, "probe\n", 6) != 6 ? EIO : 0;
  return close (fd) < 0 ? errno : failed;
}

static int
check_chown (void)
{
  struct stat st;
  int failed = touch ("chown");
  if (failed != 0)
    return failed;
  if (chown ("chown", 12345, 2000000000) < 0 || lstat ("chown", &st) < 0)
    return errno;
  return st.st_uid == 12345 && st.st_gid == 2000000000 ? 0 : EINVAL;
}

static int
check_symlink_owner (void)
{
  struct stat st;
  if (symlink ("/nowhere", "symlink") < 0 || lchown ("symlink", 1234, 5678) < 0 ||
      lstat ("symlink", &st) < 0)
    return errno;
  return S_ISLNK (st.st_mode) && st.st_uid == 1234 && st.st_gid == 5678 ? 0 : EINVAL;
}

static int
check_device_node (void)
{
  struct stat st;
  if (mknod ("null", S_IFCHR | 0666, makedev (1, 3)) < 0 ||
      mknod ("block", S_IFBLK | 0600, makedev (7, 0)) < 0)
    return errno;
  if (lstat ("null", &st) < 0)
    return errno;
  if (!S_ISCHR (st.st_mode) || st.st_rdev != makedev (1, 3))
    return EINVAL;
  int fd = open ("null", O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return errno;
  int failed = write (fd, "gone", 4) == 4 ? 0 : EIO;
  close (fd);
  return failed;
}

static int
check_setuid (void)
{
  struct stat st;
  int failed = touch ("setuid");
  if (failed != 0)
    return failed;
  if (chown ("setuid", 1000, 1000) < 0 || chmod ("setuid", 06755) < 0 || stat ("setuid", &st) < 0)
    return errno;
  return (st.st_mode & 07777) == 06755 ? 0 : EINVAL;
}

/* Sets an attribute and reads it back. */
static int
check_xattr (const char *path, const char *name, const void *value, size_t size)
{
  char found[64];
  int failed = touch (path);
  if (failed != 0)
    return failed;
  if (setxattr (path, name, value, size, 0) < 0)
    return errno;
  ssize_t length = getxattr (path, name, found, sizeof found);
  if (length < 0)
    return errno;
  return (size_t)length == size && memcmp (found, value, size) == 0 ? 0 : EINVAL;
}

/* struct vfs_cap_data of <linux/capability.h>: revision 2 with the effective bit; CAP_NET_RAW */
static const uint32_t cap_net_raw[5] = { 0x02000001, 1u << 13, 0, 0, 0 };

static int
check_file_capability (void)
{
  return check_xattr ("capability", "security.capability", cap_net_raw, sizeof cap_net_raw);
}

/* capabilities(7): also when root writes. */
static int
check_file_capability_lost (void)
{
  int failed =
      check_xattr ("capability-written", "security.capability", cap_net_raw, sizeof cap_net_raw);
  if (failed == 0)
    failed = touch ("capability-written");
  if (failed != 0)
    return failed;
  if (getxattr ("capability-written", "security.capability", NULL, 0) >= 0)
    return EINVAL;
  return errno == ENODATA ? 0 : errno;
}

/* As nobody, who is not let do what CAP_FSETID lets root do. */
static int
write_unprivileged (const char *path, int flags)
{
  int status;
  pid_t pid = fork ();
  if (pid == 0)
    {
      int fd = setgid (65534) == 0 && setuid (65534) == 0 ? open (path, O_WRONLY | flags) : -1;
      _exit (fd >= 0 && ((flags & O_TRUNC) != 0 || write (fd, "x", 1) == 1) ? 0 : 1);
    }
  return pid > 0 && waitpid (pid, &status, 0) == pid && status == 0 ? 0 : EPERM;
}

/* Who changes a program must not run it as its owner: write(2). */
static int
check_setuid_lost (const char *path, int flags)
{
  struct stat st;
  int failed = touch (path);
  if (failed != 0)
    return failed;
  if (chown (path, 1000, 1000) < 0 || chmod (path, 06777) < 0)
    return errno;
  failed = write_unprivileged (path, flags);
  if (failed != 0)
    return failed;
  if (stat (path, &st) < 0)
    return errno;
  return (st.st_mode & 07777) == 0777 ? 0 : EINVAL;
}

static int
check_setuid_lost_by_writing (void)
{
  return check_setuid_lost ("setuid-written", 0);
}

static int
check_setuid_lost_by_truncating (void)
{
  return check_setuid_lost ("setuid-truncated", O_TRUNC);
}

static int
check_acl (void)
{
  /* struct posix_acl_xattr_header and entries of <linux/posix_acl_xattr.h>: version 2, then
   * user::rw- user:1234:r-- group::r-- mask::r-- other::r-- */
  static const struct
  {
    uint32_t version;
    struct
    {
      uint16_t tag, permissions;
      uint32_t id;
    } entries[5];
  } acl = { 2,
            { { 0x01, 6, UINT32_MAX },
              { 0x02, 4, 1234 },
              { 0x04, 4, UINT32_MAX },
              { 0x10, 4, UINT32_MAX },
              { 0x20, 4, UINT32_MAX } } };
  return check_xattr ("acl", "system.posix_acl_access", &acl, sizeof acl);
}

static int
check_user_xattr (void)
{
  return check_xattr ("user-xattr", "user.probe", "from the guest", 14);
}

static int
check_trusted_xattr (void)
{
  return check_xattr ("trusted-xattr", "trusted.probe", "from the guest", 14);
}

static int
check_flock (void)
{
  int failed = touch ("flock");
  int fd = open ("flock", O_RDWR | O_CLOEXEC);
  if (failed != 0 || fd < 0 || flock (fd, LOCK_EX) < 0)
    return failed != 0 ? failed : errno;
  pid_t child = fork ();
  if (child == 0)
    {
      int other = open ("flock", O_RDWR | O_CLOEXEC);
      _exit (flock (other, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK ? 0 : 1);
    }
  int status = 1;
  if (child < 0 || waitpid (child, &status, 0) < 0)
    failed = errno;
  close (fd);
  return failed != 0 ? failed : status == 0 ? 0 : ENOLCK;
}

static int
check_mmap (void)
{
  char found[6] = "";
  int fd = open ("mmap", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0 || ftruncate (fd, 8192) < 0)
    return errno;
  char *map = mmap (NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (map == MAP_FAILED)
    return errno;
  memcpy (map + 5000, "mapped", 6);
  if (msync (map, 8192, MS_SYNC) < 0 || munmap (map, 8192) < 0 || pread (fd, found, 6, 5000) != 6)
    return errno;
  close (fd);
  return memcmp (found, "mapped", 6) == 0 ? 0 : EINVAL;
}

static int
check_rename_over (void)
{
  int failed = touch ("renamed");
  if (failed == 0)
    failed = touch ("renamed.new");
  if (failed != 0)
    return failed;
  int open_before = open ("renamed", O_RDONLY | O_CLOEXEC);
  if (open_before < 0 || rename ("renamed.new", "renamed") < 0)
    return errno;
  /* The replaced file stays readable for who had it open. */
  char byte;
  failed = pread (open_before, &byte, 1, 0) == 1 ? 0 : errno;
  close (open_before);
  return failed != 0 ? failed : access ("renamed.new", F_OK) == 0 ? EEXIST : 0;
}

static int
count_entries (const char *path)
{
  int count = 0;
  DIR *directory = opendir (path);
  if (directory == NULL)
    return -1;
  for (struct dirent *entry; (entry = readdir (directory)) != NULL;)
    count += entry->d_name[0] != '.';
  closedir (directory);
  return count;
}

static int
check_many_files (void)
{
  char path[32];
  int failed = 0;
  if (mkdir ("many", 0755) < 0)
    return errno;
  for (int i = 0; i < N_FILES && failed == 0; i++)
    {
      snprintf (path, sizeof path, "many/%04d", i);
      failed = touch (path);
    }
  if (failed == 0 && count_entries ("many") != N_FILES)
    failed = EIO;
  for (int i = 0; i < N_FILES && failed == 0; i++)
    {
      snprintf (path, sizeof path, "many/%04d", i);
      failed = unlink (path) < 0 ? errno : 0;
    }
  return failed != 0 ? failed : rmdir ("many") < 0 ? errno : 0;
}

static const struct
{
  const char *name;
  Check check;
} checks[] = {
  { "chown to any id", check_chown },
  { "symlink with an owner", check_symlink_owner },
  { "device nodes", check_device_node },
  { "setuid and setgid", check_setuid },
  { "setuid and setgid lost by writing", check_setuid_lost_by_writing },
  { "setuid and setgid lost by truncating", check_setuid_lost_by_truncating },
  { "file capabilities", check_file_capability },
  { "file capabilities lost by writing", check_file_capability_lost },
  { "ACLs", check_acl },
  { "user xattrs", check_user_xattr },
  { "trusted xattrs", check_trusted_xattr },
  { "flock", check_flock },
  { "shared mmap", check_mmap },
  { "rename over a file", check_rename_over },
  { "5,000 files", check_many_files },
};

static void
write_string (FILE *report, const char *key, const char *value, const char *end)
{
  fprintf (report, "\"%s\": \"", key);
  for (const char *c = value; *c != '\0'; c++)
    fprintf (report, strchr ("\"\\", *c) != NULL ? "\\%c" : *c < ' ' ? " " : "%c", *c);
  fprintf (report, "\"%s", end);
}

struct mount
{
  char type[256], source[1024], options[256];
};

/* The last mount at `target`: fields 5, 6 and the first two after the dash in proc(5)'s mountinfo.
 */
static void
find_mount (const char *target, struct mount *found)
{
  char line[4096], mount_point[1024], options[256];
  FILE *mountinfo = fopen ("/proc/self/mountinfo", "re");
  while (mountinfo != NULL && fgets (line, sizeof line, mountinfo) != NULL)
    {
      const char *tail = strstr (line, " - ");
      if (tail == NULL ||
          sscanf (line, "%*s %*s %*s %*s %1023s %255s", mount_point, options) != 2 ||
          strcmp (mount_point, target) != 0)
        continue;
      sscanf (tail, " - %255s %1023s", found->type, found->source);
      strcpy (found->options, options);
    }
  if (mountinfo != NULL)
    fclose (mountinfo);
}

static void
report_mount (FILE *report, const char *target)
{
  struct mount root = { 0 };
  find_mount (target, &root);
  write_string (report, "root type", root.type, ",\n");
  write_string (report, "root source", root.source, ",\n");
  write_string (report, "root options", root.options, ",\n");
}

static void
report_init (FILE *report)
{
  char init[256] = "", arguments[256] = "";
  ssize_t length = readlink ("/proc/1/exe", init, sizeof init - 1);
  write_string (report, "init", length > 0 ? init : "unknown", ",\n");
  int fd = open ("/proc/1/cmdline", O_RDONLY | O_CLOEXEC);
  length = read (fd, arguments, sizeof arguments - 1);
  for (ssize_t i = 0; i + 1 < length; i++)
    if (arguments[i] == '\0')
      arguments[i] = ' ';
  close (fd);
  write_string (report, "init arguments", arguments, ",\n");
}

static void
read_command_line (char *command_line, size_t size)
{
  int fd = open ("/proc/cmdline", O_RDONLY | O_CLOEXEC);
  ssize_t length = read (fd, command_line, size - 1);
  command_line[length > 0 ? length : 0] = '\0';
  command_line[strcspn (command_line, "\n")] = '\0';
  close (fd);
}

/* Removes what an earlier run left, so that a tree can be probed at every boot. */
static void
start_over (void)
{
  static const char *const left[] = { "chown",      "symlink",
                                      "null",       "block",
                                      "setuid",     "setuid-written",
                                      "acl",        "setuid-truncated",
                                      "capability", "capability-written",
                                      "user-xattr", "trusted-xattr",
                                      "flock",      "mmap",
                                      "renamed",    "renamed.new" };
  for (size_t i = 0; i < sizeof left / sizeof *left; i++)
    unlink (left[i]);
}

static void
probe (void)
{
  struct utsname kernel;
  char command_line[2048];
  size_t n_checks = sizeof checks / sizeof *checks;
  mkdir (DIRECTORY, 0755);
  FILE *report = fopen (REPORT ".new", "we");
  if (report == NULL || chdir (DIRECTORY) < 0)
    return;
  start_over ();
  uname (&kernel);
  read_command_line (command_line, sizeof command_line);
  /* Tests of other things need not wait for all that. */
  if (strstr (command_line, "guest-probe=brief") != NULL)
    n_checks = 0;
  fputs ("{", report);
  report_mount (report, "/");
  write_string (report, "kernel", kernel.release, ",\n");
  report_init (report);
  write_string (report, "command line", command_line, ",\n");
  fputs ("\"checks\": {\n", report);
  for (size_t i = 0; i < n_checks; i++)
    {
      int failed = checks[i].check ();
      write_string (report, checks[i].name, failed == 0 ? "works" : strerror (failed),
                    i + 1 < n_checks ? ",\n" : "\n");
    }
  fputs ("}}\n", report);
  fflush (report);
  fsync (fileno (report));
  fclose (report);
  rename (REPORT ".new", REPORT);
  sync ();
}

static int
open_line (void)
{
  struct termios raw;
  int line = open (LINE, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (line < 0 || tcgetattr (line, &raw) < 0)
    return -1;
  cfmakeraw (&raw);
  tcsetattr (line, TCSANOW, &raw);
  return line;
}

/* "mount" or "mount PATH": type, source and options of what is mounted there. */
static void
answer_mount (int line, const char *path)
{
  struct mount found = { 0 };
  find_mount (*path == '\0' ? "/" : path, &found);
  dprintf (line, "%s %s %s\n", found.type, found.source, found.options);
}

/* "write PATH": whether a file could be written. */
static void
answer_write (int line, const char *path)
{
  int failed = touch (path);
  dprintf (line, "%s\n", failed == 0 ? "written" : strerror (failed));
}

/* "xattr NAME PATH": the size of an extended attribute. */
static void
answer_xattr (int line, char *arguments)
{
  char *name = strsep (&arguments, " ");
  ssize_t size = getxattr (arguments == NULL ? "" : arguments, name, NULL, 0);
  if (size < 0)
    dprintf (line, "%s\n", strerror (errno));
  else
    dprintf (line, "%zd\n", size);
}

static void
answer (int line, char *request)
{
  char *arguments = request;
  arguments[strcspn (request, "\n")] = '\0';
  const char *word = strsep (&arguments, " ");
  if (arguments == NULL)
    arguments = "";
  if (strcmp (word, "ping") == 0)
    dprintf (line, "pong\n");
  else if (strcmp (word, "mount") == 0)
    answer_mount (line, arguments);
  else if (strcmp (word, "write") == 0)
    answer_write (line, arguments);
  else if (strcmp (word, "xattr") == 0)
    answer_xattr (line, arguments);
  else if (strcmp (word, "power-off") == 0)
    {
      sync ();
      reboot (RB_POWER_OFF);
    }
  else
    dprintf (line, "unknown request\n");
}

int
main (void)
{
  char request[1024];
  int line = open_line ();
  probe ();
  FILE *requests = line < 0 ? NULL : fdopen (line, "r");
  if (requests == NULL)
    return 1;
  dprintf (line, "ready\n");
  while (fgets (request, sizeof request, requests) != NULL)
    answer (line, request);
  return 0;
}
