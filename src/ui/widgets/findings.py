"""What a check found: the worst first, with small pictures of the images concerned and each cure as a button."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from PyQt5.QtCore import QPoint, QRect, QSize, Qt, QTimer, pyqtSignal
from PyQt5.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QShowEvent
from PyQt5.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from src.core.dataset.findings import IMAGE, MAX_NAMED
from src.ui.icons import icon
from src.ui.text import count
from src.ui.theme import colour, set_role, theme
from src.ui.widgets.discard import Discard
from src.ui.widgets.flow import FlowLayout
from src.ui.widgets.overlay import Overlay
from src.ui.widgets.thumbnail_model import Thumb, Thumbs
from src.ui.wording import in_words

_ORDER = {"error": 0, "warning": 1, "notice": 2}
_LOOK = {
    "error": ("error", "bad", "bad"),
    "warning": ("warning", "warn", "warn"),
    "notice": ("info", "accent", "info"),
}
_PICTURES, _SIDE = 10, 72
_MOST_CARDS = 200
_AT_ONCE = 1


class Pictures(QWidget):
    """A row of small pictures of samples that a finding names.

    Attributes:
        noun: What a sample is called.

    Signals:
        opened(int): Row of the table whose picture was clicked.
    """

    opened = pyqtSignal(int)

    def __init__(self, thumbs: Thumbs, rows: list[int], overlay: Callable[[], Overlay]) -> None:
        super().__init__()
        self._thumbs, self.rows, self._overlay = thumbs, rows[:_PICTURES], overlay
        self.noun = thumbs.noun
        self._current = 0
        self.setFocusPolicy(Qt.StrongFocus)
        self.setFixedHeight(_SIDE + 6)
        self.setAccessibleName(f"{count(len(self.rows), *thumbs.noun)} of this finding")
        self.setToolTip("Click, or arrow keys and Enter: show it in the grid")
        thumbs.loaded.connect(self._loaded)

    def sizeHint(self) -> QSize:
        return QSize((_SIDE + 6) * len(self.rows), _SIDE + 6)

    def _place(self, index: int) -> QRect:
        return QRect(QPoint(3 + index * (_SIDE + 6), 3), QSize(_SIDE, _SIDE))

    def _loaded(self, row: int) -> None:
        if row in self.rows:
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        for index, row in enumerate(self.rows):
            place, thumb = self._place(index), self._thumbs.find(row)
            if index and place.right() > self.width():
                break  # no part of a picture where there is no room for all of them
            painter.fillRect(place, colour("hover"))
            if isinstance(thumb, Thumb):
                size = thumb.picture.size().scaled(place.size(), Qt.KeepAspectRatio)
                target = QRect(QPoint(), size)
                target.moveCenter(place.center())
                painter.setRenderHint(QPainter.SmoothPixmapTransform)
                painter.drawImage(target, thumb.picture)
                if (drawn := thumb.drawn(self._overlay())) is not None:
                    painter.setOpacity(0.45)
                    painter.drawImage(target, drawn)
                    painter.setOpacity(1.0)
            else:
                painter.setPen(colour("muted"))
                painter.drawText(
                    place, Qt.AlignCenter | Qt.TextWordWrap, "cannot be read" if thumb is None else "…"
                )
            if self.hasFocus() and index == self._current:
                painter.setPen(colour("accent"))
                painter.drawRect(place.adjusted(-2, -2, 1, 1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        for index, row in enumerate(self.rows):
            if self._place(index).contains(event.pos()):
                self._current = index
                self.opened.emit(row)
                return
        event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key_Left, Qt.Key_Right):
            step = 1 if event.key() == Qt.Key_Right else -1
            self._current = min(max(0, self._current + step), len(self.rows) - 1)
            self.update()
        elif event.key() in (Qt.Key_Return, Qt.Key_Enter, Qt.Key_Space):
            self.opened.emit(self.rows[self._current])
        else:
            super().keyPressEvent(event)


class FindingCard(QFrame):
    """One finding.

    Signals:
        chosen(): Its images are to be shown.
        acted(object): One of its cures was clicked: the action as a mapping.
    """

    chosen = pyqtSignal()
    acted = pyqtSignal(object)

    def __init__(self, finding: dict[str, Any], rows: list[int], pictures: Pictures | None) -> None:
        super().__init__()
        self.finding, self.rows, self.pictures = finding, rows, pictures
        self._look = _LOOK.get(str(finding.get("severity")), _LOOK["notice"])
        set_role(self, self._look[2])
        self._icon = QLabel()
        self.message = _words(in_words(str(finding.get("message") or "")))
        column = QVBoxLayout()
        column.setSpacing(6)
        column.addWidget(self.message)
        if cure := str(finding.get("cure") or ""):
            label = _words(in_words(cure))
            label.setProperty("role", "muted")
            column.addWidget(label)
        self.setToolTip("\n".join(map(str, finding.get("where") or [])))
        if pictures is not None:
            column.addWidget(pictures, 0, Qt.AlignLeft)
        self.buttons = self._make_buttons(rows)
        if self.buttons:
            place = QWidget()
            flow = FlowLayout(place)
            for button in self.buttons:
                flow.addWidget(button)
            column.addWidget(place)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 10, 12, 10)
        row.setSpacing(10)
        row.addWidget(self._icon, 0, Qt.AlignTop)
        row.addLayout(column, 1)
        if rows:
            self.setCursor(Qt.PointingHandCursor)
        self.dress()

    def _make_buttons(self, rows: list[int]) -> list[QPushButton]:
        made = []
        for action in self.finding.get("actions") or []:
            button = QPushButton(str(action["label"]).replace("&", "&&"))
            if action["kind"] == "set":
                button.setToolTip("\n".join(f"{k} = {v}" for k, v in action["settings"].items()))
            else:
                button.setToolTip("\n".join(map(str, (action.get("ids") or [])[:12])))
            button.clicked.connect(partial(self._act, action))
            made.append(button)
        if rows and not any(a["kind"] == "open" for a in self.finding.get("actions") or []):
            noun = self.pictures.noun if self.pictures is not None else IMAGE
            first = "the first " if len(self.finding.get("where") or ()) >= MAX_NAMED else ""
            button = QPushButton(f"Show {first}{count(len(rows), *noun)}")
            button.setToolTip("Show them in the grid")
            button.clicked.connect(lambda _: self.chosen.emit())
            made.append(button)
        return made

    def _act(self, action: dict[str, Any], _: bool = False) -> None:
        self.acted.emit(action)

    def dress(self) -> None:
        self._icon.setPixmap(icon(self._look[0], self._look[1]).pixmap(18, 18))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self.rows and self.rect().contains(event.pos()):
            self.chosen.emit()


class FindingsPage(QScrollArea):
    """All findings of a check, as ``{"severity", "message", "cure", "where", "actions"}``. The cards are made a few
    at a time when the page is first seen.

    Attributes:
        found: The findings with the rows of the table that each is about, the worst first.
        cards: Those that are made, in the same order.

    Signals:
        chosen(int): Show the images of this finding of `found`.
        acted(object): A cure was clicked: the action as a mapping.
        opened(int): Row of the table whose picture was clicked.
        pictures_wanted(): The pictures of `wanted` are to be read.
    """

    chosen = pyqtSignal(int)
    acted = pyqtSignal(object)
    opened = pyqtSignal(int)
    pictures_wanted = pyqtSignal()

    def __init__(self, thumbs: Thumbs, overlay: Callable[[], Overlay], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thumbs, self._overlay = thumbs, overlay
        self.found: list[tuple[dict[str, Any], list[int]]] = []
        self.cards: list[FindingCard] = []
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setAccessibleName("Findings")
        self._inner = QWidget()
        self._column = QVBoxLayout(self._inner)
        self._column.setContentsMargins(0, 0, 8, 0)
        self._column.setSpacing(8)
        self._none = QLabel("Nothing was found that has to be looked at.")
        self._none.setProperty("role", "muted")
        self._column.addWidget(self._none)
        self._column.addStretch(1)
        self.setWidget(self._inner)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._make_some)
        self._discard = Discard(self)
        theme().changed.connect(self._dress)

    def put(self, found: list[tuple[dict[str, Any], list[int]]]) -> None:
        """Show these findings, each with the rows of the table that it is about."""
        self._timer.stop()
        for card in self.cards:
            self._column.removeWidget(card)
        self._discard.take(self.cards)
        self.cards = []
        self.found = sorted(found, key=lambda pair: _ORDER.get(str(pair[0].get("severity")), 3))[:_MOST_CARDS]
        self._none.setVisible(not self.found)
        if self.isVisible():
            self._timer.start()

    def close_page(self) -> None:
        """Make no further card."""
        self._timer.stop()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()

    def _make_some(self) -> None:
        for number in range(len(self.cards), min(len(self.found), len(self.cards) + _AT_ONCE)):
            self._add(number, *self.found[number])
        self.pictures_wanted.emit()
        if len(self.cards) < len(self.found) and self.isVisible():
            self._timer.start()

    def _add(self, number: int, finding: dict[str, Any], rows: list[int]) -> None:
        pictures = Pictures(self._thumbs, rows, self._overlay) if rows else None
        card = FindingCard(finding, rows, pictures)
        card.chosen.connect(partial(self.chosen.emit, number))
        card.acted.connect(self.acted)
        if pictures is not None:
            pictures.opened.connect(self.opened)
        self._column.insertWidget(number, card)
        self.cards.append(card)

    def wanted(self) -> list[int]:
        """Rows whose pictures are shown here, in their order."""
        return [row for card in self.cards if card.pictures is not None for row in card.pictures.rows]

    def _dress(self) -> None:
        for card in self.cards:
            card.dress()


def named_in(finding: dict[str, Any]) -> list[str]:
    """Ids and paths that a finding is about: those of its actions, or else the files that it names."""
    ids = [str(i) for a in finding.get("actions") or [] if a.get("kind") != "set" for i in a.get("ids") or ()]
    return list(dict.fromkeys(ids)) or [str(w) for w in finding.get("where") or []]


def short(finding: dict[str, Any], most: int = 60) -> str:
    """The beginning of its message."""
    text = str(finding.get("message") or "")
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _words(text: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.PlainText)
    label.setTextInteractionFlags(Qt.TextSelectableByMouse)
    return label
