# SPDX-License-Identifier: GPL-2.0-or-later
"""An NFS server and a guest whose root it has: two machines in QEMU on one wire, without libvirt.

The server runs the kernel's nfsd, and a DHCP server that offers the guest another address than the one its root
needs. The guest boots what `vmroot boot-image` makes.
"""

import contextlib
import hashlib
import os
import pathlib
import socket
import subprocess
import time

import trees

import guest

SYSTEMD = "systemd"
SYSVINIT = "sysvinit"
SYSTEMD_PACKAGES = (
    "linux-image-cloud-amd64",
    "systemd-sysv",
    "dbus",
    "udev",
    "kmod",
    "iproute2",
    "ifupdown",
    "isc-dhcp-client",
    "network-manager",
    "dhcpcd",
    "nfs-kernel-server",
    "dnsmasq-base",
)
SYSVINIT_PACKAGES = (
    "sysvinit-core",
    "initscripts",
    "kmod",
    "iproute2",
    "ifupdown",
    "isc-dhcp-client",
)
GIBIBYTE = 1 << 30

ADDRESS = "192.168.77.2"
SERVER_ADDRESS = "192.168.77.1"
MAC = "52:54:00:00:00:02"
SERVER_MAC = "52:54:00:00:00:01"

# The server's init. Its own root is an overlay, which cannot be exported, so what it exports gets a root of its own
# (exports(5), fsid=0). No client has any state to reclaim from a server that was just made.
SERVE = f"""#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
for word in $(cat /proc/cmdline); do
  case $word in export=*) directory=${{word#*=}} ;; esac
done
modprobe -a virtio_net virtio_blk ext4 nfsd
ip link set lo up
ip addr add {SERVER_ADDRESS}/24 dev eth0
ip link set eth0 up
mkdir -p /run/lock "/run/exports$directory"
until mount -t ext4 /dev/vda "/run/exports$directory"; do :; done
mount -t nfsd nfsd /proc/fs/nfsd
rpc.mountd -N 2 -N 3
exportfs -i -o ro,fsid=0,no_subtree_check {ADDRESS}:/run/exports
exportfs -i -o rw,async,no_root_squash,insecure,no_subtree_check "{ADDRESS}:/run/exports$directory"
rpc.nfsd -N 3 8
echo Y > /proc/fs/nfsd/v4_end_grace
dnsmasq --port=0 --interface=eth0 --dhcp-range=192.168.77.100,192.168.77.200,2m --dhcp-authoritative
echo 'server: ready' > /dev/kmsg
while :; do sleep 1000; done
"""

# What the guest does is in a file of its /run, which each test writes.
SCRIPT_UNIT = """[Unit]
Description=What a test has this guest do

[Service]
ExecStart=/bin/sh /run/test/script
"""

DHCP_NETWORK = """[Match]
Name=e*

[Network]
DHCP=yes
"""

# As every kind of installation leaves it.
INTERFACES = """auto lo eth0
allow-hotplug eth0
iface lo inet loopback
iface eth0 inet dhcp
"""


class GuestFailed(Exception):
    """A machine did not do what was waited for. The message ends with the end of its console."""


def _recipe():
    parts = (SYSTEMD_PACKAGES, SYSVINIT_PACKAGES, SERVE, SCRIPT_UNIT, DHCP_NETWORK, INTERFACES)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def _write(path, text, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def _make_systemd(tree):
    trees.bootstrap(tree, SYSTEMD_PACKAGES)
    # Each test starts what it is about.
    for directory in ("multi-user.target.wants", "network-online.target.wants"):
        for unit in (tree / "etc/systemd/system" / directory).iterdir():
            unit.unlink()
    _write(tree / "etc/systemd/system/test-script.service", SCRIPT_UNIT)
    _write(tree / "etc/systemd/network/10-dhcp.network", DHCP_NETWORK)
    # Of what is listed there, NetworkManager keeps its hands off by itself.
    _write(tree / "etc/network/interfaces", "source /run/test/interfaces\n")
    _write(tree / "usr/local/sbin/serve", SERVE, 0o755)


def _make_sysvinit(tree, kernel_of):
    trees.bootstrap(tree, SYSVINIT_PACKAGES)
    _write(tree / "etc/network/interfaces", INTERFACES)
    with open(tree / "etc/inittab", "a", encoding="utf-8") as inittab:
        inittab.write("ts:2345:once:/bin/sh /run/test/script\n")
    for path in ("boot", "usr/lib/modules"):
        trees.remove(tree / path)
        trees.copy(kernel_of / path, tree / path)


def _make(directory):
    roots = directory / "roots"
    for name in (SYSTEMD, SYSVINIT):
        (roots / name).mkdir(parents=True)
    _make_systemd(roots / SYSTEMD)
    _make_sysvinit(roots / SYSVINIT, roots / SYSTEMD)
    for root in roots.iterdir():
        root.chmod(0o755)
        (root / "etc/fstab").write_text("")
    with open(directory / "export.img", "wb") as image:
        image.truncate(4 * GIBIBYTE)
    subprocess.run(
        ["mke2fs", "-q", "-t", "ext4", "-d", str(roots), str(directory / "export.img")],
        check=True,
        stdin=subprocess.DEVNULL,
    )


def make():
    """A directory with the roots, and the same on a disk, made now if the cache has none of this recipe."""
    directory = trees.cache() / f"nfs-pair-{_recipe()}"
    if not directory.exists():
        unfinished = directory.with_suffix(".unfinished")
        trees.remove(unfinished)
        unfinished.mkdir(parents=True)
        _make(unfinished)
        unfinished.rename(directory)
    return directory


def make_boot_image(root, output, *options):
    build = os.environ["VMROOT_BUILD"]
    subprocess.run(
        [f"{build}/cli/vmroot", "boot-image", str(root), "--output", str(output), *options],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "VMROOT_LIBEXEC_DIR": f"{build}/libvmroot"},
    )


