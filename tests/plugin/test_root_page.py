# SPDX-License-Identifier: GPL-2.0-or-later
"""The page by itself, in this process: what virt-manager cannot easily be brought to do."""

import gc
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time
import weakref

import pytest

from lone_page import Guest, definition, described, run_until, use, widget


def test_everything_on_the_page_is_written_and_shown_again(opened, tree):
    from gi.repository import Vmroot

    guest = Guest()
    page = opened(guest)
    use(page, tree())
    widget(page, "root-kernel-args").set_text("quiet loglevel=3")
    page._access.choose("ephemeral")
    page._shares.add("/srv/packages", "/srv/pkgs", True)
    page._tmpfs.add("/var/tmp", 64 * 1024 * 1024)

    guest.xml = page.changed_xml()
    again = opened(Guest(guest.xml))

    spec = described(again.changed_xml())
    assert spec.get_kernel_args() == "quiet loglevel=3"
    assert spec.get_ephemeral()
    assert [
        (s.get_directory(), s.get_mount_point(), s.get_read_only()) for s in spec.list_shares()
    ] == [("/srv/packages", "/srv/pkgs", True)]
    assert [(t.get_mount_point(), t.get_size()) for t in spec.list_tmpfs()] == [
        ("/var/tmp", 64 * 1024 * 1024)
    ]
    assert spec.get_transport() == Vmroot.Transport.VIRTIOFS
    assert again.changed_xml() == guest.xml


def test_what_the_page_does_not_show_is_kept(opened, tree):
    from gi.repository import Vmroot

    domain = Vmroot.Domain.new_from_xml(definition())
    spec = Vmroot.Spec.new(str(tree()))
    spec.set_tag("my-root")
    spec.set_xattrs(Vmroot.Xattrs.SELINUX)
    spec.set_run_file("systemd/network/10-x.network", "[Match]\n")
    domain.set_spec(spec)
    page = opened(Guest(domain.to_xml()))

    widget(page, "root-kernel-args").set_text("quiet")

    spec = described(page.changed_xml())
    assert spec.get_tag() == "my-root"
    assert spec.get_xattrs() == Vmroot.Xattrs.SELINUX
    assert spec.get_run_file("systemd/network/10-x.network") == "[Match]\n"
    assert spec.get_kernel_args() == "quiet"


def test_another_client_s_root_is_not_overwritten(opened, tree):
    from gi.repository import Vmroot
    from vmroot_virtmanager.definition import Conflict

    guest = Guest()
    page = opened(guest)
    use(page, tree())
    domain = Vmroot.Domain.new_from_xml(guest.xml)
    domain.set_spec(Vmroot.Spec.new("/export/theirs"))
    guest.xml = domain.to_xml()

    theirs = guest.xml

    with pytest.raises(Conflict):
        page.apply()

    assert guest.xml == theirs and guest.attached is None
    page.refresh()
    assert widget(page, "root-directory").get_text() == "/export/theirs"


def test_another_client_s_other_changes_are_kept(opened, tree):
    guest = Guest()
    page = opened(guest)
    use(page, tree())
    guest.xml = guest.xml.replace("<vcpu>2</vcpu>", "<vcpu>7</vcpu>")

    assert "<vcpu>7</vcpu>" in page.changed_xml()


def test_metadata_of_a_later_vmroot_is_left_alone(opened, tree):
    guest = Guest()
    page = opened(guest)
    use(page, tree())
    later = page.changed_xml().replace('version="1"', 'version="99"', 1)

    page = opened(Guest(later))

    assert not widget(page, "root-enable").get_sensitive()
    assert widget(page, "root-notice").get_text()


def test_directory_that_vanishes(opened, tree):
    root = tree()
    page = opened(Guest())
    use(page, root)
    run_until(lambda: "Debian" in widget(page, "root-directory-note").get_text())

    root.rename(root.with_name("elsewhere"))
    widget(page, "root-check-again").clicked()

    run_until(
        lambda: str(root) in widget(page, "root-status").get_text()
        and not widget(page, "root-spinner").get_visible()
    )
    assert page.changed_xml()


def test_size_is_of_the_directory_that_is_shown(opened, tree, monkeypatch):
    first, second = tree("first"), tree("second")
    page = opened(Guest())
    note = widget(page, "root-directory-note")
    use(page, first)
    run_until(lambda: page._size and page._size in note.get_text())
    monkeypatch.setattr(page._measurement, "start", lambda _directory: None)

    widget(page, "root-directory").set_text(str(second))
    run_until(lambda: page._found.directory == str(second))

    assert page._size not in note.get_text()


