/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The least that a hook can be. */
int
main (void)
{
  return 0;
}
