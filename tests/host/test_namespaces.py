# SPDX-License-Identifier: GPL-2.0-or-later
"""What the demo and these tests stand on: that nothing they start can stay behind."""

import glob
import pathlib
import signal
import subprocess
import sys

import private_host
import pytest

HERE = pathlib.Path(__file__).parent

# A daemon that nobody waits for, which leaves its session and ignores what asks it to end.
DAEMON = """
import os, signal, time
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    os.execvp("sleep", ["vmroot-left-behind", "600"])
print("running", flush=True)
time.sleep(600)
"""


def start():
    """Run the daemon in namespaces, as the demo runs libvirtd."""
    code = (
        f"import namespaces, sys; sys.exit(namespaces.run([sys.executable, '-c', '''{DAEMON}''']))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=HERE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"running\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_everything(number):
    process = start()
    process.send_signal(number)
    assert process.wait(timeout=60) == 128 + number
    assert private_host.processes("vmroot-left-behind") == {}
    assert glob.glob(f"/sys/fs/cgroup/**/vmroot-{process.pid}", recursive=True) == []
    process.stdout.close()


def test_mounts_are_not_seen_outside():
    before = pathlib.Path("/proc/self/mounts").read_text()
    code = "import namespaces; namespaces.run(['mount', '-t', 'tmpfs', 'tmpfs', '/mnt'])"
    subprocess.run([sys.executable, "-c", code], cwd=HERE, check=True)
    assert pathlib.Path("/proc/self/mounts").read_text() == before


def test_exit_status_is_passed_on():
    code = "import namespaces, sys; sys.exit(namespaces.run(['sh', '-c', 'exit 7']))"
    ended = subprocess.run([sys.executable, "-c", code], cwd=HERE, check=False)
    assert ended.returncode == 7
