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


# What a person would have translated, in brackets.
def translated(pot):
    subprocess.run(["msgen", "-o", "all.po", pot], cwd=pot.parent, check=True)
    text = (pot.parent / "all.po").read_text()
    header, *entries = text.split("\n\n")
    return "\n\n".join(
        [header, *(re.sub(r'^(msgstr(?:\[\d\])? )"', r'\1"[" "', entry, flags=re.MULTILINE) for entry in entries)]
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
    pot = (SOURCE / "po/vmroot.pot").read_text()
    for unknown, known in (("CHARSET", "UTF-8"), ("INTEGER", "2"), ("EXPRESSION", "(n != 1)")):
        pot = pot.replace(unknown, known)
    (tmp_path / "vmroot.pot").write_text(pot)
    (tmp_path / "xx.po").write_text(translated(tmp_path / "vmroot.pot"))
    share = tmp_path / "share"
    messages = share / "locale/xx/LC_MESSAGES"
    messages.mkdir(parents=True)
    subprocess.run(["msgfmt", "-o", messages / "vmroot.mo", tmp_path / "xx.po"], check=True)
    # With the locale C, gettext translates nothing (glibc 2.39).
    shutil.copytree("/usr/lib/locale/C.utf8", tmp_path / "locales/xx_XX.UTF-8")
    plugin = share / "vmroot/plugin"
    shutil.copytree(SOURCE / "plugin/vmroot_virtmanager", plugin / "vmroot_virtmanager")

    said = subprocess.run(
        [sys.executable, "-c", SHOW_PAGE],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={
            **os.environ,
            "LC_ALL": "xx_XX.UTF-8",
            "LOCPATH": str(tmp_path / "locales"),
            "PYTHONPATH": os.pathsep.join([str(plugin), str(SOURCE / "tests/plugin")]),
        },
    ).stdout.splitlines()

    assert said == [
        "[Boot from a direc_tory of the host",
        "[The guest boots from the disk /var/lib/libvirt/images/web.qcow2.",
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
