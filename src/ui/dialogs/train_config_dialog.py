"""The dialog in which a training is set up, started and watched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QSize, Qt, pyqtSignal
from PyQt5.QtGui import QCloseEvent, QKeySequence, QShowEvent
from PyQt5.QtWidgets import QApplication, QDialog, QShortcut, QSplitter, QTabWidget, QVBoxLayout, QWidget

from src.core.config import ConfigError, Resolved, RunConfig, dump_yaml
from src.core.run import RunFolder
from src.core.run.folder import write_atomically
from src.threads.training_thread import TrainingThread
from src.ui.dialogs.augment_preview import AugmentPreview
from src.ui.dialogs.train_bars import SourceBar, StartBar, ask_open, ask_save, line
from src.ui.dialogs.train_check import TrainCheck
from src.ui.dialogs.train_monitoring import MonitoringTab
from src.ui.dialogs.train_setup import TrainSetup
from src.ui.dialogs.train_state import StartState, field_messages
from src.ui.dialogs.train_summary import SummaryPanel
from src.ui.dialogs.train_tabs import TABS, make_forms, mark_tabs
from src.ui.theme import theme


class TrainConfigDialog(QDialog):
    """Sets up a training in four tabs, says what will happen, starts it and shows it.

    Closing the dialog does not end the run.

    Attributes:
        tabs: ``Model``, ``Training``, ``Data``, ``Monitoring``; their pages have these object names.
        forms: Tab to form.
        setup: The configuration below the changes made here.
        check: What is known about the configuration and the data.
        thread: Of the run that was started here last, or None.

    Signals:
        run_started(object): The `RunFolder` of a run that was started.
    """

    run_started = pyqtSignal(object)

    def __init__(
        self,
        config: RunConfig | Resolved[Any] | Mapping[str, Any] | None = None,
        paths_config: Mapping[str, Any] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """
        Args:
            config: As for `TrainingThread`; None takes the default preset.
            paths_config: ``images_dir``, ``masks_dir``, ``split_dir`` and so on; they count as changes made
                here.
            parent: As in Qt.

        Raises:
            ConfigError: Unknown keys or values out of bounds in what was given.
        """
        super().__init__(parent)
        self.setup = TrainSetup(config, paths_config)
        self.thread: TrainingThread | None = None
        self.check = TrainCheck(self.setup, self)
        self._problem = ""
        self.setWindowTitle("Train model")
        self.setWindowFlags(
            self.windowFlags() & ~Qt.WindowContextHelpButtonHint | Qt.WindowMaximizeButtonHint
        )
        self._build()
        self._connect()
        self._load(self.setup.initial)
        self.resize(self._first_size())

    # -- building -------------------------------------------------------------------------------
    def _build(self) -> None:
        self.tabs = QTabWidget()
        self.tabs.setObjectName("tabs")
        self.tabs.setDocumentMode(True)
        self.forms = make_forms(self.setup.info)
        self.monitoring = MonitoringTab(self.forms["Monitoring"])
        self.preview = AugmentPreview()
        self.forms["Data"].add_widget(self.preview)
        for name in TABS:
            page = self.monitoring if name == "Monitoring" else self.forms[name]
            page.setObjectName(name)
            self.tabs.addTab(page, name)
        self.summary = SummaryPanel(self.setup.info, self.check.labels)
        self.source = SourceBar(self.setup.preset_titles())
        self.bar = StartBar()
        self.start_button, self.status = self.bar.start, self.bar.status
        self.splitter = QSplitter(Qt.Horizontal)
        self.splitter.addWidget(self.tabs)
        self.splitter.addWidget(self.summary)
        self.splitter.setStretchFactor(0, 5)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setSizes([940, 340])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.source)
        column.addWidget(line())
        column.addWidget(self.splitter, 1)
        column.addWidget(line())
        column.addWidget(self.bar)

    def _connect(self) -> None:
        for form in self.forms.values():
            form.edited.connect(self._edited)
        self.source.preset_chosen.connect(self.choose_preset)
        self.source.load_asked.connect(self.ask_load)
        self.source.save_asked.connect(self.ask_save)
        self.source.all_wanted.connect(self.show_all)
        self.bar.start_asked.connect(self.start)
        self.bar.close_asked.connect(self.close)
        self.summary.chosen.connect(self.go_to)
        self.check.changed.connect(self._show)
        self.check.progressed.connect(self._show_progress)
        self.monitoring.again.connect(self.set_up_another)
        theme().changed.connect(self._show)
        for number, name in enumerate(TABS, 1):
            shortcut = QShortcut(QKeySequence(f"Ctrl+{number}"), self)
            shortcut.activated.connect(lambda name=name: self.tabs.setCurrentIndex(TABS.index(name)))
            self.tabs.setTabToolTip(number - 1, f"Ctrl+{number}")

    def _first_size(self) -> QSize:
        screen = QApplication.primaryScreen()
        room = screen.availableSize() if screen else QSize(1280, 800)
        return QSize(min(1360, room.width()), min(880, room.height() - 40))

    # -- the configuration ----------------------------------------------------------------------
    def changes(self) -> dict[str, Any]:
        """Key to value of what was changed here."""
        return {k: v for form in self.forms.values() for k, v in form.changes().items()}

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
            form.load(base, origins, changes)
        self.source.show_preset(self.setup.preset)

    def show_all(self, everything: bool) -> None:
        """Show the settings that are rarely needed too."""
        for form in self.forms.values():
            form.show_all(everything)

    # -- checks ---------------------------------------------------------------------------------
    def _faults(self) -> dict[str, str]:
        return {k: text for form in self.forms.values() for k, text in form.faults().items()}

    def _edited(self, key: str) -> None:
        self._problem = ""
        self._update()

    def _update(self) -> None:
        if self.monitoring.folder is not None or self.thread is not None:
            return  # settings of a run that has started are not checked again
        self.check.update(self.changes(), self._faults())

    def _show(self) -> None:
        findings, description = self.check.findings(), self.check.description
        self.summary.show_facts(self.check.config, description)
        self.summary.show_findings(findings)
        self.preview.update_from(self.check.config, description)
        mark_tabs(self.tabs, self.forms, field_messages(findings, self.check.labels))
        self._show_progress()

    def _show_progress(self) -> None:
        self.summary.show_scan(*self.check.scan_note())
        self._show_status()

    def _show_status(self) -> None:
        state = self.check.start_state()
        if self.monitoring.folder is not None or self.thread is not None:
            text = self._problem or "This run has started; its settings are shown but cannot be changed."
            state = StartState("muted", text, False)
        elif self._problem:
            state = StartState("error", self._problem, state.ready)
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
    def start(self) -> None:
        """Start the training and show it."""
        if not self.start_button.isEnabled():
            return
        try:
            thread = TrainingThread(self.configuration())
        except ConfigError as error:
            self._tell(str(error))
            return
        self.thread = thread
        thread.run_created.connect(self._run_created)
        thread.training_failed.connect(self._run_failed)
        thread.finished.connect(self._thread_ended)
        self._problem = "Starting…"
        self._lock(True)
        thread.start()

    def attach(self, folder: RunFolder) -> None:
        """Show a run that was started before, here or elsewhere, with its settings."""
        self._problem = ""
        self.monitoring.show_run(folder)
        if self.thread is None or self.thread.folder is not folder:
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
        self._update()

    def _leave_run(self) -> None:
        if self.thread is not None:
            self.thread.detach()
            self.thread = None
        self.monitoring.show_settings()
        self._problem = ""
        self._lock(False)

    def _run_created(self, folder: RunFolder) -> None:
        if self.sender() is not self.thread:
            return
        self.attach(folder)
        self.run_started.emit(folder)

    def _run_failed(self, sentence: str) -> None:
        if self.sender() is not self.thread:
            return
        if self.monitoring.folder is None:  # there is no run: back to the settings
            self._lock(False)
            self.thread = None
            self._tell(sentence)
        else:
            self.monitoring.tell(sentence)

    def _thread_ended(self) -> None:
        if self.sender() is self.thread:
            self.thread = None
            self._show_status()

    def _lock(self, locked: bool) -> None:
        """While a run is shown its settings stand still."""
        for form in self.forms.values():
            form.set_read_only(locked)
        self.summary.setVisible(not locked)
        self.source.setVisible(not locked)
        self._show_status()

    def done(self, result: int) -> None:
        """Close: end what this window runs in the background; the training is not part of it."""
        self._let_go()
        super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        """As `done`, also for a window that was never shown."""
        self._let_go()
        super().closeEvent(event)

    def _let_go(self) -> None:
        self.check.scan.close()
        self.preview.close_preview()
        if self.monitoring.folder is not None or self.thread is not None:
            self._leave_run()

    def showEvent(self, event: QShowEvent) -> None:
        """A window that is shown again knows its data again."""
        super().showEvent(event)
        self._update()
