# SPDX-License-Identifier: GPL-2.0-or-later
"""That every text of the page can be translated, and is in the file that translators start from."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import catalogue  # noqa: E402

SOURCE = pathlib.Path(__file__).parents[2]
UI_FILE = SOURCE / "plugin/vmroot_virtmanager/root-page.ui"


def messages(pot):
    """Each in one line, wherever this version of gettext breaks them."""
    found = re.findall(r'^msgid (".*"(?:\n".*")*)', pot, re.MULTILINE)
    return {message.replace('"\n"', "") for message in found}


def test_template_is_current(tmp_path):
    subprocess.run(
        [
            "xgettext",
            "--files-from=po/POTFILES",
            "--from-code=UTF-8",
            "--keyword=_",
            "--keyword=N_",
            f"--output={tmp_path}/new.pot",
        ],
        cwd=SOURCE,
        check=True,
    )

    written = messages((SOURCE / "po/vmroot.pot").read_text())

    assert written ^ messages((tmp_path / "new.pot").read_text()) == set(), (
        "run: meson compile vmroot-pot"
    )


SHOW_PAGE = """
import locale, sys
locale.setlocale(locale.LC_ALL, "")
import gi
gi.require_version("Gtk", "3.0"), gi.require_version("Vmroot", "1.0")
from vmroot_virtmanager.page import RootPage
from lone_page import Guest, widget
page = RootPage(Guest())
page.refresh()
print(widget(page, "root-enable").get_label())
print(widget(page, "root-headline").get_text())
"""


def test_translation_is_shown(desktop, tmp_path):
    """Installed as it is: by GtkBuilder, and by the code."""
    share = tmp_path / "share"
    environment = catalogue.install(share / "locale", tmp_path)
    plugin = share / "vmroot/plugin"
    shutil.copytree(SOURCE / "plugin/vmroot_virtmanager", plugin / "vmroot_virtmanager")

    said = subprocess.run(
        [sys.executable, "-c", SHOW_PAGE],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={
            **os.environ,
            **environment,
            "PYTHONPATH": os.pathsep.join([str(plugin), str(SOURCE / "tests/plugin")]),
        },
    ).stdout.splitlines()

    assert said == [
        "[Boot from a direc_tory of the host]",
        "[The guest boots from the disk /var/lib/libvirt/images/web.qcow2.]",
    ]


def properties(name):
    for node in ElementTree.parse(UI_FILE).iter("property"):
        if node.get("name") == name and node.text:
            yield node


@pytest.mark.parametrize("name", ["label", "tooltip-text", "placeholder-text"])
def test_texts_are_translatable(name):
    assert all(node.get("translatable") == "yes" for node in properties(name))


def test_every_mnemonic_is_there_once():
    letters = [
        match.group(1).lower()
        for node in properties("label")
        if (match := re.search("_(.)", node.text))
    ]

    assert len(letters) == len(set(letters)), sorted(letters)
    # Of the window's menus (File, Virtual Machine, View, Send Key) and of Apply and Cancel
    assert not set(letters) & set("fmvkac")
