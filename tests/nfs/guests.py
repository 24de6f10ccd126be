# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests of the host that is a guest itself. What they do is seen in their roots, on the host's disk."""

import json
import re
import time

import guest_roots
import trees

DOMAIN = """<domain type='kvm'>
  <name>{name}</name>
  <memory unit='MiB'>{memory}</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type><cmdline>{arguments}</cmdline></os>
  <features><acpi/></features>
  <cpu mode='host-passthrough'/>
  <on_reboot>destroy</on_reboot>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <serial type='pty'><log file='{console}'/></serial>
    <memballoon model='none'/>
  </devices>
</domain>
"""
ARGUMENTS = "console=ttyS0 quiet panic=-1 mitigations=off"

# What package.py puts there.
PROBE = "/usr/local/sbin/guest-probe"

# Generous: it is emulation inside emulation, on machines that do other things at the same time.
START_SECONDS = 300
# With systemd, and thousands of files over NFS, in emulation within emulation.
REPORT_SECONDS = 900
STOP_SECONDS = 240
# An NFS server that starts anew may let its clients wait for so long (nfsd(7)).
GRACE_SECONDS = 90


def remains(host):
    """What there is for guests: exports, state, claims, policies. Nothing, when no guest runs."""
    places = [f"/run/vmroot/{name}" for name in ("guests", "claims", "virtiofs")]
    files = host.run("find", "/etc/exports.d", *places, "-type", "f", check=False).output
    return host.read("/var/lib/nfs/etab") + files


class Guest:
    """`root`: where its root is on the host."""

    def __init__(self, host, name, root=None):
        self.host = host
        self.name = name
        self.root = root or f"/export/{name}"
        self.console = f"/var/log/libvirt/qemu/{name}-console.log"

    def make_root(self, script):
        """A root of busybox, which does what `script` says.

        Kernel and modules are the same files in all of them: nobody writes to those.
        """
        self.host.run("cp", "--archive", "--link", guest_roots.BUSYBOX, self.root)
        self.host.run("rm", f"{self.root}/root/script")
        self.write_script(script)

    def write_script(self, script):
        self.host.write(f"{self.root}/root/script", script)

    def install_probe(self):
        """Have its systemd find out what it can do with its root: see report()."""
        units = f"{self.root}/etc/systemd/system"
        self.host.run("cp", PROBE, f"{self.root}/usr/sbin/guest-probe")
        self.host.write(f"{units}/guest-probe.service", trees.PROBE_UNIT)
        wants = f"{units}/multi-user.target.wants/guest-probe.service"
        self.host.run("ln", "--symbolic", "../guest-probe.service", wants)

    def report(self):
        return json.loads(self.wait_for("/var/lib/guest-probe.json", REPORT_SECONDS))

    def define(self, memory=256, arguments=ARGUMENTS):
        xml = DOMAIN.format(
            name=self.name, memory=memory, arguments=arguments, console=self.console
        )
        self.host.write(f"/root/{self.name}.xml", xml)
        self.host.run("virsh", "define", f"/root/{self.name}.xml")

    def apply(self, *options):
        self.host.run("vmroot", "apply", self.name, "--directory", self.root, *options)

    def address(self):
        shown = self.host.run("vmroot", "show", self.name).output
        return re.search(r"^address +([0-9.]+)/24$", shown, re.MULTILINE)[1]

    def start(self, check=True):
        return self.host.run("virsh", "start", self.name, check=check, seconds=START_SECONDS)

    def destroy(self):
        self.host.run("virsh", "destroy", self.name, seconds=STOP_SECONDS)

    def remove(self):
        """Leave nothing of the guest but its root."""
        self.host.run("virsh", "destroy", self.name, check=False, seconds=STOP_SECONDS)
        self.host.run("vmroot", "remove", self.name, check=False)
        self.host.run("virsh", "undefine", self.name)

    def state(self):
        return self.host.run("virsh", "domstate", self.name).output.strip()

    def read(self, path):
        return self.host.read(self.root + path)

    def _wait(self, what, satisfied, seconds):
        """Until `satisfied` returns something."""
        deadline = time.monotonic() + seconds
        while not (found := satisfied()):
            if time.monotonic() > deadline:
                console = self.host.run("tail", "-n", "20", self.console, check=False).output
                raise TimeoutError(f"{self.name}: not {what} in {seconds} s\n{console}")
            time.sleep(1)
        return found

    def wait_for(self, path, seconds=START_SECONDS):
        """The content of a file that the guest writes."""

        def content():
            return self.host.run("cat", self.root + path, check=False).output

        return self._wait(f"written {path}", content, seconds)

    def wait_until_running(self):
        self._wait("running", lambda: self.state() == "running", START_SECONDS)

    def wait_until_stopped(self):
        self._wait("shut off", lambda: self.state() == "shut off", STOP_SECONDS)

    def assert_writing(self):
        """The number that WRITER writes grows."""
        before = self.read("/root/count")

        def grown():
            return self.read("/root/count") not in (before, "")

        self._wait("writing", grown, GRACE_SECONDS + 60)


# What a guest may do: write down what it sees, and then a number that grows. When its power button is pressed, it
# writes that down, too, before it obeys: its root has to be there still.
WRITER = """export PATH=/bin

/bin/busybox modprobe -a button evdev
for device in /dev/input/event*; do
  /bin/busybox dd if=$device of=/dev/null bs=24 count=1 && echo asked > /root/asked-to-stop && /bin/busybox poweroff &
done
/bin/busybox cat /proc/mounts > /root/mounts
/bin/busybox ip addr > /root/addresses
n=0
while [ ! -e /root/power-off ]; do
  n=$((n + 1))
  echo $n > /root/count
  /bin/busybox sleep 1
done
/bin/busybox poweroff
"""
