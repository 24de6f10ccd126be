#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything that proves vmroot: builds with warnings as errors, and every suite of tests.

The last line says "N passed, N failed, N skipped", each test counted by itself; the exit status
is 0 only if none failed. Trees of guests and the folder of the other Debian release are kept in
the cache directory (VMROOT_CACHE, $XDG_CACHE_HOME/vmroot, or /var/cache/vmroot).
"""

import argparse
import collections
import contextlib
import dataclasses
import functools
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

SOURCE = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(SOURCE / "tests/host"), str(SOURCE / "tests/nfs")]
sys.dont_write_bytecode = True

import namespaces  # noqa: E402
import host_image  # noqa: E402
import package  # noqa: E402
import trees  # noqa: E402

OTHER_RELEASE = "trixie"
BOOTSTRAP = ("debootstrap", "--variant=minbase", OTHER_RELEASE)
# Whole stacks, without which a suppression finds nothing; undefined behaviour is an error.
SANITIZERS = {
    "ASAN_OPTIONS": "fast_unwind_on_malloc=0",
    "LSAN_OPTIONS": f"suppressions={SOURCE}/tests/lsan.supp:print_suppressions=0",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}
QUICK = ("format", "unit", "gi")
# Those that use trees of guests, and more that takes long to make.
WITH_TREES = {"desktop", "guest", "host", "release", "nfs"}


@dataclasses.dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    LINE = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")

    def __add__(self, other):
        return Count(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"

    @classmethod
    def one(cls, passed):
        return cls(passed=1) if passed else cls(failed=1)

    @classmethod
    def of_junit(cls, path):
        """What meson wrote about each test, TAP's subtests included."""
        count = cls()
        # Meson copies what tests print, control characters too, which XML does not have.
        text = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", path.read_text(errors="replace"))
        for case in ElementTree.fromstring(text).iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                count.failed += 1
            elif case.find("skipped") is not None:
                count.skipped += 1
            else:
                count.passed += 1
        return count


def say(text):
    print(f"== {text}", flush=True)


def run(*argv, **arguments):
    return subprocess.run(
        [str(a) for a in argv], check=False, stdin=subprocess.DEVNULL, **arguments
    ).returncode


