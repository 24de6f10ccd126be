# SPDX-License-Identifier: GPL-2.0-or-later
"""Pictures of the states of the page, for people to look at: in the build directory. Those that take
a real libvirtd are of test_libvirtd.py."""

import pytest

from shown_page import LOOKS, Page


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
