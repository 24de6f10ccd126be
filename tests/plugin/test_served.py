# SPDX-License-Identifier: GPL-2.0-or-later
"""While the guest runs: what the page says of what is served to it."""

import pytest

from lone_page import Guest, run_until, widget, with_root


class Root:
    """What Vmroot.Host knows of a root that it serves."""

    def __init__(self, transport, since=None):
        self._transport = transport
        self._since = since

    def get_transport(self):
        return self._transport

    def get_directory(self):
        return "/srv/<b>web"

    def get_name(self):
        return "web"

    def get_since(self):
        return self._since


@pytest.fixture
def sentence(opened, monkeypatch, gtk):
    """Shows a guest that runs, of whose root this host knows `root`. Returns what the page says."""
    from vmroot_virtmanager import served

    def show(root=None, hidden=False, change=lambda spec: None):
        found = served.Served()
        found.root = root
        found.hidden = hidden
        monkeypatch.setattr(served, "look", lambda _spec, _uuid: found)
        page = opened(Guest(with_root("/srv/<b>web", change), running=True))
        run_until(lambda: page._served._served)
        return widget(page, "root-served").get_text()

    return show


def nfs(spec):
    from gi.repository import Vmroot

    spec.set_transport(Vmroot.Transport.NFS)
    spec.set_network("default")
    spec.set_address("192.168.122.7/24")
    spec.set_mac_address("52:54:00:11:22:44")
    spec.set_server("192.168.122.1")


def share(spec):
    from gi.repository import Vmroot

    for name in ("first", "second"):
        spec.add_share(Vmroot.Share.new(f"/srv/{name}", f"/mnt/{name}", True))


def test_over_virtiofs(sentence):
    from gi.repository import GLib, Vmroot

    since = GLib.DateTime.new_local(2026, 1, 2, 3, 4, 5)

    said = sentence(Root(Vmroot.Transport.VIRTIOFS, since))

    assert said == f"/srv/<b>web is served to web since {since.format('%c')}."


def test_over_nfs_its_address_is_told(sentence):
    from gi.repository import Vmroot

    said = sentence(Root(Vmroot.Transport.NFS), change=nfs)

    assert said == "/srv/<b>web is exported to web at 192.168.122.7 since ?."


def test_shares_are_told_too(sentence):
    from gi.repository import Vmroot

    said = sentence(Root(Vmroot.Transport.VIRTIOFS), change=share)

    assert said.endswith("since ?. So are its shares: /srv/first, /srv/second.")


def test_what_only_root_may_see(sentence):
    said = sentence(hidden=True, change=share)

    assert said == "Only root can see what is served to this guest."


def test_guest_that_was_started_without_its_directory(sentence):
    assert "started without its directory" in sentence(change=share)


def test_another_host_is_not_looked_at(opened, monkeypatch, gtk):
    from vmroot_virtmanager import served

    monkeypatch.setattr(served, "look", lambda _spec, _uuid: pytest.fail("it was looked at"))

    page = opened(Guest(with_root("/srv/web"), running=True, remote=True))

    assert "vmroot list" in widget(page, "root-served").get_text()
