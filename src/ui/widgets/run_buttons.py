"""The buttons of a run and the escalation of stopping: asked, then terminated, then killed, each by the
person's hand."""

from __future__ import annotations

import time
from pathlib import Path

from PyQt5.QtCore import Qt, QTimer, QUrl, pyqtSignal
from PyQt5.QtGui import QDesktopServices
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from src.core.run import RunFolder, RunSummary
from src.ui import run_control
from src.ui.icons import icon
from src.ui.run_control import LOSSES, RunControlError
from src.ui.theme import set_role, theme
from src.ui.widgets.job_menu import JobMenu, has_model

#: Seconds after which the next, firmer step is offered.
PATIENCE_S = 10.0
_ASKED = {"stop": "Asked to stop", "finish_epoch": "Ends after this epoch", "pause": "Asked to pause"}


class RunButtons(QWidget):
    """Orders to one run.

    Attributes:
        patience_s: Seconds until a firmer step is offered.

    Signals:
        resume_asked(object): The person wants the `RunFolder` resumed.
        failed(str): An order could not be given; a sentence with cause and cure.
        job_asked(object, str): The person wants a job (its id) with the model of the `RunFolder`.
    """

    resume_asked = pyqtSignal(object)
    failed = pyqtSignal(str)
    job_asked = pyqtSignal(object, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.patience_s = PATIENCE_S
        self._folder: RunFolder | None = None
        self._summary: RunSummary | None = None
        self._asked = ""
        self._step = ""
        self._since = 0.0
        self.stop = QPushButton("&Stop")
        self.finish = QPushButton("&Finish this epoch")
        self.pause = QPushButton("&Pause")
        self.resume = QPushButton("&Resume")
        self.force = QPushButton("F&orce")
        self.use = QPushButton("&Use model")
        self.use.setToolTip("Evaluate, predict or export with the model of this run")
        self.use.setMenu(JobMenu(lambda job: self.job_asked.emit(self._folder, job), self))
        self.folder = QToolButton()
        self.report = QPushButton("Open re&port")
        self.folder.setAccessibleName("Open the run folder")
        self.folder.setToolTip("Open the run folder")
        self.note = QLabel()
        self.note.setProperty("role", "muted")
        self.note.setAlignment(Qt.AlignLeft | Qt.AlignVCenter)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for button in (
            self.finish,
            self.pause,
            self.stop,
            self.force,
            self.resume,
            self.use,
            self.report,
            self.folder,
        ):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self.note)
        set_role(self.force, "danger")
        set_role(self.resume, "primary")
        set_role(self.use, "menu")
        for button, order in ((self.stop, "stop"), (self.finish, "finish_epoch"), (self.pause, "pause")):
            button.setToolTip(LOSSES[order])
            button.clicked.connect(lambda _=False, order=order: self.ask(order))
        self.resume.setToolTip("Go on from the last checkpoint")
        self.resume.clicked.connect(lambda: self.resume_asked.emit(self._folder))
        self.force.clicked.connect(self.escalate)
        self.folder.clicked.connect(self.open_folder)
        self.report.clicked.connect(self.open_report)
        self._clock = QTimer(self)
        self._clock.setInterval(500)
        self._clock.timeout.connect(self._update)
        theme().changed.connect(self._dress)
        self._dress()
        self._update()

    def _dress(self) -> None:
        for button, name, role in (
            (self.stop, "stop", "text"),
            (self.finish, "finish", "text"),
            (self.pause, "pause", "text"),
            (self.resume, "resume", "accent_text"),
            (self.force, "error", "bad"),
            (self.use, "library", "text"),
            (self.folder, "folder", "text"),
            (self.report, "report", "text"),
        ):
            button.setIcon(icon(name, role))

    def show_run(self, folder: RunFolder | None) -> None:
        """Another run, or none."""
        self._folder, self._summary = folder, None
        self._asked = self._step = ""
        self._update()

    def show_summary(self, summary: RunSummary) -> None:
        """The state of the run now."""
        self._summary = summary
        if not summary.alive:
            self._asked = self._step = ""
        elif not self._asked and self._folder:
            # Another window or a shell may have asked.
            command = self._folder.read_json(self._folder.command)
            if command.get("command") in _ASKED:
                age = max(0.0, time.time() - float(command.get("time") or 0))
                self._wait_for(str(command["command"]), time.monotonic() - age)
        self._update()

    def ask(self, order: str) -> None:
        """First step: ask through the run folder."""
        if self._folder is None:
            return
        try:
            run_control.ask(self._folder, order)
        except RunControlError as error:
            self.failed.emit(str(error))
            self._wait_for(order, time.monotonic() - self.patience_s)
        else:
            self._wait_for(order, time.monotonic())
        self._update()

    def _wait_for(self, order: str, since: float) -> None:
        self._asked, self._step, self._since = order, "asked", since

    def escalate(self) -> None:
        """The next, firmer step: terminate, then kill."""
        if self._folder is None or not self._asked:
            return
        step = "terminate" if self._step == "asked" else "kill"
        try:
            (run_control.terminate if step == "terminate" else run_control.kill)(self._folder)
        except RunControlError as error:
            self.failed.emit(str(error))
            return
        self._step, self._since = step, time.monotonic()
        self._update()

    def _update(self) -> None:
        alive = bool(self._summary and self._summary.alive)
        waited = time.monotonic() - self._since
        for button, order in ((self.stop, "stop"), (self.finish, "finish_epoch"), (self.pause, "pause")):
            button.setVisible(alive)
            weaker = self._asked == "" or (order == "stop" and self._asked in ("finish_epoch", "pause"))
            button.setEnabled(alive and weaker)
        self.resume.setVisible(
            bool(self._summary and self._summary.resumable and self._summary.state != "new")
        )
        self.use.setVisible(not alive and self._folder is not None and has_model(self._folder))
        self.report.setVisible(self._report() is not None)
        self.folder.setVisible(self._folder is not None)
        firm = alive and bool(self._asked) and waited >= self.patience_s and self._asked != "finish_epoch"
        self.force.setVisible(firm and self._step != "kill")
        self.force.setText("F&orce" if self._step == "asked" else "&Kill")
        self.force.setToolTip(LOSSES["terminate" if self._step == "asked" else "kill"])
        self.note.setText(self._words(waited) if alive and self._asked else "")
        self.note.setVisible(bool(self.note.text()))
        self._clock.start() if alive and self._asked else self._clock.stop()

    def _words(self, waited: float) -> str:
        if self._step == "kill":
            return "The process was ended; waiting for the system."
        if self._step == "terminate":
            told = "The process was told to end"
            return f"{told}; {LOSSES['kill']}" if waited >= self.patience_s else f"{told} ({waited:.0f} s)."
        if self._asked == "finish_epoch":
            return "Ends after this epoch and keeps the model."
        text = f"{_ASKED[self._asked]} {waited:.0f} s ago; the model is kept."
        return f"{text} Force: {LOSSES['terminate']}" if waited >= self.patience_s else text

    def _report(self) -> QUrl | None:
        if self._folder is None or self._summary is None:
            return None
        # The log says where it was written; a folder that was moved since has it at the usual place.
        named = Path(self._summary.report) if self._summary.report else None
        usual = self._folder.report / "index.html"
        path = next((p for p in (named and self._folder.path / named, usual) if p and p.is_file()), None)
        return QUrl.fromLocalFile(str(path)) if path else None

    def open_report(self) -> None:
        """The report in the browser."""
        if url := self._report():
            QDesktopServices.openUrl(url)

    def open_folder(self) -> None:
        """The run folder in the file manager."""
        if self._folder:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder.path)))
