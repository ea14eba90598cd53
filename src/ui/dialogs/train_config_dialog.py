"""The dialog in which a training is set up, started and watched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtGui import QShowEvent
from PyQt5.QtWidgets import QWidget

from src.core.config import ConfigError, Resolved, RunConfig, dump_yaml
from src.core.run import RunFolder, RunFolderError
from src.core.run.folder import write_atomically
from src.threads.training_thread import TrainingThread
from src.ui import queueing
from src.ui.dialogs.start_wish import WAITS
from src.ui.dialogs.train_bars import ask_open, ask_save
from src.ui.dialogs.train_setup import TrainSetup
from src.ui.dialogs.train_started import StartedRun
from src.ui.dialogs.train_state import StartState, field_messages
from src.ui.dialogs.train_tabs import TABS, mark_tabs
from src.ui.dialogs.train_window import TrainWindow, go_on
from src.ui.theme import theme


class TrainConfigDialog(TrainWindow):
    """Sets up a training in four tabs, says what will happen, starts it and shows it.

    Closing the dialog does not end the run.

    Attributes:
        started: The run that was started here last.

    Signals:
        run_started(object): The `RunFolder` of a run that was started.
        queued(object): The `RunFolder` of a run that was put into the queue.
    """

    run_started = pyqtSignal(object)
    queued = pyqtSignal(object)

    def __init__(
        self,
        config: RunConfig | Resolved[Any] | Mapping[str, Any] | None = None,
        paths_config: Mapping[str, Any] | None = None,
        parent: QWidget | None = None,
        breathe: Callable[[], None] | None = None,
    ) -> None:
        """
        Args:
            config: As for `TrainingThread`; None takes the default preset.
            paths_config: ``images_dir``, ``masks_dir``, ``split_dir`` and so on; they count as changes made
                here.
            parent: As in Qt.
            breathe: Called after each few milliseconds of work, so that a window can go on meanwhile.

        Raises:
            ConfigError: Unknown keys or values out of bounds in what was given.
        """
        super().__init__(TrainSetup(config, paths_config), parent, breathe)
        self.started = StartedRun(self)
        self._problem = ""
        self._connect()
        self._load(self.setup.initial)
        self._breathe()
        self._breathe = go_on  # from now on the person edits: nothing may come between

    def _connect(self) -> None:
        for form in self.forms.values():
            form.edited.connect(self._edited)
        self.source.preset_chosen.connect(self.choose_preset)
        self.source.load_asked.connect(self.ask_load)
        self.source.save_asked.connect(self.ask_save)
        self.source.tune_asked.connect(self.tune)
        self.source.all_wanted.connect(self.show_all)
        self.bar.start_asked.connect(self.start)
        self.bar.queue_asked.connect(self.add_to_queue)
        self.bar.close_asked.connect(self.close)
        self.summary.chosen.connect(self.go_to)
        self.started.created.connect(self._run_created)
        self.started.failed.connect(self._run_failed)
        self.started.ended.connect(self._show_status)
        self.check.changed.connect(self._show)
        self.check.progressed.connect(self._show_progress)
        self.monitoring.again.connect(self.set_up_another)
        theme().changed.connect(self._show)

    # -- the configuration ----------------------------------------------------------------------
    def configuration(self) -> Resolved[Any]:
        """The configuration as it stands.

        Raises:
            ConfigError: A value cannot be used.
        """
        faults = self._faults()
        if faults:
            raise ConfigError(list(faults.items()))
        return self.setup.apply(self.changes())

    def load_file(self, path: Path) -> bool:
        """Take the settings of a file; says so in the status line where that is not possible."""
        try:
            self.setup.load(path)
        except ConfigError as error:
            self._tell(f"{path.name} was not loaded. {error}")
            return False
        self._load({})
        return True

    def save_file(self, path: Path) -> bool:
        """Write the settings to a file; says so in the status line where that is not possible."""
        try:
            write_atomically(path, dump_yaml(self.configuration()).encode())
        except (ConfigError, OSError) as error:
            reason = error.strerror or error if isinstance(error, OSError) else error
            self._tell(f"{path.name} was not written: {reason}")
            return False
        return True

    def ask_load(self) -> None:
        """Ask which file to load."""
        if (path := ask_open(self)) is not None:
            self.load_file(path)

    def ask_save(self) -> None:
        """Ask where to save; an existing file is replaced only when the person says so."""
        if (path := ask_save(self)) is not None:
            self.save_file(path)

    def choose_preset(self, name: str) -> None:
        """Begin from another preset; what it does not say stays as it is."""
        self._load(self.setup.choose_preset(name, self.changes()))

    def _load(self, changes: Mapping[str, Any]) -> None:
        self._fill(changes)
        self._problem = ""
        self._update()

    def _fill(self, changes: Mapping[str, Any]) -> None:
        base, origins = self.setup.base.flat(), self.setup.base.origins
        for form in self.forms.values():
            self._breathe()
            form.load(base, origins, changes)
        self.notes.show_values(self.forms["Model"].values())
        self.source.show_preset(self.setup.preset, self.setup.basis)

    def tune(self) -> None:
        """Measure with the settings as they are; what the person applies stands in the forms then."""
        if not self._begun:
            from src.ui.dialogs.tune_dialog import open_tuning

            dialog = open_tuning(self.configuration, self.setup.info, self)
            dialog.chosen.connect(lambda values: self._load({**self.changes(), **values}))

    # -- checks ---------------------------------------------------------------------------------
    def _edited(self, key: str) -> None:
        self._problem = ""
        self.wish.forget()
        values = {k: v for form in self.forms.values() for k, v in form.values().items()}
        for form in self.forms.values():
            if key not in form.fields:
                form.see(values)
        self.notes.show_values(self.forms["Model"].values())
        self._update()

    def _update(self) -> None:
        if self._begun:
            return  # settings of a run that has started are not checked again
        changes = self.changes()
        self.source.show_changed(self.setup.differs(changes))
        self.check.update(changes, self._faults())
        self.groups.update_from(self.check.resolved)

    def _show(self) -> None:
        findings, description = self.check.findings(), self.check.description
        self.summary.show_facts(self.check.config, description)
        self.summary.show_findings(findings)
        if self.setup.info.look.augments:
            self.preview.update_from(self.check.config, description)
        found = description or {}
        images = int((found.get("drawn") or found.get("splits") or {}).get("train") or 0)
        self.schedule.show_schedule(self.check.config.training if self.check.config else None, images)
        self.groups.show_check(description, findings, self.check.scan.state == "done")
        mark_tabs(self.tabs, self.forms, {} if self._begun else field_messages(findings, self.check.labels))
        self._show_progress()
        if not self.check.scan.busy and (why := self.wish.due(findings)):
            self._tell(why)

    def _show_progress(self) -> None:
        self.summary.show_scan(*self.check.scan_note())
        self._show_status()

    def _show_status(self) -> None:
        state = self.check.start_state()
        if self._begun:
            text = self._problem or "The settings of this run are shown; they cannot be changed any more."
            state = StartState("muted", text, False)
        elif self._problem:
            state = StartState("error", self._problem, state.ready)
        elif self.wish.waits:
            state = StartState("muted", WAITS, True)
        self.bar.show_state(state.severity, state.text, state.ready)

    def _tell(self, sentence: str) -> None:
        self._problem = sentence
        self._show_status()

    def go_to(self, key: str) -> None:
        """Show the field of an option."""
        for name, form in self.forms.items():
            if key in form.fields:
                self.tabs.setCurrentIndex(TABS.index(name))
                form.go_to(key)

    # -- the run --------------------------------------------------------------------------------
    @property
    def thread(self) -> TrainingThread | None:
        """Of the run that was started here last, or None."""
        return self.started.thread

    @property
    def _begun(self) -> bool:
        """Whether a run is shown or being started: its settings stand still."""
        return self.monitoring.folder is not None or self.thread is not None

    def start(self) -> None:
        """Start the training and show it."""
        if not self.start_button.isEnabled() or self._later(self.start):
            return
        try:
            self.started.start(self.configuration())
        except ConfigError as error:
            self._tell(str(error))
            return
        self._problem = "Starting…"
        self._lock(True)

    def add_to_queue(self) -> None:
        """Make the run and let it wait for its device; the settings stay, for the next one."""
        if self._later(self.add_to_queue):
            return
        try:
            folder, sentence = queueing.enqueue(self.configuration())
        except (RunFolderError, ValueError) as error:  # of the configuration, or of the queue
            self._tell(str(error))
            return
        self.bar.show_state("muted", sentence, True)
        self.queued.emit(folder)

    def attach(self, folder: RunFolder) -> None:
        """Show a run that was started before, here or elsewhere, with its settings."""
        self._problem = ""
        self.monitoring.show_run(folder)
        if self.started.folder is not folder:
            self._take_settings_of(folder)
        self._lock(True)
        self.tabs.setCurrentIndex(TABS.index("Monitoring"))

    def _take_settings_of(self, folder: RunFolder) -> None:
        try:
            self.setup.load(folder.config)
        except ConfigError as error:  # a run of another version; the settings here are not its own
            self.monitoring.tell(f"The settings of this run cannot be shown in the tabs. {error}")
        else:
            self._fill({})

    def set_up_another(self) -> None:
        """Back to the settings for a further run; one that works goes on."""
        self._leave_run()
        self.check.scan.forget()  # the data may have changed since: the run may have failed by just that
        self._update()

    def _leave_run(self) -> None:
        self.started.let_go()
        self.monitoring.show_settings()
        self._problem = ""
        self._lock(False)

    def _run_created(self, folder: RunFolder) -> None:
        self.attach(folder)
        self.run_started.emit(folder)

    def _run_failed(self, sentence: str) -> None:
        if self.monitoring.folder is None:  # there is no run: back to the settings
            self.started.let_go()
            self._lock(False)
            self._tell(sentence)
        else:
            self.monitoring.tell_failure(sentence)

    def _lock(self, locked: bool) -> None:
        """While a run is shown its settings stand still."""
        for form in self.forms.values():
            form.set_read_only(locked)
        if locked:
            mark_tabs(
                self.tabs, self.forms, {}
            )  # what was wrong with other settings is not wrong with the run
        self.summary.setVisible(not locked)
        self.source.setVisible(not locked)
        self._show_status()

    def let_go(self) -> None:
        """End what reads in the background; a training is not part of it."""
        self.wish.forget()
        self.check.scan.close()
        self.preview.close_preview()
        self.groups.close_preview()
        if self._begun:
            self._leave_run()

    def showEvent(self, event: QShowEvent) -> None:
        """A window that is shown again knows its data again."""
        super().showEvent(event)
        self._update()
