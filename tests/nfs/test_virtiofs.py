# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests over virtiofs where libvirt has AppArmor, and control groups with device rules."""

import re

import guests
import pytest

WRAPPER = "/usr/lib/libvirt/vmroot-virtiofsd"
VIRTIOFSD = {"bookworm": "/usr/lib/qemu/virtiofsd", "trixie": "/usr/libexec/virtiofsd"}

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
def with_wrapper_and_without(host, release):
    """Two guests that have tried to make device nodes."""
    ours, plain = (guest_that_makes_nodes(host, name) for name in ("wrapped", "plain"))
    without_wrapper(plain, VIRTIOFSD[release])
    for guest in ours, plain:
        guest.start()
    for guest in ours, plain:
        guest.wait_for("/root/done")
    yield ours, plain
    for guest in ours, plain:
        guest.remove()


def processes(host, program):
    """Their IDs."""
    return host.run("pgrep", "--full", f"^{program} ", check=False).output.split()


def cgroup_of(host, pid):
    return host.read(f"/proc/{pid}/cgroup").strip().removeprefix("0::")


def pid_of_qemu(guest):
    return guest.host.read(f"/run/libvirt/qemu/{guest.name}.pid").strip()


def test_root_is_virtiofs(with_wrapper_and_without):
    for guest in with_wrapper_and_without:
        assert guest.read("/root/mounts").splitlines()[-1].startswith("vmroot / virtiofs rw")


def test_guest_is_in_a_control_group_with_device_rules(host, with_wrapper_and_without):
    ours, _ = with_wrapper_and_without

    cgroup = cgroup_of(host, pid_of_qemu(ours))

    scope = re.match(r"/machine\.slice/[^/]*wrapped\.scope(?=/)", cgroup)[0]
    programs = host.run("bpftool", "cgroup", "tree", f"/sys/fs/cgroup{scope}").output
    assert "device" in programs


def test_guest_makes_device_nodes(host, with_wrapper_and_without):
    ours, _ = with_wrapper_and_without
    assert ours.read("/root/nodes") == "made\nmade\n"
    made = host.run("stat", "--format=%F %t:%T", f"{ours.root}/root/null", f"{ours.root}/root/loop")
    assert made.output == "character special file 1:3\nblock special file 7:0\n"


def test_without_the_wrapper_it_cannot(with_wrapper_and_without):
    _, plain = with_wrapper_and_without

    refused = plain.read("/root/nodes").splitlines()

    assert len(refused) == 2
    assert all(line.endswith("Operation not permitted") for line in refused)


def test_apparmor_confines_the_guest_and_denies_nothing(host, with_wrapper_and_without):
    ours, _ = with_wrapper_and_without
    uuid = host.run("virsh", "domuuid", ours.name).output.strip()

    profile = host.read(f"/proc/{pid_of_qemu(ours)}/attr/current")

    assert profile.rstrip("\0\n") == f"libvirt-{uuid} (enforce)"
    assert [line for line in host.kernel_log() if 'apparmor="DENIED"' in line] == []


def test_nothing_remains(host, with_wrapper_and_without):
    for guest in with_wrapper_and_without:
        guest.destroy()

    assert processes(host, WRAPPER) == []
    assert guests.remains(host) == ""
