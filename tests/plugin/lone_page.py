# SPDX-License-Identifier: GPL-2.0-or-later
"""The page without virt-manager, in this process: for what virt-manager cannot easily be brought
to do."""

import pathlib
import time
import xml.etree.ElementTree as ElementTree

DATA = pathlib.Path(__file__).parent / "data"
NETWORKS = [("bridged", None), ("default", "192.168.122.0/24"), ("lab", "10.0.5.0/24")]


def definition():
    node = ElementTree.parse(DATA / "guest.xml").getroot()
    domain = node.find("domain")
    domain.remove(domain[-1])  # how the test driver is to start it
    return ElementTree.tostring(domain, encoding="unicode").replace("@name@", "web")


class Guest:
    """What virt-manager is to the page."""

    window = None

    def __init__(self, xml=None, running=False, remote=False, networks=NETWORKS):
        self.xml = xml or definition()
        self.running = running
        self.remote = remote
        self.networks = networks
        self.edits = 0
        self.attached = None

    def read_xml(self):
        return self.xml

    def read_running_xml(self):
        return self.xml

    def list_networks(self):
        return self.networks

    def make_graph(self):
        from gi.repository import GObject, Gtk

        class Graph(Gtk.DrawingArea):
            data_array = GObject.Property(type=object)
            rgb = GObject.Property(type=object)

        return Graph()

    def define(self, xml):
        self.xml = xml

    def attach(self, uuid, spec):
        self.attached = (uuid, spec)

    def mark_edited(self):
        self.edits += 1

    def cleanup(self):
        pass


def with_root(directory, change=lambda spec: None, xml=None):
    """A definition with a root, changed by `change`."""
    from gi.repository import Vmroot

    spec = Vmroot.Spec.new(str(directory))
    change(spec)
    domain = Vmroot.Domain.new_from_xml(xml or definition())
    domain.set_spec(spec)
    return domain.to_xml()


def run_until(question, timeout=20):
    from gi.repository import GLib

    context = GLib.MainContext.default()
    deadline = time.monotonic() + timeout
    while not question():
        assert time.monotonic() < deadline
        context.iteration(False)
        time.sleep(0.001)


def widget(page, name):
    return page._builder.get_object(name)


def use(page, directory):
    widget(page, "root-enable").set_active(True)
    widget(page, "root-directory").set_text(str(directory))


def looked(page):
    """Once it is known what is in the directory."""
    run_until(lambda: page._found)
    return page


def described(xml):
    from gi.repository import Vmroot

    return Vmroot.Domain.new_from_xml(xml).get_spec()
