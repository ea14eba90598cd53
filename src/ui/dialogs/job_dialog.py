"""The dialog in which a job with a trained model (evaluate, predict, export, …) is set up and started."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QSize, Qt, QTimer, pyqtSignal
from PyQt5.QtGui import QDragEnterEvent, QDropEvent
from PyQt5.QtWidgets import (
    QApplication,
    QCheckBox,
    QHBoxLayout,
    QVBoxLayout,
    QWidget,
)

from src.core.config import ConfigError, Resolved
from src.core.dataset.findings import Finding
from src.core.job import JobInfo
from src.tasks.catalog import TASKS, task_info
from src.ui.dialogs.closing import ClosingDialog
from src.ui.dialogs.start_wish import WAITS, StartWish
from src.ui.dialogs.train_bars import StartBar, line
from src.ui.dialogs.train_setup import in_order
from src.ui.dialogs.train_state import StartState, field_messages
from src.ui.dialogs.transfer_parts import heading, sentence
from src.ui.job_setup import HEAD, JobSetup, remember, remembered
from src.ui.settings import Settings
from src.ui.widgets.form import SchemaForm
from src.ui.widgets.form_paths import PathsEditor, dropped_paths
from src.ui.widgets.image_loader import ImageLoader
from src.ui.widgets.model_choice import ModelChoice
from src.ui.widgets.notes_area import NotesArea

_WIDTH, _HEIGHT = 1040, 780
_PAUSE_MS = 120


class JobDialog(ClosingDialog):
    """Chooses the model and the options of a job, says what is wrong with them, and starts it.

    Attributes:
        setup: The configuration below the changes made here.
        model: The model chooser.
        form: The options.

    Signals:
        started_job(object, object): The `Resolved` configuration and the `JobInfo`; the dialog closes itself.
        other_task(str, str): The job, and a model of another problem that was chosen: its settings are others. The dialog
            closes itself.
    """

    started_job = pyqtSignal(object, object)
    other_task = pyqtSignal(str, str)

    def __init__(
        self,
        info: JobInfo,
        values: Mapping[str, Any] | None = None,
        parent: QWidget | None = None,
        runs_dir: Path | None = None,
    ) -> None:
        """
        Args:
            info: The job.
            values: Dotted key to value of what is known already, such as ``model``; what was used last fills the rest.
            parent: As in Qt.
            runs_dir: Whose models are offered; None: those of the workspace.

        Raises:
            ConfigError: Unknown keys or values out of bounds in ``values``.
        """
        super().__init__(parent)
        self.setup = JobSetup(info, values)
        self._settings = Settings()
        self._findings: list[Finding] = []
        self._checking: Resolved[Any] | None = None
        self._chosen, self._hint, self._passed = False, "", False
        self._wish = StartWish()
        self._labels = self.setup.labels()
        self.setWindowTitle(info.title)
        self.setWindowFlags(
            self.windowFlags() & ~Qt.WindowContextHelpButtonHint | Qt.WindowMaximizeButtonHint
        )
        self.setAcceptDrops(True)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._examine)
        self._checker = ImageLoader(self)
        self._checker.loaded.connect(self._examined)
        self._build(runs_dir)
        self._connect()
        self._fill(values or {})
        self.resize(self._first_size())
        self.model.box.setFocus()

    def _build(self, runs_dir: Path | None) -> None:
        info = self.setup.info
        others = [t.id for t in TASKS.values() if info.id in t.jobs and t.id != self.setup.task]
        self.model = ModelChoice(self.setup.task, runs_dir, others)
        self.form = SchemaForm(
            info.config,
            lambda option: option.key not in HEAD,
            task_info(self.setup.task).choices,
            self.setup.suggestions(),
            title=info.title,
            show_help=True,
            last=("out", "name"),
        )
        self.everything = QCheckBox("Show &all settings")
        self.everything.setToolTip("Also show the settings that are rarely needed")
        self.findings = NotesArea(self._labels)
        self.bar = StartBar()
        self.start_button, self.status = self.bar.start, self.bar.status
        self.start_button.setText("&Start")
        self.bar.close_button.setToolTip("Close this window; nothing is started")
        words = QHBoxLayout()
        words.setSpacing(16)
        about = QVBoxLayout()
        about.setSpacing(2)
        about.addWidget(heading(info.title, 1.25))
        about.addWidget(sentence(info.about, "muted"))
        words.addLayout(about, 1)
        words.addWidget(self.everything, 0, Qt.AlignBottom)
        head = QVBoxLayout()
        head.setContentsMargins(16, 12, 16, 12)
        head.setSpacing(10)
        head.addLayout(words)
        head.addWidget(self.model)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(line())
        column.addWidget(self.form, 1)
        column.addWidget(self.findings)
        column.addWidget(line())
        column.addWidget(self.bar)
        self.form.grey_out(info.unavailable())

    def _connect(self) -> None:
        self.model.changed.connect(self._model_chosen)
        self.form.edited.connect(lambda _: self._edited())
        self.everything.toggled.connect(self.form.show_all)
        self.findings.chosen.connect(self.form.go_to)
        self.bar.start_asked.connect(self.start)
        self.bar.close_asked.connect(self.close)

    def _fill(self, values: Mapping[str, Any]) -> None:
        last = remembered(self._settings, self.setup)
        base = self.setup.base.flat()
        changes = {k: v for k, v in last.items() if k not in values and k in base}
        self.form.load(base, self.setup.base.origins, changes)
        self.model.choose(str(values.get("model") or ""), str(values.get("checkpoint") or "best"))
        self._edited()

    def _first_size(self) -> QSize:
        screen = QApplication.primaryScreen()
        room = screen.availableSize() if screen else QSize(1280, 800)
        return QSize(min(_WIDTH, room.width()), min(_HEIGHT, room.height() - 40))

    # -- checks ---------------------------------------------------------------------------------
    def configuration(self) -> Resolved[Any]:
        """The configuration as it stands.

        Raises:
            ConfigError: A value cannot be used.
        """
        if faults := self.form.faults():
            raise ConfigError(list(faults.items()))
        return self.setup.apply(self.form.changes(), self.model.model, self.model.checkpoint)

    def _model_chosen(self) -> None:
        record = self.model.record
        if record is not None and record.task not in ("", self.setup.task) and record.task in TASKS:
            self.reject()
            self.other_task.emit(self.setup.info.id, str(record.path))
            return
        self._edited()

    def _edited(self) -> None:
        """After a change: what is known at once is said at once, the rest when it was looked at."""
        self._checking = None
        self._wish.forget()
        record = self.model.record
        self.form.set_idle(self.setup.info.idle(record.facts if record else {}))
        try:
            self._checking = self.configuration()
        except ConfigError as error:
            self._timer.stop()
            self._show([Finding("error", "value", text, "", (key,)) for key, text in error.problems])
            return
        self._timer.start()
        self._show_state()

    def _examine(self) -> None:
        resolved = self._checking
        if resolved is not None:
            setup = self.setup
            self._checker.ask(_Key(resolved), lambda: setup.examine(resolved))

    def _examined(self, key: _Key, findings: list[Finding] | None) -> None:
        if key.resolved is not self._checking:
            return
        self._checking = None
        if findings is None:
            findings = [Finding("warning", "check", "The settings could not be checked; the job checks them again itself.",
                                "", ())]  # fmt: skip
        self._show(in_order(findings))

    def _show(self, findings: list[Finding]) -> None:
        findings = self._without_hint(findings)
        self._findings = findings
        messages = field_messages(findings, self._labels)
        self.model.show_message(*messages.get("model", messages.get("checkpoint", ("", ""))))
        self.form.show_messages(messages)
        apart = [f for f in findings if not (f.where and f.where[0] in messages)]
        self.findings.show_findings(apart)
        self._passed = not self._hint and all(f.severity != "error" for f in findings)
        self._show_state()
        if why := self._wish.due(findings):
            self.bar.show_state("error", why, self._passed)

    def _without_hint(self, findings: list[Finding]) -> list[Finding]:
        """The findings less the one that nothing was chosen yet, which is no error before anybody could choose."""
        field = self.form.fields.get(self.setup.info.takes)
        self._chosen = self._chosen or bool(field is not None and field.editor.value())
        waiting = [f for f in findings if f.code == f"{self.setup.info.takes}.none" and not self._chosen]
        self._hint = waiting[0].cure if waiting else ""
        return [f for f in findings if f not in waiting]

    def _show_state(self) -> None:
        state = self._state()
        self.bar.show_state(state.severity, state.text, state.ready)
        self.start_button.setToolTip(
            "Start; the results open in a tab of their own" if state.ready else state.text
        )

    def _state(self) -> StartState:
        if self.model.looking:
            return StartState("muted", "Looking for models…", False)
        if self._wish.waits:
            return StartState("muted", WAITS, True)
        if self._checking is not None:
            return StartState("muted", "Checking the settings…", self._passed)
        errors = [f for f in self._findings if f.severity == "error"]
        if errors:
            first = errors[0]
            label = self._labels.get(first.where[0], "") if first.where else ""
            more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
            return StartState(
                "error", f"Cannot start yet. {label + ': ' if label else ''}{first.message}{more}", False
            )
        if self._hint:
            return StartState("muted", self._hint, False)
        if any(f.severity == "warning" for f in self._findings):
            return StartState("warning", "Ready, but look at the warnings first.", True)
        return StartState("muted", "Ready to start.", True)

    # -- start, drops, closing ------------------------------------------------------------------
    def start(self) -> None:
        """Start the job; the window that listens shows it."""
        if not self.start_button.isEnabled():
            return
        if self._checking is not None:
            self._wish.keep(self.start, self._findings)
            self._show_state()
            return
        resolved = self.configuration()
        remember(self._settings, self.setup, resolved)
        self.accept()
        self.started_job.emit(resolved, self.setup.info)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files and folders may be dropped where the job takes some."""
        if self.setup.info.takes in self.form.fields and dropped_paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """What is dropped is what the job works on."""
        event.acceptProposedAction()
        self.take(dropped_paths(event.mimeData()))

    def take(self, paths: list[str]) -> None:
        """Work on these files and folders."""
        field = self.form.fields.get(self.setup.info.takes)
        if field is None or not paths:
            return
        if isinstance(field.editor, PathsEditor):
            field.editor.add_paths(paths)
        else:
            field.editor.set_value(
                [*field.editor.value(), *paths] if field.option.kind == "list" else paths[0]
            )
            field.editor.edited.emit()

    def let_go(self) -> None:
        """End what works in the background."""
        self._timer.stop()
        self._checker.end()
        self.model.close_loader()


class _Key:
    """Names one check: each configuration is checked once."""

    def __init__(self, resolved: Resolved[Any]) -> None:
        self.resolved = resolved
