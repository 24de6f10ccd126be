# SPDX-License-Identifier: GPL-2.0-or-later
"""Work that may take long, in a thread. Nothing of Gtk may be touched there."""

import collections
import threading

from gi.repository import Gio, GLib

# What looks into a directory of a server that does not answer never ends, and cannot be ended.
MOST_AT_ONCE = 16

_waiting = collections.deque()
_running = 0


def _start_waiting():
    global _running
    while _waiting and _running < MOST_AT_ONCE:
        _running += 1
        threading.Thread(target=_waiting.popleft().run, name="vmroot", daemon=True).start()


def _ended():
    global _running
    _running -= 1
    _start_waiting()


class Job:
    """Calls `work(cancellable)` in a thread, then `done(result)` in the main loop, unless it was
    cancelled meanwhile."""

    def __init__(self, work, done):
        self._work = work
        self._done = done
        self._cancellable = Gio.Cancellable()
        _waiting.append(self)
        _start_waiting()

    def run(self):
        try:
            GLib.idle_add(self._hand_over, self._work(self._cancellable))
        finally:
            GLib.idle_add(_ended)

    def _hand_over(self, result):
        if not self._cancellable.is_cancelled():
            self._done(result)
        return GLib.SOURCE_REMOVE

    def cancel(self):
        self._cancellable.cancel()
        if self in _waiting:
            _waiting.remove(self)
