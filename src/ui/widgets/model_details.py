"""One model of the library: what it is, what was done with it, what a person noted, what can be done."""

from __future__ import annotations

from PyQt5.QtCore import Qt, QTimer, pyqtSignal
from PyQt5.QtGui import QFont, QShowEvent
from PyQt5.QtWidgets import (
    QFrame,
    QGridLayout,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from src.core.run import TITLES
from src.core.run.library import ModelRecord
from src.core.run.library_care import LibraryError, set_notes
from src.ui.dialogs.train_bars import button
from src.ui.dialogs.train_findings import breakable
from src.ui.dialogs.transfer_parts import emptied, heading, sentence
from src.ui.icons import STATE_ROLES, icon, state_icon_name
from src.ui.text import metric_title, moment, number, run_title
from src.ui.theme import set_role, sized_font, theme
from src.ui.widgets.flow import FlowLayout
from src.ui.widgets.job_menu import JobMenu
from src.ui.widgets.model_choice import usual_size
from src.ui.widgets.model_table import size_words

_RESULTS_SHOWN = 8
_KEEP_MS = 800
_WIDTH_EM = 24


class ModelDetails(QScrollArea):
    """The panel beside the table.

    Signals:
        job_asked(str): The person wants this job with the model.
        train_asked(), folder_asked(), run_asked(), remove_asked(): The buttons.
        result_asked(object): The person wants to see the job in this folder (`Path`).
        changed(): The notes were kept.
        failed(str): The notes could not be kept.
    """

    job_asked = pyqtSignal(str)
    train_asked = pyqtSignal()
    folder_asked = pyqtSignal()
    run_asked = pyqtSignal()
    remove_asked = pyqtSignal()
    result_asked = pyqtSignal(object)
    changed = pyqtSignal()
    failed = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.record: ModelRecord | None = None
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.NoFrame)
        self.setFocusPolicy(Qt.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.title = sentence("")
        self.problem = sentence("", "error")
        self.facts = QGridLayout()
        self.facts.setHorizontalSpacing(14)
        self.facts.setVerticalSpacing(4)
        self.facts.setColumnStretch(1, 1)
        self.train = button(
            "&Train from it…", "Start a new training with its settings, beginning from this model"
        )
        self.jobs = QPushButton("&Use model")
        self.jobs.setToolTip("Evaluate, predict or export")
        self.jobs.setMenu(JobMenu(self.job_asked.emit, self))
        self.run = button("Show &run", "Curves, previews and settings of the run that made it")
        self.folder = button("&Folder", "Show its files")
        self.remove = button("Re&move…", "Move the run into a trash folder; nothing is deleted")
        self.results = QVBoxLayout()
        self.results.setSpacing(2)
        self.notes = QPlainTextEdit()
        self.notes.setAccessibleName("Notes on this model")
        self.notes.setPlaceholderText("What you want to remember of this model: kept in its folder")
        self.notes.setTabChangesFocus(True)
        self.notes.setFixedHeight(round(7.5 * self.fontMetrics().lineSpacing()))
        self._keep = QTimer(self)
        self._keep.setSingleShot(True)
        self._keep.setInterval(_KEEP_MS)
        self._keep.timeout.connect(self.keep_notes)
        self.setMinimumWidth(round(_WIDTH_EM * self.fontMetrics().horizontalAdvance("m")))
        self._lay_out()
        self._connect()
        theme().changed.connect(self._dress)
        self._dress()

    def _lay_out(self) -> None:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(10)
        buttons = FlowLayout(spacing=6)
        for widget in (self.train, self.jobs, self.run, self.folder, self.remove):
            buttons.addWidget(widget)
        column.addWidget(self.title)
        column.addWidget(self.problem)
        column.addLayout(buttons)
        column.addLayout(self.facts)
        column.addWidget(heading("Notes"))
        column.addWidget(self.notes)
        column.addWidget(heading("What was done with it"))
        column.addLayout(self.results)
        column.addStretch(1)
        self.setWidget(page)

    def _connect(self) -> None:
        self.train.clicked.connect(lambda _: self.train_asked.emit())
        self.run.clicked.connect(lambda _: self.run_asked.emit())
        self.folder.clicked.connect(lambda _: self.folder_asked.emit())
        self.remove.clicked.connect(lambda _: self.remove_asked.emit())
        self.notes.textChanged.connect(self._keep.start)

    def _dress(self) -> None:
        set_role(self.train, "primary")
        set_role(self.jobs, "menu")
        self.title.setFont(sized_font(self, 1.2, QFont.DemiBold))
        for made, name, role in (
            (self.train, "train", "accent_text"),
            (self.jobs, "library", "text"),
            (self.run, "run-folder", "text"),
            (self.folder, "folder", "text"),
            (self.remove, "trash", "text"),
        ):
            made.setIcon(icon(name, role))

    def showEvent(self, event: QShowEvent) -> None:
        """Qt forgets fonts when a widget is put into a window."""
        super().showEvent(event)
        self._dress()

    def show_record(self, record: ModelRecord | None) -> None:
        """Show a model; what was noted on the one before is kept first."""
        same = record is not None and self.record is not None and record.path == self.record.path
        if not same:
            self.keep_notes()
        self.record = record
        self.widget().setVisible(record is not None)
        if record is None:
            return
        self.title.setText(breakable(run_title(record.name)))
        self.problem.setText(record.problem)
        self.problem.setVisible(bool(record.problem))
        for widget in (self.train, self.jobs):
            widget.setEnabled(not record.problem)
        self.run.setVisible(record.run is not None)
        self.remove.setText("Re&move…" if record.run else "Take off the &list")
        self._show_facts(record)
        self._show_results(record)
        if not same or (not self._keep.isActive() and self.notes.toPlainText() != record.notes):
            self.notes.blockSignals(True)
            self.notes.setPlainText(record.notes)
            self.notes.blockSignals(False)

    def _show_facts(self, record: ModelRecord) -> None:
        emptied(self.facts)
        facts = record.facts
        channels = facts.get("in_channels")
        gone = " – not on this machine any more" if record.data_gone else ""
        best = (
            ""
            if record.value is None
            else f"{metric_title(record.metric)} {number(record.value)} on validation"
        )
        rows = (
            ("Best", best),
            ("Epoch", str(record.epoch) if record.epoch else ""),
            ("Network", record.network),
            ("Classes", ", ".join(record.classes)),
            ("Input", " · ".join(filter(None, (
                f"{channels} channel{'' if channels == 1 else 's'}" if channels else "",
                f"{facts['image_size']} px" if facts.get("image_size") else "",
                f"images of {usual_size(facts.get('sizes'))}" if usual_size(facts.get("sizes")) else "",
            )))),
            ("Data set", record.data + gone if record.data else ""),
            ("Saved", moment(record.time)),
            ("File", f"{record.file.name}, {size_words(record.bytes)}"),
            ("Place", str(record.path)),
        )  # fmt: skip
        for row, (word, text) in enumerate((w, t) for w, t in rows if t):
            self.facts.addWidget(sentence(word, "muted"), row, 0, Qt.AlignTop)
            self.facts.addWidget(sentence(breakable(text) if len(text) > 24 else text), row, 1)

    def _show_results(self, record: ModelRecord) -> None:
        emptied(self.results)
        for result in record.jobs[:_RESULTS_SHOWN]:
            words = f"{result.job.replace('_', ' ').capitalize()} · {TITLES.get(result.status, result.status).lower()}"
            line = QPushButton(icon(state_icon_name(result.status), STATE_ROLES.get(result.status, "muted")),
                               f"{words} · {moment(result.time)}")  # fmt: skip
            line.setToolTip(str(result.folder))
            line.clicked.connect(lambda _=False, folder=result.folder: self.result_asked.emit(folder))
            set_role(line, "link")
            self.results.addWidget(line, 0, Qt.AlignLeft)
        more = len(record.jobs) - _RESULTS_SHOWN
        if more > 0:
            self.results.addWidget(sentence(f"and {more} more in its folder", "muted"))
        if not record.jobs:
            self.results.addWidget(sentence("Nothing yet: evaluate it to know where it fails.", "muted"))

    def keep_notes(self) -> None:
        """Keep what was typed, now."""
        self._keep.stop()
        text = self.notes.toPlainText()
        if self.record is None or text == self.record.notes:
            return
        try:
            set_notes(self.record, text)
        except LibraryError as error:
            self.failed.emit(str(error))
            return
        self.changed.emit()
