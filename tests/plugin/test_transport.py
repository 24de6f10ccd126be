# SPDX-License-Identifier: GPL-2.0-or-later
"""virtiofs or NFS on the page: what can be chosen, and what becomes of the guest's address."""

import pytest

from lone_page import NETWORKS, Guest, definition, described, run_until, use, widget

NFS_NOTE, VIRTIOFS_NOTE = "root-nfs-note", "root-virtiofs-note"


@pytest.fixture(autouse=True)
def host_without_obstacles(gtk, monkeypatch):
    """Whatever this machine has."""
    from vmroot_virtmanager import transport

    monkeypatch.setattr(transport, "obstacles", lambda _cancellable: {})


def over_nfs(directory, xml=None, **properties):
    """A definition with a root by NFS, as it is after libvirt was asked for an address."""
    from gi.repository import Vmroot

    spec = Vmroot.Spec.new(str(directory))
    spec.set_transport(Vmroot.Transport.NFS)
    known = {
        "network": "default",
        "address": "192.168.122.7/24",
        "mac_address": "52:54:00:11:22:44",
        "server": "192.168.122.1",
        "gateway": "192.168.122.1",
    }
    for name, value in {**known, **properties}.items():
        spec.set_property(name, value)
    domain = Vmroot.Domain.new_from_xml(xml or definition())
    domain.set_spec(spec)
    return domain.to_xml()


def choose_nfs(page, directory):
    use(page, directory)
    widget(page, "root-nfs").set_active(True)


def test_nfs_without_a_network_that_has_addresses(opened):
    page = opened(Guest(networks=[("bridged", None)]))

    assert not widget(page, "root-nfs").get_sensitive()
    assert "No network" in widget(page, NFS_NOTE).get_text()


def test_nfs_on_a_remote_connection(opened):
    """The address is reserved over the connection."""
    from gi.repository import Vmroot

    guest = Guest(remote=True)
    page = opened(guest)
    choose_nfs(page, "/srv/roots/web")

    page.apply()

    _uuid, spec = guest.attached
    assert (spec.get_transport(), spec.get_network()) == (Vmroot.Transport.NFS, "default")


def test_guest_that_can_have_no_root(opened):
    """A container has no kernel to boot."""
    page = opened(Guest("<domain type='lxc'><name>web</name><os><type>exe</type></os></domain>"))

    for radio, note in (("root-nfs", NFS_NOTE), ("root-virtiofs", VIRTIOFS_NOTE)):
        assert "container" in widget(page, note).get_text()
    assert not widget(page, "root-nfs").get_sensitive()


def test_nfs_without_a_server(opened, monkeypatch):
    from vmroot_virtmanager import transport

    why = {transport.NFS: "The NFS server of this host does not run"}
    monkeypatch.setattr(transport, "obstacles", lambda _cancellable: why)
    page = opened(Guest())

    run_until(lambda: not widget(page, "root-nfs").get_sensitive())

    assert widget(page, NFS_NOTE).get_text() == why[transport.NFS]
    assert widget(page, "root-virtiofs").get_sensitive()


def test_host_without_virtiofsd(opened, monkeypatch, tmp_path):
    from vmroot_virtmanager import transport

    why = {transport.VIRTIOFS: "No usable virtiofsd"}
    monkeypatch.setattr(transport, "obstacles", lambda _cancellable: why)
    page = opened(Guest())

    run_until(lambda: widget(page, VIRTIOFS_NOTE).get_text() == why[transport.VIRTIOFS])
    # It is chosen: greyed, nobody could see that.
    assert widget(page, "root-virtiofs").get_sensitive()
    choose_nfs(page, tmp_path)

    assert not widget(page, "root-virtiofs").get_sensitive()


def test_what_this_host_lacks_is_told_by_the_library(gtk, monkeypatch):
    from gi.repository import Vmroot
    from vmroot_virtmanager import transport

    monkeypatch.undo()
    ours = Vmroot.Host.new(None).check
    spec = Vmroot.Spec.new("/")
    spec.set_transport(transport.NFS)
    said = [one for one in ours(spec, None, None) if one.get_id() == "no-nfs-server"]

    assert bool(said) == (transport.NFS in transport.obstacles(None))


@pytest.mark.parametrize("missing", ["no-virtiofsd", "no-wrapper", "no-nfs-server"])
def test_what_a_host_may_lack_for_a_transport(gtk, monkeypatch, missing):
    from gi.repository import Vmroot
    from vmroot_virtmanager import transport

    monkeypatch.undo()

    class Finding:
        def get_id(self):
            return missing

        def get_detail(self):
            return "It is not there."

    class Host:
        def check(self, spec, _uuid, _cancellable):
            is_nfs = spec.get_transport() == Vmroot.Transport.NFS
            return [Finding()] if is_nfs == (missing == "no-nfs-server") else []

    monkeypatch.setattr(Vmroot.Host, "new", lambda _sysroot: Host())

    lacking = transport.NFS if missing == "no-nfs-server" else transport.VIRTIOFS
    assert transport.obstacles(None) == {lacking: "It is not there."}


def test_networks_without_addresses_are_greyed(opened):
    rows = [tuple(row) for row in widget(opened(Guest()), "root-network-model")]

    assert rows == [
        ("bridged", "bridged (no addresses)", False),
        ("default", "default (192.168.122.0/24)", True),
        ("lab", "lab (10.0.5.0/24)", True),
    ]


