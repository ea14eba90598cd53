"""The window that measures: a learning rate, a batch size, and what this machine computes fastest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PyQt5.QtCore import QSize, Qt, pyqtSignal
from PyQt5.QtWidgets import QApplication, QHBoxLayout, QTabWidget, QVBoxLayout, QWidget

from src.core.config import ConfigError, Resolved
from src.core.run import Event
from src.core.run.tuned import keep
from src.core.task_info import TaskInfo
from src.threads.tune_thread import TuneThread
from src.ui.dialogs.closing import ClosingDialog
from src.ui.dialogs.train_bars import button, line
from src.ui.dialogs.transfer_parts import heading, sentence
from src.ui.widgets.tune_batch import BatchPage
from src.ui.widgets.tune_machine import MachinePage
from src.ui.widgets.tune_page import TunePage
from src.ui.widgets.tune_rate import RatePage

_WIDTH, _HEIGHT = 1040, 720


class TuneDialog(ClosingDialog):
    """Measures with the settings of the training window, one thing at a time, in a child process.

    Closing the window ends a measurement; nothing of it stays.

    Attributes:
        rate, batch, machine: The pages.
        thread: The measurement that goes on, or None.

    Signals:
        chosen(dict): Dotted option to the value that the person applies.
    """

    chosen = pyqtSignal(dict)

    def __init__(
        self, settings: Callable[[], Resolved[Any]], task: TaskInfo, parent: QWidget | None = None
    ) -> None:
        """
        Args:
            settings: Gives the configuration as it stands whenever something is measured; may raise `ConfigError`.
            task: The training problem.
            parent: As in Qt.
        """
        super().__init__(parent)
        self.thread: TuneThread | None = None
        self._settings, self._task = settings, task
        self._at: TunePage | None = None
        self.setWindowTitle("Measure and Tune")
        self.setWindowFlags(
            self.windowFlags() & ~Qt.WindowContextHelpButtonHint | Qt.WindowMaximizeButtonHint
        )
        self.rate, self.batch, self.machine = RatePage(), BatchPage(), MachinePage()
        self.pages: list[TunePage] = [self.rate, self.batch, self.machine]
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        for page, title in zip(self.pages, ("Learning rate", "Batch size", "This machine"), strict=True):
            self.tabs.addTab(page, title)
            page.start_asked.connect(lambda kind, page=page: self.start(page, kind))
            page.cancel_asked.connect(self.cancel)
            page.chosen.connect(lambda values, page=page: self._apply(page, values))
        self.machine.kept.connect(self._keep)
        self.close_button = button("Clos&e", "Close this window; a measurement that goes on is ended")
        self.close_button.clicked.connect(lambda _: self.close())
        self._lay_out()
        screen = QApplication.primaryScreen()
        room = screen.availableSize() if screen else QSize(1280, 800)
        self.resize(min(_WIDTH, room.width()), min(_HEIGHT, room.height() - 40))

    def _lay_out(self) -> None:
        names = QVBoxLayout()
        names.setContentsMargins(16, 12, 16, 10)
        names.setSpacing(2)
        names.addWidget(heading("Measure instead of guessing", 1.25))
        names.addWidget(
            sentence(
                "Each measurement takes the settings and the data of the training window as they are.",
                "muted",
            )
        )
        below = QHBoxLayout()
        below.setContentsMargins(16, 10, 16, 12)
        below.addStretch(1)
        below.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(names)
        column.addWidget(self.tabs, 1)
        column.addWidget(line())
        column.addLayout(below)

    # ---- a measurement

    def start(self, page: TunePage, kind: str) -> None:
        """Begin one; nothing happens while another goes on."""
        if self.thread is not None:
            return
        try:
            resolved = self._settings()
        except ConfigError as error:
            page.fail(f"Nothing can be measured with these settings. {str(error).splitlines()[0]}")
            return
        thread = self.thread = TuneThread(resolved, self._task, kind)
        self._at = page
        for other in self.pages:
            other.set_free(False)
        page.begin()
        thread.progress.connect(page.advance)
        thread.told.connect(self._told)
        thread.done.connect(self._done)
        thread.failed.connect(self._failed)
        thread.start()

    def cancel(self) -> None:
        """End the measurement that goes on."""
        if self.thread is not None and self._at is not None:
            self.thread.cancel()
            self._at.advance(0, 0, "Ending", -1.0)

    def _told(self, event: Event) -> None:
        if event.type == "measured" and self._at is not None:
            self._at.add_row(dict(event["row"]))

    def _done(self, result: dict[str, Any]) -> None:
        page = self._end()
        if page is not None:
            page.finish(result)

    def _failed(self, text: str) -> None:
        page = self._end()
        if page is not None:
            page.fail(text)

    def _end(self) -> TunePage | None:
        page, self._at, self.thread = self._at, None, None
        for other in self.pages:
            other.set_free(True)
        return page

    # ---- what is done with the result

    def _apply(self, page: TunePage, values: dict[str, Any]) -> None:
        self.chosen.emit(values)
        page.applied("It stands in the settings of the training window now.")

    def _keep(self, document: dict[str, Any]) -> None:
        try:
            keep(str(document["machine"]), document)
        except OSError as error:
            self.machine.fail(
                f"It could not be kept: {error.strerror or error}. Free some space and try again."
            )
            return
        self.machine.applied(
            "Kept: runs on this machine use it from now on where their settings leave it open."
        )

    def let_go(self) -> None:
        """End the measurement; its folder is taken away by its thread."""
        thread, self.thread, self._at = self.thread, None, None
        if thread is not None:
            for signal in (thread.progress, thread.told, thread.done, thread.failed):
                signal.disconnect()
            thread.stop()


def open_tuning(settings: Callable[[], Resolved[Any]], task: TaskInfo, parent: QWidget) -> TuneDialog:
    """Show the window over ``parent``; see `TuneDialog`. It deletes itself when it is closed."""
    dialog = TuneDialog(settings, task, parent)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog
