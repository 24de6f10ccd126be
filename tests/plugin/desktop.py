# SPDX-License-Identifier: GPL-2.0-or-later
"""A desktop for one test run: an X server without a screen, a session bus, accessibility."""

import contextlib
import os
import shutil
import subprocess

NEEDED = {
    "Xvfb": "xvfb",
    "dbus-daemon": "dbus",
    "import": "imagemagick",
    "/usr/libexec/at-spi-bus-launcher": "at-spi2-core",
    "/usr/bin/virt-manager": "virt-manager",
}

SCREEN = "2200x1800x24"


def missing():
    """The packages without which there is no desktop to test on."""
    return [package for program, package in NEEDED.items() if not shutil.which(program)]


@contextlib.contextmanager
def x_server():
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", SCREEN, "-nolisten", "tcp", "-noreset"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as answer:
            number = answer.readline().strip()
        if not number:
            raise RuntimeError("Xvfb did not start")
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()


@contextlib.contextmanager
def session_bus():
    bus = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield bus.stdout.readline().strip()
    finally:
        bus.terminate()
        bus.wait()


@contextlib.contextmanager
def desktop(home):
    """Sets the environment for this process and those it starts."""
    saved = dict(os.environ)
    os.environ.update(
        {
            "HOME": str(home),
            "XDG_CACHE_HOME": f"{home}/.cache",
            "XDG_CONFIG_HOME": f"{home}/.config",
            "XDG_DATA_HOME": f"{home}/.local/share",
            "XDG_RUNTIME_DIR": f"{home}/run",
            "GSETTINGS_BACKEND": "memory",
            "GTK_THEME": "Adwaita",
            "GTK_USE_PORTAL": "0",
            "LC_ALL": "C.UTF-8",
            "LANGUAGE": "",
        }
    )
    os.makedirs(f"{home}/run", mode=0o700, exist_ok=True)
    os.environ.pop("NO_AT_BRIDGE", None)
    os.environ.pop("WAYLAND_DISPLAY", None)
    try:
        with x_server() as display:
            os.environ["DISPLAY"] = display
            with session_bus() as address:
                os.environ["DBUS_SESSION_BUS_ADDRESS"] = address
                yield
    finally:
        os.environ.clear()
        os.environ.update(saved)
