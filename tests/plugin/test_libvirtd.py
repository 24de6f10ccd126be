# SPDX-License-Identifier: GPL-2.0-or-later
"""The page on a real libvirtd, of a host that is nobody else's; with a guest that really runs."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

import desktop as desktop_module
import namespaces
import private_host
import trees
from shown_page import LOOKS, Page
from virt_manager import until

# Before the desktop has a cache directory of its own.
BUSYBOX = trees.path(trees.BUSYBOX)
NETWORK = """<network>
  <name>default</name>
  <bridge name='vmroot-test'/>
  <ip address='192.168.122.1' netmask='255.255.255.0'>
    <dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp>
  </ip>
</network>
"""


@pytest.fixture(scope="session")
def host():
    kernel = next(BUSYBOX.glob("boot/vmlinuz-*"))
    domain_type = "kvm" if private_host.kvm_works(kernel) else "qemu"
    pictures = os.environ["VMROOT_SCREENSHOTS"]
    os.makedirs(pictures, exist_ok=True)
    host = private_host.PrivateHost(
        os.environ["VMROOT_BUILD"], os.environ["VMROOT_WORK"], domain_type, keep=[pictures]
    )
    host.start()
    # Which asks every QEMU what it can do: virt-manager would stand still meanwhile.
    host.virsh("domcapabilities", "--virttype", domain_type)
    yield host
    host.stop()


@pytest.fixture(scope="session", autouse=True)
def desktop(host, tmp_path_factory):
    """Started after the host has changed this process's root: sockets made before are elsewhere."""
    missing = desktop_module.missing()
    if missing:
        pytest.skip("missing here, install: " + " ".join(missing))
    with desktop_module.desktop(tmp_path_factory.mktemp("home")) as display:
        yield display


@pytest.fixture
def guest(host):
    """A guest that is defined, and a tree for it."""
    tree = private_host.TREES / "web"
    trees.copy(BUSYBOX, tree)
    trees.install_probe(tree, pathlib.Path(os.environ["VMROOT_PROBE"]))
    guest = private_host.Guest(
        host,
        "web",
        tree,
        memory=256,
        arguments=f"{private_host.ARGUMENTS} quiet guest-probe=brief",
    )
    guest.define()
    yield guest
    guest.remove()
    trees.remove(tree)


@pytest.fixture
def page(virt_manager):
    return lambda look="light": Page(virt_manager(uri=private_host.URI, **LOOKS[look]))


@pytest.fixture
def photograph_all(page, photograph):
    """Takes a picture in every look, each in a virt-manager of its own: the last of them stays.
    `ready` waits for what is to be on the pictures."""

    def shoot(shown, name, ready):
        for look in reversed(LOOKS):
            shown.app.close()
            shown = page(look)
            ready(shown)
            photograph(f"{look}-{name}")
        return shown

    return shoot


def test_apply_writes_what_the_command_writes(page, guest, photograph):
    before = guest.definition()
    shown = page()

    shown.use(guest.tree)
    shown.page.find("label", lambda name: name.startswith("BusyBox") and "kernel 6.1" in name)
    shown.page.find("label", lambda name: name.startswith("The guest starts"))
    warning = "Warning: Users of this host can reach what the guest writes"
    shown.scroll_to("toggle button", warning).click()
    shown.scroll_to("push button", "Copy the command")
    photograph("light-warning")
    shown.apply()
    shown.applied()

    until(lambda: f"{guest.tree}: BusyBox" in shown.headline, "the tree in the headline")
    by_page = guest.definition()
    guest.host.vmroot("remove", guest.name)
    assert guest.definition() == before
    guest.apply()
    assert by_page == guest.definition()


def test_switching_off_restores_the_definition(page, guest):
    before = guest.definition()
    guest.apply()
    shown = page()

    shown.switch()
    shown.apply()
    shown.applied()

    assert guest.definition() == before


def test_another_program_changes_the_root_meanwhile(page, guest, photograph):
    shown = page()
    shown.use(guest.tree)
    theirs = private_host.TREES / "theirs"
    theirs.mkdir()
    guest.host.vmroot("apply", guest.name, "--directory", str(theirs))

    shown.apply()
    dialog = shown.app.dialog("changed meanwhile")
    photograph("light-conflict")
    dialog.find("push button", "Close").click()

    assert shown.directory.text == str(guest.tree)
    shown.cancel()
    shown.applied()
    until(lambda: str(theirs) in shown.headline, "their directory")
    assert shown.directory.text == str(theirs)


@pytest.fixture
def read_only_definitions():
    """libvirt can define nothing: as on a disk that is full, or broken."""
    mount = pathlib.Path("/etc/libvirt/qemu")
    namespaces.mount("--bind", str(mount), str(mount))
    namespaces.mount("-o", "remount,bind,ro", str(mount))
    yield
    subprocess.run(["umount", mount], check=True)


