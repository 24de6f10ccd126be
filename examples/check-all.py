#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Says what would keep the guests of a connection from starting; status 1 if anything would.

    check-all.py [URI]
"""

import sys

import gi

gi.require_version("Vmroot", "1.0")
from gi.repository import Vmroot  # noqa: E402


def check(spec):
    try:
        found = Vmroot.Tree(spec.get_directory()).check(spec)
    except Vmroot.Failure as failure:
        return [f"error: {failure.message}"], True
    return [str(finding) for finding in found], bool(found.errors)


try:
    connection = Vmroot.Connection.open_read_only(sys.argv[1] if len(sys.argv) > 1 else None)
    specs = {name: connection.get_domain(name).spec for name in connection.list_domains()}
except Vmroot.Failure as failure:
    sys.exit(f"check-all: {failure.message}")

bad = False
for name, spec in specs.items():
    if spec is not None:
        lines, failed = check(spec)
        bad = bad or failed
        print("\n  ".join([f"{name}:", *(lines or ["nothing in the way was found"])]))
sys.exit(bad)
