# SPDX-License-Identifier: GPL-2.0-or-later
"""Notices the import of virt-manager's window of a guest."""

import importlib.abc
import importlib.machinery
import sys

WINDOW_MODULE = "virtManager.vmwindow"


class _Loader(importlib.abc.Loader):
    """Loads the module as it would have been loaded, then hands it to the adapter."""

    def __init__(self, loader):
        self._loader = loader

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        self._loader.exec_module(module)
        try:
            from . import adapter

            adapter.activate(module)
        except Exception as error:  # virt-manager comes first: without us it must work as ever
            import logging

            # virtinst.log: virt-manager's own log
            logging.getLogger("virtinst").warning(
                "vmroot: no Root filesystem page: %s", error, exc_info=True
            )

    def __getattr__(self, name):
        return getattr(self._loader, name)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        if fullname != WINDOW_MODULE:
            return None

        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


def install():
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
