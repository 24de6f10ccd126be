#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Lists the guests of a connection whose root is a directory.

    list-roots.py [URI]
"""

import sys

import gi

gi.require_version("Vmroot", "1.0")
from gi.repository import Vmroot  # noqa: E402

try:
    connection = Vmroot.Connection.open_read_only(sys.argv[1] if len(sys.argv) > 1 else None)
    for name in connection.list_domains():
        spec = connection.get_domain(name).spec
        if spec is not None:
            print(name, spec.get_transport().value_nick, spec.get_directory())
except Vmroot.Failure as failure:
    sys.exit(f"list-roots: {failure.message}")
