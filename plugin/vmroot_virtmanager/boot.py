# SPDX-License-Identifier: GPL-2.0-or-later
"""Which kernel the guest boots, with what initramfs and arguments."""

from gi.repository import Vmroot

from . import entry
from .choice import Choice
from .texts import _

NEWEST = ""
BY_VMROOT, BY_GUEST = "vmroot", "guest"


class BootChoice:
    def __init__(self, get):
        self._kernel = Choice(get("root-kernel"))
        # In place of the kernels of a tree that cannot be looked into
        self._version = get("root-kernel-version")
        self._label = get("root-kernel-label")
        self._version.get_accessible().set_name(self._label.get_text().rstrip(":"))
        self._image = Choice(get("root-boot-image"))
        self._arguments = get("root-kernel-args")
        # (version, whether it has an initramfs in the tree), newest first; None: not known
        self._known = None

    def show(self, spec):
        self._known = None
        self._offer_kernels(spec.get_kernel() or NEWEST)
        by_guest = spec.get_boot_source() == Vmroot.BootSource.GUEST
        self._offer_images(BY_GUEST if by_guest else BY_VMROOT)
        entry.show(self._arguments, spec.get_kernel_args())

    def learn(self, kernels):
        """What kernels are in the tree; None where that cannot be told."""
        chosen = self._chosen
        self._known = kernels
        self._show_version_entry(kernels is None)
        self._offer_kernels(chosen)
        self._offer_images(self._image.chosen)

    def _show_version_entry(self, shown):
        self._version.set_visible(shown)
        self._kernel.combo.set_visible(not shown)
        self._label.set_mnemonic_widget(self._version if shown else self._kernel.combo)

    @property
    def _chosen(self):
        """A version, or NEWEST."""
        if self._version.get_visible():
            return entry.read(self._version)
        return self._kernel.chosen

    @property
    def kernel(self):
        """The version that would be booted, if it is known."""
        return self._chosen or (self._known[0][0] if self._known else None)

    def write(self, spec):
        spec.set_kernel(self._chosen or None)
        by_guest = self._image.chosen == BY_GUEST
        spec.set_boot_source(Vmroot.BootSource.GUEST if by_guest else Vmroot.BootSource.VMROOT)
        spec.set_kernel_args(entry.read(self._arguments) or None)

    def _offer_kernels(self, chosen):
        known = self._known or []
        newest = _("Newest in the tree (%s)") % known[0][0] if known else _("Newest in the tree")
        rows = [(NEWEST, newest, True)]
        rows += [(version, version, True) for version, _initramfs in known]
        if chosen not in [value for value, *_rest in rows]:
            unknown = self._known is None
            label = chosen if unknown else _("%s (not in the tree)") % chosen
            rows.append((chosen, label, True))
        self._kernel.offer(rows)
        self._kernel.choose(chosen)
        entry.show(self._version, chosen)

    def _offer_images(self, chosen):
        none = bool(self._known) and not dict(self._known).get(self.kernel)
        label = _("The tree's own (it has none for this kernel)") if none else _("The tree's own")
        self._image.offer(
            [
                (BY_VMROOT, _("Made by vmroot at every start"), True),
                (BY_GUEST, label, not none or chosen == BY_GUEST),
            ]
        )
        self._image.choose(chosen)
