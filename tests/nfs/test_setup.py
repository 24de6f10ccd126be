# SPDX-License-Identifier: GPL-2.0-or-later
"""`vmroot setup` on a whole host: the kernel's NFS server, real firewalls, a boot.

Each test goes on from where the one before ended. Guests are namespaces here: what they send comes in by the
same bridge.
"""

import time

import pytest

BRIDGE = "192.168.122.1"
LAN = "10.9.9.1"

# Nobody is let in but who is named, as administrators write it.
NFTABLES = """#!/usr/sbin/nft -f
flush ruleset
table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state vmap { established : accept, related : accept, invalid : drop }
    iifname "lo" accept
    meta l4proto { icmp, ipv6-icmp } accept
    iifname "virbr0" udp dport { 53, 67 } accept
    tcp dport 22 accept
  }
}
"""

CONNECT = "import socket; socket.create_connection(('{}', 2049), 5)"

# Every file below /etc, with its mode, its owner, and where a link leads; what it holds.
PICTURE = """cd /etc
find . -printf '%p %y %m %U:%G %l\\n' | sort
find . -type f | sort | xargs -d '\\n' sha256sum"""


def picture(host):
    return host.run("sh", "-c", PICTURE).output


def make_namespace(host, name, address, *master):
    """A machine at the end of a cable, in a namespace."""
    host.run("ip", "netns", "add", name)
    host.run(
        *("ip", "link", "add", f"to-{name}", "type", "veth"),
        *("peer", "name", "eth0", "netns", name),
    )
    host.run("ip", "link", "set", f"to-{name}", *master, "up")
    host.run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "eth0")
    host.run("ip", "-n", name, "link", "set", "eth0", "up")


def make_namespaces(host):
    """One on libvirt's network, and one somewhere else."""
    make_namespace(host, "guest", "192.168.122.250", "master", "virbr0")
    make_namespace(host, "lan", "10.9.9.2")
    host.run("ip", "address", "add", f"{LAN}/24", "dev", "to-lan")


def reaches(host, name, address):
    """Whether the NFS server answers there."""
    return (
        host.run(
            "ip", "netns", "exec", name, "python3", "-c", CONNECT.format(address), check=False
        ).status
        == 0
    )


def only_guests_reach_it(host):
    return reaches(host, "guest", BRIDGE) and not reaches(host, "lan", LAN)


def wait_until(satisfied, seconds):
    deadline = time.monotonic() + seconds
    while not satisfied():
        assert time.monotonic() < deadline
        time.sleep(1)


@pytest.fixture(scope="module")
def bare(host):
    """The host as it was before it was set up."""
    host.run("vmroot", "setup", "--undo")
    make_namespaces(host)
    yield host
    host.run("systemctl", "stop", "firewalld")
    for name in ("guest", "lan"):
        host.run("ip", "netns", "delete", name)
    host.run("vmroot", "setup", "--undo")
    host.run("vmroot", "setup", "all")


def test_all_pieces_and_back(bare):
    before = picture(bare)
    planned = bare.run("vmroot", "setup", "all", "--dry-run").output
    assert picture(bare) == before

    done = bare.run("vmroot", "setup", "all").output

    assert "+4.2" in bare.read("/proc/fs/nfsd/versions")
    threads = int(bare.read("/proc/fs/nfsd/threads"))
    assert f"    threads={threads}\n" in planned and threads >= 8
    assert "libvirt libvirt_guest" in bare.read("/etc/nsswitch.conf")
    for path in ("/etc/nfs.conf.d/vmroot.conf", "/etc/nsswitch.conf", "qemu.d/vmroot"):
        assert path in planned and path in done
    # No firewall is in the way.
    assert "firewall" not in done

    after = picture(bare)
    assert "nothing to do" in bare.run("vmroot", "setup", "all").output
    assert picture(bare) == after

    bare.run("vmroot", "setup", "--undo")
    assert picture(bare) == before


def test_guests_have_names(bare):
    def lookup():
        return bare.run("getent", "hosts", "somebody", check=False)

    lease = ("busybox", "udhcpc", "-i", "eth0", "-x", "hostname:somebody", "-s", "/bin/true")
    bare.run("ip", "netns", "exec", "guest", *lease, "-n", "-q", "-f")
    assert lookup().status != 0

    bare.run("vmroot", "setup", "nss")
    assert lookup().output.startswith("192.168.122.")


def nfs_server_since(host):
    return host.run("systemctl", "show", "--property=ActiveEnterTimestamp", "nfs-server").output


