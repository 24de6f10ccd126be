# SPDX-License-Identifier: GPL-2.0-or-later
"""The page: what the guest boots from, and what of it can be chosen.

It reads and writes a Vmroot.Spec in the guest's definition, and knows virt-manager only as the
`guest` it was given (adapter._Guest).
"""

import contextlib
import pathlib

from gi.repository import Gtk, Vmroot

from . import findings, texts
from .boot import BootChoice
from .choice import Choice
from .definition import Conflict, Definition, needs_connection, with_some_address
from .directory import DirectoryChoice
from .inspection import Inspector, Measurement
from .lists import ShareList, TmpfsList
from .served import ServedFrame
from .texts import _
from .transport import TransportChoice

UI_FILE = pathlib.Path(__file__).with_name("root-page.ui")

READ_WRITE, READ_ONLY, EPHEMERAL = "read-write", "read-only", "ephemeral"


class RootPage:
    def __init__(self, guest):
        self._guest = guest
        self._shown = None
        self._found = None
        self._size = None
        self._size_of = None
        self._running = False
        self._filling = False

        self._builder = Gtk.Builder(translation_domain=texts.DOMAIN)
        self._builder.add_from_file(str(UI_FILE))
        self.widget = self._get("vmroot-root-page")
        self._enable = self._get("root-enable")
        self._name_widgets()
        self._make_parts()
        self._builder.connect_signals(
            {
                "on_edited": self._edited,
                "on_enable_toggled": self._enable_toggled,
                "on_browse": self._directory.browse,
                "on_open_folder": self._directory.open_folder,
                "on_add_share": lambda _button: self._shares.add_empty(),
                "on_add_tmpfs": lambda _button: self._tmpfs.add_empty(),
                "on_check_again": self._check_again,
            }
        )
        # What gets the keyboard's focus is scrolled to.
        self._get("root-page").set_focus_vadjustment(self.widget.get_vadjustment())

    def _get(self, name):
        return self._builder.get_object(name)

    def _name_widgets(self):
        """A screen reader says the label of a control; tests find it by the same name."""
        for label in self._builder.get_objects():
            if isinstance(label, Gtk.Label) and label.get_mnemonic_widget():
                label.get_mnemonic_widget().get_accessible().set_name(label.get_text().rstrip(":"))

    def _make_parts(self):
        get = self._get
        self._directory = DirectoryChoice(get, self._guest, self._switch_on, self._no_folder)
        self._transport = TransportChoice(get, self._guest)
        self._boot = BootChoice(get)
        self._access = Choice(get("root-access"))
        self._access.offer(
            [
                (READ_WRITE, _("Read and write"), True),
                (READ_ONLY, _("Read-only"), True),
                (
                    EPHEMERAL,
                    _("Ephemeral: changes are kept in memory and gone after the shutdown"),
                    True,
                ),
            ]
        )
        self._shares = ShareList(get("root-shares"), get("root-shares-expander"), self._edited)
        self._tmpfs = TmpfsList(get("root-tmpfs"), get("root-tmpfs-expander"), self._edited)
        self._findings = findings.FindingList(get("root-findings"))
        self._status = findings.Status(get)
        self._inspector = Inspector(self._looking, self._looked)
        self._measurement = Measurement(self._measured)
        self._served = ServedFrame(get, self._guest)

    @contextlib.contextmanager
    def _fill(self):
        """What is changed meanwhile is no edit of the user's."""
        self._filling = True
        try:
            yield
        finally:
            self._filling = False

    # From the definition to the page

    def refresh(self):
        """Shows what the definition says, and forgets every edit."""
        self._shown = Definition(self._guest.read_xml())
        self._found = None
        with self._fill():
            self._show_spec(self._shown.spec)
        self._transport.allow(self._shown)
        self._show_headline()
        self._show_running()
        self._sync()
        self._look()

    def _show_spec(self, spec):
        self._enable.set_active(spec is not None)
        # What a later vmroot wrote is not ours to overwrite.
        self._enable.set_sensitive(not self._shown.of_later_vmroot)
        # As on virt-manager's own kernel boot: what was typed survives switching off.
        if spec is None and self._directory.path:
            self._transport.forget()
            return
        self._transport.show(spec)
        spec = spec or Vmroot.Spec.new(None)
        self._directory.path = spec.get_directory()
        self._boot.show(spec)
        self._access.choose(_access_of(spec))
        self._shares.clear()
        for share in spec.list_shares():
            self._shares.add(share.get_directory(), share.get_mount_point(), share.get_read_only())
        self._tmpfs.clear()
        for tmpfs in spec.list_tmpfs():
            self._tmpfs.add(tmpfs.get_mount_point(), tmpfs.get_size())

    def _facts(self):
        """Debian GNU/Linux 12 (bookworm), 412 MB, kernel 6.1.0-50-amd64"""
        found = self._found
        if not found or found.obstacle:
            return ""
        kernel = self._boot.kernel
        size = self._size if self._size_of == found.directory else None
        facts = [found.os_name, size, kernel and _("kernel %s") % kernel]
        return ", ".join(fact for fact in facts if fact)

    def _show_headline(self):
        spec = self._shown.spec
        if spec is None:
            self._get("root-icon").set_from_icon_name("drive-harddisk", Gtk.IconSize.DND)
            self._get("root-headline").set_text(self._shown.boots_from())
            return

        directory = spec.get_directory()
        facts = self._facts() if self._found and self._found.directory == directory else ""
        sentence = (
            _("The guest boots from the directory %(directory)s: %(facts)s.")
            if facts
            else _("The guest boots from the directory %(directory)s.")
        )
        self._get("root-icon").set_from_icon_name("folder", Gtk.IconSize.DND)
        self._get("root-headline").set_text(sentence % {"directory": directory, "facts": facts})

    def _show_running(self):
        self._running = self._guest.running
        notice = ""
        if self._shown.error is not None:
            notice = self._shown.error.message
        elif self._running:
            notice = _("The guest is running. Changes take effect after its next shutdown.")
        self._get("root-notice").set_text(notice)
        self._get("root-notice-box").set_visible(bool(notice))
        self._served.show(Definition(self._guest.read_running_xml()) if self._running else None)

    def _sync(self):
        """What depends on other controls."""
        self._get("root-options").set_visible(self._enable.get_active())
        self._directory.sync()
        self._transport.sync()

    # From the page to the definition

    def _make_spec(self, spec=None):
        """What the page says, on top of what the page does not show of `spec`."""
        spec = spec or Vmroot.Spec.new(None)
        spec.set_directory(self._directory.path or None)
        self._transport.write(spec)
        self._boot.write(spec)
        access = self._access.chosen
        # A root may be both read-only and ephemeral: that stays until another is chosen.
        if access != _access_of(spec):
            spec.set_read_only(access == READ_ONLY)
            spec.set_ephemeral(access == EPHEMERAL)
        spec.clear_shares()
        for directory, mount_point, read_only in self._shares.rows():
            spec.add_share(Vmroot.Share.new(directory, mount_point, read_only))
        spec.clear_tmpfs()
        for mount_point, size in self._tmpfs.rows():
            spec.add_tmpfs(Vmroot.Tmpfs.new(mount_point, size))
        return spec

    def _wanted(self, definition):
        """The root that the page shows, on top of the one that `definition` has; None for none."""
        if not self._enable.get_active():
            return None
        if not self._directory.path:
            raise ValueError(_("Which directory? Choose the one that the guest is to boot from."))
        return self._make_spec(Definition(definition.document).spec)

    def _read_unchanged(self):
        """The definition as it is now.

        Raises where another client changed the root meanwhile: nothing of theirs is overwritten.
        """
        now = Definition(self._guest.read_xml())
        if not now.says_the_same(self._shown):
            raise Conflict(
                _(
                    "The root of this guest was changed meanwhile by another program. "
                    "Cancel shows what it is now."
                )
            )
        return now

    def apply(self):
        """Makes what the page shows the guest's definition."""
        now = self._read_unchanged()
        wanted = self._wanted(now)
        if needs_connection(now.spec, wanted):
            self._guest.attach(now.uuid, wanted)
        else:
            self._guest.define(now.with_root(wanted))

    def changed_xml(self):
        """What apply() would define, but for an address that only libvirt can choose."""
        now = self._read_unchanged()
        return now.with_root(self._wanted(now))

    def applied(self):
        self.refresh()

    def _problem(self):
        """Why Apply would be refused, or None."""
        try:
            wanted = self._wanted(self._shown)
            self._shown.with_root(wanted and with_some_address(wanted))
        except ValueError as error:
            return str(error)
        return None

    # What would go wrong

    def _look(self, pause=False):
        self._inspector.stop()
        self._findings_of_page()
        if not self._enable.get_active():
            self._measurement.stop()
        elif self._guest.remote:
            with self._fill():
                self._boot.learn(None)
            self._status.say(
                "dialog-information",
                _(
                    "The directory is on the guest's host. What is in it, and what would go wrong, "
                    'can be told only there: run "vmroot check".'
                ),
            )
        elif not self._directory.path:
            self._status.say("dialog-information", _("Choose a directory."))
            self._get("root-directory-note").set_text("")
        else:
            self._inspector.look(self._make_spec(), self._shown.uuid, pause)

    def _findings_of_page(self):
        """What is wrong whatever is in the directory."""
        problem = self._problem() if self._directory.path else None
        own = [(Vmroot.Severity.ERROR, problem, None, None)] if problem else []
        if self._found and self._found.directory == self._directory.path:
            own += findings.from_library(self._found.findings)
        self._findings.show(own)
        return own

    def _looking(self):
        self._status.wait(_("Looking into %s…") % self._directory.path)

    def _looked(self, found):
        self._found = found
        with self._fill():
            self._boot.learn(found.kernels)
        shown = self._findings_of_page()
        if found.obstacle:
            self._status.say(
                "dialog-information" if found.private else "dialog-error", found.obstacle
            )
        else:
            self._status.say(*findings.summary(shown))
            self._measurement.start(found.directory)
        self._show_facts()

    def _measured(self, directory, size, whole):
        text = texts.size(size)
        self._size = text if whole else _("more than %s") % text
        self._size_of = directory
        self._show_facts()

    def _show_facts(self):
        self._get("root-directory-note").set_text(self._facts())
        self._show_headline()

    def sample(self):
        """Called at virt-manager's pace while the page is looked at."""
        if self._guest.running != self._running:
            self._show_running()
        else:
            self._served.sample()

    # What the user does

    def _edited(self, *_args):
        if self._filling:
            return
        self._guest.mark_edited()
        self._sync()
        self._look(pause=True)

    def _enable_toggled(self, _check):
        self._edited()
        if not self._filling and self._enable.get_active() and not self._directory.path:
            self._directory.focus()

    def _switch_on(self):
        """Whether the guest can have a directory as its root: then it gets one."""
        if not self._enable.get_sensitive():
            return False
        self._enable.set_active(True)
        return True

    def _no_folder(self, message):
        self._status.say("dialog-error", message)

    def _check_again(self, _button):
        self._measurement.stop()
        self._transport.look()
        self._look()

    def cleanup(self):
        # All of it, even where one fails
        with contextlib.ExitStack() as stack:
            stack.callback(self.widget.destroy)
            stack.callback(self._guest.cleanup)
            for part in self._directory, self._served, self._transport:
                stack.callback(part.cleanup)
            stack.callback(self._measurement.stop)
            stack.callback(self._inspector.stop)


def _access_of(spec):
    if spec.get_ephemeral():
        return EPHEMERAL
    return READ_ONLY if spec.get_read_only() else READ_WRITE
