"""The list of searches: how far each is, the way to open it, to go on with it, and to take it away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QModelIndex, Qt, pyqtSignal
from PyQt5.QtWidgets import QMessageBox, QWidget

from src.core.search import SearchError, SearchFolder
from src.core.search.care import bring_back, trash_search
from src.core.search.folder import SearchState
from src.threads.search_watcher import go_on, halt
from src.threads.searches_watcher import SearchesWatcher
from src.ui.dialogs.train_bars import button
from src.ui.dialogs.transfer_parts import heading
from src.ui.icons import icon
from src.ui.text import DASH, count, metric_title, moment, number, run_title
from src.ui.theme import theme
from src.ui.widgets.elided import ElidedLabel
from src.ui.widgets.empty import EmptyState
from src.ui.widgets.note_bar import NoteBar
from src.ui.widgets.rows_table import ROW, StateTable, lay_out_list
from src.ui.widgets.tables import table

COLUMNS = ("State", "Search", "Trials", "Best", "In trial", "Begun")
STATES = {
    "new": "Not started", "running": "Running", "completed": "Completed", "interrupted": "Interrupted",
}  # fmt: skip
#: Width of each column in widths of the letter m; the last takes what is left.
_WIDTHS = (8, 17, 7, 9, 5)


def _watch() -> Any:
    return SearchesWatcher()


class SearchesTable(StateTable[SearchState]):
    """`SearchState` objects, the newest first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(COLUMNS, lambda row: row.folder.path, parent)

    def cells(self, row: SearchState) -> tuple[str, ...]:
        best = DASH if row.best_value is None else f"{metric_title(row.metric)} {number(row.best_value, 4)}"
        try:
            begun = row.folder.base.stat().st_mtime
        except OSError:
            begun = 0.0
        return (
            STATES[row.state],
            run_title(row.folder.name),
            f"{row.ended:,} of {row.trials:,}" if row.trials else DASH,
            best,
            str(row.best_number or DASH),
            moment(begun),
        )

    def tip(self, row: SearchState) -> str:
        return str(row.folder.path)

    def state(self, row: SearchState) -> str:
        return "paused" if row.state == "interrupted" else row.state


