#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the definition of a new guest whose root is a directory.

    new-guest.py NAME DIRECTORY | virsh define /dev/stdin
"""

import sys
import uuid
from xml.sax.saxutils import escape

import gi

gi.require_version("Vmroot", "1.0")
from gi.repository import Vmroot  # noqa: E402

GUEST = """\
<domain type='kvm'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='GiB'>1</memory>
  <vcpu>2</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
  </os>
  <features>
    <acpi/>
  </features>
  <devices>
    <interface type='network'>
      <source network='default'/>
      <model type='virtio'/>
    </interface>
    <console type='pty'/>
  </devices>
</domain>
"""

if len(sys.argv) != 3:
    sys.exit(__doc__)
name, directory = sys.argv[1:]

domain = Vmroot.Domain(GUEST.format(name=escape(name), uuid=uuid.uuid4()))
try:
    domain.spec = Vmroot.Spec(directory, kernel_args="console=ttyS0")
except Vmroot.Failure as failure:
    sys.exit(f"new-guest: {failure.message}")
print(domain)
