# SPDX-License-Identifier: GPL-2.0-or-later
"""The library from Python, through the typelib that was just built."""

import json
import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import gi

gi.require_version("Vmroot", "1.0")

import pytest
from gi.repository import Gio, GLib, Vmroot

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import catalogue  # noqa: E402

UUID = "8b7a8f3c-1111-4222-8333-444455556666"
DOMAIN = f"""<domain type='kvm'>
  <name>web</name>
  <uuid>{UUID}</uuid>
  <memory unit='KiB'>1048576</memory>
  <os><type>hvm</type></os>
  <devices/>
</domain>
"""


def test_every_class_is_there():
    classes = """BootImage Connection Domain Finding GuestRoot Host Kernel Share Spec Tmpfs
                 Tree""".split()

    assert [name for name in classes if not hasattr(Vmroot, name)] == []


def test_spec_keeps_its_properties():
    spec = Vmroot.Spec(
        directory="/export/web",
        tag="root",
        kernel="6.1.0-40-amd64",
        kernel_args="quiet",
        cache=Vmroot.Cache.ALWAYS,
        xattrs=Vmroot.Xattrs.SELINUX,
        boot_source=Vmroot.BootSource.GUEST,
        on_failure=Vmroot.OnFailure.SHELL,
        read_only=True,
    )

    assert spec.validate()
    assert spec.get_directory() == spec.props.directory == "/export/web"
    assert spec.props.tag == "root"
    assert spec.props.kernel == "6.1.0-40-amd64"
    assert spec.props.kernel_args == "quiet"
    assert spec.props.cache == Vmroot.Cache.ALWAYS
    assert spec.props.xattrs == Vmroot.Xattrs.SELINUX
    assert spec.props.boot_source == Vmroot.BootSource.GUEST
    assert spec.props.on_failure == Vmroot.OnFailure.SHELL
    assert spec.props.read_only
    assert not spec.props.ephemeral


@pytest.mark.parametrize(
    "name", ["kernel", "kernel_args", "network", "address", "mac_address", "server"]
)
def test_spec_takes_and_gives_none(name):
    spec = Vmroot.Spec.new("/export/web")
    getter, setter = getattr(spec, f"get_{name}"), getattr(spec, f"set_{name}")

    assert getter() is None
    setter("x")
    assert getter() == "x"
    setter(None)
    assert getter() is None


def test_spec_without_directory_is_an_error_of_ours():
    with pytest.raises(GLib.Error) as caught:
        Vmroot.Spec.new(None).validate()

    assert caught.value.matches(Vmroot.error_quark(), Vmroot.Error.INVALID_DIRECTORY)
    assert caught.value.domain == "vmroot-error-quark"


def test_spec_shares():
    spec = Vmroot.Spec.new("/export/web")
    assert spec.list_shares() == []

    spec.add_share(Vmroot.Share.new("/srv/packages", "/var/cache/packages", True))
    spec.add_share(Vmroot.Share.new("/srv/home", "/home", False))

    shares = spec.list_shares()
    assert [share.props.directory for share in shares] == ["/srv/packages", "/srv/home"]
    assert [share.get_mount_point() for share in shares] == ["/var/cache/packages", "/home"]
    assert [share.props.read_only for share in shares] == [True, False]

    spec.clear_shares()
    assert spec.list_shares() == []
    assert shares[1].get_directory() == "/srv/home"


def test_spec_tmpfs():
    spec = Vmroot.Spec.new("/export/web")
    assert spec.list_tmpfs() == []

    spec.add_tmpfs(Vmroot.Tmpfs.new("/var/tmp", 2**40))
    spec.add_tmpfs(Vmroot.Tmpfs.new("/scratch", 0))

    assert [(t.props.mount_point, t.get_size()) for t in spec.list_tmpfs()] == [
        ("/var/tmp", 2**40),
        ("/scratch", 0),
    ]
    spec.clear_tmpfs()
    assert spec.list_tmpfs() == []