class SearchesPage(QWidget):
    """Table and buttons. Searches go on when this is closed.

    Attributes:
        watcher: Makes the object that watches the searches; replaced in tests.
        tool_icon: Of its tab.

    Signals:
        search_asked(object): Show this `SearchFolder`.
        trashed(object): The search in this folder (`Path`) went to the trash.
        failed(str): Something could not be done; cause and cure.
    """

    search_asked = pyqtSignal(object)
    trashed = pyqtSignal(object)
    failed = pyqtSignal(str)
    watcher: Callable[[], Any] = staticmethod(_watch)
    tool_icon = "search"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._watcher: Any = None
        self._trashed: Path | None = None
        self._about = ElidedLabel()
        self._about.setProperty("role", "muted")
        self.open = button("&Open", "Show its plots and its trials (Enter)")
        self.work = button("&Go on", "Go on with the trials that are left")
        self.trash = button("&Move to trash…", "Take it away with the runs of its trials; nothing is deleted")
        self.note = NoteBar()
        self.note.undo_asked.connect(self._bring_back)
        self.model = SearchesTable(self)
        self.view = table("Searches")
        self.view.setSelectionMode(self.view.SingleSelection)
        self.view.setModel(self.model)
        self.view.setTextElideMode(Qt.ElideMiddle)
        self.empty = EmptyState(
            "search", "No searches yet", "Tools > Search for Good Settings… tries many trainings, each with other values, and "
            "keeps the best. Every search stands here, also one that was interrupted.",
        )  # fmt: skip
        self._lay_out()
        self.open.clicked.connect(lambda _: self._open(self.view.currentIndex()))
        self.work.clicked.connect(lambda _: self.stop_or_go_on())
        self.trash.clicked.connect(lambda _: self.move_to_trash())
        self.view.activated.connect(self._open)
        self.view.selectionModel().currentRowChanged.connect(lambda *_: self._show_buttons())
        theme().changed.connect(self._dress)
        self._dress()
        self._show_buttons()

    def _lay_out(self) -> None:
        bar = (heading("Searches", 1.25), self._about, self.open, self.work, self.trash)
        self.stack = lay_out_list(self, bar, self.note, self.empty, self.view)
        em = self.fontMetrics().horizontalAdvance("m")
        for index, width in enumerate(_WIDTHS):
            self.view.horizontalHeader().resizeSection(index, width * em)
        self.view.horizontalHeader().setStretchLastSection(True)

    def _dress(self) -> None:
        self.open.setIcon(icon("search"))
        self.trash.setIcon(icon("trash"))
        self._show_buttons()
        self.view.viewport().update()

    # ---- what is shown

    def follow(self) -> None:
        """Watch the searches from now on."""
        if self._watcher is None:
            self._watcher = self.watcher()
            self._watcher.shown.connect(self.show_searches)
            self._watcher.start()

    def show_searches(self, rows: list[SearchState]) -> None:
        """The searches now."""
        chosen = self.chosen
        self.model.put(rows)
        self.stack.setCurrentIndex(int(bool(rows)))
        running = sum(r.state == "running" for r in rows)
        left = sum(r.state == "interrupted" for r in rows)
        words = [count(len(rows), "search", "searches") if rows else ""]
        words += [
            f"{running} running" if running else "",
            f"{left} interrupted: they can go on" if left else "",
        ]
        self._about.setText(", ".join(filter(None, words)))
        for row, found in enumerate(rows):
            if chosen is not None and found.folder.path == chosen.folder.path:
                self.view.selectRow(row)
        self._show_buttons()

    @property
    def chosen(self) -> SearchState | None:
        """The row that is marked."""
        index = self.view.currentIndex()
        return index.data(ROW) if index.isValid() else None

    def _show_buttons(self) -> None:
        row = self.chosen
        self.open.setEnabled(row is not None)
        running = row is not None and row.state == "running"
        self.work.setText("&Stop" if running else "&Go on")
        self.work.setIcon(icon("stop" if running else "resume"))
        self.work.setToolTip(
            "The trials under way save their state; the search can go on later"
            if running
            else "Go on with the trials that are left"
        )
        self.work.setEnabled(row is not None and row.state != "completed")
        self.trash.setEnabled(row is not None and not running)

    # ---- what is done

    def _open(self, index: QModelIndex) -> None:
        if index.isValid():
            self.search_asked.emit(index.data(ROW).folder)

    def stop_or_go_on(self) -> None:
        """Ask the marked search to stop, or start a process that goes on with it."""
        row = self.chosen
        if row is None:
            return
        try:
            (halt if row.state == "running" else go_on)(row.folder)
        except SearchError as error:
            self.failed.emit(f"{error} {error.cure}".strip())
        except OSError as error:
            self.failed.emit(
                f"That could not be done: {error.strerror or error}. Free memory or disk space and try again."
            )

    def move_to_trash(self) -> None:
        """Take the marked search away; asks first."""
        row = self.chosen
        if row is None:
            return
        name = run_title(row.folder.name)
        text = f"Move the search {name} with the runs of all its trials into the trash? Nothing is deleted."
        answer = QMessageBox.question(
            self, "Move to the trash?", text, QMessageBox.Yes | QMessageBox.Cancel, QMessageBox.Yes
        )
        if answer != QMessageBox.Yes:
            return
        self.trashed.emit(row.folder.path)
        try:
            self._trashed = trash_search(row.folder)
        except SearchError as error:
            self.failed.emit(f"{error} {error.cure}".strip())
            return
        self.show_searches([r for r in self.model.rows() if r.folder.path != row.folder.path])
        self.note.tell(f"{name} lies in {self._trashed.parent} now.", undo=True)

    def _bring_back(self) -> None:
        trashed, self._trashed = self._trashed, None
        self.note.hide()
        if trashed is None:
            return
        try:
            found: SearchFolder = bring_back(trashed)
        except SearchError as error:
            self.failed.emit(str(error))
            return
        self.show_searches([found.state(), *self.model.rows()])

    def close_tool(self) -> None:
        """The tab goes; searches go on."""
        if self._watcher is not None:
            self._watcher.shown.disconnect(self.show_searches)
            self._watcher.stop()
            self._watcher = None
