"""What a place says while it has nothing to show."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QFont
from PyQt5.QtWidgets import QLabel, QVBoxLayout, QWidget

from src.ui.icons import icon
from src.ui.theme import sized_font, theme


class EmptyState(QWidget):
    """An icon, a heading and a sentence, in the middle."""

    def __init__(self, icon_name: str, title: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_name = icon_name
        self._icon = QLabel()
        self._icon.setAlignment(Qt.AlignCenter)
        self._title = QLabel(title)
        self._title.setAlignment(Qt.AlignCenter)
        self._text = QLabel(text)
        self._text.setProperty("role", "muted")
        self._text.setWordWrap(True)
        self._text.setAlignment(Qt.AlignHCenter | Qt.AlignTop)
        self._text.setFixedWidth(self.fontMetrics().averageCharWidth() * 60)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(8)
        column.addStretch(1)
        column.addWidget(self._icon)
        column.addWidget(self._title)
        column.addWidget(self._text, 0, Qt.AlignHCenter)
        column.addStretch(2)
        self.set_text(title, text)
        self._dress()
        theme().changed.connect(self._dress)

    def set_text(self, title: str, text: str) -> None:
        """Say something else."""
        self._title.setText(title)
        self._text.setText(text)
        self._text.setMinimumHeight(
            max(0, self._text.heightForWidth(self._text.width()))
        )  # a wrapped line more

    def _dress(self) -> None:
        self._icon.setPixmap(icon(self._icon_name, "border_strong").pixmap(48, 48))
        self._title.setFont(sized_font(self, 1.2, QFont.DemiBold))
