# SPDX-License-Identifier: GPL-2.0-or-later
"""How much a guest reads and writes in its root: what the kernel counts for its virtiofsd, or its
NFS server for the guest's exports.

/proc/PID/io is for those who may trace the process: root, for libvirt's system guests. What the
NFS server counts, everybody may read.
"""

import os
import pathlib
import re
import time

PROC = pathlib.Path("/proc")
EXPORT_STATS = PROC / "fs/nfsd/export_stats"
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


def find_servers(directories, proc=PROC):
    """The virtiofsd processes that serve any of the directories."""
    found = []
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            arguments = (entry / "cmdline").read_bytes().decode(errors="surrogateescape")
        except OSError:
            continue
        if any(_serves(arguments.split("\0"), directory) for directory in directories):
            found.append(int(entry.name))
    return found


class VirtiofsdCounter:
    """What processes of virtiofsd have read and written."""

    def __init__(self, pids, proc=PROC):
        self._files = [proc / str(pid) / "io" for pid in pids]

    def read(self):
        """(bytes read, bytes written) since they started. Fails where they cannot be told."""
        if not self._files:
            raise LookupError("no virtiofsd")
        counts = [
            dict(line.split(": ") for line in file.read_text().splitlines()) for file in self._files
        ]
        return sum(int(one["rchar"]) for one in counts), sum(int(one["wchar"]) for one in counts)


def _unescaped(text):
    r"""The kernel writes blanks, tabs, newlines and backslashes as \040 and so on."""
    return re.sub(rb"\\([0-7]{3})", lambda octal: bytes([int(octal.group(1), 8)]), text)


def read_export_stats(text):
    """(bytes read, bytes written) by (directory, client), of the bytes of the NFS server's file:

        /export/web	192.168.122.2	1700000000
        	fh_stale: 0
        	io_read: 4096
        	io_write: 512
    """
    stats = {}
    counts = {}
    for line in text.splitlines():
        if line.startswith(b"#") or not line.strip():
            continue
        if line.startswith(b"\t"):
            name, _colon, value = line.strip().partition(b": ")
            counts[name] = int(value)
        else:
            path, client, _since = line.split(b"\t")
            counts = stats[(os.fsdecode(_unescaped(path)), os.fsdecode(_unescaped(client)))] = {}
    return {key: (one[b"io_read"], one[b"io_write"]) for key, one in stats.items()}


class ExportCounter:
    """What the NFS server has read and written for one client in some directories."""

    def __init__(self, directories, client, file=EXPORT_STATS):
        self._keys = [(directory, client) for directory in directories]
        self._file = file

    def read(self):
        """As VirtiofsdCounter.read(). An export that no request came for yet is not in the file."""
        stats = read_export_stats(self._file.read_bytes())
        counts = [stats[key] for key in self._keys if key in stats]
        return sum(read for read, _ in counts), sum(written for _, written in counts)


class Activity:
    """Bytes read and written for each second, newest last."""

    def __init__(self, counter, clock=time.monotonic):
        self._counter = counter
        self._clock = clock
        self._last = self._read()
        self.reads = [0.0] * POINTS
        self.writes = [0.0] * POINTS

    def _read(self):
        try:
            return self._clock(), *self._counter.read()
        except (OSError, ValueError, LookupError):
            return None

    @property
    def known(self):
        """Whether this user may see the counts."""
        return self._last is not None

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
