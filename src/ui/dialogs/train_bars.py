"""The two bars of the train dialog: where the settings come from, and whether the training can start."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QWidget,
)

from src.ui.dialogs.train_findings import LOOK
from src.ui.icons import icon
from src.ui.theme import set_role, theme
from src.ui.widgets.form_editors import guard_wheel

_YAML = "Configurations (*.yaml *.yml);;All files (*)"


class SourceBar(QWidget):
    """Preset, files and how much is shown.

    Signals:
        preset_chosen(str): Name of a preset.
        load_asked(), save_asked(): The buttons.
        tune_asked(): Measure instead of guessing.
        all_wanted(bool): Whether rarely needed settings shall be shown.
    """

    preset_chosen = pyqtSignal(str)
    load_asked = pyqtSignal()
    save_asked = pyqtSignal()
    tune_asked = pyqtSignal()
    all_wanted = pyqtSignal(bool)

    def __init__(self, presets: Mapping[str, tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.preset = QComboBox()
        self.preset.setAccessibleName("Preset")
        self.preset.setMinimumContentsLength(22)
        guard_wheel(self.preset)
        for name, (title, about) in presets.items():
            self.preset.addItem(title, name)
            self.preset.setItemData(self.preset.count() - 1, about, Qt.ToolTipRole)
        self._titles = [title for title, _ in presets.values()]
        self._otherwise = ""
        label = QLabel("&Preset")
        label.setBuddy(self.preset)
        self.load = button("&Load configuration…", "Take the settings from a YAML file")
        self.save = button(
            "Sa&ve configuration…", "Write the settings to a YAML file, for the command line or for later"
        )
        self.tune = button(
            "Meas&ure…",
            "Measure a good learning rate, the batch size, and what this machine computes fastest",
        )
        self.everything = QCheckBox("Show &all settings")
        self.everything.setToolTip("Also show the settings that are rarely needed")
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 10, 16, 10)
        row.setSpacing(8)
        for widget in (label, self.preset, self.load, self.save, self.tune):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.everything)
        self.preset.activated.connect(lambda _: self.preset_chosen.emit(self.preset.currentData()))
        self.load.clicked.connect(lambda _: self.load_asked.emit())
        self.save.clicked.connect(lambda _: self.save_asked.emit())
        self.tune.clicked.connect(lambda _: self.tune_asked.emit())
        self.everything.toggled.connect(self.all_wanted)

    def show_preset(self, name: str, otherwise: str) -> None:
        """The preset that the settings are based on; where there is none, ``otherwise`` says what they are based on."""
        self._otherwise = otherwise
        self.preset.setCurrentIndex(self.preset.findData(name) if name else -1)
        about = self.preset.currentData(Qt.ToolTipRole)
        self.preset.setToolTip(about or "A set of values to begin with")
        self.show_changed(False)

    def show_changed(self, changed: bool) -> None:
        """Say whether the settings are still those of the preset, or of what they are based on."""
        ending = ", changed" if changed else ""
        self.preset.setPlaceholderText(self._otherwise + ending)
        for row, title in enumerate(self._titles):
            self.preset.setItemText(row, title + (ending if row == self.preset.currentIndex() else ""))


class StartBar(QWidget):
    """A sentence, Close, Add to queue and Start.

    Signals:
        start_asked(), queue_asked(), close_asked(): The buttons.
    """

    start_asked = pyqtSignal()
    queue_asked = pyqtSignal()
    close_asked = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._severity = ""
        self._icon = QLabel()
        self.status = QLabel()
        self.status.setObjectName("status")
        self.status.setWordWrap(True)
        self.status.setTextFormat(Qt.PlainText)
        self.start = button("&Start training", "")
        self.start.setObjectName("start")
        self.start.setDefault(True)
        self.queue = button("Add to &queue", "")
        self.queue.setObjectName("queue")
        self.close_button = button("Clos&e", "Close this window; a run that was started goes on")
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 10, 16, 12)
        row.setSpacing(8)
        row.addWidget(self._icon)
        row.addWidget(self.status, 1)
        row.addWidget(self.close_button)
        row.addWidget(self.queue)
        row.addWidget(self.start)
        self.start.clicked.connect(lambda _: self.start_asked.emit())
        self.queue.clicked.connect(lambda _: self.queue_asked.emit())
        self.close_button.clicked.connect(lambda _: self.close_asked.emit())
        theme().changed.connect(self._dress)

    def show_state(self, severity: str, text: str, ready: bool) -> None:
        """Why Start is off, or what to know before it is pressed."""
        self._severity = severity
        self.start.setEnabled(ready)
        self.start.setToolTip("Make a run folder and start training" if ready else text)
        self.queue.setEnabled(ready)
        self.queue.setToolTip(
            "Start it when those before it have ended, also when this window is closed" if ready else text
        )
        self.status.setText(text)
        set_role(self.status, {"error": "error", "warning": "warning"}.get(severity, "muted"))
        self._dress()

    def _dress(self) -> None:
        self._icon.setVisible(self._severity in LOOK)
        if self._severity in LOOK:
            side = self.fontMetrics().height()
            _, name, role, _ = LOOK[self._severity]
            self._icon.setPixmap(icon(name, role).pixmap(side, side))


def button(text: str, tip: str) -> QPushButton:
    """A push button that Return in a field does not press."""
    made = QPushButton(text)
    made.setToolTip(tip)
    made.setAutoDefault(False)
    return made


def line() -> QFrame:
    """A thin line across."""
    made = QFrame()
    made.setProperty("role", "line")
    return made


def ask_open(parent: QWidget) -> Path | None:
    """Which configuration to load; None when the person changed their mind."""
    name, _ = QFileDialog.getOpenFileName(parent, "Load configuration", str(Path.home()), _YAML)
    return Path(name) if name else None


def ask_save(parent: QWidget) -> Path | None:
    """Where to save; an existing file only when the person says that it may be replaced."""
    start = str(Path.home() / "training.yaml")
    name, _ = QFileDialog.getSaveFileName(
        parent, "Save configuration", start, _YAML, options=QFileDialog.DontConfirmOverwrite
    )
    if not name:
        return None
    path = Path(name) if Path(name).suffix else Path(name).with_suffix(".yaml")
    return path if not path.exists() or _may_replace(parent, path) else None


def _may_replace(parent: QWidget, path: Path) -> bool:
    text = f"{path.name} exists already in {path.parent}. Replace it?"
    answer = QMessageBox.question(
        parent, "Replace the file?", text, QMessageBox.Yes | QMessageBox.Cancel, QMessageBox.Cancel
    )
    return bool(answer == QMessageBox.Yes)
