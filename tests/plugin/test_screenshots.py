# SPDX-License-Identifier: GPL-2.0-or-later
"""Pictures of the states of the page, for people to look at: in the build directory. Those that take
a real libvirtd are of test_libvirtd.py."""

import os
import re

import pytest

from shown_page import AS_A_USER, LOOKS, Page
from virt_manager import fake_kvm


@pytest.mark.parametrize("look", LOOKS)
def test_states(virt_manager, tree, tmp_path, photograph, look):
    root = tree("web")
    shown = Page(virt_manager(**LOOKS[look]))
    photograph(f"{look}-disk")

    shown.use(root)
    shown.page.find("label", lambda name: "kernel 6.1" in name)
    shown.page.find("label", lambda name: name.startswith("The guest will not start"))
    photograph(f"{look}-directory")

    shown.scroll_to("toggle button", "Error: libvirt does not call vmroot").click()
    shown.scroll_to("push button", "Copy the command")
    photograph(f"{look}-findings")

    shown.scroll_to("push button", "Add share").click()
    shown.scroll_to("push button", "Add directory").click()
    shown.scroll_to("push button", "Add directory")
    photograph(f"{look}-lists")

    shown.cancel()
    shown.applied()


@pytest.mark.parametrize("look", ["light", "dark"])
def test_running_and_remote(virt_manager, tree, photograph, look):
    shown = Page(virt_manager(running=True, **LOOKS[look]))
    shown.use(tree("web"))
    shown.apply()
    shown.app.dialog("next guest shutdown").find("push button", "OK").click()
    shown.applied()
    photograph(f"{look}-running")
    shown.app.close()
    remote = Page(virt_manager(remote=True, **LOOKS[look]))
    remote.use("/srv/roots/web")
    photograph(f"{look}-remote")


@pytest.mark.parametrize("look", ["light", "dark"])
def test_what_cannot_be_looked_into(virt_manager, tmp_path, photograph, look):
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    os.chown(private, 12345, 12345)
    shown = Page(virt_manager(AS_A_USER, **LOOKS[look]))

    shown.use(private)
    shown.page.find("label", lambda name: "You may not look" in name)
    shown.page.find("text", "Kernel")
    photograph(f"{look}-private")

    shown.directory.text = str(tmp_path / "nowhere")
    shown.page.find("label", lambda name: "nowhere" in name and "No such" in name)
    photograph(f"{look}-missing")
    shown.cancel()


@pytest.mark.parametrize("look", ["light", "dark"])
def test_root_of_a_later_vmroot(virt_manager, node, vmroot, photograph, look):
    path = node()

    def later(domain):
        xml = vmroot("apply", "--xml", "-", "--directory", "/srv/web", stdin=domain[0])
        return re.sub(r"<\?xml.*?\?>", "", xml).replace('version="1"', 'version="99"', 1)

    path.write_text(re.sub("<domain.*</domain>", later, path.read_text(), flags=re.DOTALL))
    shown = Page(virt_manager(uri=fake_kvm(path), **LOOKS[look]))

    shown.page.find("label", lambda name: "99" in name)
    photograph(f"{look}-later")
