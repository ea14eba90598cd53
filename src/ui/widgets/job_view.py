"""One job with a trained model, at work or done: its head, what it noted, and the page of its results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PyQt5.QtCore import Qt, QTimer, QUrl, pyqtSignal
from PyQt5.QtGui import QDesktopServices
from PyQt5.QtWidgets import QFrame, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from src.core.config import ConfigError, Resolved, file_layer, flatten, options, read_yaml, resolve
from src.core.dataset.findings import Finding
from src.core.job import JobInfo
from src.core.run import Event, EventTail, RunFolder, process_alive, summarise_events
from src.tasks.catalog import job_info
from src.threads.job_thread import JobThread
from src.ui.dialogs.train_setup import in_order
from src.ui.text import moment, run_title
from src.ui.widgets.empty import EmptyState
from src.ui.widgets.job_head import JobHead
from src.ui.widgets.notes_area import NotesArea
from src.ui.widgets.result_pages import make_page

_LOOK_MS = 1000
_MOST_NOTES = 30


class JobView(QWidget):
    """Runs a job, or shows one that was done before, here or elsewhere.

    Attributes:
        info: The job; None while none is shown, or where this version does not know it.
        folder: Where its results are; None before it was made.
        page: The page of its results, once there is one.
        state: As of a run: ``starting``, ``running``, ``completed``, ….

    Signals:
        changed(): Another title or another state.
        again_asked(object, dict): The `JobInfo` and the values to begin the settings with.
        dataset_asked(object): The person wants to see this folder as a data set.
        failed(str): Something could not be done; cause and cure.
    """

    changed = pyqtSignal()
    again_asked = pyqtSignal(object, dict)
    dataset_asked = pyqtSignal(object)
    failed = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.info: JobInfo | None = None
        self.folder: RunFolder | None = None
        self.page: QWidget | None = None
        self.state = "starting"
        self.thread_: JobThread | None = None
        self._values: dict[str, Any] = {}
        self._task = self._job = self._report = ""
        self._notes: list[Finding] = []
        self.head = JobHead()
        self.notes = NotesArea()
        self.pages = QStackedWidget()
        self.wait = EmptyState(
            "sample", "It is about to begin", "The results appear here as soon as there are some."
        )
        self.pages.addWidget(self.wait)
        around = QScrollArea()  # a page that needs more room than there is does not make the window larger
        around.setWidgetResizable(True)
        around.setFrameShape(QFrame.NoFrame)
        around.setFocusPolicy(Qt.NoFocus)
        around.setWidget(self.pages)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.head)
        column.addWidget(self.notes)
        column.addWidget(around, 1)
        self._clock = QTimer(self)
        self._clock.setInterval(_LOOK_MS)
        self._clock.timeout.connect(self._look)
        self.head.cancel.clicked.connect(lambda _: self.cancel())
        self.head.again.clicked.connect(lambda _: self._ask_again())
        self.head.folder.clicked.connect(lambda _: self._open_path(self.folder.path if self.folder else None))
        self.head.report.clicked.connect(lambda _: self._open_path(self._report_file()))

    @property
    def works(self) -> bool:
        """Whether a job of this window is at work here."""
        return self.thread_ is not None

    @property
    def title(self) -> str:
        """Of its tab."""
        about = self.info.title if self.info else self._job.replace("_", " ").capitalize()
        return f"{about} · {self._model()}" if self._model() else about

    def _model(self) -> str:
        model = str(self._values.get("model") or "")
        return run_title(Path(model).name) if model else ""

    # -- a job of this window -------------------------------------------------------------------
    def run(self, resolved: Resolved[Any], info: JobInfo) -> None:
        """Start a job and show it."""
        self._begin(info, resolved.flat())
        self._set_state("starting")
        self.head.show_progress(0, 0, "Starting", -1)
        thread = JobThread(resolved, info)
        self.thread_ = thread
        thread.created.connect(self._created)
        thread.progress.connect(self._progress)
        thread.told.connect(self._told)
        thread.done.connect(self._done)
        thread.failed.connect(self._failed)
        self.head.show_state("starting", True)
        thread.start()

    def cancel(self) -> None:
        """End it; what is complete is kept."""
        if self.thread_ is not None:
            self.thread_.cancel()
            self.head.cancel.setEnabled(False)
            self.head.words.setText("Ending; what is complete is kept…")
            self.head.bar.setRange(0, 0)

    def question(self) -> str:
        """What is asked before the view is closed; empty where nothing is lost by it."""
        if not self.works:
            return ""
        about = self.info.title if self.info else "The job"
        return f"“{about}” is still at work: closing ends it, and what is complete is kept. Close it?"

    def close_page(self) -> None:
        """The view goes: end the job, and what reads in the background."""
        self._clock.stop()
        if self.thread_ is not None:
            self._leave()
        if hasattr(self.page, "close_page"):
            self.page.close_page()  # type: ignore[union-attr]

    def _leave(self) -> None:
        thread, self.thread_ = self.thread_, None
        if thread is not None:
            for signal in (thread.created, thread.progress, thread.told, thread.done, thread.failed):
                signal.disconnect()
            thread.stop()

    def _created(self, folder: RunFolder) -> None:
        self.folder = folder
        self._set_state("running")
        self._show_about()
        self._show_page()

    def _progress(self, done: int, total: int, what: str, left: float) -> None:
        if self.head.cancel.isEnabled():
            self.head.show_progress(done, total, what, left)

    def _told(self, event: Event) -> None:
        self._take(event)
        if self.page is not None:
            self.page.tell(event)  # type: ignore[attr-defined]

    def _done(self, result: dict[str, Any]) -> None:
        self._leave()
        self._end(str(result.get("status") or "completed"), result)

    def _failed(self, sentence: str) -> None:
        self._leave()
        self._set_state("failed")
        self.head.message.tell(sentence)
        self._show_ended()

    # -- a job that was done before -------------------------------------------------------------
    def open_job(self, path: Path) -> None:
        """Show the folder of a job, finished or not; a damaged one is told."""
        self.folder = RunFolder(path)
        raw: dict[str, Any] = {}
        try:
            raw = read_yaml(self.folder.config)
            info = job_info(str(raw.get("task", "")), str(raw.get("job", "")))
            values = resolve(info.config, [file_layer(self.folder.config, info.config)]).flat()
        except ConfigError as error:
            raw.pop("origins", None)
            self._task, self._job = str(raw.get("task", "")), str(raw.get("job", ""))
            self._values = flatten(raw)
            self.head.message.tell(f"The settings of this job cannot be read. {error}", "warn")
            self.head.title.setText(self.title)
        else:
            self._begin(info, values)
        self._show_page()
        self._look()

    def _look(self) -> None:
        """Read the log of a job that another window or a shell does, or did."""
        assert self.folder is not None
        alive = process_alive(self.folder)
        events = list(EventTail(self.folder.events).read())
        self._notes = []
        for event in events:
            self._take(event, show=False)
        self._show_notes()
        summary = summarise_events(self.folder, [e for e in events if e.type != "stage"], alive)
        self._show_about(events[0].time if events else 0.0)
        if summary.alive:
            self._set_state(summary.state)
            stage = next((e for e in reversed(events) if e.type == "stage"), None)
            if stage is not None:
                self.head.show_progress(int(stage["done"]), int(stage["total"]), str(stage["what"]), -1)
            self._clock.start()
            return
        was_followed = self._clock.isActive()
        self._clock.stop()
        ended = next((e.data for e in reversed(events) if e.type == "run_ended"), {})
        self._end(summary.state, {**ended, "cause": summary.cause, "cure": summary.cure}, was_followed)

    # -- what is shown --------------------------------------------------------------------------
    def _begin(self, info: JobInfo, values: dict[str, Any]) -> None:
        self.info, self._values = info, values
        self._task, self._job = str(values.get("task", "")), info.id
        self.head.title.setText(self.title)

    def _set_state(self, state: str) -> None:
        self.state = state
        self.head.show_state(state, self.works)
        self.head.folder.setVisible(self.folder is not None)
        self.changed.emit()

    def _end(self, state: str, result: dict[str, Any], fill: bool = True) -> None:
        self._report = str(result.get("report") or "")
        self._set_state(state)
        said = result.get("said")
        there = getattr(self.page, "shows_said", False) and state == "completed"
        if getattr(self.page, "shows_notes", False) and state == "completed":
            self.notes.show_findings([])
        counted = result.get("figures") if getattr(self.page, "shows_figures", False) else None
        shown = said if isinstance(said, list) and not there else []
        self.head.show_said(line for line in shown if line not in (counted or ()))
        cause, cure = str(result.get("cause") or ""), str(result.get("cure") or "")
        if state == "killed":
            cure = "Start it again; what is complete is in its folder."
        if cause and state != "stopped":
            self.head.message.tell(f"{cause} {cure}".strip())
        elif state == "stopped":
            self.head.message.tell("Ended before its end; what is complete is kept.", "info")
        if fill:
            self._show_ended()

    def _show_ended(self) -> None:
        """The results as they are now that nothing more comes."""
        self.head.report.setVisible(self._report_file() is not None)
        if self.page is not None and self.folder is not None:
            self.page.open_folder(self.folder.path)  # type: ignore[attr-defined]
        elif self.folder is None:
            self.wait.set_text("There are no results", "The job could not begin. The reason is above.")

    def _show_page(self) -> None:
        """Build the page of this kind of job and show what is there."""
        if self.folder is None:
            return
        if self.page is None:
            self.page = make_page(self._task, self._job)
            for name in ("dataset_asked", "failed"):
                if hasattr(self.page, name):
                    getattr(self.page, name).connect(getattr(self, name))
            self.pages.addWidget(self.page)
            self.pages.setCurrentWidget(self.page)
        self.page.open_folder(self.folder.path)  # type: ignore[attr-defined]
        self.head.report.setVisible(self._report_file() is not None)

    def _take(self, event: Event, show: bool = True) -> None:
        if event.type == "warning":
            self._notes.append(
                Finding(event.get("severity") or "warning", event.get("code") or "", event.get("message") or "",
                        event.get("cure") or "", tuple(event.get("where") or ()))
            )  # fmt: skip
            if show:
                self._show_notes()
        elif event.type == "job_started":
            self._values.update({f"_{key}": event.get(key) for key in ("device", "precision")})
            self._show_about()

    def _show_notes(self) -> None:
        self.notes.show_findings(in_order(self._notes)[:_MOST_NOTES])

    def _show_about(self, started: float = 0.0) -> None:
        parts = [f"Begun {moment(started)}"] if started else []
        checkpoint = self._values.get("checkpoint")
        if checkpoint:
            parts.append(f"{checkpoint} checkpoint")
        if self._values.get("_device"):
            parts.append(f"on {self._values['_device']}")
        if self.folder is not None:
            parts.append(str(self.folder.path))
        self.head.about.setText(" · ".join(parts))

    def _report_file(self) -> Path | None:
        if self.folder is None:
            return None
        named = [self.folder.path / self._report] if self._report else []
        return next((p for p in [*named, self.folder.path / "report" / "index.html"] if p.is_file()), None)

    def _open_path(self, path: Path | None) -> None:
        if path is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))

    def _ask_again(self) -> None:
        """The settings once more; an unfinished job goes on in its folder."""
        if self.info is None:
            self.failed.emit("This version of Lathe cannot do this job. Update Lathe.")
            return
        known = {o.key for o in options(self.info.config)}
        values = {k: v for k, v in self._values.items() if k in known}
        unfinished = self.folder is not None and self.state in ("stopped", "killed")
        values["out"] = str(self.folder.path) if unfinished and self.folder else ""
        self.again_asked.emit(self.info, values)
