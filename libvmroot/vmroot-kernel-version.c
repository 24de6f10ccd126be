/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <string.h>

#include "vmroot-kernel-private.h"

/* struct new_utsname has 65 bytes with the NUL (uname(2)). */
#define MAX_VERSION_LENGTH 64

gboolean
vmroot_kernel_is_version (const gchar *version)
{
  gsize length = strlen (version);

  return length > 0 && length <= MAX_VERSION_LENGTH && g_ascii_isdigit (version[0]) &&
         strspn (version, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS ".+-_~") == length;
}

/* What comes next in a version, by what it says about age: older before newer. */
typedef enum
{
  RANK_TILDE, /* "6.10~rc3" comes before "6.10", as for dpkg and rpm */
  RANK_PRE_RELEASE,
  RANK_END,
  RANK_WORD,
  RANK_NUMBER,
} Rank;

static Rank
rank_of (const gchar *segment, gsize length)
{
  if (*segment == '\0')
    return RANK_END;
  if (*segment == '~')
    return RANK_TILDE;
  if (g_ascii_isdigit (*segment))
    return RANK_NUMBER;
  if ((length == 2 && memcmp (segment, "rc", 2) == 0) ||
      (length == 3 && memcmp (segment, "pre", 3) == 0))
    return RANK_PRE_RELEASE;
  return RANK_WORD;
}

static const gchar *
skip_separators (const gchar *s)
{
  while (*s != '\0' && *s != '~' && !g_ascii_isalnum (*s))
    s++;
  return s;
}

/* Runs of digits, runs of letters, and single tildes. */
static gsize
segment_length (const gchar *s)
{
  gsize length = 0;

  if (*s == '~')
    return 1;
  if (g_ascii_isdigit (*s))
    return strspn (s, G_CSET_DIGITS);
  while (g_ascii_isalpha (s[length]))
    length++;
  return length;
}

static gint
compare_text (const gchar *a, gsize a_length, const gchar *b, gsize b_length)
{
  gint order = memcmp (a, b, MIN (a_length, b_length));

  return order != 0 ? order : (a_length > b_length) - (a_length < b_length);
}

static gint
compare_numbers (const gchar *a, gsize a_length, const gchar *b, gsize b_length)
{
  for (; a_length > 1 && *a == '0'; a_length--)
    a++;
  for (; b_length > 1 && *b == '0'; b_length--)
    b++;
  if (a_length != b_length)
    return a_length < b_length ? -1 : 1;
  return memcmp (a, b, a_length);
}

gint
vmroot_kernel_compare_versions (const gchar *a, const gchar *b)
{
  while (TRUE)
    {
      gsize a_length, b_length;
      Rank a_rank, b_rank;
      gint order = 0;

      a = skip_separators (a);
      b = skip_separators (b);
      a_length = segment_length (a);
      b_length = segment_length (b);
      a_rank = rank_of (a, a_length);
      b_rank = rank_of (b, b_length);

      if (a_rank != b_rank)
        return a_rank < b_rank ? -1 : 1;
      if (a_rank == RANK_END)
        return 0;
      if (a_rank == RANK_NUMBER)
        order = compare_numbers (a, a_length, b, b_length);
      else
        order = compare_text (a, a_length, b, b_length);
      if (order != 0)
        return order;

      a += a_length;
      b += b_length;
    }
}
