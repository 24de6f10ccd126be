# SPDX-License-Identifier: GPL-2.0-or-later
"""vmroot-init in real guests: what it makes of a configuration, and how it fails."""

import ctypes
import os
import socket

import pytest

from guest import boot

INIT = os.environ.get("VMROOT_INIT", "")
ROOT = "mount virtiofs vmroot / rw,relatime\n"


@pytest.fixture
def start(kernel, tree):
    """start(configuration, script, ...): boots the tree with `script` as its init."""

    def start(configuration=ROOT, script="", roots=None, modules=None, init="sbin/init", **options):
        if script is not None:
            path = tree / init
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("#!/bin/sh\nexport PATH=/bin\n" + script + "\npoweroff -f\n")
            path.chmod(0o755)
        if modules is None:
            modules = kernel.load_order("virtio_pci", "virtiofs", "overlay")
        names = [path.split(".ko")[0] + ".ko" for path in modules]
        text = "version 1\n" + "".join(f"module {name}\n" for name in names) + configuration
        return boot(kernel, INIT, text, {"vmroot": tree} if roots is None else roots,
                    modules=modules, **options)

    return start


def failure(console):
    """The line that says what failed, and the report after it."""
    lines = [line for line in console.splitlines() if line.startswith("vmroot-init: ")]
    assert len(lines) == 3, console
    assert lines[1] == "vmroot-init: what this guest has:"
    assert lines[2] == "vmroot-init: powering off"
    for part in ("kernel command line: ", "file systems: ", "network interface lo: ", "modules: "):
        assert "\n  " + part in console
    return lines[0].removeprefix("vmroot-init: ")


def test_root_read_write(start, tree):
    guest = start(script="""
        cat /proc/mounts > /mounts
        stat -c %a /run > /run-mode
        console=$(for fd in 0 1 2; do readlink /proc/1/fd/$fd; done)
        echo "$console" > /console
        ls /proc/1/fd > /fds
        grep -o -m 1 'vmroot-init: .*' /dev/kmsg > /log""")

    assert "vmroot-init: " in guest.console  # the kernel's log, not being quiet
    mounts = (tree / "mounts").read_text()
    assert "vmroot / virtiofs rw,relatime" in mounts
    assert "proc /proc proc rw,nosuid,nodev,noexec" in mounts
    assert "sysfs /sys sysfs rw,nosuid,nodev,noexec" in mounts
    assert "devtmpfs /dev devtmpfs rw,nosuid" in mounts
    assert "tmpfs /run tmpfs rw,nosuid,nodev" in mounts
    assert len(mounts.splitlines()) == 5 + mounts.count("rootfs")
    assert (tree / "run-mode").read_text() == "755\n"
    assert (tree / "console").read_text() == "/dev/console\n" * 3
    # 3 is the directory that ls reads, and 10 the script that the shell does.
    assert (tree / "fds").read_text().split()[:3] == ["0", "1", "10"]
    assert (tree / "log").read_text() == (
        "vmroot-init: the root is virtiofs vmroot, starting /sbin/init\n")


def test_log_is_not_shown_when_quiet(start):
    guest = start(script="echo started", command_line="quiet")

    assert "started" in guest.console
    assert "vmroot-init" not in guest.console


def test_root_read_only(start, tree):
    guest = start("mount virtiofs vmroot / ro\n", "touch /new || echo refused; cat /proc/mounts")

    assert "refused" in guest.console
    assert "vmroot / virtiofs ro," in guest.console
    assert not (tree / "new").exists()


def test_ephemeral_root_leaves_the_tree_alone(start, tree):
    (tree / "directory").mkdir()
    (tree / "directory/file").write_text("kept\n")
    (tree / "removed").write_text("kept too\n")

    guest = start(ROOT + "overlay\n", """
        echo new > /new && cat /new
        echo changed > /directory/file && mv /directory /renamed && cat /renamed/file
        rm=$(busybox rm /removed && ls /removed 2>&1); echo "$rm"
        grep ' / ' /proc/mounts
        ls /upper /lower""")

    assert "\nnew\n" in guest.console
    assert "\nchanged\n" in guest.console
    assert "/removed: No such file" in guest.console
    assert "overlay / overlay rw" in guest.console
    assert "/upper: No such file" in guest.console
    assert "/lower: No such file" in guest.console
    assert not (tree / "new").exists()
    assert (tree / "directory/file").read_text() == "kept\n"
    assert (tree / "removed").exists()


