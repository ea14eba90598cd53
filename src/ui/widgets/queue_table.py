"""The rows of the queue as a table."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import QAbstractTableModel, QModelIndex, Qt
from PyQt5.QtWidgets import QWidget

from src.core.run import TITLES
from src.threads.queue_watcher import QueueRow
from src.ui.icons import STATE_ROLES, icon, state_icon_name
from src.ui.text import DASH, metric_title, moment, number, run_title
from src.ui.wording import in_words

ROW = Qt.UserRole + 1
COLUMNS = ("State", "Run", "Device", "Progress", "Best", "Queued")


class QueueTable(QAbstractTableModel):
    """`QueueRow` objects: what runs, what waits in its order, what has ended."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[QueueRow] = []

    def put(self, rows: list[QueueRow]) -> None:
        """The queue now; rows that stay are updated, so that the choice is kept."""
        same = [r.entry.id for r in rows] == [r.entry.id for r in self._rows]
        if same:
            self._rows = rows
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(COLUMNS) - 1))
            return
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def rows(self) -> list[QueueRow]:
        """What is listed."""
        return self._rows

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.DisplayRole) -> Any:
        return COLUMNS[section] if orientation == Qt.Horizontal and role == Qt.DisplayRole else None

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = self._rows[index.row()], index.column()
        if role == ROW:
            return row
        if role in (Qt.DisplayRole, Qt.AccessibleTextRole):
            return cells(row)[column]
        if role == Qt.ToolTipRole:
            return in_words(row.cause) or str(row.entry.run)
        if role == Qt.DecorationRole and column == 0:
            state = {"waiting": "new", "gone": "failed"}.get(row.state, row.state)
            return icon(state_icon_name(state), STATE_ROLES[state])
        return None


def state_words(row: QueueRow) -> str:
    """``Next``, ``Number 2``, ``Running``, ``Failed``, …."""
    if row.state == "waiting":
        return "Next" if row.place == 1 else f"Number {row.place}"
    return TITLES.get(row.state, "Run folder is gone")


def device_words(row: QueueRow) -> str:
    """The device it has or asks for, in plain words."""
    name = row.entry.slot or row.entry.device
    if name == "auto":
        return "first that is free"
    if name.startswith("cuda"):
        return f"GPU {name.partition(':')[2] or '0'}"
    return {"cpu": "processor", "mps": "GPU"}.get(name, name)


def cells(row: QueueRow) -> tuple[str, ...]:
    """The texts of a row."""
    progress = f"{row.epoch:,} of {row.epochs:,} epochs" if row.epochs else DASH
    best = DASH if row.best is None else f"{metric_title(row.metric)} {number(row.best, 3)}"
    return (
        state_words(row),
        run_title(row.entry.run.name),
        device_words(row),
        progress,
        best,
        moment(row.entry.added),
    )
