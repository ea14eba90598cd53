"""What a person should know of the values chosen on a tab, beyond their labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QFont
from PyQt5.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from src.ui.theme import sized_font


class ValueNotes(QFrame):
    """A card with a title and sentences for each value that the task has something to say about."""

    def __init__(
        self, explain: Callable[[str, Any, Mapping[str, Any]], str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._explain = explain
        self._texts: list[str] = []
        self.setProperty("role", "card")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(14, 10, 14, 14)
        self._column.setSpacing(4)
        self.hide()

    def show_values(self, values: Mapping[str, Any]) -> None:
        """Key to value, in the order in which they are explained."""
        texts = [text for key, value in values.items() if (text := self._explain(key, value, values))]
        if texts == self._texts:
            return
        self._texts = texts
        while (item := self._column.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for number, text in enumerate(texts):
            title, *sentences = text.split("\n")
            if number:
                self._column.addSpacing(12)
            self._column.addWidget(_label(title, QFont.DemiBold))
            for sentence in sentences:
                self._column.addWidget(_label(sentence))
        self.setVisible(bool(texts))

    def text(self) -> str:
        """All that is said."""
        return "\n".join(self._texts)


def _label(text: str, weight: int = QFont.Normal) -> QLabel:
    made = QLabel(text)
    made.setWordWrap(True)
    made.setTextFormat(Qt.PlainText)
    made.setTextInteractionFlags(Qt.TextSelectableByMouse)
    if weight == QFont.Normal:
        made.setProperty("role", "muted")
    else:
        made.setFont(sized_font(made, 1.0, weight))
    return made
