# SPDX-License-Identifier: GPL-2.0-or-later
"""`vmroot check` beside the kernel's NFS server, and that a start is refused for the same reasons."""

import json

import guests
import pytest

WITHOUT_4_2 = "/etc/nfs.conf.d/without-4.2.conf"


@pytest.fixture(scope="module")
def guest(host):
    guest = guests.Guest(host, "checked")
    guest.make_root("")
    guest.define()
    guest.apply("--transport", "nfs")
    yield guest
    guest.remove()
    assert guests.remains(host) == ""


@pytest.fixture
def without_server(host):
    host.run("systemctl", "stop", "nfs-server")
    yield
    # What was stopped when setup came, it stops when it is undone.
    host.run("vmroot", "setup", "--undo", "nfs")
    host.run("systemctl", "start", "nfs-server")
    host.run("vmroot", "setup", "nfs")


@pytest.fixture
def without_4_2(host):
    host.write(WITHOUT_4_2, "[nfsd]\nvers4.2=n\n")
    host.run("systemctl", "restart", "nfs-server")
    yield
    host.run("rm", "-f", WITHOUT_4_2)


def check(guest, *options):
    """What is found: its ID -> its severity."""
    found = guest.host.run("vmroot", "check", guest.name, "--json", *options, check=False)
    return {finding["id"]: finding["severity"] for finding in json.loads(found.output)}


# Its directory is one of many on /export, as the tests' all are.
NOTHING_WRONG = {"nfs-shared-file-system": "warning"}


def test_nothing_is_wrong(guest):
    assert check(guest) == NOTHING_WRONG


def test_server_that_does_not_run(host, guest, without_server):
    assert check(guest) == {**NOTHING_WRONG, "no-nfs-server": "error"}
    refused = guest.start(check=False)
    assert refused.status != 0 and "NFS server of this host does not run" in refused.messages
    assert guests.remains(host) == ""

    assert check(guest, "--fix") == NOTHING_WRONG

    assert int(host.read("/proc/fs/nfsd/threads")) > 0


def test_server_without_the_version(host, guest, without_4_2):
    assert check(guest) == {**NOTHING_WRONG, "nfs-version": "error"}
    refused = guest.start(check=False)
    assert refused.status != 0 and "does not speak NFS 4.2" in refused.messages
    assert guests.remains(host) == ""
    host.run("rm", WITHOUT_4_2)

    assert check(guest, "--fix") == NOTHING_WRONG

    assert "+4.2" in host.read("/proc/fs/nfsd/versions")


@pytest.mark.parametrize("directory", ["/export", "/export/checked"])
def test_export_to_everybody(host, guest, directory):
    host.run("exportfs", "-i", "-o", "rw,no_subtree_check", f"*:{directory}")

    assert check(guest) == {**NOTHING_WRONG, "nfs-wide-export": "warning"}

    host.run("exportfs", "-u", f"*:{directory}")
    assert check(guest) == NOTHING_WRONG
