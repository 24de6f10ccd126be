# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest whose root is on the host's NFS server, and which runs beside the host, not in it: that is faster.

A wire leads from one to the other. There the host has a DHCP server that offers the guest another address than the
one its root needs. The guest boots what `vmroot boot-image` makes on the host.
"""

import subprocess
import tarfile

import guest_roots
import machine

ROOT = guest_roots.SERVICES
ADDRESS = "192.168.77.2"
MAC = "52:54:00:00:00:02"
HOST_ADDRESS = "192.168.77.1"
HOST_MAC = "52:54:00:00:00:01"
EXPORT = f"{ADDRESS}:{ROOT}"
DHCP = "wire-dhcp"
# What the host writes to this disk, we read.
DISK = "/dev/disk/by-id/virtio-boot"
DISK_SIZE = 64 << 20


class GuestFailed(Exception):
    """The guest is not off. The message ends with the end of its console."""


class Outside:
    """What is outside of the host, all in `directory`, and the end of the wire there is in it."""

    def __init__(self, directory):
        self.directory = directory
        self.wire = f"addr.type=unix,addr.path={directory}/wire"
        self.disk = directory / "boot-images"
        with open(self.disk, "wb") as disk:
            disk.truncate(DISK_SIZE)
        self.host = None

    def arguments(self):
        """More of the host's QEMU."""
        return (
            *("-netdev", f"stream,server=on,id=wire,{self.wire}"),
            *("-device", f"virtio-net-pci,netdev=wire,mac={HOST_MAC},romfile="),
            *("-drive", f"file={self.disk},id=boot,format=raw,if=none"),
            *("-device", "virtio-blk-pci,drive=boot,serial=boot"),
        )

    def connect_wire(self, host):
        """Give the host's end its address. Returns the name it has there."""
        interface = host.interface(HOST_MAC)
        host.run("ip", "address", "add", f"{HOST_ADDRESS}/24", "dev", interface)
        host.run("ip", "link", "set", interface, "up")
        return interface

    @staticmethod
    def disconnect_wire(host):
        host.run("ip", "address", "flush", "dev", host.interface(HOST_MAC))

    def connect(self, host):
        self.host = host
        interface = self.connect_wire(host)
        host.run("exportfs", "-i", "-o", "rw,async,no_root_squash,no_subtree_check", EXPORT)
        host.run(
            *("systemd-run", f"--unit={DHCP}", "dnsmasq", "--keep-in-foreground", "--port=0"),
            *(f"--interface={interface}", "--bind-interfaces", "--dhcp-authoritative"),
            "--dhcp-range=192.168.77.100,192.168.77.200,2m",
        )

    def disconnect(self):
        self.host.run("systemctl", "stop", DHCP)
        self.host.run("exportfs", "-u", EXPORT)
        self.disconnect_wire(self.host)

    def _make_boot_image(self, run_files):
        """What the guest boots. `run_files`: the text of files of its /run."""
        options = []
        for path, text in run_files.items():
            self.host.write(f"/root/{path}", text)
            options += ["--run-file", f"test/{path}=/root/{path}"]
        self.host.run(
            *("vmroot", "boot-image", ROOT, "--output", "/root/boot-image"),
            *("--transport", "nfs", "--network", "default", "--mac-address", MAC),
            *("--address", f"{ADDRESS}/24", "--server", HOST_ADDRESS),
            *("--gateway", HOST_ADDRESS, "--cache", "always", *options),
        )
        self.host.run("tar", "-C", "/root/boot-image", "-cf", DISK, "kernel", "initramfs")
        with tarfile.open(self.disk) as archive:
            archive.extractall(self.directory)

    def run_guest(self, run_files, command_line, seconds=300):
        """Start the guest and wait until it is off. Returns what its console showed."""
        self._make_boot_image(run_files)
        console = self.directory / "console.log"
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", machine.QEMU, *machine.EMULATION, "-m", "512"]
            + ["-no-reboot", "-kernel", f"{self.directory}/kernel"]
            + ["-initrd", f"{self.directory}/initramfs", "-serial", f"file:{console}"]
            + ["-append", f"console=ttyS0 panic=-1 printk.devkmsg=on {command_line}"]
            + ["-netdev", f"stream,id=wire,{self.wire}"]
            + ["-device", f"virtio-net-pci,netdev=wire,mac={MAC},romfile="],
            stdin=subprocess.DEVNULL,
        )
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            shown = console.read_text(errors="replace")
            raise GuestFailed(f"the guest is not off after {seconds} s\n{shown[-4000:]}") from error
        finally:
            process.kill()
            process.wait()
        return console.read_text(errors="replace")
