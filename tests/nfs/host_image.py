# SPDX-License-Identifier: GPL-2.0-or-later
"""The disks of a whole host that runs as a guest: Debian with systemd, AppArmor, the kernel's NFS server and
libvirt. Made once for each release and kept in the cache; the tests write to copies."""

import dataclasses
import hashlib
import pathlib
import shutil
import subprocess

import namespaces
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
    "libxml2",
    "libseccomp2",
    "libcap2-bin",
    "busybox-static",
    "bpftool",
)
# What is packaged otherwise in one release than in the next.
RELEASES = {
    "bookworm": (*PACKAGES, "libarchive13"),
    "trixie": (*PACKAGES, "libarchive13t64", "virtiofsd"),
}
GIBIBYTE = 1 << 30

# A disk may take minutes to appear where others work, too.
FSTAB = """LABEL=host / ext4 x-systemd.device-timeout=300 0 0
LABEL=export /export ext4 nosuid,nodev,x-systemd.device-timeout=300 0 0
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

# Nobody reaches its consoles but who runs it.
AUTOLOGIN = """[Service]
ExecStart=
ExecStart=-/sbin/agetty --autologin root --keep-baud 115200 - $TERM
"""

# Guests have their roots copied from these.
BUSYBOX = "/export/pristine/busybox"
DEBIAN = "/export/pristine/debian"

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


def _recipe(release):
    """What the image is made of: another recipe, another image."""
    parts = (
        RELEASES[release],
        FSTAB,
        AGENT_UNIT,
        AUTOLOGIN,
        GUEST_INITTAB,
        (HERE / "agent.py").read_text(),
        str(trees.path(trees.DEBIAN)),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def _bootstrap(release, tree):
    """Debian, with an initramfs of no more than what the root takes."""
    modules = tree / "etc/initramfs-tools/conf.d/modules"
    wanted = tree / "etc/initramfs-tools/modules"
    hook = f"mkdir -p {modules.parent} && echo MODULES=list >{modules} && echo virtio_blk >{wanted}"
    hook += f" && echo virtio_pci >>{wanted}"
    tree.mkdir()
    # Were it interrupted, what it mounted in the tree would be there when the tree is removed.
    subprocess.run(
        namespaces.alone(
            [
                "mmdebstrap",
                "--variant=minbase",
                f'--include={",".join(RELEASES[release])}',
                f"--essential-hook={hook}",
                "--dpkgopt=path-exclude=/usr/share/doc/*",
                "--dpkgopt=path-exclude=/usr/share/man/*",
                "--dpkgopt=path-exclude=/usr/share/locale/*",
                "--dpkgopt=force-confold",
                release,
                str(tree),
            ]
        ),
        check=True,
        stdin=subprocess.DEVNULL,
    )
    tree.chmod(0o755)


def _customize(tree):
    (tree / "etc/hostname").write_text("host\n")
    (tree / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 host\n")
    # Of the machine that made it; nobody would answer.
    (tree / "etc/resolv.conf").write_text("")
    (tree / "etc/fstab").write_text(FSTAB)
    (tree / "export").mkdir()
    login = tree / "etc/systemd/system/serial-getty@.service.d/autologin.conf"
    login.parent.mkdir()
    login.write_text(AUTOLOGIN)
    shutil.copy(HERE / "agent.py", tree / "usr/local/sbin/agent")
    (tree / "usr/local/sbin/agent").chmod(0o755)
    unit = tree / "etc/systemd/system/agent.service"
    unit.write_text(AGENT_UNIT)
    wants = unit.parent / "multi-user.target.wants"
    (wants / unit.name).symlink_to(f"../{unit.name}")


def _make_guests(directory):
    """Pristine roots: of busybox, whose init does what the tests leave in /root/script, and of Debian."""
    busybox = directory / pathlib.Path(BUSYBOX).relative_to("/export")
    trees.copy(trees.make(trees.BUSYBOX), busybox)
    (busybox / "etc/inittab").write_text(GUEST_INITTAB)
    (busybox / "root/script").write_text("")
    trees.copy(trees.make(trees.DEBIAN), directory / pathlib.Path(DEBIAN).relative_to("/export"))


def _make_file_system(path, label, directory, size):
    with open(path, "wb") as image:
        image.truncate(size)
    subprocess.run(
        ["mke2fs", "-q", "-t", "ext4", "-L", label, "-d", str(directory), str(path)],
        check=True,
        stdin=subprocess.DEVNULL,
    )


def _make(directory, release):
    tree = directory / "tree"
    _bootstrap(release, tree)
    _customize(tree)
    shutil.copy(max(tree.glob("boot/vmlinuz-*")), directory / "kernel")
    shutil.copy(max(tree.glob("boot/initrd.img-*")), directory / "initramfs")
    _make_file_system(directory / "root.img", "host", tree, 4 * GIBIBYTE)
    trees.remove(tree)
    roots = directory / "roots"
    _make_guests(roots)
    _make_file_system(directory / "export.img", "export", roots, 4 * GIBIBYTE)
    trees.remove(roots)


def make(release):
    """The image of a release, made now if the cache has none of this recipe."""
    directory = trees.cache() / f"host-{release}-{_recipe(release)}"
    if not directory.exists():
        for outdated in directory.parent.glob(f"host-{release}-*"):
            trees.remove(outdated)
        unfinished = directory.with_suffix(".unfinished")
        unfinished.mkdir(parents=True)
        _make(unfinished, release)
        unfinished.rename(directory)
    return Image(*(directory / name for name in ("root.img", "export.img", "kernel", "initramfs")))