def test_looking_again_looks_at_everything(opened, tree, monkeypatch):
    from vmroot_virtmanager import transport

    lacking = {}
    monkeypatch.setattr(transport, "obstacles", lambda _cancellable: dict(lacking))
    root = tree()
    page = opened(Guest())
    use(page, root)
    run_until(lambda: page._size)
    size = page._size
    lacking[transport.NFS] = "No server any more"
    (root / "large").write_bytes(bytes(1 << 20))
    (root / "etc/os-release").write_text('ID=other\nPRETTY_NAME="Another system"\n')

    widget(page, "root-check-again").clicked()

    run_until(lambda: page._size != size)
    note = widget(page, "root-directory-note")
    run_until(lambda: "Another system" in note.get_text() and page._size in note.get_text())
    run_until(lambda: widget(page, "root-nfs-note").get_text() == "No server any more")


def test_directories_that_never_answer_take_no_more_than_some_threads(opened, monkeypatch):
    from vmroot_virtmanager import background, inspection

    answers = threading.Event()
    looks = []

    def stuck(spec, _uuid, _cancellable):
        looks.append(spec.get_directory())
        answers.wait()
        return inspection.Inspection(spec.get_directory())

    monkeypatch.setattr(inspection, "inspect", stuck)
    monkeypatch.setattr(background, "MOST_AT_ONCE", 3)
    page = opened(Guest())
    for number in range(20):
        use(page, f"/srv/{number}")
        page._look()

    assert len(background._waiting) <= 1
    assert threading.active_count() <= 4
    answers.set()
    run_until(lambda: page._found)
    assert page._found.directory == "/srv/19"
    assert len(looks) <= 4


def test_looking_into_a_slow_directory_does_not_hold_up_the_page(opened, tree, monkeypatch):
    from vmroot_virtmanager import inspection

    answers = threading.Event()

    def slow(spec, uuid, cancellable):
        answers.wait()
        return inspection.Inspection(spec.get_directory())

    monkeypatch.setattr(inspection, "inspect", slow)
    page = opened(Guest())
    use(page, tree())
    run_until(lambda: widget(page, "root-spinner").get_visible())

    from gi.repository import GLib

    context = GLib.MainContext.default()
    longest = 0
    end = time.monotonic() + 1
    while time.monotonic() < end:
        began = time.monotonic()
        context.iteration(False)
        longest = max(longest, time.monotonic() - began)
    answers.set()

    assert longest < 0.5


def test_only_the_last_look_counts(opened, tree):
    first, second = tree("first"), tree("second")
    page = opened(Guest())
    use(page, first)
    page._look()
    widget(page, "root-directory").set_text(str(second))
    page._look()

    run_until(lambda: page._found)

    assert page._found.directory == str(second)


def test_opening_and_closing_leaves_nothing_behind(gtk, tree, monkeypatch):
    from gi.repository import GLib
    from vmroot_virtmanager import transport
    from vmroot_virtmanager.page import RootPage

    # Which runs virtiofsd to ask what it is, each time.
    monkeypatch.setattr(transport, "obstacles", lambda _cancellable: {})

    root = tree()
    pages, finalized = [], []
    for _count in range(200):
        page = RootPage(Guest())
        page.refresh()
        use(page, root)
        page._shares.add_empty()
        pages.append(weakref.ref(page))
        for name in ("vmroot-root-page", "root-options", "root-shares", "root-kernel"):
            widget(page, name).weak_ref(finalized.append, name)
        page.cleanup()
        del page
    run_until(lambda: threading.active_count() == 1)
    run_until(lambda: not GLib.MainContext.default().iteration(False))
    gc.collect()

    assert [page for page in pages if page() is not None] == []
    assert len(finalized) == 800


def test_labels_are_on_the_other_side_where_people_read_from_right_to_left(gtk):
    from vmroot_virtmanager.page import RootPage

    def places(direction):
        gtk.Widget.set_default_direction(direction)
        page = RootPage(Guest())
        page.refresh()
        window = gtk.Window(default_width=1000, default_height=800)
        window.add(page.widget)
        use(page, "/srv/web")
        window.show()
        run_until(lambda: widget(page, "root-directory").get_allocated_width() > 1)
        entry, browse = (
            widget(page, name).translate_coordinates(window, 0, 0)[0]
            for name in ("root-directory", "root-browse")
        )
        page.cleanup()
        window.destroy()
        return entry, browse

    entry, browse = places(gtk.TextDirection.LTR)
    assert entry < browse
    try:
        entry, browse = places(gtk.TextDirection.RTL)
    finally:
        gtk.Widget.set_default_direction(gtk.TextDirection.LTR)
    assert browse < entry


