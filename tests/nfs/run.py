#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the nfs suite on a host of one release of Debian, or say why not:
run.py RELEASE PYTEST-TAP DIRECTORY [PYTEST ARGUMENT...]"""

import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
TESTS = pathlib.Path(__file__).resolve().parent.parent
MODULES = [str(TESTS / "host"), str(TESTS / "guest"), str(TESTS.parent / "plugin")]
sys.path[:0] = MODULES

import package  # noqa: E402

PROGRAMS = {
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "qemu-img": "qemu-utils",
    "qemu-system-x86_64": "qemu-system-x86",
}


def prefix():
    options = subprocess.run(
        ["meson", "introspect", "--buildoptions", os.environ["VMROOT_BUILD"]],
        check=True,
        capture_output=True,
    )
    return next(o["value"] for o in json.loads(options.stdout) if o["name"] == "prefix")


def what_is_missing(release):
    if os.geteuid() != 0:
        return "not root: the disks of a host have files of every owner"
    for program, debian_package in PROGRAMS.items():
        if not shutil.which(program):
            return f"{program} is missing: install {debian_package}"
    if not importlib.util.find_spec("pytest"):
        return "the Python module is missing: install python3-pytest"
    if prefix() != "/usr":
        return "the build has another prefix than /usr: meson setup --prefix=/usr"
    if not package.runs_on(release):
        return f"what is built here takes a newer glibc than that of {release}"
    return None


def main():
    release, *argv = sys.argv[1:]
    missing = what_is_missing(release)
    if missing:
        print(f"1..0 # SKIP {missing}")
        return 0
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(MODULES), "VMROOT_HOST_RELEASE": release}
    return subprocess.run([sys.executable, *argv], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