class Machine:
    """One QEMU, whose console is a file."""

    def __init__(self, directory, netdev, mac, command_line, arguments=()):
        """`directory` has the boot image."""
        self.console_path = directory / "console.log"
        self.process = subprocess.Popen(
            ["nice", guest.QEMU, "-accel", "tcg,thread=multi", "-machine", "q35", "-cpu", "max"]
            + ["-m", "512M", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
            + ["-kernel", f"{directory}/kernel", "-initrd", f"{directory}/initramfs"]
            + ["-append", f"console=ttyS0 panic=-1 printk.devkmsg=on {command_line}"]
            + ["-serial", f"file:{self.console_path}", "-netdev", f"{netdev},id=wire"]
            + ["-device", f"virtio-net-pci,netdev=wire,mac={mac},romfile=", *arguments],
            stdin=subprocess.DEVNULL,
        )

    def console(self):
        with contextlib.suppress(FileNotFoundError):
            return self.console_path.read_text(errors="replace")
        return ""

    def fail(self, what):
        raise GuestFailed(f"{what}\n{self.console()[-4000:]}")

    def wait_for(self, text, seconds):
        deadline = time.monotonic() + seconds
        while text not in self.console():
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.fail(f"the machine does not say: {text}")
            time.sleep(0.1)

    def wait_until_off(self, seconds):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.fail(f"the machine is not off after {seconds} s")

    def close(self):
        self.process.kill()
        self.process.wait()


class Pair:
    """The server; guests are started one after the other. Everything is in `directory`."""

    def __init__(self, directory):
        self.directory = directory
        self.made = make()
        self.wire = f"addr.type=unix,addr.path={directory}/wire"
        self.server = self.virtiofsd = None

    def start(self):
        root = self.made / "roots" / SYSTEMD
        directory = self.directory / "server"
        make_boot_image(root, directory, "--ephemeral")
        subprocess.run(
            ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw"]
            + ["-b", str(self.made / "export.img"), str(directory / "export.qcow2")],
            check=True,
            stdin=subprocess.DEVNULL,
        )
        self.virtiofsd = guest.Virtiofsd(guest.find_virtiofsd(), root, str(directory / "virtiofs"))
        self.server = Machine(
            directory,
            f"stream,server=on,{self.wire}",
            SERVER_MAC,
            f"init=/usr/local/sbin/serve export={self.made}/roots",
            ["-drive", f"file={directory}/export.qcow2,if=virtio,cache=unsafe"]
            + ["-object", "memory-backend-memfd,id=memory,size=512M,share=on"]
            + ["-machine", "memory-backend=memory"]
            + ["-chardev", f"socket,id=virtiofs,path={directory}/virtiofs"]
            + ["-device", "vhost-user-fs-pci,chardev=virtiofs,tag=vmroot"],
        )
        self.server.wait_for("server: ready", 120)

    def run(self, name, script, command_line="", seconds=300, files=None, arguments=()):
        """Start a guest with the root `name`, and wait until it is off; its init runs `script`. `files`: more of
        its /run. `arguments`: more of QEMU's. Returns the console."""
        directory = self.directory / f"guest-{len(list(self.directory.iterdir()))}"
        directory.mkdir()
        run_files = []
        for path, text in {"script": script, **(files or {})}.items():
            (directory / path).write_text(text)
            run_files += ["--run-file", f"test/{path}={directory / path}"]
        make_boot_image(
            self.made / "roots" / name,
            directory,
            *("--transport", "nfs", "--network", "default", "--mac-address", MAC),
            *("--address", f"{ADDRESS}/24", "--server", SERVER_ADDRESS),
            *("--gateway", SERVER_ADDRESS, "--cache", "always", *run_files),
        )
        machine = Machine(directory, f"stream,{self.wire}", MAC, command_line, arguments)
        try:
            machine.wait_until_off(seconds)
        finally:
            machine.close()
        return machine.console()

    def close(self):
        for part in (self.server, self.virtiofsd):
            if part is not None:
                part.close()
