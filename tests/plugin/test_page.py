# SPDX-License-Identifier: GPL-2.0-or-later
"""What a person does on the page, and what becomes of the guest's definition."""

import subprocess
import xml.etree.ElementTree as ElementTree

import libvirt
import pytest

NAMESPACE = "{urn:vmroot:domain:1}"


def canonical(xml):
    return ElementTree.canonicalize(xml, strip_text=True)


def defined(node, xml):
    """`xml` as libvirt writes it after it was defined."""
    connection = libvirt.open(f"test://{node}")
    try:
        domain = connection.defineXML(xml)
        return domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE)
    finally:
        connection.close()


class Page:
    """The opened page, by the names that its controls have for a screen reader."""

    def __init__(self, app, guest="web"):
        self.app = app
        self.window, self.page = app.open_page(guest)

    def switch(self):
        self.page.find("check box", "Boot from a directory of the host").click()

    @property
    def directory(self):
        return self.page.find("text", "Path")

    def use(self, directory):
        self.switch()
        self.directory.text = str(directory)

    def apply(self):
        self.window.find("push button", "config-apply").click()

    def cancel(self):
        self.window.find("push button", "config-cancel").click()

    def applied(self):
        self.app.until_greyed(self.window.find("push button", "config-apply"))

    @property
    def headline(self):
        return self.page.find("label", lambda name: name.startswith("The guest ")).text

    def xml(self):
        """What the XML tab shows: the definition in libvirt."""
        self.window.find("page tab", "XML").select()
        editor = self.window.find("text", "XML editor")
        xml = editor.text
        self.window.find("page tab", "Details").select()
        self.page = self.window.find("scroll pane", "root-tab")
        return xml


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
    assert str(root) in shown.headline


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


def test_cancel_forgets_the_edits(page, tree):
    shown = page()
    before = shown.xml()
    shown.use(tree())

    shown.cancel()

    shown.applied()
    assert not shown.page.find("check box", "Boot from a directory of the host").checked
    assert shown.xml() == before