@functools.cache
def domain_corpus():
    """The environment in which unit tests find real domain documents; without them, they say so."""
    fetched = subprocess.run(
        [str(SOURCE / "tools/fetch-domain-corpus"), str(trees.cache() / "domain-corpus")],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    return {"VMROOT_DOMAIN_CORPUS": fetched.stdout.strip()} if fetched.returncode == 0 else {}


class Build:
    """One build directory."""

    def __init__(self, directory, *options, compiler="gcc"):
        self.directory = directory
        self.options = options
        self.compiler = compiler

    def make(self):
        """Configure and compile, warnings being errors. A build counts as one test."""
        if self.directory.exists():
            return Count()
        say(f'build with {self.compiler} {" ".join(self.options)}')
        log = self.directory.with_suffix(".log")
        with open(log, "wb") as output:
            to_log = {
                "stdout": output,
                "stderr": output,
                "env": {**os.environ, "CC": self.compiler},
            }
            failed = run(
                "meson",
                "setup",
                "--werror",
                "--prefix=/usr",
                *self.options,
                self.directory,
                SOURCE,
                **to_log,
            ) or run("ninja", "-C", self.directory, **to_log)
        if failed:
            sys.stdout.write(log.read_text(errors="replace"))
        return Count.one(not failed)

    def test(self, suite, *arguments):
        """Run one suite; each of its tests counts."""
        say(f'suite {suite} ({self.compiler} {" ".join(self.options)})')
        junit = self.directory / "meson-logs/testlog.junit.xml"
        junit.unlink(missing_ok=True)
        status = run(
            "meson",
            "test",
            "-C",
            self.directory,
            "--no-rebuild",
            "--print-errorlogs",
            "--suite",
            suite,
            *arguments,
            env={
                **os.environ,
                **SANITIZERS,
                "VMROOT_TEST_TREE": str(trees.path(trees.DEBIAN)),
                **domain_corpus(),
            },
        )
        if not junit.exists():
            print(f"suite {suite} did not run")
            return Count(failed=1)
        count = Count.of_junit(junit)
        # A test program can fail where none of its tests did: by a crash, or out of time.
        if status != 0 and count.failed == 0:
            count.failed = 1
        log = (self.directory / "meson-logs/testlog.txt").read_text(errors="replace")
        if count.failed:
            self._explain_failures(log)
        self._explain_skips(log)
        return count

    @staticmethod
    def _explain_failures(log):
        """What TAP tests said of them, which meson keeps to its log."""
        for line in log.splitlines():
            if line.startswith(("# ", "not ok", "Bail out!")):
                print(line)

    @staticmethod
    def _explain_skips(log):
        """Of one test, and of a whole program."""
        reasons = re.findall(r"^(?:ok|1\.\.0) .*# SKIP (.*)$", log, re.MULTILINE)
        for reason, times in collections.Counter(reasons).items():
            say(f"skipped {times}: {reason}")


class OtherRelease:
    """Another release of Debian, in a folder: with other versions of all that vmroot stands on."""

    def __init__(self):
        self.directory = trees.kept_path(OTHER_RELEASE, BOOTSTRAP)

    @staticmethod
    def _bootstrap(directory):
        subprocess.run(
            namespaces.alone([*BOOTSTRAP, str(directory)]),
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        # Installing a daemon must not start it: that is the machine's.
        policy = directory / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)

    def make(self):
        """With all packages that the tests need. Returns whether it has them."""
        trees.keep(OTHER_RELEASE, BOOTSTRAP, self._bootstrap)
        packages = ("build", "host", "check-inside", "plugin")
        with trees.locked(OTHER_RELEASE):
            return self.run(SOURCE / "tools/install-packages", *packages).returncode == 0

    def run(self, *argv, **arguments):
        return subprocess.run(
            [
                "unshare",
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                sys.executable,
                str(SOURCE / "tools/chroot.py"),
                str(self.directory),
                str(SOURCE),
                str(trees.cache()),
                "--",
                *map(str, argv),
            ],
            check=False,
            stdin=subprocess.DEVNULL,
            **arguments,
        )

    def check(self):
        """This program again, inside."""
        if not self.make():
            return Count(failed=1)
        say(f"Debian {OTHER_RELEASE}")
        suites = ("unit", "gi", "plugin", "desktop", "compiler", "host")
        inside = self.run(
            "/usr/bin/python3",
            SOURCE / "tools/check.py",
            *(f"--suite={name}" for name in suites),
            # meson splits what it passes on as a shell would.
            "--host-tests=-k='test_distributions and not sysvinit and not busybox'",
            stdout=subprocess.PIPE,
            text=True,
        )
        sys.stdout.write(inside.stdout)
        last = Count.LINE.match(inside.stdout.rstrip("\n").rpartition("\n")[2])
        return Count(*map(int, last.groups())) if last else Count(failed=1)


def make_host_images(releases):
    host_image.make_all(filter(package.runs_on, releases))


class Checks:
    """The checks by name, in the order in which they are run."""

    def __init__(self, directory, host_tests, nfs_hosts):
        self.host_tests = host_tests
        self.nfs_hosts = nfs_hosts
        self.gcc = Build(directory / "gcc")
        self.clang = Build(directory / "clang", compiler="clang")
        self.sanitizers = Build(
            directory / "sanitizers", "-Db_sanitize=address,undefined", "-Dintrospection=disabled"
        )

    @staticmethod
    def format():
        """clang-format, on every C file that git knows."""
        say("format")
        listed = subprocess.run(
            ["git", "-C", str(SOURCE), "ls-files", "*.c", "*.h"],
            check=True,
            capture_output=True,
            text=True,
        )
        return Count.one(
            run("clang-format", "--dry-run", "--Werror", *listed.stdout.split(), cwd=SOURCE) == 0
        )

    def _suite(self, build, name, *arguments):
        made = build.make()
        return made if made.failed else made + build.test(name, *arguments)

    def unit(self):
        return self._suite(self.gcc, "unit")

    def gi(self):
        return self._suite(self.gcc, "gi")

    def plugin(self):
        """The page in the real virt-manager, without libvirtd."""
        return self._suite(self.gcc, "plugin")

    def desktop(self):
        """The page on a real libvirtd, with a guest that runs."""
        trees.make(trees.BUSYBOX)
        return self._suite(self.gcc, "desktop")

    def compiler(self):
        """The unit tests as clang compiles them."""
        return self._suite(self.clang, "unit")

    def sanitizer(self):
        """The unit tests under the address and undefined behaviour sanitizers."""
        return self._suite(self.sanitizers, "unit")

    def guest(self):
        trees.make(trees.DEBIAN)
        return self._suite(self.gcc, "guest")

    def host(self):
        for name in trees.NAMES:
            trees.make(name)
        return self._suite(
            self.gcc, "host", *(f"--test-args={argument}" for argument in self.host_tests)
        )

    @staticmethod
    def release():
        for name in trees.NAMES:
            trees.make(name)
        return OtherRelease().check()

    def nfs(self):
        """Whole hosts with the kernel's NFS server, in guests."""
        make_host_images(self.nfs_hosts)
        return self._suite(self.gcc, "nfs", *(f"nfs-{release}" for release in self.nfs_hosts))


NAMES = (
    "format",
    "unit",
    "gi",
    "plugin",
    "desktop",
    "compiler",
    "sanitizer",
    "guest",
    "host",
    "release",
    "nfs",
)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__,
        prog="tools/check",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--quick", action="store_true", help=f'only {", ".join(QUICK)}: a minute, and no root'
    )
    parser.add_argument(
        "--suite", action="append", choices=NAMES, help="only this one (may be repeated)"
    )
    parser.add_argument(
        "--without", action="append", default=[], choices=NAMES, help="all but this one"
    )
    parser.add_argument(
        "--host-tests",
        action="append",
        default=[],
        metavar="ARGUMENT",
        help="an argument to the host suite's pytest (may be repeated)",
    )
    parser.add_argument(
        "--nfs-host",
        action="append",
        choices=tuple(host_image.RELEASES),
        help="run the nfs suite only on a host of this release of Debian (may be repeated)",
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=float("inf"),
        help="start no test of the nfs suite later than that: skip it, and say so",
    )
    parser.add_argument("--make-only", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def make_what_is_kept(names, nfs_hosts):
    for name in trees.NAMES:
        trees.make(name)
    if "release" in names:
        OtherRelease().make()
    if "nfs" in names:
        make_host_images(nfs_hosts)


@contextlib.contextmanager
def making_what_is_kept():
    """In a process of its own, while the first suites run, which need nothing of it.

    What it says is lost: what it does not get made is made again by the suite that needs it.
    """
    apart = ["setpriv", "--pdeathsig", "TERM", "nice", sys.executable, __file__, "--make-only"]
    process = subprocess.Popen(
        [*apart, *sys.argv[1:]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def main():
    arguments = parse_arguments()
    asked = arguments.suite or (QUICK if arguments.quick else NAMES)
    names = [name for name in asked if name not in arguments.without]
    nfs_hosts = arguments.nfs_host or tuple(host_image.RELEASES)
    namespaces.exit_on_signals()
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    if arguments.make_only:
        make_what_is_kept(names, nfs_hosts)
        return 0
    os.environ["VMROOT_NFS_TESTS_END"] = str(time.time() + arguments.minutes * 60)
    total = Count()
    with contextlib.ExitStack() as stack:
        if WITH_TREES.intersection(names):
            stack.enter_context(making_what_is_kept())
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="vmroot-check-"))
        checks = Checks(pathlib.Path(directory), arguments.host_tests, nfs_hosts)
        for name in names:
            began = time.monotonic()
            count = getattr(checks, name)()
            say(f"{name}: {count} ({time.monotonic() - began:.0f} s)")
            total += count
    print(total, flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
