# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest's end of its network, without a guest: a port of a bridge whose other end is in a network namespace.

libvirt applies a network filter to a port by its name, whoever is behind it. Here it is the kernel, or a test that
sends frames as a guest could that is hostile.
"""

import contextlib
import ctypes
import json
import socket
import struct
import subprocess
import threading
import time

CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
IPV4, ARP, IPV6, VLAN, EXPERIMENTAL = 0x0800, 0x0806, 0x86DD, 0x8100, 0x88B5
UDP, ICMPV6 = 17, 58
ROUTER_ADVERTISEMENT, NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT, REDIRECT = 134, 135, 136, 137
MLD_REPORT = 143
# For what must not come: long enough for a reply from the next namespace on a busy machine.
PATIENCE = 2


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, stdin=subprocess.DEVNULL)


def mac_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def address_bytes(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def frame(source_mac, target_mac, kind, payload):
    return mac_bytes(target_mac) + mac_bytes(source_mac) + struct.pack("!H", kind) + payload


def ipv6(source, target, protocol, payload):
    header = struct.pack("!IHBB", 0x60000000, len(payload), protocol, 255)
    return header + address_bytes(source) + address_bytes(target) + payload


def ipv4(source, target, payload):
    def header(checksum):
        fields = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, UDP, checksum)
        return fields + address_bytes(source) + address_bytes(target)

    total = sum(struct.unpack("!10H", header(0)))
    return header(~(total % 0xFFFF) & 0xFFFF) + payload


def arp(mac, sender, target):
    header = struct.pack("!HHBBH", 1, IPV4, 6, 4, 1) + mac_bytes(mac) + address_bytes(sender)
    return header + bytes(6) + address_bytes(target)


def udp(token):
    return struct.pack("!HHHH", 1000, 1000, 8 + len(token), 0) + token


def icmpv6(kind, token):
    return struct.pack("!BBHI", kind, 0, 0, 0) + token


def packets(device):
    """A socket that sends and receives whole frames on `device`."""
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    packets.bind((device, 0))
    packets.settimeout(30)
    return packets


def what_arrives(frames, sender, receiver):
    """Send `frames`, which are functions of what each is to end with, and wait for the last.

    Returns the names of those that came. A bridge cuts off what an IP header does not speak of."""
    ends = {name: f"|{name}".encode() for name in frames}
    for name, make in frames.items():
        sender.send(make(ends[name]))
    last = list(ends.values())[-1]
    seen = [receiver.recv(4096)]
    while not seen[-1].endswith(last):
        seen.append(receiver.recv(4096))
    return {name for name, end in ends.items() if any(each.endswith(end) for each in seen)}


class GuestPort:
    """A port of `bridge` for the guest with this MAC address."""

    def __init__(self, name, bridge, mac):
        self.name = name
        self.inside = f"{name}-in"
        self.mac = mac
        self.bridge = bridge
        # Not from /sys, which shows the interfaces of the namespace in which it was mounted.
        shown = subprocess.run(
            ["ip", "-json", "link", "show", bridge], check=True, capture_output=True
        )
        self.bridge_mac = json.loads(shown.stdout)[0]["address"]
        ip("netns", "add", name)
        ip("link", "add", name, "type", "veth", "peer", "name", self.inside, "netns", name)
        ip("link", "set", name, "master", bridge, "up")
        ip("-n", name, "link", "set", self.inside, "address", mac)
        # As vmroot-init sets them.
        for option in ("accept_dad", "accept_ra"):
            path = f"/proc/sys/net/ipv6/conf/{self.inside}/{option}"
            self.run("sh", "-c", 'echo 0 >"$1"', "sh", path)
        ip("-n", name, "link", "set", self.inside, "up")
        self._wait_until_forwarding()

    def _wait_until_forwarding(self):
        """The kernel takes its time to notice that both ends are up: until a frame comes through."""

        def probe(end):
            return frame(self.mac, self.bridge_mac, EXPERIMENTAL, end)

        deadline = time.monotonic() + 60
        with packets(self.bridge) as outside, self.packets() as inside:
            outside.settimeout(0.1)
            while time.monotonic() < deadline:
                with contextlib.suppress(TimeoutError):
                    what_arrives({"ready": probe}, inside, outside)
                    return
        raise TimeoutError(f"{self.name} does not forward")

    def remove(self):
        ip("link", "delete", self.name)
        ip("netns", "delete", self.name)

    def run(self, *argv, check=True):
        return subprocess.run(
            ["ip", "netns", "exec", self.name, *argv],
            check=check,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def add_address(self, address):
        ip("-n", self.name, "address", "add", address, "dev", self.inside)

    def call_inside(self, function, *arguments):
        """`function`'s result, for sockets: they stay in the namespace in which they were made."""
        results = []

        def call():
            libc = ctypes.CDLL(None, use_errno=True)
            with open(f"/run/netns/{self.name}", "rb") as namespace:
                if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            results.append(function(*arguments))

        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
        return results[0]

    def packets(self):
        return self.call_inside(packets, self.inside)

    def what_gets_out(self, frames):
        """The names of those of `frames`, a dictionary, that come out of the bridge. The last must."""
        with packets(self.bridge) as outside, self.packets() as inside:
            return what_arrives(frames, inside, outside)

    def what_gets_in(self, frames):
        """The names of those of `frames`, a dictionary, that the guest receives. The last must."""
        with packets(self.bridge) as outside, self.packets() as inside:
            return what_arrives(frames, outside, inside)

    def reaches(self, source, server, port):
        """Whether a connection from the address `source` of the guest is answered."""
        family = socket.AF_INET6 if ":" in server else socket.AF_INET
        with self.call_inside(socket.socket, family, socket.SOCK_STREAM) as client:
            client.settimeout(PATIENCE)
            client.bind((source, 0))
            with contextlib.suppress(TimeoutError):
                client.connect((server, port))
                return True
        return False


@contextlib.contextmanager
def listening(address):
    """A server on this address of the host, and its port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as server:
        yield server.getsockname()[1]


def lease(port, script):
    """Have the guest get an address by DHCP, and leave it at that."""
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    argv = ["udhcpc", "-i", port.inside, "-n", "-q", "-f", "-t", "5", "-T", "1", "-s", str(script)]
    return port.run("busybox", *argv)
