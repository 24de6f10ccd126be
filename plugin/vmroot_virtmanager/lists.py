# SPDX-License-Identifier: GPL-2.0-or-later
"""The two lists of the page: directories that the guest mounts, and directories in its memory.

One row of a grid for each, of ordinary entries: everything can be reached with the keyboard and
has a name for a screen reader.
"""

from gi.repository import Gtk

from . import entry
from .texts import _

MIB = 1024 * 1024
LARGEST = (1 << 64) - 1


def _entry(text, placeholder, name, changed):
    made = Gtk.Entry(placeholder_text=placeholder, hexpand=True, visible=True)
    made.get_accessible().set_name(name)
    entry.show(made, text)
    made.connect("changed", changed)
    return made


def _remove_button(name, clicked):
    button = Gtk.Button.new_from_icon_name("list-remove-symbolic", Gtk.IconSize.BUTTON)
    button.set_tooltip_text(name)
    button.get_accessible().set_name(name)
    button.connect("clicked", clicked)
    button.show()
    return button


class _List:
    """Rows in a grid, and the call for every change of theirs."""

    def __init__(self, grid, expander, changed):
        self._grid = grid
        self._expander = expander
        self._changed = changed
        self._rows = []

    def _add_row(self, widgets):
        top = self._rows[-1][0] + 1 if self._rows else 0
        row = (top, widgets)
        self._rows.append(row)
        widgets.append(_remove_button(_("Remove"), lambda _button: self._remove(row)))
        for left, widget in enumerate(widgets):
            self._grid.attach(widget, left, top, 1, 1)
        self._expander.set_expanded(True)

    def _remove(self, row):
        self._rows.remove(row)
        for widget in row[1]:
            widget.destroy()
        self._changed()

    def clear(self):
        for _top, widgets in self._rows:
            for widget in widgets:
                widget.destroy()
        self._rows = []
        self._expander.set_expanded(False)

    def add_empty(self):
        self.add()
        self._rows[-1][1][0].grab_focus()
        self._changed()

    def _edited(self, *_args):
        self._changed()


class ShareList(_List):
    def add(self, directory="", mount_point="", read_only=False):
        check = Gtk.CheckButton(label=_("Read-only"), active=read_only, visible=True)
        check.connect("toggled", self._edited)
        self._add_row(
            [
                _entry(
                    directory, _("Directory of the host"), _("Directory of the host"), self._edited
                ),
                _entry(
                    mount_point,
                    _("Where the guest sees it"),
                    _("Where the guest sees it"),
                    self._edited,
                ),
                check,
            ]
        )

    def rows(self):
        """(directory, mount point, read-only) of each."""
        return [
            (entry.read(widgets[0]), entry.read(widgets[1]), widgets[2].get_active())
            for _top, widgets in self._rows
        ]


class TmpfsList(_List):
    def add(self, mount_point="", size=0):
        spin = Gtk.SpinButton.new_with_range(0, LARGEST // MIB, 64)
        spin.set_width_chars(9)
        spin.set_value(size // MIB)
        spin.get_accessible().set_name(_("Size in MiB"))
        spin.connect("changed", self._edited)
        spin.show()
        # A size that is not a whole number of MiB survives until it is changed.
        spin.exact = size
        self._add_row(
            [
                _entry(
                    mount_point,
                    _("Directory of the guest"),
                    _("Directory of the guest"),
                    self._edited,
                ),
                spin,
                Gtk.Label(label=_("MiB"), visible=True),
            ]
        )

    def rows(self):
        """(mount point, size in bytes) of each; 0 is half of the guest's memory."""
        return [(entry.read(widgets[0]), self._size(widgets[1])) for _top, widgets in self._rows]

    @staticmethod
    def _size(spin):
        text = spin.get_text().strip()
        mib = int(text) if text.isdigit() else spin.get_value_as_int()
        return spin.exact if spin.exact // MIB == mib else mib * MIB
