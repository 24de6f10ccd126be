# SPDX-License-Identifier: GPL-2.0-or-later
"""A launch while virt-manager runs already, without the page."""

import os
import subprocess

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
