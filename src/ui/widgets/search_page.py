"""A hyper-parameter search: how far it is, what it found, its trials, and the way on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QModelIndex, Qt, QUrl, pyqtSignal
from PyQt5.QtGui import QDesktopServices, QStandardItem, QStandardItemModel
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSplitter, QVBoxLayout, QWidget

from src.core.search import SearchError, SearchFolder
from src.threads.search_watcher import SearchWatcher, go_on, halt
from src.ui.dialogs.train_bars import button
from src.ui.dialogs.transfer_parts import heading
from src.ui.icons import STATE_ROLES, icon, state_icon_name
from src.ui.text import DASH, count, metric_title, number
from src.ui.theme import theme
from src.ui.widgets.elided import ElidedLabel
from src.ui.widgets.search_parallel import ParallelPlot
from src.ui.widgets.search_plots import HistoryPlot, ImportancePlot, named
from src.ui.widgets.tables import table

_TITLES = {
    "waiting": "Waits", "running": "Running", "interrupted": "Interrupted", "completed": "To its end",
    "pruned": "Ended early", "failed": "Failed",
}  # fmt: skip
_ICONS = {"waiting": "new", "interrupted": "paused", "pruned": "stopped"}
_STATES = {
    "new": "Not started",
    "running": "Running",
    "completed": "All trials have ended",
    "interrupted": "Interrupted",
}
_NUMBER = Qt.UserRole + 1
#: The cards have borders of their own: what lies between them is only there to be dragged.
_CLEAR = "QSplitter::handle { background: transparent; }"


def _watch(folder: SearchFolder) -> Any:
    return SearchWatcher(folder)


class SearchPage(QWidget):
    """Plots and a table of the trials. The search goes on when this is closed.

    Attributes:
        folder: The search.
        watcher: Makes the object that watches a search; replaced in tests.
        tool_icon: Of its tab.

    Signals:
        run_asked(object): Show the run in this folder (`Path`).
        train_asked(object): Train with the configuration in this file (`Path`).
        failed(str): Something could not be done; cause and cure.
    """

    run_asked = pyqtSignal(object)
    train_asked = pyqtSignal(object)
    failed = pyqtSignal(str)
    watcher: Callable[[SearchFolder], Any] = staticmethod(_watch)
    tool_icon = "search"

    def __init__(self, folder: SearchFolder, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self.results: dict[str, Any] = {}
        self.state = "new"
        self._watcher: Any = None
        self._heading = heading(folder.name, 1.25)
        self._about = ElidedLabel()
        self._about.setProperty("role", "muted")
        self._cause = QLabel()
        self._cause.setWordWrap(True)
        self._cause.setTextFormat(Qt.PlainText)
        self._cause.setProperty("role", "bad")
        self._cause.hide()
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(6)
        self.progress.setAccessibleName("Trials that have ended")
        self.best = button(
            "&Train with the best…", "Open the training window with the settings of the best trial"
        )
        self.open_run = button("&Open run", "Show the run of the trial that is chosen (Enter)")
        self.show_folder = button("Show &folder", "The files of this search")
        self.halt = button("&Stop", "The trials under way save their state; the search can go on later")
        self.history, self.importance, self.parallel = HistoryPlot(), ImportancePlot(), ParallelPlot()
        self.model = QStandardItemModel(self)
        self.view = table("Trials")
        self.view.setSelectionMode(self.view.SingleSelection)
        self.view.setModel(self.model)
        self.view.horizontalHeader().setStretchLastSection(True)
        self._lay_out()
        self._connect()
        theme().changed.connect(self._dress)
        self._dress()
        self.show_search({}, "new", "")

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setSpacing(8)
        bar.addWidget(self._heading)
        bar.addStretch(1)
        for widget in (self.open_run, self.show_folder, self.halt, self.best):
            bar.addWidget(widget)
        upper, lower = QSplitter(Qt.Horizontal), QSplitter(Qt.Horizontal)
        upper.addWidget(self.history)
        upper.addWidget(self.importance)
        lower.addWidget(self.parallel)
        lower.addWidget(self.view)
        for part, sizes in ((upper, (3, 2)), (lower, (3, 2))):
            part.setChildrenCollapsible(False)
            part.setHandleWidth(10)
            part.setStyleSheet(_CLEAR)
            for index, size in enumerate(sizes):
                part.setStretchFactor(index, size)
            part.setSizes([600 * size for size in sizes])
        both = QSplitter(Qt.Vertical)
        both.setChildrenCollapsible(False)
        both.setHandleWidth(10)
        both.setStyleSheet(_CLEAR)
        both.addWidget(upper)
        both.addWidget(lower)
        both.setSizes([1000, 1000])
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(10)
        column.addLayout(bar)
        column.addWidget(self._about)
        column.addWidget(self.progress)
        column.addWidget(self._cause)
        column.addWidget(both, 1)

    def _connect(self) -> None:
        self.best.clicked.connect(lambda _: self.train_asked.emit(self.folder.best))
        self.open_run.clicked.connect(lambda _: self._open(self.view.currentIndex()))
        self.show_folder.clicked.connect(
            lambda _: QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.folder.path)))
        )
        self.halt.clicked.connect(lambda _: self.stop_or_go_on())
        self.view.activated.connect(self._open)
        self.view.selectionModel().currentRowChanged.connect(lambda *_: self._show_buttons())
        for plot in (self.history, self.parallel):
            plot.picked.connect(self.choose)

    def _dress(self) -> None:
        self.best.setIcon(icon("train"))
        self.open_run.setIcon(icon("run-folder"))
        self.show_folder.setIcon(icon("folder"))
        self.halt.setIcon(icon("stop" if self.state == "running" else "resume"))
        self._fill()

    # ---- what is shown

    def follow(self) -> None:
        """Watch the search from now on."""
        if self._watcher is None:
            self._watcher = self.watcher(self.folder)
            self._watcher.shown.connect(self.show_search)
            self._watcher.failed.connect(self.failed)
            self._watcher.start()

    def show_search(self, results: dict[str, Any], state: str, cause: str) -> None:
        """The search now."""
        self.results, self.state = results, state
        trials = results.get("trials", [])
        ended = sum(t["state"] in ("completed", "pruned", "failed") for t in trials)
        planned = int(results.get("planned", 0))
        self.progress.setRange(0, max(1, planned))
        self.progress.setValue(ended)
        best = results.get("best")
        found = (
            f"best {metric_title(results['metric'])} {number(best['value'], 4)} in trial {best['number']}"
            if best
            else ""
        )
        parts = [_STATES[state], found, f"{ended:,} of {count(planned, 'trial')} ended" if planned else ""]
        for kind, said in (("running", "running now"), ("pruned", "ended early"), ("failed", "failed")):
            if number_of := sum(t["state"] == kind for t in trials):
                parts.append(f"{number_of:,} {said}")
        self._about.setText("  ·  ".join(filter(None, parts)))
        self._cause.setText(cause)
        self._cause.setVisible(bool(cause))
        for plot in (self.history, self.importance, self.parallel):
            if results:
                plot.show_results(results)
        self._fill()
        self._show_buttons()

    def _fill(self) -> None:
        axes = self.results.get("parallel", {}).get("axes", [])
        metric = metric_title(self.results.get("metric", ""))
        chosen = self.chosen
        self.model.setHorizontalHeaderLabels(
            ["Trial", "State", metric, "Epochs", *(a["label"] for a in axes)]
        )
        trials = self.results.get("trials", [])
        self.model.setRowCount(len(trials))
        for row, trial in enumerate(trials):
            shown = (
                trial["value"]
                if trial["value"] is not None
                else (trial["curve"][-1][1] if trial["curve"] else None)
            )
            cells = [
                str(trial["number"]), _TITLES[trial["state"]], DASH if shown is None else number(shown, 4),
                str(len(trial["curve"])) if trial["curve"] else DASH,
                *(named(a, trial["params"][a["key"]]) if a["key"] in trial["params"] else DASH for a in axes),
            ]  # fmt: skip
            for column, text in enumerate(cells):
                item = QStandardItem(text)
                item.setEditable(False)
                item.setData(trial["number"], _NUMBER)
                item.setToolTip(f"{trial['cause']} {trial['cure']}".strip())
                if column == 1:
                    state = _ICONS.get(trial["state"], trial["state"])
                    item.setIcon(icon(state_icon_name(state), STATE_ROLES[state]))
                self.model.setItem(row, column, item)
        self.view.resizeColumnsToContents()
        if chosen:
            self.choose(chosen)

    def _show_buttons(self) -> None:
        trial = self._trial(self.chosen)
        self.open_run.setEnabled(bool(trial and trial["run"]))
        self.best.setEnabled(bool(self.results.get("best")))
        running = self.state == "running"
        self.halt.setText("&Stop" if running else "&Go on")
        self.halt.setIcon(icon("stop" if running else "resume"))
        self.halt.setEnabled(self.state != "completed")

    # ---- what is done

    @property
    def chosen(self) -> int:
        """The number of the trial that is chosen; 0: none."""
        index = self.view.currentIndex() if hasattr(self, "view") else QModelIndex()
        return int(index.data(_NUMBER) or 0) if index.isValid() else 0

    def choose(self, trial: int) -> None:
        """Choose a trial in the table."""
        if 0 < trial <= self.model.rowCount():
            self.view.setCurrentIndex(self.model.index(trial - 1, 0))

    def _trial(self, number_of: int) -> dict[str, Any] | None:
        return next((t for t in self.results.get("trials", []) if t["number"] == number_of), None)

    def _open(self, index: QModelIndex) -> None:
        trial = self._trial(int(index.data(_NUMBER) or 0)) if index.isValid() else None
        if trial and trial["run"]:
            self.run_asked.emit(Path(self.folder.path / trial["run"]))

    def stop_or_go_on(self) -> None:
        """Ask the search to stop, or start a process that goes on with it."""
        try:
            (halt if self.state == "running" else go_on)(self.folder)
        except SearchError as error:
            self.failed.emit(f"{error} {error.cure}".strip())
        except OSError as error:
            self.failed.emit(
                f"That could not be done: {error.strerror or error}. Free memory or disk space and try again."
            )

    def close_tool(self) -> None:
        """Watch no longer; the search goes on."""
        if self._watcher is not None:
            self._watcher.shown.disconnect(self.show_search)
            self._watcher.stop()
            self._watcher = None
