# SPDX-License-Identifier: GPL-2.0-or-later
"""A launch while virt-manager runs already, without the page."""

import os
import subprocess
import sys

import pytest

from virt_manager import Atspi, Widget

LAUNCHER = os.environ["VMROOT_LAUNCHER"]
WORDS = "running without the Root filesystem page"
PAGE = "Root filesystem"


@pytest.fixture
def stock(virt_manager):
    app = virt_manager(["/usr/bin/virt-manager"])
    app.window(lambda name: name.startswith("web")).find("table cell", "Boot Options")
    return app


def answer(button):
    """As the user who is asked does."""
    Widget(Atspi.get_desktop(0)).dialog(WORDS).find("push button", button).click()


def launch_and(button):
    launched = subprocess.Popen([LAUNCHER, "--no-fork"], stdin=subprocess.DEVNULL)
    answer(button)
    return launched.wait(60)


def test_quit_and_start_again(virt_manager, stock):
    app = virt_manager(asked=lambda: answer("Quit and start again"))

    assert stock.process.wait(60) is not None
    app.window(lambda name: name.startswith("web")).find("table cell", PAGE)


def test_show_it_as_it_is(stock):
    assert launch_and("Show it as it is") == 0

    assert stock.process.poll() is None
    window = stock.window(lambda name: name.startswith("web"))
    assert not window.find_all("table cell", PAGE)


def test_cancel(stock):
    assert launch_and("Cancel") == 1

    assert stock.process.poll() is None


def test_virt_manager_with_the_page_is_not_asked_about(virt_manager):
    app = virt_manager()
    app.window(lambda name: name.startswith("web")).find("table cell", PAGE)

    launched = subprocess.run([LAUNCHER, "--no-fork"], stdin=subprocess.DEVNULL, timeout=60)

    assert launched.returncode == 0
    assert app.process.poll() is None


def test_without_a_display_it_is_said(stock):
    said = subprocess.run(
        [LAUNCHER, "--no-fork"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "DISPLAY": ""},
    )

    assert said.returncode == 1
    assert f"process {stock.pid}" in said.stderr


# Takes its time to end, and says when it has come to the end by itself.
SLOW_TO_QUIT = """
import pathlib, signal, sys
from gi.repository import Gio, GLib

loop = GLib.MainLoop()
name = "org.virt-manager.virt-manager"
Gio.bus_own_name(Gio.BusType.SESSION, name, 0, None, lambda *_args: print("there", flush=True), None)
GLib.unix_signal_add(0, signal.SIGINT, lambda: GLib.timeout_add(500, loop.quit))
loop.run()
pathlib.Path(sys.argv[1]).write_text("saved")
"""


def test_it_is_let_end_by_itself_and_waited_for(desktop, tmp_path):
    from gi.repository import Gio
    from vmroot_virtmanager import other_launch

    saved = tmp_path / "saved"
    program = [sys.executable, "-c", SLOW_TO_QUIT, str(saved)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline() == "there\n"

        other_launch._quit(Gio.bus_get_sync(Gio.BusType.SESSION, None), running.pid)

        assert saved.read_text() == "saved"


DEAF = SLOW_TO_QUIT.replace("lambda: GLib.timeout_add(500, loop.quit)", "lambda: True")


def test_one_that_does_not_end_is_not_waited_for_forever(desktop, monkeypatch, tmp_path):
    from gi.repository import Gio
    from vmroot_virtmanager import other_launch

    monkeypatch.setattr(other_launch, "PATIENCE", 1)
    program = [sys.executable, "-c", DEAF, str(tmp_path / "saved")]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline() == "there\n"

        ended = other_launch._quit(Gio.bus_get_sync(Gio.BusType.SESSION, None), running.pid)

        assert not ended and running.poll() is None
        running.kill()


def test_one_that_ended_meanwhile_is_gone(desktop):
    from gi.repository import Gio
    from vmroot_virtmanager import other_launch

    with subprocess.Popen(["true"]) as ended:
        pass

    assert other_launch._quit(Gio.bus_get_sync(Gio.BusType.SESSION, None), ended.pid)


@pytest.mark.parametrize(("ends", "status"), [(True, 0), (False, 1)])
def test_it_is_started_again_only_when_the_other_has_ended(gtk, monkeypatch, ends, status):
    from vmroot_virtmanager import other_launch

    def call(_bus, method, name, _reply):
        return name == other_launch.VIRT_MANAGER if method == "NameHasOwner" else 1234

    said = []
    monkeypatch.setattr(other_launch, "_call", call)
    monkeypatch.setattr(other_launch, "_ask", lambda: other_launch.QUIT)
    monkeypatch.setattr(other_launch, "_quit", lambda _bus, _pid: ends)
    monkeypatch.setattr(other_launch, "_say_that_it_does_not_quit", said.append)

    assert other_launch.main() == status
    assert said == ([] if ends else [1234])


def test_closing_the_question_starts_nothing(gtk, monkeypatch):
    from vmroot_virtmanager import other_launch

    def call(_bus, method, name, _reply):
        return name == other_launch.VIRT_MANAGER if method == "NameHasOwner" else 1234

    monkeypatch.setattr(other_launch, "_call", call)
    monkeypatch.setattr(other_launch, "_ask", lambda: gtk.ResponseType.DELETE_EVENT)

    assert other_launch.main() == 1


def test_without_a_bus_nobody_is_asked(desktop):
    program = [sys.executable, "-m", "vmroot_virtmanager.other_launch"]
    environment = {**os.environ, "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}

    assert subprocess.run(program, env=environment, timeout=60, check=False).returncode == 0
