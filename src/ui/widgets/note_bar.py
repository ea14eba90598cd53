"""What was just decided about the data, in a sentence, with the way back beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from src.ui.icons import icon
from src.ui.theme import set_role, theme

if TYPE_CHECKING:
    from src.ui.widgets.thumbnail_model import Thumbs  # which needs OpenCV; notes stand on pages that do not


class NoteBar(QFrame):
    """Hidden until `tell`.

    Signals:
        undo_asked(): Take the last decision back.
        check_asked(): Check the data again, with what was decided.
    """

    undo_asked = pyqtSignal()
    check_asked = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.PlainText)
        self.undo = QPushButton("&Undo")
        self.undo.setToolTip("Take this back (Ctrl+Z)")
        self.check = QPushButton("&Check again")
        self.check.setToolTip("Check the data set with what was decided (F5)")
        self._close = QToolButton()
        self._close.setToolTip("Close this note; what was decided stays")
        self._close.setAccessibleName("Close this note")
        self.undo.clicked.connect(self.undo_asked)
        self.check.clicked.connect(self.check_asked)
        self._close.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 6, 6)
        row.setSpacing(8)
        row.addWidget(self.text, 1)
        for widget in (self.undo, self.check, self._close):
            row.addWidget(widget)
        theme().changed.connect(self._dress)
        self._dress()
        self.hide()

    def tell(self, text: str, level: str = "info", undo: bool = False, check: bool = False) -> None:
        """Say something; ``level`` is ``info``, ``warn`` or ``bad``."""
        self.text.setText(text)
        self.setAccessibleName(text)
        set_role(self, level)
        self.undo.setVisible(undo)
        self.check.setVisible(check)
        self.show()

    def _dress(self) -> None:
        self._close.setIcon(icon("close"))


def tell_when_gone(note: NoteBar, thumbs: Thumbs, folder: Callable[[], Path | None]) -> None:
    """Say it when a picture cannot be read because the whole folder of the data set has gone."""

    def look(row: int) -> None:
        place = folder()
        if thumbs.find(row) is None and place is not None and not place.exists():
            text = f"{place} has gone: a disk that was unplugged, or a folder that was moved."
            note.tell(f"{text} Put it back where it was, then check again.", "warn", check=True)

    thumbs.loaded.connect(look)
