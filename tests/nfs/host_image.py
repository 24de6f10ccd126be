# SPDX-License-Identifier: GPL-2.0-or-later
"""The disks of a whole host that runs as a guest: Debian with systemd, AppArmor, the kernel's NFS server and
libvirt. Made once and kept in the cache; the tests write to copies."""

import dataclasses
import hashlib
import pathlib
import shutil
import subprocess

import trees

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = (
    "linux-image-cloud-amd64",
    "systemd-sysv",
    "dbus",
    "udev",
    "kmod",
    "apparmor",
    "iproute2",
    "nfs-kernel-server",
    "libvirt-daemon-system",
    "libvirt-clients",
    "libvirt-daemon-config-network",
    "libvirt-daemon-config-nwfilter",
    "libnss-libvirt",
    "qemu-system-x86",
    "qemu-system-common",
    "dnsmasq-base",
    "iptables",
    "nftables",
    "python3",
    "procps",
    "python3-libvirt",
    "libjson-glib-1.0-0",
    "libarchive13",
    "libxml2",
    "libseccomp2",
    "libcap2-bin",
    "busybox-static",
)
GIBIBYTE = 1 << 30

FSTAB = """LABEL=host / ext4 defaults 0 0
LABEL=export /export ext4 nosuid,nodev 0 0
"""

AGENT_UNIT = """[Unit]
Description=Do what the tests of vmroot ask for
After=libvirtd.service nfs-server.service multi-user.target

[Service]
ExecStart=/usr/local/sbin/agent
KillMode=process

[Install]
WantedBy=graphical.target multi-user.target
"""


# The roots in /export.
GUESTS = ("first", "second")

GUEST_INITTAB = """::once:/bin/sh /root/script
::restart:/bin/sh
"""


@dataclasses.dataclass
class Image:
    """Read-only files: disks, and what QEMU boots."""

    root: pathlib.Path
    export: pathlib.Path
    kernel: pathlib.Path
    initramfs: pathlib.Path


def _recipe():
    """What the image is made of: another recipe, another image."""
    parts = (PACKAGES, FSTAB, AGENT_UNIT, GUESTS, GUEST_INITTAB, (HERE / "agent.py").read_text())
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def _customize(tree):
    (tree / "etc/hostname").write_text("host\n")
    (tree / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 host\n")
    # Of the machine that made it; nobody would answer.
    (tree / "etc/resolv.conf").write_text("")
    (tree / "etc/fstab").write_text(FSTAB)
    (tree / "export").mkdir()
    shutil.copy(HERE / "agent.py", tree / "usr/local/sbin/agent")
    (tree / "usr/local/sbin/agent").chmod(0o755)
    unit = tree / "etc/systemd/system/agent.service"
    unit.write_text(AGENT_UNIT)
    wants = unit.parent / "multi-user.target.wants"
    (wants / unit.name).symlink_to(f"../{unit.name}")


def _make_guest(root):
    """A root of busybox whose init does what the tests leave in /root/script."""
    trees.copy(trees.make(trees.BUSYBOX), root)
    (root / "etc/inittab").write_text(GUEST_INITTAB)
    (root / "root/script").write_text("")


def _make_file_system(path, label, directory, size):
    with open(path, "wb") as image:
        image.truncate(size)
    subprocess.run(
        ["mke2fs", "-q", "-t", "ext4", "-L", label, "-d", str(directory), str(path)],
        check=True,
        stdin=subprocess.DEVNULL,
    )


def _make(directory):
    tree = directory / "tree"
    tree.mkdir()
    trees.bootstrap(tree, PACKAGES)
    tree.chmod(0o755)
    _customize(tree)
    shutil.copy(max(tree.glob("boot/vmlinuz-*")), directory / "kernel")
    shutil.copy(max(tree.glob("boot/initrd.img-*")), directory / "initramfs")
    _make_file_system(directory / "root.img", "host", tree, 4 * GIBIBYTE)
    trees.remove(tree)
    roots = directory / "roots"
    for name in GUESTS:
        _make_guest(roots / name)
    _make_file_system(directory / "export.img", "export", roots, 4 * GIBIBYTE)
    trees.remove(roots)


def make():
    """The image, made now if the cache has none of this recipe."""
    directory = trees.cache() / f"nfs-host-{_recipe()}"
    if not directory.exists():
        unfinished = directory.with_suffix(".unfinished")
        trees.remove(unfinished)
        unfinished.mkdir(parents=True)
        _make(unfinished)
        unfinished.rename(directory)
    return Image(*(directory / name for name in ("root.img", "export.img", "kernel", "initramfs")))
