# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests over virtiofs where libvirt has AppArmor, and control groups with device rules."""

import re

import guests
import pytest

WRAPPER = "/usr/lib/libvirt/vmroot-virtiofsd"
# The releases whose virtiofsd is in the guest's control group when nothing keeps it out of that.
CONFINED = {"bookworm": "/usr/lib/qemu/virtiofsd"}

NODES = """b=/bin/busybox
for node in "null c 1 3" "loop b 7 0"; do
  $b mknod /root/$node 2>&1 && echo made
done > /root/nodes
$b cat /proc/mounts > /root/mounts
echo done > /root/done
"""


def guest_that_makes_nodes(host, name):
    guest = guests.Guest(host, name)
    guest.make_root(NODES)
    guest.define()
    guest.apply()
    return guest


def without_wrapper(guest, virtiofsd):
    """What libvirt would start if nothing of ours were in between."""
    xml = guest.host.run("virsh", "dumpxml", guest.name).output
    assert WRAPPER in xml
    guest.host.write("/root/without-wrapper.xml", xml.replace(WRAPPER, virtiofsd))
    guest.host.run("virsh", "define", "/root/without-wrapper.xml")


@pytest.fixture(scope="module")
def ours(host):
    """A guest that has tried to make device nodes."""
    guest = guest_that_makes_nodes(host, "wrapped")
    guest.start()
    guest.wait_for("/root/done")
    yield guest
    guest.remove()


@pytest.fixture(scope="module")
def plain(host, release):
    """The same with the plain virtiofsd."""
    if release not in CONFINED:
        pytest.skip("this virtiofsd, in Rust, serves from a child that libvirt does not confine")
    guest = guest_that_makes_nodes(host, "plain")
    without_wrapper(guest, CONFINED[release])
    guest.start()
    guest.wait_for("/root/done")
    yield guest
    guest.remove()


def processes(host, program):
    """Their IDs."""
    return host.run("pgrep", "--full", f"^{program} ", check=False).output.split()


def cgroup_of(host, pid):
    return host.read(f"/proc/{pid}/cgroup").strip().removeprefix("0::")


def pid_of_qemu(guest):
    return guest.host.read(f"/run/libvirt/qemu/{guest.name}.pid").strip()


def test_root_is_virtiofs(ours):
    assert "vmroot / virtiofs rw" in ours.read("/root/mounts")


def test_guest_is_in_a_control_group_with_device_rules(host, ours):
    cgroup = cgroup_of(host, pid_of_qemu(ours))

    scope = re.match(r"/machine\.slice/[^/]*wrapped\.scope(?=/)", cgroup)[0]
    programs = host.run("bpftool", "cgroup", "tree", f"/sys/fs/cgroup{scope}").output
    assert "device" in programs


def test_guest_makes_device_nodes(host, ours):
    assert ours.read("/root/nodes") == "made\nmade\n"
    made = host.run("stat", "--format=%F %t:%T", f"{ours.root}/root/null", f"{ours.root}/root/loop")
    assert made.output == "character special file 1:3\nblock special file 7:0\n"


def test_apparmor_confines_the_guest_and_denies_nothing(host, ours):
    uuid = host.run("virsh", "domuuid", ours.name).output.strip()

    profile = host.read(f"/proc/{pid_of_qemu(ours)}/attr/current")

    assert profile.rstrip("\0\n") == f"libvirt-{uuid} (enforce)"
    assert [line for line in host.kernel_log() if 'apparmor="DENIED"' in line] == []


def test_nothing_remains(host, ours):
    ours.destroy()

    assert processes(host, WRAPPER) == []
    assert guests.remains(host) == ""


def test_without_the_wrapper_it_cannot(plain):
    refused = plain.read("/root/nodes").splitlines()

    assert len(refused) == 2
    assert [line for line in refused if not line.endswith("Operation not permitted")] == []
