"""A run once more: what is different here, then Start or the queue."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QDialog, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from src.core.config import Layer, Resolved, nest, resolve
from src.core.run import ChildProcess, RunFolder, RunFolderError
from src.core.run.reproduce import Difference, configuration_of, differences_now, reproduce
from src.tasks.catalog import task_info
from src.threads.resume import keep
from src.threads.scan_thread import ScanThread
from src.ui import queueing
from src.ui.dialogs.train_bars import button
from src.ui.dialogs.transfer_parts import heading, sentence
from src.ui.icons import icon
from src.ui.text import count, run_title
from src.ui.theme import set_role


class ReproduceDialog(QDialog):
    """Says what is different from when a run was begun, and begins it again.

    Attributes:
        differences: What was found; complete once the data were checked.

    Signals:
        made(object): The `RunFolder` of the run that was started.
        queued(str): It was put into the queue; a sentence on its place.
    """

    made = pyqtSignal(object)
    queued = pyqtSignal(str)

    def __init__(self, run: RunFolder, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._run = run
        self._scan: ScanThread | None = None
        self.differences: list[Difference] = []
        self.setWindowTitle("Reproduce a run")
        self.setWindowFlags(self.windowFlags() & ~Qt.WindowContextHelpButtonHint)
        about = "A new run with exactly the settings and the split of this one. On the same data, versions and device it gives "
        about += "the same numbers; on the processor bit for bit."
        self.status = QLabel()
        self.status.setProperty("role", "muted")
        self.status.setWordWrap(True)
        self.list = QWidget()
        self._lines = QVBoxLayout(self.list)
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._lines.setSpacing(8)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.NoFrame)
        scroll.setWidget(self.list)
        self.start = button("&Start training", "Make the new run and start it now")
        self.queue = button("Add to &queue", "Start it when those before it have ended")
        closing = button("&Cancel", "Change nothing")
        set_role(self.start, "primary")
        row = QHBoxLayout()
        row.addStretch(1)
        for widget in (closing, self.queue, self.start):
            row.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(10)
        column.addWidget(heading(run_title(run.name), 1.15))
        column.addWidget(sentence(about, "muted"))
        column.addWidget(self.status)
        column.addWidget(scroll, 1)
        column.addLayout(row)
        closing.clicked.connect(self.reject)
        self.start.clicked.connect(lambda _: self.begin())
        self.queue.clicked.connect(lambda _: self.wait_in_queue())
        self.resize(80 * self.fontMetrics().averageCharWidth(), 22 * self.fontMetrics().height())
        self._check()

    # ---- what is different

    def _check(self) -> None:
        """At once what can be said at once; then the data, in the background."""
        self._show(differences_now(self._run), "Checking whether the data are still the same…")
        self.start.setEnabled(False)
        self.queue.setEnabled(False)
        try:
            resolved = self._as_it_was()
        except ValueError as error:
            self._show(self.differences, f"It cannot be repeated: {error}", "error")
            return
        self._scan = ScanThread(resolved)
        self._scan.progress.connect(self._progress)
        self._scan.done.connect(self._checked)
        self._scan.failed.connect(self._not_checked)
        self._scan.start()

    def _as_it_was(self) -> Resolved[Any]:
        """The configuration with the split that the run had."""
        resolved = configuration_of(self._run, task_info)
        flat = resolved.flat()
        if "data.split_dir" in flat and (self._run.dataset / "train.txt").is_file():
            flat["data.split_dir"] = str(self._run.dataset)
        return resolve(type(resolved.config), [Layer("file", nest(flat))])

    def _progress(self, done: int, total: int, _what: str) -> None:
        if total:
            self.status.setText(f"Checking whether the data are still the same: {done:,} of {total:,}")

    def _checked(self, answer: dict[str, Any]) -> None:
        description = answer.get("description") or {}
        fingerprint, split = (str(description.get(key) or "") for key in ("fingerprint", "split_hash"))
        found = differences_now(self._run, fingerprint, split)
        same = "" if fingerprint else " The data could not be read; the run itself will say why."
        words = "Nothing is different here."
        if found:
            words = f"{count(len(found), 'thing')} {'is' if len(found) == 1 else 'are'} not as then:"
        self._show(found, words + same)
        self._ready()

    def _not_checked(self, reason: str) -> None:
        self._show(self.differences, f"The data could not be checked. {reason}", "warning")
        self._ready()

    def _ready(self) -> None:
        self._scan = None
        self.start.setEnabled(True)
        self.queue.setEnabled(True)

    def _show(self, found: list[Difference], words: str, role: str = "muted") -> None:
        self.differences = found
        self.status.setText(words)
        set_role(self.status, role)
        while (item := self._lines.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        side = self.fontMetrics().height()
        for one in found:
            line = QWidget()
            row = QHBoxLayout(line)
            row.setContentsMargins(0, 0, 0, 0)
            mark = QLabel()
            name, shade = ("warning", "warn") if one.serious else ("info", "muted")
            mark.setPixmap(icon(name, shade).pixmap(side, side))
            row.addWidget(mark, 0, Qt.AlignTop)
            row.addWidget(sentence(one.said), 1)
            self._lines.addWidget(line)
        self._lines.addStretch(1)

    # ---- what is done

    def _make(self) -> RunFolder | None:
        try:
            return reproduce(self._run, task_info)
        except (RunFolderError, ValueError) as error:
            self._show(self.differences, str(error), "error")
            return None

    def begin(self) -> None:
        """Make the run and start it."""
        folder = self._make()
        if folder is None:
            return
        child = ChildProcess(folder, detached=True)
        try:
            child.start()
        except OSError as error:
            reason = error.strerror or error
            self._show(
                self.differences,
                f"The training could not be started: {reason}. Free memory or disk space.",
                "error",
            )
            return
        keep(child)
        self.made.emit(folder)
        self.accept()

    def wait_in_queue(self) -> None:
        """Make the run and put it into the queue."""
        folder = self._make()
        if folder is None:
            return
        try:
            said = queueing.enqueue_run(folder, made=True)
        except queueing.QueueError as error:
            queueing.discard(folder)
            self._show(self.differences, str(error), "error")
            return
        self.queued.emit(said)
        self.accept()

    def done(self, result: int) -> None:
        """Close, and end what reads in the background."""
        if self._scan is not None:
            self._scan.stop()
            self._scan = None
        super().done(result)
