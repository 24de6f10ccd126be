# SPDX-License-Identifier: GPL-2.0-or-later

import os
import pathlib
import time

import host_image
import machine
import outside_guest
import package
import pytest


RELEASE = os.environ["VMROOT_HOST_RELEASE"]


def pytest_configure(config):
    config.addinivalue_line("markers", "only_on(release): one release is enough; the work is shared out")


def pytest_collection_modifyitems(items):
    """What is most of all to be proved comes first."""
    items.sort(key=lambda item: item.path.name != "test_nfs.py")


def pytest_runtest_setup(item):
    if time.time() > float(os.environ.get("VMROOT_NFS_TESTS_END", "inf")):
        pytest.skip("this machine is too slow today for all tests to end in the time they have")
    mark = item.get_closest_marker("only_on")
    if mark and mark.args[0] != RELEASE:
        pytest.skip(f"it is tested on a host of {mark.args[0]}")


@pytest.fixture(scope="session")
def release():
    """The release of Debian that the host is of."""
    return RELEASE


@pytest.fixture(scope="session")
def outside(tmp_path_factory):
    return outside_guest.Outside(pathlib.Path(tmp_path_factory.mktemp("outside")))


@pytest.fixture(scope="session")
def host(release, outside, tmp_path_factory):
    """A running host on which vmroot is installed and set up."""
    directory = pathlib.Path(tmp_path_factory.mktemp("host"))
    archive = package.make(pathlib.Path(os.environ["VMROOT_BUILD"]), directory)
    host = machine.Machine(host_image.make(release), archive, directory, outside.arguments())
    try:
        host.start()
        host.install()
        host.set_up()
        yield host
    finally:
        host.close()
