# SPDX-License-Identifier: LGPL-2.1-or-later
"""What makes the library pleasant in Python. PyGObject loads it with `gi.repository.Vmroot`."""

import functools

from gi.overrides import override
from gi.repository import GLib

from ..module import get_introspection_module

Vmroot = get_introspection_module("Vmroot")

__all__ = []


class Failure(GLib.Error):
    """What every call of the library raises: a GLib.Error that knows its code.

    `reason` is a Vmroot.Error, or None for an error of GLib's own, such as a file that cannot be
    read.
    """

    def __init__(self, error):
        super().__init__(error.message, error.domain, error.code)
        self.reason = None
        if error.matches(Vmroot.error_quark(), error.code):
            self.reason = Vmroot.Error(error.code)


__all__.append("Failure")


def _raising_failures(function):
    @functools.wraps(function)
    def call(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except Failure:
            raise
        except GLib.Error as error:
            raise Failure(error) from None

    return call


def _raise_failures(cls):
    """Lets every method of a class that can fail do so with a Failure."""
    for info in cls.__info__.get_methods():
        if not info.can_throw_gerror():
            continue
        call = _raising_failures(getattr(cls, info.get_name()))
        setattr(cls, info.get_name(), call if info.is_method() else staticmethod(call))


for _name in ("BootImage", "Connection", "Domain", "Host", "Spec", "Tree"):
    _raise_failures(getattr(Vmroot, _name))


class Spec(Vmroot.Spec):
    """Spec(directory, shares=[…], tmpfs=[…], run_files={…}, read_only=True, …): every property is
    a keyword."""

    def __init__(self, directory=None, shares=(), tmpfs=(), run_files=None, **properties):
        super().__init__(directory=directory, **properties)
        self.shares = shares
        self.tmpfs = tmpfs
        for path, content in (run_files or {}).items():
            self.set_run_file(path, content)

    @property
    def shares(self):
        return self.list_shares()

    @shares.setter
    def shares(self, shares):
        self.clear_shares()
        for share in shares:
            self.add_share(share)

    @property
    def tmpfs(self):
        return self.list_tmpfs()

    @tmpfs.setter
    def tmpfs(self, tmpfs):
        self.clear_tmpfs()
        for one in tmpfs:
            self.add_tmpfs(one)

    @property
    def run_files(self):
        return {path: self.get_run_file(path) for path in self.list_run_files()}

    def __repr__(self):
        return f"<Vmroot.Spec {self.get_directory()!r}>"


Spec = override(Spec)
__all__.append("Spec")


class Domain(Vmroot.Domain):
    """Domain(xml): a domain's document; `spec` reads and writes what its root is."""

    def __new__(cls, xml):
        if isinstance(xml, bytes):
            return Vmroot.Domain.new_from_bytes(GLib.Bytes.new(xml))
        return Vmroot.Domain.new_from_xml(xml)

    def __init__(self, xml):
        # The object is made by __new__.
        pass

    @property
    def spec(self):
        """None where the root is not described by vmroot."""
        try:
            return self.get_spec()
        except Failure as failure:
            if failure.reason == Vmroot.Error.NO_SPEC:
                return None
            raise

    @spec.setter
    def spec(self, spec):
        self.set_spec(spec)

    def __str__(self):
        return self.to_xml()


Domain = override(Domain)
__all__.append("Domain")


class Findings(list):
    """What `check` finds: a list of Vmroot.Finding, the worst first."""

    def __init__(self, findings):
        super().__init__(sorted(findings, key=lambda one: -int(one.get_severity())))

    @property
    def errors(self):
        return [one for one in self if one.get_severity() == Vmroot.Severity.ERROR]

    @property
    def warnings(self):
        return [one for one in self if one.get_severity() == Vmroot.Severity.WARNING]


__all__.append("Findings")


class Tree(Vmroot.Tree):
    """Tree(path): a root directory."""

    def __new__(cls, path):
        return Vmroot.Tree.new(path)

    def __init__(self, path):
        # The object is made by __new__.
        pass

    @property
    def kernels(self):
        """Newest first."""
        return self.list_kernels()

    def check(self, spec=None, cancellable=None):
        spec = spec or Vmroot.Spec.new(self.get_path())
        return Findings(super().check(spec, cancellable))


Tree = override(Tree)
__all__.append("Tree")


class Host(Vmroot.Host):
    """Host(): this host. Host(sysroot): one whose files are below a directory."""

    def __new__(cls, sysroot=None):
        return Vmroot.Host.new(sysroot)

    def __init__(self, sysroot=None):
        # The object is made by __new__.
        pass

    def check(self, spec, uuid=None, cancellable=None):
        return Findings(super().check(spec, uuid, cancellable))


Host = override(Host)
__all__.append("Host")


class Connection(Vmroot.Connection):
    """Connection(connection): shares a libvirt.virConnect that the program has already."""

    def __new__(cls, connection):
        return Vmroot.Connection.new_for_handle(connection.c_pointer())

    def __init__(self, connection):
        # The object is made by __new__.
        pass


Connection = override(Connection)
__all__.append("Connection")


class Finding(Vmroot.Finding):
    def __str__(self):
        return f"{self.get_severity().value_nick}: {self.get_title()}"


Finding = override(Finding)
__all__.append("Finding")
