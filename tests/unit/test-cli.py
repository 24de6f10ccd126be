# SPDX-License-Identifier: GPL-2.0-or-later
"""The `vmroot` command, as a user meets it. libvirt is its test driver: no daemon runs."""

import os
import pathlib
import re
import shlex
import signal
import subprocess

import pytest

VMROOT = os.environ["VMROOT"]
SOURCE = pathlib.Path(__file__).parents[2]
MANUAL = SOURCE / "docs/vmroot.1.rst"
COMPLETION = SOURCE / "data/completions/vmroot"
COMPLETION_LIBRARY = "/usr/share/bash-completion/bash_completion"


def vmroot(*words, stdin="", **environment):
    """Runs the command; what it returned, printed and complained about."""
    return subprocess.run(
        [VMROOT, *map(str, words)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "LC_ALL": "C.UTF-8", **environment},
    )


def test_version():
    result = vmroot("--version")

    assert result.returncode == 0
    assert result.stdout.startswith("vmroot ")


@pytest.mark.parametrize("words", [["help"], ["--help"], ["-h"]])
def test_help_names_every_command(words):
    result = vmroot(*words)

    assert result.returncode == 0
    for command in ["apply", "remove", "show", "list", "check", "boot-image", "reconcile", "setup", "wait-for-address"]:
        assert f"\n  {command} " in result.stdout


@pytest.mark.parametrize("command", ["apply", "remove", "show", "list", "check", "boot-image"])
def test_help_of_a_command(command):
    asked = vmroot("help", command)

    assert asked.returncode == 0
    assert f"vmroot {command}" in asked.stdout
    assert vmroot(command, "--help").stdout == asked.stdout


@pytest.mark.parametrize(
    "words, complaint",
    [
        ([], "which command?"),
        (["aply"], "Did you mean 'vmroot apply'?"),
        (["chekc", "/"], "Did you mean 'vmroot check'?"),
        (["frobnicate"], "See 'vmroot help'"),
        (["help", "frobnicate"], "See 'vmroot help'"),
        (["apply"], "Which guest?"),
        (["apply", "web", "--xml", "-", "--directory", "/export/web"], "exclude each other"),
        (["apply", "web"], "Which directory?"),
        (["apply", "web", "db", "--directory", "/export/web"], "what is 'db' for?"),
        (["apply", "web", "--frobnicate"], "--frobnicate"),
        (["remove"], "Which guest?"),
        (["show"], "Which guest?"),
        (["list", "web"], "what is 'web' for?"),
        (["check"], "What shall be checked?"),
        (["boot-image", "/export/web"], "--output"),
        (["reconcile", "web"], "what is 'web' for?"),
    ],
)
def test_misuse_is_2(words, complaint):
    result = vmroot(*words)

    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("vmroot: ")
    assert complaint in result.stderr


def test_libvirt_that_cannot_be_reached():
    result = vmroot("show", "web", "--connect", "nonsense:///")

    assert result.returncode == 1
    assert result.stderr.startswith("vmroot: Cannot connect to libvirt at nonsense:///")
    assert "libvirt: " not in result.stderr


@pytest.mark.parametrize(
    "command", ["apply", "remove", "show", "list", "check", "boot-image", "setup"]
)
def test_every_option_is_in_the_manual(command):
    options = re.findall(r"--[a-z-]+", vmroot(command, "--help").stdout)

    assert options
    assert [option for option in options if option not in MANUAL.read_text()] == []


def test_every_key_of_the_configuration_is_in_the_manual():
    configuration = (SOURCE / "data/vmroot.conf").read_text()
    words = re.findall(r"^#?([a-z-]+)=", configuration, re.M)
    words += re.findall(r"^\[[a-z]+\]", configuration, re.M)
    manual = (SOURCE / "docs/vmroot.conf.5.rst").read_text().splitlines()

    assert len(words) > 2
    assert [word for word in words if word not in manual] == []


