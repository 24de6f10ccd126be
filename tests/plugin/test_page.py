# SPDX-License-Identifier: GPL-2.0-or-later
"""What a person does on the page, and what becomes of the guest's definition."""

import os
import re
import xml.etree.ElementTree as ElementTree

import libvirt
import pytest

from shown_page import AS_A_USER, NAMESPACE, Page, canonical, leave
from virt_manager import until


def defined(node, xml):
    """`xml` as libvirt writes it after it was defined."""
    connection = libvirt.open(f"test://{node}")
    try:
        domain = connection.defineXML(xml)
        return domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE)
    finally:
        connection.close()


@pytest.fixture
def page(virt_manager):
    return lambda **kwargs: Page(virt_manager(**kwargs))


def test_apply_writes_what_the_command_writes(page, tree, node, tmp_path, vmroot):
    root = tree()
    shown = page()
    before = shown.xml()
    assert "/var/lib/libvirt/images/web.qcow2" in shown.headline

    shown.use(root)
    shown.apply()
    shown.applied()

    expected = vmroot("apply", "--xml", "-", "--directory", str(root), stdin=before)
    assert canonical(shown.xml()) == canonical(defined(tmp_path / "node.xml", expected))
    # Debian GNU/Linux 12 (bookworm), 131.1 kB, kernel 6.1.0-50-amd64
    until(lambda: f"{root}: Debian" in shown.headline, "the distribution in the headline")
    until(lambda: "B, kernel 6.1" in shown.headline, "size and kernel in the headline")


def test_switching_off_restores_the_definition(page, tree):
    shown = page()
    before = shown.xml()
    shown.use(tree())
    shown.apply()
    shown.applied()
    assert NAMESPACE.strip("{}") in shown.xml()

    shown.switch()
    shown.apply()
    shown.applied()

    assert canonical(shown.xml()) == canonical(before)


def test_xml_can_be_edited_from_our_row(page, tree):
    shown = page()
    shown.use(tree())
    shown.apply()
    shown.applied()
    shown.window.find("page tab", "XML").select()
    editor = shown.window.find("text", "XML editor")

    editor.text = re.sub("(<vcpu.*>)2(</vcpu>)", r"\g<1>3\2", editor.text)
    shown.apply()
    shown.applied()

    shown.window.find("page tab", "Details").select()
    xml = shown.xml()
    assert re.search("<vcpu.*>3</vcpu>", xml)
    assert NAMESPACE.strip("{}") in xml


def test_cancel_forgets_the_edits(page, tree):
    shown = page()
    before = shown.xml()
    shown.use(tree())

    shown.cancel()

    shown.applied()
    assert not shown.page.find("check box", "Boot from a directory of the host").checked
    assert shown.xml() == before


def test_browse(page, tree, tmp_path):
    root = tree("root")
    tree("other")
    shown = page()
    shown.use(tmp_path / "other")

    shown.page.find("push button", "Browse...").click()
    title = "Choose the directory to boot from"
    chooser = shown.app.find("file chooser", title)
    chooser.find("table cell", "root").select()
    chooser.find("push button", "Open").click()
    shown.app.lacks("file chooser", title)

    assert shown.directory.text == str(root)


def test_findings_tell_what_would_go_wrong(page, tree):
    root = tree()
    shown = page()

    shown.use(root)

    finding = shown.page.find("toggle button", lambda name: "libvirt does not call" in name)
    assert finding.name.startswith("Error: ")
    finding.click()
    shown.scroll_to("push button", "Copy the command")
    shown.page.find("label", lambda name: name == "Run vmroot setup.")
    shown.scroll_to("text", "Path")
    assert shown.page.find("label", lambda name: name.startswith("The guest will not start"))
    assert shown.page.find(
        "label",
        lambda name: name.startswith("Debian GNU/Linux 12")
        and name.endswith("kernel 6.1.0-50-amd64"),
    )


def test_refused_apply_keeps_the_edits(page, tmp_path):
    shown = page()
    before = shown.xml()
    shown.use("relative/path")

    shown.apply()
    shown.app.dialog("relative/path").find("push button", "Close").click()

    assert shown.directory.text == "relative/path"
    assert shown.window.find("push button", "config-apply").sensitive
    shown.cancel()
    assert shown.xml() == before


def test_leaving_the_page_asks_and_applies(page, tree):
    root = tree()
    shown = page()
    shown.use(root)

    leave(shown, "Yes")

    again = Page(shown.app)
    assert str(root) in again.headline


def test_leaving_the_page_asks_and_forgets(page, tree):
    shown = page()
    shown.use(tree())

    leave(shown, "No")

    assert "web.qcow2" in Page(shown.app).headline


def test_running_guest_is_told_when_it_takes_effect(page, tree):
    shown = page(running=True)
    shown.page.find("label", lambda name: "after its next shutdown" in name)
    shown.use(tree())

    shown.apply()

    shown.app.dialog("next guest shutdown").find("push button", "OK").click()
    shown.applied()


def test_remote_guest_is_described_only(page):
    shown = page(remote=True)
    shown.switch()
    shown.page.find("push button", "Browse...").click()
    browser = shown.app.find("frame", "vmm-storage-browser")
    browser.find("table cell", lambda name: name.startswith("roots")).select()
    browser.find("table cell", "web").select()
    browser.find("push button", "Choose Volume").click()

    assert shown.directory.text == "/srv/roots/web"
    assert not shown.page.find("push button", "Open folder").sensitive
    shown.page.find("label", lambda name: "only there" in name)
    shown.apply()
    shown.applied()
    assert 'directory="/srv/roots/web"' in shown.xml()


def test_directory_that_only_root_may_read(page, tmp_path):
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    os.chown(private, 12345, 12345)
    shown = page(launcher=AS_A_USER)

    shown.use(private)

    shown.page.find("label", lambda name: "You may not look into this directory" in name)
    shown.apply()
    shown.applied()
    assert f'directory="{private}"' in shown.xml()


def test_directory_that_is_not_there(page, tmp_path):
    shown = page()
    shown.use(tmp_path / "nowhere")

    shown.page.find("label", lambda name: "nowhere" in name and name != str(tmp_path / "nowhere"))
    shown.apply()
    shown.applied()


def test_names_that_are_markup_or_not_latin(page, tree):
    shown = page()
    shown.switch()

    for name in ('<b>&"quoted"', "עברית", "🐧"):
        root = tree(name)
        shown.directory.text = str(root)
        shown.apply()
        shown.applied()

        assert name in shown.headline
        described = ElementTree.fromstring(shown.xml()).find(f"metadata/{NAMESPACE}root")
        assert described.get("directory") == str(root)
