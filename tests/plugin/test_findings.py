# SPDX-License-Identifier: GPL-2.0-or-later
"""What would go wrong: when it is looked for, and how it is shown."""

import os
import subprocess
import sys

import pytest

from lone_page import Guest, run_until, use, widget


@pytest.fixture
def looks(gtk, monkeypatch):
    """The directories that were looked into; nothing is found in them."""
    from vmroot_virtmanager import inspection

    directories = []

    def inspect(spec, _uuid, _cancellable):
        directories.append(spec.get_directory())
        return inspection.Inspection(spec.get_directory())

    monkeypatch.setattr(inspection, "inspect", inspect)
    return directories


def test_typing_is_waited_for(opened, looks):
    """A look for each letter would ask a slow server for directories that nobody means."""
    page = opened(Guest())
    widget(page, "root-enable").set_active(True)
    entry = widget(page, "root-directory")

    for end in range(1, len("/srv/web") + 1):
        entry.set_text("/srv/web"[:end])
    run_until(lambda: page._found)

    assert looks == ["/srv/web"]


def test_look_follows_the_last_letter_soon(opened, looks):
    page = opened(Guest())
    use(page, "/srv/web")

    run_until(lambda: looks, timeout=3)


@pytest.mark.parametrize(
    ("closed", "owner", "words"),
    [
        ("root", 0, "Only root can look"),
        ("root", 12345, "You may not look"),
        ("home", 0, "Only root can look"),
        ("home", 12345, "You may not look"),
    ],
)
def test_who_can_look_into_a_closed_directory(gtk, tmp_path, closed, owner, words):
    """Tried by a child that is a user, since root can look everywhere."""
    directory = tmp_path / "home/root"
    directory.mkdir(parents=True)
    for parent in [tmp_path, *tmp_path.parents][:3]:
        parent.chmod(0o755)
    at = directory if closed == "root" else directory.parent
    at.chmod(0o700)
    os.chown(at, owner, owner)
    program = (
        "import gi, os, sys; gi.require_version('Vmroot', '1.0');"
        "from vmroot_virtmanager import inspection;"
        "os.setresuid(54321, 54321, 54321); print(inspection._unreadable(sys.argv[1]))"
    )

    said = subprocess.run(
        [sys.executable, "-c", program, str(directory)], stdout=subprocess.PIPE, text=True, check=True
    ).stdout

    assert words in said


def finding(severity, title="A title", fix=None):
    return severity, title, "A detail", fix


def test_worst_comes_first_and_the_host_s_are_among_them(gtk, monkeypatch, tree):
    from gi.repository import Vmroot
    from vmroot_virtmanager import inspection

    def of(severity):
        return Vmroot.Finding(id=f"of-host-{severity.value_nick}", severity=severity, title="Of the host")

    class Host:
        def check(self, *_arguments):
            return [of(Vmroot.Severity.INFO), of(Vmroot.Severity.ERROR), of(Vmroot.Severity.WARNING)]

    monkeypatch.setattr(Vmroot.Host, "new", lambda _sysroot: Host())

    found = inspection.inspect(Vmroot.Spec.new(str(tree())), None, None).findings

    severities = [one.get_severity() for one in found]
    assert severities == sorted(severities, key=int, reverse=True)
    assert {one.get_id() for one in found} >= {"of-host-error", "of-host-warning", "of-host-info"}
    assert found[0].get_id() == "of-host-error"


@pytest.fixture
def shown(gtk):
    """A list of findings, in a window."""
    from vmroot_virtmanager.findings import FindingList

    window = gtk.Window()
    box = gtk.Box(orientation=gtk.Orientation.VERTICAL)
    window.add(box)
    window.show_all()
    yield FindingList(box), box
    window.destroy()


def walk(gtk, widget):
    yield widget
    if isinstance(widget, gtk.Container):
        for child in widget.get_children():
            yield from walk(gtk, child)


def test_what_is_open_stays_open(gtk, shown):
    from gi.repository import Vmroot

    findings, box = shown
    findings.show([finding(Vmroot.Severity.ERROR, "One"), finding(Vmroot.Severity.INFO, "Two")])
    box.get_children()[1].set_expanded(True)

    findings.show([finding(Vmroot.Severity.INFO, "Two"), finding(Vmroot.Severity.INFO, "Three")])

    assert [row.get_expanded() for row in box.get_children()] == [True, False]


def test_markup_of_a_guest_is_shown_as_it_is(gtk, shown):
    """Names in a tree are the guest's."""
    from gi.repository import Vmroot

    name = '<b>&"'
    findings, box = shown
    findings.show([(Vmroot.Severity.ERROR, f"T{name}", f"D{name}", f"Run `rm {name}`.")])

    texts = {w.get_text() for w in walk(gtk, box) if isinstance(w, gtk.Label)}

    assert texts == {f"T{name}", f"D{name}", f"Run rm {name}."}


def test_command_of_a_fix_is_copied(gtk, shown):
    from gi.repository import Gdk, Vmroot

    findings, box = shown
    findings.show([finding(Vmroot.Severity.ERROR, fix="Run `apt install a`, then `vmroot setup`.")])
    copy = [w for w in walk(gtk, box) if w.get_accessible().get_name() == "Copy the command"]

    copy[0].clicked()

    clipboard = gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD)
    assert clipboard.wait_for_text() == "apt install a\nvmroot setup"


def test_fix_without_a_command_has_nothing_to_copy(gtk, shown):
    from gi.repository import Vmroot

    findings, box = shown
    findings.show([finding(Vmroot.Severity.ERROR, fix="Ask the administrator.")])

    assert not [w for w in walk(gtk, box) if isinstance(w, gtk.Button)]
