# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine's file systems, with every change kept in memory, for one mount namespace."""

import os
import pathlib
import subprocess

import namespaces

_SCRATCH = pathlib.Path("/run/private-root")
# With a file system of their own, on machines that have these apart from the root; /dev always.
_OVERLAID = ("/dev", "/usr", "/etc", "/var", "/opt")
# Fresh, whatever the machine has there.
_EMPTY = ("/run", "/srv")


def _mount_points():
    """Every mount point below the root, once, in the order in which they were made."""
    with open("/proc/self/mountinfo", encoding="utf-8") as mountinfo:
        points = dict.fromkeys(line.split()[4] for line in mountinfo)
    return [
        point
        for point in points
        if point != "/"
        and not any(point == empty or point.startswith(empty + "/") for empty in _EMPTY)
    ]


def _overlay(lower, target):
    name = lower.strip("/").replace("/", "-") or "root"
    upper, work = _SCRATCH / name / "upper", _SCRATCH / name / "work"
    upper.mkdir(parents=True)
    work.mkdir()
    # xino, index and the like only matter to file handles, which nobody takes here.
    namespaces.mount(
        "-t",
        "overlay",
        "-o",
        f"lowerdir={lower},upperdir={upper},workdir={work}",
        "overlay",
        target,
    )


def enter(binds):
    """Make it this process's root. `binds` are real directories, and where they are to be seen."""
    points = _mount_points()
    namespaces.mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run")
    root = _SCRATCH / "mount"
    root.mkdir(parents=True)
    _overlay("/", str(root))
    for point in points:
        inside = f"{root}{point}"
        if point in _OVERLAID:
            _overlay(point, inside)
        elif point == "/dev/pts":
            # One of our own: the consoles of these guests are nobody else's.
            options = "newinstance,mode=620,ptmxmode=666"
            namespaces.mount("-t", "devpts", "-o", options, "devpts", inside)
        elif os.path.exists(inside):
            namespaces.mount("--bind", point, inside)
    for empty in _EMPTY:
        os.makedirs(f"{root}{empty}", exist_ok=True)
        namespaces.mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", f"{root}{empty}")
    os.mkdir(f"{root}/run/lock")
    for real, seen in binds.items():
        os.makedirs(f"{root}{seen}", exist_ok=True)
        namespaces.mount("--bind", real, f"{root}{seen}")
    old = f"{root}/run/old-root"
    os.mkdir(old)
    subprocess.run(["pivot_root", str(root), old], check=True)
    os.chdir("/")
    subprocess.run(["umount", "--lazy", "/run/old-root"], check=True)
    os.rmdir("/run/old-root")