def test_spec_run_files():
    spec = Vmroot.Spec.new("/export/web")
    assert spec.list_run_files() == []

    spec.set_run_file("b", "two\n")
    spec.set_run_file("a/é", "one")
    assert spec.list_run_files() == ["a/é", "b"]
    assert spec.get_run_file("b") == "two\n"
    assert spec.get_run_file("c") is None

    spec.set_run_file("b", None)
    assert spec.list_run_files() == ["a/é"]


def test_finding_holds_what_it_was_made_with():
    finding = Vmroot.Finding(
        id="no-kernel",
        severity=Vmroot.Severity.ERROR,
        title="There is no kernel",
        can_fix=False,
    )

    assert finding.get_id() == "no-kernel"
    assert finding.props.severity == Vmroot.Severity.ERROR
    assert finding.get_title() == "There is no kernel"
    assert finding.get_detail() is None
    assert finding.get_fix() is None
    assert not finding.get_can_fix()


def test_tree(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text('ID=debian\nPRETTY_NAME="Debian 12"\n')
    tree = Vmroot.Tree.new(str(tmp_path))

    assert tree.get_path() == str(tmp_path)
    assert tree.get_os_id() == "debian"
    assert tree.get_os_name() == "Debian 12"
    assert tree.get_init() is None
    assert tree.get_initramfs_generator() is None
    assert tree.list_kernels() == []


def test_tree_that_is_not_there(tmp_path):
    with pytest.raises(GLib.Error):
        Vmroot.Tree.new(str(tmp_path / "nothing"))


def wait_for(start):
    """Starts something that calls back, and runs a main loop of its own until it did."""
    context = GLib.MainContext.new()
    context.push_thread_default()
    loop = GLib.MainLoop.new(context, False)
    results = []

    def done(source, result, *_unused):
        results.append(result)
        loop.quit()

    try:
        start(done)
        loop.run()
    finally:
        context.pop_thread_default()
    return results[0]


def test_connection_is_opened_while_a_main_loop_runs():
    result = wait_for(lambda done: Vmroot.Connection.open_async("test:///default", None, done))
    connection = Vmroot.Connection.open_finish(result)

    assert connection.props.uri == "test:///default"
    assert not connection.props.read_only
    assert not connection.get_remote()
    assert connection.list_domains() == ["test"]


def test_connection_of_nowhere():
    with pytest.raises(GLib.Error) as caught:
        Vmroot.Connection.open("nonsense:///")

    assert caught.value.matches(Vmroot.error_quark(), Vmroot.Error.CONNECTION)
    assert "nonsense:///" in caught.value.message


def test_cancelled_opening_calls_back():
    cancellable = Gio.Cancellable.new()
    cancellable.cancel()
    result = wait_for(
        lambda done: Vmroot.Connection.open_async("test:///default", cancellable, done)
    )

    with pytest.raises(GLib.Error) as caught:
        Vmroot.Connection.open_finish(result)
    assert caught.value.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED)


def test_read_only_connection_changes_nothing():
    connection = Vmroot.Connection.open_read_only("test:///default")
    assert connection.props.read_only

    with pytest.raises(GLib.Error) as caught:
        connection.attach("test", Vmroot.Spec.new("/export/web"), None)
    assert caught.value.matches(Vmroot.error_quark(), Vmroot.Error.READ_ONLY)


def test_domain_takes_a_root_and_gives_the_document_back():
    domain = Vmroot.Domain.new_from_xml(DOMAIN)
    before = ElementTree.canonicalize(domain.to_xml())
    assert domain.get_name() == "web"
    assert domain.get_uuid() == UUID

    spec = Vmroot.Spec.new("/export/web")
    spec.add_share(Vmroot.Share.new("/srv/packages", "/var/cache/packages", True))
    spec.add_tmpfs(Vmroot.Tmpfs.new("/var/tmp", 2**30))
    spec.set_run_file("note", "hello\n")
    assert domain.set_spec(spec)

    again = Vmroot.Domain.new_from_bytes(GLib.Bytes.new(domain.to_xml().encode()))
    described = again.get_spec()
    assert described.get_directory() == "/export/web"
    assert [share.get_directory() for share in described.list_shares()] == ["/srv/packages"]
    assert [tmpfs.get_size() for tmpfs in described.list_tmpfs()] == [2**30]
    assert described.get_run_file("note") == "hello\n"

    assert again.set_spec(None)
    assert ElementTree.canonicalize(again.to_xml()) == before


