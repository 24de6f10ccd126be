# SPDX-License-Identifier: GPL-2.0-or-later
"""How much a guest reads and writes in its root: what the kernel counts for its virtiofsd.

/proc/PID/io is for those who may trace the process: root, for libvirt's system guests.
"""

import os
import pathlib
import time

PROC = pathlib.Path("/proc")
POINTS = 60


def _serves(arguments, directory):
    """Whether these are the arguments of a virtiofsd for the directory, in either dialect:
    `-o source=DIR,…` or `--shared-dir DIR`."""
    if not arguments or os.path.basename(arguments[0]) != "virtiofsd":
        return False
    if any(
        option == f"source={directory}" for argument in arguments for option in argument.split(",")
    ):
        return True
    return any(
        argument == f"--shared-dir={directory}"
        or (argument == "--shared-dir" and following == directory)
        for argument, following in zip(arguments, [*arguments[1:], ""])
    )


def find_servers(directory, proc=PROC):
    """The processes that serve the directory."""
    found = []
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            arguments = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if _serves(arguments, directory):
            found.append(int(entry.name))
    return found


def _count(pid, proc):
    fields = dict(line.split(": ") for line in (proc / str(pid) / "io").read_text().splitlines())
    return int(fields["rchar"]), int(fields["wchar"])


class Activity:
    """Bytes read and written for each second, newest last."""

    def __init__(self, pids, proc=PROC, clock=time.monotonic):
        self._pids = pids
        self._proc = proc
        self._clock = clock
        self._last = self._read()
        self.reads = [0.0] * POINTS
        self.writes = [0.0] * POINTS

    def _read(self):
        try:
            counts = [_count(pid, self._proc) for pid in self._pids]
        except (OSError, ValueError, KeyError):
            return None
        return self._clock(), sum(read for read, _ in counts), sum(write for _, write in counts)

    @property
    def known(self):
        """Whether this user may see the counts."""
        return bool(self._pids) and self._last is not None

    def sample(self):
        now = self._read()
        if now and self._last and now[0] > self._last[0]:
            seconds = now[0] - self._last[0]
            self.reads = self.reads[1:] + [max(0, now[1] - self._last[1]) / seconds]
            self.writes = self.writes[1:] + [max(0, now[2] - self._last[2]) / seconds]
        self._last = now

    def scaled(self):
        """Both rows, between 0 and 1 of the highest value among them."""
        highest = max(1.0, *self.reads, *self.writes)
        return [value / highest for value in self.reads + self.writes]
