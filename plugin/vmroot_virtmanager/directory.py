# SPDX-License-Identifier: GPL-2.0-or-later
"""The directory: typed, browsed for, or dropped onto the page; and shown by the file manager."""

from gi.repository import Gdk, Gio, GLib, Gtk

from . import entry
from .texts import _


class DirectoryChoice:
    def __init__(self, get, guest, chosen, failed):
        """`chosen()`: where a directory was dropped; `failed(message)`: where none can be shown."""
        self._guest = guest
        self._chosen = chosen
        self._failed = failed
        self._entry = get("root-directory")
        self._open_folder = get("root-open-folder")
        self._page = get("vmroot-root-page")
        self._chooser = None
        for widget in self._page, self._entry:
            self._accept_drops(widget)

    @property
    def path(self):
        return entry.read(self._entry)

    @path.setter
    def path(self, path):
        if path != self.path:
            entry.show(self._entry, path)

    def focus(self):
        self._entry.grab_focus()

    def sync(self):
        """The file manager shows this host's directories only."""
        self._open_folder.set_sensitive(bool(self.path) and not self._guest.remote)
        self._open_folder.set_tooltip_text(
            _("The directory is on the guest's host.") if self._guest.remote else None
        )

    def browse(self, _button):
        if self._guest.remote:
            self._guest.browse_pools(self._take)
            return
        chooser = Gtk.FileChooserNative.new(
            _("Choose the directory to boot from"),
            self._guest.window,
            Gtk.FileChooserAction.SELECT_FOLDER,
            None,
            None,
        )
        if self.path:
            chooser.set_filename(self.path)
        chooser.connect("response", self._browsed)
        self._chooser = chooser
        chooser.show()

    def _browsed(self, chooser, response):
        if response == Gtk.ResponseType.ACCEPT:
            self._take(chooser.get_filename())
        self._chooser = None
        chooser.destroy()

    def _take(self, path):
        if not path:
            return
        try:
            path.encode()
        except UnicodeEncodeError:
            self._failed(_("A guest's definition has room for names in UTF-8 only: rename it."))
            return
        self.path = path

    def open_folder(self, _button):
        try:
            Gio.AppInfo.launch_default_for_uri(Gio.File.new_for_path(self.path).get_uri())
        except GLib.Error as error:
            self._failed(error.message)

    def _accept_drops(self, widget):
        """Anywhere on the page; the entry would take them for text."""
        widget.drag_dest_set(Gtk.DestDefaults.ALL, [], Gdk.DragAction.COPY)
        widget.drag_dest_add_uri_targets()
        widget.connect("drag-data-received", self._dropped)

    def _dropped(self, widget, _context, _x, _y, data, _info, _time):
        widget.stop_emission_by_name("drag-data-received")
        paths = [Gio.File.new_for_uri(uri).get_path() for uri in data.get_uris() or []]
        if self._guest.remote:
            self._failed(_("That folder is on this host. The guest's host has its own: Browse."))
        elif not paths or not paths[0]:
            self._failed(_("That is no folder of this host."))
        elif self._chosen():
            self._take(paths[0])

    def cleanup(self):
        if self._chooser:
            self._chooser.destroy()
            self._chooser = None
