# SPDX-License-Identifier: GPL-2.0-or-later
"""Each choice of the page by itself: it is written, shown again, and nobody else's is overwritten."""

import pytest

from lone_page import Guest, definition, described, run_until, use, widget

RELEASE = "6.1.0-50-amd64"


def with_root(directory, change=lambda spec: None, xml=None):
    """A definition with a root, changed by `change`."""
    from gi.repository import Vmroot

    spec = Vmroot.Spec.new(str(directory))
    change(spec)
    domain = Vmroot.Domain.new_from_xml(xml or definition())
    domain.set_spec(spec)
    return domain.to_xml()


def looked(page):
    """Once it is known what is in the directory."""
    run_until(lambda: page._found)
    return page


@pytest.mark.parametrize(
    ("access", "read_only", "ephemeral"),
    [("read-write", False, False), ("read-only", True, False), ("ephemeral", False, True)],
)
def test_access(opened, tree, access, read_only, ephemeral):
    page = opened(Guest())
    use(page, tree())

    page._access.choose(access)

    xml = page.changed_xml()
    spec = described(xml)
    assert (spec.get_read_only(), spec.get_ephemeral()) == (read_only, ephemeral)
    assert opened(Guest(xml))._access.chosen == access


def test_fixed_kernel(opened, tree):
    page = opened(Guest())
    use(page, tree())
    looked(page)
    assert described(page.changed_xml()).get_kernel() is None

    page._boot._kernel.choose(RELEASE)

    xml = page.changed_xml()
    assert described(xml).get_kernel() == RELEASE
    assert looked(opened(Guest(xml)))._boot._kernel.chosen == RELEASE


def test_fixed_kernel_that_is_not_in_the_tree_is_kept(opened, tree):
    xml = with_root(tree(), lambda spec: spec.set_kernel("5.0.0-gone"))
    page = looked(opened(Guest(xml)))

    assert widget(page, "root-kernel-model")[-1][1] == "5.0.0-gone (not in the tree)"
    assert page.changed_xml() == xml


def test_boot_image_of_the_guest(opened, tree):
    from gi.repository import Vmroot

    root = tree()
    (root / f"boot/initrd.img-{RELEASE}").write_bytes(b"070701")
    page = opened(Guest())
    use(page, root)
    looked(page)

    page._boot._image.choose("guest")

    xml = page.changed_xml()
    assert described(xml).get_boot_source() == Vmroot.BootSource.GUEST
    assert looked(opened(Guest(xml)))._boot._image.chosen == "guest"


def test_boot_image_that_the_tree_does_not_have_is_greyed(opened, tree):
    page = opened(Guest())
    use(page, tree())
    looked(page)

    assert [(row[0], row[2]) for row in page._boot._image._model] == [("vmroot", True), ("guest", False)]


def test_rows_are_removed(opened, tree):
    page = opened(Guest())
    use(page, tree())
    for name in ("first", "second"):
        page._shares.add(f"/srv/{name}", f"/mnt/{name}")
        page._tmpfs.add(f"/var/{name}")

    for rows in page._shares, page._tmpfs:
        rows._rows[0][1][-1].clicked()

    spec = described(page.changed_xml())
    assert [share.get_directory() for share in spec.list_shares()] == ["/srv/second"]
    assert [tmpfs.get_mount_point() for tmpfs in spec.list_tmpfs()] == ["/var/second"]


def test_size_that_is_no_whole_number_of_mib(opened, tree):
    from gi.repository import Vmroot

    size = 64 * 1024 * 1024 + 1
    xml = with_root(tree(), lambda spec: spec.add_tmpfs(Vmroot.Tmpfs.new("/var/tmp", size)))
    page = opened(Guest(xml))
    assert page.changed_xml() == xml

    page._tmpfs._rows[0][1][1].set_text("128")

    assert described(page.changed_xml()).list_tmpfs()[0].get_size() == 128 * 1024 * 1024


# What another client may have changed


def add_share(spec):
    from gi.repository import Vmroot

    spec.add_share(Vmroot.Share.new("/srv/theirs", "/srv", False))


def add_tmpfs(spec):
    from gi.repository import Vmroot

    spec.add_tmpfs(Vmroot.Tmpfs.new("/var/tmp", 1 << 20))


@pytest.mark.parametrize(
    "change",
    [
        lambda spec: spec.set_read_only(True),
        lambda spec: spec.set_kernel_args("theirs"),
        add_share,
        add_tmpfs,
        lambda spec: spec.set_run_file("theirs", "text"),
    ],
    ids=["property", "arguments", "share", "tmpfs", "run-file"],
)
def test_no_change_of_another_client_is_overwritten(opened, tree, change):
    from vmroot_virtmanager.definition import Conflict

    root = tree()
    guest = Guest(with_root(root))
    page = opened(guest)
    page.changed_xml()
    guest.xml = with_root(root, change)

    with pytest.raises(Conflict):
        page.changed_xml()


def test_nothing_is_dropped_on_what_a_later_vmroot_wrote(opened, tree):
    later = with_root(tree()).replace('version="1"', 'version="99"', 1)
    page = opened(Guest(later))

    class Dropped:
        def get_uris(self):
            return ["file:///srv/other"]

    page._directory._dropped(page.widget, None, 0, 0, Dropped(), 0, 0)

    assert not widget(page, "root-enable").get_active()
    assert widget(page, "root-directory").get_text() != "/srv/other"


def test_page_takes_what_is_dropped(opened):
    from gi.repository import Gdk

    page = opened(Guest())

    targets = page.widget.drag_dest_get_target_list()
    assert targets.find(Gdk.Atom.intern("text/uri-list", False))[0]


# What the guest boots from without a root of ours


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("<source file='/srv/images/web.img'/>", "/srv/images/web.img"),
        ("<source dev='/dev/vg/web'/>", "/dev/vg/web"),
        ("<source pool='default' volume='web.qcow2'/>", "web.qcow2"),
        ("<source protocol='rbd' name='pool/web'/>", "pool/web"),
    ],
)
def test_disk_is_named(gtk, source, named):
    from vmroot_virtmanager.definition import Definition

    xml = f"<domain><os/><devices><disk device='cdrom'/><disk>{source}</disk></devices></domain>"

    assert Definition(xml).boots_from() == f"The guest boots from the disk {named}."
