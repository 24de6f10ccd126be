# SPDX-License-Identifier: GPL-2.0-or-later
"""The public API is the recorded one: nothing is exported by accident, nothing is lost."""

import os
import shutil
import subprocess

import pytest

LIBRARY = os.environ["VMROOT_LIBRARY"]
RECORDED = os.environ["VMROOT_SYMBOLS"]


@pytest.mark.skipif(shutil.which("nm") is None, reason="nm is missing: install binutils")
def test_exported_symbols_are_the_recorded_ones():
    listing = subprocess.run(
        ["nm", "--dynamic", "--defined-only", "--format=just-symbols", LIBRARY],
        check=True,
        capture_output=True,
        text=True,
    )
    exported = sorted(listing.stdout.split())

    with open(RECORDED, encoding="utf-8") as file:
        recorded = file.read().split()

    assert exported == recorded, (
        "Record a change that is meant: nm --dynamic --defined-only --format=just-symbols "
        f"{LIBRARY} | sort > {RECORDED}"
    )
