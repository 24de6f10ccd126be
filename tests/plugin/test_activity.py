# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel counts for a guest's virtiofsd, on a /proc of our own making."""

import pytest

from vmroot_virtmanager.activity import (
    Activity,
    ExportCounter,
    VirtiofsdCounter,
    find_servers,
    read_export_stats,
)


@pytest.fixture
def proc(tmp_path):
    def add(pid, *arguments, read=0, written=0):
        directory = tmp_path / str(pid)
        directory.mkdir(exist_ok=True)
        (directory / "cmdline").write_bytes(b"".join(a.encode() + b"\0" for a in arguments))
        (directory / "io").write_text(f"rchar: {read}\nwchar: {written}\nsyscr: 1\n")
        return tmp_path

    return add


def test_both_dialects_of_virtiofsd_are_found(proc):
    proc(1, "/sbin/init")
    proc(20, "/usr/lib/qemu/virtiofsd", "--fd=30", "-o", "source=/export/web,cache=auto")
    proc(21, "/usr/libexec/virtiofsd", "--fd=30", "--shared-dir", "/export/web")
    proc(22, "/usr/libexec/virtiofsd", "--fd=30", "--shared-dir", "/export/web2")
    root = proc(23, "/bin/cat", "source=/export/web")

    assert sorted(find_servers(["/export/web"], root)) == [20, 21]


def test_rates_are_those_of_the_time_between(proc):
    root = proc(20, "virtiofsd", read=1000, written=500)
    proc(21, "virtiofsd")
    now = [100.0]
    activity = Activity(VirtiofsdCounter([20, 21], root), lambda: now[0])

    now[0] += 2
    proc(20, "virtiofsd", read=3000, written=500)
    proc(21, "virtiofsd", read=2000, written=40)
    activity.sample()

    assert activity.reads[-1] == 2000
    assert activity.writes[-1] == 20
    assert max(activity.scaled()) == 1


def test_counts_that_may_not_be_read_are_not_known(proc):
    root = proc(20, "virtiofsd")
    (root / "20/io").unlink()

    assert not Activity(VirtiofsdCounter([20], root)).known
    assert not Activity(VirtiofsdCounter([], root)).known


def test_server_that_ended_is_not_known_any_more(proc):
    root = proc(20, "virtiofsd")
    activity = Activity(VirtiofsdCounter([20], root))
    assert activity.known

    (root / "20/io").unlink()
    activity.sample()

    assert not activity.known


STATS = """#path domain start-time
#	stats
/export/web	192.168.122.2	1732464000
	fh_stale: 0
	io_read: 8192
	io_write: 512

/export/a\\040b	192.168.122.3	1732464001
	fh_stale: 1
	io_read: 7
	io_write: 9

"""


def test_statistics_of_the_nfs_server():
    assert read_export_stats(STATS.encode()) == {
        ("/export/web", "192.168.122.2"): (8192, 512),
        ("/export/a b", "192.168.122.3"): (7, 9),
    }


def test_exports_to_the_guest_are_added_up(tmp_path):
    file = tmp_path / "export_stats"
    file.write_text(STATS + STATS.replace("/export/web", "/srv/pkgs"))

    counter = ExportCounter(["/export/web", "/srv/pkgs", "/unused"], "192.168.122.2", file)

    assert counter.read() == (16384, 1024)


def test_exports_are_counted_by_address_without_its_prefix(gtk, monkeypatch):
    from gi.repository import Vmroot
    from vmroot_virtmanager import served

    asked = []
    monkeypatch.setattr(served, "ExportCounter", lambda *arguments: asked.append(arguments))
    spec = Vmroot.Spec.new("/export/web")
    spec.set_transport(Vmroot.Transport.NFS)
    spec.set_address("192.168.122.2/24")

    served._counter(spec)

    assert asked == [(["/export/web"], "192.168.122.2")]


def test_host_without_nfs_server_is_not_known(tmp_path):
    assert not Activity(ExportCounter(["/export/web"], "192.168.122.2", tmp_path / "none")).known


def contrast(color, ground):
    """As WCAG 2.1 defines it."""

    def luminance(text):
        channels = (value / 255 for value in bytes.fromhex(text.lstrip("#")))
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear))

    lower, higher = sorted(map(luminance, (color, ground)))
    return (higher + 0.05) / (lower + 0.05)


@pytest.mark.parametrize(("text", "ground"), [("#2e3436", "#ffffff"), ("#eeeeec", "#2d2d2d")])
def test_rates_can_be_read_on_the_ground_of_the_theme(gtk, text, ground):
    from vmroot_virtmanager.served import colors

    label = gtk.Label()
    theme = gtk.CssProvider()
    theme.load_from_data(f"* {{ color: {text}; background: {ground} }}".encode())
    label.get_style_context().add_provider(theme, gtk.STYLE_PROVIDER_PRIORITY_USER)

    assert [color for color in colors(label) if contrast(color, ground) < 4.5] == []
