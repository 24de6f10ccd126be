# SPDX-License-Identifier: GPL-2.0-or-later
"""The page in virt-manager, as a person sees and uses it."""

import os
import xml.etree.ElementTree as ElementTree

from virt_manager import Atspi, until

SWITCH = "Boot from a directory of the host"
# Root, without what lets root read everything
AS_A_USER = [
    *("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"),
    os.environ["VMROOT_LAUNCHER"],
]
NAMESPACE = "{urn:vmroot:domain:1}"
# The environment for each way in which the page can be seen
LOOKS = {
    "light": {},
    "dark": {"GTK_THEME": "Adwaita:dark"},
    "double": {"GDK_SCALE": "2"},
}


def canonical(xml):
    return ElementTree.canonicalize(xml, strip_text=True)


class Page:
    """The opened page, by the names that its controls have for a screen reader."""

    def __init__(self, app, guest="web"):
        self.app = app
        self.window, self.page = app.open_page(guest)

    def switch(self):
        self.page.find("check box", SWITCH).click()

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

    def labels(self, words):
        """The texts on the page, in sight or not, in which the words are."""
        found = self.page.find_all("label", lambda name: words in name, hidden=True)
        return [label.text for label in found if label.has(Atspi.StateType.VISIBLE)]

    def scroll_to(self, role, name):
        """As the keyboard does."""

        def look():
            for widget in self.page.find_all(role, name, hidden=True):
                if not widget.showing:
                    # What has the focus already, or had no place yet when it got it, is not scrolled to.
                    self.page.find_all("check box", SWITCH, hidden=True)[0].focus()
                    widget.focus()
            return self.page.find_all(role, name)

        return until(look, f"{role} {name!r} in sight")[0]

    def xml(self):
        """What the XML tab shows: the definition in libvirt."""
        self.window.find("page tab", "XML").select()
        editor = self.window.find("text", "XML editor")
        xml = editor.text
        self.window.find("page tab", "Details").select()
        self.page = self.window.find("scroll pane", "root-tab")
        return xml


def leave(shown, answer):
    """Goes to another row, and answers the question about unapplied changes."""
    shown.window.find("table cell", "Boot Options").press()
    shown.app.dialog("unapplied changes").find("push button", answer).click()
