"""What the dialogs for import and export share: sample pictures, a table of classes, work under way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PyQt5.QtCore import QSize, Qt, QTimer, pyqtSignal
from PyQt5.QtGui import QFont, QPixmap
from PyQt5.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from src.core.dataset.palette import class_colours
from src.ui.text import count
from src.ui.theme import set_role, sized_font
from src.ui.widgets.elided import ElidedLabel
from src.ui.widgets.flow import FlowLayout

PARTS = {"train": "training", "val": "validation", "test": "test", "": "no part yet"}
_SIDE = 168
_CLASSES_SHOWN = 100


def heading(text: str, factor: float = 1.0) -> QLabel:
    """A line over a group of widgets."""
    made = QLabel(text)
    made.setFont(sized_font(made, factor, QFont.DemiBold))
    return made


def sentence(text: str, role: str = "") -> QLabel:
    """Words that wrap and can be copied."""
    made = QLabel(text)
    made.setWordWrap(True)
    made.setTextFormat(Qt.PlainText)
    made.setTextInteractionFlags(Qt.TextSelectableByMouse)
    if role:
        made.setProperty("role", role)
    return made


def parts_text(parts: Mapping[str, int]) -> str:
    """``40 for training, 15 for validation.``, or what happens to images without a part."""
    if set(parts) == {""}:
        return "It says nothing of training and validation: Lathe divides the images."
    text = ", ".join(f"{number:,} for {PARTS.get(part, part)}" for part, number in parts.items())
    return f"{text}." if text else ""


def emptied(layout: Any) -> None:
    """Take every widget out of a layout and delete it."""
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()


class SamplePictures(QScrollArea):
    """A few images with what is marked on them, drawn by the data job."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setAccessibleName("Samples with what is marked on them")
        self._page = QWidget()
        self._flow = FlowLayout(self._page, 10)
        self.setWidget(self._page)
        self._left: list[Mapping[str, Any]] = []
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._one_more)

    def show_samples(self, samples: Sequence[Mapping[str, Any]]) -> None:
        """Samples with ``id``, ``picture`` (a file, or empty), ``why`` and ``objects``."""
        emptied(self._flow)
        self._left = list(samples)
        self._timer.start(0)

    def _one_more(self) -> None:
        """One picture at a time: all at once would be a pause that can be felt."""
        if not self._left:
            self._timer.stop()
            return
        self._flow.addWidget(_picture(self._left.pop(0)))
        self._page.updateGeometry()


def _picture(sample: Mapping[str, Any]) -> QWidget:
    frame, picture = QFrame(), QLabel()
    picture.setAlignment(Qt.AlignCenter)
    pixels = QPixmap(str(sample["picture"])) if sample.get("picture") else QPixmap()
    if pixels.isNull():
        picture.setFixedSize(QSize(_SIDE, _SIDE))
        picture.setText("cannot be shown")
        picture.setProperty("role", "muted")
    else:
        shown = pixels.scaled(_SIDE, _SIDE, Qt.KeepAspectRatio, Qt.SmoothTransformation)
        picture.setPixmap(shown)
        picture.setFixedSize(_SIDE, max(shown.height(), _SIDE // 3))
    name = ElidedLabel(str(sample["id"]))
    name.setFixedWidth(_SIDE)
    words = objects_text(sample.get("objects") or {})
    what = ElidedLabel(words)
    what.setFixedWidth(_SIDE)
    what.setProperty("role", "muted")
    column = QVBoxLayout(frame)
    column.setContentsMargins(0, 0, 0, 4)
    column.setSpacing(2)
    for widget in (picture, name, what):
        column.addWidget(widget)
    frame.setToolTip("\n".join(filter(None, [str(sample["id"]), words, str(sample.get("why") or "")])))
    return frame


def objects_text(objects: Mapping[str, int]) -> str:
    """``3 fig, 2 date``; where objects were not counted (all 1) the names alone."""
    if not objects:
        return "nothing marked"
    if set(objects.values()) == {1}:
        return ", ".join(objects)
    return ", ".join(f"{number} {name}" for name, number in objects.items())


class ClassTable(QWidget):
    """The classes: colour, name, on how many images, how many objects."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(14)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(1, 1)

    def show_classes(self, names: Sequence[str], images: Sequence[int], objects: Sequence[int]) -> None:
        """Numbers may be missing (empty): then their column is."""
        emptied(self._grid)
        for column, word in enumerate(("", "", "Images" if images else "", "Objects" if objects else "")):
            if word:
                self._grid.addWidget(sentence(word, "muted"), 0, column, Qt.AlignRight)
        colours = class_colours(len(names))
        for row, name in enumerate(names[:_CLASSES_SHOWN], 1):
            swatch = QLabel()
            swatch.setFixedSize(12, 12)
            swatch.setStyleSheet("background: rgb({}, {}, {}); border-radius: 2px;".format(*colours[row - 1]))
            self._grid.addWidget(swatch, row, 0)
            self._grid.addWidget(sentence(name), row, 1)
            background = row == 1 and bool(objects)
            for column, numbers in ((2, images), (3, objects)):
                if numbers and not background:
                    self._grid.addWidget(sentence(f"{numbers[row - 1]:,}"), row, column, Qt.AlignRight)
        if len(names) > _CLASSES_SHOWN:
            more = sentence(f"and {count(len(names) - _CLASSES_SHOWN, 'class', 'classes')} more", "muted")
            self._grid.addWidget(more, _CLASSES_SHOWN + 1, 1)


class Working(QFrame):
    """Work under way: what, how far, and a way to end it.

    Signals:
        cancelled(): The button.
    """

    cancelled = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "info")
        self.words = QLabel()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress")
        self.cancel = QPushButton("&Cancel")
        self.cancel.setAutoDefault(False)
        self.cancel.clicked.connect(lambda _: self.cancelled.emit())
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 8, 8)
        row.setSpacing(12)
        row.addWidget(self.words)
        row.addWidget(self.bar, 1)
        row.addWidget(self.cancel)
        self.hide()

    def begin(self, what: str) -> None:
        """Show that work has begun; how much it is, is not known yet."""
        self.tell(0, 0, what)
        self.show()

    def tell(self, done: int, total: int, what: str) -> None:
        """How far it is."""
        self.words.setText(f"{what}: {done:,} of {total:,}" if total else f"{what}…")
        self.bar.setRange(0, total)
        self.bar.setValue(done)
