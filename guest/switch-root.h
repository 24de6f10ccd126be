/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Makes what is mounted on /root the root directory of this process, and takes /dev, /proc, /sys
 * and /run along. Returns a descriptor of the initramfs, which is out of reach otherwise. */
int switch_root_enter (void);

/* Frees the memory that the initramfs takes. */
void switch_root_empty (int initramfs);
