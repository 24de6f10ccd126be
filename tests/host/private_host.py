# SPDX-License-Identifier: GPL-2.0-or-later
"""A host of our own: libvirtd, QEMU and vmroot as they are installed, seen by nobody else.

Everything here runs inside namespaces.py, on the file systems of private_root.py: vmroot is
installed at its real paths, and the machine keeps none of it.
"""

import contextlib
import json
import os
import pathlib
import queue
import signal
import socket
import subprocess
import uuid
import xml.etree.ElementTree as ElementTree

import libvirt

import namespaces
import private_root
from lifecycle_events import LifecycleEvents

URI = "qemu:///system"
TREES = pathlib.Path("/srv/vmroot")
SCRATCH = pathlib.Path("/run/private-host")
# What the machine has there for itself is hidden.
OURS = (
    "/etc/libvirt",
    "/var/lib/libvirt",
    "/var/cache/libvirt",
    "/var/log/libvirt",
    "/etc/vmroot",
    "/var/lib/vmroot",
)
# Those of libvirt, which every libvirt has.
NETWORK_FILTERS = pathlib.Path("/etc/libvirt/nwfilter")
QEMU = "/usr/bin/qemu-system-x86_64"

# Generous: guests run under TCG, on machines that do other things at the same time.
BOOT_SECONDS = 300
STOP_SECONDS = 90

# No security driver: profiles that libvirt would load into the kernel would be the whole machine's.
QEMU_CONF = 'security_driver = "none"\n'
LIBVIRTD_CONF = 'auth_unix_rw = "none"\nauth_unix_ro = "none"\n'

# The probe powers off at once. If init wants a page of its root between the end of the device and
# the end of the machine, the kernel panics: that is to end the machine as well.
ARGUMENTS = "console=ttyS0 panic=-1"

DOMAIN_XML = """<domain type='{type}'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>{memory}</memory>
  <vcpu>{cpus}</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type><cmdline>{arguments}</cmdline></os>
  <features><acpi/></features>
  <cpu mode='{cpu}'/>
  <on_reboot>destroy</on_reboot>
  <devices>
    <emulator>{qemu}</emulator>
    <controller type='usb' model='none'/>
    <serial type='pty'><log file='{console}' append='on'/><target port='0'/></serial>
    <serial type='unix'><source mode='connect' path='{line}'/><target port='1'/></serial>
    <memballoon model='none'/>
  </devices>
</domain>
"""

KVM_SECONDS = 10