def test_domain_without_uuid_has_none():
    assert Vmroot.Domain.new_from_xml("<domain><name>web</name></domain>").get_uuid() is None


def error_of(call, *words):
    with pytest.raises(GLib.Error) as caught:
        call(*words)
    assert caught.value.domain == "vmroot-error-quark"
    return Vmroot.Error(caught.value.code)


def test_errors_have_codes():
    domain = Vmroot.Domain.new_from_xml(DOMAIN)

    assert error_of(domain.get_spec) == Vmroot.Error.NO_SPEC
    assert error_of(domain.set_spec, Vmroot.Spec.new("web")) == Vmroot.Error.INVALID_DIRECTORY
    assert error_of(Vmroot.Domain.new_from_xml, "<domain") == Vmroot.Error.XML_SYNTAX
    assert error_of(Vmroot.Domain.new_from_xml, "<network/>") == Vmroot.Error.NOT_A_DOMAIN

    container = Vmroot.Domain.new_from_xml("<domain type='lxc'><name>box</name></domain>")
    spec = Vmroot.Spec.new("/export/box")
    assert error_of(container.set_spec, spec) == Vmroot.Error.CONTAINER_DOMAIN


def kernel(version):
    """What Linux' boot protocol makes of a kernel: a magic word, and where its version is."""
    image = bytearray(4096)
    image[0x1FE:0x200] = b"\x55\xaa"
    image[0x202:0x206] = b"HdrS"
    image[0x206:0x208] = b"\x0f\x02"
    image[0x20E:0x210] = b"\x00\x02"
    image[0x400 : 0x400 + len(version)] = version.encode()
    return bytes(image)


@pytest.fixture
def root(tmp_path):
    """A tree that has a kernel."""
    for directory in ["etc", "usr/bin", "boot", "usr/lib/modules/6.1.0-40-amd64"]:
        (tmp_path / directory).mkdir(parents=True)
    (tmp_path / "boot/vmlinuz-6.1.0-40-amd64").write_bytes(kernel("6.1.0-40-amd64"))
    (tmp_path / "boot/initrd.img-6.1.0-40-amd64").write_text("an initramfs")
    return Vmroot.Tree.new(str(tmp_path))


def test_tree_lists_its_kernels(root):
    kernels = root.list_kernels()

    assert [one.get_version() for one in kernels] == ["6.1.0-40-amd64"]
    assert kernels[0].props.path.endswith("boot/vmlinuz-6.1.0-40-amd64")
    assert kernels[0].props.modules.endswith("lib/modules/6.1.0-40-amd64")
    assert kernels[0].props.initramfs.endswith("boot/initrd.img-6.1.0-40-amd64")


def test_tree_is_checked_with_and_without_a_spec(root):
    ids = {finding.get_id() for finding in root.check(None, None)}

    assert "no-init" in ids
    assert ids == {finding.get_id() for finding in root.check(Vmroot.Spec.new(root.get_path()))}


def test_tree_is_checked_while_a_main_loop_runs(root):
    result = wait_for(lambda done: root.check_async(None, None, done))

    assert {finding.get_id() for finding in root.check_finish(result)} == {
        finding.get_id() for finding in root.check(None, None)
    }


def test_boot_image_that_cannot_be(root, tmp_path):
    spec = Vmroot.Spec.new(root.get_path())
    directory = str(tmp_path / "out")

    assert error_of(Vmroot.BootImage.build, root, spec, directory) == Vmroot.Error.NO_MODULE
    result = wait_for(
        lambda done: Vmroot.BootImage.build_async(root, spec, directory, None, done)
    )
    assert error_of(Vmroot.BootImage.build_finish, result) == Vmroot.Error.NO_MODULE


