# SPDX-License-Identifier: GPL-2.0-or-later
"""vmroot-init as a file: what it is built like."""

import os
import subprocess

INIT = os.environ['VMROOT_INIT']


def test_needs_no_library():
    headers = subprocess.run(['readelf', '--wide', '--program-headers', INIT], capture_output=True, text=True,
                             check=True).stdout

    assert ' LOAD ' in headers
    assert ' INTERP ' not in headers


def test_is_small():
    limit = 100_000 if os.environ['VMROOT_INIT_LIBC'] == 'musl' else 1_500_000

    assert os.path.getsize(INIT) < limit


def test_refuses_to_run_on_a_host():
    result = subprocess.run([INIT], capture_output=True, text=True, check=False)

    assert result.returncode == 2
    assert 'first process of a vmroot guest' in result.stderr
