# SPDX-License-Identifier: GPL-2.0-or-later
"""What the `vmroot` command does to domains and trees. The host is a temporary directory, and
libvirt is its test driver: each run of the command has one of its own."""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree

import pytest

VMROOT = os.environ["VMROOT"]
UUID = "8b7a8f3c-1111-4222-8333-444455556666"
DOMAIN = f"""<!-- a guest -->
<domain type='test'>
  <name>web</name>
  <uuid>{UUID}</uuid>
  <memory unit='KiB'>65536</memory>
  <os><type>hvm</type></os>
  <devices/>
</domain>
"""


@pytest.fixture
def tree(tmp_path):
    """Where in the host there is enough of a root to be taken for one."""
    root = tmp_path / "host/export/web"
    for directory in ["etc", "usr/bin", "usr/sbin", "proc", "sys", "dev", "run", "tmp"]:
        (root / directory).mkdir(parents=True)
    return "/export/web"


def run_on(host, command, *words, stdin=""):
    return subprocess.run(
        [VMROOT, command, "--sysroot", str(host), *map(str, words)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )


@pytest.fixture
def vmroot(tmp_path):
    def run(command, *words, stdin=""):
        return run_on(tmp_path / "host", command, *words, stdin=stdin)

    return run


def prepare_for_setup(host):
    """What `vmroot setup` wants installed."""
    hook = host / os.environ["VMROOT_HOOK_DIR"].lstrip("/") / "vmroot-hook"
    for program in [hook, host / "usr/sbin/rpc.nfsd"]:
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("")
        program.chmod(0o755)
    (host / "etc/libvirt").mkdir(parents=True)


@pytest.fixture
def described(vmroot, tree):
    """The document with the tree as its root."""
    result = vmroot("apply", "--xml", "-", "--directory", tree, stdin=DOMAIN)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def connect(tmp_path):
    """The URI of a libvirt that has the domains given. They run, and so have the ids 1, 2, …"""

    def write(*documents):
        node = tmp_path / "node.xml"
        node.write_text(f"<node>{''.join(documents)}</node>".replace("<!-- a guest -->", ""))
        return f"test://{node}"

    return write


def canonical(document):
    return ElementTree.canonicalize(document)


def test_apply_to_a_document(described, tree):
    domain = ElementTree.fromstring(described)

    assert domain.find("devices/filesystem/source").get("dir") == str(tree)
    assert domain.find("os/kernel").text == f"/var/lib/vmroot/boot/{UUID}/kernel"


def test_remove_gives_the_document_back(vmroot, described):
    result = vmroot("remove", "--xml", "-", stdin=described)

    assert result.returncode == 0
    assert canonical(result.stdout) == canonical(DOMAIN)


def test_a_file_is_as_good_as_stdin(vmroot, described, tree, tmp_path):
    file = tmp_path / "web.xml"
    file.write_text(DOMAIN)

    assert vmroot("apply", "--xml", file, "--directory", tree).stdout == described
    assert file.read_text() == DOMAIN


@pytest.mark.parametrize(
    "document, complaint",
    [("", "stdin: "), ("<domain", "stdin: "), ("<network/>", "stdin: ")],
)
def test_document_that_is_none(vmroot, document, complaint):
    result = vmroot("apply", "--xml", "-", "--directory", "/export/web", stdin=document)

    assert result.returncode == 1
    assert result.stdout == ""
    assert complaint in result.stderr


def test_every_option_of_a_root_is_described(vmroot, tmp_path):
    (tmp_path / "note").write_text("hello\n")
    options = [
        *["--directory", "/export/web", "--tag", "rootfs", "--kernel", "6.1.0-40-amd64"],
        *["--kernel-args", "quiet loglevel=3", "--cache", "always", "--xattrs", "selinux"],
        *["--boot-image", "vmroot", "--on-failure", "shell", "--read-only"],
        *["--share", "/srv/packages:/var/cache/packages:ro", "--share", "/srv/home:/home"],
        *["--tmpfs", "/var/tmp:1G", "--tmpfs", "/scratch"],
        *["--run-file", f"note={tmp_path}/note"],
    ]
    document = vmroot("apply", "--xml", "-", *options, stdin=DOMAIN)
    assert document.returncode == 0, document.stderr
    shown = vmroot("show", "--xml", "-", "--json", stdin=document.stdout)
    root = json.loads(shown.stdout)["root"]

    assert root["directory"] == "/export/web"
    assert root["tag"] == "rootfs"
    assert root["kernel"] == "6.1.0-40-amd64"
    assert root["kernel-args"] == "quiet loglevel=3"
    assert root["cache"] == "always"
    assert root["xattrs"] == "selinux"
    assert root["boot-source"] == "vmroot"
    assert root["on-failure"] == "shell"
    assert root["read-only"] is True
    assert root["ephemeral"] is False
    assert root["shares"] == [
        {"directory": "/srv/packages", "mount-point": "/var/cache/packages", "read-only": True},
        {"directory": "/srv/home", "mount-point": "/home", "read-only": False},
    ]
    assert root["tmpfs"] == [
        {"mount-point": "/var/tmp", "size": 2**30},
        {"mount-point": "/scratch", "size": 0},
    ]
    assert root["run-files"] == {"note": "hello\n"}

    text = vmroot("show", "--xml", "-", stdin=document.stdout).stdout
    text = text.replace("\xa0", " ")
    for word in ["/export/web, read-only", "/srv/packages", "1.0 GiB", "/run/note", "6.1.0-40"]:
        assert word in text


@pytest.mark.parametrize(
    "option, word, complaint",
    [
        ("--cache", "some", "not one of auto, always"),
        ("--xattrs", "all", "not one of native, selinux, user"),
        ("--boot-image", "mine", "not one of vmroot, guest"),
        ("--on-failure", "cry", "not one of power-off, shell"),
        ("--share", "/srv", "not DIR:MOUNTPOINT"),
        ("--share", "/srv:/srv:maybe", "not DIR:MOUNTPOINT"),
        ("--tmpfs", "/tmp:much", "is no size"),
        ("--tmpfs", "/tmp:99999999999999999999", "is no size"),
        ("--tmpfs", "/tmp:20000000T", "is no size"),
        ("--run-file", "note", "not PATH=FILE"),
    ],
)
def test_options_that_mean_nothing_are_misuse(vmroot, option, word, complaint):
    result = vmroot("apply", "web", "--directory", "/export/web", option, word)

    assert result.returncode == 2
    assert complaint in result.stderr


def test_run_file_must_be_text(vmroot, tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\x00")
    result = vmroot("apply", "web", "-d", "/export/web", "--run-file", f"x={tmp_path}/binary")

    assert result.returncode == 1
    assert "UTF-8" in result.stderr


def test_apply_to_a_guest_that_runs(vmroot, tree, connect):
    result = vmroot("apply", "web", "--directory", tree, "--connect", connect(DOMAIN))

    assert result.returncode == 0, result.stderr
    assert f"web has {tree} as its root" in result.stdout
    assert "after its next shutdown" in result.stdout
    assert re.search("virsh --connect test://.* start web\n", result.stdout)


def test_apply_says_what_would_go_wrong(vmroot, tree, connect):
    result = vmroot("apply", "web", "--directory", tree, "--connect", connect(DOMAIN))

    assert "vmroot: error: " in result.stderr
    assert "[no-kernel]" in result.stderr
    assert "[hook-not-installed]" in result.stderr


def test_apply_of_a_directory_that_is_not_there(vmroot, tree, connect):
    words = ["apply", "web", "--directory", f"{tree}/nothing", "--connect", connect(DOMAIN)]
    refused = vmroot(*words)

    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "No such file or directory" in refused.stderr and "--force" in refused.stderr
    assert vmroot(*words, "--force").returncode == 0


def test_directory_must_be_absolute_for_another_host(vmroot, connect):
    result = vmroot("apply", "web", "--directory", "web", "--connect", connect(DOMAIN))

    assert result.returncode == 2
    assert "absolute" in result.stderr


def test_remove_of_nothing_is_done_already(vmroot, connect):
    result = vmroot("remove", "web", "--connect", connect(DOMAIN))

    assert result.returncode == 0
    assert "web has no root" in result.stderr


def test_show_of_a_guest_without_root(vmroot, connect):
    result = vmroot("show", "web", "--connect", connect(DOMAIN))

    assert result.returncode == 1
    assert "vmroot apply" in result.stderr


def test_show_of_nobody_names_the_connection(vmroot, connect):
    uri = connect(DOMAIN)
    result = vmroot("show", "nobody", "--connect", uri)

    assert result.returncode == 1
    assert "nobody" in result.stderr and uri in result.stderr


def test_list_has_only_guests_with_a_root(vmroot, described, tree, connect):
    other = DOMAIN.replace("web", "other").replace(UUID, UUID.replace("8", "9"))
    uri = connect(other, described)

    listed = json.loads(vmroot("list", "--connect", uri, "--json").stdout)
    assert [(guest["name"], guest["uuid"]) for guest in listed] == [("web", UUID)]
    assert listed[0]["state"] == "stopped"
    assert listed[0]["root"]["directory"] == str(tree)

    assert f"web                  stopped     {tree}" in vmroot("list", "--connect", uri).stdout


def test_list_without_libvirt_says_so(vmroot):
    result = vmroot("list", "--connect", "nonsense:///")

    assert result.returncode == 1
    assert "Cannot connect" in result.stderr


def test_check_of_a_tree(vmroot, tree):
    result = vmroot("check", tree, "--json")
    findings = {finding["id"]: finding for finding in json.loads(result.stdout)}

    assert result.returncode == 1
    assert findings["no-kernel"]["severity"] == "error"
    assert findings["no-kernel"]["title"] and findings["no-kernel"]["detail"]

    text = vmroot("check", tree)
    assert text.returncode == 1
    assert "[no-kernel]" in text.stdout


def test_check_of_a_guest_is_that_of_its_tree(vmroot, described, tree, connect):
    of_guest = vmroot("check", "web", "--connect", connect(described), "--json")
    of_tree = vmroot("check", tree, "--json")

    assert of_guest.returncode == 1
    assert json.loads(of_guest.stdout) == json.loads(of_tree.stdout)


def test_check_puts_right_what_it_can(vmroot, tree, tmp_path):
    prepare_for_setup(tmp_path / "host")
    boot = tmp_path / "host/var/lib/vmroot/boot"
    boot.mkdir(parents=True)
    boot.chmod(0o700)

    fixable = {f["id"] for f in json.loads(vmroot("check", tree, "--json").stdout) if f["can-fix"]}
    result = vmroot("check", tree, "--fix", "--json")
    left = {finding["id"] for finding in json.loads(result.stdout)}

    assert fixable == {"hook-not-installed", "boot-directory-closed"}
    assert not left & fixable
    assert "no-kernel" in left
    assert result.stderr.count("vmroot: fixed: ") == 2
    assert os.readlink(tmp_path / "host/etc/libvirt/hooks/qemu.d/vmroot") == os.path.join(
        os.environ["VMROOT_HOOK_DIR"], "vmroot-hook"
    )


def test_check_sets_the_nfs_server_up(vmroot, tree, tmp_path):
    prepare_for_setup(tmp_path / "host")

    found = json.loads(vmroot("check", tree, "--transport", "nfs", "--json").stdout)
    result = vmroot("check", tree, "--transport", "nfs", "--fix", "--json")

    assert [f["can-fix"] for f in found if f["id"] == "no-nfs-server"] == [True]
    assert "vmroot: fixed: The NFS server of this host does not run" in result.stderr
    assert "vers4.2=y" in (tmp_path / "host/etc/nfs.conf.d/vmroot.conf").read_text()


@pytest.fixture
def open_host():
    """A host that everybody may look into, unlike pytest's own directories."""
    with tempfile.TemporaryDirectory(prefix="vmroot-test-", dir="/tmp") as directory:
        host = pathlib.Path(directory)
        host.chmod(0o755)
        for root in ["export/web", "export/db"]:
            (host / root / "etc").mkdir(parents=True)
            (host / root / "usr").mkdir()
        if not find_exposed(host):
            pytest.skip("/tmp of this machine is closed, or mounted nosuid and nodev")
        yield host


def find_exposed(host):
    found = json.loads(run_on(host, "check", "/export/web", "--json").stdout)
    return [finding for finding in found if finding["id"] == "tree-exposed"]


def test_check_closes_the_directory_above(open_host):
    """Nothing but roots of guests is in there."""
    prepare_for_setup(open_host)
    assert find_exposed(open_host)[0]["can-fix"]

    result = run_on(open_host, "check", "/export/web", "--fix")

    assert "vmroot: fixed: Users of this host can reach" in result.stderr
    assert (open_host / "export").stat().st_mode & 0o7777 == 0o700
    assert not find_exposed(open_host)


def test_check_closes_no_directory_of_others(open_host):
    prepare_for_setup(open_host)
    (open_host / "export/notes.txt").write_text("")
    assert not find_exposed(open_host)[0]["can-fix"]

    run_on(open_host, "check", "/export/web", "--fix")

    assert (open_host / "export").stat().st_mode & 0o7777 == 0o755


def test_boot_image_of_a_tree_without_kernel(vmroot, tree, tmp_path):
    result = vmroot("boot-image", tree, "--output", tmp_path / "out")

    assert result.returncode == 1
    assert "kernel" in result.stderr
    assert not (tmp_path / "out/kernel").exists()


def test_reconcile_of_a_host_without_guests(vmroot):
    result = vmroot("reconcile")

    assert result.returncode == 0, result.stderr
    assert "nothing to do" in result.stdout
    assert json.loads(vmroot("reconcile", "--json").stdout) == []


def test_ctrl_c_ends_it():
    process = subprocess.Popen(
        [VMROOT, "apply", "--xml", "-", "--directory", "/export/web"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    # It reads its input to the end, so when this much is gone it is waiting for more.
    process.stdin.write(b" " * 2**20)
    process.stdin.flush()
    process.send_signal(signal.SIGINT)

    assert process.wait(30) == -signal.SIGINT
    assert process.stdout.read() == b""
