#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots a Debian guest whose root is a directory, and shows what the guest says about it.

Everything is real: libvirtd, the hook, virtiofsd, QEMU. All of it runs in namespaces of its own,
where vmroot is installed; this machine's /usr, /etc and libvirt stay as they are. Over NFS, all of it runs on
a whole host of its own, Debian in QEMU: the kernel's NFS server is the machine's, and may be busy or missing.
The build, the Debian tree and the host's disks are kept for the next time in the cache directory (VMROOT_CACHE,
$XDG_CACHE_HOME/vmroot, or /var/cache/vmroot).
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(SOURCE / "tests/host"), str(SOURCE / "tests/nfs")]
sys.dont_write_bytecode = True

import namespaces  # noqa: E402
import trees  # noqa: E402

NAME = "demo"
# The demo's own copy: it stays after the demo, for a look at what the guest left in it.
DIRECTORY = "demo"
# NFS has no words for most of it, of which `vmroot check` lists what a tree would lose.
NOT_OVER_NFS = (
    "setuid and setgid lost by truncating",
    "file capabilities",
    "file capabilities lost by writing",
    "ACLs",
    "trusted xattrs",
)

# Handed on to the part of the demo that runs inside.
BEGAN = float(os.environ.setdefault("VMROOT_DEMO_BEGAN", str(time.monotonic())))


def say(text):
    print(f"[{time.monotonic() - BEGAN:5.1f} s] {text}", flush=True)


def build():
    say("building vmroot")
    directory = trees.cache() / "build"
    log = directory.with_suffix(".log")
    directory.parent.mkdir(parents=True, exist_ok=True)
    setup = ["meson", "setup", "--prefix=/usr", str(directory), str(SOURCE)]
    # The kept build may be of another clone of the source.
    known = directory / "build.ninja"
    if known.exists() and str(SOURCE) not in known.read_text():
        trees.remove(directory)
    with open(log, "wb") as output:
        for argv in ([] if known.exists() else [setup]) + [["ninja", "-C", str(directory)]]:
            if subprocess.run(
                argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
            ).returncode:
                sys.exit(
                    f'tools/demo: the build failed:\n{log.read_text(errors="replace")[-4000:]}'
                )
    return directory


def prepare(work):
    """What needs the network and this machine's disk: the build, and a fresh copy of the tree."""
    directory = build()
    if not trees.path(trees.DEBIAN).exists():
        say("making a Debian tree with mmdebstrap; it is kept for the next time")
    pristine = trees.make(trees.DEBIAN)
    work.mkdir(exist_ok=True)
    work.chmod(0o711)
    say(f"copying the tree to {work / DIRECTORY}")
    trees.remove(work / DIRECTORY)
    trees.copy(pristine, work / DIRECTORY)
    trees.install_probe(work / DIRECTORY, directory / "tests/host/guest-probe")
    return directory


def show(title, rows):
    print(f"\n{title}")
    width = max(len(key) for key in rows)
    for key, value in rows.items():
        print(f"  {key:{width}}  {value}")
    print(flush=True)


def show_report(report):
    facts = {key: value for key, value in report.items() if isinstance(value, str)}
    show("What the guest reports from inside:", facts)
    show("What it tried on its root file system:", report["checks"])


def keep(guest, ready):
    """Let go of the terminal, tell the part outside, and stay until the guest ends."""
    say(f"the guest {NAME} keeps running")
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.write(ready, b"kept")
    os.close(ready)
    guest.wait_until_stopped(seconds=None)


def stop_and_look(guest, private_host):
    say("stopping the guest: virsh shutdown")
    guest.shut_down()
    remains = private_host.remains()
    made = guest.tree / "var/lib/guest-probe/user-xattr"
    show(
        "After the guest has stopped:",
        {
            "state, claims, policies, virtiofsd": ", ".join(remains) or "none left",
            "a file the guest wrote, on the host": f"{made.name}: {made.read_text().strip()!r}",
        },
    )
    return not remains


def inside(arguments):
    import private_host  # its parts are only here once packages are installed

    build_directory, work = pathlib.Path(arguments.build), pathlib.Path(arguments.work)
    kernel = next((work / DIRECTORY).glob("boot/vmlinuz-*"))
    say("does a guest run under KVM here?")
    domain_type = "kvm" if private_host.kvm_works(kernel) else "qemu"
    say("it does" if domain_type == "kvm" else "it does not: QEMU will emulate the processor (TCG)")
    say("installing vmroot, starting libvirtd")
    host = private_host.PrivateHost(build_directory, work, domain_type)
    host.start()
    guest = private_host.Guest(host, NAME, private_host.TREES / DIRECTORY, memory=1024)
    say(f"virsh define {NAME}.xml")
    guest.define()
    say(f"vmroot apply {NAME} --directory {guest.tree}")
    guest.apply()
    say(f"virsh start {NAME}")
    report = guest.boot()
    say("the guest is up")
    show_report(report)
    works = all(result == "works" for result in report["checks"].values())
    if arguments.keep:
        keep(guest, arguments.ready)
    else:
        works = stop_and_look(guest, private_host) and works
    host.stop()
    say("all of it works" if works else "NOT all of it works: see above")
    return 0 if works else 1


