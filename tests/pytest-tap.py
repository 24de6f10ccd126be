#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs pytest on the files given and says what happened in TAP, so that meson counts each test."""

import sys

sys.dont_write_bytecode = True

try:
    import pytest
except ImportError:
    print("1..0 # SKIP pytest is missing: install python3-pytest")
    sys.exit(0)


class Tap:
    """A pytest plugin: one TAP line for each test."""

    def __init__(self):
        self.count = 0

    def pytest_addoption(self, parser):
        """What pytest's own report, which we replace, would define, and assertions ask for."""
        parser.addoption("--verbose", dest="verbose", type=int, default=1)

    def line(self, status, report, comment=""):
        self.count += 1
        print(f"{status} {self.count} - {report.nodeid}{comment}", flush=True)

    def skip(self, report):
        self.line("ok", report, f' # SKIP {report.longrepr[2].removeprefix("Skipped: ")}')

    def explain(self, report):
        for line in report.longreprtext.splitlines():
            print(f"# {line}")

    def pytest_runtest_logreport(self, report):
        if report.skipped:
            self.skip(report)
        elif report.failed:
            self.explain(report)
            self.line("not ok", report)
        elif report.when == "call":
            self.line("ok", report)

    def pytest_collectreport(self, report):
        if report.failed:
            self.explain(report)
            self.line("not ok", report)
        elif report.skipped:
            self.skip(report)


tap = Tap()
status = pytest.main(["-p", "no:terminal", "-p", "no:cacheprovider", *sys.argv[1:]], plugins=[tap])
print(f"1..{tap.count}")
sys.exit(0 if status in (0, 1) else status)
