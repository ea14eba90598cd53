"""A folder or a file: typed, chosen, or dropped from the file manager."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QMimeData, Qt, pyqtSignal
from PyQt5.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PyQt5.QtWidgets import QFileDialog, QLineEdit, QToolButton, QWidget

from src.core.config import Option
from src.ui.icons import icon
from src.ui.widgets.form_choice import ChoiceEditor
from src.ui.widgets.form_editors import Editor
from src.ui.wording import when_empty

_FILTERS = {
    "data.table": "Tables (*.csv *.tsv);;All files (*)",
    "model.start_from": "Models (*.safetensors *.pth *.pt);;All files (*)",
    "model.encoder_weights": "Weights (*.pth *.pt *.safetensors *.bin);;All files (*)",
}


def dropped_path(data: QMimeData) -> str:
    """The local path of a single dropped file or folder, or nothing."""
    urls = data.urls() if data.hasUrls() else []
    return urls[0].toLocalFile() if len(urls) == 1 and urls[0].isLocalFile() else ""


class DropLine(QLineEdit):
    """A line that takes a dropped file or folder.

    Signals:
        dropped(str): Its path.
    """

    dropped = pyqtSignal(str)

    def __init__(self, folder: bool) -> None:
        super().__init__()
        self._folder = folder
        self.setAcceptDrops(True)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take what is a path of this machine; text as any line does."""
        if dropped_path(event.mimeData()):
            event.acceptProposedAction()
        else:
            super().dragEnterEvent(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """As for entering."""
        if dropped_path(event.mimeData()):
            event.acceptProposedAction()
        else:
            super().dragMoveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Where a folder is wanted, a dropped file stands for its folder."""
        path = dropped_path(event.mimeData())
        if not path:
            super().dropEvent(event)
            return
        if self._folder and Path(path).is_file():
            path = str(Path(path).parent)
        event.acceptProposedAction()
        self.dropped.emit(path)


class PathEditor(Editor):
    """A line with a button beside it that opens the chooser."""

    def __init__(self, option: Option, parent: QWidget | None = None) -> None:
        super().__init__(option, parent)
        self.line = DropLine(option.path == "folder")
        self.line.setPlaceholderText(
            when_empty(option)
            or ("Choose or drop a folder" if option.path == "folder" else "Choose or drop a file")
        )
        self.line.setClearButtonEnabled(True)
        self.line.textChanged.connect(lambda _: self.edited.emit())
        self.line.dropped.connect(self.line.setText)
        self.take(self.line)
        self.row.addWidget(browse_button(self))

    def value(self) -> Any:
        text = self.line.text().strip()
        return None if self.option.optional and not text else text

    def set_value(self, value: Any) -> None:
        self.line.blockSignals(True)
        if (value or "") != self.line.text().strip():
            self.line.setText(value or "")
        self.line.setToolTip(value or "")
        self.line.blockSignals(False)

    def browse(self) -> None:
        """Ask for the folder or the file."""
        chosen = ask_path(self, self.option, self.line.text())
        if chosen:
            self.line.setText(chosen)


class WeightsEditor(ChoiceEditor):
    """One of a few words, or a file."""

    def __init__(self, option: Option, entries: Mapping[Any, str], parent: QWidget | None = None) -> None:
        super().__init__(option, entries, free=True, strict=False, parent=parent)
        self.box.lineEdit().setPlaceholderText("")
        self.box.completer().setCompletionMode(self.box.completer().InlineCompletion)
        self.row.addWidget(browse_button(self))

    def browse(self) -> None:
        """Ask for the file."""
        current = self.value() or ""
        chosen = ask_path(self, self.option, current if Path(current).is_file() else "")
        if chosen:
            self.set_value(chosen)
            self.edited.emit()


def browse_button(editor: PathEditor | WeightsEditor) -> QToolButton:
    """The button that opens the chooser."""
    button = QToolButton()
    button.setIcon(icon("folder"))
    button.setToolTip("Browse…")
    button.setFocusPolicy(Qt.TabFocus)
    button.setAccessibleName(f"Browse for {editor.option.label}")
    button.clicked.connect(lambda _: editor.browse())
    return button


def ask_path(parent: QWidget, option: Option, current: str) -> str:
    """The system's chooser; returns an empty text when the person changed their mind."""
    start = current if current and Path(current).exists() else str(Path.home())
    if option.path == "folder":
        return QFileDialog.getExistingDirectory(parent, f"Choose: {option.label}", start)
    chosen, _ = QFileDialog.getOpenFileName(
        parent, f"Choose: {option.label}", start, _FILTERS.get(option.key, "All files (*)")
    )
    return chosen
