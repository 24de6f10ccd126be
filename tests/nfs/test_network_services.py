# SPDX-License-Identifier: GPL-2.0-or-later
"""What manages the network in a guest leaves the interface alone that carries its root: the guest goes on writing
while each is started, restarted and stopped, and turns itself off in the end with all of them running.

Each is set up as distributions do it, to ask for an address by DHCP; the server there offers another.
"""

import re

import guest_roots
import outside_guest
import pytest

pytestmark = pytest.mark.only_on("trixie")

ADDRESS = f"{outside_guest.ADDRESS}/24"

# As every kind of installation leaves it.
INTERFACES = """auto lo eth0
allow-hotplug eth0
iface lo inet loopback
iface eth0 inet dhcp
"""

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
def boot(host, outside):
    """Start a guest with a script, and wait until it is off. Returns what its console showed."""
    outside.connect(host)

    def boot(script, command_line=""):
        return outside.run_guest({"script": script, "interfaces": INTERFACES}, command_line)

    yield boot
    outside.disconnect()


def said(console):
    """What the script said: text -> the addresses of the interface."""
    return dict(re.findall(r"test: (.*): (.*?) *$", console, re.MULTILINE))


def test_systemd(boot):
    calls = "".join(f"try {service}\n" for service in SERVICES)
    script = (
        HEAD
        + SERVICE
        + calls
        + 'say "$(systemctl --failed --no-legend --plain | wc -l) units failed"\n'
        + "say device $(nmcli --terse --fields DEVICE,STATE device)\n"
        + "systemctl poweroff\n"
    )

    console = boot(
        script,
        "systemd.unit=test-script.service systemd.show_status=false",
    )

    addresses = said(console)
    for service in SERVICES:
        assert f"test: {service} is active" in console
        for when in ("started", "restarted", "stopped", "left running"):
            assert addresses[f"{service} {when}"] == f"inet {ADDRESS}", console
    assert "test: 0 units failed" in console
    assert "reboot: Power down" in console


def test_sysvinit(boot):
    script = (
        HEAD
        + "service networking restart && root_is_there 'networking restarted'\n"
        + "service networking stop && root_is_there 'networking stopped'\n"
        + "service networking start && root_is_there 'networking started'\n"
        + f"{guest_roots.SYSVINIT} 6\n"
    )

    console = boot(script, f"init={guest_roots.SYSVINIT}")

    addresses = said(console)
    for what in ("restarted", "stopped", "started"):
        assert addresses[f"networking {what}"] == f"inet {ADDRESS}", console
    assert "reboot: Restarting system" in console
