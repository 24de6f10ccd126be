# SPDX-License-Identifier: GPL-2.0-or-later
"""The library from Python, through the typelib that was just built."""

import gi

gi.require_version("Vmroot", "1.0")

import pytest
from gi.repository import Gio, GLib, Vmroot

DOMAIN = """<domain type='kvm'>
  <name>web</name>
  <uuid>8b7a8f3c-1111-4222-8333-444455556666</uuid>
  <memory unit='KiB'>1048576</memory>
  <os><type arch='x86_64'>hvm</type></os>
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
