# SPDX-License-Identifier: GPL-2.0-or-later
"""What is installed on a host, as one archive."""

import shutil
import subprocess


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
