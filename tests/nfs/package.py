# SPDX-License-Identifier: GPL-2.0-or-later
"""What is installed on a host, as one archive."""

import os
import shutil
import subprocess

# Of each release of Debian that a host is of. What was built with a newer one does not start there.
GLIBC = {"bookworm": (2, 36), "trixie": (2, 41)}


def runs_on(release):
    """Whether what this machine builds does."""
    version = os.confstr("CS_GNU_LIBC_VERSION").split()[1]
    return tuple(map(int, version.split("."))) <= GLIBC[release]


def oldest_release():
    """Of those that run what this machine builds; None: it is newer than all of them."""
    return next(filter(runs_on, GLIBC), None)


def make(build, directory):
    """Of the build directory `build`; the probe that guests run is in it, too."""
    installed = directory / "installed"
    archive = directory / "package.tar"
    with open(directory / "install.log", "wb") as log:
        subprocess.run(
            ["meson", "install", "-C", str(build), "--no-rebuild", "--destdir", str(installed)],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    programs = installed / "usr/local/sbin"
    programs.mkdir(parents=True)
    shutil.copy(build / "tests/host/guest-probe", programs)
    subprocess.run(["tar", "-C", str(installed), "-cf", str(archive), "."], check=True)
    return archive
