# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest with its root over NFS is migrated from the host to another of a newer release, and goes on with the first one
as its server: over a wire between them, which is part of the guests' network on both.
"""

import pathlib

import guests
import host_image
import machine
import outside_guest
import pytest

pytestmark = pytest.mark.only_on("bookworm")

SERVER = "192.168.122.1"
OTHER = "192.168.122.3"
OTHER_MAC = "52:54:00:00:00:03"
# The guests' network has the name there that it has here.
NETWORK = """<network>
  <name>default</name>
  <forward mode='bridge'/>
  <bridge name='br0'/>
</network>
"""
ROOT = "/export/migrant"


def let_others_connect(host):
    """libvirt over TCP: for a network on which nobody else is."""
    host.write("/etc/libvirt/libvirtd.conf", 'auth_tcp = "none"\n')
    host.run("systemctl", "stop", "libvirtd")
    host.run("systemctl", "start", "libvirtd-tcp.socket")


@pytest.fixture(scope="module")
def wire(host):
    """What is on it is on the guests' network."""
    interface = host.interface(outside_guest.HOST_MAC)
    host.run("ip", "link", "set", interface, "master", "virbr0", "up")
    yield
    host.run("ip", "link", "set", interface, "nomaster", "down")


@pytest.fixture(scope="module")
def other(host, outside, wire, tmp_path_factory):
    """Another host, with vmroot, which sees the first one's root where it is there."""
    directory = pathlib.Path(tmp_path_factory.mktemp("other"))
    network = (
        *("-netdev", f"stream,id=wire,{outside.wire}"),
        *("-device", f"virtio-net-pci,netdev=wire,mac={OTHER_MAC},romfile="),
    )
    other = machine.Machine(host_image.make("trixie"), host.package, directory, network)
    try:
        other.start()
        other.install()
        other.run("ip", "link", "add", "br0", "type", "bridge")
        other.run("ip", "link", "set", other.interface(OTHER_MAC), "master", "br0", "up")
        other.run("ip", "address", "add", f"{OTHER}/24", "dev", "br0")
        other.run("ip", "link", "set", "br0", "up")
        other.run("virsh", "net-undefine", "default")
        other.write("/root/network.xml", NETWORK)
        other.run("virsh", "net-define", "/root/network.xml")
        other.run("virsh", "net-start", "default")
        other.run("vmroot", "setup")
        let_others_connect(other)
        yield other
    finally:
        other.close()


@pytest.fixture(scope="module")
def migrant(host, other):
    migrant = guests.Guest(host, "migrant", ROOT)
    migrant.make_root(guests.WRITER)
    export = f"{OTHER}:{ROOT}"
    host.run("exportfs", "-i", "-o", "ro,no_root_squash,no_subtree_check", export)
    other.run("mkdir", ROOT)
    other.run("mount", "-t", "nfs4", "-o", "ro", f"{SERVER}:{ROOT}", ROOT)
    migrant.define()
    migrant.apply("--transport", "nfs")
    yield migrant
    other.run("umount", ROOT)
    host.run("exportfs", "-u", export)
    migrant.remove()
    assert guests.remains(host) == ""


@pytest.fixture(scope="module")
def migrated(other, migrant):
    """The same guest, as the other host has it."""
    return guests.Guest(other, migrant.name, ROOT)


def exported_to(host, guest):
    etab = host.read("/var/lib/nfs/etab").splitlines()
    return [line for line in etab if line.startswith(f"{ROOT}\t{guest.address()}(")]


def test_it_goes_on_there(host, other, migrant, migrated):
    migrant.start()
    migrant.wait_for("/root/count")

    host.run(
        *("virsh", "migrate", "--live", "--persistent", migrant.name),
        *(f"qemu+tcp://{OTHER}/system", "--migrateuri", f"tcp://{OTHER}"),
        seconds=guests.START_SECONDS,
    )

    assert migrated.state() == "running"
    assert migrant.state() == "shut off"
    migrant.assert_writing()


def test_its_server_is_still_the_first_host(host, other, migrant):
    assert exported_to(host, migrant)
    assert guests.remains(other).splitlines() == [f"/run/vmroot/guests/{uuid_of(host, migrant)}"]


def uuid_of(host, guest):
    return host.run("virsh", "domuuid", guest.name).output.strip()


def test_libvirtd_and_reconcile_leave_the_export_alone(host, migrant):
    host.run("systemctl", "restart", "libvirtd")
    host.run("virsh", "list")
    host.run("vmroot", "reconcile")

    assert exported_to(host, migrant)
    migrant.assert_writing()


def test_nothing_is_kept_once_it_has_stopped(host, other, migrant, migrated):
    host.run("touch", f"{ROOT}/root/power-off")
    migrated.wait_until_stopped()
    assert guests.remains(other) == ""
    assert exported_to(host, migrant)

    host.run("vmroot", "release", migrant.name)

    assert not exported_to(host, migrant)
