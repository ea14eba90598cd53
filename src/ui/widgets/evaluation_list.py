"""Images with small pictures and their scores as a table: sorted by any column at once, ten thousand cost what is seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PyQt5.QtCore import QAbstractTableModel, QModelIndex, QRect, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QImage, QKeyEvent, QKeySequence, QPainter, QPaintEvent
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QShortcut,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from src.ui.theme import colour, theme
from src.ui.widgets.evaluation_pictures import SmallPictures
from src.ui.widgets.tables import copy_rows

Array = np.ndarray[Any, Any]
_SIDE = 60
_GAP = 6
KINDS = ("image", "error")


@dataclass(frozen=True)
class Column:
    """A column of numbers, or of words with their ranks.

    Attributes:
        title: Heading.
        values: One for each image, by which the column is sorted; nan stands at the end in either order.
        words: What stands in the line of an image.
        tip: Of the heading.
    """

    title: str
    values: Array
    words: Callable[[int], str]
    tip: str = ""


class ImagesModel(QAbstractTableModel):
    """Some of the images in an order. The first column is the image itself.

    Attributes:
        rows: Indices of the images, as shown.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: Array = np.zeros(0, np.int64)
        self.columns: list[Column] = []
        self._ids: Sequence[str] = ()
        self._tie: Array = np.zeros(0, np.int64)
        self._by_name: Array = np.zeros(0, np.int64)
        self._sorted = (1, Qt.AscendingOrder)

    def put(self, ids: Sequence[str], by_name: Array, columns: list[Column], rows: Array, tie: Array) -> None:
        """Show these images; ``by_name`` are the ranks of their names, ``tie`` orders those that are equal."""
        self.beginResetModel()
        self._by_name = by_name
        self._ids, self.columns, self._tie = ids, columns, tie
        self.rows = np.asarray(rows, np.int64)
        self._order()
        self.endResetModel()

    def _order(self) -> None:
        column, order = self._sorted
        if column > len(self.columns):
            column = 1
        rows = self.rows[np.argsort(self._tie[self.rows], kind="stable")]
        if column == 0:
            values: Array = self._by_name[rows]
        elif self.columns:
            values = self.columns[column - 1].values[rows]
        else:
            values = np.zeros(len(rows))
        numbers = values.astype(np.float64)
        key = np.where(np.isnan(numbers), np.inf, numbers if order == Qt.AscendingOrder else -numbers)
        self.rows = rows[np.argsort(key, kind="stable")]

    def sort(self, column: int, order: Qt.SortOrder = Qt.AscendingOrder) -> None:
        """By a column; the header asks for it."""
        self.beginResetModel()
        self._sorted = (max(0, column), order)
        self._order()
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.columns) + 1

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        if not index.isValid():
            return None
        image = int(self.rows[index.row()])
        if role in (Qt.DisplayRole, Qt.AccessibleTextRole):
            return self.columns[index.column() - 1].words(image) if index.column() else self._ids[image]
        if role == Qt.ToolTipRole and index.column() == 0:
            return f"{self._ids[image]}\nDouble click or Enter: image, truth, prediction and errors"
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.DisplayRole) -> Any:
        if orientation != Qt.Horizontal or section > len(self.columns):
            return None
        if role == Qt.DisplayRole:
            return self.columns[section - 1].title if section else "Image and errors"
        if role == Qt.ToolTipRole and section:
            return self.columns[section - 1].tip or None
        return None


class _ImageCell(QStyledItemDelegate):
    """Small pictures, then the name."""

    def __init__(self, view: ImageList) -> None:
        super().__init__(view)
        self._view = view

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        chosen = bool(option.state & QStyle.State_Selected)
        role = "selected" if chosen else "window" if index.row() % 2 else "surface"
        painter.fillRect(option.rect, colour(role))
        image = int(self._view.images.rows[index.row()])
        left = option.rect.left() + 4
        for kind in KINDS:
            place = QRect(left, option.rect.top() + 3, self._view.side, option.rect.height() - 6)
            self._picture(painter, place, image, kind)
            left += self._view.side + _GAP
        painter.setPen(colour("text"))
        painter.setFont(option.font)
        room = QRect(left + 2, option.rect.top(), option.rect.right() - left - 4, option.rect.height())
        words = option.fontMetrics.elidedText(str(index.data()), Qt.ElideMiddle, room.width())
        painter.drawText(room, Qt.AlignLeft | Qt.AlignVCenter, words)

    def _picture(self, painter: QPainter, place: QRect, image: int, kind: str) -> None:
        if self._view.path_of(image, kind) is None:
            return
        found = self._view.pictures.find(image, kind)
        if not isinstance(found, QImage):
            painter.fillRect(place, colour("hover"))
            painter.setPen(colour("muted"))
            painter.drawText(place, Qt.AlignCenter, "?" if found is None else "…")
            return
        size = found.size().scaled(place.size(), Qt.KeepAspectRatio)
        target = QRect(place.topLeft(), size)
        target.moveCenter(place.center())
        painter.setRenderHint(painter.SmoothPixmapTransform)
        painter.drawImage(target, found)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(
            2 * (self._view.side + _GAP) + option.fontMetrics.averageCharWidth() * 26, self._view.side
        )


