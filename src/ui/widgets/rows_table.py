"""A table of objects, a row each, that keeps the choice of a person when the same rows come again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from PyQt5.QtCore import QAbstractTableModel, QModelIndex, Qt
from PyQt5.QtWidgets import QWidget

R = TypeVar("R")


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
