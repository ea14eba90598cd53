"""Where the parts of the page of predictions stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from src.ui.widgets.prediction_page import PredictionPage

#: Widths of list, picture and objects in letters, and how they share more room.
_LETTERS, _STRETCH = (38, 86, 50), (0, 3, 1)


def arranged(page: PredictionPage) -> QWidget:
    """Message, counts and buttons, what the job used; below them list, picture and objects side by side."""
    head = QHBoxLayout()
    head.setSpacing(12)
    head.addWidget(page.counts, 1)
    head.addWidget(page.actions)
    side, middle, right = QWidget(), QWidget(), QWidget()
    for place, margins, parts in (
        (side, (0, 0, 6, 0), (page.filters, page.list)),
        (middle, (6, 0, 6, 0), (page.viewer,)),
        (right, (6, 0, 0, 0), (page.objects,)),
    ):
        column = QVBoxLayout(place)
        column.setContentsMargins(*margins)
        column.setSpacing(6)
        for part in parts:
            column.addWidget(part, int(part is parts[-1]))
    split = QSplitter(Qt.Horizontal)
    for number, place in enumerate((side, middle, right)):
        split.addWidget(place)
        split.setStretchFactor(number, _STRETCH[number])
    letter = page.fontMetrics().averageCharWidth()
    split.setSizes([letter * letters for letters in _LETTERS])
    split.setChildrenCollapsible(False)
    full = QWidget()
    column = QVBoxLayout(full)
    column.setContentsMargins(16, 8, 16, 12)
    column.setSpacing(8)
    column.addWidget(page.message)
    column.addLayout(head)
    column.addWidget(page.about)
    column.addWidget(split, 1)
    return full
