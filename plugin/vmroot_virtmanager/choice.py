# SPDX-License-Identifier: GPL-2.0-or-later
"""A combo box whose rows have a value, a label, and may be greyed."""


class Choice:
    def __init__(self, combo):
        self.combo = combo
        self._model = combo.get_model()

    def offer(self, rows):
        """`rows`: value, label, and whether it can be chosen."""
        self._model.clear()
        for row in rows:
            self._model.append(row)

    def choose(self, value):
        for row in self._model:
            if row[0] == value:
                self.combo.set_active_iter(row.iter)

    @property
    def chosen(self):
        row = self.combo.get_active_iter()
        return self._model[row][0] if row else None
