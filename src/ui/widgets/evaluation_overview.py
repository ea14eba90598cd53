"""The first page of an evaluation: the numbers that count, on what data, class by class, and what is taken for what."""

from __future__ import annotations

import datetime as dt
from typing import Any

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QFont, QResizeEvent, QStandardItem, QStandardItemModel
from PyQt5.QtWidgets import QBoxLayout, QFrame, QHeaderView, QLabel, QScrollArea, QVBoxLayout, QWidget

from src.core.report.text import DASH, count, duration, percent
from src.ui.theme import class_colours, sized_font, theme
from src.ui.widgets.evaluation_data import EvaluationData, between, figure
from src.ui.widgets.evaluation_matrix import ConfusionView
from src.ui.widgets.evaluation_tiles import Tiles, headline, put_strips, warnings
from src.ui.widgets.tables import _swatch, table
from src.ui.wording import in_words

_MOST_ROWS = 14
_MOST_NAMED = 8
#: Letters of the narrowest table of classes beside which the matrix stands.
_TABLE_LETTERS = 80
_MEASURES = (("iou", "IoU"), ("dice", "Dice"), ("precision", "Precision"), ("recall", "Recall"))


class OverviewPage(QScrollArea):
    """Tiles, sentences, table of classes, confusion matrix.

    Signals:
        cell_opened(int, int): See `ConfusionView.opened`.
    """

    cell_opened = pyqtSignal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setAccessibleName("Overview")
        self.tiles, self.facts = Tiles(), QLabel()
        self.facts.setWordWrap(True)
        self.facts.setTextFormat(Qt.PlainText)
        self.facts.setTextInteractionFlags(Qt.TextSelectableByMouse)
        self.notes = QLabel()
        self.notes.setWordWrap(True)
        self.notes.setTextFormat(Qt.PlainText)
        self.notes.setProperty("role", "muted")
        self.classes = _ClassTable()
        self.matrix = ConfusionView()
        self.matrix.opened.connect(self.cell_opened)
        inner = QWidget()
        self._lower = QBoxLayout(QBoxLayout.LeftToRight)
        self._lower.setSpacing(24)
        self._lower.addWidget(self.classes, 1, Qt.AlignTop)
        self._lower.addWidget(self.matrix, 0, Qt.AlignTop)
        column = QVBoxLayout(inner)
        column.setContentsMargins(16, 14, 16, 16)
        column.setSpacing(14)
        self._strips = QVBoxLayout()
        column.addLayout(self._strips)
        column.addWidget(self.facts)
        column.addWidget(self.tiles)
        column.addWidget(self.notes)
        column.addLayout(self._lower)
        column.addStretch(1)
        self.setWidget(inner)

    def put(self, data: EvaluationData) -> None:
        """Show an evaluation."""
        document = data.document
        put_strips(self._strips, [w for w in warnings(document) if w[0] == "warn"])
        self.facts.setText(about(data))
        self.tiles.put(headline(data))
        notes = remarks(data)
        self.notes.setText("\n".join(notes))
        self.notes.setVisible(bool(notes))
        self.classes.put(data)
        images = {(c.true, c.predicted): c.image_count for c in document.confusion.cells}
        self.matrix.put(document.classes, document.confusion.matrix, images)
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        self.matrix.find_place(self._lower, self.viewport().width(), _TABLE_LETTERS)


