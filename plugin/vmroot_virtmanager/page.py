# SPDX-License-Identifier: GPL-2.0-or-later
"""The page: what the guest boots from, and what of it can be chosen.

It reads and writes a Vmroot.Spec in the guest's definition, and knows virt-manager only as the
`guest` it was given (adapter._Guest).
"""

import pathlib
import xml.etree.ElementTree

from gi.repository import Gdk, Gio, GLib, Gtk, Vmroot

from . import findings, texts
from .activity import Activity
from .inspection import Inspector, Measurement
from .lists import ShareList, TmpfsList
from .texts import _

UI_FILE = pathlib.Path(__file__).with_name("root-page.ui")

READ_WRITE, READ_ONLY, EPHEMERAL = "read-write", "read-only", "ephemeral"
BY_VMROOT, BY_GUEST = "vmroot", "guest"
NEWEST = ""
# The findings of the host that speak against virtiofs altogether
NO_VIRTIOFS = ("no-virtiofsd", "no-wrapper")


class Conflict(Exception):
    """Somebody else changed the guest's root since the page showed it."""


def _load(xml_text):
    """The document, its spec (None where there is none), and why the spec cannot be read."""
    domain = Vmroot.Domain.new_from_xml(xml_text)
    try:
        return domain, domain.get_spec(), None
    except GLib.Error as error:
        if error.matches(Vmroot.error_quark(), Vmroot.Error.NO_SPEC):
            return domain, None, None
        return domain, None, error


def _fingerprint(spec, error):
    """Equal for specs that say the same."""
    if error is not None:
        return error.message
    if spec is None:
        return None
    return (
        [spec.get_property(prop.name) for prop in spec.list_properties()],
        [(s.get_directory(), s.get_mount_point(), s.get_read_only()) for s in spec.list_shares()],
        [(t.get_mount_point(), t.get_size()) for t in spec.list_tmpfs()],
        [(path, spec.get_run_file(path)) for path in spec.list_run_files()],
    )


def _lacks_address(spec):
    """Whether a root by NFS has yet to get what a connection to libvirt finds and reserves."""
    return spec.get_transport() == Vmroot.Transport.NFS and not (
        spec.get_mac_address() and spec.get_address() and spec.get_server()
    )


def _with_some_address(spec):
    """As if libvirt had been asked, for trying out everything else."""
    if _lacks_address(spec):
        spec.set_network(spec.get_network() or "default")
        spec.set_mac_address("52:54:00:00:00:01")
        spec.set_address("192.168.122.2/24")
        spec.set_server("192.168.122.1")
    return spec


def _refusal(xml_text, transport):
    """Why the library would not give this guest a root over `transport`, or None."""
    spec = Vmroot.Spec.new("/srv")
    spec.set_transport(transport)
    try:
        domain = Vmroot.Domain.new_from_xml(xml_text)
        domain.set_spec(None)
        domain.set_spec(_with_some_address(spec))
    except GLib.Error as error:
        return error.message
    return None


def _boots_from(xml_text):
    """A sentence about a guest whose root is not ours."""
    root = xml.etree.ElementTree.fromstring(xml_text)
    kernel = root.findtext("os/kernel")
    if kernel:
        return _("The guest boots from the kernel %s.") % kernel
    for disk in root.iterfind("devices/disk"):
        source = disk.find("source")
        if disk.get("device", "disk") == "disk" and source is not None:
            for name in ("file", "dev", "volume", "name"):
                if source.get(name):
                    return _("The guest boots from the disk %s.") % source.get(name)
    if root.find("devices/interface") is not None:
        return _("The guest has no disk to boot from; it may boot from the network.")
    return _("The guest has nothing to boot from.")


