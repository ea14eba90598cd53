"""The confusion matrix as a heat map: a table, so that keys and screen readers reach every cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PyQt5.QtCore import QAbstractTableModel, QModelIndex, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QPainter, QPen
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QBoxLayout,
    QHeaderView,
    QLabel,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from src.core.report.text import DASH, count, percent
from src.ui.theme import colour, sized_font, theme

#: Small shares of errors are what one looks for: the strength of a colour grows with this power of the share.
_POWER = 0.45
_NAME_LETTERS = 16
_MOST_LINES = 14


class MatrixModel(QAbstractTableModel):
    """Rows are true classes, columns predicted ones; a cell shows its share of the row.

    Attributes:
        matrix: K×K pixels, or what else is counted.
        shares: K×K, of the row; nan in a row without any.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.names: list[str] = []
        self.matrix = np.zeros((0, 0), np.int64)
        self.shares = np.zeros((0, 0))
        self._images: dict[tuple[int, int], int] = {}
        self.noun = ("pixel", "pixels")

    def put(
        self,
        names: Sequence[str],
        matrix: Any,
        images: dict[tuple[int, int], int],
        noun: tuple[str, str] = ("pixel", "pixels"),
    ) -> None:
        """Show this.

        Args:
            names: Of the classes.
            matrix: K×K counts, true class by row.
            images: How many images are behind a cell, where that is known.
            noun: What is counted: one, and many.
        """
        self.noun = noun
        self.beginResetModel()
        self.names, self._images = list(names), images
        self.matrix = np.asarray(matrix, np.int64).reshape(len(names), len(names))
        rows = self.matrix.sum(1, keepdims=True)
        self.shares = np.where(rows > 0, self.matrix / np.maximum(rows, 1), np.nan)
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.names)

    columnCount = rowCount

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = index.row(), index.column()
        if role == Qt.DisplayRole:
            share = float(self.shares[row, column])
            if not self.matrix[row, column]:
                return DASH if np.isnan(share) else "0"
            return percent(share)
        if role in (Qt.ToolTipRole, Qt.AccessibleTextRole):
            return self.words(row, column)
        return None

    def words(self, row: int, column: int) -> str:
        """A cell in a sentence, with its counts."""
        pixels, share = int(self.matrix[row, column]), float(self.shares[row, column])
        if np.isnan(share):
            return f"No {self.noun[0]} is {self.names[row]}."
        said = f"{count(pixels, *self.noun)} of {self.names[row]}, {percent(share)} of them, "
        words = f"{said}are predicted as {self.names[column]}"
        many = self._images.get((row, column))
        return words + (f", on {count(many, 'image')}." if many else ".")

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.DisplayRole) -> Any:
        if section >= len(self.names):
            return None
        if role == Qt.DisplayRole:
            name = self.names[section]
            return name if len(name) <= _NAME_LETTERS else name[: _NAME_LETTERS - 1] + "…"
        if role == Qt.ToolTipRole:
            return f"{'Predicted' if orientation == Qt.Horizontal else 'True'} class: {self.names[section]}"
        return None


