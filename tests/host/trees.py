# SPDX-License-Identifier: GPL-2.0-or-later
"""Root directories of real guests: made once, kept in a cache, copied for each use."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

import namespaces

MIRROR_SUITE = "bookworm"
DEBIAN = "debian"
SYSVINIT = "debian-sysvinit"
BUSYBOX = "busybox"

PROBE_UNIT = """[Unit]
Description=Find out what this guest can do with its root file system

[Service]
Type=exec
ExecStart=/usr/sbin/guest-probe

[Install]
WantedBy=multi-user.target
"""

BUSYBOX_INITTAB = """::sysinit:/bin/busybox mount -t devpts devpts /dev/pts
::once:/usr/sbin/guest-probe
ttyS0::respawn:/bin/busybox getty -L -n -l /bin/sh ttyS0 115200 vt102
"""


def cache():
    """Where trees are kept: VMROOT_CACHE, or the caller's cache directory, or the machine's."""
    if "VMROOT_CACHE" in os.environ:
        return pathlib.Path(os.environ["VMROOT_CACHE"])
    if "XDG_CACHE_HOME" in os.environ:
        return pathlib.Path(os.environ["XDG_CACHE_HOME"]) / "vmroot"
    if os.geteuid() == 0:
        return pathlib.Path("/var/cache/vmroot")
    return pathlib.Path.home() / ".cache/vmroot"


def bootstrap(target, packages):
    # Were it interrupted, what it mounted in the tree would be there when the tree is removed.
    subprocess.run(
        namespaces.alone(
            [
                "mmdebstrap",
                "--variant=minbase",
                f'--include={",".join(packages)}',
                "--dpkgopt=path-exclude=/usr/share/doc/*",
                "--dpkgopt=path-exclude=/usr/share/man/*",
                "--dpkgopt=path-exclude=/usr/share/locale/*",
                MIRROR_SUITE,
                str(target),
            ]
        ),
        check=True,
    )
    _unlock_root(target)


def _unlock_root(tree):
    """Root logs in without a password: nobody reaches these guests but over their console."""
    shadow = tree / "etc/shadow"
    lines = shadow.read_text().splitlines(keepends=True)
    shadow.write_text(
        "".join(
            "root::" + line.split(":", 2)[2] if line.startswith("root:") else line for line in lines
        )
    )


def _make_debian(target):
    bootstrap(
        target, ["linux-image-cloud-amd64", "systemd-sysv", "dbus", "libcap2-bin", "iputils-ping"]
    )


def _make_sysvinit(target):
    bootstrap(target, ["sysvinit-core", "initscripts", "kmod"])
    _copy_kernel(make(DEBIAN), target)
    with open(target / "etc/inittab", "a", encoding="utf-8") as inittab:
        inittab.write(
            "T0:23:respawn:/sbin/getty -L ttyS0 115200 vt100\n"
            "gp:2345:once:/usr/sbin/guest-probe\n"
        )


def _make_busybox(target):
    for directory in (
        "bin",
        "sbin",
        "usr/sbin",
        "etc",
        "proc",
        "sys",
        "dev",
        "run",
        "tmp",
        "var/lib",
        "root",
    ):
        (target / directory).mkdir(parents=True)
    shutil.copy2("/bin/busybox", target / "bin/busybox")
    (target / "sbin/init").symlink_to("../bin/busybox")
    (target / "bin/sh").symlink_to("busybox")
    (target / "etc/inittab").write_text(BUSYBOX_INITTAB)
    (target / "etc/os-release").write_text("ID=busybox\nNAME=BusyBox\n")
    (target / "etc/passwd").write_text("root::0:0:root:/root:/bin/sh\n")
    _copy_kernel(make(DEBIAN), target)


def _copy_kernel(source, target):
    (target / "boot").mkdir(exist_ok=True)
    for kernel in source.glob("boot/vmlinuz-*"):
        shutil.copy2(kernel, target / "boot")
    modules = "usr/lib/modules" if (target / "lib").is_symlink() else "lib/modules"
    copy(source / "usr/lib/modules", target / modules)


_MAKERS = {DEBIAN: _make_debian, SYSVINIT: _make_sysvinit, BUSYBOX: _make_busybox}
NAMES = tuple(_MAKERS)


def kept_path(name, recipe):
    """Where the cache keeps what was made in this way: what is made in another has another place."""
    digest = hashlib.sha256(repr(recipe).encode()).hexdigest()[:12]
    return cache() / f"{name}-{digest}"


@contextlib.contextmanager
def locked(name):
    """Processes that make the same thing of the cache wait for each other."""
    cache().mkdir(parents=True, exist_ok=True)
    # A guest's root may hold setuid programs and device nodes: nobody but root gets near them.
    cache().chmod(0o700)
    with open(cache() / f"{name}.lock", "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for {name}, which another process makes", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def keep(name, recipe, make_in):
    """A directory of the cache, in which `make_in` makes now what the cache does not have yet."""
    directory = kept_path(name, recipe)
    with locked(name):
        if directory.exists():
            return directory
        for outdated in cache().glob(f"{name}-{'[0-9a-f]' * 12}"):
            remove(outdated)
        unfinished = cache() / f"{name}.unfinished"
        remove(unfinished)
        unfinished.mkdir()
        try:
            make_in(unfinished)
            unfinished.rename(directory)
        finally:
            remove(unfinished)
    return directory


def _recipe():
    return pathlib.Path(__file__).read_bytes()


def path(name):
    return kept_path(name, _recipe())


def make(name):
    """The pristine tree `name`, made now if the cache has none. Not to be changed: copy it."""

    def make_in(tree):
        _MAKERS[name](tree)
        # mmdebstrap leaves the directory as private as we made it; a root directory is 0755.
        tree.chmod(0o755)

    return keep(name, _recipe(), make_in)


def copy(source, target):
    """A copy of a tree with all that root can copy: owners, devices, links, attributes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["cp", "--archive", "--reflink=auto", "--no-target-directory", str(source), str(target)],
        check=True,
    )


def remove(tree):
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(tree)


def install_probe(tree, probe):
    """Put the probe program in a tree, and have the tree's init start it at boot."""
    shutil.copy(probe, tree / "usr/sbin/guest-probe")
    (tree / "usr/sbin/guest-probe").chmod(0o755)
    units = tree / "etc/systemd/system"
    if units.is_dir():
        (units / "guest-probe.service").write_text(PROBE_UNIT)
        wants = units / "multi-user.target.wants"
        wants.mkdir(exist_ok=True)
        with contextlib.suppress(FileExistsError):
            (wants / "guest-probe.service").symlink_to("../guest-probe.service")