def test_a_server_that_runs_is_not_disturbed(bare):
    bare.run("rpc.nfsd", "3")
    since = nfs_server_since(bare)

    done = bare.run("vmroot", "setup", "nfs").output
    assert int(bare.read("/proc/fs/nfsd/threads")) > 3
    assert nfs_server_since(bare) == since, done

    bare.run("vmroot", "setup", "--undo", "nfs")
    assert bare.read("/proc/fs/nfsd/threads") == "3\n"
    assert nfs_server_since(bare) == since


def test_versions_and_addresses_when_asked(bare):
    asked = ("vmroot", "setup", "nfs", "--nfs-versions=4.2", f"--nfs-host={BRIDGE}")
    bare.run("exportfs", "-o", "ro", "192.0.2.1:/srv")
    before = picture(bare)
    refused = bare.run(*asked, check=False)
    assert refused.status == 1 and "--restart" in refused.messages
    assert picture(bare) == before
    bare.run("exportfs", "-u", "192.0.2.1:/srv")

    bare.run(*asked)

    versions = bare.read("/proc/fs/nfsd/versions").split()
    assert "+4.2" in versions and not {"+2", "+3", "+4.0", "+4.1"} & set(versions)
    assert only_guests_reach_it(bare)
    assert "nothing to do" in bare.run(*asked).output


def test_nftables(bare):
    bare.write("/etc/nftables.conf", NFTABLES)
    bare.run("systemctl", "enable", "--now", "nftables")
    before = bare.run("nft", "list", "ruleset").output
    assert not reaches(bare, "guest", BRIDGE)

    assert "nft inet filter input" in bare.run("vmroot", "setup", "firewall").output
    assert only_guests_reach_it(bare)
    for verb in ("reload", "restart"):
        bare.run("systemctl", verb, "nftables")
        assert only_guests_reach_it(bare)

    bare.run("vmroot", "setup", "--undo", "firewall")
    assert not reaches(bare, "guest", BRIDGE)
    # libvirt's own rules are gone with the flush.
    assert bare.run("nft", "list", "table", "inet", "filter").output in before


def remove_nftables(host):
    host.run("systemctl", "disable", "--now", "nftables")
    host.run("vmroot", "setup", "--undo", "firewall", "nfs")


@pytest.mark.only_on("trixie")
def test_reboot(bare):
    """What was set up is there after a boot, and the server has waited for the address of libvirt's network."""
    bare.run("vmroot", "setup", "firewall")
    bare.reboot()
    make_namespaces(bare)

    wait_until(lambda: only_guests_reach_it(bare), 60)

    remove_nftables(bare)
    assert "+3" in bare.read("/proc/fs/nfsd/versions")
    assert reaches(bare, "lan", LAN)


@pytest.mark.only_on("bookworm")
def test_iptables(bare):
    remove_nftables(bare)
    rules = (
        "-P INPUT DROP",
        "-A INPUT -i lo -j ACCEPT",
        "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-A INPUT -p icmp -j ACCEPT",
    )
    for rule in rules:
        bare.run("iptables", *rule.split())
    before = bare.run("iptables", "-S").output
    assert not reaches(bare, "guest", BRIDGE)

    assert "iptables INPUT" in bare.run("vmroot", "setup", "firewall").output
    assert only_guests_reach_it(bare)

    bare.run("vmroot", "setup", "--undo", "firewall")
    assert bare.run("iptables", "-S").output == before
    assert not reaches(bare, "guest", BRIDGE)
    for rule in reversed(rules[1:]):
        bare.run("iptables", *rule.replace("-A", "-D").split())
    bare.run("iptables", "-P", "INPUT", "ACCEPT")


@pytest.mark.only_on("bookworm")
def test_firewalld(bare):
    """Guests are in the zone that libvirt has for them."""
    bare.run("systemctl", "start", "firewalld")
    # Which puts its bridges into zones after it has said that it is ready.
    bare.run("systemctl", "restart", "libvirtd")
    ask = ("firewall-cmd", "--get-zone-of-interface=virbr0")
    wait_until(lambda: bare.run(*ask, check=False).output == "libvirt\n", 120)
    before = picture(bare)
    assert not reaches(bare, "guest", BRIDGE)

    assert "firewalld" in bare.run("vmroot", "setup", "firewall").output
    assert only_guests_reach_it(bare)
    assert "nothing to do" in bare.run("vmroot", "setup", "firewall").output
    # After which libvirt puts its bridges into zones again; it runs where a guest does.
    bare.run("virsh", "list")
    bare.run("firewall-cmd", "--reload")
    wait_until(lambda: only_guests_reach_it(bare), 120)

    bare.run("vmroot", "setup", "--undo", "firewall")
    assert not reaches(bare, "guest", BRIDGE)
    assert picture(bare) == before
