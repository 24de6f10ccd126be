#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the override makes of the library in Python, and that the stubs know all of it."""

import ast
import os

import gi
import pytest

gi.require_version("Vmroot", "1.0")
from gi.repository import GLib, Vmroot  # noqa: E402

XML = (
    "<domain type='kvm'><name>web</name><uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid>"
    "<os><type>hvm</type></os></domain>"
)


def test_spec_takes_everything_as_keywords():
    spec = Vmroot.Spec(
        "/export/web",
        kernel_args="quiet",
        read_only=True,
        shares=[Vmroot.Share.new("/srv/packages", "/srv/pkgs", True)],
        tmpfs=[Vmroot.Tmpfs.new("/var/tmp", 1 << 20)],
        run_files={"a/b": "text"},
    )

    assert (spec.get_directory(), spec.get_kernel_args(), spec.get_read_only()) == (
        "/export/web",
        "quiet",
        True,
    )
    assert [share.get_directory() for share in spec.shares] == ["/srv/packages"]
    assert [tmpfs.get_size() for tmpfs in spec.tmpfs] == [1 << 20]
    assert spec.run_files == {"a/b": "text"}


def test_lists_are_replaced():
    spec = Vmroot.Spec("/export/web", shares=[Vmroot.Share.new("/a", "/a", False)])

    spec.shares = []

    assert spec.shares == []


def test_spec_of_a_domain():
    domain = Vmroot.Domain(XML)
    assert domain.spec is None

    domain.spec = Vmroot.Spec("/export/web")

    assert Vmroot.Domain(str(domain).encode()).spec.get_directory() == "/export/web"
    domain.spec = None
    assert domain.spec is None


def test_errors_know_their_code():
    with pytest.raises(Vmroot.Failure) as caught:
        Vmroot.Domain("<network/>")

    assert caught.value.reason == Vmroot.Error.NOT_A_DOMAIN
    assert "network" in caught.value.message


def test_errors_are_those_of_glib_too():
    with pytest.raises(GLib.Error) as caught:
        Vmroot.Spec("not/absolute").validate()

    assert caught.value.matches(Vmroot.error_quark(), Vmroot.Error.INVALID_DIRECTORY)


def test_findings_worst_first(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text("ID=debian\n")

    found = Vmroot.Tree(str(tmp_path)).check()

    assert found.errors
    assert found[0] in found.errors
    assert set(found.errors).isdisjoint(found.warnings)
    assert str(found[0]) == f"error: {found[0].get_title()}"


def test_findings_of_the_host_too(tmp_path):
    spec = Vmroot.Spec(str(tmp_path / "nowhere"))

    found = Vmroot.Host(str(tmp_path)).check(spec)

    assert found.errors == [one for one in found if one.get_severity() == Vmroot.Severity.ERROR]
    assert found.errors


def test_connection_of_the_program_is_shared():
    libvirt = pytest.importorskip("libvirt")
    theirs = libvirt.open("test:///default")

    connection = Vmroot.Connection(theirs)
    theirs.close()

    assert connection.get_uri() == "test:///default"
    assert connection.list_domains() == ["test"]


def stubs():
    with open(os.environ["VMROOT_STUBS"], encoding="utf-8") as file:
        body = ast.parse(file.read()).body
    return {node.name: node for node in body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}


def test_stubs_know_every_method():
    known = stubs()
    for name, node in known.items():
        assert hasattr(Vmroot, name), name
        if isinstance(node, ast.ClassDef) and hasattr(getattr(Vmroot, name), "__info__"):
            info = getattr(Vmroot, name).__info__
            if hasattr(info, "get_methods"):
                methods = {method.get_name() for method in info.get_methods()}
                written = {one.name for one in node.body if isinstance(one, ast.FunctionDef)}
                assert methods <= written, name

    assert {"Spec", "Domain", "Tree", "Host", "Connection", "Error", "Failure"} <= set(known)
