# SPDX-License-Identifier: GPL-2.0-or-later
"""That every text of the page can be translated, and is in the file that translators start from."""

import pathlib
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

SOURCE = pathlib.Path(__file__).parents[2]
UI_FILE = SOURCE / "plugin/vmroot_virtmanager/root-page.ui"


def messages(pot):
    return re.findall(r'^msgid (".*"(?:\n".*")*)', pot, re.MULTILINE)


def test_template_is_current(tmp_path):
    subprocess.run(
        [
            "xgettext",
            "--files-from=po/POTFILES",
            "--from-code=UTF-8",
            "--keyword=_",
            f"--output={tmp_path}/new.pot",
        ],
        cwd=SOURCE,
        check=True,
    )

    written = messages((SOURCE / "po/vmroot.pot").read_text())

    assert sorted(written) == sorted(
        messages((tmp_path / "new.pot").read_text())
    ), "run: meson compile vmroot-pot"


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
