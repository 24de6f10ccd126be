# SPDX-License-Identifier: GPL-2.0-or-later
"""Entries for names of files and the like: what a definition says stays as it is, blanks at its
ends too; what a person types loses them."""


def show(entry, text):
    entry.shown = text or ""
    entry.set_text(entry.shown)


def read(entry):
    text = entry.get_text()
    return text if text == getattr(entry, "shown", None) else text.strip()
