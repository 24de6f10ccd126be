# SPDX-License-Identifier: GPL-2.0-or-later

import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import desktop as desktop_module  # noqa: E402

DATA = pathlib.Path(__file__).parent / "data"


@pytest.fixture(scope="session", autouse=True)
def desktop(tmp_path_factory):
    missing = desktop_module.missing()
    if missing:
        pytest.skip("missing here, install: " + " ".join(missing))
    home = tmp_path_factory.mktemp("home")
    with desktop_module.desktop(home):
        yield home


@pytest.fixture
def node(tmp_path):
    """Makes the file behind a connection of libvirt's test driver, with one guest."""

    def make(name="web", running=False):
        path = tmp_path / "node.xml"
        text = (DATA / "guest.xml").read_text()
        path.write_text(text.replace("@name@", name).replace("@state@", "1" if running else "5"))
        return path

    return make


@pytest.fixture
def virt_manager(desktop, node, tmp_path):
    """Starts virt-manager, and ends it with the test."""
    from virt_manager import VirtManager, fake_kvm

    started = []

    def start(launcher=None, guest="web", uri=None, running=False, remote=False, **kwargs):
        app = VirtManager(
            launcher or [os.environ["VMROOT_LAUNCHER"]],
            uri or fake_kvm(node(running=running), remote),
            tmp_path,
            **{"arguments": ["--show-domain-editor", guest], **kwargs},
        )
        started.append(app)
        return app

    yield start
    for app in started:
        app.close()


def take_picture(name):
    directory = pathlib.Path(os.environ["VMROOT_SCREENSHOTS"])
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}.png"
    # Without a window manager, windows are in the corner.
    subprocess.run(
        [
            *["import", "-window", "root", "-trim", "+repage"],
            *["+dither", "-colors", "256", f"PNG8:{path}"],
        ],
        check=True,
    )
    return path


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """What was on the screen when a test failed is beside the other pictures."""
    outcome = yield
    if outcome.get_result().failed and "DISPLAY" in os.environ:
        take_picture("failed-" + item.name.replace("/", "-"))


@pytest.fixture
def gtk(desktop):
    """What can be imported once there is a display."""
    import gi

    gi.require_version("Gtk", "3.0")
    gi.require_version("Vmroot", "1.0")
    from gi.repository import Gtk

    return Gtk


@pytest.fixture
def opened(gtk):
    """Makes a page that shows `guest`."""
    from vmroot_virtmanager.page import RootPage

    pages = []

    def make(guest):
        page = RootPage(guest)
        page.refresh()
        pages.append(page)
        return page

    yield make
    for page in pages:
        page.cleanup()


RELEASE = "6.1.0-50-amd64"
MODULES = (
    "fs/fuse/fuse",
    "fs/fuse/virtiofs",
    "fs/overlayfs/overlay",
    "drivers/virtio/virtio",
    "drivers/virtio/virtio_ring",
    "drivers/virtio/virtio_pci",
)


def kernel_image():
    """The header of Linux on x86, as Documentation/arch/x86/boot.rst has it."""
    image = bytearray(2048)
    image[0x202:0x206] = b"HdrS"
    image[0x20E:0x210] = (0x200).to_bytes(2, "little")
    release = f"{RELEASE} (builder@host) #1 SMP".encode()
    image[0x400 : 0x400 + len(release)] = release
    return bytes(image)


@pytest.fixture
def tree(tmp_path):
    """What vmroot looks at in a Debian."""

    def make(name="root"):
        root = tmp_path / name
        modules = root / "usr/lib/modules" / RELEASE
        for directory in (modules, root / "boot", root / "usr/sbin", root / "etc"):
            directory.mkdir(parents=True)
        (root / "lib").symlink_to("usr/lib")
        (root / "sbin").symlink_to("usr/sbin")
        (root / "etc/os-release").write_text(
            'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'
        )
        (root / "usr/sbin/init").write_bytes(pathlib.Path("/bin/true").read_bytes())
        (root / "usr/sbin/init").chmod(0o755)
        (root / f"boot/vmlinuz-{RELEASE}").write_bytes(kernel_image())
        for module in MODULES:
            path = modules / f"kernel/{module}.ko"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"\177ELF")
        (modules / "modules.dep").write_text(
            "".join(f"kernel/{module}.ko:\n" for module in MODULES)
        )
        (modules / "modules.builtin").write_text("")
        return root

    return make


@pytest.fixture
def vmroot():
    """The command, with XML in and XML out."""

    def run(*arguments, stdin=""):
        return subprocess.run(
            [os.environ["VMROOT"], *arguments],
            input=stdin,
            text=True,
            stdout=subprocess.PIPE,
            check=True,
        ).stdout

    return run


@pytest.fixture
def photograph():
    """Takes a picture for people to look at, into the build directory."""

    def shoot(name):
        assert take_picture(name).stat().st_size > 5000

    return shoot
