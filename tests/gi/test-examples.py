#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs in examples/, run as a reader would run them."""

import os
import pathlib
import subprocess
import sys
import uuid

import gi
import pytest

gi.require_version("Vmroot", "1.0")
from gi.repository import Vmroot  # noqa: E402

EXAMPLES = pathlib.Path(os.environ["VMROOT_EXAMPLES"])


def run(name, *arguments, check=True):
    return subprocess.run(
        [sys.executable, EXAMPLES / name, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        check=check,
        timeout=30,
    )


# What the programs expect of the host: libvirt's default network, as libvirt itself ships it.
NETWORK = """
<network>
  <name>default</name>
  <forward mode='nat'/>
  <ip address='192.168.122.1' netmask='255.255.255.0'>
    <dhcp>
      <range start='192.168.122.2' end='192.168.122.254'/>
    </dhcp>
  </ip>
</network>
"""


@pytest.fixture
def uri(tmp_path):
    """A connection of libvirt's test driver with a guest whose root is a directory."""
    guest = run("new-guest.py", "web", tmp_path / "root").stdout
    node = tmp_path / "node.xml"
    node.write_text(f"<node>{guest.replace('kvm', 'test', 1)}{NETWORK}</node>")
    return f"test://{node}"


def test_new_guest(tmp_path):
    xml = run("new-guest.py", "<b>&web", tmp_path).stdout

    domain = Vmroot.Domain(xml)
    assert domain.get_name() == "<b>&web"
    assert domain.spec.get_directory() == str(tmp_path)


def test_new_guest_says_what_is_wrong():
    failed = run("new-guest.py", "web", "not/absolute", check=False)

    assert failed.returncode == 1
    assert failed.stderr.startswith("new-guest: ")


def test_list_roots(uri, tmp_path):
    assert run("list-roots.py", uri).stdout == f"web virtiofs {tmp_path}/root\n"


def test_check_all(uri):
    checked = run("check-all.py", uri, check=False)

    assert checked.returncode == 1
    assert checked.stdout.startswith("web:\n  error: ")


def test_move_to_nfs(uri, tmp_path):
    moved = run("move-to-nfs.py", uri, "web", "default", "192.168.122.10")

    assert moved.stdout == (
        f"web mounts {tmp_path}/root from 192.168.122.1 as 192.168.122.10/24\n"
        # The test driver starts its guests by itself.
        "from its next start on\n"
    )


def test_move_to_nfs_says_what_is_wrong(uri):
    failed = run("move-to-nfs.py", uri, "web", "nowhere", "192.168.122.10", check=False)

    assert failed.returncode == 1
    assert failed.stderr.startswith("move-to-nfs: ") and "nowhere" in failed.stderr


# What the host writes down of a guest that it serves.
SERVED = """
[guest]
name=web
since=2026-01-02T03:04:05Z
transport=virtiofs
xattrs=native
steps=
complete=true

[directory 0]
tag=vmroot
directory=/export/web
path=/export/web
id=1:1
above=
root=true
"""


def test_watch_roots(tmp_path):
    (tmp_path / "run/vmroot/guests").mkdir(parents=True)
    watching = subprocess.Popen(
        [sys.executable, EXAMPLES / "watch-roots.py", tmp_path], stdout=subprocess.PIPE, text=True
    )
    try:
        assert watching.stdout.readline() == "0 served\n"
        new = tmp_path / "new"
        new.write_text(SERVED)
        new.rename(tmp_path / f"run/vmroot/guests/{uuid.uuid4()}")
        assert watching.stdout.readline() == "1 served\n"
        assert watching.stdout.readline() == "  web /export/web\n"
    finally:
        watching.terminate()
        watching.wait()
