/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "configuration.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>

#define MAX_FIELDS 5

struct parser
{
  struct configuration *configuration;
  unsigned line;
  bool has_version;
  bool has_timeout;
  bool has_on_failure;
  char *message;
  size_t message_size;
};

static const struct
{
  const char *name;
  unsigned long set;
  unsigned long clear;
} mount_flags[] = {
  { "defaults", 0, 0 },
  { "rw", 0, MS_RDONLY },
  { "ro", MS_RDONLY, 0 },
  { "suid", 0, MS_NOSUID },
  { "nosuid", MS_NOSUID, 0 },
  { "dev", 0, MS_NODEV },
  { "nodev", MS_NODEV, 0 },
  { "exec", 0, MS_NOEXEC },
  { "noexec", MS_NOEXEC, 0 },
  { "async", 0, MS_SYNCHRONOUS },
  { "sync", MS_SYNCHRONOUS, 0 },
  { "dirsync", MS_DIRSYNC, 0 },
  { "atime", 0, MS_NOATIME },
  { "noatime", MS_NOATIME, 0 },
  { "diratime", 0, MS_NODIRATIME },
  { "nodiratime", MS_NODIRATIME, 0 },
  { "relatime", MS_RELATIME, 0 },
  { "strictatime", MS_STRICTATIME, 0 },
};

