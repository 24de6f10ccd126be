# SPDX-License-Identifier: GPL-2.0-or-later
"""The disks of a whole host that runs as a guest: Debian with systemd, AppArmor, the kernel's NFS server and
libvirt. Made once for each release and kept in the cache; the tests write to copies."""

import concurrent.futures
import dataclasses
import functools
import pathlib
import shutil
import subprocess

import debian
import guest_roots
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
    "firewalld",
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

# Of AppArmor's profiles the host has these. Debian 13 has a hundred more, all of which are compiled at boot.
PROFILES = "*virt*"

# Without one, systemd takes each boot for the first, and enables what is to start by default.
MACHINE_ID = "766d726f6f742d7465737420686f7374\n"

# Nobody reaches its consoles but who runs it.
AUTOLOGIN = """[Service]
ExecStart=
ExecStart=-/sbin/agetty --autologin root --keep-baud 115200 - $TERM
"""


@dataclasses.dataclass
class Image:
    """Read-only files: disks, and what QEMU boots."""

    root: pathlib.Path
    export: pathlib.Path
    kernel: pathlib.Path
    initramfs: pathlib.Path


def _host_recipe(release):
    return release, *((HERE / name).read_text() for name in ("host_image.py", "debian.py", "agent.py"))


def _bootstrap(release, tree):
    """Debian, with an initramfs of no more than what the root takes."""
    modules = tree / "etc/initramfs-tools/conf.d/modules"
    wanted = tree / "etc/initramfs-tools/modules"
    hook = f"mkdir -p {modules.parent} && echo MODULES=list >{modules} && echo virtio_blk >{wanted}"
    hook += f" && echo virtio_pci >>{wanted}"
    debian.bootstrap(release, RELEASES[release], tree, f"--essential-hook={hook}")


def _customize(tree):
    units = tree / "etc/systemd/system"
    (tree / "etc/hostname").write_text("host\n")
    (tree / "etc/machine-id").write_text(MACHINE_ID)
    (tree / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 host\n")
    # Of the machine that made it; nobody would answer.
    (tree / "etc/resolv.conf").write_text("")
    (tree / "etc/fstab").write_text(FSTAB)
    (tree / "export").mkdir()
    for profile in (tree / "etc/apparmor.d").iterdir():
        if profile.is_file() and not profile.match(PROFILES):
            profile.unlink()
    # Tests start it; most are not about it.
    for link in [*units.glob("*/firewalld.*"), *units.glob("dbus-*FirewallD1.*")]:
        link.unlink()
    login = units / "serial-getty@.service.d/autologin.conf"
    login.parent.mkdir()
    login.write_text(AUTOLOGIN)
    shutil.copy(HERE / "agent.py", tree / "usr/local/sbin/agent")
    (tree / "usr/local/sbin/agent").chmod(0o755)
    (units / "agent.service").write_text(AGENT_UNIT)
    (units / "multi-user.target.wants/agent.service").symlink_to("../agent.service")


def _make_file_system(path, label, directory, size):
    with open(path, "wb") as image:
        image.truncate(size)
    subprocess.run(
        ["mke2fs", "-q", "-t", "ext4", "-L", label, "-d", str(directory), str(path)],
        check=True,
        stdin=subprocess.DEVNULL,
    )


def _make_host(release, directory):
    tree = directory / "tree"
    _bootstrap(release, tree)
    _customize(tree)
    shutil.copy(max(tree.glob("boot/vmlinuz-*")), directory / "kernel")
    shutil.copy(max(tree.glob("boot/initrd.img-*")), directory / "initramfs")
    _make_file_system(directory / "root.img", "host", tree, 4 * GIBIBYTE)
    trees.remove(tree)


def _make_roots(directory):
    roots = directory / "roots"
    guest_roots.make(roots)
    _make_file_system(directory / "export.img", "export", roots, 4 * GIBIBYTE)
    trees.remove(roots)


def _host(release):
    make_host = functools.partial(_make_host, release)
    return trees.keep(f"host-{release}", _host_recipe(release), make_host)


def _roots():
    return trees.keep("host-roots", guest_roots.recipe(), _make_roots)


def make(release):
    """The image of a release, made now if the cache has none."""
    host, roots = _host(release), _roots()
    return Image(host / "root.img", roots / "export.img", host / "kernel", host / "initramfs")


def make_all(releases):
    """Those of some releases, made side by side."""
    with concurrent.futures.ThreadPoolExecutor() as executor:
        made = [executor.submit(_roots), *(executor.submit(_host, release) for release in releases)]
        for each in made:
            each.result()
