# SPDX-License-Identifier: GPL-2.0-or-later
"""Imported by vmroot-virt-manager.pth at every start of Python: adds the page to virt-manager as
its own launcher starts it, and leaves every other program alone."""

import os
import sys


def is_virt_manager(arguments):
    """Whether these are those of `python3 …/virt-manager`."""
    scripts = [argument for argument in arguments[1:] if not argument.startswith("-")]
    return bool(scripts) and os.path.basename(scripts[0]) == "virt-manager"


if is_virt_manager(sys.orig_argv):
    import vmroot_virtmanager

    vmroot_virtmanager.install()
