"""The Monitoring tab: its settings before the start, the live run after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from src.core.run import RunFolder, RunSummary
from src.ui.theme import set_role
from src.ui.widgets.form import SchemaForm

if TYPE_CHECKING:
    from src.ui.widgets.run_view import RunView

_GOES_ON = (
    "The run goes on when this window is closed: find it again in the main window, in the list of runs."
)


class MonitoringTab(QStackedWidget):
    """Settings, then the run.

    Attributes:
        form: The settings.
        view: The `RunView`, made when the first run is shown.
        folder: The run that is shown, or None.

    Signals:
        again(): The person wants to set up another run.
        ended(): The run that is shown came to its end.
    """

    again = pyqtSignal()
    ended = pyqtSignal()

    def __init__(self, form: SchemaForm, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.form = form
        self.folder: RunFolder | None = None
        self.view: RunView | None = None
        self._alive = False
        self.addWidget(form)
        self._live = QWidget()
        self._column = QVBoxLayout(self._live)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.another = QPushButton("Set up another run")
        self.another.setAutoDefault(False)
        self.another.clicked.connect(lambda _: self.again.emit())
        bar = QFrame()
        bar.setProperty("role", "info")
        row = QHBoxLayout(bar)
        row.setContentsMargins(12, 8, 8, 8)
        row.addWidget(self.note, 1)
        row.addWidget(self.another)
        self.bar = bar
        outer = QHBoxLayout()
        outer.setContentsMargins(12, 10, 12, 6)
        outer.addWidget(bar)
        self._column.addLayout(outer)
        self.addWidget(self._live)

    def show_run(self, folder: RunFolder) -> None:
        """Show a run instead of the settings."""
        if self.view is None:
            from src.ui.widgets.run_view import RunView  # plots are imported when there is something to plot

            view = RunView()
            view.summary_changed.connect(self._summary_changed)
            view.failed.connect(self.tell)
            self._column.addWidget(view, 1)
            self.view = view
        self.folder = folder
        self._alive = True
        self._say(_GOES_ON, "info")
        self.another.setEnabled(True)
        self.view.show_run(folder)
        self.setCurrentWidget(self._live)

    def show_settings(self) -> None:
        """Back to the settings; the run, if it still works, goes on."""
        self.setCurrentWidget(self.form)
        self.close_run()

    def close_run(self) -> None:
        """Stop following the run."""
        self.folder = None
        self._alive = False
        if self.view is not None:
            self.view.close_run()

    def _summary_changed(self, summary: RunSummary) -> None:
        if self._alive and not summary.alive and summary.state not in ("new", "starting"):
            self._alive = False
            self._say("The run has ended. It stays in the list of runs of the main window.", "info")
            self.ended.emit()
        elif summary.alive and not self._alive:  # it was resumed
            self._alive = True
            self._say(_GOES_ON, "info")

    def tell(self, sentence: str) -> None:
        """Something that went wrong with the run that is shown."""
        self._say(sentence, "bad")

    def tell_failure(self, sentence: str) -> None:
        """The run that is shown failed; nothing is said twice where its own head says it already."""
        summary = self.view.summary if self.view is not None else None
        if summary is None or summary.alive or not summary.cause:
            self.tell(sentence)

    def _say(self, text: str, role: str) -> None:
        self.note.setText(text)
        set_role(self.bar, role)
