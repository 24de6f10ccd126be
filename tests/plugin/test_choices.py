# SPDX-License-Identifier: GPL-2.0-or-later
"""Each choice of the page by itself: it is written, shown again, and nobody else's is overwritten."""

import pytest

from lone_page import Guest, described, looked, use, widget, with_root

RELEASE = "6.1.0-50-amd64"


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


def test_read_only_and_ephemeral_at_once_is_kept(opened, tree):
    def both(spec):
        spec.set_read_only(True)
        spec.set_ephemeral(True)

    page = opened(Guest(with_root(tree(), both)))
    widget(page, "root-kernel-args").set_text("quiet")

    spec = described(page.changed_xml())
    assert (spec.get_read_only(), spec.get_ephemeral()) == (True, True)

    page._access.choose("read-only")
    spec = described(page.changed_xml())
    assert (spec.get_read_only(), spec.get_ephemeral()) == (True, False)


def test_blanks_at_the_ends_of_a_name_are_kept_where_it_had_them(opened, tmp_path):
    from gi.repository import Vmroot

    directory = tmp_path / "web "
    directory.mkdir()
    share = Vmroot.Share.new(f"{directory}/share ", "/mnt ", False)
    xml = with_root(directory, lambda spec: spec.add_share(share))
    page = opened(Guest(xml))

    widget(page, "root-kernel-args").set_text(" quiet ")

    spec = described(page.changed_xml())
    assert spec.get_directory() == str(directory)
    assert [(one.get_directory(), one.get_mount_point()) for one in spec.list_shares()] == [
        (f"{directory}/share ", "/mnt ")
    ]
    assert spec.get_kernel_args() == "quiet"
    # What is typed or pasted has none.
    widget(page, "root-directory").set_text(f" {tmp_path}/other ")
    assert described(page.changed_xml()).get_directory() == f"{tmp_path}/other"


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


def test_kernel_of_a_tree_on_another_host_is_typed(opened):
    page = opened(Guest(remote=True))
    use(page, "/srv/web")
    version = widget(page, "root-kernel-version")
    assert version.get_visible() and not widget(page, "root-kernel").get_visible()
    assert described(page.changed_xml()).get_kernel() is None

    version.set_text(RELEASE)

    xml = page.changed_xml()
    assert described(xml).get_kernel() == RELEASE
    again = opened(Guest(xml, remote=True))
    assert widget(again, "root-kernel-version").get_text() == RELEASE
    assert again.changed_xml() == xml


def test_kernel_of_a_closed_directory_is_typed(opened, tree, monkeypatch):
    from vmroot_virtmanager import inspection

    xml = with_root(tree(), lambda spec: spec.set_kernel("5.0.0-fixed"))
    page = looked(opened(Guest(xml)))
    assert not widget(page, "root-kernel-version").get_visible()

    monkeypatch.setattr(inspection, "_unreadable", lambda _directory: "It is closed.")
    page = looked(opened(Guest(xml)))

    # Nobody knows whether it is in the tree.
    assert widget(page, "root-kernel-version").get_text() == "5.0.0-fixed"
    assert page.changed_xml() == xml
    monkeypatch.undo()
    page._found = None
    widget(page, "root-check-again").clicked()
    looked(page)
    assert not widget(page, "root-kernel-version").get_visible()
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


def test_size_that_is_larger_than_any_memory_is_kept(opened, tree):
    from gi.repository import Vmroot

    xml = with_root(tree(), lambda spec: spec.add_tmpfs(Vmroot.Tmpfs.new("/var/tmp", 1 << 50)))

    assert opened(Guest(xml)).changed_xml() == xml


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


# What the guest boots from without a root of ours


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("<source protocol='nbd'><host name='nbd.example'/></source><target dev='vda'/>", "nbd.example"),
        ("<source protocol='nbd'/><target dev='vda'/>", "vda"),
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


FIRST_DISK = "<disk><source file='/first'/><target dev='vda'/></disk>"
ORDERED_DISK = "<disk><boot order='2'/><source file='/ordered'/><target dev='vdb'/></disk>"
MEDIUM = "<disk device='cdrom'><source file='/install.iso'/><target dev='sda'/></disk>"
INTERFACE = "<interface type='user'/>"
FIRST_INTERFACE = "<interface type='user'><boot order='1'/></interface>"


@pytest.mark.parametrize(
    ("boot", "devices", "said"),
    [
        ("", FIRST_DISK + ORDERED_DISK, "boots from the disk /ordered."),
        ("", FIRST_DISK + ORDERED_DISK + FIRST_INTERFACE, "boots from the network."),
        ("<boot dev='network'/><boot dev='hd'/>", FIRST_DISK + INTERFACE, "boots from the network."),
        ("<boot dev='network'/><boot dev='hd'/>", FIRST_DISK, "boots from the disk /first."),
        ("<boot dev='cdrom'/>", FIRST_DISK + MEDIUM, "boots from the medium /install.iso."),
        ("<boot dev='cdrom'/><boot dev='hd'/>", "<disk device='cdrom'/>" + FIRST_DISK, "disk /first."),
        ("", INTERFACE, "has no disk to boot from; it may boot from the network."),
        ("", "<hostdev><boot order='1'/></hostdev>", "a device that is passed through to it."),
        ("<boot dev='hd'/>", "", "has nothing to boot from."),
        ("<kernel>/boot/vmlinuz</kernel>", FIRST_DISK, "boots from the kernel /boot/vmlinuz."),
    ],
)
def test_what_comes_first_is_named(gtk, boot, devices, said):
    from vmroot_virtmanager.definition import Definition

    xml = f"<domain><os>{boot}</os><devices>{devices}</devices></domain>"

    assert Definition(xml).boots_from().endswith(said)
