"""Results of a prediction along samples: their verdicts in a list, and beside it what was said over time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PyQt5.QtCore import QModelIndex, QSortFilterProxyModel, Qt
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSplitter,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from src.core.dataset.contract import Look
from src.threads.said_tail import Said, SaidTail
from src.ui.dialogs.train_bars import button
from src.ui.dialogs.transfer_parts import sentence
from src.ui.files import show_in_folder
from src.ui.text import count, duration, number
from src.ui.widgets.empty import EmptyState
from src.ui.widgets.rows_table import RowsTable
from src.ui.widgets.views_panel import ViewsPanel
from src.ui.widgets.views_window import ViewsWindow

_SORT = Qt.UserRole


class SaidTable(RowsTable[Said]):
    """A row a sample."""

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        columns = (look.noun.one.capitalize(), "Verdict", "Score", "Length")
        super().__init__(columns, lambda said: (said.name, said.recording), parent)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        said, column = self._rows[index.row()], index.column()
        values = (said.recording, said.verdict or "none", said.sure, said.seconds)
        if role == _SORT:
            return values[column] if values[column] == values[column] else -1.0
        if role == Qt.DisplayRole:
            words = (
                said.recording,
                said.verdict or "–",
                number(said.sure, 3),
                duration(said.seconds) if said.seconds else "–",
            )
            return words[column]
        if role == Qt.ToolTipRole:
            return f"{said.path}\n{said.error}".strip()
        if role == Qt.TextAlignmentRole and column > 1:
            return int(Qt.AlignRight | Qt.AlignVCenter)
        return None


class SaidPage(QWidget):
    """See ``result_pages.ResultPage``.

    Attributes:
        table: The list.
        panel: What is along the current sample.
    """

    def __init__(self, task: str, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        assert look.views is not None, "asked for tasks that have views"
        self._look, self._config = look, f"task: {task}\n"
        self._folder: Path | None = None
        self._tail: SaidTail | None = None
        self._said: dict[tuple[str, str], Said] = {}
        self._shown: Said | None = None
        views = look.views
        self.panel = ViewsPanel(views, [views.offered[0].id, views.predicted])
        self.model = SaidTable(look)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self.model)
        self._sorted.setSortRole(_SORT)
        self.table = QTableView()
        self._build()

    def _build(self) -> None:
        table = self.table
        table.setModel(self._sorted)
        table.setSortingEnabled(True)
        table.sortByColumn(0, Qt.AscendingOrder)
        table.setSelectionBehavior(QAbstractItemView.SelectRows)
        table.setSelectionMode(QAbstractItemView.SingleSelection)
        table.setTabKeyNavigation(False)
        table.setShowGrid(False)
        table.verticalHeader().hide()
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeToContents)
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.Stretch)
        table.setAccessibleName(f"Verdicts on {self._look.noun.many}")
        table.selectionModel().currentRowChanged.connect(lambda now, _: self._show(now))
        table.activated.connect(lambda _: self.look_closer())
        self.about, self.problem = sentence("", "muted"), sentence("", "error")
        self.problem.hide()
        self.closer = button(
            "&All views…", "All views of it in a window of its own, with its spectra (Enter)"
        )
        self.reveal = button("Show in &folder", "The folder of the results, with the table of all verdicts")
        self.closer.setEnabled(False)
        busy = QLabel()
        busy.setProperty("role", "muted")
        self.panel.busy.connect(busy.setText)
        self.closer.clicked.connect(lambda _: self.look_closer())
        self.reveal.clicked.connect(lambda _: self._reveal())
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.about, 1)
        row.addWidget(busy)
        for made in (self.closer, self.reveal):
            row.addWidget(made)
        both = QSplitter(Qt.Horizontal)
        both.setChildrenCollapsible(False)
        both.setHandleWidth(9)
        both.addWidget(table)
        both.addWidget(self.panel)
        both.setStretchFactor(1, 1)
        both.setSizes([self.fontMetrics().averageCharWidth() * 56, 10_000])
        full = QWidget()
        column = QVBoxLayout(full)
        column.setContentsMargins(16, 8, 16, 12)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self.problem)
        column.addWidget(both, 1)
        many = self._look.noun.many
        self.stack = QStackedWidget()
        self.stack.addWidget(
            EmptyState("predict", "No verdict yet", f"The {many} stand here as soon as they are done.")
        )
        self.stack.addWidget(full)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.stack)

    # -- ResultPage -----------------------------------------------------------------------------
    def open_folder(self, path: Path) -> None:
        """Show the results in the folder of a prediction, finished or not."""
        if path != self._folder:
            self._said, self._shown = {}, None
        self._folder = path
        self._stop()
        tail = self._tail = SaidTail(path, self)
        tail.told.connect(self._take)
        tail.failed.connect(self._fail)
        tail.start()

    def tell(self, event: Any) -> None:
        """The folder is followed, not the events."""

    def close_page(self) -> None:
        """End what reads in the background."""
        self._stop()
        self.panel.close_panel()

    def _stop(self) -> None:
        tail, self._tail = self._tail, None
        if tail is not None:
            tail.told.disconnect(self._take)
            tail.failed.disconnect(self._fail)
            tail.stop()

    def _fail(self, reason: str) -> None:
        self.problem.setText(reason)
        self.problem.show()

    def _take(self, found: list[Said]) -> None:
        self._said |= {(said.name, said.recording): said for said in found}
        chosen = self._shown
        self.model.put(list(self._said.values()))
        self.stack.setCurrentIndex(int(bool(self._said)))
        failed = sum(bool(said.error) for said in self._said.values())
        words = count(len(self._said) - failed, *self._look.noun)
        self.about.setText(
            f"{words} with a verdict"
            + (f", {count(failed, 'file')} that could not be used." if failed else ".")
        )
        rows = [(said.name, said.recording) for said in self.model.rows()]
        key = (chosen.name, chosen.recording) if chosen is not None else None
        place = self.model.index(rows.index(key), 0) if key in rows else None
        self.table.setCurrentIndex(self._sorted.mapFromSource(place) if place else self._sorted.index(0, 0))

    def _reveal(self) -> None:
        if self._folder is not None:
            show_in_folder(str(self._folder))

    # -- one sample -----------------------------------------------------------------------------
    def _show(self, index: QModelIndex) -> None:
        if not index.isValid() or self._folder is None:
            return
        said = self.model.rows()[self._sorted.mapToSource(index).row()]
        if said == self._shown:
            return
        self._shown = said
        self.closer.setEnabled(not said.error)
        if said.error:
            self.panel.refuse(said.error)
        else:
            self.panel.show_sample(self._config, said.sample(self._folder))

    def look_closer(self) -> None:
        """All views of the current sample in a window of its own."""
        said, views = self._shown, self._look.views
        if said is not None and not said.error and views is not None and self._folder is not None:
            made = ViewsWindow(self.window(), views, self._look.noun.one)
            made.show_sample(self._config, said.sample(self._folder), facts=f"Verdict: {said.verdict}")
