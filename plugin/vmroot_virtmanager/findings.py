# SPDX-License-Identifier: GPL-2.0-or-later
"""The list of what would go wrong: a line each, with explanation and fix where it is opened."""

import re

from gi.repository import Gdk, GLib, Gtk, Pango, Vmroot

from .texts import _, ngettext

ICONS = {
    Vmroot.Severity.ERROR: "dialog-error",
    Vmroot.Severity.WARNING: "dialog-warning",
    Vmroot.Severity.INFO: "dialog-information",
}


def _spoken(severity, title):
    """What a screen reader says where others see an icon."""
    if severity == Vmroot.Severity.ERROR:
        return _("Error: %s") % title
    if severity == Vmroot.Severity.WARNING:
        return _("Warning: %s") % title
    return _("Note: %s") % title


def summary(findings):
    """An icon and a sentence about all of them."""
    errors = sum(severity == Vmroot.Severity.ERROR for severity, *_rest in findings)
    warnings = sum(severity == Vmroot.Severity.WARNING for severity, *_rest in findings)
    if errors:
        return (
            ICONS[Vmroot.Severity.ERROR],
            ngettext(
                "The guest will not start: %d error.",
                "The guest will not start: %d errors.",
                errors,
            )
            % errors,
        )
    if warnings:
        return (
            ICONS[Vmroot.Severity.WARNING],
            ngettext(
                "The guest starts, with %d warning.",
                "The guest starts, with %d warnings.",
                warnings,
            )
            % warnings,
        )
    return "emblem-default", _("Nothing in the way was found.")


def _text(text, use_markup=False):
    label = Gtk.Label(
        label=text,
        use_markup=use_markup,
        visible=True,
        xalign=0,
        wrap=True,
        selectable=True,
        width_chars=20,
        max_width_chars=76,
    )
    label.set_line_wrap_mode(Pango.WrapMode.WORD_CHAR)
    return label


def commands(fix):
    """The library writes commands between backticks."""
    return re.findall("`([^`]+)`", fix)


def _with_commands_in_monospace(fix):
    return re.sub("`([^`]+)`", r"<tt>\1</tt>", GLib.markup_escape_text(fix))


def _fix_row(fix):
    box = Gtk.Box(visible=True, spacing=6)
    box.pack_start(_text(_with_commands_in_monospace(fix), use_markup=True), False, True, 0)
    if not commands(fix):
        return box

    copy = Gtk.Button.new_from_icon_name("edit-copy-symbolic", Gtk.IconSize.BUTTON)
    copy.set_relief(Gtk.ReliefStyle.NONE)
    copy.set_valign(Gtk.Align.START)
    copy.set_tooltip_text(_("Copy the command"))
    copy.get_accessible().set_name(_("Copy the command"))
    copy.connect(
        "clicked",
        lambda _button: Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD).set_text(
            "\n".join(commands(fix)), -1
        ),
    )
    copy.show()
    box.pack_start(copy, False, False, 0)
    return box


def _row(severity, title, detail, fix):
    heading = Gtk.Box(visible=True, spacing=6)
    heading.add(Gtk.Image(icon_name=ICONS[severity], icon_size=Gtk.IconSize.MENU, visible=True))
    label = Gtk.Label(label=title, visible=True, xalign=0, wrap=True, width_chars=20)
    heading.add(label)
    if not detail and not fix:
        heading.get_accessible().set_name(_spoken(severity, title))
        return heading

    expander = Gtk.Expander(visible=True, label_widget=heading)
    expander.get_accessible().set_name(_spoken(severity, title))
    body = Gtk.Box(
        orientation=Gtk.Orientation.VERTICAL,
        visible=True,
        spacing=3,
        margin_start=46,
        margin_bottom=6,
    )
    if detail:
        body.add(_text(detail))
    if fix:
        body.add(_fix_row(fix))
    expander.add(body)
    return expander


def from_library(findings):
    return [
        (finding.get_severity(), finding.get_title(), finding.get_detail(), finding.get_fix())
        for finding in findings
    ]


class FindingList:
    """Fills `box`. What the user has opened stays open while it is found again."""

    def __init__(self, box):
        self._box = box
        self._shown = None

    def show(self, findings):
        if findings == self._shown:
            return
        opened = {
            child.get_accessible().get_name()
            for child in self._box.get_children()
            if isinstance(child, Gtk.Expander) and child.get_expanded()
        }
        self.clear()
        self._shown = findings
        for finding in findings:
            row = _row(*finding)
            if isinstance(row, Gtk.Expander):
                row.set_expanded(row.get_accessible().get_name() in opened)
            self._box.add(row)

    def clear(self):
        self._shown = None
        for child in self._box.get_children():
            child.destroy()


class Status:
    """The line above the findings: what is being done, or what was found, in a sentence."""

    def __init__(self, get):
        self._spinner = get("root-spinner")
        self._icon = get("root-status-icon")
        self._text = get("root-status")

    def say(self, icon, text):
        self._show(text, busy=False)
        self._icon.set_from_icon_name(icon, Gtk.IconSize.MENU)

    def wait(self, text):
        self._show(text, busy=True)
        self._spinner.start()

    def _show(self, text, busy):
        self._spinner.stop()
        self._spinner.set_visible(busy)
        self._icon.set_visible(not busy)
        self._text.set_text(text)
