"""Findings as cards: how bad, what, what to do; a click goes to the field."""

from __future__ import annotations

import re
from collections.abc import Mapping

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QFont, QKeyEvent, QMouseEvent
from PyQt5.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from src.core.dataset.findings import MAX_NAMED, Finding
from src.ui.dialogs.train_setup import key_of
from src.ui.icons import icon
from src.ui.theme import sized_font, theme
from src.ui.wording import in_words

#: Severity to word, icon, role of the icon, role of the card.
LOOK = {
    "error": ("Error", "error", "bad", "bad"),
    "warning": ("Warning", "warning", "warn", "warn"),
    "notice": ("Note", "info", "accent", "info"),
}
_FILES_SHOWN = 3
_LONG_WORD = 24


class FindingCard(QFrame):
    """One finding.

    Signals:
        chosen(str): The person wants to see the option of this key.
    """

    chosen = pyqtSignal(str)

    def __init__(self, finding: Finding, labels: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.finding = finding
        key = key_of(finding, labels)
        self.key = key if key in labels else ""
        word, self._icon_name, self._icon_role, card_role = LOOK[finding.severity]
        self.setProperty("role", card_role)
        self.setObjectName(f"finding:{finding.code}")
        self._icon = QLabel()
        heading = QLabel(f"{word}: {labels[self.key]}" if self.key else word)
        heading.setFont(sized_font(heading, 0.95, QFont.DemiBold))
        heading.setWordWrap(True)
        top = QHBoxLayout()
        top.setSpacing(6)
        top.addWidget(self._icon, 0, Qt.AlignTop)
        top.addWidget(heading, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(3)
        column.addLayout(top)
        column.addWidget(_text(_with_breaks(in_words(finding.message))))
        if finding.cure:
            column.addWidget(_text(_with_breaks(in_words(finding.cure)), "muted"))
        files = [w for w in finding.where if w not in labels]
        if files:
            column.addWidget(_files(files))
        self.setAccessibleName(f"{heading.text()}. {in_words(f'{finding.message} {finding.cure}')}")
        if self.key:
            self.setFocusPolicy(Qt.TabFocus)
            self.setCursor(Qt.PointingHandCursor)
            self.setToolTip(f"Click to go to “{labels[self.key]}” ({self.key})")
        self._dress()
        theme().changed.connect(self._dress)

    def _dress(self) -> None:
        side = self.fontMetrics().height()
        self._icon.setPixmap(icon(self._icon_name, self._icon_role).pixmap(side, side))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Go to the field."""
        if self.key and event.button() == Qt.LeftButton and self.rect().contains(event.pos()):
            self.chosen.emit(self.key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return and Space are a click."""
        if self.key and event.key() in (Qt.Key_Return, Qt.Key_Enter, Qt.Key_Space):
            self.chosen.emit(self.key)
        else:
            super().keyPressEvent(event)


class FindingsList(QWidget):
    """All findings, the worst first.

    Signals:
        chosen(str): The person wants to see the option of this key.
    """

    chosen = pyqtSignal(str)

    def __init__(self, labels: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._labels = labels
        self._shown: list[Finding] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)

    def show_findings(self, findings: list[Finding]) -> None:
        """Replace what is shown; nothing is rebuilt where nothing changed, so that the focus stays."""
        if findings == self._shown:
            return
        self._shown = list(findings)
        while (item := self._column.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for finding in findings:
            card = FindingCard(finding, self._labels)
            card.chosen.connect(self.chosen)
            self._column.addWidget(card)

    def cards(self) -> list[FindingCard]:
        """The cards that are shown."""
        items = (self._column.itemAt(i).widget() for i in range(self._column.count()))
        return [w for w in items if isinstance(w, FindingCard)]


def breakable(text: str) -> str:
    """A path or a long name with invisible places where a line may be broken: it has no spaces."""
    marked = re.sub(r"([^\w\s]|_)", "\\1\u200b", text)
    return re.sub(r"(\w{14})(?=\w)", "\\1\u200b", marked)


def _with_breaks(sentence: str) -> str:
    """A sentence in which only very long words may be broken."""
    return " ".join(breakable(word) if len(word) > _LONG_WORD else word for word in sentence.split(" "))


def _text(text: str, role: str = "") -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.PlainText)
    if role:
        label.setProperty("role", role)
    return label


def _files(files: list[str]) -> QLabel:
    more = len(files) - _FILES_SHOWN
    # A finding names only so many; how many there are is in its sentence.
    rest = "and more" if len(files) >= MAX_NAMED else f"and {more} more"
    label = _text("\n".join([*map(breakable, files[:_FILES_SHOWN]), *([rest] if more > 0 else [])]), "muted")
    label.setFont(sized_font(label, 0.9))
    label.setToolTip("\n".join(files))
    return label
