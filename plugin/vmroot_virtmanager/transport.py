# SPDX-License-Identifier: GPL-2.0-or-later
"""How the guest reaches its root: by virtiofs or NFS, and over which network."""

from gi.repository import GLib, Vmroot

from . import entry
from .background import Job
from .choice import Choice
from .texts import _

VIRTIOFS, NFS = Vmroot.Transport.VIRTIOFS, Vmroot.Transport.NFS
# The findings of the host that speak against a transport altogether
OBSTACLES = ("no-virtiofsd", "no-wrapper", "no-nfs-server")
# For a guest whose interface is on a bridge that libvirt does not manage
NO_NETWORK = ""
OF_NETWORK = ("mac-address", "server", "gateway")


def obstacles(_cancellable):
    """What on this host speaks against each transport, whatever the directory."""
    host = Vmroot.Host.new(None)
    found = {}
    for transport in (VIRTIOFS, NFS):
        spec = Vmroot.Spec.new("/")
        spec.set_transport(transport)
        try:
            findings = host.check(spec, None, None)
        except GLib.Error:
            continue  # of this user's rights: `vmroot check` as root tells
        for finding in findings:
            if finding.get_id() in OBSTACLES:
                found.setdefault(transport, finding.get_detail() or finding.get_title())
    return found


def _forget(spec, *properties):
    for name in properties:
        spec.set_property(name, None)


class TransportChoice:
    def __init__(self, get, guest):
        self._guest = guest
        self._radios = {VIRTIOFS: get("root-virtiofs"), NFS: get("root-nfs")}
        self._notes = {VIRTIOFS: get("root-virtiofs-note"), NFS: get("root-nfs-note")}
        # When to choose it; a reason why not takes its place.
        self._purposes = {one: note.get_text() for one, note in self._notes.items()}
        self._options = get("root-nfs-options")
        self._network = Choice(get("root-network"))
        self._address = get("root-address")
        self._reserved = get("root-reserved")
        self._shown = None
        self._refusals = {}
        self._obstacles = {}
        self._job = None

    @property
    def chosen(self):
        return NFS if self._radios[NFS].get_active() else VIRTIOFS

    def show(self, spec):
        """`spec`: the guest's root, or None where it has none."""
        self._shown = spec
        spec = spec or Vmroot.Spec.new(None)
        self._radios[spec.get_transport()].set_active(True)
        self._offer_networks(spec)
        entry.show(self._address, spec.get_address())

    def forget(self):
        """The guest has no root any more. What is chosen stays, for the next one."""
        self._shown = None

    def allow(self, definition):
        """Greys what this guest, this connection or this host cannot do."""
        self._refusals = {one: definition.refusal(one) for one in self._radios}
        self._refusals[NFS] = self._refusals[NFS] or self._why_no_network()
        self._grey()
        if self._job is None:
            self.look()

    def look(self):
        """What this host lacks changes rarely: it is found once, and when the user asks."""
        self.cleanup()
        if not self._guest.remote:
            self._job = Job(obstacles, self._learn)

    def _learn(self, found):
        self._obstacles = found
        self._grey()

    def _why_no_network(self):
        if self._shown is not None and self._shown.get_transport() == NFS:
            return None
        if not any(addresses for _name, addresses in self._guest.list_networks()):
            return _("No network of this connection has addresses.")
        return None

    def _grey(self):
        defined = self._shown.get_transport() if self._shown else None
        for transport, radio in self._radios.items():
            reason = self._refusals.get(transport) or self._obstacles.get(transport)
            radio.set_sensitive(not reason or radio.get_active() or transport == defined)
            self._notes[transport].set_text(reason or self._purposes[transport])

    def sync(self):
        """What depends on which is chosen."""
        self._grey()
        self._options.set_visible(self.chosen == NFS)
        self._reserved.set_text(self._reservation())

    def _reservation(self):
        spec = self._shown
        if spec is None or spec.get_transport() != NFS or self._moves(spec):
            return _("A free address is chosen and reserved for the guest when this is applied.")
        return _("%(address)s is reserved for %(mac)s. The server is %(server)s.") % {
            "address": spec.get_address(),
            "mac": spec.get_mac_address(),
            "server": spec.get_server(),
        }

    def _offer_networks(self, spec):
        rows = []
        for name, addresses in self._guest.list_networks():
            label = f"{name} ({addresses})" if addresses else _("%s (no addresses)") % name
            rows.append((name, label, bool(addresses)))
        names = [name for name, *_rest in rows]
        network = spec.get_network()
        if network and network not in names:
            rows.append((network, _("%s (not there)") % network, True))
        elif not network and spec.get_transport() == NFS:
            rows.append((NO_NETWORK, _("None of libvirt's"), True))
            network = NO_NETWORK
        usable = [name for name, _label, can_be_chosen in rows if can_be_chosen]
        if network is None and usable:
            network = "default" if "default" in usable else usable[0]
        self._network.offer(rows)
        self._network.choose(network)

    def _moves(self, spec):
        """Whether the guest is to have another address than `spec` gives it."""
        return (
            self._network.chosen != (spec.get_network() or NO_NETWORK)
            or entry.read(self._address) != (spec.get_address() or "")
        )

    def write(self, spec):
        was_nfs = spec.get_transport() == NFS
        spec.set_transport(self.chosen)
        if self.chosen == NFS:
            if not was_nfs or self._moves(spec):
                self._ask_for_address(spec)
        elif was_nfs:
            _forget(spec, "network", "address", *OF_NETWORK)

    def _ask_for_address(self, spec):
        network = self._network.chosen or None
        address = entry.read(self._address) or None
        if network != spec.get_network():
            # What the other network gave it says nothing on this one.
            if address == spec.get_address():
                address = None
            spec.set_network(network)
            _forget(spec, *OF_NETWORK)
        spec.set_address(address)

    def cleanup(self):
        if self._job:
            self._job.cancel()
            self._job = None
