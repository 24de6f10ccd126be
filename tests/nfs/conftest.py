# SPDX-License-Identifier: GPL-2.0-or-later

import os
import pathlib
import subprocess

import host_image
import machine
import pytest


def make_package(directory):
    """What is installed, as one archive."""
    installed = directory / "installed"
    archive = directory / "package.tar"
    with open(directory / "install.log", "wb") as log:
        subprocess.run(
            ["meson", "install", "-C", os.environ["VMROOT_BUILD"], "--no-rebuild"]
            + ["--destdir", str(installed)],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    subprocess.run(["tar", "-C", str(installed), "-cf", str(archive), "."], check=True)
    return archive


@pytest.fixture(scope="session")
def host(tmp_path_factory):
    """A running host on which vmroot is installed and set up."""
    directory = pathlib.Path(tmp_path_factory.mktemp("host"))
    host = machine.Machine(host_image.make(), make_package(directory), directory)
    try:
        host.start()
        host.install()
        host.run("systemctl", "daemon-reload")
        host.run("virsh", "net-autostart", "default")
        host.run("virsh", "net-start", "default")
        host.run("vmroot", "setup")
        yield host
    finally:
        host.close()