def test_fields_of_nfs_are_there_when_it_is_chosen(opened, tmp_path):
    page = opened(Guest())
    use(page, tmp_path)
    assert not widget(page, "root-nfs-options").get_visible()

    choose_nfs(page, tmp_path)

    assert widget(page, "root-nfs-options").get_visible()
    assert "free address" in widget(page, "root-reserved").get_text()


def test_address_is_left_to_libvirt(opened, tree):
    from gi.repository import Vmroot

    guest = Guest()
    page = opened(guest)
    before = guest.xml
    choose_nfs(page, tree())
    assert page._problem() is None

    page.apply()

    uuid, spec = guest.attached
    assert uuid == "4dea22b3-1d52-d8f3-2516-782e98ab3fa0"
    assert spec.get_transport() == Vmroot.Transport.NFS
    assert (spec.get_network(), spec.get_address()) == ("default", None)
    assert guest.xml == before


def test_network_and_address_can_be_asked_for(opened, tmp_path):
    guest = Guest()
    page = opened(guest)
    choose_nfs(page, tmp_path)
    page._transport._network.choose("lab")
    widget(page, "root-address").set_text(" 10.0.5.9 ")

    page.apply()

    _uuid, spec = guest.attached
    assert (spec.get_network(), spec.get_address()) == ("lab", "10.0.5.9")


def test_address_that_is_none_is_said_before_applying(opened, tmp_path):
    page = opened(Guest())
    choose_nfs(page, tmp_path)

    widget(page, "root-address").set_text("somewhere")

    assert "somewhere" in page._problem()


IPV6 = {"address": "fd00:5::7/64", "server": "fd00:5::1", "gateway": "fe80::1"}
LAB = {"address": "10.0.5.7/24", "server": "10.0.5.1", "gateway": "10.0.5.1"}


@pytest.mark.parametrize("known, asked", [(IPV6, ""), (IPV6, "fd00:5::8"), (LAB, "")])
def test_another_address_on_the_same_network_is_no_problem(opened, tree, known, asked):
    root = tree()
    guest = Guest(over_nfs(root, network="lab", **known))
    page = opened(guest)

    widget(page, "root-address").set_text(asked)
    assert page._problem() is None
    page.apply()

    _uuid, spec = guest.attached
    assert (spec.get_address() or "") == asked


@pytest.mark.parametrize("asked", ["fd00:5::8", "10.0.5.8", "10.0.5.8/24"])
def test_first_address_may_be_of_either_kind(opened, tree, asked):
    page = opened(Guest())
    choose_nfs(page, tree())

    widget(page, "root-address").set_text(asked)

    assert page._problem() is None


def test_reservation_is_shown_and_kept(opened, tmp_path):
    guest = Guest(over_nfs(tmp_path))
    page = opened(guest)
    shown = widget(page, "root-reserved").get_text()
    for fact in ("192.168.122.7", "52:54:00:11:22:44", "192.168.122.1"):
        assert fact in shown

    widget(page, "root-kernel-args").set_text("quiet")

    spec = described(page.changed_xml())
    assert spec.get_address() == "192.168.122.7/24"
    assert spec.get_mac_address() == "52:54:00:11:22:44"


def test_other_network_means_other_address(opened, tmp_path):
    guest = Guest(over_nfs(tmp_path))
    page = opened(guest)

    page._transport._network.choose("lab")
    page.apply()

    assert "free address" in widget(page, "root-reserved").get_text()
    _uuid, spec = guest.attached
    assert spec.get_network() == "lab"
    assert [
        spec.get_address(),
        spec.get_mac_address(),
        spec.get_server(),
        spec.get_gateway(),
    ] == [None] * 4


def test_network_that_is_not_libvirt_s_is_kept(opened, tmp_path):
    bridged = definition().replace(
        '<interface type="user">', '<interface type="bridge"><source bridge="br0"/>'
    )
    mac_address = "52:54:00:11:22:33"
    page = opened(Guest(over_nfs(tmp_path, bridged, network=None, mac_address=mac_address)))

    widget(page, "root-kernel-args").set_text("quiet")

    spec = described(page.changed_xml())
    assert (spec.get_network(), spec.get_address()) == (None, "192.168.122.7/24")


def test_network_that_is_gone_is_shown(opened, tmp_path):
    page = opened(Guest(over_nfs(tmp_path, network="gone"), networks=NETWORKS))

    assert page._transport._network.chosen == "gone"


@pytest.mark.parametrize("remote", [False, True])
def test_going_back_to_virtiofs_gives_the_address_back(opened, tmp_path, remote):
    from gi.repository import Vmroot

    guest = Guest(over_nfs(tmp_path), remote=remote)
    page = opened(guest)

    widget(page, "root-virtiofs").set_active(True)
    page.apply()

    _uuid, spec = guest.attached
    assert spec.get_transport() == Vmroot.Transport.VIRTIOFS
    assert (spec.get_network(), spec.get_address(), spec.get_mac_address()) == (None, None, None)


@pytest.mark.parametrize("remote", [False, True])
def test_switching_off_gives_the_address_back(opened, tmp_path, remote):
    guest = Guest(over_nfs(tmp_path), remote=remote)
    page = opened(guest)

    widget(page, "root-enable").set_active(False)
    page.apply()

    assert guest.attached == ("4dea22b3-1d52-d8f3-2516-782e98ab3fa0", None)


def test_remote_guest_keeps_its_address(opened, tmp_path):
    guest = Guest(over_nfs(tmp_path), remote=True)
    page = opened(guest)

    widget(page, "root-kernel-args").set_text("quiet")
    page.apply()

    _uuid, spec = guest.attached
    assert (spec.get_kernel_args(), spec.get_address()) == ("quiet", "192.168.122.7/24")
