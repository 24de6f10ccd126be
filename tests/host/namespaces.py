#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run a program where nothing it does reaches the rest of the machine, or outlives it.

The program gets mount, network, IPC, PID and cgroup namespaces and a control group
of its own. When it ends, or whoever asked for it dies, the kernel kills every process
it left behind and forgets every mount.

As a program (`namespaces.py ARGV...`) this file is the first process inside: it collects orphans,
because libvirt takes a zombie for a process that still runs.
"""

import contextlib
import os
import signal
import subprocess
import sys

CGROUP_ROOT = "/sys/fs/cgroup"


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def unified_mount_point():
    """Where version 2 of the control groups is mounted, if it is."""
    with open("/proc/self/mountinfo", encoding="utf-8") as mountinfo:
        for line in mountinfo:
            fields, _, tail = line.partition(" - ")
            if tail.split()[0] == "cgroup2":
                return fields.split()[4]
    return None


def own_unified_cgroup():
    """The group of this process in that hierarchy, as /proc/self/cgroup gives it."""
    with open("/proc/self/cgroup", encoding="utf-8") as cgroups:
        return next((line.rstrip("\n")[3:] for line in cgroups if line.startswith("0::")), "/")


class CgroupBranch:
    """A control group of our own, below which libvirt inside makes its groups."""

    def __init__(self):
        self.directory = None
        mount_point = unified_mount_point()
        if mount_point:
            directory = f'{mount_point}{own_unified_cgroup().rstrip("/")}/vmroot-{os.getpid()}'
            with contextlib.suppress(OSError):
                os.mkdir(directory)
                self.directory = directory

    def join(self):
        if self.directory:
            with open(f"{self.directory}/cgroup.procs", "w", encoding="ascii") as processes:
                processes.write("0")

    def remove(self):
        if self.directory:
            for directory, _, _ in os.walk(self.directory, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(directory)


def alone(argv):
    """`argv` for a program that mounts and leaves daemons: all of it ends with the program."""
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", *argv]


def first_process_inside(process):
    """The process ID, out here, of the first process inside what start() returned."""
    with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as children:
        return int(children.read().split()[0])


def start(argv, branch, **popen_arguments):
    """Start `argv` inside. It ends with whoever called this, at the latest."""
    apart = ["--mount", "--net", "--ipc", "--pid", "--cgroup", "--mount-proc"]
    first = [sys.executable, os.path.abspath(__file__), *argv]
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "unshare", *apart, "--fork", "--kill-child", *first],
        start_new_session=True,
        preexec_fn=branch.join,
        **popen_arguments,
    )


def end(process):
    """End what start() returned, and wait until nothing inside is left."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        try:
            # With the first process the kernel ends all others, and unshare waits for that.
            os.kill(first_process_inside(process.pid), number)
        except (IndexError, FileNotFoundError, ProcessLookupError):
            process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
    process.wait()


def exit_on_signals():
    """Leave by way of what is to be cleaned up; once, so that this is not interrupted again."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def leave(number, _frame):
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number in signals:
        signal.signal(number, leave)


def run(argv, **popen_arguments):
    """Run `argv` inside; return its exit status. A signal to us ends it, and all it started."""
    exit_on_signals()
    branch = CgroupBranch()
    try:
        process = start(argv, branch, **popen_arguments)
        try:
            return process.wait()
        finally:
            end(process)
    finally:
        branch.remove()


def show_own_cgroups():
    """Mount version 2 alone, as current distributions do, so that our branch is all there is of it.

    Where the machine has no version 2, libvirt sees no control groups at all and does without.
    """
    unified = unified_mount_point()
    if not os.path.isdir(CGROUP_ROOT):
        return
    subprocess.run(["umount", "--recursive", "--lazy", CGROUP_ROOT], check=False)
    if not unified:
        mount("-t", "tmpfs", "tmpfs", CGROUP_ROOT)
        return
    mount("-t", "cgroup2", "cgroup2", CGROUP_ROOT)
    # Controllers are passed on only from a group that holds no process.
    os.makedirs(f"{CGROUP_ROOT}/daemons", exist_ok=True)
    with open(f"{CGROUP_ROOT}/daemons/cgroup.procs", "w", encoding="ascii") as processes:
        processes.write("0")


def collect_children_until(wanted):
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == wanted:
            return os.waitstatus_to_exitcode(status)


def main():
    # The first process of a PID namespace ignores what it does not handle.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    show_own_cgroups()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.execvp(sys.argv[1], sys.argv[1:])
    sys.exit(abs(collect_children_until(child)))


if __name__ == "__main__":
    main()
