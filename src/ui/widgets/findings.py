"""What a check found: the worst first, one line each, the rest on request."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from src.ui.icons import icon
from src.ui.text import count
from src.ui.theme import set_role, theme

_ORDER = {"error": 0, "warning": 1, "notice": 2}
_LOOK = {
    "error": ("error", "bad", "bad"),
    "warning": ("warning", "warn", "warn"),
    "notice": ("info", "accent", "info"),
}
_FEW = 2


class _Line(QFrame):
    def __init__(self, finding: dict[str, Any]) -> None:
        super().__init__()
        self._look = _LOOK.get(str(finding.get("severity")), _LOOK["notice"])
        set_role(self, self._look[2])
        self._icon = QLabel()
        text = " ".join(filter(None, [str(finding.get("message") or ""), str(finding.get("cure") or "")]))
        label = QLabel(text)
        label.setWordWrap(True)
        label.setTextFormat(Qt.PlainText)
        label.setTextInteractionFlags(Qt.TextSelectableByMouse)
        where = finding.get("where") or []
        self.setToolTip("\n".join(map(str, where)))
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 10, 6)
        row.setSpacing(8)
        row.addWidget(self._icon, 0, Qt.AlignTop)
        row.addWidget(label, 1)
        self.dress()

    def dress(self) -> None:
        self._icon.setPixmap(icon(self._look[0], self._look[1]).pixmap(18, 18))


class FindingsStrip(QWidget):
    """Findings as ``{"severity", "message", "cure", "where"}``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: list[_Line] = []
        self.more = QPushButton()
        set_role(self.more, "link")
        self.more.clicked.connect(self._show_all)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._column.addWidget(self.more, 0, Qt.AlignLeft)
        theme().changed.connect(self._dress)
        self.hide()

    def put(self, findings: list[dict[str, Any]]) -> None:
        """Show these."""
        for line in self._lines:
            self._column.removeWidget(line)
            line.deleteLater()
        ordered = sorted(findings, key=lambda f: _ORDER.get(str(f.get("severity")), 3))
        self._lines = [_Line(f) for f in ordered]
        few = min(_FEW, sum(f.get("severity") in ("error", "warning") for f in ordered))
        for number, line in enumerate(self._lines):
            self._column.insertWidget(number, line)
            line.setVisible(number < few)
        left = len(self._lines) - few
        self.more.setVisible(left > 0)
        self.more.setText(f"Show {left} more" if few else f"Show {count(left, 'note')} on this data set")
        self.setVisible(bool(self._lines))

    def _show_all(self) -> None:
        for line in self._lines:
            line.show()
        self.more.hide()

    def _dress(self) -> None:
        for line in self._lines:
            line.dress()
