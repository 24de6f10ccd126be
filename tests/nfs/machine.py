# SPDX-License-Identifier: GPL-2.0-or-later
"""A whole host, in QEMU: started, asked to run programs, and cut from its power."""

import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import socket
import subprocess

QEMU = "qemu-system-x86_64"
EMULATION = (
    *("-accel", "tcg,thread=multi"),
    *("-machine", "q35"),
    # What costs an emulator most is off: a fifth level of page tables, strings by the byte, switches of what
    # the kernel may access, wide registers. With fsrm, which QEMU 10 has, but without erms, Linux 6.1 hangs at
    # boot. One processor: two such hosts run side by side.
    *("-cpu", "max,la57=off,erms=off,fsrm=off,smap=off,smep=off,umip=off,pku=off,avx=off,avx2=off,xsave=off"),
    *("-nic", "none"),
    *("-display", "none"),
    "-nodefaults",
    "-no-user-config",
)
MEMORY = ("-m", "3072")
KERNEL_ARGUMENTS = (
    "root=LABEL=host rw console=ttyS0 quiet systemd.show_status=false tsc=reliable mitigations=off"
    " init_on_alloc=0 randomize_kstack_offset=off hardened_usercopy=off nowatchdog rcupdate.rcu_expedited=1"
)
# Of no use here, and each takes seconds of an emulated boot.
MASKED = (
    "dev-hugepages.mount",
    "e2scrub_reap.service",
    "getty@tty1.service",
    "modprobe@dm_mod.service",
    "modprobe@drm.service",
    "modprobe@efi_pstore.service",
    "modprobe@loop.service",
    "nfs-blkmap.service",
    "rpc-statd-notify.service",
    "serial-getty@ttyS0.service",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "systemd-binfmt.service",
)
BOOT_SECONDS = 300


class CommandFailed(Exception):
    """A program in the host ended otherwise than it should. The message has what it printed."""


class HostFailed(Exception):
    """The host did not do what was waited for. The message ends with the end of its console."""


@dataclasses.dataclass
class Result:
    status: int
    output: str
    messages: str


class Machine:
    """`package`: a tar archive of what is installed over /. Changes to disks stay in `directory`.

    `arguments` are QEMU's, beside those of every host: it has no network unless they give it one.
    """

    def __init__(self, image, package, directory, arguments=()):
        self.image = image
        self.package = package
        self.directory = pathlib.Path(directory)
        self.arguments = tuple(arguments)
        self.process = None
        self.connection = None
        self.answers = None
        self.console = self.directory / "console.log"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.directory / "agent"))
        self.listener.listen(1)
        for name in ("root", "export"):
            subprocess.run(
                ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw"]
                + ["-b", str(getattr(image, name)), str(self.directory / f"{name}.qcow2")],
                check=True,
                stdin=subprocess.DEVNULL,
            )

    def _drive(self, name):
        path = self.directory / f"{name}.qcow2"
        return "-drive", f"file={path},format=qcow2,if=virtio,cache=writeback"

    def _argv(self):
        return [
            # Ends with us at the latest.
            *("setpriv", "--pdeathsig", "KILL"),
            QEMU,
            *EMULATION,
            *MEMORY,
            *("-kernel", str(self.image.kernel)),
            *("-initrd", str(self.image.initramfs)),
            *("-append", " ".join((KERNEL_ARGUMENTS, *(f"systemd.mask={unit}" for unit in MASKED)))),
            *self._drive("root"),
            *self._drive("export"),
            *("-drive", f"file={self.package},id=package,format=raw,if=none,readonly=on"),
            *("-device", "virtio-blk-pci,drive=package,serial=package"),
            *("-chardev", f"file,id=console,path={self.console},append=on"),
            *("-serial", "chardev:console"),
            *("-chardev", f"socket,id=agent,path={self.directory}/agent"),
            *("-device", "virtio-serial"),
            *("-device", "virtserialport,chardev=agent,name=vmroot.agent"),
            *self.arguments,
        ]

    def start(self):
        self.process = subprocess.Popen(
            self._argv(), stdin=subprocess.DEVNULL, start_new_session=True
        )
        self.listener.settimeout(BOOT_SECONDS)
        self.connection, _ = self.listener.accept()
        self.answers = self.connection.makefile("rb")
        self.wait_for_boot()

    def wait_for_boot(self):
        """Until the agent of a new boot says that it is there."""
        while "boot" not in self._read(BOOT_SECONDS):
            pass

    def _read(self, seconds):
        self.connection.settimeout(seconds)
        try:
            line = self.answers.readline()
        except TimeoutError:
            line = b""
        if not line:
            raise HostFailed(f"the host says nothing.\n{self.console_tail()}")
        return json.loads(line)

    def run(self, *argv, check=True, text="", seconds=240):
        """Run a program in the host."""
        self.connection.sendall(
            json.dumps({"argv": argv, "input": text, "seconds": seconds}).encode() + b"\n"
        )
        answer = self._read(seconds + 60)
        result = Result(answer["status"], answer["output"], answer["messages"])
        if check and result.status != 0:
            raise CommandFailed(
                f'{" ".join(argv)}: status {result.status}\n{result.output}{result.messages}'
            )
        return result

    def read(self, path):
        return self.run("cat", path).output

    def write(self, path, text):
        self.run("tee", path, text=text)

    def interface(self, mac_address):
        """The name of its interface with that address."""
        links = json.loads(self.run("ip", "-json", "link").output)
        return next(link["ifname"] for link in links if link.get("address") == mac_address)

    def kernel_log(self):
        return self.run("dmesg").output.splitlines()

    def install(self):
        """Unpack the package, as dpkg would."""
        self.run("tar", "-C", "/", "--no-overwrite-dir", "-xf", "/dev/disk/by-id/virtio-package")
        self.run("ldconfig")
        self.run("systemctl", "daemon-reload")

    def set_up(self):
        """As its administrator would."""
        self.run("virsh", "net-autostart", "default")
        self.run("virsh", "net-start", "default")
        self.run("vmroot", "setup", "all")

    def reboot(self):
        self.run("systemctl", "reboot", "--no-block")
        self.wait_for_boot()

    def cut_power(self):
        """What was not written to a disk is lost; so are all guests."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._hang_up()

    def _hang_up(self):
        self.answers.close()
        self.connection.close()

    def console_tail(self):
        return "\n".join(self.console.read_text(errors="replace").splitlines()[-40:])

    def close(self):
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.cut_power()
        self.listener.close()
