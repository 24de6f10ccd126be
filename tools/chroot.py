#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""chroot.py ROOT DIRECTORY... -- ARGV...: run a program in another root.

The directories are seen there as they are here.
To be started in a mount and PID namespace of its own.
"""

import os
import pathlib
import shutil
import subprocess
import sys


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def main():
    separator = sys.argv.index("--")
    root, *directories = map(pathlib.Path, sys.argv[1:separator])
    # A mount point, so that its propagation can be changed inside.
    mount("--bind", str(root), str(root))
    mount("-t", "proc", "proc", str(root / "proc"))
    for directory in (pathlib.Path("/dev"), pathlib.Path("/sys"), *directories):
        inside = root / directory.relative_to("/")
        inside.mkdir(parents=True, exist_ok=True)
        mount("--rbind", str(directory), str(inside))
    shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
    # Not chroot(2): libvirt enters QEMU's mount namespace, and is then at the namespace's own root.
    os.chdir(root)
    subprocess.run(["pivot_root", ".", "."], check=True)
    subprocess.run(["umount", "--lazy", "."], check=True)
    os.chdir("/")
    os.execvp(sys.argv[separator + 1], sys.argv[separator + 1 :])


if __name__ == "__main__":
    main()
