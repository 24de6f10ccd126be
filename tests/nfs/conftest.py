# SPDX-License-Identifier: GPL-2.0-or-later

import os
import pathlib

import host_image
import machine
import package
import pytest


@pytest.fixture(scope="session")
def release():
    """The release of Debian that the host is of."""
    return os.environ["VMROOT_HOST_RELEASE"]


@pytest.fixture(scope="session")
def host(release, tmp_path_factory):
    """A running host on which vmroot is installed and set up."""
    directory = pathlib.Path(tmp_path_factory.mktemp("host"))
    archive = package.make(pathlib.Path(os.environ["VMROOT_BUILD"]), directory)
    host = machine.Machine(host_image.make(release), archive, directory)
    try:
        host.start()
        host.install()
        host.set_up()
        yield host
    finally:
        host.close()