def test_tmpfs_shares_and_run_files(start, tree, tmp_path):
    share = tmp_path / "share"
    share.mkdir()
    (share / "from-host").write_text("hello\n")

    start(ROOT + "mount virtiofs vmroot-share-1 /srv/a\\040b rw\n"
          "mount tmpfs tmpfs /var/tmp size=1048576,mode=1777,nodev\n"
          "run-file systemd/network/10-x.network 0640 1\nrun-file second 0644 2\n",
          """
          cat '/srv/a b/from-host' > '/srv/a b/from-guest'
          grep -E ' /(srv|var)' /proc/mounts > /mounts
          stat -c '%n %a %u' /run/systemd/network/10-x.network /run/second /var/tmp > /modes
          cat /run/systemd/network/10-x.network /run/second > /contents""",
          roots={"vmroot": tree, "vmroot-share-1": share}, run_files=["one\n", "two\n"])

    assert (share / "from-guest").read_text() == "hello\n"
    mounts = (tree / "mounts").read_text().splitlines()
    assert mounts[0].startswith("vmroot-share-1 /srv/a\\040b virtiofs rw")
    assert mounts[1].startswith("tmpfs /var/tmp tmpfs rw,nodev")
    assert "size=1024k" in mounts[1]
    assert (tree / "modes").read_text() == (
        "/run/systemd/network/10-x.network 640 0\n/run/second 644 0\n/var/tmp 1777 0\n")
    assert (tree / "contents").read_text() == "one\ntwo\n"


def test_missing_directories_are_made(start, tree):
    for name in ("proc", "sys", "dev", "run"):
        (tree / name).rmdir()

    start(script="ls -d /proc/self /sys/bus /dev/null /run > /seen")

    assert (tree / "seen").read_text().split() == ["/dev/null", "/proc/self", "/run", "/sys/bus"]


def test_links_of_the_tree_stay_in_it(start, tree):
    """/sbin/init -> /real/init, as systemd's is absolute, and a mount point that is a link."""
    (tree / "sbin").rmdir()
    (tree / "sbin").symlink_to("/usr/sbin")
    (tree / "usr/sbin").mkdir(parents=True)
    (tree / "usr/sbin/init").symlink_to("/real/init")
    (tree / "real").mkdir()
    (tree / "elsewhere").mkdir()
    (tree / "link").symlink_to("/elsewhere")

    start(ROOT + "mount tmpfs tmpfs /link rw\n",
          "grep tmpfs /proc/mounts > /mounts; echo $0 > /name", init="real/init")

    assert "tmpfs /elsewhere tmpfs" in (tree / "mounts").read_text()
    assert (tree / "name").read_text() == "/sbin/init\n"


def test_init_and_its_arguments_come_from_the_command_line(start, tree):
    start(script='echo "$0:$*:$GREETING" > /arguments', init="opt/my-init",
          command_line="single init=/opt/my-init GREETING=hello 5 -- last")

    # As the kernel has it: what stands before init= is not for that init.
    assert (tree / "arguments").read_text() == "/opt/my-init:5 last:hello\n"


def test_words_for_init(start, tree):
    start(script='echo "$0:$*" > /arguments', command_line="rw single 3")

    assert (tree / "arguments").read_text() == "/sbin/init:single 3\n"


def test_memory_of_the_initramfs_is_freed(start, tree, kernel):
    """16 MB of run files must not stay behind twice."""
    start(ROOT + "run-file big 0644 1\n", "cat /proc/meminfo > /meminfo; stat -c %s /run/big > /size",
          run_files=["x" * (16 << 20)])

    shmem = next(line for line in (tree / "meminfo").read_text().splitlines() if "Shmem:" in line)
    assert (tree / "size").read_text() == f"{16 << 20}\n"
    assert 16 << 10 <= int(shmem.split()[1]) < 18 << 10


def test_waits_for_a_device_that_comes_late(start, tree):
    plugged = []

    def run(guest):
        def plug(guest):
            if "tag <vmroot> not found" in guest.console and not plugged:
                plugged.append(True)
                guest.plug()

        return guest.run(on_output=plug)

    guest = start(script="echo here > /here", run=run, cold_plugged=False)

    assert plugged, guest.console
    assert (tree / "here").read_text() == "here\n"


def test_no_device(start):
    guest = start("timeout 3\n" + ROOT, roots={})

    assert failure(guest.console) == (
        'cannot mount virtiofs "vmroot" on /: the guest has no virtiofs device (waited 3 s): has '
        "its domain a <filesystem> with <target dir='vmroot'/>?")