class _ClassTable(QWidget):
    """Scores of each class over all pixels, with their intervals."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heading = QLabel("Classes")
        self.about = QLabel()
        self.about.setProperty("role", "muted")
        self.about.setWordWrap(True)
        self.model = QStandardItemModel(self)
        self.model.setSortRole(Qt.UserRole)
        self.view = table("Scores of each class")
        self.view.setModel(self.model)
        self.view.setSortingEnabled(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for widget in (self.heading, self.about, self.view):
            column.addWidget(widget)
        theme().changed.connect(self._dress)
        self._dress()

    def put(self, data: EvaluationData) -> None:
        """Show the classes of an evaluation."""
        document = data.document
        self.model.clear()
        self.model.setHorizontalHeaderLabels(
            [
                "Class",
                *(title for _, title in _MEASURES),
                "IoU, mean over images",
                "True pixels",
                "Objects found",
            ]
        )
        shades = class_colours(max(2, len(document.classes)))
        found = {c.number: c for c in document.objects.classes}
        total = max(1, sum(c.pixels for c in document.metrics.classes))
        for number, one in enumerate(document.metrics.classes):
            name = _item(f"  {one.name}", number)
            name.setData(_swatch(shades[number]), Qt.DecorationRole)
            scores = [_scored(one.pooled.get(key)) for key, _ in _MEASURES]
            share = _item(f"{one.pixels:,}  ({percent(one.pixels / total)})", one.pixels)
            objects = found.get(number)
            seen = _item(f"{objects.found:,} of {objects.objects:,}" if objects else DASH,
                         -1.0 if objects is None or objects.rate is None else objects.rate)  # fmt: skip
            self.model.appendRow([name, *scores, _scored(one.images.get("iou")), share, seen])
        self.about.setText(f"All pixels together. {document.interval.sentence}")
        self.view.sortByColumn(0, Qt.AscendingOrder)
        self._dress()

    def _dress(self) -> None:
        self.heading.setFont(sized_font(self, 1.1, QFont.DemiBold))
        header = self.view.horizontalHeader()
        self.view.resizeColumnsToContents()
        for column in range(self.model.columnCount()):
            header.resizeSection(column, header.sectionSize(column) + 14)
        header.setSectionResizeMode(QHeaderView.Interactive)
        header.setStretchLastSection(True)
        lines = min(max(1, self.model.rowCount()), _MOST_ROWS)
        high = self.view.verticalHeader().defaultSectionSize()
        bar = self.view.horizontalScrollBar().sizeHint().height()
        self.view.setFixedHeight(header.sizeHint().height() + lines * high + 4 + bar)


def _item(text: str, sort: Any) -> QStandardItem:
    item = QStandardItem(text)
    item.setData(sort, Qt.UserRole)
    return item


def _scored(interval: Any) -> QStandardItem:
    if interval is None or interval.value is None:
        item = _item(DASH, -1.0)
        item.setToolTip("This class neither is there nor was predicted.")
        return item
    words = between(interval)
    return _item(
        f"{figure(interval.value)}  ({words})" if words else figure(interval.value),
        interval.value,
    )


def about(data: EvaluationData) -> str:
    """Which model on which data."""
    document = data.document
    model, facts = document.model, document.data
    network = " with ".join(filter(None, (model.architecture, model.encoder)))
    groups = count(facts.groups, "group")
    by = f" (by {facts.grouped_by})" if facts.grouped_by and facts.grouped_by != "data" else ""
    words = f"{model.name}{f', {network},' if network else ''} on {data.data_words}, {groups}{by}, {facts.pixels:,} pixels"
    words += f" ({facts.ignored:,} more are ignored)." if facts.ignored else "."
    speed = f" at {document.images_per_second:.1f} images a second" if document.images_per_second else ""
    return f"{words} Evaluated on {day(document.created)} in {duration(float(document.seconds))}{speed}."


def day(created: str) -> str:
    try:
        when = dt.datetime.fromisoformat(created)
    except ValueError:
        return created or "at an unknown time"
    when = when.astimezone() if when.tzinfo else when
    return f"{when.day} {when:%B %Y at %H:%M}"


def remarks(data: EvaluationData) -> list[str]:
    """What should be known beside the numbers but need not shout."""
    document = data.document
    found = [in_words(f"{n.message} {n.cure}".strip()) for n in document.notes if n.severity != "warning"]
    left = document.left_out
    if left:
        named = "; ".join(f"{one.id}: {one.reason}" for one in left[:_MOST_NAMED])
        more = f"; and {len(left) - _MOST_NAMED:,} more" if len(left) > _MOST_NAMED else ""
        found.append(f"{count(len(left), 'image')} count nowhere: {named}{more}")
    return found
