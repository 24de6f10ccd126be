# SPDX-License-Identifier: GPL-2.0-or-later
"""Asks what to do where a virt-manager without the page is running already.

virt-manager is one process for each session: a second launch only tells the first to show a
window, and nothing of ours is loaded there. Run by the launcher as a program of its own.
Exit status: 0 go on, 1 do not start.
"""

import contextlib
import os
import signal
import sys

from gi.repository import Gio, GLib

from .texts import _

VIRT_MANAGER = "org.virt-manager.virt-manager"
# Owned by every virt-manager that has the page.
WITH_PAGE = "org.vmroot.VirtManager"

QUIT, AS_IT_IS = 1, 2
# In seconds: it closes its connections, of which one may be slow
PATIENCE = 30


def announce():
    """Tells later launches that this virt-manager has the page."""
    Gio.bus_own_name(Gio.BusType.SESSION, WITH_PAGE, Gio.BusNameOwnerFlags.NONE, None, None, None)


def _call(bus, method, name, reply):
    return bus.call_sync(
        "org.freedesktop.DBus",
        "/org/freedesktop/DBus",
        "org.freedesktop.DBus",
        method,
        GLib.Variant("(s)", (name,)),
        GLib.VariantType(reply),
        Gio.DBusCallFlags.NONE,
        2000,
        None,
    ).unpack()[0]


def _ask():
    import gi

    gi.require_version("Gtk", "3.0")
    from gi.repository import Gtk

    if not Gtk.init_check()[0]:
        return None
    dialog = Gtk.MessageDialog(
        message_type=Gtk.MessageType.QUESTION,
        text=_("Virtual Machine Manager is running without the Root filesystem page"),
        secondary_text=_(
            "It was started before, by another launcher. Quit it and start it again "
            "with the page? Guests keep running; consoles that are open close."
        ),
    )
    dialog.set_title(_("Virtual Machine Manager"))
    dialog.set_icon_name("virt-manager")
    dialog.add_buttons(
        _("_Cancel"),
        Gtk.ResponseType.CANCEL,
        _("_Show it as it is"),
        AS_IT_IS,
        _("_Quit and start again"),
        QUIT,
    )
    dialog.set_default_response(QUIT)
    return dialog.run()


def _quit(bus, pid):
    """Asks the running virt-manager to end (it does on SIGINT), and waits until it has. False if
    it does not: a shell that starts a program in the background may let it ignore SIGINT."""
    gone = []
    Gio.bus_watch_name_on_connection(
        bus, VIRT_MANAGER, Gio.BusNameWatcherFlags.NONE, None, lambda *_args: gone.append(True)
    )
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)
    late = []
    GLib.timeout_add_seconds(PATIENCE, late.append, True)
    while not gone and not late:
        GLib.MainContext.default().iteration(True)
    return bool(gone)


def _say_that_it_does_not_quit(pid):
    from gi.repository import Gtk

    dialog = Gtk.MessageDialog(
        message_type=Gtk.MessageType.ERROR,
        buttons=Gtk.ButtonsType.CLOSE,
        text=_("Virtual Machine Manager does not quit"),
        secondary_text=_("Close it (process %d), then try again.") % pid,
    )
    dialog.run()


def main():
    try:
        bus = Gio.bus_get_sync(Gio.BusType.SESSION, None)
        if not _call(bus, "NameHasOwner", VIRT_MANAGER, "(b)") or _call(
            bus, "NameHasOwner", WITH_PAGE, "(b)"
        ):
            return 0
        pid = _call(bus, "GetConnectionUnixProcessID", VIRT_MANAGER, "(u)")
    except GLib.Error:
        return 0  # without a bus every virt-manager is a process of its own

    answer = _ask()
    if answer is None:
        print(
            "vmroot-virt-manager: virt-manager is running without the Root filesystem page. "
            f"Quit it (process {pid}), then try again",
            file=sys.stderr,
        )
        return 1
    if answer == QUIT and not _quit(bus, pid):
        _say_that_it_does_not_quit(pid)
        return 1
    return 0 if answer in (QUIT, AS_IT_IS) else 1


if __name__ == "__main__":
    sys.exit(main())