def test_wrong_tag(start, tree):
    guest = start("timeout 2\n" + ROOT, roots={"other": tree})

    assert failure(guest.console).startswith(
        'cannot mount virtiofs "vmroot" on / with rw,relatime: none of the guest\'s 1 virtiofs '
        "devices has this tag")
    assert "virtio device virtio0: type 26, file system (virtiofs); driver virtiofs" in guest.console
    assert guest.seconds < 30


def test_no_module(start):
    guest = start(modules=[])

    assert failure(guest.console) == (
        'cannot mount virtiofs "vmroot" on /: the kernel knows no file system virtiofs, and the '
        "initramfs has no module for it")


def test_module_file_missing(start):
    guest = start("module kernel/fs/absent.ko\n" + ROOT)

    assert failure(guest.console).startswith(
        "cannot load the module kernel/fs/absent.ko: it is not in the initramfs")


def test_module_out_of_order(start, kernel):
    guest = start(modules=[p for p in kernel.load_order("virtiofs") if "virtiofs" in p])

    assert failure(guest.console).startswith("cannot load the module kernel/fs/fuse/virtiofs.ko: ")


def test_unknown_word(start):
    guest = start("colour blue\n" + ROOT)

    line = failure(guest.console)
    assert line.startswith("/vmroot-init.conf: line ") and 'unknown word "colour"' in line


def test_no_init(start, tree):
    (tree / "bin/sh").unlink()
    guest = start(script=None)

    assert failure(guest.console).startswith("the guest's root has no init: none of /sbin/init, ")


def test_init_of_the_command_line_missing(start):
    guest = start(command_line="init=/nowhere")

    assert failure(guest.console) == (
        "init=/nowhere on the kernel command line: No such file or directory in the guest's root")


def test_init_that_cannot_be_executed(start, tree):
    (tree / "sbin/init").write_bytes(b"\x7fELF not really")
    (tree / "sbin/init").chmod(0o755)
    guest = start(script=None)

    assert failure(guest.console) == (
        "cannot start /sbin/init: Exec format error: is it built for another architecture?")


def test_directory_missing_in_read_only_root(start, tree):
    (tree / "run").rmdir()
    guest = start("mount virtiofs vmroot / ro\n")

    assert failure(guest.console) == (
        "the guest's root has no directory /run, and it cannot be created: Read-only file system: "
        "create it on the host")


def test_mount_point_missing_in_read_only_root(start, tree):
    guest = start("mount virtiofs vmroot / ro\nmount tmpfs tmpfs /srv/cache rw\n")

    assert failure(guest.console).startswith(
        'cannot create the mount point /srv/cache of tmpfs "tmpfs": ')


def test_option_unknown(start):
    guest = start(ROOT + "mount tmpfs tmpfs /tmp colour=blue\n")

    assert failure(guest.console) == (
        'cannot mount tmpfs "tmpfs" on /tmp with colour=blue: Invalid argument')


@pytest.fixture
def hanging(tree):
    """Makes a directory of the tree hang whoever opens it, until the result is called: it is a FUSE
    file system without a server."""
    directory = bytes(tree / "sbin")
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        fd = os.open("/dev/fuse", os.O_RDWR)
    except OSError as error:
        pytest.skip(f"/dev/fuse: {error.strerror}")
    fds = [fd]
    options = f"fd={fd},rootmode=40000,user_id=0,group_id=0"
    mounted = libc.mount(b"none", directory, b"fuse", 0, options.encode()) == 0
    reason = os.strerror(ctypes.get_errno())

    def release():
        while fds:
            os.close(fds.pop())

    if mounted:
        yield release
        libc.umount2(directory, 2)
    release()
    if not mounted:
        pytest.skip(f"cannot mount FUSE: {reason}")


def test_server_that_does_not_answer(start, hanging):
    def run(guest):
        # QEMU itself waits for virtiofsd before it ends.
        return guest.run(on_output=lambda g: "powering off" in g.console and hanging())

    guest = start("timeout 2\n" + ROOT, script=None, run=run)

    assert failure(guest.console) == (
        'the server of virtiofs "vmroot" does not answer (waited 12 s): is it running on the host, '
        "and can it read the directory?")


MAC = "52:54:00:12:34:56"
INTERFACE = f"interface {MAC} 10.0.2.15/24 10.0.2.2\n"


