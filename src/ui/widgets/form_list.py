"""Lists: the names of the classes as a table, and lists of numbers as a line."""

from __future__ import annotations

import re
from typing import Any

from PyQt5.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from src.core.config import Option
from src.ui.widgets.flow import FlowLayout
from src.ui.widgets.form_editors import Editor, TextEditor

_ROWS_SHOWN = 5


class NumbersEditor(TextEditor):
    """Whole numbers with commas between them."""

    def __init__(self, option: Option, parent: QWidget | None = None) -> None:
        super().__init__(option, parent)
        self.line.setPlaceholderText("0, 1, 2")

    def value(self) -> Any:
        words = [w for w in re.split(r"[\s,;]+", self.line.text()) if w]
        return [int(w) for w in words] if all(re.fullmatch(r"-?\d+", w) for w in words) else words

    def set_value(self, value: Any) -> None:
        if value != self.value():
            self.line.setText(", ".join(str(v) for v in value or []))

    def fault(self) -> str:
        wrong = [w for w in self.value() if isinstance(w, str)]
        return f"“{wrong[0]}” is not a whole number." if wrong else ""


class NamesEditor(Editor):
    """A table of names; the position of a name is its number."""

    def __init__(self, option: Option, parent: QWidget | None = None) -> None:
        super().__init__(option, parent)
        column = QVBoxLayout()
        column.setSpacing(4)
        self.table = QTableWidget(0, 1)
        self.table.horizontalHeader().setVisible(False)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.Stretch)
        self.table.verticalHeader().setSectionResizeMode(QHeaderView.Fixed)
        self.table.setSelectionMode(QAbstractItemView.SingleSelection)
        self.table.setEditTriggers(
            QAbstractItemView.EditTriggers(
                QAbstractItemView.DoubleClicked
                | QAbstractItemView.SelectedClicked
                | QAbstractItemView.EditKeyPressed
                | QAbstractItemView.AnyKeyPressed
            )
        )
        self.table.setTabKeyNavigation(False)
        self.table.setAccessibleName(f"{option.label}: a name in each row")
        self.table.itemChanged.connect(lambda _: self._changed())
        self.table.itemSelectionChanged.connect(self._enable)
        column.addWidget(self.table)
        buttons = FlowLayout(spacing=4)  # so that the card fits into half of a narrow window
        self.add = self._button("Add", "Add a class at the end", self._add)
        self.remove = self._button("Remove", "Remove the chosen class", self._remove)
        self.up = self._button("Up", "Move the chosen class up", lambda: self._move(-1))
        self.down = self._button("Down", "Move the chosen class down", lambda: self._move(1))
        for button in (self.add, self.remove, self.up, self.down):
            buttons.addWidget(button)
        column.addLayout(buttons)
        self.row.addLayout(column, 1)
        self.setFocusProxy(self.table)
        self.set_value([])

    def _button(self, text: str, tip: str, do: Any) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.clicked.connect(lambda _: do())
        return button

    def value(self) -> list[str]:
        items = [self.table.item(row, 0) for row in range(self.table.rowCount())]
        return [item.text().strip() for item in items if item is not None]

    def set_value(self, value: Any) -> None:
        names = [str(v) for v in value or []]
        if names == self.value() and self.table.rowCount() == len(names) and names:
            return
        self.table.blockSignals(True)
        self.table.setRowCount(len(names))
        for row, name in enumerate(names):
            self.table.setItem(row, 0, QTableWidgetItem(name))
        self.table.blockSignals(False)
        self._dress()

    def fault(self) -> str:
        names = self.value()
        if any(not name for name in names):
            return f"Class {names.index('')} has no name."
        twice = next((name for name in names if names.count(name) > 1), None)
        return f"The name “{twice}” stands there twice." if twice else ""

    def _changed(self) -> None:
        self._dress()
        self.edited.emit()

    def _dress(self) -> None:
        """Numbers beside the names, and a height that fits."""
        self.table.blockSignals(True)
        count = self.table.rowCount()
        self.table.setVerticalHeaderLabels([str(n) for n in range(count)])
        self.table.blockSignals(False)
        height = self.fontMetrics().height() + 12
        self.table.verticalHeader().setDefaultSectionSize(height)
        self.table.setFixedHeight(height * max(1, min(count, _ROWS_SHOWN)) + 4)
        self.table.setVisible(count > 0)
        self._enable()

    def _enable(self) -> None:
        row, count = self.table.currentRow(), self.table.rowCount()
        for button in (self.remove, self.up, self.down):
            button.setVisible(count > 0)
        self.remove.setEnabled(row >= 0)
        self.up.setEnabled(row > 0)
        self.down.setEnabled(0 <= row < count - 1)

    def _add(self) -> None:
        names = self.value()
        fresh = "background" if not names else next(n for n in _fresh_names() if n not in names)
        self._put([*names, fresh], len(names))
        self.table.editItem(self.table.item(len(names), 0))

    def _remove(self) -> None:
        row = self.table.currentRow()
        names = self.value()
        if 0 <= row < len(names):
            self._put(names[:row] + names[row + 1 :], min(row, len(names) - 2))

    def _move(self, by: int) -> None:
        row, names = self.table.currentRow(), self.value()
        if 0 <= row + by < len(names):
            names[row], names[row + by] = names[row + by], names[row]
            self._put(names, row + by)

    def _put(self, names: list[str], current: int) -> None:
        self.set_value(names)
        self.table.setCurrentCell(current, 0)
        self._enable()
        self.edited.emit()


def _fresh_names() -> Any:
    number = 1
    while True:
        yield "object" if number == 1 else f"object {number}"
        number += 1
