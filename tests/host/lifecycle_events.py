#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""libvirt's lifecycle events, from a process of their own.

libvirt's event loop runs GLib's default main context, in whichever thread it is called. In a thread
of a test it would take away what others there wait for, as AT-SPI does for the answers of a desktop.

As a program (`lifecycle_events.py URI`) this file is that process: a line says that it listens, then
there is one for each event, with its number and the guest's name.
"""

import queue
import subprocess
import sys
import threading

import libvirt


class LifecycleEvents:
    """One queue of events for each guest."""

    def __init__(self, uri):
        self.uri = uri
        self.queues = {}
        self.process = None
        self.reader = None

    def connect(self):
        self.process = subprocess.Popen(
            [sys.executable, __file__, self.uri],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        if not self.process.stdout.readline():
            raise RuntimeError("nobody listens to libvirt's events")
        self.reader = threading.Thread(target=self._read, args=[self.process.stdout], daemon=True)
        self.reader.start()

    def disconnect(self):
        self.process.terminate()
        self.process.wait()
        self.reader.join()

    def _read(self, lines):
        with lines:
            for line in lines:
                event, name = line.rstrip("\n").split(" ", 1)
                self.of(name).put(int(event))

    def of(self, name):
        return self.queues.setdefault(name, queue.Queue())


def tell(_connection, domain, event, _detail, _opaque):
    print(event, domain.name(), flush=True)


def main(uri):
    libvirt.virEventRegisterDefaultImpl()
    connection = libvirt.openReadOnly(uri)
    connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, tell, None)
    print("listening", flush=True)
    while connection.isAlive():
        libvirt.virEventRunDefaultImpl()


if __name__ == "__main__":
    main(*sys.argv[1:])
