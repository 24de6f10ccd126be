# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests of several init systems, and what they report of their root from inside."""

import os
import stat

import conftest
import private_host
import pytest
import trees

INITS = {
    trees.DEBIAN: "/usr/lib/systemd/systemd",
    trees.SYSVINIT: "/usr/sbin/init",
    trees.BUSYBOX: "/bin/busybox",
}

# Emulated, with the default cache, its scripts take three minutes: each program that starts drops
# what the guest has of libc, and the emulator has to translate it again.
OPTIONS = {trees.SYSVINIT: ("--cache", "always")}

CHECKS = [
    "chown to any id",
    "symlink with an owner",
    "device nodes",
    "setuid and setgid",
    "setuid and setgid lost by writing",
    "setuid and setgid lost by truncating",
    "file capabilities",
    "file capabilities lost by writing",
    "ACLs",
    "user xattrs",
    "trusted xattrs",
    "flock",
    "shared mmap",
    "rename over a file",
    "5,000 files",
]


class Booted:
    """A guest that has reported, and the file attributes that the host gave its tree before."""

    def __init__(self, host, kind):
        self.kind = kind
        self.guest = private_host.Guest(host, kind, conftest.new_tree(kind, kind), memory=768)
        written = self.guest.tree / "var/lib/from-the-host"
        written.write_text("host\n")
        os.setxattr(written, "user.host", b"seven b")
        os.setxattr(written, "security.capability", b"\1\0\0\2\0\x20\0\0" + bytes(12))
        self.guest.define()
        self.guest.apply(*OPTIONS.get(kind, ()))
        self.report = self.guest.boot()


@pytest.fixture(scope="module", params=trees.NAMES)
def booted(request, host):
    booted = Booted(host, request.param)
    yield booted
    booted.guest.remove()
    trees.remove(booted.guest.tree)


def test_root_is_the_directory(booted):
    assert booted.report["root type"] == "virtiofs"
    assert booted.report["root source"] == "vmroot"
    assert booted.report["root options"].split(",")[0] == "rw"


def test_kernel_and_init_are_the_trees_own(booted):
    kernel = next(booted.guest.tree.glob("boot/vmlinuz-*")).name.removeprefix("vmlinuz-")
    assert booted.report["kernel"] == kernel
    assert booted.report["init"] == INITS[booted.kind]


def test_kernel_arguments_of_the_user_are_kept(booted):
    assert "console=ttyS0" in booted.report["command line"].split()


@pytest.mark.parametrize("check", CHECKS)
def test_in_the_guest(booted, check):
    assert booted.report["checks"][check] == "works"


def test_attributes_set_on_the_host_reach_the_guest(booted):
    line = booted.guest.line
    assert line.ask("xattr user.host /var/lib/from-the-host") == "7"
    assert line.ask("xattr security.capability /var/lib/from-the-host") == "20"


def test_host_sees_what_the_guest_made(booted):
    made = booted.guest.tree / "var/lib/guest-probe"
    owned, link, node, setuid = (
        os.lstat(made / name) for name in ("chown", "symlink", "null", "setuid")
    )
    assert (owned.st_uid, owned.st_gid) == (12345, 2000000000)
    assert (link.st_uid, link.st_gid) == (1234, 5678) and stat.S_ISLNK(link.st_mode)
    assert stat.S_ISCHR(node.st_mode) and node.st_rdev == os.makedev(1, 3)
    assert stat.S_IMODE(setuid.st_mode) == 0o6755
    assert os.getxattr(made / "user-xattr", "user.probe") == b"from the guest"


def test_guest_stops_and_nothing_remains(booted):
    booted.guest.power_off()
    assert private_host.remains() == []
