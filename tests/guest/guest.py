# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest without libvirt: QEMU boots a kernel and an initramfs with vmroot-init, and the real
virtiofsd serves its root. For what must be seen of vmroot-init alone, its failures above all."""

import dataclasses
import glob
import json
import lzma
import os
import re
import selectors
import socket
import stat
import subprocess
import tempfile
import time

VIRTIOFSDS = ["/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd", "/usr/lib/virtiofsd"]
QEMU = "qemu-system-x86_64"
# In this network 10.0.2.2 is the loopback of this machine.
NETWORK = "user,id=network,net=10.0.2.0/24,ipv6=off"


@dataclasses.dataclass
class Kernel:
    """The newest kernel of a tree, and where its modules are."""

    image: str
    modules: str

    @classmethod
    def of_tree(cls, tree):
        def version(path):
            return [int(n) for n in re.findall(r"\d+", os.path.basename(path))]

        image = max(glob.glob(tree + "/boot/vmlinuz-*"), key=version)
        release = os.path.basename(image).removeprefix("vmlinuz-")
        return cls(image, f"{tree}/lib/modules/{release}")

    def load_order(self, *names):
        """The paths of the modules and of those they need, each after what it needs."""
        needs = {}
        with open(self.modules + "/modules.dep") as file:
            for line in file:
                path, rest = line.split(":")
                needs[path] = rest.split()
        by_name = {re.sub(r"\.ko.*", "", os.path.basename(path)): path for path in needs}
        order = []
        for name in names:
            if name in by_name:
                order += [p for p in reversed(needs[by_name[name]]) if p not in order]
                order += [p for p in [by_name[name]] if p not in order]
        return order

    def read_module(self, path):
        with open(f"{self.modules}/{path}", "rb") as file:
            data = file.read()
        return lzma.decompress(data) if path.endswith(".xz") else data


def cpio_entry(name, mode, data=b"", major=0, minor=0):
    """One entry of a cpio archive as the kernel reads it: buffer-format.rst of the kernel's
    documentation."""
    name = name.encode() + b"\0"
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name), 0]
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    return header + b"\0" * (-len(header) % 4) + data + b"\0" * (-len(data) % 4)


def make_initramfs(init, configuration, modules, run_files=()):
    """`modules`: path below /modules, without its compression -> content."""
    entries = {}
    for name in ("dev", "proc", "sys", "run", "root", "modules", "run-files"):
        entries[name] = cpio_entry(name, stat.S_IFDIR | 0o755)
    entries["dev/console"] = cpio_entry("dev/console", stat.S_IFCHR | 0o600, major=5, minor=1)
    entries["init"] = cpio_entry("init", stat.S_IFREG | 0o755, init)
    entries["vmroot-init.conf"] = cpio_entry(
        "vmroot-init.conf", stat.S_IFREG | 0o644, configuration.encode())
    for path, data in modules.items():
        parts = ("modules/" + path).split("/")
        for n in range(2, len(parts)):
            directory = "/".join(parts[:n])
            entries.setdefault(directory, cpio_entry(directory, stat.S_IFDIR | 0o755))
        entries["modules/" + path] = cpio_entry("modules/" + path, stat.S_IFREG | 0o644, data)
    for number, content in enumerate(run_files, 1):
        name = f"run-files/{number}"
        entries[name] = cpio_entry(name, stat.S_IFREG | 0o644, content.encode())
    return b"".join(entries.values()) + cpio_entry("TRAILER!!!", 0)


class Virtiofsd:
    """Serves one directory until it is closed."""

    def __init__(self, program, directory, socket_path):
        self.socket_path = socket_path
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(socket_path)
            listening.listen(1)
            fd = listening.fileno()
            self.process = subprocess.Popen(
                [program, f"--fd={fd}", "-o", f"source={directory},sandbox=chroot,cache=auto"],
                pass_fds=[fd], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self):
        self.process.kill()
        self.process.wait()


class Guest:
    """One run of QEMU. Its serial line is the guest's console."""

    def __init__(self, kernel, initramfs, command_line, roots, virtiofsd, directory,
                 cold_plugged=True, memory="512M", mac=None):
        self.console = ""
        self.process = None
        self.seconds = None
        self.servers = []
        self.devices = []
        self.qmp_path = directory + "/qmp"
        with open(directory + "/initramfs", "wb") as file:
            file.write(initramfs)
        arguments = [
            QEMU, "-accel", "tcg,thread=multi", "-cpu", "max", "-machine", "pc,memory-backend=mem",
            "-m", memory, "-object", f"memory-backend-memfd,id=mem,size={memory},share=on",
            "-nodefaults", "-nic", "none", "-display", "none", "-no-reboot", "-serial", "stdio",
            "-qmp", f"unix:{self.qmp_path},server=on,wait=off",
            "-kernel", kernel, "-initrd", directory + "/initramfs",
            "-append", "console=ttyS0 panic=-1 " + command_line]
        if mac is not None:
            arguments += ["-netdev", NETWORK,
                          "-device", f"virtio-net-pci,netdev=network,mac={mac},romfile="]
        try:
            for n, (tag, served) in enumerate(roots.items()):
                server = Virtiofsd(virtiofsd, served, f"{directory}/fs{n}")
                self.servers.append(server)
                arguments += ["-chardev", f"socket,id=fs{n},path={server.socket_path}"]
                self.devices.append(f"vhost-user-fs-pci,chardev=fs{n},tag={tag},id=device{n}")
                if cold_plugged:
                    arguments += ["-device", self.devices[-1]]
            self.start = time.monotonic()
            self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        except BaseException:
            self.close()
            raise

    def run(self, seconds=90, on_output=None):
        """Reads the console until the guest is off, which it must be in `seconds`. `on_output` is
        called after each piece of text; what it returns says whether that was enough."""
        deadline = self.start + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while selector.select(max(0, deadline - time.monotonic())):
                data = os.read(self.process.stdout.fileno(), 65536)
                if not data:
                    break
                self.console += data.decode(errors="replace").replace("\r", "")
                if on_output and on_output(self):
                    self.process.kill()
                    break
            else:
                raise TimeoutError(f"the guest is not off after {seconds} s:\n{self.console}")
        self.process.wait()
        self.seconds = time.monotonic() - self.start
        return self

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def plug(self):
        """Gives the running guest the devices it was started without."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self.qmp_path)
            with connection.makefile("rw") as qmp:
                qmp.readline()
                for command, arguments in [("qmp_capabilities", {})] + [
                        ("device_add", dict([("driver", d.split(",")[0])] +
                                            [p.split("=") for p in d.split(",")[1:]]))
                        for d in self.devices]:
                    qmp.write(json.dumps({"execute": command, "arguments": arguments}))
                    qmp.flush()
                    while True:
                        answer = json.loads(qmp.readline())
                        if "error" in answer:
                            raise RuntimeError(answer["error"]["desc"])
                        if "return" in answer:
                            break

    def close(self):
        for process in [self.process] + [server.process for server in self.servers]:
            if process is not None:
                process.kill()
                process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def find_virtiofsd():
    return next((path for path in VIRTIOFSDS if os.access(path, os.X_OK)), None)


def boot_image(kernel, initramfs, roots, command_line="", run=Guest.run, **options):
    """Boots a kernel with the bytes of an initramfs once; returns the guest, which is off, with what
    its console showed. `roots`: tag -> directory."""
    with tempfile.TemporaryDirectory(prefix="vmroot-guest-") as directory:
        with Guest(kernel, initramfs, command_line, roots, find_virtiofsd(), directory,
                   **options) as guest:
            return run(guest)


def boot(kernel, init, configuration, roots, modules=(), run_files=(), **options):
    """The same, with an initramfs made of what is given."""
    with open(init, "rb") as file:
        program = file.read()
    contents = {re.sub(r"\.ko\..*", ".ko", path): kernel.read_module(path) for path in modules}
    initramfs = make_initramfs(program, configuration, contents, run_files)
    return boot_image(kernel.image, initramfs, roots, **options)
