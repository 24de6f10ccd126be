# SPDX-License-Identifier: GPL-2.0-or-later
"""The "Root filesystem" page of virt-manager.

virt-manager has no plugin interface. `install()` asks Python to tell us when virt-manager's window
of a guest is imported; `adapter` then adds the page. Nothing else is imported before that moment:
virt-manager forks first, and a Gtk, a D-Bus connection or a thread from before the fork would break it.
"""


def install():
    """Adds the page to the virt-manager that this process is going to be."""
    from . import finder

    finder.install()
