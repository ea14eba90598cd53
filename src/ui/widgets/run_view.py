"""One run, live or old: everything comes from its folder, so any window can show it at any time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from PyQt5.QtCore import QTimer, pyqtSignal
from PyQt5.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from src.core.run import Event, RunFolder, RunSummary
from src.ui.run_data import RunData
from src.ui.widgets.curves_page import CurvesPage
from src.ui.widgets.log_page import LogPage
from src.ui.widgets.machine_page import MachinePage
from src.ui.widgets.previews_page import PreviewsPage
from src.ui.widgets.run_header import RunHeader
from src.ui.widgets.tables import ClassesPage, SettingsPage

#: Events are folded in for at most this long at a time; then the window gets its turn.
_SLICE_S = 0.006
_SLICE = 200
_HEADER_MS = 150


def _follow(folder: RunFolder) -> Any:
    from src.threads.run_follower import RunFollower

    return RunFollower(folder)


class RunView(QWidget):
    """Header, curves, previews, classes, machine, log and settings of one run.

    Attributes:
        data: What is known of the run now.
        follower: Makes the object that follows a run folder; replaced in tests.

    Signals:
        summary_changed(object): The `RunSummary` of the run shown.
        resume_asked(object): The person wants this `RunFolder` resumed. Without a listener the view resumes
            it itself.
        failed(str): An order could not be carried out; cause and cure.
        job_asked(object, str): The person wants a job (its id) with the model of the `RunFolder`.
    """

    summary_changed = pyqtSignal(object)
    resume_asked = pyqtSignal(object)
    failed = pyqtSignal(str)
    job_asked = pyqtSignal(object, str)
    follower: Callable[[RunFolder], Any] = staticmethod(_follow)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.data = RunData()
        self.folder: RunFolder | None = None
        self.summary: RunSummary | None = None
        self._follower: Any = None
        self._waiting: deque[list[Event]] = deque()
        self._at = 0
        self._changed: set[str] = set()
        self.header = RunHeader()
        self.curves = CurvesPage()
        self.previews = PreviewsPage()
        self.classes = ClassesPage()
        self.machine = MachinePage()
        self.log = LogPage()
        self.settings = SettingsPage()
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        for page, title in (
            (self.curves, "&Curves"),
            (self.previews, "Pre&views"),
            (self.classes, "Classe&s"),
            (self.machine, "&Machine"),
            (self.log, "&Log"),
            (self.settings, "Settin&gs"),
        ):
            self.tabs.addTab(page, title)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self.tabs, 1)
        self._take_timer = QTimer(self)
        self._take_timer.setSingleShot(True)
        self._take_timer.timeout.connect(self._take_slice)
        self._header_timer = QTimer(self)
        self._header_timer.setSingleShot(True)
        self._header_timer.timeout.connect(self._show_header)
        self.header.ending.hide()
        self.header.buttons.resume_asked.connect(self._resume)
        self.header.buttons.failed.connect(self.failed)
        self.header.buttons.job_asked.connect(self.job_asked)

    # ---- which run

    def show_run(self, folder: RunFolder) -> None:
        """Follow this run from now on, and show all of its past."""
        self.close_run()
        self.folder = folder
        self.header.show_name(folder.name)
        self.header.buttons.show_run(folder)
        self.settings.show_config(folder.config)
        self.machine.set_run(folder.config)
        self._restart()
        follower = self.follower(folder)
        self._follower = follower
        follower.events.connect(self._queue)
        follower.summary.connect(self._show_summary)
        follower.log.connect(self.log.add_text)
        if hasattr(follower, "restarted"):
            follower.restarted.connect(self._restart)
        follower.start()

    def close_run(self) -> None:
        """Follow nothing; the run itself goes on."""
        if self._follower is not None:
            for signal, slot in (
                (self._follower.events, self._queue),
                (self._follower.summary, self._show_summary),
                (self._follower.log, self.log.add_text),
            ):
                signal.disconnect(slot)
            if hasattr(self._follower, "restarted"):
                self._follower.restarted.disconnect(self._restart)
            self._follower.stop()
            self._follower = None
        self.folder = self.summary = None
        self.previews.close_loader()
        self._take_timer.stop()
        self._header_timer.stop()
        self.header.buttons.show_run(None)
        self.log.set_data(RunData())
        self._restart()

    def _restart(self) -> None:
        """Forget the events; the whole history follows."""
        self._waiting.clear()
        self._at = 0
        self.data = RunData()
        self.curves.set_data(self.data)
        if self.folder is not None:
            self.previews.set_data(self.data, self.folder.path)
        self.classes.set_data(self.data)
        self.machine.set_data(self.data)
        self.log.take_run(self.data)

    # ---- events

    def _queue(self, events: list[Event]) -> None:
        self._waiting.append(events)
        if not self._take_timer.isActive():
            self._take_timer.start(0)

    def _take_slice(self) -> None:
        until = time.perf_counter() + _SLICE_S
        while self._waiting and time.perf_counter() < until:
            first = self._waiting[0]
            self._changed |= self.data.take(first[self._at : self._at + _SLICE])
            self._at += _SLICE
            if self._at >= len(first):
                self._waiting.popleft()
                self._at = 0
        if self._waiting:
            self._take_timer.start(0)
        else:
            self._spread()
        if not self._header_timer.isActive():
            self._header_timer.start(_HEADER_MS)

    def _spread(self) -> None:
        changed, self._changed = self._changed, set()
        self.curves.mark(changed)
        if changed & {"previews"}:
            self.previews.mark()
        if changed & {"epochs"}:
            self.classes.mark()
        if changed & {"resources"}:
            self.machine.mark()
        if changed & {"messages"}:
            self.log.mark()

    def _show_header(self) -> None:
        self.header.show_data(self.data, bool(self.summary and self.summary.alive))

    def _show_summary(self, summary: RunSummary) -> None:
        self.summary = summary
        self.header.show_summary(summary)
        self._show_header()
        self.summary_changed.emit(summary)

    def _resume(self, folder: RunFolder) -> None:
        if self.receivers(self.resume_asked) > 0:
            self.resume_asked.emit(folder)
            return
        from src.core.run import RunFolderError
        from src.threads import resume_run

        try:
            resume_run(folder)
        except (RunFolderError, OSError) as error:
            self.failed.emit(str(error))
