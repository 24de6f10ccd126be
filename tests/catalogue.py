# SPDX-License-Identifier: GPL-2.0-or-later
"""A language that there is nowhere: every message of vmroot's is its English one, in brackets."""

import pathlib
import re
import shutil
import subprocess

import pytest

TEMPLATE = pathlib.Path(__file__).parents[1] / "po/vmroot.pot"
# With that of C itself, gettext translates nothing (glibc 2.39), not even for LANGUAGE.
LOCALE = pathlib.Path("/usr/lib/locale/C.utf8")


def _translation():
    entries = ['msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n']
    for lines in re.findall(r'^msgid ((?:".*"\n)+)', TEMPLATE.read_text(), re.MULTILINE)[1:]:
        text = "".join(line[1:-1] for line in lines.splitlines())
        end = "\\n" if text.endswith("\\n") else ""
        entries.append(f'msgid "{text}"\nmsgstr "[{text.removesuffix(end)}]{end}"\n')
    return "\n".join(entries)


def install(locale_directory, work):
    """Puts its catalogue where programs look below `locale_directory`. Returns the environment of a process that
    speaks it, what that takes being in `work`."""
    if shutil.which("msgfmt") is None:
        pytest.skip("msgfmt is not installed")
    if not LOCALE.is_dir():
        pytest.skip(f"this system has no {LOCALE} to make another locale of")

    shutil.copytree(LOCALE, work / "locales/xx_XX.UTF-8")
    catalogue = locale_directory / "xx/LC_MESSAGES/vmroot.mo"
    catalogue.parent.mkdir(parents=True)
    text = work / "xx.po"
    text.write_text(_translation())
    subprocess.run(["msgfmt", "-o", catalogue, text], check=True)
    return {"LC_ALL": "xx_XX.UTF-8", "LOCPATH": str(work / "locales"), "LANGUAGE": ""}
