# SPDX-License-Identifier: GPL-2.0-or-later
"""Where vmroot touches virt-manager: every name of virt-manager's is in this file.

Written against 4.1.0 and 5.0.0; 5.1.0 has all of it, too. A subclass of vmmDetails, the panel with the list of hardware on
its left, adds a row and a page; Apply, Cancel, the question about unapplied changes and the XML
tab are the panel's own.
"""

import gi

from .texts import _

# What must be there: where one is gone, this is a virt-manager that we do not know.
METHODS = (
    "_make_hw_list_entry",
    "_get_hw_row",
    "_refresh_page",
    "_config_apply",
    "_change_config",
    "_enable_apply",
    "_disable_apply",
    "_edited",
    "_cleanup",
    "vmwindow_resources_refreshed",
    "widget",
)
GUEST_METHODS = ("is_active", "get_xml_to_define", "define_xml")
CONNECTION_METHODS = ("is_remote", "list_nets", "get_backend")
BACKEND_METHODS = ("get_conn_for_api_arg",)
NAMES = ("HW_LIST_COL_KEY", "HW_LIST_COL_TYPE", "HW_LIST_TYPE_BOOT", "EDIT_XML")

# What virt-manager remembers as edited. Its own are numbers.
EDIT_ROOT = "vmroot-root"

# No type of virt-manager's: lower than all of them, so that devices are sorted in as ever.
ROW_TYPE = -1


class Unsupported(Exception):
    """This virt-manager is not one that the page can live in."""


def activate(vmwindow):
    """Takes the place of the details panel in virt-manager's window module."""
    from virtinst.connection import VirtinstConnection
    from virtManager.connection import vmmConnection
    from virtManager.details import details as module
    from virtManager.object.domain import vmmDomain

    stock = vmwindow.vmmDetails
    needed = (
        (stock, METHODS),
        (vmmDomain, GUEST_METHODS),
        (vmmConnection, CONNECTION_METHODS),
        (VirtinstConnection, BACKEND_METHODS),
        (module, NAMES),
    )
    missing = [name for where, names in needed for name in names if not hasattr(where, name)]
    if missing:
        _log(
            "this virt-manager has no %s: the page is left out. A newer vmroot may know it",
            ", ".join(missing),
        )
        return

    try:
        gi.require_version("Vmroot", "1.0")
        from gi.repository import Vmroot

        # The first call loads the library itself.
        Vmroot.Spec.new(None)
    except Exception as error:
        _log("the page is left out: %s. Install libvmroot and its introspection data", error)
        return

    from . import other_launch

    vmwindow.vmmDetails = _details_with_root(stock, module)
    other_launch.announce()


def _log(message, *args):
    from virtinst import log

    log.warning("vmroot: " + message, *args)


def _guarded(call):
    """virt-manager goes on with what it was about, whatever happens to the page."""
    try:
        call()
    except Exception as error:
        _log("the page has an error: %s", error)


def _details_with_root(stock, module):
    """The subclass, made when virt-manager's own class is there."""

    class RootDetails(stock):
        _root = None

        def __init__(self, vm, builder, topwin, is_customize_dialog):
            stock.__init__(self, vm, builder, topwin, is_customize_dialog)
            # There is no guest yet whose definition could be changed.
            if not is_customize_dialog:
                self._add_root_page()

        def _add_root_page(self):
            try:
                self._root = _RootRow(self, module)
            except Exception as error:
                _log("the page is left out: %s", error)

        def _is_root_row(self, row):
            return bool(self._root and row and row[module.HW_LIST_COL_KEY] == self._root.key)

        def _refresh_page(self):
            if self._is_root_row(self._get_hw_row()):
                self._root.refresh()
            else:
                stock._refresh_page(self)

        def _config_apply(self, row=None):
            row = row or self._get_hw_row()
            if not self._is_root_row(row) or self._edited(module.EDIT_XML):
                return stock._config_apply(self, row)
            return self._root.apply()

        def vmwindow_resources_refreshed(self):
            stock.vmwindow_resources_refreshed(self)
            if self._is_root_row(self._get_hw_row()):
                _guarded(self._root.sample)

        def _cleanup(self):
            if self._root:
                _guarded(self._root.cleanup)
                self._root = None
            stock._cleanup(self)

    return RootDetails


