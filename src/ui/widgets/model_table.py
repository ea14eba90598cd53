"""The models of the library as a table that is sorted and filtered."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import QModelIndex, QSortFilterProxyModel, Qt
from PyQt5.QtWidgets import QWidget

from src.core.run.library import ModelRecord
from src.ui.icons import icon
from src.ui.text import DASH, metric_title, moment, number, run_title
from src.ui.widgets.rows_table import RowsTable

RECORD = Qt.UserRole + 1
_SORT = Qt.UserRole + 2
COLUMNS = ("", "Model", "Best", "Saved", "Data set", "Network", "Size", "Used for")
#: Ids of jobs to a word for one and for several.
_DONE = {
    "evaluate": ("evaluation", "evaluations"),
    "predict": ("prediction", "predictions"),
    "export": ("export", "exports"),
    "rank": ("ranking", "rankings"),
    "pseudo_label": ("pseudo-labels", "pseudo-labels"),
}


def done_text(record: ModelRecord) -> str:
    """``2 evaluations, 1 export``."""
    parts = []
    for job in dict.fromkeys(result.job for result in record.jobs):
        amount = len(record.done(job))
        one, several = _DONE.get(job, (job, job))
        parts.append(f"{amount} {one if amount == 1 else several}")
    return ", ".join(parts)


def size_words(size: int) -> str:
    """``12.3 MB``."""
    return f"{size / 1e6:,.1f} MB" if size else DASH


class ModelTable(RowsTable[ModelRecord]):
    """`ModelRecord` objects."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(COLUMNS, lambda record: record.path, parent)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        if not index.isValid():
            return None
        record, column = self._rows[index.row()], index.column()
        if role == RECORD:
            return record
        if role == Qt.DisplayRole:
            return _cells(record)[column]
        if role == _SORT:
            return _sort_keys(record)[column]
        if role == Qt.ToolTipRole:
            return record.problem or (str(record.path) if column == 1 else _cells(record)[column])
        if role == Qt.AccessibleTextRole:
            return "starred" if column == 0 and record.starred else _cells(record)[column]
        if role == Qt.DecorationRole and column == 0:
            return icon("star-full", "warn") if record.starred else icon("star", "border_strong")
        if role == Qt.DecorationRole and column == 1:
            return (
                icon("error", "bad")
                if record.problem
                else icon("run-folder" if record.run else "report", "muted")
            )
        return None


def _cells(record: ModelRecord) -> tuple[str, ...]:
    best = DASH if record.value is None else f"{metric_title(record.metric)} {number(record.value)}"
    data = f"{record.data} (gone)" if record.data and record.data_gone else record.data or DASH
    return ("", run_title(record.name), best, moment(record.time), data, record.network or DASH,
            size_words(record.bytes), done_text(record) or DASH)  # fmt: skip


def _sort_keys(record: ModelRecord) -> tuple[Any, ...]:
    return (
        not record.starred, run_title(record.name).casefold(), -1.0 if record.value is None else record.value,
        record.time, record.data.casefold(), record.network.casefold(), record.bytes, len(record.jobs),
    )  # fmt: skip


class ModelFilter(QSortFilterProxyModel):
    """By words anywhere in what is known of a model, and by the star."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words: list[str] = []
        self._starred = False
        self.setSortRole(_SORT)

    def look_for(self, text: str) -> None:
        """All of these words have to be there."""
        self._words = text.casefold().split()
        self.invalidateFilter()

    def only_starred(self, on: bool) -> None:
        """Show the marked ones alone."""
        self._starred = on
        self.invalidateFilter()

    def filterAcceptsRow(self, row: int, parent: QModelIndex) -> bool:
        record = self.sourceModel().index(row, 0, parent).data(RECORD)
        text = " ".join((*_cells(record), record.name, record.notes, " ".join(record.classes))).casefold()
        return (record.starred or not self._starred) and all(word in text for word in self._words)