def test_every_control_has_a_name_and_can_be_reached(opened, gtk, tree):
    page = opened(Guest())
    use(page, tree())
    page._shares.add_empty()
    page._tmpfs.add_empty()
    controls = (gtk.Entry, gtk.Button, gtk.ComboBox, gtk.Expander)

    def walk(parent):
        for child in parent.get_children():
            if isinstance(child, controls):
                yield child
            if isinstance(child, gtk.Container) and not isinstance(child, gtk.ComboBox):
                yield from walk(child)

    found = list(walk(page.widget))

    assert len(found) > 15
    assert [c for c in found if not (c.get_accessible().get_name() and c.get_can_focus())] == []


MILLION = 1_000_000
MEMORY_FOR_A_MILLION = 2 << 30


@pytest.fixture
def tree_of_a_million_files(tree):
    """In memory, where links to one file are made fastest; each is a file of its own to whoever
    walks through the tree."""
    memory = pathlib.Path("/dev/shm")
    space = os.statvfs(memory)
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if space.f_favail < 1.1 * MILLION or free < MEMORY_FOR_A_MILLION:
        pytest.skip(f"{memory} has no room for a million files: 2 GiB of free memory are needed")

    directory = pathlib.Path(tempfile.mkdtemp(prefix="vmroot-million-", dir=memory))
    root = directory / "root"
    shutil.copytree(tree(), root, symlinks=True)
    (root / "file").write_text("")
    for number in range(1000):
        (root / f"many/{number}").mkdir(parents=True)
        here = os.open(root / f"many/{number}", os.O_RDONLY)
        for name in range(1000):
            os.link(root / "file", str(name), dst_dir_fd=here)
        os.close(here)
    yield root
    subprocess.run(["rm", "-rf", str(directory)], check=True)


def test_page_stays_live_over_a_million_files(opened, tree_of_a_million_files):
    from gi.repository import GLib

    page = opened(Guest())
    context = GLib.MainContext.default()
    longest = 0
    use(page, tree_of_a_million_files)

    deadline = time.monotonic() + 120
    while not page._size:
        assert time.monotonic() < deadline
        began = time.monotonic()
        context.iteration(False)
        longest = max(longest, time.monotonic() - began)
        time.sleep(0.001)

    note = widget(page, "root-directory-note").get_text()
    assert note.startswith("Debian GNU/Linux 12") and "kernel" in note
    assert longest < 0.5


def test_folder_is_shown_by_the_file_manager(opened, tree, monkeypatch):
    from vmroot_virtmanager import directory

    shown = []
    app_info = type("AppInfo", (), {"launch_default_for_uri": shown.append})
    monkeypatch.setattr(directory.Gio, "AppInfo", app_info)
    root = tree("a folder")
    page = opened(Guest())
    use(page, root)

    widget(page, "root-open-folder").clicked()

    assert shown == [root.as_uri()]


def test_folder_that_cannot_be_shown_is_said(opened, tmp_path):
    page = opened(Guest())
    use(page, tmp_path / "nowhere")

    page._directory.open_folder(None)

    assert widget(page, "root-status").get_text()


def test_every_part_is_cleaned_up_even_where_one_fails(gtk, monkeypatch):
    from vmroot_virtmanager.page import RootPage

    guest = Guest()
    page = RootPage(guest)
    cleaned = []
    for part in (page._directory, page._transport, guest):
        monkeypatch.setattr(part, "cleanup", lambda part=part: cleaned.append(part))
    monkeypatch.setattr(page._served, "cleanup", lambda: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        page.cleanup()

    assert len(cleaned) == 3
    assert not page.widget.get_realized() and page.widget.get_children() == []


def test_folder_of_another_host_cannot_be_shown(opened):
    page = opened(Guest(remote=True))
    use(page, "/srv/roots/web")

    button = widget(page, "root-open-folder")
    assert not button.get_sensitive()
    assert "guest's host" in button.get_tooltip_text()