def complete(line):
    """What bash offers after `line`."""
    words = line.split(" ")
    script = f"""
        source {COMPLETION_LIBRARY}
        source {COMPLETION}
        COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)} COMP_CWORD={len(words) - 1}
        COMP_WORDS=({" ".join(map(shlex.quote, words))})
        compopt() {{ :; }}
        _vmroot
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    path = f"{os.path.dirname(VMROOT)}:{os.environ['PATH']}"
    result = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "PATH": path, "LIBVIRT_DEFAULT_URI": "test:///default"},
    )
    assert result.stderr == ""
    return result.stdout.split()


@pytest.mark.skipif(
    not os.path.exists(COMPLETION_LIBRARY), reason="bash-completion is missing: install it"
)
@pytest.mark.parametrize(
    "line, offered",
    [
        ("vmroot a", ["apply"]),
        ("vmroot re", ["remove", "reconcile", "release"]),
        ("vmroot apply --dir", ["--directory="]),
        ("vmroot list --j", ["--json"]),
        ("vmroot apply web --cache a", ["auto", "always"]),
        ("vmroot help bo", ["boot-image"]),
        ("vmroot setup hook n", ["nfs", "nss"]),
        ("vmroot setup nfs --nfs-versions ", ["4.2", "all"]),
    ],
)
def test_completion(line, offered):
    assert complete(line) == offered


# --- wait-for-address ---


@pytest.fixture
def network():
    """Runs programs in a network namespace of their own, with an interface that has an address."""
    alone = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
    script = "ip link set lo up && echo up && read line"
    with subprocess.Popen(
        [*alone, "sh", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as holder:
        # Before, what enters its namespace may still enter ours.
        if holder.stdout.readline() != "up\n":
            pytest.skip(f"no network namespace: {holder.stderr.read()}")

        def run(*words):
            enter = ["nsenter", f"--net=/proc/{holder.pid}/ns/net"]
            if os.geteuid() != 0:
                enter += [f"--user=/proc/{holder.pid}/ns/user", "--preserve-credentials"]
            return subprocess.Popen(
                [*enter, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )

        yield run
        holder.stdin.close()


def test_address_that_is_there(network):
    waiting = network(VMROOT, "wait-for-address", "127.0.0.1", "::1")

    assert waiting.wait(30) == 0


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_address_that_comes(network, address):
    waiting = network(VMROOT, "wait-for-address", "127.0.0.1", address)
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(0.3)

    assert network("ip", "address", "add", address, "dev", "lo", "nodad").wait(30) == 0

    assert waiting.wait(30) == 0


def test_address_whose_route_comes_later(network):
    """As the kernel adds one, with anything in between."""
    route = ["local", "192.0.2.1", "dev", "lo", "table", "local"]
    assert network("ip", "address", "add", "192.0.2.1", "dev", "lo").wait(30) == 0
    assert network("ip", "route", "del", *route).wait(30) == 0
    waiting = network(VMROOT, "wait-for-address", "192.0.2.1")
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(0.3)

    assert network("ip", "route", "add", *route).wait(30) == 0

    assert waiting.wait(30) == 0


def test_address_that_does_not_come(network):
    waiting = network(VMROOT, "wait-for-address", "--timeout", "0", "192.0.2.1")

    said = waiting.communicate(timeout=30)[1]
    assert waiting.returncode == 1
    assert said.startswith("vmroot: This host has no address 192.0.2.1: ")


def test_waiting_for_an_address_is_given_up(network):
    waiting = network(VMROOT, "wait-for-address", "192.0.2.1")
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(0.3)

    waiting.send_signal(signal.SIGINT)

    assert waiting.wait(30) not in (0, None)


@pytest.mark.parametrize("words", [[], ["nonsense"], ["192.0.2.1/24"], ["fe80::1%lo"]])
def test_no_address_to_wait_for(words):
    assert vmroot("wait-for-address", *words).returncode == 2