class _Cell(QStyledItemDelegate):
    """Blue on the diagonal, orange off it: people with colour-blindness tell these apart."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        model = index.model()
        assert isinstance(model, MatrixModel)
        share = float(model.shares[index.row(), index.column()])
        role = "plot_a" if index.row() == index.column() else "plot_b"
        shade = _mixed(colour("surface"), colour(role), 0.0 if np.isnan(share) else share**_POWER)
        painter.fillRect(option.rect.adjusted(1, 1, -1, -1), shade)
        dark = 0.299 * shade.red() + 0.587 * shade.green() + 0.114 * shade.blue() < 140
        painter.setPen(Qt.white if dark else Qt.black)
        if not model.matrix[index.row(), index.column()]:
            painter.setPen(colour("muted"))
        painter.setFont(option.font)
        painter.drawText(option.rect, Qt.AlignCenter, str(index.data() or ""))
        if option.state & QStyle.State_Selected:
            painter.setPen(QPen(colour("text"), 2))
            painter.drawRect(option.rect.adjusted(2, 2, -2, -2))

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(
            QFontMetrics(option.font).horizontalAdvance(" 00.0 % ") + 8,
            round(option.fontMetrics.height() * 2.2),
        )


class _Table(QTableView):
    """Enter and the space bar open the current cell."""

    opened = pyqtSignal(int, int)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key_Return, Qt.Key_Enter, Qt.Key_Space) and self.currentIndex().isValid():
            self.opened.emit(self.currentIndex().row(), self.currentIndex().column())
        else:
            super().keyPressEvent(event)


class ConfusionView(QWidget):
    """The heat map with a line that says what the cell under the pointer or the keys means.

    Attributes:
        whole: Width at which all columns are seen.

    Signals:
        opened(int, int): The images behind a cell (true, predicted) are wanted.
    """

    opened = pyqtSignal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.whole = 0
        self.model = MatrixModel(self)
        self.view = _Table()
        self.view.setModel(self.model)
        self.view.setItemDelegate(_Cell(self.view))
        self.view.setAccessibleName("Confusion matrix")
        self.view.setShowGrid(False)
        self.view.setTabKeyNavigation(False)
        self.view.setSelectionMode(QAbstractItemView.SingleSelection)
        self.view.setEditTriggers(QAbstractItemView.NoEditTriggers)
        self.view.setMouseTracking(True)
        self.view.setCornerButtonEnabled(False)
        self.view.horizontalHeader().setSectionResizeMode(QHeaderView.Fixed)
        self.view.verticalHeader().setSectionResizeMode(QHeaderView.Fixed)
        self.view.entered.connect(self._say)
        self.view.clicked.connect(lambda index: self.opened.emit(index.row(), index.column()))
        self.view.opened.connect(self.opened)
        self.view.selectionModel().currentChanged.connect(lambda index, _: self._say(index))
        self.heading = QLabel("Confusion matrix")
        self.about = about = QLabel(
            "Rows: true class. Columns: predicted class. Share of the row’s pixels; a click or Enter shows the images."
        )
        about.setWordWrap(True)
        self.words = QLabel(" ")
        for label in (about, self.words):
            label.setProperty("role", "muted")
            label.setTextFormat(Qt.PlainText)
        self.words.setWordWrap(True)
        self.words.setMinimumHeight(self.fontMetrics().lineSpacing() * 2 + 2)
        self.words.setAlignment(Qt.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for widget in (self.heading, about, self.view, self.words):
            column.addWidget(widget)
        column.addStretch(1)
        theme().changed.connect(self._dress)
        self._dress()

    def put(
        self,
        names: Sequence[str],
        matrix: Any,
        images: dict[tuple[int, int], int],
        noun: tuple[str, str] = ("pixel", "pixels"),
        about: str = "",
    ) -> None:
        """Show this; see `MatrixModel.put`. ``about`` stands above it instead of the words for images."""
        self.model.put(names, matrix, images, noun)
        if about:
            self.about.setText(about)
        self._dress()

    def find_place(self, row: QBoxLayout, room: int, letters: int) -> None:
        """Stand beside the tables of its ``row`` where they have ``letters`` in the ``room`` (pixels) it leaves, else below them."""
        beside = room - self.whole - 56 >= letters * self.fontMetrics().averageCharWidth()
        row.setDirection(QBoxLayout.LeftToRight if beside else QBoxLayout.TopToBottom)
        self.setMinimumWidth(self.whole if beside else 0)

    def _dress(self) -> None:
        self.heading.setFont(sized_font(self, 1.1, QFont.DemiBold))
        metrics = self.view.fontMetrics()
        high = round(metrics.height() * 2.2)
        names = [str(self.model.headerData(i, Qt.Horizontal)) for i in range(len(self.model.names))]
        wide = max(
            [metrics.horizontalAdvance(n) + 16 for n in names] + [metrics.horizontalAdvance(" 00.0 % ") + 10]
        )
        self.view.horizontalHeader().setDefaultSectionSize(wide)
        self.view.verticalHeader().setDefaultSectionSize(high)
        lines = min(len(names), _MOST_LINES)
        bar = self.view.horizontalScrollBar().sizeHint().height()
        self.view.setFixedHeight(self.view.horizontalHeader().sizeHint().height() + lines * high + 4 + bar)
        self.whole = self.view.verticalHeader().sizeHint().width() + len(names) * wide + 4 + bar
        self.view.setMaximumWidth(self.whole)
        self.view.viewport().update()

    def _say(self, index: QModelIndex) -> None:
        if index.isValid():
            self.words.setText(self.model.words(index.row(), index.column()))


def _mixed(low: QColor, high: QColor, share: float) -> QColor:
    return QColor(
        *(round(a + share * (b - a)) for a, b in zip(low.getRgb()[:3], high.getRgb()[:3], strict=True))
    )
