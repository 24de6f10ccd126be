#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run tests on a private host, in namespaces: run.py PYTEST-TAP DIRECTORY [PYTEST ARGUMENT...]

VMROOT_TREES: the trees without which they cannot run; all of them unless it says otherwise.
"""

import importlib.util
import os
import pathlib
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True

import namespaces  # noqa: E402
import trees  # noqa: E402

PROGRAMS = {
    "unshare": "util-linux",
    "mount": "mount",
    "ip": "iproute2",
    "virsh": "libvirt-clients",
    "/usr/sbin/libvirtd": "libvirt-daemon-system",
    "/usr/sbin/virtlogd": "libvirt-daemon-system",
    "qemu-system-x86_64": "qemu-system-x86",
}


def what_is_missing():
    if os.geteuid() != 0:
        return "not root: a private host needs namespaces and libvirtd"
    for program, package in PROGRAMS.items():
        if not shutil.which(program):
            return f"{program} is missing: install {package}"
    for module in ("libvirt", "pytest"):
        if not importlib.util.find_spec(module):
            return f"the Python module is missing: install python3-{module}"
    for name in os.environ.get("VMROOT_TREES", " ".join(trees.NAMES)).split():
        if not trees.path(name).exists():
            return f"there is no tree {trees.path(name)}: tools/check makes it"
    return None


def main():
    missing = what_is_missing()
    if missing:
        print(f"1..0 # SKIP {missing}")
        return 0
    # Beside the trees, so that copies are made on the same, real file system.
    with tempfile.TemporaryDirectory(prefix="run-", dir=trees.cache()) as work:
        pathlib.Path(work).chmod(0o711)
        os.environ["VMROOT_WORK"] = work
        return namespaces.run([sys.executable, *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
