# SPDX-License-Identifier: GPL-2.0-or-later
"""Work that may take long, in a thread. Nothing of Gtk may be touched there."""

import threading

from gi.repository import Gio, GLib


class Job:
    """Calls `work(cancellable)` in a thread, then `done(result)` in the main loop, unless it was
    cancelled meanwhile."""

    def __init__(self, work, done):
        self._work = work
        self._done = done
        self._cancellable = Gio.Cancellable()
        threading.Thread(target=self._run, name="vmroot", daemon=True).start()

    def _run(self):
        result = self._work(self._cancellable)
        GLib.idle_add(self._hand_over, result)

    def _hand_over(self, result):
        if not self._cancellable.is_cancelled():
            self._done(result)
        return GLib.SOURCE_REMOVE

    def cancel(self):
        self._cancellable.cancel()