static bool complain (struct parser *parser, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

static bool
complain (struct parser *parser, const char *format, ...)
{
  va_list arguments;
  int used = snprintf (parser->message, parser->message_size, "line %u: ", parser->line);

  va_start (arguments, format);
  vsnprintf (parser->message + used, parser->message_size - used, format, arguments);
  va_end (arguments);
  return false;
}

/* Makes room for one more element at the end of an array; aborts when there is no memory, as there
 * is nothing else that PID 1 could do then. */
static void *
grow (void *array, size_t length, size_t element_size)
{
  void *grown = reallocarray (array, length + 1, element_size);

  if (grown == NULL)
    abort ();
  return grown;
}

static bool
is_octal (char c)
{
  return c >= '0' && c <= '7';
}

/* Puts the characters back that /proc/mounts' escapes stand for. */
static bool
unescape (struct parser *parser, char *field)
{
  char *out = field;

  for (const char *in = field; *in != '\0'; in++)
    {
      if (*in != '\\')
        {
          *out++ = *in;
          continue;
        }
      if (!is_octal (in[1]) || !is_octal (in[2]) || !is_octal (in[3]))
        return complain (parser, "a backslash starts no escape in \"%s\"", in);
      *out = (char)((in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0'));
      if (*out++ == '\0')
        return complain (parser, "a field must not hold the NUL character");
      in += 3;
    }
  *out = '\0';
  return true;
}

/* The fields of a line, in place; 0 after a complaint. */
static size_t
split (struct parser *parser, char *line, char *fields[MAX_FIELDS])
{
  size_t n = 0;

  for (char *field; (field = strsep (&line, " ")) != NULL; n++)
    {
      if (n == MAX_FIELDS)
        return complain (parser, "more fields than any directive has"), 0;
      if (*field == '\0')
        return complain (parser, "an empty field"), 0;
      if (!unescape (parser, field))
        return 0;
      fields[n] = field;
    }
  return n;
}

static bool
parse_number (
    struct parser *parser, const char *text, int base, unsigned long max, unsigned *number)
{
  char *end;
  unsigned long value = strtoul (text, &end, base);

  if (*text < '0' || *text > '9' || *end != '\0' || value > max)
    return complain (parser, "\"%s\" is not a number%s up to %lu", text,
                     base == 8 ? " in base eight" : "", max);
  *number = (unsigned)value;
  return true;
}

/* No path of the configuration may climb out of the place it is relative to. */
static bool
has_dot_dot (const char *path)
{
  for (const char *part = path; part != NULL; part = strchr (part, '/'))
    {
      part += *part == '/';
      if (strncmp (part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
        return true;
    }
  return false;
}

static bool
check_relative (struct parser *parser, const char *path)
{
  if (*path == '/' || has_dot_dot (path))
    return complain (parser, "\"%s\" must be a relative path without \"..\"", path);
  return true;
}

static bool
find_flag (struct init_mount *mount, const char *option, size_t length)
{
  for (size_t i = 0; i < sizeof mount_flags / sizeof *mount_flags; i++)
    if (strlen (mount_flags[i].name) == length && memcmp (mount_flags[i].name, option, length) == 0)
      {
        mount->flags = (mount->flags | mount_flags[i].set) & ~mount_flags[i].clear;
        return true;
      }
  return false;
}

/* mount(2) wants the options that every file system has as flags, and the rest as text. */
static void
parse_options (struct init_mount *mount)
{
  const char *option = mount->options;
  char *data = grow (NULL, strlen (option), 1);
  size_t used = 0;

  if (strcmp (option, "-") == 0)
    option = "";
  for (size_t length; *option != '\0'; option += length + (option[length] == ','))
    {
      length = strcspn (option, ",");
      if (length == 0 || find_flag (mount, option, length))
        continue;
      if (used > 0)
        data[used++] = ',';
      memcpy (data + used, option, length);
      used += length;
    }
  data[used] = '\0';
  if (used > 0)
    mount->data = data;
  else
    free (data);
}

static bool
parse_version (struct parser *parser, char **fields)
{
  if (strcmp (fields[1], "1") != 0)
    return complain (parser, "version %s, but this vmroot-init knows version 1 only", fields[1]);
  parser->has_version = true;
  return true;
}

static bool
parse_module (struct parser *parser, char **fields)
{
  struct configuration *self = parser->configuration;

  if (!check_relative (parser, fields[1]))
    return false;
  self->modules = grow (self->modules, self->n_modules, sizeof *self->modules);
  self->modules[self->n_modules++] = fields[1];
  return true;
}

static bool
parse_timeout (struct parser *parser, char **fields)
{
  if (parser->has_timeout)
    return complain (parser, "a second timeout");
  parser->has_timeout = true;
  return parse_number (parser, fields[1], 10, CONFIGURATION_MAX_TIMEOUT,
                       &parser->configuration->timeout);
}

static bool
parse_on_failure (struct parser *parser, char **fields)
{
  bool shell = strcmp (fields[1], "shell") == 0;

  if (parser->has_on_failure)
    return complain (parser, "a second on-failure");
  if (!shell && strcmp (fields[1], "power-off") != 0)
    return complain (parser, "on-failure is \"power-off\" or \"shell\", not \"%s\"", fields[1]);
  parser->has_on_failure = true;
  parser->configuration->shell_on_failure = shell;
  return true;
}

static bool
parse_mount (struct parser *parser, char **fields)
{
  struct configuration *self = parser->configuration;
  struct init_mount mount = {
    .type = fields[1], .source = fields[2], .target = fields[3], .options = fields[4]
  };

  if (*mount.target != '/' || has_dot_dot (mount.target))
    return complain (parser, "\"%s\" must be an absolute path without \"..\"", mount.target);
  if ((self->n_mounts == 0) != (strcmp (mount.target, "/") == 0))
    return complain (parser, "the first mount, and no other, is that of \"/\"");
  parse_options (&mount);
  self->mounts = grow (self->mounts, self->n_mounts, sizeof *self->mounts);
  self->mounts[self->n_mounts++] = mount;
  return true;
}

static bool
parse_or (struct parser *parser, char **fields)
{
  struct configuration *self = parser->configuration;
  struct init_mount *mount = self->n_mounts > 0 ? &self->mounts[self->n_mounts - 1] : NULL;

  if (mount == NULL || strcmp (mount->type, "nfs4") != 0 || mount->other_source != NULL)
    return complain (parser, "\"or\" comes once, after a mount of type nfs4");
  mount->other_source = fields[1];
  return true;
}

static bool
parse_overlay (struct parser *parser, char **fields)
{
  (void)fields;
  if (parser->configuration->n_mounts != 1 || parser->configuration->overlay)
    return complain (parser, "\"overlay\" comes once, after the mount of \"/\"");
  parser->configuration->overlay = true;
  return true;
}

static bool
is_mac (const char *text)
{
  static const char digits[] = "0123456789abcdefABCDEF";

  for (unsigned i = 0; i < 17; i++)
    if (i % 3 == 2 ? text[i] != ':' : text[i] == '\0' || strchr (digits, text[i]) == NULL)
      return false;
  return text[17] == '\0';
}

static bool
is_address (const char *text, int *family, unsigned char *address)
{
  *family = strchr (text, ':') == NULL ? AF_INET : AF_INET6;
  return inet_pton (*family, text, address) == 1;
}

static bool
parse_address (struct parser *parser, struct init_interface *interface)
{
  char address[INET6_ADDRSTRLEN];
  size_t length = strcspn (interface->text, "/");

  if (interface->text[length] == '\0' || length >= sizeof address)
    return complain (parser, "\"%s\" is not ADDRESS/PREFIX", interface->text);
  memcpy (address, interface->text, length);
  address[length] = '\0';
  if (!is_address (address, &interface->family, interface->address))
    return complain (parser, "\"%s\" is not an address", address);
  return parse_number (parser, interface->text + length + 1, 10,
                       interface->family == AF_INET ? 32 : 128, &interface->prefix);
}

/* One address of a kind: ioctl (SIOCSIFADDR) would replace the first by the second. */
static bool
check_single (struct parser *parser, const struct init_interface *interface)
{
  const struct configuration *self = parser->configuration;

  for (size_t i = 0; i < self->n_interfaces; i++)
    if (strcasecmp (self->interfaces[i].mac, interface->mac) == 0 &&
        self->interfaces[i].family == interface->family)
      return complain (parser, "a second address of the same kind for %s", interface->mac);
  return true;
}

static bool
parse_interface (struct parser *parser, char **fields)
{
  struct configuration *self = parser->configuration;
  struct init_interface interface = { .mac = fields[1], .text = fields[2] };
  int family;

  if (!is_mac (interface.mac))
    return complain (parser, "\"%s\" is not a MAC address", interface.mac);
  if (!parse_address (parser, &interface) || !check_single (parser, &interface))
    return false;
  interface.has_gateway = strcmp (fields[3], "-") != 0;
  if (interface.has_gateway &&
      (!is_address (fields[3], &family, interface.gateway) || family != interface.family))
    return complain (parser, "\"%s\" is not a gateway for %s", fields[3], interface.text);
  self->interfaces = grow (self->interfaces, self->n_interfaces, sizeof *self->interfaces);
  self->interfaces[self->n_interfaces++] = interface;
  return true;
}

static bool
add_run_file (struct parser *parser, char **fields, const char *mac)
{
  struct configuration *self = parser->configuration;
  struct init_run_file file = { .path = fields[0], .mac = mac };

  if (!check_relative (parser, file.path) ||
      !parse_number (parser, fields[1], 8, 07777, &file.mode) ||
      !parse_number (parser, fields[2], 10, 1000000, &file.number))
    return false;
  self->run_files = grow (self->run_files, self->n_run_files, sizeof *self->run_files);
  self->run_files[self->n_run_files++] = file;
  return true;
}

static bool
parse_run_file (struct parser *parser, char **fields)
{
  return add_run_file (parser, fields + 1, NULL);
}

static bool
parse_interface_file (struct parser *parser, char **fields)
{
  const struct configuration *self = parser->configuration;

  for (size_t i = 0; i < self->n_interfaces; i++)
    if (strcasecmp (self->interfaces[i].mac, fields[1]) == 0)
      return add_run_file (parser, fields + 2, fields[1]);
  return complain (parser, "no \"interface\" above has the MAC address %s", fields[1]);
}

static const struct
{
  const char *word;
  size_t n_fields; /* with the word */
  bool (*parse) (struct parser *parser, char **fields);
} directives[] = {
  { "version", 2, parse_version },
  { "module", 2, parse_module },
  { "timeout", 2, parse_timeout },
  { "on-failure", 2, parse_on_failure },
  { "mount", 5, parse_mount },
  { "overlay", 1, parse_overlay },
  { "or", 2, parse_or },
  { "interface", 4, parse_interface },
  { "run-file", 4, parse_run_file },
  { "interface-file", 5, parse_interface_file },
};

static bool
parse_line (struct parser *parser, char *line)
{
  char *fields[MAX_FIELDS];
  size_t n = split (parser, line, fields);

  if (n == 0)
    return false;
  for (size_t i = 0; i < sizeof directives / sizeof *directives; i++)
    {
      if (strcmp (directives[i].word, fields[0]) != 0)
        continue;
      if (directives[i].n_fields != n)
        return complain (parser, "\"%s\" has %zu fields, not %zu", fields[0], n - 1,
                         directives[i].n_fields - 1);
      if (parser->has_version == (i == 0))
        return complain (parser, "\"version 1\" must be the first line, and only that");
      return directives[i].parse (parser, fields);
    }
  return complain (parser, "unknown word \"%s\"", fields[0]);
}

static bool
parse_text (struct parser *parser, char *text, size_t length)
{
  if (strlen (text) != length)
    return complain (parser, "the file holds a NUL character");
  while (*text != '\0')
    {
      char *line = strsep (&text, "\n");

      parser->line++;
      if (text == NULL)
        return complain (parser, "the file ends in the middle of a line");
      if (!parse_line (parser, line))
        return false;
    }
  if (parser->configuration->n_mounts == 0)
    return complain (parser, "the file ends without a mount of \"/\"");
  return true;
}

bool
configuration_parse (
    struct configuration *self, char *text, size_t length, char *message, size_t message_size)
{
  struct parser parser = { .configuration = self,
                           .message = message,
                           .message_size = message_size };

  *self = (struct configuration){ .text = text, .timeout = 30 };
  if (parse_text (&parser, text, length))
    return true;
  configuration_clear (self);
  return false;
}

void
configuration_clear (struct configuration *self)
{
  for (size_t i = 0; i < self->n_mounts; i++)
    free (self->mounts[i].data);
  free (self->modules);
  free (self->mounts);
  free (self->interfaces);
  free (self->run_files);
  free (self->text);
  *self = (struct configuration){ 0 };
}
