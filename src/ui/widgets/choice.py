"""A few words side by side of which one is chosen: quicker to see than a list that drops down."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton, QWidget


class Choice(QWidget):
    """Exclusive buttons.

    Signals:
        changed(int): Index of the chosen one.
    """

    changed = pyqtSignal(int)

    def __init__(self, name: str, words: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for index, word in enumerate(words):
            button = QToolButton()
            button.setText(word)
            button.setCheckable(True)
            button.setAccessibleName(f"{name}: {word}")
            self._group.addButton(button, index)
            row.addWidget(button)
        self._group.button(0).setChecked(True)
        self._group.idToggled.connect(lambda index, on: self.changed.emit(index) if on else None)

    @property
    def index(self) -> int:
        """Which is chosen."""
        return self._group.checkedId()

    def rename(self, words: Sequence[str]) -> None:
        """Other words for the first buttons."""
        for index, word in enumerate(words):
            button = self._group.button(index)
            button.setText(word)
            button.setAccessibleName(f"{self.accessibleName()}: {word}")

    def choose(self, index: int) -> None:
        """Choose by program."""
        self._group.button(index).setChecked(True)
