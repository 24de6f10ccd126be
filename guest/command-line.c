/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "command-line.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct word
{
  const char *start;
  size_t length;
};

/* The next word of `line`, which is moved behind it. A double quote lets spaces be part of a word.
 */
static bool
next_word (const char **line, struct word *word)
{
  const char *at = *line;
  bool quoted = false;

  while (isspace ((unsigned char)*at))
    at++;
  word->start = at;
  for (; *at != '\0' && (quoted || !isspace ((unsigned char)*at)); at++)
    quoted ^= *at == '"';
  word->length = at - word->start;
  *line = at;
  return word->length > 0 && !(word->length == 2 && memcmp (word->start, "--", 2) == 0);
}

/* Both `name="a b"` and `"name=a b"` are ways to quote: the kernel takes the quotes off. */
static char *
unquote (struct word word)
{
  char *value = malloc (word.length + 1);
  char *out = value;

  if (value == NULL)
    abort ();
  for (size_t i = 0; i < word.length; i++)
    if (word.start[i] != '"')
      *out++ = word.start[i];
  *out = '\0';
  return value;
}

char *
command_line_get (const char *line, const char *name)
{
  size_t length = strlen (name);
  char *value = NULL;

  for (struct word word; next_word (&line, &word);)
    {
      char *plain = unquote (word);

      if (strncmp (plain, name, length) == 0 && plain[length] == '=')
        {
          free (value);
          value = strdup (plain + length + 1);
        }
      free (plain);
    }
  return value;
}

static bool
is_of_module (struct word word, const char *module, size_t length)
{
  if (word.length <= length || word.start[length] != '.')
    return false;
  for (size_t i = 0; i < length; i++)
    {
      char a = word.start[i] == '-' ? '_' : word.start[i];
      char b = module[i] == '-' ? '_' : module[i];

      if (a != b)
        return false;
    }
  return true;
}

char *
command_line_get_module_parameters (const char *line, const char *module)
{
  size_t length = strlen (module), used = 0;
  char *parameters = calloc (1, strlen (line) + 1);

  if (parameters == NULL)
    abort ();
  for (struct word word; next_word (&line, &word);)
    {
      if (!is_of_module (word, module, length))
        continue;
      if (used > 0)
        parameters[used++] = ' ';
      memcpy (parameters + used, word.start + length + 1, word.length - length - 1);
      used += word.length - length - 1;
    }
  return parameters;
}
