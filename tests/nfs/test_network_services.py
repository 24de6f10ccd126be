# SPDX-License-Identifier: GPL-2.0-or-later
"""What manages the network in a guest leaves the interface alone that carries its root: the guest goes on writing
while each is started, restarted and stopped, and turns itself off in the end with all of them running.

Each is set up as distributions do it, to ask for an address by DHCP; the server there offers another.
"""

import os
import pathlib
import re

import guest_pair
import pytest

# Nothing here is of the host's release.
pytestmark = pytest.mark.skipif(
    os.environ.get("VMROOT_HOST_RELEASE", "bookworm") != "bookworm", reason="the nfs-bookworm suite runs this"
)

ADDRESS = f"{guest_pair.ADDRESS}/24"

# A write that was synced has reached the server. `say` is for the console, which outlives the network.
HEAD = """
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
say() { echo "test: $*" > /dev/kmsg; }
root_is_there() {
  dd if=/proc/uptime of=/root/written conv=fsync status=none &&
    say "$1: $(ip -4 -oneline address show dev eth0 | grep -o 'inet [0-9./]*' | tr '\\n' ' ')"
}
root_is_there "at first"
"""

# udev tells of an interface again that was there before the service.
SERVICE = """
try() {
  systemctl start "$1" && say "$1 is $(systemctl is-active "$1")"
  root_is_there "$1 started"
  udevadm trigger --settle --action=add /sys/class/net/eth0
  systemctl restart "$1"
  root_is_there "$1 restarted"
  systemctl stop "$1"
  root_is_there "$1 stopped"
  systemctl start "$1"
  sleep 2
  root_is_there "$1 left running"
}
"""

SERVICES = ("systemd-networkd", "NetworkManager", "dhcpcd", "networking")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    pair = guest_pair.Pair(pathlib.Path(tmp_path_factory.mktemp("pair")))
    try:
        pair.start()
        yield pair
    finally:
        pair.close()


def said(console):
    """What the script said: text -> the addresses of the interface."""
    return dict(re.findall(r"test: (.*): (.*?) *$", console, re.MULTILINE))


def test_systemd(pair):
    calls = "".join(f"try {service}\n" for service in SERVICES)
    script = (
        HEAD
        + SERVICE
        + calls
        + 'say "$(systemctl --failed --no-legend --plain | wc -l) units failed"\n'
        + "say device $(nmcli --terse --fields DEVICE,STATE device)\n"
        + "systemctl poweroff\n"
    )

    console = pair.run(
        guest_pair.SYSTEMD,
        script,
        "systemd.unit=test-script.service systemd.show_status=false",
        files={"interfaces": guest_pair.INTERFACES},
    )

    addresses = said(console)
    for service in SERVICES:
        assert f"test: {service} is active" in console
        for when in ("started", "restarted", "stopped", "left running"):
            assert addresses[f"{service} {when}"] == f"inet {ADDRESS}", console
    assert "test: 0 units failed" in console
    assert "reboot: Power down" in console


def test_sysvinit(pair):
    script = (
        HEAD
        + "service networking restart\n"
        + 'root_is_there "networking restarted"\n'
        + "service networking stop; service networking start\n"
        + 'root_is_there "networking started"\n'
        + "reboot\n"
    )

    console = pair.run(guest_pair.SYSVINIT, script)

    addresses = said(console)
    assert addresses["networking restarted"] == f"inet {ADDRESS}", console
    assert addresses["networking started"] == f"inet {ADDRESS}", console
    assert "reboot: Restarting system" in console
