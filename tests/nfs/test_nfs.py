# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests with their roots on the kernel's NFS server, in a host of their own.

Each test goes on from where the one before ended: starting a guest inside a guest takes long.
"""

import guests
import pytest
from vmroot_virtmanager import activity

# Tries to mount another guest's root: as itself, and with the other's address.
THIEF = """b=/bin/busybox
server=192.168.122.1
try()
{{
  $b timeout -s KILL 20 $b mount -i -t nfs4 -o vers=4.2,addr=$server,clientaddr=$1 \\
    $server:/export/first /mnt && echo mounted || echo refused
}}
$b mkdir -p /mnt
try {own} > /root/as-itself
$b ip addr add {others}/32 dev eth0
$b ip route add $server/32 dev eth0 src {others}
try {others} > /root/as-the-other
$b ip route del $server/32 dev eth0 src {others}
echo done > /root/done
while true; do $b sleep 1000; done
"""


@pytest.fixture(scope="module")
def first(host):
    return guests.Guest(host, "first")


@pytest.fixture(scope="module")
def second(host):
    return guests.Guest(host, "second")


def etab(host):
    return host.read("/var/lib/nfs/etab")


def exported_to(guest):
    """The one line of the server's table for it."""
    return f"{guest.root}\t{guest.address()}("


def test_guest_boots(host, first):
    first.make_root(guests.WRITER)
    first.define()
    first.apply("--transport", "nfs")
    address = first.address()
    assert f"ip='{address}'" in host.run("virsh", "net-dumpxml", "default").output

    first.start()

    mounts = first.wait_for("/root/mounts")
    assert "192.168.122.1:/export/first / nfs4 rw,relatime,vers=4.2," in mounts
    assert f"inet {address}/24" in first.wait_for("/root/addresses")
    first.assert_writing()


def test_one_address_and_no_more(host, first):
    lines = etab(host).splitlines()

    assert len(lines) == 1
    assert lines[0].startswith(exported_to(first) + "rw,async,")
    assert len(host.run("ls", "/etc/exports.d").output.split()) == 1


def test_what_the_guest_reads_and_writes_is_counted(host, first):
    """What virt-manager's page makes its graph of."""
    counted = activity.read_export_stats(host.read("/proc/fs/nfsd/export_stats").encode())

    read, written = counted[first.root, first.address()]
    assert read > 0 and written > 0


def test_exportfs_reads_all_anew(host, first):
    before = etab(host)

    host.run("exportfs", "-ra")

    assert etab(host) == before
    first.assert_writing()


def test_nfs_server_restarts(host, first):
    before = etab(host)

    host.run("systemctl", "restart", "nfs-server")

    assert etab(host) == before
    first.assert_writing()


def test_libvirtd_restarts(host, first):
    before = etab(host)

    host.run("systemctl", "restart", "libvirtd")

    # Takes its turn after libvirtd has taken up its guests again, and called the hook for it.
    host.run("virsh", "dommemstat", first.name)
    assert first.state() == "running"
    assert etab(host) == before
    first.assert_writing()


def test_reconcile_brings_a_lost_export_back(host, first):
    before = etab(host)
    host.run("exportfs", "-ua")
    assert etab(host) == ""

    said = host.run("vmroot", "reconcile").output

    assert "first" in said
    assert etab(host) == before
    first.assert_writing()


@pytest.mark.only_on("trixie")
def test_saved_guest_goes_on_where_it_was(host, first):
    """Its memory is on disk meanwhile, and nothing is exported to it."""
    host.run("virsh", "managedsave", first.name, seconds=guests.STOP_SECONDS)
    assert first.state() == "shut off"
    assert guests.remains(host) == ""
    count = int(first.read("/root/count"))

    first.start()

    first.assert_writing()
    assert int(first.read("/root/count")) > count
    assert exported_to(first) in etab(host)


def test_another_guest_cannot_mount_it(first, second):
    second.make_root("")
    second.define()
    second.apply("--transport", "nfs")
    own, others = second.address(), first.address()
    assert own != others
    second.write_script(THIEF.format(own=own, others=others))

    second.start()

    assert second.wait_for("/root/done") == "done\n"
    assert second.read("/root/as-itself") == "refused\n"
    assert second.read("/root/as-the-other") == "refused\n"
    first.assert_writing()


def test_apparmor_denies_nothing(host):
    assert [line for line in host.kernel_log() if 'apparmor="DENIED"' in line] == []


@pytest.mark.only_on("bookworm")
def test_power_cut(host, first, second):
    """Of the guests that ran, only that is there again which is to be started with the host."""
    host.run("virsh", "autostart", first.name)
    host.run("sync")
    host.cut_power()

    host.start()

    first.wait_until_running()
    first.assert_writing()
    assert second.state() == "shut off"
    assert len(etab(host).splitlines()) == 1
    assert exported_to(first) in etab(host)
    assert len(host.run("ls", "/etc/exports.d").output.split()) == 1


@pytest.mark.only_on("trixie")
def test_reboot(host, first, second):
    """The host asks its guests to stop before the server does that they have their roots from."""
    host.run("virsh", "autostart", first.name)
    # It would not listen to the power button, and be waited for.
    second.destroy()

    host.reboot()

    assert first.read("/root/asked-to-stop") == "asked\n"
    first.wait_until_running()
    first.assert_writing()
    assert len(etab(host).splitlines()) == 1
    assert exported_to(first) in etab(host)


def test_guest_powers_itself_off(host, first, second):
    before = etab(host).splitlines()
    host.run("touch", f"{first.root}/root/power-off")

    first.wait_until_stopped()

    after = [line for line in before if not line.startswith(exported_to(first))]
    assert etab(host).splitlines() == after
    host.run("virsh", "destroy", second.name, check=False, seconds=guests.STOP_SECONDS)
    assert guests.remains(host) == ""


def test_address_is_given_back(host, first, second):
    for guest in first, second:
        host.run("vmroot", "remove", guest.name)
        assert "<interface" not in host.run("virsh", "dumpxml", guest.name).output

    assert "<host" not in host.run("virsh", "net-dumpxml", "default").output
    assert guests.remains(host) == ""
    for guest in first, second:
        host.run("virsh", "undefine", guest.name)
