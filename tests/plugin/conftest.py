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
    from virt_manager import VirtManager

    started = []

    def start(launcher=None, guest="web", running=False, **kwargs):
        launcher = launcher or [os.environ["VMROOT_LAUNCHER"]]
        app = VirtManager(launcher, node(running=running), tmp_path,
                          arguments=["--show-domain-editor", guest], **kwargs)
        started.append(app)
        return app

    yield start
    for app in started:
        app.close()


@pytest.fixture
def tree(tmp_path):
    """The least that is a root directory with a kernel."""
    def make(name="root"):
        root = tmp_path / name
        modules = root / "usr/lib/modules/6.1.0-50-amd64"
        for directory in (modules, root / "boot", root / "sbin", root / "etc"):
            directory.mkdir(parents=True)
        (root / "etc/os-release").write_text(
            'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
        (root / "sbin/init").write_bytes(pathlib.Path("/bin/true").read_bytes())
        (root / "sbin/init").chmod(0o755)
        (root / "boot/vmlinuz-6.1.0-50-amd64").write_bytes(b"kernel")
        (modules / "modules.dep").write_text("")
        (modules / "modules.builtin").write_text("")
        return root
    return make


@pytest.fixture
def vmroot():
    """The command, with XML in and XML out."""
    def run(*arguments, stdin=""):
        return subprocess.run([os.environ["VMROOT"], *arguments], input=stdin, text=True,
                              stdout=subprocess.PIPE, check=True).stdout
    return run
