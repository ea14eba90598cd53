"""The dialog in which a training is set up, started and watched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QSize, Qt, pyqtSignal
from PyQt5.QtGui import QCloseEvent, QKeySequence
from PyQt5.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QShortcut,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from src.core.config import ConfigError, Option, Resolved, RunConfig, dump_yaml
from src.core.dataset.findings import Finding
from src.core.run import RunFolder
from src.core.run.folder import write_atomically
from src.threads.training_thread import TrainingThread
from src.ui.dialogs.augment_preview import AugmentPreview
from src.ui.dialogs.train_findings import LOOK
from src.ui.dialogs.train_monitoring import MonitoringTab
from src.ui.dialogs.train_scan import DataScan
from src.ui.dialogs.train_setup import Checked, TrainSetup, in_order, in_words, key_of
from src.ui.dialogs.train_summary import SummaryPanel
from src.ui.icons import icon
from src.ui.theme import set_role, theme
from src.ui.widgets.form import SchemaForm
from src.ui.widgets.form_editors import guard_wheel

TABS = ("Model", "Training", "Data", "Monitoring")
#: Offered for options that take any text; the words say what a person would not guess.
SUGGESTIONS = {
    "training.device": {
        "auto": "Automatic: the first GPU, or the CPU",
        "cpu": "CPU",
        "cuda:0": "First NVIDIA GPU (cuda:0)",
        "cuda:1": "Second NVIDIA GPU (cuda:1)",
        "mps": "Apple GPU (mps)",
    },
}
_YAML = "Configurations (*.yaml *.yml);;All files (*)"


def tab_of(option: Option) -> str:
    """The tab on which an option stands."""
    if option.key == "task":
        return ""
    return {"model": "Model", "training": "Training", "data": "Data"}.get(option.section, "Monitoring")


def on_tab(name: str) -> Callable[[Option], bool]:
    """Chooses the options of a tab."""
    return lambda option: tab_of(option) == name


class TrainConfigDialog(QDialog):
    """Sets up a training in four tabs, says what will happen, starts it and shows it.

    Closing the dialog does not end the run.

    Attributes:
        tabs: ``Model``, ``Training``, ``Data``, ``Monitoring``; their pages have these object names.
        forms: Tab to form.
        setup: The configuration below the changes made here.
        scan: The check of the data in the background.
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
        """``config`` as for `TrainingThread`, or None for the default preset; ``paths_config`` with
        ``images_dir`` and so on.

        Raises:
            ConfigError: Unknown keys or values out of bounds in what was given.
        """
        super().__init__(parent)
        self.setup = TrainSetup(config, paths_config)
        self.thread: TrainingThread | None = None
        self.scan = DataScan(self)
        self._labels = self.setup.labels()
        self._checked = Checked(None)
        self._problem = ""
        self._progress: tuple[int, int, str] | None = None
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
        self.forms: dict[str, SchemaForm] = {}
        for name in TABS:
            self.forms[name] = SchemaForm(
                self.setup.schema, on_tab(name), self.setup.info.choices, SUGGESTIONS
            )
        self.monitoring = MonitoringTab(self.forms["Monitoring"])
        self.preview = AugmentPreview()
        self.forms["Data"].add_widget(self.preview)
        for name in TABS:
            page = self.monitoring if name == "Monitoring" else self.forms[name]
            page.setObjectName(name)
            self.tabs.addTab(page, name)
        self.summary = SummaryPanel(self.setup.info, self._labels)
        self.splitter = QSplitter(Qt.Horizontal)
        self.splitter.addWidget(self.tabs)
        self.splitter.addWidget(self.summary)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setChildrenCollapsible(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._build_top())
        column.addWidget(_line())
        column.addWidget(self.splitter, 1)
        column.addWidget(_line())
        column.addLayout(self._build_bottom())

    def _build_top(self) -> QHBoxLayout:
        self.preset = QComboBox()
        self.preset.setAccessibleName("Preset")
        self.preset.setMinimumContentsLength(16)
        guard_wheel(self.preset)
        for name, (title, about) in self.setup.preset_titles().items():
            self.preset.addItem(title, name)
            self.preset.setItemData(self.preset.count() - 1, about, Qt.ToolTipRole)
        label = QLabel("&Preset")
        label.setBuddy(self.preset)
        self.load_button = _button("&Load configuration…", "Take the settings from a YAML file")
        self.save_button = _button(
            "Sa&ve configuration…", "Write the settings to a YAML file, for the command line or for later"
        )
        self.all_settings = QCheckBox("Show &all settings")
        self.all_settings.setToolTip("Also show the settings that are rarely needed")
        row = QHBoxLayout()
        row.setContentsMargins(16, 10, 16, 10)
        row.setSpacing(8)
        row.addWidget(label)
        row.addWidget(self.preset)
        row.addSpacing(8)
        row.addWidget(self.load_button)
        row.addWidget(self.save_button)
        row.addStretch(1)
        row.addWidget(self.all_settings)
        self._top = (self.preset, self.load_button, self.save_button, self.all_settings)
        return row

    def _build_bottom(self) -> QHBoxLayout:
        self.status_icon = QLabel()
        self.status = QLabel()
        self.status.setObjectName("status")
        self.status.setWordWrap(True)
        self.status.setTextFormat(Qt.PlainText)
        self.start_button = _button("&Start training", "")
        self.start_button.setObjectName("start")
        self.start_button.setDefault(True)
        self.close_button = _button("&Close", "")
        row = QHBoxLayout()
        row.setContentsMargins(16, 10, 16, 12)
        row.setSpacing(8)
        row.addWidget(self.status_icon)
        row.addWidget(self.status, 1)
        row.addWidget(self.close_button)
        row.addWidget(self.start_button)
        return row

    def _connect(self) -> None:
        for form in self.forms.values():
            form.edited.connect(self._edited)
        self.preset.activated.connect(lambda _: self._choose_preset())
        self.load_button.clicked.connect(lambda _: self.ask_load())
        self.save_button.clicked.connect(lambda _: self.ask_save())
        self.all_settings.toggled.connect(self._show_all)
        self.start_button.clicked.connect(lambda _: self.start())
        self.close_button.clicked.connect(lambda _: self.close())
        self.summary.chosen.connect(self.go_to)
        self.scan.changed.connect(self._scan_changed)
        self.scan.progress.connect(self._scan_progress)
        self.monitoring.again.connect(self.set_up_another)
        theme().changed.connect(self._show_status)
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
        name, _ = QFileDialog.getOpenFileName(self, "Load configuration", str(Path.home()), _YAML)
        if name:
            self.load_file(Path(name))

    def ask_save(self) -> None:
        """Ask where to save; an existing file is replaced only when the person says so."""
        name, _ = QFileDialog.getSaveFileName(
            self,
            "Save configuration",
            str(Path.home() / "training.yaml"),
            _YAML,
            options=QFileDialog.DontConfirmOverwrite,
        )
        if not name:
            return
        path = Path(name) if Path(name).suffix else Path(name).with_suffix(".yaml")
        if not path.exists() or self.confirm_replace(path):
            self.save_file(path)

    def confirm_replace(self, path: Path) -> bool:
        """Whether the person wants an existing file replaced."""
        text = f"{path.name} exists already in {path.parent}. Replace it?"
        answer = QMessageBox.question(
            self, "Replace the file?", text, QMessageBox.Yes | QMessageBox.Cancel, QMessageBox.Cancel
        )
        return bool(answer == QMessageBox.Yes)

    def _choose_preset(self) -> None:
        name = self.preset.currentData()
        if name:
            self._load(self.setup.choose_preset(name, self.changes()))

    def _load(self, changes: Mapping[str, Any]) -> None:
        base, origins = self.setup.base.flat(), self.setup.base.origins
        for form in self.forms.values():
            form.load(base, origins, changes)
        self.preset.setCurrentIndex(self.preset.findData(self.setup.preset) if self.setup.preset else -1)
        self.preset.setPlaceholderText("None")
        self._problem = ""
        self._update()

    def _show_all(self, everything: bool) -> None:
        for form in self.forms.values():
            form.show_all(everything)

    # -- checks ---------------------------------------------------------------------------------
    def _faults(self) -> dict[str, str]:
        return {k: text for form in self.forms.values() for k, text in form.faults().items()}

    def _edited(self, key: str) -> None:
        self._problem = ""
        self._update()

    def _update(self) -> None:
        """After every edit: check what can be checked at once, and ask for the data to be checked where
        needed.
        """
        self._checked = self.setup.check(self.changes(), self._faults())
        resolved = self._checked.resolved
        if resolved is None:
            self.scan.close()
        elif any(key_of(f, self._labels).startswith("data.") for f in self._checked.errors):
            self.scan.forget()
        else:
            self.scan.update(resolved)
        self._show()

    def findings(self) -> list[Finding]:
        """All that is known to be wrong or worth knowing."""
        mine = self._checked.findings
        if self._checked.resolved is None or self.scan.state != "done":
            return mine
        return in_order([*mine, *self.scan.findings])

    def _show(self) -> None:
        resolved = self._checked.resolved
        findings = self.findings()
        config = resolved.config if resolved else None
        self.summary.show_facts(config, self.scan.description)
        self.summary.show_findings(findings)
        self.preview.update_from(config, self.scan.description)
        self._show_messages(findings)
        self._show_scan()
        self._show_status()

    def _show_messages(self, findings: list[Finding]) -> None:
        """Reasons beside the fields; what is only worth knowing stays in the summary."""
        messages: dict[str, tuple[str, str]] = {}
        for finding in findings:
            key = key_of(finding, self._labels)
            if key and key not in messages and finding.severity != "notice":
                text = (
                    f"{finding.message} {finding.cure}".strip()
                    if len(finding.message) < 90
                    else finding.message
                )
                messages[key] = (finding.severity, in_words(text, self._labels))
        for name, form in self.forms.items():
            form.show_messages(messages)
            worst = {messages[k][0] for k in form.fields if k in messages}
            mark = "error" if "error" in worst else "warning" if "warning" in worst else ""
            index = TABS.index(name)
            self.tabs.setTabIcon(index, icon(LOOK[mark][1], LOOK[mark][2]) if mark else icon_none())
            self.tabs.setTabToolTip(
                index, f"Ctrl+{index + 1}" + (f": {LOOK[mark][0].lower()} on this tab" if mark else "")
            )

    def _scan_changed(self) -> None:
        if self.scan.state != "running":
            self._progress = None
        self._show()

    def _scan_progress(self, done: int, total: int, what: str) -> None:
        self._progress = (done, total, what)
        self._show_scan()
        self._show_status()

    def _show_scan(self) -> None:
        state = self.scan.state
        if state == "failed":
            self.summary.show_scan(f"The data could not be checked. {self.scan.reason}", None)
        elif state in ("waiting", "running") and self._checked.resolved is not None:
            done, total, what = self._progress or (0, 0, "")
            self.summary.show_scan(
                f"Checking the data: {what}" if what else "Checking the data…", (done, total)
            )
        else:
            self.summary.show_scan("", None)

    def _show_status(self) -> None:
        """The line beside Start: why it is off, or that all is well."""
        severity, text, ready = self._state()
        self.start_button.setEnabled(ready)
        self.start_button.setToolTip(text if not ready else "Make a run folder and start training")
        self.status.setText(text)
        set_role(self.status, {"error": "error", "warning": "warning", "muted": "muted"}.get(severity, ""))
        self.status_icon.setVisible(severity in LOOK)
        if severity in LOOK:
            side = self.fontMetrics().height()
            self.status_icon.setPixmap(icon(LOOK[severity][1], LOOK[severity][2]).pixmap(side, side))

    def _state(self) -> tuple[str, str, bool]:
        if self.monitoring.folder is not None or self.thread is not None:
            return (
                "muted",
                self._problem or "This run has started; its settings are shown but cannot be changed.",
                False,
            )
        if self._problem:
            return "error", self._problem, not self._checked.errors and not self.scan.busy
        errors = [f for f in self.findings() if f.severity == "error"]
        if errors:
            label = self._labels.get(key_of(errors[0], self._labels), "")
            more = f" ({len(errors) - 1} more on the right)" if len(errors) > 1 else ""
            text = in_words(errors[0].message, self._labels)
            return "error", f"Cannot start yet. {label + ': ' if label else ''}{text}{more}", False
        if self.scan.busy:
            done, total, _ = self._progress or (0, 0, "")
            return (
                "muted",
                "Checking the data before the start" + (f": {done:,} of {total:,}" if total else "…"),
                False,
            )
        if self.scan.state == "failed":
            return (
                "warning",
                "The data could not be checked beforehand; the training checks them again.",
                True,
            )
        warnings = sum(f.severity == "warning" for f in self.findings())
        if warnings:
            return "warning", "Ready, but look at the warnings on the right first.", True
        return "muted", "Ready to start.", True

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
        """Show a run that was started before, here or elsewhere."""
        self._lock(True)
        self._problem = ""
        self.monitoring.show_run(folder)
        self.tabs.setCurrentIndex(TABS.index("Monitoring"))
        self._show_status()

    def set_up_another(self) -> None:
        """Back to the settings for a further run; one that works goes on."""
        if self.thread is not None:
            self.thread.detach()
            self.thread = None
        self.monitoring.show_settings()
        self._problem = ""
        self._lock(False)
        self._update()

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
        for widget in (self.preset, self.load_button):
            widget.setEnabled(not locked)
        self.summary.setVisible(not locked)
        self._show_status()

    def closeEvent(self, event: QCloseEvent) -> None:
        """End what this window runs in the background; the training is not part of it."""
        self.scan.close()
        self.preview.close_preview()
        self.monitoring.close_run()
        if self.thread is not None:
            self.thread.detach()
            self.thread = None
        super().closeEvent(event)

    def reject(self) -> None:
        """Escape closes the window like its button does."""
        self.close()


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setAutoDefault(False)
    return button


def _line() -> QFrame:
    line = QFrame()
    line.setProperty("role", "line")
    return line


def icon_none() -> Any:
    """No icon at all."""
    from PyQt5.QtGui import QIcon

    return QIcon()
