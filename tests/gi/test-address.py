# SPDX-License-Identifier: GPL-2.0-or-later
"""Addresses for guests with a root by NFS, on libvirt's own mock driver."""

import xml.etree.ElementTree as ElementTree

import gi
import pytest

libvirt = pytest.importorskip("libvirt", reason="python3-libvirt is missing")

gi.require_version("Vmroot", "1.0")
from gi.repository import GLib, Vmroot  # noqa: E402

URI = "test:///default"
MAC = "52:54:00:12:34:56"


@pytest.fixture
def connections():
    """vmroot's connection to the mock host, and libvirt's to the same one. What one test changes, the
    next would see."""
    ours, libvirts = Vmroot.Connection.open(URI), libvirt.open(URI)
    before = libvirts.networkLookupByName("default").XMLDesc()
    yield ours, libvirts
    assert libvirts.networkLookupByName("default").XMLDesc() == before


def reservations(libvirts):
    document = ElementTree.fromstring(libvirts.networkLookupByName("default").XMLDesc())
    return [(host.get("mac"), host.get("ip")) for host in document.iter("host")]


def make_spec(**properties):
    return Vmroot.Spec(directory="/export/guest", transport=Vmroot.Transport.NFS, **properties)


def test_address_is_reserved_and_given_back(connections):
    ours, libvirts = connections
    before = ours.get_domain("test").to_xml()

    ours.attach("test", make_spec(mac_address=MAC), None)

    spec = ours.get_domain("test").get_spec()
    address, prefix = spec.props.address.split("/")
    assert prefix == "24"
    assert spec.props.server == "192.168.122.1"
    assert spec.props.network == "default"
    assert reservations(libvirts) == [(MAC, address)]

    ours.detach("test", None)
    assert reservations(libvirts) == []
    assert ours.get_domain("test").to_xml() == before


def test_another_address_replaces_the_first(connections):
    ours, libvirts = connections
    ours.attach("test", make_spec(mac_address=MAC, address="192.168.122.77"), None)
    ours.attach("test", make_spec(mac_address=MAC, address="192.168.122.77"), None)
    assert reservations(libvirts) == [(MAC, "192.168.122.77")]

    ours.attach("test", Vmroot.Spec(directory="/export/guest"), None)

    assert reservations(libvirts) == []
    ours.detach("test", None)


def test_nothing_is_left_of_what_is_refused(connections):
    ours, libvirts = connections

    # The interface of libvirt's test guest is of no model that the boot image has a driver for.
    with pytest.raises(GLib.Error) as refused:
        ours.attach("test", make_spec(), None)

    assert refused.value.matches(Vmroot.error_quark(), Vmroot.Error.INVALID_SPEC)
    assert reservations(libvirts) == []


@pytest.mark.parametrize(
    "properties",
    [
        {"address": "192.168.122.1"},
        {"address": "10.0.0.7"},
        {"network": "no-such-network"},
    ],
)
def test_addresses_that_cannot_be(connections, properties):
    ours, _libvirts = connections

    with pytest.raises(GLib.Error):
        ours.attach("test", make_spec(mac_address=MAC, **properties), None)

    with pytest.raises(GLib.Error):
        ours.get_domain("test").get_spec()
