"""A table of objects, a row each, that keeps the choice of a person when the same rows come again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from PyQt5.QtCore import QAbstractTableModel, QModelIndex, Qt
from PyQt5.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from src.ui.icons import STATE_ROLES, icon, state_icon_name

R = TypeVar("R")
#: The role under which a `StateTable` gives the object of a row.
ROW = Qt.UserRole + 1


class RowsTable(QAbstractTableModel, Generic[R]):
    """Base of table models; they write `data`.

    Attributes:
        columns: Headings.
    """

    def __init__(
        self, columns: tuple[str, ...], key: Callable[[R], Any], parent: QWidget | None = None
    ) -> None:
        """``key`` says which rows are the same thing."""
        super().__init__(parent)
        self.columns, self._key = columns, key
        self._rows: list[R] = []

    def put(self, rows: list[R]) -> None:
        """The rows now; where they are the same things they are updated, so that the choice is kept."""
        if [self._key(r) for r in rows] == [self._key(r) for r in self._rows]:
            self._rows = rows
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(self.columns) - 1))
            return
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def rows(self) -> list[R]:
        """What is listed."""
        return self._rows

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.DisplayRole) -> Any:
        return self.columns[section] if orientation == Qt.Horizontal and role == Qt.DisplayRole else None


class StateTable(RowsTable[R]):
    """Rows whose first column is a state, with its icon; subclasses write `cells`, `tip` and `state`."""

    def cells(self, row: R) -> Sequence[str]:
        """The texts of a row, one a column."""
        raise NotImplementedError

    def tip(self, row: R) -> str:
        """What is said of a row while the mouse is over it."""
        raise NotImplementedError

    def state(self, row: R) -> str:
        """A key of `STATE_ROLES`."""
        raise NotImplementedError

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = self._rows[index.row()], index.column()
        if role == ROW:
            return row
        if role in (Qt.DisplayRole, Qt.AccessibleTextRole):
            return self.cells(row)[column]
        if role == Qt.ToolTipRole:
            return self.tip(row)
        if role == Qt.DecorationRole and column == 0:
            return icon(state_icon_name(self.state(row)), STATE_ROLES[self.state(row)])
        return None


def lay_out_list(
    page: QWidget, bar: Sequence[QWidget], note: QWidget, empty: QWidget, view: QWidget
) -> QStackedWidget:
    """A heading, a line about it and buttons (``bar``), a note, and below them the list, or what stands where it is empty.

    Returns:
        What shows either of the two.
    """
    heading, about, *buttons = bar
    row = QHBoxLayout()
    row.setSpacing(8)
    row.addWidget(heading)
    row.addSpacing(8)
    row.addWidget(about, 1)
    for button in buttons:
        row.addWidget(button)
    stack = QStackedWidget()
    stack.addWidget(empty)
    stack.addWidget(view)
    column = QVBoxLayout(page)
    column.setContentsMargins(16, 12, 16, 16)
    column.setSpacing(10)
    column.addLayout(row)
    column.addWidget(note)
    column.addWidget(stack, 1)
    return stack
