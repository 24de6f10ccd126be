# SPDX-License-Identifier: GPL-2.0-or-later
"""What is in a directory, and what would go wrong with it: found in a thread.

A directory may be large, slow, or on a server that does not answer. Nothing here knows Gtk; what
was found is handed over in the main loop.
"""

import os
import pathlib

from gi.repository import Gio, GLib, Vmroot

from .background import Job
from .texts import _


class Inspection:
    """What one look into a directory found."""

    def __init__(self, directory):
        self.directory = directory
        self.os_name = None
        # None: not known
        self.kernels = None
        self.findings = []
        # Why nothing could be found out, in a sentence
        self.obstacle = None
        # Whether the obstacle is only that this user may not look
        self.private = False


def _owner_of_closed(directory):
    """Of the directory, or of the one above it that is closed to this user."""
    path = pathlib.Path(directory)
    for closed in (path, *path.parents):
        try:
            return closed.stat().st_uid
        except OSError:
            continue
    return None


def _unreadable(directory):
    """A sentence, where this user may not look into the directory as a whole."""
    try:
        with os.scandir(directory):
            return None
    except PermissionError:
        pass
    except OSError:
        return None

    if _owner_of_closed(directory) == 0:
        return _(
            "Only root can look into this directory. It can be used all the same: "
            "the guest's start checks it again, as root."
        )
    return _(
        "You may not look into this directory. It can be used all the same: "
        "the guest's start checks it again, as root."
    )


def _read_tree(inspection, spec, cancellable):
    tree = Vmroot.Tree.new(inspection.directory)
    inspection.os_name = tree.get_os_name() or tree.get_os_id()
    try:
        kernels = tree.list_kernels()
    except GLib.Error:
        kernels = []  # check() says it better
    # Newest first
    inspection.kernels = [(one.get_version(), bool(one.get_initramfs())) for one in kernels]
    inspection.findings = list(tree.check(spec, cancellable))


def _read_host(inspection, spec, uuid, cancellable):
    host = Vmroot.Host.new(None)
    known = {finding.get_id() for finding in inspection.findings}
    try:
        inspection.findings += [
            finding
            for finding in host.check(spec, uuid, cancellable)
            if finding.get_id() not in known
        ]
    except GLib.Error:
        pass  # of this user's rights: `vmroot check` as root tells


def inspect(spec, uuid, cancellable):
    """Looks into `spec`'s directory, as far as this user can."""
    inspection = Inspection(spec.get_directory())
    try:
        inspection.obstacle = _unreadable(inspection.directory)
        if inspection.obstacle:
            inspection.private = True
        else:
            _read_tree(inspection, spec, cancellable)
    except GLib.Error as error:
        inspection.obstacle = error.message
    _read_host(inspection, spec, uuid, cancellable)
    order = (Vmroot.Severity.ERROR, Vmroot.Severity.WARNING, Vmroot.Severity.INFO)
    inspection.findings.sort(key=lambda finding: order.index(finding.get_severity()))
    return inspection


def _look(spec, uuid, cancellable):
    try:
        return inspect(spec, uuid, cancellable)
    except Exception as error:
        inspection = Inspection(spec.get_directory())
        inspection.obstacle = str(error)
        return inspection


class Inspector:
    """Looks again and again; only the last look counts."""

    # Long enough for a typist's next letter, short enough for the page to feel alive.
    PAUSE_MS = 400

    def __init__(self, started, done):
        self._started = started
        self._done = done
        self._job = None
        self._timeout = 0

    def look(self, spec, uuid, pause=False):
        self.stop()
        if pause:
            self._timeout = GLib.timeout_add(self.PAUSE_MS, self._start, spec, uuid)
        else:
            self._start(spec, uuid)

    def _start(self, spec, uuid):
        self._timeout = 0
        self._started()
        self._job = Job(lambda cancellable: _look(spec, uuid, cancellable), self._done)
        return GLib.SOURCE_REMOVE

    def stop(self):
        if self._timeout:
            GLib.source_remove(self._timeout)
            self._timeout = 0
        if self._job:
            self._job.cancel()
            self._job = None


class Measurement:
    """How much a directory takes on disk, counted by du: a million files must not hold up this
    process."""

    def __init__(self, done):
        self._done = done
        self._directory = None
        self._process = None

    def start(self, directory):
        if directory == self._directory:
            return
        self.stop()
        self._directory = directory
        launcher = Gio.SubprocessLauncher.new(
            Gio.SubprocessFlags.STDOUT_PIPE | Gio.SubprocessFlags.STDERR_SILENCE
        )
        launcher.setenv("LC_ALL", "C", True)
        try:
            self._process = launcher.spawnv(
                ["nice", "-n", "19", "du", "-s", "-x", "--block-size=1", "--", directory]
            )
        except GLib.Error:
            return  # no size then
        self._process.communicate_utf8_async(None, None, self._counted)

    def _counted(self, process, result):
        if process is not self._process:
            return
        self._process = None
        try:
            _success, output, _errors = process.communicate_utf8_finish(result)
        except GLib.Error:
            return
        first = (output or "").split("\t", 1)[0]
        if first.isdigit():
            # du failed here and there where it may not look: then it is at least so much.
            self._done(self._directory, int(first), process.get_successful())

    def stop(self):
        self._directory = None
        if self._process:
            self._process.force_exit()
            self._process = None
