"""Files and folders as a list: chosen, dropped from the file manager, taken away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PyQt5.QtCore import QMimeData, Qt
from PyQt5.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QListWidget,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from src.core.config import Option
from src.ui.icons import icon
from src.ui.widgets.flow import FlowLayout
from src.ui.widgets.form_editors import Editor

_ROWS_SHOWN = 5


def dropped_paths(data: QMimeData) -> list[str]:
    """The local paths of what was dropped."""
    return [u.toLocalFile() for u in data.urls() if u.isLocalFile()] if data.hasUrls() else []


class PathsEditor(Editor):
    """A list of paths."""

    def __init__(self, option: Option, parent: QWidget | None = None) -> None:
        super().__init__(option, parent)
        self.setAcceptDrops(True)
        self.list = QListWidget()
        self.list.setAccessibleName(f"{option.label}: files and folders")
        self.list.setSelectionMode(QAbstractItemView.ExtendedSelection)
        self.list.setTextElideMode(Qt.ElideMiddle)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.list.itemSelectionChanged.connect(self._enable)
        self.files = self._button("Add files…", "Choose one or several files", self._ask_files)
        self.folder = self._button("Add folder…", "Choose a folder", self._ask_folder)
        self.remove = self._button("Remove", "Take the chosen lines out of the list", self._remove)
        buttons = FlowLayout(spacing=4)
        for button in (self.folder, self.files, self.remove):
            buttons.addWidget(button)
        column = QVBoxLayout()
        column.setSpacing(4)
        column.addWidget(self.list)
        column.addLayout(buttons)
        self.row.addLayout(column, 1)
        self.setFocusProxy(self.folder)
        self._dress()

    def _button(self, text: str, tip: str, do: Any) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        button.setToolTip(tip)
        button.setAccessibleName(f"{self.option.label}: {text.rstrip('…')}")
        button.clicked.connect(lambda _: do())
        return button

    def value(self) -> list[str]:
        return [self.list.item(row).data(Qt.UserRole) for row in range(self.list.count())]

    def set_value(self, value: Any) -> None:
        paths = [str(v) for v in value or []]
        if paths == self.value():
            return
        self.list.clear()
        for path in paths:
            self.list.addItem(path)
            item = self.list.item(self.list.count() - 1)
            item.setData(Qt.UserRole, path)
            item.setToolTip(path)
            item.setIcon(icon("folder" if Path(path).is_dir() else "images", "muted"))
        self._dress()

    def add_paths(self, paths: list[str]) -> None:
        """Add what is not in the list."""
        have = self.value()
        fresh = [p for p in dict.fromkeys(paths) if p and p not in have]
        if fresh:
            self.set_value([*have, *fresh])
            self.edited.emit()

    def _dress(self) -> None:
        rows = self.list.count()
        height = self.fontMetrics().height() + 8
        self.list.setFixedHeight(height * max(1, min(rows, _ROWS_SHOWN)) + 6)
        self.list.setVisible(rows > 0)
        self._enable()

    def _enable(self) -> None:
        self.remove.setVisible(self.list.count() > 0)
        self.remove.setEnabled(bool(self.list.selectedItems()))

    def _remove(self) -> None:
        chosen = {self.list.row(item) for item in self.list.selectedItems()}
        self.set_value([p for row, p in enumerate(self.value()) if row not in chosen])
        self.edited.emit()

    def _start(self) -> str:
        last = self.value()[-1:] or [str(Path.home())]
        return str(Path(last[0]).parent)

    def _ask_files(self) -> None:
        chosen, _ = QFileDialog.getOpenFileNames(self, f"Choose: {self.option.label}", self._start())
        self.add_paths(chosen)

    def _ask_folder(self) -> None:
        self.add_paths(
            [QFileDialog.getExistingDirectory(self, f"Choose: {self.option.label}", self._start())]
        )

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take what are paths of this machine."""
        if dropped_paths(event.mimeData()):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """As for entering."""
        if dropped_paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Add what was dropped."""
        event.acceptProposedAction()
        self.add_paths(dropped_paths(event.mimeData()))
