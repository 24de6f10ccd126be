# SPDX-License-Identifier: GPL-2.0-or-later

import os
import pathlib

import private_host
import pytest
import trees


@pytest.fixture(scope="session")
def host():
    kernel = next(trees.path(trees.DEBIAN).glob("boot/vmlinuz-*"))
    domain_type = "kvm" if private_host.kvm_works(kernel) else "qemu"
    host = private_host.PrivateHost(
        os.environ["VMROOT_BUILD"], os.environ["VMROOT_WORK"], domain_type
    )
    host.start()
    yield host
    host.stop()


@pytest.fixture(autouse=True)
def libvirtd_runs_on(host):
    """A libvirtd that crashed is not what the tests after that are about."""
    yield
    host.libvirtd.check()


def new_tree(name, kind):
    """A copy of a cached tree where guests' roots may be, with the probe in it."""
    tree = private_host.TREES / name
    trees.copy(trees.path(kind), tree)
    trees.install_probe(tree, pathlib.Path(os.environ["VMROOT_PROBE"]))
    return tree


@pytest.fixture
def make_guest(host):
    """Makes guests that are defined and have their root, and removes them in the end."""
    made = []

    def make(name, kind=trees.BUSYBOX, options=(), apply=True):
        guest = private_host.Guest(
            host,
            name,
            new_tree(name, kind),
            memory=256,
            arguments=f"{private_host.ARGUMENTS} quiet guest-probe=brief",
        )
        made.append(guest)
        guest.define()
        if apply:
            guest.apply(*options)
        return guest

    yield make
    for guest in made:
        guest.remove()
        trees.remove(guest.tree)
