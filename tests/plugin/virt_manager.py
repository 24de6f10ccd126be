# SPDX-License-Identifier: GPL-2.0-or-later
"""The real virt-manager, driven as a person with a keyboard and a screen reader would."""

import os
import pathlib
import select
import signal
import subprocess
import time

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

DATA = pathlib.Path(__file__).parent / "data"
# Generous: the machine may do other things, and a fresh libvirtd asks QEMU what it can do.
TIMEOUT = 60
Atspi.set_timeout(2000, 15000)


class NotFound(AssertionError):
    pass


def until(question, what, timeout=TIMEOUT):
    """The first answer of `question` that is not empty."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            answer = question()
        except GLib.Error:
            answer = None  # the widget went away while we looked at it
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise NotFound(f"{what}: not within {timeout} s")
        time.sleep(0.05)


def fork_options():
    """virt-manager forks by itself before 5.0, and where it is told to since."""
    text = subprocess.run(
        ["/usr/bin/virt-manager", "--help"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    return ["--fork"] if " --fork" in text else []


class Widget:
    """One accessible object."""

    def __init__(self, accessible):
        self.accessible = accessible

    @property
    def name(self):
        return self.accessible.get_name()

    @property
    def role(self):
        name = self.accessible.get_role_name()
        # at-spi2-core renamed it in 2.54.
        return "push button" if name == "button" else name

    def has(self, state):
        return self.accessible.get_state_set().contains(state)

    @property
    def showing(self):
        return self.has(Atspi.StateType.SHOWING)

    @property
    def sensitive(self):
        return self.has(Atspi.StateType.SENSITIVE)

    @property
    def checked(self):
        return self.has(Atspi.StateType.CHECKED)

    @property
    def text(self):
        if "Text" not in self.accessible.get_interfaces():
            return self.name
        return Atspi.Text.get_text(self.accessible, 0, -1)

    @text.setter
    def text(self, value):
        Atspi.EditableText.set_text_contents(self.accessible, value)

    def children(self):
        for index in range(self.accessible.get_child_count()):
            child = self.accessible.get_child_at_index(index)
            if child is not None:
                yield Widget(child)

    def all(self, hidden=False):
        """Everything below that is on the screen."""
        for child in self.children():
            if hidden or child.showing or child.role in ("application", "page tab list"):
                yield child
                yield from child.all(hidden)

    def find_all(self, role=None, name=None, hidden=False):
        return [
            widget
            for widget in self.all(hidden)
            if (role is None or widget.role == role)
            and (name is None or (name(widget.name) if callable(name) else widget.name == name))
        ]

    def dialog(self, text=None):
        """A message on the screen, its text in its labels."""

        def look():
            for role in ("alert", "dialog"):
                for dialog in self.find_all(role):
                    said = "\n".join(label.text for label in dialog.find_all("label"))
                    if text is None or text in said:
                        return dialog
            return None

        return until(look, f"a dialog that says {text!r}")

    def find(self, role=None, name=None, timeout=TIMEOUT):
        return until(lambda: self.find_all(role, name), f"{role} {name!r}", timeout)[0]

    def lacks(self, role, name):
        return until(lambda: not self.find_all(role, name), f"no {role} {name!r}")

    def do(self, action=0):
        assert self.sensitive, f"{self.role} {self.name!r} is greyed"
        Atspi.Action.do_action(self.accessible, action)

    click = do

    def choose(self, label):
        """Chooses an entry of a combo box."""
        self.do()
        item = until(lambda: self.find_all("menu item", label, hidden=True), label)[0]
        item.do()

    def select(self):
        """Selects a cell of a list or a tab, as a click does."""
        if self.role == "page tab":
            parent = self.accessible.get_parent()
            Atspi.Selection.select_child(parent, self.accessible.get_index_in_parent())
        else:
            self.focus()

    def focus(self):
        Atspi.Component.grab_focus(self.accessible)

    def press(self):
        """With the mouse. What opens a dialog from within its action needs this: no
        accessibility call is answered before the dialog is gone."""
        area = Atspi.Component.get_extents(self.accessible, Atspi.CoordType.SCREEN)
        Atspi.generate_mouse_event(area.x + area.width // 2, area.y + area.height // 2, "b1c")


def fake_kvm(node, remote=False):
    """A connection to libvirt's test driver, which virt-manager takes for KVM."""
    fake = "qemu+ssh://root@example.org/system" if remote else "qemu:///system"
    return (
        f"__virtinst_test__test://{node},fakeuri={fake},"
        f"caps={DATA}/capabilities.xml,domcaps={DATA}/domain-capabilities.xml"
    )


class VirtManager(Widget):
    """A running virt-manager with one connection."""

    def __init__(self, launcher, uri, home, fork=False, arguments=(), asked=None, **environment):
        self.log = pathlib.Path(home) / "output.txt"
        with open(self.log, "wb") as output:
            self.process = subprocess.Popen(
                [
                    *launcher,
                    *(fork_options() if fork else ["--no-fork", "--debug"]),
                    "--test-options=first-run",
                    "--test-options=xmleditor-enabled",
                    "--connect",
                    uri,
                    *arguments,
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
            )
        if asked:
            asked()
        super().__init__(
            until(lambda: self._application(fork), "virt-manager on the accessibility bus")
        )
        self.pid = self.accessible.get_process_id()

    def _application(self, forked):
        if not forked and self.process.poll() is not None:
            raise AssertionError("virt-manager ended:\n" + self.output[-3000:])
        desktop = Atspi.get_desktop(0)
        for index in range(desktop.get_child_count()):
            child = desktop.get_child_at_index(index)
            if (
                child is not None
                and child.get_name() == "virt-manager"
                and (forked or child.get_process_id() == self.process.pid)
            ):
                return child
        return None

    @property
    def output(self):
        return self.log.read_text(errors="replace")

    def window(self, name):
        return self.find("frame", name)

    @staticmethod
    def until_greyed(button):
        until(lambda: not button.sensitive, f"{button.name} greyed")

    def open_page(self, guest="web", row="Root filesystem"):
        window = self.window(lambda name: name.startswith(guest))

        def select():
            # While the window fills itself, the row that is selected can become another.
            for cell in window.find_all("table cell", row):
                cell.select()
            return window.find_all("scroll pane", "root-tab")

        return window, until(select, f"the page of the row {row}")[0]

    def close(self):
        """Ends it as Ctrl+C does."""
        try:
            process = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            signal.pidfd_send_signal(process, signal.SIGINT)
            if not select.select([process], [], [], TIMEOUT)[0]:
                signal.pidfd_send_signal(process, signal.SIGKILL)
                raise AssertionError("virt-manager does not end")
        finally:
            os.close(process)
            self.process.wait()