def show_over_nfs(host):
    """On a host that runs: a guest, what it has and what is exported to it, and that nothing of it stays."""
    import guest_roots
    import guests

    guest = guests.Guest(host, NAME)
    # Of a disk that nobody keeps.
    host.run("mv", guest_roots.DEBIAN, guest.root)
    guest.install_probe()
    say(f"virsh define {NAME}.xml")
    guest.define(memory=512)
    say(f"vmroot apply {NAME} --directory {guest.root} --transport nfs")
    guest.apply("--transport", "nfs")
    say(f"virsh start {NAME}")
    guest.start()
    report = guest.report()
    say("the guest is up")
    show_report(report)
    print(f"Not promised over NFS: {', '.join(NOT_OVER_NFS)}")
    exported = host.read("/var/lib/nfs/etab").rstrip()
    show("What the host's NFS server exports (/var/lib/nfs/etab):", dict([exported.split("\t", 1)]))
    say("stopping the guest: virsh shutdown")
    host.run("virsh", "shutdown", NAME)
    guest.wait_until_stopped()
    remains = guests.remains(host)
    made = guest.read("/var/lib/guest-probe/user-xattr").strip()
    show(
        "After the guest has stopped:",
        {
            "exports, state, claims": remains or "none left",
            "a file the guest wrote, on the host": f"user-xattr: {made!r}",
        },
    )
    checks = report["checks"]
    return not remains and all(checks[name] == "works" for name in checks if name not in NOT_OVER_NFS)


def over_nfs():
    import host_image
    import machine
    import package

    namespaces.exit_on_signals()
    release = package.oldest_release()
    if release is None:
        sys.exit("tools/demo: what is built here takes a newer glibc than that of the Debian it would run on")
    directory = build()
    say("making the host's disks, if they are not kept from the last time")
    image = host_image.make(release)
    with tempfile.TemporaryDirectory(prefix="demo-", dir=trees.cache()) as name:
        work = pathlib.Path(name)
        host = machine.Machine(image, package.make(directory, work), work)
        try:
            say(f"starting the host: Debian {release} with systemd, AppArmor, libvirt and the kernel's NFS server")
            host.start()
            say("installing vmroot; vmroot setup all")
            host.install()
            host.set_up()
            works = show_over_nfs(host)
        finally:
            host.close()
    say("all of it works" if works else "NOT all of it works: see above")
    return 0 if works else 1


def outside(arguments):
    namespaces.exit_on_signals()
    work = trees.cache() / "work"
    status = 1
    try:
        inner = [
            sys.executable,
            os.path.abspath(__file__),
            "--build",
            str(prepare(work)),
            "--work",
            str(work),
        ]
        status = run_until_kept(inner, work) if arguments.keep else namespaces.run(inner)
        return status
    finally:
        # Half a demo is of no use to anybody.
        if status != 0:
            trees.remove(work)


def run_until_kept(inner, work):
    """Leave it to a process of its own to run the inside, and return as soon as the guest is up."""
    reader, writer = os.pipe()
    supervisor = os.fork()
    if supervisor == 0:
        os.setsid()
        os.close(reader)
        status = namespaces.run([*inner, "--keep", f"--ready={writer}"], pass_fds=[writer])
        os._exit(status)
    os.close(writer)
    try:
        kept = os.read(reader, 4) == b"kept"
    except SystemExit:
        os.kill(supervisor, signal.SIGTERM)
        os.waitpid(supervisor, 0)
        raise
    if not kept:
        return os.waitstatus_to_exitcode(os.waitpid(supervisor, 0)[1])
    first = namespaces.first_process_inside(namespaces.first_process_inside(supervisor))
    show(
        "How to reach the guest; root logs in without a password:",
        {
            "its console": f"nsenter --target {first} --all virsh console {NAME} (Ctrl-] leaves)",
            "its state": f"nsenter --target {first} --all vmroot list",
            "its root": str(work / DIRECTORY),
            "to end it": f"poweroff inside, or kill {first}",
        },
    )
    return 0


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, prog="tools/demo", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave the guest running, and say how to reach it"
    )
    parser.add_argument(
        "--transport", choices=("virtiofs", "nfs"), default="virtiofs", help="how the guest gets its root"
    )
    for option in ("--build", "--work", "--ready"):
        parser.add_argument(
            option, help=argparse.SUPPRESS, type=int if option == "--ready" else str
        )
    arguments = parser.parse_args()
    if arguments.keep and arguments.transport == "nfs":
        parser.error("--keep is for virtiofs: the host of an NFS guest ends with the demo")
    return arguments


def main():
    arguments = parse_arguments()
    if os.geteuid() != 0:
        sys.exit("tools/demo: this needs root, for namespaces and libvirtd: sudo tools/demo")
    if arguments.transport == "nfs":
        return over_nfs()
    return inside(arguments) if arguments.work else outside(arguments)


if __name__ == "__main__":
    sys.exit(main())
