# SPDX-License-Identifier: GPL-2.0-or-later
"""Translations, and the few values that are written the same way everywhere."""

import gettext
import locale
import pathlib

DOMAIN = "vmroot"

# <prefix>/share/vmroot/plugin/vmroot_virtmanager/texts.py
LOCALE_DIR = str(pathlib.Path(__file__).resolve().parents[3] / "locale")

# Python's gettext serves the code, the C library's serves GtkBuilder.
locale.bindtextdomain(DOMAIN, LOCALE_DIR)
_translation = gettext.translation(DOMAIN, LOCALE_DIR, fallback=True)
_ = _translation.gettext
ngettext = _translation.ngettext


def size(count):
    """412 MB: what g_format_size() makes of a number of bytes."""
    from gi.repository import GLib

    return GLib.format_size(count)