def test_libvirt_itself_refuses(page, guest, read_only_definitions):
    before = guest.definition()
    shown = page()
    shown.use(guest.tree)

    shown.apply()
    shown.app.dialog("Read-only file system").find("push button", "Close").click()

    assert shown.directory.text == str(guest.tree)
    assert shown.window.find("push button", "config-apply").sensitive
    assert guest.definition() == before


# Prints how many pages and panels there are when it is asked to.
COUNTER = """
import gc, signal, sys


def count(*_args):
    gc.collect()
    kinds = [type(one).__name__ for one in gc.get_objects()]
    print("counted:", kinds.count("RootPage"), kinds.count("RootDetails"), file=sys.stderr, flush=True)


signal.signal(signal.SIGUSR1, count)
"""


def test_page_goes_with_the_window_of_a_guest_that_is_no_more(virt_manager, guest, tmp_path):
    (tmp_path / "usercustomize.py").write_text(COUNTER)
    app = virt_manager(uri=private_host.URI, PYTHONPATH=str(tmp_path))
    shown = Page(app)
    shown.use(guest.tree)
    shown.page.find("label", lambda name: name.startswith("BusyBox"))
    # virt-manager ends with its last window.
    shown.window.find_all("menu item", "View Manager", hidden=True)[0].do()
    app.window("Virtual Machine Manager")

    def counted():
        def answers():
            return re.findall("counted: (.*)", app.output)

        before = len(answers())
        os.kill(app.pid, signal.SIGUSR1)
        return until(lambda: answers()[before:], "the counts")[0]

    assert counted() == "1 1"

    guest.host.virsh("undefine", guest.name)

    app.lacks("frame", lambda name: name.startswith(guest.name))
    until(lambda: counted() == "0 0", "a window that leaves nothing behind")


@pytest.fixture
def network(host, tmp_path):
    (tmp_path / "network.xml").write_text(NETWORK)
    host.virsh("net-define", str(tmp_path / "network.xml"))
    host.virsh("net-start", "default")

    def reserved():
        xml = ElementTree.fromstring(host.virsh("net-dumpxml", "default").stdout)
        return [entry.get("ip") for entry in xml.iter("host")]

    yield reserved
    host.virsh("net-destroy", "default")
    host.virsh("net-undefine", "default")


@pytest.fixture
def nfs_server(tmp_path):
    """What the kernel says of an NFS server, as this host sees it. Nothing is exported."""
    namespaces.mount("-t", "tmpfs", "tmpfs", "/proc/fs")
    server = pathlib.Path("/proc/fs/nfsd")
    server.mkdir()
    (server / "threads").write_text("8\n")
    (server / "versions").write_text("-2 +3 +4 +4.1 +4.2\n")
    yield
    subprocess.run(["umount", "/proc/fs"], check=True)


def test_address_for_nfs_is_reserved_and_given_back(
    page, guest, network, nfs_server, photograph_all
):
    before = guest.definition()
    shown = page()
    shown.use(guest.tree)
    shown.page.find("radio button", "NFS").click()
    shown.page.find("combo box", "Network")
    shown.apply()
    shown.applied()

    (address,) = network()
    assert any(f'address="{address}/24"' in line for line in guest.definition())
    shown = photograph_all(
        shown,
        "nfs",
        lambda one: one.page.find(
            "label", lambda name: name.startswith(f"{address}/24 is reserved for")
        ),
    )

    shown.switch()
    shown.apply()
    shown.applied()

    assert network() == []
    assert guest.definition() == before


def test_running_guest(page, guest, photograph_all):
    guest.apply()
    guest.boot()
    shown = page()

    text = until(lambda: shown.labels("is served to web since"), "what is served")[0]
    assert str(guest.tree) in text

    def wait_for_bytes(one):
        def busy():
            guest.line.ask("write /var/lib/busy " + 400 * "x")
            return [
                rates
                for rates in one.labels("/s written")
                if not re.search(r"\b0\sbytes/s written", rates)
            ]

        until(busy, "a guest that writes")

    shown = photograph_all(shown, "served", wait_for_bytes)

    guest.power_off()

    shown.page.lacks("label", lambda name: "is served to" in name)
    shown.page.lacks("label", lambda name: "guest is running" in name)


def test_guest_that_starts_while_it_is_edited(page, guest):
    guest.apply()
    shown = page()
    shown.page.find("text", "Kernel args").text = "quiet"

    guest.boot()

    until(lambda: shown.labels("guest is running"), "a guest that runs")
    until(lambda: shown.labels("is served to web since"), "what is served")
    assert shown.page.find("text", "Kernel args").text == "quiet"
    with contextlib.suppress(private_host.GuestFailed):
        guest.destroy()
