# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest's definition as libvirt has it, and what it says of the root. Knows nothing of Gtk."""

import ipaddress
import xml.etree.ElementTree

from gi.repository import GLib, Vmroot

from .texts import _


class Conflict(Exception):
    """Somebody else changed the guest's root since the page showed it."""


def needs_connection(*specs):
    """Whether only a connection to libvirt can make the change: it reserves and releases the
    addresses of roots by NFS."""
    return any(spec and spec.get_transport() == Vmroot.Transport.NFS for spec in specs)


def _neighbour(address):
    """Another address of that network."""
    try:
        ip = ipaddress.ip_interface(address).ip
    except ValueError:
        return None  # vmroot says what is wrong with it
    return str(type(ip)(int(ip) ^ 1))


def with_some_address(spec):
    """As if libvirt had reserved one, for trying out everything else."""
    if spec.get_transport() != Vmroot.Transport.NFS:
        return spec
    address = spec.get_address() or "192.0.2.2"
    if "/" not in address:
        # The rest will be the network's: its prefix, its server, its router.
        address += "/64" if ":" in address else "/8"
        spec.set_server(None)
        spec.set_gateway(None)
    spec.set_network(spec.get_network() or "default")
    spec.set_mac_address(spec.get_mac_address() or "52:54:00:00:00:01")
    spec.set_address(address)
    spec.set_server(spec.get_server() or _neighbour(address))
    return spec


# What <boot dev> of a domain may say (libvirt's formatdomain.html, "BIOS bootloader")
BOOT_DEVICES = {
    "hd": ("disk", ("disk", "lun")),
    "cdrom": ("disk", ("cdrom",)),
    "fd": ("disk", ("floppy",)),
    "network": ("interface", (None,)),
}


def _disk_kind(device):
    return device.get("device", "disk") if device.tag == "disk" else None


def _boot_devices(root):
    """The guest's devices, in the order in which its firmware tries them."""
    devices = root.findall("devices/*")
    ordered = [device for device in devices if device.find("boot") is not None]
    if ordered:
        return sorted(ordered, key=lambda device: int(device.find("boot").get("order", 0)))
    wanted = [boot.get("dev") for boot in root.iterfind("os/boot")] or ["hd"]
    return [
        device
        for tag, kinds in (BOOT_DEVICES.get(one, ("", ())) for one in wanted)
        for device in devices
        if device.tag == tag and _disk_kind(device) in kinds
    ]


def _disk_name(disk):
    """Of what is in the disk, or None where it is empty."""
    source = disk.find("source")
    if source is None:
        return None
    for name in ("file", "dev", "volume", "dir", "name"):
        if source.get(name):
            return source.get(name)
    host = source.find("host")
    server = host.get("name") or host.get("socket") if host is not None else None
    return server or disk.find("target").get("dev")


def _boots_from_device(device):
    """A sentence, or None about a drive with nothing in it."""
    if device.tag == "interface":
        return _("The guest boots from the network.")
    if device.tag != "disk":
        return _("The guest boots from a device that is passed through to it.")
    name = _disk_name(device)
    if name is None:
        return None
    if _disk_kind(device) in ("cdrom", "floppy"):
        return _("The guest boots from the medium %s.") % name
    return _("The guest boots from the disk %s.") % name


class Definition:
    def __init__(self, document):
        self.document = document
        self.uuid = None
        # None where the guest has no root of ours, or one that cannot be read
        self.spec = None
        self.error = None
        try:
            domain = Vmroot.Domain.new_from_xml(document)
            self.uuid = domain.get_uuid()
            self.spec = domain.get_spec()
        except GLib.Error as error:
            if not error.matches(Vmroot.error_quark(), Vmroot.Error.NO_SPEC):
                self.error = error

    @property
    def of_later_vmroot(self):
        """What a later vmroot wrote is not ours to change."""
        return self.error is not None and self.error.matches(
            Vmroot.error_quark(), Vmroot.Error.METADATA_VERSION
        )

    def says_the_same(self, other):
        """Whether the roots are the same. Everything else may differ."""
        return self._root() == other._root()

    def _root(self):
        if self.error is not None:
            return self.error.message
        if self.spec is None:
            return None
        spec = self.spec
        return (
            [spec.get_property(prop.name) for prop in spec.list_properties()],
            [
                (s.get_directory(), s.get_mount_point(), s.get_read_only())
                for s in spec.list_shares()
            ],
            [(t.get_mount_point(), t.get_size()) for t in spec.list_tmpfs()],
            [(path, spec.get_run_file(path)) for path in spec.list_run_files()],
        )

    def with_root(self, spec):
        """The document with that root; with None, as it was before it had one."""
        try:
            domain = Vmroot.Domain.new_from_xml(self.document)
            domain.set_spec(spec)
        except GLib.Error as error:
            raise ValueError(error.message) from None
        return domain.to_xml()

    def refusal(self, transport):
        """Why this guest cannot have a root over `transport`, or None."""
        spec = Vmroot.Spec.new("/srv")
        spec.set_transport(transport)
        try:
            Definition(self.with_root(None)).with_root(with_some_address(spec))
        except ValueError as error:
            return str(error)
        return None

    def boots_from(self):
        """A sentence about a guest whose root is not ours."""
        root = xml.etree.ElementTree.fromstring(self.document)
        kernel = root.findtext("os/kernel")
        if kernel:
            return _("The guest boots from the kernel %s.") % kernel
        for device in _boot_devices(root):
            sentence = _boots_from_device(device)
            if sentence:
                return sentence
        if root.find("devices/interface") is not None:
            return _("The guest has no disk to boot from; it may boot from the network.")
        return _("The guest has nothing to boot from.")