class RootPage:
    def __init__(self, guest):
        self._guest = guest
        self._xml = ""
        self._uuid = None
        self._spec = None
        self._unreadable = None
        self._base = None
        self._filling = False
        self._found = None
        self._chooser = None
        self._activity = None
        self._graph = None

        self._builder = Gtk.Builder(translation_domain=texts.DOMAIN)
        self._builder.add_from_file(str(UI_FILE))
        self._builder.connect_signals(
            {
                "on_edited": self._edited_cb,
                "on_enable_toggled": self._enable_toggled_cb,
                "on_browse": self._browse_cb,
                "on_open_folder": self._open_folder_cb,
                "on_add_share": lambda _button: self._shares.add_empty(),
                "on_add_tmpfs": lambda _button: self._tmpfs.add_empty(),
                "on_check_again": self._check_again_cb,
            }
        )
        self.widget = self._get("vmroot-root-page")
        self._name_widgets()

        self._shares = ShareList(
            self._get("root-shares"), self._get("root-shares-expander"), self._edited_cb
        )
        self._tmpfs = TmpfsList(
            self._get("root-tmpfs"), self._get("root-tmpfs-expander"), self._edited_cb
        )
        self._findings = findings.FindingList(self._get("root-findings"))
        self._inspector = Inspector(self._looking, self._looked)
        self._measurement = Measurement(self._measured)
        self._size = None
        self._size_of = None
        # When to choose it, for each transport; a reason why not takes its place.
        self._purposes = {
            name: self._get(name + "-note").get_text() for name in ("root-virtiofs", "root-nfs")
        }

        # What gets the keyboard's focus is scrolled to.
        self._get("root-page").set_focus_vadjustment(self.widget.get_vadjustment())
        self._fill_choices()
        self._accept_drops()

    def _get(self, name):
        return self._builder.get_object(name)

    def _name_widgets(self):
        """A screen reader says the label of a control; tests find it by the same name."""
        for label in self._builder.get_objects():
            if isinstance(label, Gtk.Label) and label.get_mnemonic_widget():
                label.get_mnemonic_widget().get_accessible().set_name(label.get_text().rstrip(":"))

    def _fill_choices(self):
        self._set_choices(
            "root-access",
            [
                (READ_WRITE, _("Read and write"), True),
                (READ_ONLY, _("Read-only"), True),
                (
                    EPHEMERAL,
                    _("Ephemeral: changes are kept in memory and gone after the shutdown"),
                    True,
                ),
            ],
        )

    def _set_choices(self, name, rows):
        model = self._get(name + "-model")
        model.clear()
        for row in rows:
            model.append(row)

    def _choose(self, name, value):
        for row in self._get(name + "-model"):
            if row[0] == value:
                self._get(name).set_active_iter(row.iter)

    def _chosen(self, name):
        combo = self._get(name)
        row = combo.get_active_iter()
        return combo.get_model()[row][0] if row else None

    # From the definition to the page

    def refresh(self):
        """Shows what the definition says, and forgets every edit."""
        self._xml = self._guest.read_xml()
        try:
            domain, self._spec, self._unreadable = _load(self._xml)
            self._uuid = domain.get_uuid()
        except GLib.Error as error:
            self._spec, self._unreadable = None, error
        self._base = _fingerprint(self._spec, self._unreadable)
        self._found = None

        self._filling = True
        try:
            self._show_spec(self._spec)
        finally:
            self._filling = False
        self._show_transports()
        self._show_headline()
        self._show_notice()
        self._sync()
        self._look()

    def _show_spec(self, spec):
        self._get("root-enable").set_active(spec is not None)
        # As on virt-manager's own kernel boot: what was typed survives switching off.
        if spec is None and self._get("root-directory").get_text():
            return
        spec = spec or Vmroot.Spec.new(None)
        self._get("root-directory").set_text(spec.get_directory() or "")
        nfs = spec.get_transport() == Vmroot.Transport.NFS
        self._get("root-nfs" if nfs else "root-virtiofs").set_active(True)
        self._show_kernels(spec.get_kernel())
        guest = spec.get_boot_source() == Vmroot.BootSource.GUEST
        self._show_boot_images(BY_GUEST if guest else BY_VMROOT)
        self._get("root-kernel-args").set_text(spec.get_kernel_args() or "")
        self._choose(
            "root-access",
            EPHEMERAL
            if spec.get_ephemeral()
            else READ_ONLY
            if spec.get_read_only()
            else READ_WRITE,
        )
        self._shares.clear()
        for share in spec.list_shares():
            self._shares.add(share.get_directory(), share.get_mount_point(), share.get_read_only())
        self._tmpfs.clear()
        for tmpfs in spec.list_tmpfs():
            self._tmpfs.add(tmpfs.get_mount_point(), tmpfs.get_size())

    def _show_kernels(self, chosen):
        known = self._found.kernels if self._found else []
        newest = _("Newest in the tree (%s)") % known[0][0] if known else _("Newest in the tree")
        rows = [(NEWEST, newest, True)]
        rows += [(version, version, True) for version, _initramfs in known]
        if chosen and chosen not in [row[0] for row in rows]:
            label = _("%s (not in the tree)") % chosen if self._found else chosen
            rows.append((chosen, label, True))
        self._set_choices("root-kernel", rows)
        self._choose("root-kernel", chosen or NEWEST)

    def _show_boot_images(self, chosen):
        known = self._found.kernels if self._found else []
        kernel = self._chosen("root-kernel") or (known[0][0] if known else None)
        none = known and not dict(known).get(kernel)
        label = _("The tree's own (it has none for this kernel)") if none else _("The tree's own")
        self._set_choices(
            "root-boot-image",
            [
                (BY_VMROOT, _("Made by vmroot at every start"), True),
                (BY_GUEST, label, not none or chosen == BY_GUEST),
            ],
        )
        self._choose("root-boot-image", chosen)

    def _show_transports(self):
        for name, transport in (
            ("root-virtiofs", Vmroot.Transport.VIRTIOFS),
            ("root-nfs", Vmroot.Transport.NFS),
        ):
            refusal = _refusal(self._xml, transport)
            if not refusal and name == "root-nfs" and self._guest.remote:
                refusal = _(
                    "Choose it on the guest's own host: its network and addresses are looked up "
                    "there."
                )
            self._allow_transport(name, refusal)

    def _show_no_virtiofsd(self, found):
        """This host may have none; the guest's definition can say virtiofs all the same."""
        missing = [
            finding.get_title() for finding in found.findings if finding.get_id() in NO_VIRTIOFS
        ]
        self._get("root-virtiofs-note").set_text(
            missing[0] if missing else self._purposes["root-virtiofs"]
        )

    def _allow_transport(self, name, refusal):
        radio = self._get(name)
        radio.set_sensitive(refusal is None or radio.get_active())
        self._get(name + "-note").set_text(refusal or self._purposes[name])

    def _facts(self):
        """Debian GNU/Linux 12 (bookworm), 412 MB, kernel 6.1.0-50-amd64"""
        found = self._found
        if not found or found.obstacle:
            return ""
        kernel = self._chosen("root-kernel") or (found.kernels[0][0] if found.kernels else None)
        size = self._size if self._size_of == found.directory else None
        facts = [found.os_name, size, kernel and _("kernel %s") % kernel]
        return ", ".join(fact for fact in facts if fact)

    def _show_headline(self):
        if self._spec is None:
            self._get("root-icon").set_from_icon_name("drive-harddisk", Gtk.IconSize.DND)
            self._get("root-headline").set_text(_boots_from(self._xml))
            return

        directory = self._spec.get_directory()
        facts = self._facts() if self._found and self._found.directory == directory else ""
        sentence = (
            _("The guest boots from the directory %(directory)s: %(facts)s.")
            if facts
            else _("The guest boots from the directory %(directory)s.")
        )
        self._get("root-icon").set_from_icon_name("folder", Gtk.IconSize.DND)
        self._get("root-headline").set_text(sentence % {"directory": directory, "facts": facts})

    def _show_notice(self):
        notice = ""
        if self._unreadable is not None:
            notice = self._unreadable.message
        elif self._guest.running:
            notice = _("The guest is running. Changes take effect after its next shutdown.")
        self._get("root-notice").set_text(notice)
        self._get("root-notice-box").set_visible(bool(notice))
        # What a later vmroot wrote is not ours to overwrite.
        self._get("root-enable").set_sensitive(
            self._unreadable is None
            or not self._unreadable.matches(Vmroot.error_quark(), Vmroot.Error.METADATA_VERSION)
        )

    def _sync(self):
        """What depends on other controls."""
        enabled = self._get("root-enable").get_active()
        self._get("root-options").set_visible(enabled)
        directory = self._directory()
        self._get("root-open-folder").set_sensitive(bool(directory) and not self._guest.remote)

    # From the page to the definition

    def _directory(self):
        return self._get("root-directory").get_text().strip()

    def _make_spec(self, spec=None):
        """What the page says, on top of what the page does not show of `spec`."""
        spec = spec or Vmroot.Spec.new(None)
        spec.set_directory(self._directory() or None)
        spec.set_transport(
            Vmroot.Transport.NFS
            if self._get("root-nfs").get_active()
            else Vmroot.Transport.VIRTIOFS
        )
        spec.set_kernel(self._chosen("root-kernel") or None)
        spec.set_boot_source(
            Vmroot.BootSource.GUEST
            if self._chosen("root-boot-image") == BY_GUEST
            else Vmroot.BootSource.VMROOT
        )
        spec.set_kernel_args(self._get("root-kernel-args").get_text().strip() or None)
        access = self._chosen("root-access")
        spec.set_read_only(access == READ_ONLY)
        spec.set_ephemeral(access == EPHEMERAL)
        spec.clear_shares()
        for directory, mount_point, read_only in self._shares.rows():
            spec.add_share(Vmroot.Share.new(directory, mount_point, read_only))
        spec.clear_tmpfs()
        for mount_point, size in self._tmpfs.rows():
            spec.add_tmpfs(Vmroot.Tmpfs.new(mount_point, size))
        return spec

    def apply(self):
        """Makes what the page shows the guest's definition.

        Raises where another client changed the root meanwhile: nothing of theirs is overwritten.
        """
        domain, spec = self._load_unchanged()
        if self._get("root-enable").get_active():
            spec = self._make_spec(spec)
            if self._directory() and _lacks_address(spec):
                self._guest.attach(self._uuid, spec)
                return
        self._guest.define(self._edit(domain, spec))

    def changed_xml(self):
        """The guest's definition as libvirt has it now, with the root that the page shows."""
        return self._edit(*self._load_unchanged())

    def _load_unchanged(self):
        domain, spec, unreadable = _load(self._guest.read_xml())
        if _fingerprint(spec, unreadable) != self._base:
            raise Conflict(
                _(
                    "The root of this guest was changed meanwhile by another program. "
                    "Cancel shows what it is now."
                )
            )
        return domain, spec

    def _edit(self, domain, spec, trial=False):
        try:
            if self._get("root-enable").get_active():
                if not self._directory():
                    raise ValueError(
                        _("Which directory? Choose the one that the guest is to boot from.")
                    )
                wanted = self._make_spec(spec)
                domain.set_spec(_with_some_address(wanted) if trial else wanted)
            else:
                domain.set_spec(None)
        except GLib.Error as error:
            raise ValueError(error.message) from None
        return domain.to_xml()

    def applied(self):
        self.refresh()

    def _problem(self):
        """Why Apply would be refused, or None."""
        try:
            domain, spec, _unreadable = _load(self._xml)
            self._edit(domain, spec, trial=True)
        except ValueError as error:
            return str(error)
        except GLib.Error as error:
            return error.message
        return None

    # What would go wrong

    def _look(self, pause=False):
        self._inspector.stop()
        self._findings_of_page()
        if not self._get("root-enable").get_active():
            self._measurement.stop()
            return
        if self._guest.remote:
            self._show_status(
                "dialog-information",
                _(
                    "The directory is on the guest's host. What is in it, and what would go wrong, "
                    'can be told only there: run "vmroot check".'
                ),
            )
            return
        if not self._directory():
            self._show_status("dialog-information", _("Choose a directory."))
            self._get("root-directory-note").set_text("")
            return
        self._inspector.look(self._make_spec(), self._uuid, pause)

    def _findings_of_page(self):
        """What is wrong whatever is in the directory."""
        problem = self._problem() if self._directory() else None
        own = [(Vmroot.Severity.ERROR, problem, None, None)] if problem else []
        if self._found and self._found.directory == self._directory():
            own += findings.from_library(self._found.findings)
        self._findings.show(own)
        return own

    def _show_status(self, icon, text, busy=False):
        spinner = self._get("root-spinner")
        spinner.set_visible(busy)
        if busy:
            spinner.start()
        else:
            spinner.stop()
        self._get("root-status-icon").set_visible(not busy)
        self._get("root-status-icon").set_from_icon_name(icon, Gtk.IconSize.MENU)
        self._get("root-status").set_text(text)

    def _looking(self):
        self._show_status("", _("Looking into %s…") % self._directory(), busy=True)

    def _looked(self, found):
        self._found = found
        self._filling = True
        try:
            self._show_kernels(self._chosen("root-kernel"))
            self._show_boot_images(self._chosen("root-boot-image"))
        finally:
            self._filling = False

        shown = self._findings_of_page()
        if found.obstacle:
            self._show_status(
                "dialog-information" if found.private else "dialog-error", found.obstacle
            )
        else:
            self._show_status(*findings.summary(shown))
            self._measurement.start(found.directory)
        self._show_facts()
        self._show_no_virtiofsd(found)
        self._show_served(found)

    def _measured(self, directory, size, whole):
        text = texts.size(size)
        self._size = text if whole else _("more than %s") % text
        self._size_of = directory
        self._show_facts()

    def _show_facts(self):
        self._get("root-directory-note").set_text(self._facts())
        self._show_headline()

    def _show_served(self, found):
        self._get("root-running-frame").set_visible(self._guest.running and self._spec is not None)
        if found.root:
            since = found.root.get_since()
            text = _("%(directory)s is served to %(guest)s since %(time)s.") % {
                "directory": found.root.get_directory(),
                "guest": found.root.get_name(),
                "time": since.to_local().format("%c") if since else "?",
            }
        elif found.roots_unseen:
            text = _("Only root can see what is served to this guest.")
        else:
            text = _("Nothing is served to this guest: it was started without its directory.")
        self._get("root-served").set_text(text)

        if self._activity is None or not self._activity.known:
            self._activity = Activity(found.servers)
        self.sample()

    def sample(self):
        """Called at virt-manager's pace while the page is looked at."""
        known = self._activity is not None and self._activity.known
        self._get("root-activity").set_visible(known)
        self._get("root-activity-text").set_visible(known)
        if not known:
            return
        if self._graph is None:
            self._graph = self._guest.make_graph()
            self._get("root-activity").add(self._graph)
        self._activity.sample()
        self._graph.set_property("data_array", self._activity.scaled())
        self._get("root-activity-text").set_text(
            _("%(read)s/s read, %(written)s/s written")
            % {
                "read": texts.size(int(self._activity.reads[-1])),
                "written": texts.size(int(self._activity.writes[-1])),
            }
        )

    # What the user does

    def _edited_cb(self, *_args):
        if self._filling:
            return
        self._guest.mark_edited()
        self._sync()
        self._look(pause=True)

    def _enable_toggled_cb(self, _check):
        self._edited_cb()
        if not self._filling and self._get("root-enable").get_active() and not self._directory():
            self._get("root-directory").grab_focus()

    def _check_again_cb(self, _button):
        self._measurement.stop()
        self._look()

    def _browse_cb(self, _button):
        if self._guest.remote:
            self._guest.browse_pools(self._set_directory)
            return

        chooser = Gtk.FileChooserNative.new(
            _("Choose the directory to boot from"),
            self._guest.window,
            Gtk.FileChooserAction.SELECT_FOLDER,
            None,
            None,
        )
        if self._directory():
            chooser.set_filename(self._directory())
        chooser.connect("response", self._browsed_cb)
        self._chooser = chooser
        chooser.show()

    def _browsed_cb(self, chooser, response):
        if response == Gtk.ResponseType.ACCEPT:
            self._set_directory(chooser.get_filename())
        self._chooser = None
        chooser.destroy()

    def _set_directory(self, path):
        if path:
            self._get("root-directory").set_text(path)

    def _open_folder_cb(self, _button):
        try:
            Gio.AppInfo.launch_default_for_uri(Gio.File.new_for_path(self._directory()).get_uri())
        except GLib.Error as error:
            self._show_status("dialog-error", error.message)

    def _accept_drops(self):
        """A folder dropped anywhere on the page becomes the root."""
        self.widget.drag_dest_set(Gtk.DestDefaults.ALL, [], Gdk.DragAction.COPY)
        self.widget.drag_dest_add_uri_targets()
        self.widget.connect("drag-data-received", self._dropped_cb)

    def _dropped_cb(self, _widget, _context, _x, _y, data, _info, _time):
        paths = [Gio.File.new_for_uri(uri).get_path() for uri in data.get_uris() or []]
        if not paths or not paths[0] or not self._get("root-enable").get_sensitive():
            return
        self._get("root-enable").set_active(True)
        self._set_directory(paths[0])

    def cleanup(self):
        self._inspector.stop()
        self._measurement.stop()
        if self._chooser:
            self._chooser.destroy()
            self._chooser = None
        self._guest.cleanup()
        self.widget.destroy()
