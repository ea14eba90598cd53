"""A message above the page: what happened and what to do. It blocks nothing and goes when it is closed."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QWidget

from src.ui.icons import icon
from src.ui.theme import set_role, theme


class MessageBar(QFrame):
    """Hidden until `tell`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._level = "info"
        self._icon = QLabel()
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.PlainText)
        self.text.setTextInteractionFlags(Qt.TextSelectableByMouse | Qt.TextSelectableByKeyboard)
        self.close_button = QToolButton()
        self.close_button.setToolTip("Close this message")
        self.close_button.setAccessibleName("Close this message")
        self.close_button.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 8, 8)
        row.setSpacing(10)
        row.addWidget(self._icon, 0, Qt.AlignTop)
        row.addWidget(self.text, 1)
        row.addWidget(self.close_button, 0, Qt.AlignTop)
        theme().changed.connect(self._dress)
        self.hide()

    def tell(self, text: str, level: str = "bad") -> None:
        """Show a message; ``level`` is ``bad``, ``warn``, ``good`` or ``info``."""
        self._level = level
        self.text.setText(text)
        self.setAccessibleName(text)
        set_role(self, level)
        self._dress()
        self.show()

    def _dress(self) -> None:
        name = {"bad": "error", "warn": "warning"}.get(self._level, "info")
        self._icon.setPixmap(icon(name, {"info": "accent"}.get(self._level, self._level)).pixmap(18, 18))
        self.close_button.setIcon(icon("close"))
