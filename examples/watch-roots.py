#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints which roots this host serves, now and whenever that changes. Run it as root.

    watch-roots.py [SYSROOT]
"""

import sys

import gi

gi.require_version("Vmroot", "1.0")
from gi.repository import Gio, GLib, Vmroot  # noqa: E402

sysroot = sys.argv[1] if len(sys.argv) > 1 else None
host = Vmroot.Host.new(sysroot)


def show(*_event):
    try:
        roots = host.list_roots()
    except Vmroot.Failure as failure:
        print(f"watch-roots: {failure.message}", file=sys.stderr)
        return
    print(len(roots), "served", flush=True)
    for root in roots:
        print(" ", root.get_name(), root.get_directory(), flush=True)


# A file for each guest, as long as the host serves it.
directory = Gio.File.new_for_path(f"{sysroot or ''}/run/vmroot/guests")
monitor = directory.monitor_directory(Gio.FileMonitorFlags.NONE, None)
monitor.connect("changed", show)
show()
try:
    GLib.MainLoop().run()
except KeyboardInterrupt:
    pass
