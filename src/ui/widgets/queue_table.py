"""The rows of the queue as a table."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import QModelIndex, Qt
from PyQt5.QtWidgets import QWidget

from src.core.run import TITLES
from src.threads.queue_watcher import QueueRow
from src.ui.icons import STATE_ROLES, icon, state_icon_name
from src.ui.text import DASH, metric_title, moment, number, run_title
from src.ui.widgets.rows_table import RowsTable
from src.ui.wording import in_words

ROW = Qt.UserRole + 1
COLUMNS = ("State", "Run", "Device", "Progress", "Best", "Queued", "What happened")


class QueueTable(RowsTable[QueueRow]):
    """`QueueRow` objects: what runs, what waits in its order, what has ended."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(COLUMNS, lambda row: row.entry.id, parent)

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
        moment(row.entry.added).removeprefix("today "),
        in_words(row.cause),
    )