def kvm_works(kernel):
    """Whether a guest really runs under KVM here: a /dev/kvm that opens does not say so.

    Without a root file system, `kernel` gets as far as a panic and then resets, which ends QEMU.
    """
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    try:
        tiny = subprocess.run(
            [
                QEMU,
                "-accel",
                "kvm",
                "-cpu",
                "host",
                "-display",
                "none",
                "-nodefaults",
                "-no-reboot",
                "-m",
                "256",
                "-kernel",
                str(kernel),
                "-append",
                "panic=-1",
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=KVM_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return tiny.returncode == 0


class DaemonEnded(Exception):
    """Nobody told it to. The message has the end of its log."""


class Daemon:
    """A daemon that says itself when it is ready: the protocol of sd_notify(3)."""

    def __init__(self, *argv):
        self.argv = argv
        self.log = SCRATCH / f"{pathlib.Path(argv[0]).name}.log"
        self.process = None

    def start(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, open(
            self.log, "ab"
        ) as log:
            address = f"\0vmroot-notify-{uuid.uuid4()}"
            notify.bind(address)
            notify.settimeout(60)
            environment = {**os.environ, "NOTIFY_SOCKET": address.replace("\0", "@"), "LC_ALL": "C"}
            # Meson sets it for our programs. libvirt 9.0 unlocks a network filter after it has freed it,
            # where that cannot be saved (nwfilterDefineXMLFlags()).
            environment.pop("MALLOC_PERTURB_", None)
            self.process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
            )
            while b"READY=1" not in notify.recv(4096).split(b"\n"):
                pass

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)

    def restart(self):
        self.stop()
        self.start()

    def check(self):
        """That it runs. If not, it is started again before that is said."""
        status = self.process.poll()
        if status is None:
            return
        said = self.log.read_text(errors="replace")[-4000:]
        self.start()
        raise DaemonEnded(f"{self.argv[0]} ended with status {status}:\n{said}")


class PrivateHost:
    """vmroot installed beside a running libvirtd."""

    def __init__(self, build, trees, domain_type, keep=()):
        """`keep`: directories in which what is written stays on the machine."""
        self.build = pathlib.Path(build)
        self.domain_type = domain_type
        private_root.enter({str(trees): str(TREES), **{path: path for path in keep}})
        filters = {path: path.read_text() for path in NETWORK_FILTERS.glob("*.xml")}
        for directory in OURS:
            pathlib.Path(directory).mkdir(exist_ok=True)
            namespaces.mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", directory)
        for path, content in filters.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        SCRATCH.mkdir()
        if domain_type != "kvm":
            self._hide_kvm()
        pathlib.Path("/var/log/libvirt/qemu").mkdir()
        self._install()
        self.virtlogd = Daemon("/usr/sbin/virtlogd")
        self.libvirtd = Daemon("/usr/sbin/libvirtd")
        self.events = None

    @staticmethod
    def _hide_kvm():
        """Where QEMU finds no working KVM behind /dev/kvm, libvirt does not believe it, and asks
        again at every step: each takes 20 seconds instead of a tenth of one."""
        pathlib.Path("/dev/kvm").unlink(missing_ok=True)

    def _install(self):
        pathlib.Path("/etc/libvirt/qemu.conf").write_text(QEMU_CONF)
        pathlib.Path("/etc/libvirt/libvirtd.conf").write_text(LIBVIRTD_CONF)
        with open(SCRATCH / "install.log", "wb") as log:
            subprocess.run(
                ["meson", "install", "-C", str(self.build), "--no-rebuild"],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            subprocess.run(["ldconfig"], check=True)
            subprocess.run(["vmroot", "setup"], check=True, stdin=subprocess.DEVNULL, stdout=log)

    def start(self):
        self.virtlogd.start()
        self.libvirtd.start()
        self.events = LifecycleEvents(URI)
        self.events.connect()

    def stop(self):
        self.events.disconnect()
        self.libvirtd.stop()
        self.virtlogd.stop()

    def restart_libvirtd(self):
        """What an upgrade of libvirt does: guests stay, the daemon goes and comes back."""
        self.events.disconnect()
        self.libvirtd.restart()
        self.events.connect()
        # It says so before it has taken up its guests again, and holds their locks until then.
        self.virsh("list")

    @staticmethod
    def virsh(*arguments, check=True):
        return command("virsh", "--quiet", "--connect", URI, *arguments, check=check)

    @staticmethod
    def vmroot(*arguments, check=True):
        return command("vmroot", *arguments, check=check)


class CommandFailed(Exception):
    """A command ended with an error: with what it said."""


def command(*argv, check=True):
    """Run a program as a user would, and return what it said."""
    done = subprocess.run(
        argv, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if check and done.returncode != 0:
        raise CommandFailed(
            f'{" ".join(argv)}: exit status {done.returncode}\n{done.stdout}{done.stderr}'
        )
    return done


class Line:
    """The serial line between the host and the probe: see guest-probe.c."""

    def __init__(self, path):
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(1)
        path.chmod(0o777)
        self.lines = None
        self.connection = None

    def accept(self):
        """Take the connection that QEMU makes while it starts."""
        self.hang_up()
        self.listener.settimeout(STOP_SECONDS)
        self.connection, _ = self.listener.accept()
        self.lines = self.connection.makefile("rb")

    def hang_up(self):
        if self.connection:
            self.lines.close()
            self.connection.close()
            self.connection = None

    def read(self, seconds):
        """The next line from the guest; None if it ended or took too long."""
        self.connection.settimeout(seconds)
        try:
            line = self.lines.readline()
        except (ConnectionResetError, TimeoutError):
            return None
        return line.decode("utf-8", "replace").strip() if line else None

    def ask(self, request, seconds=BOOT_SECONDS):
        self.tell(request)
        return self.read(seconds)

    def tell(self, request):
        self.connection.sendall(request.encode() + b"\n")

    def close(self):
        self.hang_up()
        self.listener.close()
        self.path.unlink()


class GuestFailed(Exception):
    """A guest did not do what was waited for. The message ends with the end of its console."""


class Guest:
    """A domain, and what its root directory says about it."""

    def __init__(self, host, name, tree, memory=512, cpus=1, arguments=ARGUMENTS):
        self.host = host
        self.name = name
        self.tree = tree
        self.uuid = str(uuid.uuid4())
        lines = SCRATCH / "lines"
        lines.mkdir(exist_ok=True)
        self.line = Line(lines / f"{name}.sock")
        self.console = pathlib.Path(f"/var/log/libvirt/qemu/{name}-console.log")
        kvm = host.domain_type == "kvm"
        self.xml = DOMAIN_XML.format(
            type=host.domain_type,
            name=name,
            uuid=self.uuid,
            memory=memory,
            cpus=cpus,
            qemu=QEMU,
            arguments=arguments,
            cpu="host-passthrough" if kvm else "maximum",
            console=self.console,
            line=self.line.path,
        )

    def define(self):
        xml = SCRATCH / f"{self.name}.xml"
        xml.write_text(self.xml)
        self.host.virsh("define", str(xml))

    def definition(self):
        """The lines of the document that libvirt keeps, but for its PCI ports: it adds some for
        every new device, and leaves them when the device goes."""
        domain = ElementTree.fromstring(self.host.virsh("dumpxml", "--inactive", self.name).stdout)
        devices = domain.find("devices")
        for port in devices.findall("controller[@type='pci']"):
            devices.remove(port)
        return ElementTree.canonicalize(ElementTree.tostring(domain)).splitlines()

    def apply(self, *options):
        """Make the tree this guest's root, as a user does."""
        return self.host.vmroot("apply", self.name, "--directory", str(self.tree), *options)

    def try_start(self):
        """Start, and return what virsh said: for starts that are to fail."""
        return self.host.virsh("start", self.name, check=False)

    def start(self):
        started = self.try_start()
        if started.returncode != 0:
            raise GuestFailed(f"virsh start {self.name}: {started.stderr}")
        self.line.accept()

    def wait_until_probed(self):
        """Wait until the probe inside has written its report, and return the report."""
        word = self.line.read(BOOT_SECONDS)
        if word != "ready":
            raise GuestFailed(
                f"{self.name} said {word!r}, not that it is ready.\n{self.console_tail()}"
            )
        return self.report()

    def report(self):
        return json.loads((self.tree / "var/lib/guest-probe.json").read_text())

    def boot(self):
        self.start()
        return self.wait_until_probed()

    def wait_until_stopped(self, seconds=STOP_SECONDS):
        events = self.host.events.of(self.name)
        try:
            while events.get(timeout=seconds) != libvirt.VIR_DOMAIN_EVENT_STOPPED:
                pass
        except queue.Empty:
            raise GuestFailed(f"{self.name} did not stop.\n{self.console_tail()}") from None

    def power_off(self):
        """Have the probe power the machine off at once."""
        self.line.tell("power-off")
        self.wait_until_stopped()

    def shut_down(self):
        """Ask the guest's init to end, as a power button does."""
        self.host.virsh("shutdown", self.name)
        self.wait_until_stopped()

    def destroy(self):
        if self.is_running():
            self.host.virsh("destroy", self.name)
            self.wait_until_stopped()

    def remove(self):
        """Leave nothing of the guest but its tree."""
        with contextlib.suppress(GuestFailed, CommandFailed):
            self.destroy()
        self.host.virsh("undefine", self.name, check=False)
        self.line.close()

    def is_running(self):
        return self.host.virsh("domstate", self.name, check=False).stdout.strip() == "running"

    def qemu_pid(self):
        return int(pathlib.Path(f"/run/libvirt/qemu/{self.name}.pid").read_text())

    def crash(self):
        """Kill QEMU as the kernel would, out of memory."""
        os.kill(self.qemu_pid(), signal.SIGKILL)
        self.wait_until_stopped()

    def console_tail(self):
        with contextlib.suppress(FileNotFoundError):
            return "".join(self.console.read_text(errors="replace").splitlines(keepends=True)[-40:])
        return "(its console said nothing)"


def processes(name):
    """The running processes of one program: pid and arguments."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                argv = (entry / "cmdline").read_bytes().split(b"\0")
                if os.path.basename(argv[0]) == name.encode():
                    found[int(entry.name)] = [argument.decode() for argument in argv]
    return found


def remains():
    """What vmroot and libvirt hold for guests right now: nothing, when no guest of ours runs."""
    state = [
        str(path)
        for directory in ("/run/vmroot/guests", "/run/vmroot/claims", "/run/vmroot/virtiofs")
        for path in sorted(pathlib.Path(directory).glob("*"))
    ]
    running = [
        f"{program} {pid}"
        for program in ("vmroot-virtiofsd", "virtiofsd")
        for pid in processes(program)
    ]
    return state + running