def test_host_without_guests(tmp_path):
    host = Vmroot.Host.new(str(tmp_path))

    assert host.list_roots() == []
    assert host.reconcile() == []
    findings = host.check(Vmroot.Spec.new("/export/web"), None)
    assert all(isinstance(finding, Vmroot.Finding) for finding in findings)
    assert "hook-not-installed" in [finding.get_id() for finding in findings]
    assert isinstance(Vmroot.Host.new(None), Vmroot.Host)


def test_host_refuses_what_is_not_allowed(tmp_path):
    host = Vmroot.Host.new(str(tmp_path))
    domain = Vmroot.Domain.new_from_xml(DOMAIN)
    domain.set_spec(Vmroot.Spec.new("/etc"))

    (tmp_path / "etc").mkdir()
    assert error_of(host.prepare, domain) == Vmroot.Error.NOT_ALLOWED
    assert host.release(domain)
    assert host.list_roots() == []


@pytest.fixture
def connection(tmp_path):
    """libvirt with one guest, which runs."""
    node = tmp_path / "node.xml"
    node.write_text(f"<node>{DOMAIN.replace('kvm', 'test')}</node>")
    return Vmroot.Connection.open(f"test://{node}")


def test_connection_attaches_and_detaches(connection):
    done, running = connection.attach("web", Vmroot.Spec.new("/export/web"), None)
    assert done and running
    assert connection.get_domain(UUID).get_spec().get_directory() == "/export/web"

    done, running = connection.detach("web")
    assert done and running
    assert error_of(connection.detach, "web") == Vmroot.Error.NO_SPEC


def test_connection_attaches_while_a_main_loop_runs(connection):
    spec = Vmroot.Spec.new("/export/web")
    result = wait_for(lambda done: connection.attach_async("web", spec, None, done))
    assert connection.attach_finish(result) == (True, True)

    result = wait_for(lambda done: connection.detach_async("web", None, done))
    assert connection.detach_finish(result) == (True, True)


def test_connection_knows_no_nobody(connection):
    assert error_of(connection.get_domain, "nobody") == Vmroot.Error.NO_DOMAIN


SPEAK = """
import ctypes, json, locale, sys
import gi
gi.require_version("Vmroot", "1.0")
from gi.repository import GLib, Vmroot

def refusal():
    try:
        Vmroot.Spec.new("web").validate()
    except GLib.Error as error:
        return error.message

def texts(findings, id):
    found = next(finding for finding in findings if finding.get_id() == id)
    return [found.get_title(), found.get_detail(), found.get_fix()]

directory, catalogues = sys.argv[1:]
locale.setlocale(locale.LC_ALL, "")
said = {"before": refusal()}
ctypes.CDLL(None).bindtextdomain(b"vmroot", catalogues.encode())
said["refusal"] = refusal()
said["tree"] = texts(Vmroot.Tree.new(directory).check(), "not-a-root")
said["host"] = texts(
    Vmroot.Host.new(directory).check(Vmroot.Spec.new("/export/web"), None), "hook-not-installed"
)
print(json.dumps(said))
"""


def test_errors_and_findings_are_in_the_language_of_the_user(tmp_path):
    catalogues = tmp_path / "catalogues"
    environment = {**os.environ, **catalogue.install(catalogues, tmp_path)}
    directory = tmp_path / "empty"
    directory.mkdir()
    in_english = {
        finding.get_id(): [finding.get_title(), finding.get_detail(), finding.get_fix()]
        for finding in [
            *Vmroot.Tree.new(str(directory)).check(),
            *Vmroot.Host.new(str(directory)).check(Vmroot.Spec.new("/export/web"), None),
        ]
    }

    said = json.loads(
        subprocess.run(
            [sys.executable, "-c", SPEAK, directory, catalogues],
            stdout=subprocess.PIPE,
            check=True,
            env=environment,
        ).stdout
    )

    refusal = "The directory of %s, “web”, is not an absolute path: begin it with a slash"
    assert said["before"] == refusal % "the root"
    assert said["refusal"] == f"[{refusal % '[the root]'}]"
    # As root, it is a child of the library that says this one.
    assert said["tree"] == [f"[{text}]" for text in in_english["not-a-root"]]
    assert said["host"] == [f"[{text}]" for text in in_english["hook-not-installed"]]
