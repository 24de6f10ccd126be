#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Moves a guest from virtiofs to NFS; everything else about its root stays.

    move-to-nfs.py URI GUEST NETWORK ADDRESS
"""

import sys

import gi

gi.require_version("Vmroot", "1.0")
from gi.repository import Vmroot  # noqa: E402

if len(sys.argv) != 5:
    sys.exit(__doc__)
uri, guest, network, address = sys.argv[1:]

try:
    connection = Vmroot.Connection.open(uri)
    spec = connection.get_domain(guest).spec
    if spec is None:
        sys.exit(f"move-to-nfs: the root of {guest} is not a directory")
    spec.set_transport(Vmroot.Transport.NFS)
    spec.set_network(network)
    spec.set_address(address)
    _done, running = connection.attach(guest, spec, None)
    spec = connection.get_domain(guest).spec
except Vmroot.Failure as failure:
    sys.exit(f"move-to-nfs: {failure.message}")
print(guest, "mounts", spec.get_directory(), "from", spec.get_server(), "as", spec.get_address())
if running:
    print("from its next start on")
