# SPDX-License-Identifier: GPL-2.0-or-later
"""The `vmroot` command, as a user meets it. libvirt is its test driver: no daemon runs."""

import os
import subprocess

import pytest

VMROOT = os.environ["VMROOT"]


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
    for command in ["apply", "remove", "show", "list", "check", "boot-image", "reconcile", "setup"]:
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
