# SPDX-License-Identifier: GPL-2.0-or-later
"""Folders that are dropped onto the page."""

import os

import pytest

from lone_page import Guest, use, widget, with_root

# The handler stops the signal, which the tests do not send.
pytestmark = pytest.mark.filterwarnings("ignore:.*no emission of signal")


class Dropped:
    def __init__(self, *uris):
        self._uris = uris

    def get_uris(self):
        return list(self._uris)


def drop(page, *uris, onto=None):
    page._directory._dropped(onto or page.widget, None, 0, 0, Dropped(*uris), 0, 0)


@pytest.mark.parametrize("place", ["vmroot-root-page", "root-directory"])
def test_page_and_entry_take_what_is_dropped(opened, place):
    from gi.repository import Gdk

    targets = widget(opened(Guest()), place).drag_dest_get_target_list()

    assert targets.find(Gdk.Atom.intern("text/uri-list", False))[0]
    assert not targets.find(Gdk.Atom.intern("UTF8_STRING", False))[0]


@pytest.mark.parametrize("place", ["vmroot-root-page", "root-directory"])
def test_dropped_folder_becomes_the_root(opened, tree, place):
    root = tree("a folder")
    guest = Guest()
    page = opened(guest)

    drop(page, root.as_uri(), onto=widget(page, place))

    assert widget(page, "root-enable").get_active()
    assert widget(page, "root-directory").get_text() == str(root)
    assert guest.edits


def test_nothing_is_dropped_on_what_a_later_vmroot_wrote(opened, tree):
    page = opened(Guest(with_root(tree()).replace('version="1"', 'version="99"', 1)))

    drop(page, "file:///srv/other")

    assert not widget(page, "root-enable").get_active()
    assert widget(page, "root-directory").get_text() != "/srv/other"


@pytest.mark.parametrize(
    ("uri", "remote", "said"),
    [
        ("file:///srv/local", True, "on this host"),
        ("sftp://server/srv/web", False, "no folder of this host"),
        (f"file:///srv/{os.fsdecode(b'%E9')}", False, "UTF-8"),
    ],
)
def test_what_cannot_be_the_root_is_said(opened, uri, remote, said):
    page = opened(Guest(remote=remote))
    use(page, "/srv/before")

    drop(page, uri)

    assert widget(page, "root-directory").get_text() == "/srv/before"
    assert said in widget(page, "root-status").get_text()
