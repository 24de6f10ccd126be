# SPDX-License-Identifier: GPL-2.0-or-later
"""While the guest runs: what of the host is served to it, since when, and how much it reads and
writes there."""

import os

from gi.repository import GLib, Vmroot

from . import texts
from .activity import Activity, ExportCounter, VirtiofsdCounter, find_servers
from .background import Job
from .texts import _


class Served:
    """What a look at this host found."""

    def __init__(self):
        # A Vmroot.GuestRoot, if the host serves one to the guest and this user may know
        self.root = None
        self.hidden = False
        self.activity = None


def _directories(spec):
    """As the kernel and virtiofsd name them."""
    named = [spec.get_directory(), *(share.get_directory() for share in spec.list_shares())]
    return list(dict.fromkeys([*named, *map(os.path.realpath, named)]))


def _counter(spec):
    directories = _directories(spec)
    if spec.get_transport() == Vmroot.Transport.NFS:
        return ExportCounter(directories, (spec.get_address() or "").partition("/")[0])
    return VirtiofsdCounter(find_servers(directories))


def look(spec, uuid):
    served = Served()
    try:
        roots = Vmroot.Host.new(None).list_roots()
        served.root = next((root for root in roots if root.get_uuid() == uuid), None)
    except GLib.Error:
        served.hidden = True
    served.activity = Activity(_counter(spec))
    return served


def _sentence(served, spec):
    if served.root is None:
        if served.hidden:
            return _("Only root can see what is served to this guest.")
        return _("Nothing is served to this guest: it was started without its directory.")
    since = served.root.get_since()
    facts = {
        "directory": served.root.get_directory(),
        "guest": served.root.get_name(),
        "address": (spec.get_address() or "").partition("/")[0],
        "time": since.to_local().format("%c") if since else "?",
    }
    if served.root.get_transport() == Vmroot.Transport.NFS:
        return _("%(directory)s is exported to %(guest)s at %(address)s since %(time)s.") % facts
    return _("%(directory)s is served to %(guest)s since %(time)s.") % facts


def _shares(spec):
    named = ", ".join(share.get_directory() for share in spec.list_shares())
    return " " + _("So are its shares: %s.") % named if named else ""


# Read and written: as on virt-manager's performance page, whose colors are too dark on a dark ground.
COLORS = ("#82003B", "#295C45")
COLORS_ON_DARK = ("#EE8FB5", "#82CFA6")


def colors(widget):
    style = widget.get_style_context()
    text = style.get_color(style.get_state())
    return COLORS_ON_DARK if text.red + text.green + text.blue > 1.5 else COLORS


class ServedFrame:
    def __init__(self, get, guest):
        self._guest = guest
        self._frame = get("root-running-frame")
        self._text = get("root-served")
        self._place = get("root-activity")
        self._rates = get("root-activity-text")
        self._graph = None
        self._job = None
        self._spec = None
        self._served = None

    def show(self, definition):
        """`definition`: the one that the guest was started with, or None where it does not run."""
        self.cleanup()
        self._spec = definition.spec if definition else None
        self._served = None
        self._frame.set_visible(self._spec is not None)
        self._show_activity(None)
        if self._spec is None:
            return
        if self._guest.remote:
            self._text.set_text(_('What is served can be seen on the guest\'s host: "vmroot list".'))
            return
        self._look(definition.uuid)

    def _look(self, uuid):
        spec = self._spec
        self._job = Job(lambda _cancellable: look(spec, uuid), self._looked)

    def _looked(self, served):
        self._served = served
        shares = _shares(self._spec) if served.root is not None else ""
        self._text.set_text(_sentence(served, self._spec) + shares)
        self.sample()

    def sample(self):
        """Called at virt-manager's pace while the page is looked at."""
        activity = self._served.activity if self._served else None
        if activity:
            activity.sample()
        self._show_activity(activity if activity and activity.known else None)

    def _show_activity(self, activity):
        self._place.set_visible(activity is not None)
        self._rates.set_visible(activity is not None)
        if activity is None:
            return
        if self._graph is None:
            self._graph = self._guest.make_graph()
            self._place.add(self._graph)
        read, written = colors(self._rates)
        rgb = bytes.fromhex((read + written).replace("#", ""))
        self._graph.set_property("rgb", [value / 255.0 for value in rgb])
        self._graph.set_property("data_array", activity.scaled())
        self._rates.set_markup(
            f'<span color="{read}">%s</span> <span color="{written}">%s</span>'
            % (
                _("%s/s read") % texts.size(int(activity.reads[-1])),
                _("%s/s written") % texts.size(int(activity.writes[-1])),
            )
        )

    def cleanup(self):
        if self._job:
            self._job.cancel()
            self._job = None
