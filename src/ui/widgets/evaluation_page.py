"""The result of an evaluation: its numbers, its curves, its images, and how it compares with another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QStackedLayout, QTabWidget, QVBoxLayout, QWidget

from src.threads.errand import Errand
from src.ui.widgets.empty import EmptyState
from src.ui.widgets.evaluation_compare import ComparePage
from src.ui.widgets.evaluation_data import EvaluationData
from src.ui.widgets.evaluation_decision import DecisionPage
from src.ui.widgets.evaluation_images import ALARMS, MISSED, ImagesPage
from src.ui.widgets.evaluation_overview import OverviewPage
from src.ui.widgets.evaluation_threshold import ThresholdPage
from src.ui.widgets.evaluation_tiles import put_strips, warnings


class EvaluationPage(QWidget):
    """Shows the folder of an evaluation, as soon as there is a result in it.

    Attributes:
        data: What is shown; None before there is anything.
        shows_said, shows_notes: What the job said, and warned of, stands here already.
        overview, thresholds, decision, images, comparison: The pages.

    Signals:
        shown(object): An `EvaluationData` was read and is shown.
        threshold_kept(float): A threshold was written for the predictions of the model.
    """

    shows_said = True
    shows_notes = True
    shown = pyqtSignal(object)
    threshold_kept = pyqtSignal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.data: EvaluationData | None = None
        self.folder: Path | None = None
        self._errand: Errand | None = None
        self._state: tuple[int, int] | None = None
        self._waiting: list[tuple[QWidget, Any]] = []
        self._empty = EmptyState(
            "report", "No result yet", "The result of the evaluation stands here when it has ended."
        )
        self.overview, self.thresholds, self.decision = OverviewPage(), ThresholdPage(), DecisionPage()
        self.images, self.comparison = ImagesPage(), ComparePage()
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self._strips = QVBoxLayout()
        self._strips.setContentsMargins(16, 0, 16, 0)
        self._strips.setSpacing(6)
        for page, title in (
            (self.overview, "Over&view"),
            (self.thresholds, "&Threshold"),
            (self.decision, "I&mages, objects, calibration"),
            (self.images, "&Worst images"),
            (self.comparison, "Com&pare with…"),
        ):
            self.tabs.addTab(page, title)
        self.tabs.currentChanged.connect(self._fill)
        self.overview.cell_opened.connect(self.show_cell)
        self.thresholds.kept.connect(self.threshold_kept)
        self.decision.missed_asked.connect(lambda: self._show_kind(MISSED))
        self.decision.alarms_asked.connect(lambda: self._show_kind(ALARMS))
        full = QWidget()
        column = QVBoxLayout(full)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(self._strips)
        column.addWidget(self.tabs, 1)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(full)

    # ---- the interface of all result pages

    def open_folder(self, path: Path) -> None:
        """Show the evaluation in this folder; one that has not ended is shown when it ends."""
        path = Path(path)
        path = path.parent if path.is_file() else path
        state = _state(path)
        if path == self.folder and state is not None and state == self._state:
            return  # it is shown, or being read
        self.close_page()
        self.folder, self.data, self._state = path, None, state
        self._stack.setCurrentIndex(0)
        if state is None:
            self._empty.set_text(
                "No result yet", "The result of the evaluation stands here when it has ended."
            )
            return
        self._empty.set_text("Reading the evaluation…", "")
        folder = self.folder
        self._errand = Errand(lambda: EvaluationData.read(folder), self)
        self._errand.done.connect(self._show)
        self._errand.failed.connect(self._failed)
        self._errand.start()

    def tell(self, event: Any) -> None:
        """An event of the job that runs now."""
        if event.type == "run_ended" and self.folder is not None:
            status = str(event.get("status") or "")
            if status == "completed":
                self.open_folder(self.folder)
            elif self.data is None:
                why = f"{event.get('cause') or ''} {event.get('cure') or ''}".strip()
                self._empty.set_text(
                    "There is no result", why or "The evaluation was ended before it was through."
                )

    def close_page(self) -> None:
        """Read nothing more and close the windows of single images: the tab is closed."""
        self._state = None
        if self._errand is not None:
            self._errand.stop()
            self._errand = None
        self.thresholds.stop()
        self.images.stop()
        self.comparison.stop()

    # ---- what is shown

    def _failed(self, words: str) -> None:
        self._empty.set_text("This evaluation cannot be shown", words)

    def _show(self, data: EvaluationData) -> None:
        if data.folder != self.folder:
            return
        self.data = data
        put_strips(self._strips, [w for w in warnings(data.document) if w[0] == "bad"])
        self._strips.setContentsMargins(16, 8 if self._strips.count() else 0, 16, 0)
        # Each page is filled when it is seen first: all at once would hold the window up
        pages = (self.overview, self.thresholds, self.decision, self.images, self.comparison)
        self._waiting = [(page, data) for page in pages]
        self._stack.setCurrentIndex(1)
        self._fill()
        self.shown.emit(data)

    def _fill(self, _: int = 0) -> None:
        self._fill_page(self.tabs.currentWidget())

    def _fill_page(self, page: Any) -> None:
        for entry in self._waiting:
            if entry[0] is page:
                self._waiting.remove(entry)
                page.put(entry[1])
                return

    def show_cell(self, true: int, predicted: int) -> None:
        """Show the images behind a cell of the confusion matrix."""
        self._fill_page(self.images)
        self.tabs.setCurrentWidget(self.images)
        self.images.show_cell(true, predicted)

    def _show_kind(self, kind: int) -> None:
        self._fill_page(self.images)
        self.tabs.setCurrentWidget(self.images)
        self.images.show_kind(kind)

    def compare_with(self, path: Path) -> None:
        """Compare with the evaluation in another folder."""
        self._fill_page(self.comparison)
        self.tabs.setCurrentWidget(self.comparison)
        self.comparison.compare_with(path)


def _state(folder: Path) -> tuple[int, int] | None:
    """Time and size of the document; None while there is none."""
    try:
        found = (folder / "evaluation.json").stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
