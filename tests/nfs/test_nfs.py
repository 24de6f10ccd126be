# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests with their roots on the kernel's NFS server, in a host of their own.

Each test goes on from where the one before ended: starting a guest inside a guest takes long.
"""

import re
import time

DOMAIN = """<domain type='kvm'>
  <name>{name}</name>
  <memory unit='MiB'>256</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type><cmdline>quiet panic=-1</cmdline></os>
  <features><acpi/></features>
  <cpu mode='host-passthrough'/>
  <on_reboot>destroy</on_reboot>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <serial type='file'><source path='/var/log/libvirt/{name}-console.log'/></serial>
    <memballoon model='none'/>
  </devices>
</domain>
"""

# Writes down what it sees, and then a number that grows.
WRITER = """export PATH=/bin

/bin/busybox cat /proc/mounts > /root/mounts
/bin/busybox ip addr > /root/addresses
n=0
while [ ! -e /root/power-off ]; do
  n=$((n + 1))
  echo $n > /root/count
  /bin/busybox sleep 1
done
/bin/busybox poweroff
"""

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
"""

START_SECONDS = 300


def etab(host):
    return host.read("/var/lib/nfs/etab")


def address_of(host, name):
    shown = host.run("vmroot", "show", name).output
    return re.search(r"^address +([0-9.]+)/24$", shown, re.MULTILINE)[1]


def define(host, name):
    host.write(f"/root/{name}.xml", DOMAIN.format(name=name))
    host.run("virsh", "define", f"/root/{name}.xml")
    host.run("vmroot", "apply", name, "--transport", "nfs", "--directory", f"/export/{name}")


def wait_for(host, path, seconds=120):
    """The content of a file that a guest writes."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = host.run("cat", path, check=False)
        if found.status == 0 and found.output:
            return found.output
        time.sleep(2)
    console = host.run("sh", "-c", "tail -n 20 /var/log/libvirt/*-console.log", check=False)
    raise TimeoutError(f"the guest has not written {path}:\n{console.output}")


def assert_writing(host, seconds=150):
    """The number grows: longer than the NFS server's grace period may take (nfsd(7): 90 s)."""
    path = "/export/first/root/count"
    before = host.run("cat", path).output
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if host.run("cat", path).output not in (before, ""):
            return
        time.sleep(1)
    raise TimeoutError(f"the guest writes no more: {before}")


def test_guest_boots(host):
    host.write("/export/first/root/script", WRITER)
    define(host, "first")
    address = address_of(host, "first")
    assert f"ip='{address}'" in host.run("virsh", "net-dumpxml", "default").output

    host.run("virsh", "start", "first", seconds=START_SECONDS)

    mounts = wait_for(host, "/export/first/root/mounts")
    assert "192.168.122.1:/export/first / nfs4 rw,relatime,vers=4.2," in mounts
    assert f"inet {address}/24" in wait_for(host, "/export/first/root/addresses")
    assert_writing(host)


def test_one_address_and_no_more(host):
    lines = etab(host).splitlines()

    assert len(lines) == 1
    assert lines[0].startswith(f"/export/first\t{address_of(host, 'first')}(rw,async,")
    assert len(host.run("ls", "/etc/exports.d").output.split()) == 1


def test_exportfs_reads_all_anew(host):
    before = etab(host)

    host.run("exportfs", "-ra")

    assert etab(host) == before
    assert_writing(host)


def test_nfs_server_restarts(host):
    before = etab(host)

    host.run("systemctl", "restart", "nfs-server")

    assert etab(host) == before
    assert_writing(host)


def test_libvirtd_restarts(host):
    before = etab(host)

    host.run("systemctl", "restart", "libvirtd", seconds=120)

    assert "running" in host.run("virsh", "domstate", "first", seconds=120).output
    assert etab(host) == before
    assert_writing(host)


def test_reconcile_brings_a_lost_export_back(host):
    before = etab(host)
    host.run("exportfs", "-ua")
    assert etab(host) == ""

    said = host.run("vmroot", "reconcile").output

    assert "first" in said
    assert etab(host) == before
    assert_writing(host)


def test_another_guest_cannot_mount_it(host):
    define(host, "second")
    own, others = address_of(host, "second"), address_of(host, "first")
    assert own != others
    host.write("/export/second/root/script", THIEF.format(own=own, others=others))

    host.run("virsh", "start", "second", seconds=START_SECONDS)

    assert wait_for(host, "/export/second/root/done", 180) == "done\n"
    assert host.read("/export/second/root/as-itself") == "refused\n"
    assert host.read("/export/second/root/as-the-other") == "refused\n"
    assert_writing(host)


def test_guest_powers_itself_off(host):
    host.run("touch", "/export/first/root/power-off")

    deadline = time.monotonic() + 240
    while "shut off" not in host.run("virsh", "domstate", "first", seconds=120).output:
        assert time.monotonic() < deadline
        time.sleep(2)

    assert "/export/first" not in etab(host)
    assert "/export/second\t" in etab(host)


def test_power_cut(host):
    host.run("sync")
    host.cut_power()

    host.start()

    assert etab(host) == ""
    assert host.run("ls", "/etc/exports.d").output == ""
    assert host.run("virsh", "list", "--name", seconds=120).output.strip() == ""


def test_address_is_given_back(host):
    for name in ("first", "second"):
        host.run("vmroot", "remove", name, seconds=120)
        assert "<interface" not in host.run("virsh", "dumpxml", name).output

    assert "<host" not in host.run("virsh", "net-dumpxml", "default").output