class ImageList(QTableView):
    """The table.

    Attributes:
        images: Its model.
        path_of: File of a small picture by image and kind (``image``, ``error``); None where there is none.
        side: Of a small picture, in device-independent pixels.

    Signals:
        opened(int): The image in this line is wanted large.
    """

    opened = pyqtSignal(int)

    def __init__(
        self, name: str, path_of: Callable[[int, str], Path | None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._dress(name)
        self.path_of, self.side = path_of, _SIDE
        self.images = ImagesModel(self)
        self.pictures = SmallPictures(self)
        self.pictures.loaded.connect(lambda _: self.viewport().update())
        self.setModel(self.images)
        self.setItemDelegateForColumn(0, _ImageCell(self))
        header = self.horizontalHeader()
        header.setSortIndicator(1, Qt.AscendingOrder)
        self.setSortingEnabled(True)
        self.verticalHeader().setSectionResizeMode(QHeaderView.Fixed)
        self.verticalHeader().setDefaultSectionSize(self.side + 6)
        self.doubleClicked.connect(lambda index: self.opened.emit(index.row()))
        theme().changed.connect(self.viewport().update)
        self._planned: tuple[Any, ...] = ()

    def _dress(self, name: str) -> None:
        self.setAccessibleName(name)
        self.setEditTriggers(QAbstractItemView.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectRows)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignLeft | Qt.AlignVCenter)
        copy = QKeySequence(QKeySequence.Copy)
        QShortcut(copy, self, activated=lambda: copy_rows(self), context=Qt.WidgetShortcut)

    def put(self, ids: Sequence[str], by_name: Array, columns: list[Column], rows: Array, tie: Array) -> None:
        """Show these images; see `ImagesModel.put`. The columns keep their widths while they are the same."""
        same = [c.title for c in columns] == [c.title for c in self.images.columns]
        self._planned = ()
        self.images.put(ids, by_name, columns, rows, tie)
        if not same:
            self._fit()

    def _fit(self) -> None:
        header, metrics = self.horizontalHeader(), self.fontMetrics()
        header.resizeSection(0, 2 * (self.side + _GAP) + metrics.averageCharWidth() * 34)
        for number, column in enumerate(self.images.columns, 1):
            shown = [column.words(int(i)) for i in self.images.rows[:20]]
            wide = max(metrics.horizontalAdvance(text) for text in [column.title + "   ", *shown])
            header.resizeSection(number, wide + 24)
        header.setStretchLastSection(True)

    def go_to(self, line: int) -> None:
        """Make a line the current one and show it."""
        self.setCurrentIndex(self.images.index(line, 0))

    def stop(self) -> None:
        """End reading pictures."""
        self.pictures.stop()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key_Return, Qt.Key_Enter, Qt.Key_Space) and self.currentIndex().isValid():
            self.opened.emit(self.currentIndex().row())
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        self._plan()

    def _plan(self) -> None:
        """Pictures of the lines that are seen first, then of those that scrolling shows next."""
        first = max(0, self.rowAt(0))
        many = self.viewport().height() // max(1, self.side + 6) + 2
        plan = (first, many, len(self.images.rows), id(self.images.rows))
        if plan == self._planned:
            return
        self._planned = plan
        lines = [*self.images.rows[first : first + 2 * many], *self.images.rows[max(0, first - many) : first]]
        wishes = [
            (int(i), kind, path)
            for i in lines
            for kind in KINDS
            if (path := self.path_of(int(i), kind)) is not None
        ]
        self.pictures.want(wishes, round(self.side * self.devicePixelRatioF()))