def nfs_root(server, options=""):
    return (f"mount nfs4 {server}:/export/a / rw,vers=4.2,addr={server},clientaddr=10.0.2.15"
            f"{options}\n")


@pytest.fixture
def start_nfs(start, kernel):
    """start(configuration, ...): a guest with an interface and what NFS needs, and no tree."""

    def start_nfs(configuration, **options):
        return start(configuration, roots={}, script=None, **{
            "modules": kernel.load_order("virtio_pci", "virtio_net", "nfsv4"), "mac": MAC} | options)

    return start_nfs


@pytest.fixture
def silent_server():
    """The port of a server that takes connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_interface_missing(start_nfs):
    guest = start_nfs("timeout 2\ninterface 52:54:00:65:43:21 10.0.2.15/24 -\n"
                      + nfs_root("10.0.2.2"))

    assert failure(guest.console) == (
        "no network interface has the MAC address 52:54:00:65:43:21 (waited 2 s): has the domain "
        "an <interface> with <mac address='52:54:00:65:43:21'/>, and its kernel a driver for the "
        "model?")
    assert f"network interface eth0: {MAC}" in guest.console


def test_interface_has_its_addresses(start_nfs):
    guest = start_nfs("timeout 1\n" + INTERFACE + f"interface {MAC} fd00::5/64 fd00::1\n"
                      + nfs_root("10.0.2.2"))

    assert "address of eth0: 10.0.2.15\n" in guest.console
    assert "address of eth0: fd00::5\n" in guest.console


def test_files_named_after_the_interface(start, tree, kernel):
    start(INTERFACE + ROOT + f"interface-file {MAC} network/a.@interface@.@@interface@ 0600 1\n",
          "ls /run/network > /names; cat /run/network/* > /contents",
          modules=kernel.load_order("virtio_pci", "virtiofs", "virtio_net"), mac=MAC,
          run_files=["@interface@ and @interface@.\nno @interface\n"])

    assert (tree / "names").read_text() == "a.eth0.@eth0\n"
    assert (tree / "contents").read_text() == "eth0 and eth0.\nno @interface\n"


def test_nfs_server_refuses(start_nfs):
    guest = start_nfs("timeout 2\n" + INTERFACE + nfs_root("10.0.2.2", ",port=1"))

    assert "vmroot-init: waiting for the NFS server 10.0.2.2: Connection refused" in guest.console
    assert failure(guest.console) == (
        'cannot mount nfs4 "10.0.2.2:/export/a" on /: the server 10.0.2.2 does not answer on port '
        "1 (waited 2 s): Connection refused: is its NFS server running, and does its firewall let "
        "10.0.2.15 in?")


def test_nobody_has_the_address_of_the_nfs_server(start_nfs):
    guest = start_nfs("timeout 4\n" + INTERFACE + nfs_root("10.0.2.77"))

    assert "the server 10.0.2.77 does not answer on port 2049 (waited 4 s): " in failure(
        guest.console)


def test_nfs_server_says_nothing(start_nfs, silent_server):
    guest = start_nfs("timeout 2\n" + INTERFACE + nfs_root("10.0.2.2", f",port={silent_server}"))

    assert failure(guest.console).startswith(
        'the server of nfs4 "10.0.2.2:/export/a" does not answer (waited 12 s)')


def test_nfs_without_module(start_nfs, kernel, silent_server):
    guest = start_nfs(INTERFACE + nfs_root("10.0.2.2", f",port={silent_server}"),
                      modules=kernel.load_order("virtio_pci", "virtio_net"))

    assert "the kernel knows no file system nfs4" in failure(guest.console)


def type_when(pairs):
    """Types each text once its cue was on the console."""
    left = list(pairs)

    def run(guest):
        def react(guest):
            if left and left[0][0] in guest.console:
                guest.type(left.pop(0)[1])

        return guest.run(on_output=react)

    return run


def test_shell_on_failure(start, tree):
    guest = start("on-failure shell\n" + ROOT, command_line="init=/nowhere",
                  run=type_when([("# ", "echo in the shell > /written; exit\n")]))

    assert "a shell in the root of the guest" in guest.console
    assert "powering off" in guest.console
    assert (tree / "written").read_text() == "in the shell\n"


def test_no_shell_without_a_root(start):
    guest = start("on-failure shell\ntimeout 1\n" + ROOT, roots={},
                  run=type_when([("press Enter", "\n")]))

    assert "there is no shell, as the root of the guest is not mounted" in guest.console
    assert "powering off" in guest.console
