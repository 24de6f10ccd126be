# SPDX-License-Identifier: GPL-2.0-or-later
"""The roots of guests on the host's disk for them."""

import debian
import trees

# Guests have their roots copied from these two.
BUSYBOX = "/export/pristine/busybox"
DEBIAN = "/export/pristine/debian"
# All that manages networks, with systemd and another init.
SERVICES = "/export/services"
SYSVINIT = "/opt/sysvinit/sbin/init"

INITTAB = """::once:/bin/sh /root/script
::restart:/bin/sh
"""

SERVICES_PACKAGES = (
    "systemd-sysv",
    "initscripts",
    "dbus",
    "udev",
    "kmod",
    "iproute2",
    "ifupdown",
    "isc-dhcp-client",
    "network-manager",
    "dhcpcd",
)

# It will not be installed beside systemd.
UNPACK_SYSVINIT = """cd "$1/tmp"
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
apt-get download sysvinit-core
dpkg-deb --extract sysvinit-core_*.deb "$1/opt/sysvinit"
rm sysvinit-core_*.deb"""

# What the guest does is in a file of its /run, which each test writes.
SCRIPT = "/run/test/script"
SCRIPT_UNIT = f"""[Unit]
Description=What a test has this guest do

[Service]
ExecStart=/bin/sh {SCRIPT}
"""
SCRIPT_LINE = f"ts:2345:once:/bin/sh {SCRIPT}\n"

DHCP_NETWORK = """[Match]
Name=e*

[Network]
DHCP=yes
"""

# Of what is listed in the file itself, NetworkManager keeps its hands off.
INTERFACES = "source /run/test/interfaces\n"


def _make_busybox(root):
    """Its init does what the tests leave in /root/script."""
    trees.copy(trees.make(trees.BUSYBOX), root)
    (root / "etc/inittab").write_text(INITTAB)
    (root / "root/script").write_text("")


def _make_services(root):
    unpack_sysvinit = f"--customize-hook={UNPACK_SYSVINIT}"
    debian.bootstrap("bookworm", SERVICES_PACKAGES, root, unpack_sysvinit)
    # Each test starts what it is about.
    for link in root.glob("etc/systemd/system/*.wants/*"):
        link.unlink()
    for link in root.glob("etc/rc?.d/S??dhcpcd"):
        link.unlink()
    (root / "etc/systemd/system/test-script.service").write_text(SCRIPT_UNIT)
    inittab = (root / "opt/sysvinit/usr/share/sysvinit/inittab").read_text()
    (root / "etc/inittab").write_text(inittab + SCRIPT_LINE)
    (root / "etc/systemd/network/10-dhcp.network").write_text(DHCP_NETWORK)
    (root / "etc/network/interfaces").write_text(INTERFACES)
    (root / "etc/fstab").write_text("")
    for path in ("boot", "usr/lib/modules"):
        trees.copy(trees.make(trees.DEBIAN) / path, root / path)


def recipe():
    """Other text, other roots."""
    services = (SERVICES_PACKAGES, UNPACK_SYSVINIT, SCRIPT_UNIT, SCRIPT_LINE, DHCP_NETWORK, INTERFACES)
    return INITTAB, services, trees.path(trees.DEBIAN).name


def make(directory):
    """All of them below `directory`, which will be /export."""
    for path, make_root in (
        (BUSYBOX, _make_busybox),
        (DEBIAN, lambda root: trees.copy(trees.make(trees.DEBIAN), root)),
        (SERVICES, _make_services),
    ):
        make_root(directory / path.removeprefix("/export/"))