class _RootRow:
    """The row, and the page as the panel sees it."""

    def __init__(self, details, module):
        from gi.repository import Gtk

        if not hasattr(details, "_xmleditor"):
            raise Unsupported("the details have no _xmleditor")
        self.key = _("Root filesystem")
        self._details = details
        self._page = None

        # The page itself is made when it is first looked at.
        self._place = Gtk.Box(visible=True)
        self._number = details.widget("hw-panel").append_page(self._place)

        entry = details._make_hw_list_entry(self.key, ROW_TYPE, "folder")
        model = details.widget("hw-list").get_model()
        model.insert(self._position(model, module), entry)

    @staticmethod
    def _position(model, module):
        for index, row in enumerate(model):
            if row[module.HW_LIST_COL_TYPE] == module.HW_LIST_TYPE_BOOT:
                return index + 1
        raise Unsupported("the list of hardware has no Boot Options")

    def _open(self):
        if self._page is None:
            from . import page

            self._page = page.RootPage(_Guest(self._details))
            self._place.add(self._page.widget)
        return self._page

    def refresh(self):
        details = self._details
        details._xmleditor.set_xml_from_libvirtobject(details.vm)
        try:
            self._open().refresh()
        except Exception as error:
            details.err.show_err(_("Error showing the root filesystem: %s") % error)

        details._disable_apply()
        details.widget("config-remove").set_visible(False)
        details.widget("hw-panel").set_current_page(self._number)

    def apply(self):
        """Whether the page's changes are the guest's definition now. What the user typed stays
        where it is when they are not."""
        details = self._details

        if details._change_config(self._page.apply, {}) is False:
            return False

        details._disable_apply()
        self._page.applied()
        return True

    def sample(self):
        if self._page:
            self._page.sample()

    def cleanup(self):
        if self._page:
            self._page.cleanup()
        self._page = None
        self._details = None


class _Guest:
    """What the page may ask of virt-manager: the guest it shows and the window it is in."""

    def __init__(self, details):
        self._details = details
        self._browser = None

    @property
    def window(self):
        return self._details.topwin

    @property
    def remote(self):
        """Whether the guest's files are on another host than virt-manager is."""
        return self._details.vm.conn.is_remote()

    @property
    def running(self):
        return self._details.vm.is_active()

    def read_xml(self):
        """The definition that outlasts the guest's shutdown, as libvirt has it now."""
        return self._details.vm.get_xml_to_define()

    def read_running_xml(self):
        """The definition that the guest was started with, where it runs."""
        return self._details.vm.xmlobj.get_xml()

    def define(self, xml):
        self._details.vm.define_xml(xml)

    def list_networks(self):
        """The name of each of libvirt's networks, and its addresses (None where it has none)."""
        return [
            (net.get_name(), net.get_ipv4_network()[0] or net.get_ipv6_network()[0])
            for net in sorted(self._details.vm.conn.list_nets(), key=lambda net: net.get_name())
        ]

    def attach(self, uuid, spec):
        """Gives the guest a root, as Vmroot.Connection does: with an address that is reserved on
        the network. Without a spec, gives the address back."""
        from gi.repository import GLib, Vmroot

        shared = self._details.vm.conn.get_backend().get_conn_for_api_arg()
        connection = Vmroot.Connection.new_for_handle(shared.c_pointer())
        try:
            if spec is None:
                connection.detach(uuid, None)
            else:
                connection.attach(uuid, spec, None)
        except GLib.Error as error:
            raise ValueError(error.message) from None

    def mark_edited(self):
        self._details._enable_apply(EDIT_ROOT)

    def log(self, message, *args):
        _log(message, *args)

    def browse_pools(self, chosen):
        """Lets the user choose a directory of another host, from its storage pools."""
        from virtManager.storagebrowse import vmmStorageBrowser

        if self._browser is None:
            self._browser = vmmStorageBrowser(self._details.vm.conn)
        # REASON_FS since 5.0, CONFIG_DIR_FS before.
        self._browser.set_browse_reason(
            getattr(vmmStorageBrowser, "REASON_FS", None) or self._details.config.CONFIG_DIR_FS
        )
        self._browser.set_finish_cb(lambda _browser, path: chosen(path))
        self._browser.show(self._details.topwin)

    def make_graph(self):
        """The graph of virt-manager's performance page, for two values."""
        from virtManager.lib.graphwidgets import Sparkline

        graph = Sparkline()
        graph.set_hexpand(True)
        graph.set_property("filled", False)
        graph.set_property("num_sets", 2)
        graph.show()
        return graph

    def cleanup(self):
        if self._browser:
            self._browser.cleanup()
        self._browser = None
        self._details = None
