"""The predicted images one below the other, with a small picture, what was found and what a person decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PyQt5.QtCore import QAbstractListModel, QModelIndex, QRect, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QFont, QImage, QPainter, QPaintEvent
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from src.threads.predictions_tail import ACCEPTED, REJECTED
from src.ui.icons import paint_icon
from src.ui.text import count
from src.ui.theme import colour, theme
from src.ui.widgets.evaluation_pictures import SmallPictures
from src.ui.widgets.prediction_table import AS_PREDICTED, Array, Filter, ImageTable

_SIDE = 56
_GAP = 8
_MARK = 16
#: Verdict to its icon, the role of its colour and its word.
MARKS = {ACCEPTED: ("state-completed", "good", "accepted"), REJECTED: ("close", "bad", "rejected")}


class PredictionsModel(QAbstractListModel):
    """The images that pass a filter.

    Attributes:
        table: All images.
        rows: Rows of the table, as shown.
        filter: What is shown.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = ImageTable()
        self.rows: Array = np.zeros(0, np.int64)
        self.filter = Filter()

    def put(self, table: ImageTable) -> None:
        """Show other images."""
        self.beginResetModel()
        self.table = table
        self.rows = table.chosen(self.filter)
        self.endResetModel()

    def show_only(self, wanted: Filter) -> None:
        """Another filter or order; also brings what changed since into its place."""
        self.beginResetModel()
        self.filter = wanted
        self.rows = self.table.chosen(wanted)
        self.endResetModel()

    def append(self, first: int) -> bool:
        """Show the images from row ``first`` of the table on; False where another order asks for `show_only`."""
        if self.filter.order != AS_PREDICTED:
            return False
        more = self.table.chosen(self.filter, first)
        if len(more):
            self.beginInsertRows(QModelIndex(), len(self.rows), len(self.rows) + len(more) - 1)
            self.rows = np.concatenate([self.rows, more])
            self.endInsertRows()
        return True

    def line_of(self, row: int) -> int:
        """Where a row of the table is shown; -1 where it is not."""
        found = np.flatnonzero(self.rows == row)
        return int(found[0]) if len(found) else -1

    def words(self, row: int, between: str = " · ") -> str:
        """What was found on an image, and the scores of its objects; ``between`` them."""
        table = self.table
        if row in table.errors:
            return f"Failed: {table.errors[row]}"
        many = int(table.column("objects")[row])
        words = count(many, "object") if many else "no object"
        low, high = float(table.column("low")[row]), float(table.column("high")[row])
        if np.isnan(high):
            return words
        return f"{words}{between}{high:.2f}" if many == 1 else f"{words}{between}{low:.2f}–{high:.2f}"

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self.rows):
            return None
        row = int(self.rows[index.row()])
        if role == Qt.DisplayRole:
            return self.table.names[row]
        if role in (Qt.AccessibleTextRole, Qt.ToolTipRole):
            mark = MARKS.get(int(self.table.column("verdict")[row]))
            words = f"{self.table.names[row]}\n{self.words(row, ', score ')}" + (
                f", {mark[2]}" if mark else ""
            )
            return words if role == Qt.ToolTipRole else words.replace("\n", ", ")
        return None


class _Cell(QStyledItemDelegate):
    """Picture, name, what was found, verdict."""

    def __init__(self, view: PredictionList) -> None:
        super().__init__(view)
        self._view = view

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        model, area = self._view.images, option.rect
        row = int(model.rows[index.row()])
        chosen = bool(option.state & QStyle.State_Selected)
        painter.fillRect(area, colour("selected" if chosen else "window" if index.row() % 2 else "surface"))
        if index.row() == self._view.currentIndex().row() and self._view.hasFocus():
            painter.fillRect(QRect(area.left(), area.top(), 3, area.height()), colour("accent"))
        self._picture(painter, QRect(area.left() + _GAP, area.top() + 3, _SIDE, area.height() - 6), row)
        left = area.left() + _SIDE + 2 * _GAP
        mark = MARKS.get(int(model.table.column("verdict")[row]))
        room = area.right() - left - _GAP - (_MARK + _GAP if mark else 0)
        if mark:
            place = area.center()
            place.setX(area.right() - _MARK - _GAP)
            place.setY(place.y() - _MARK // 2)
            paint_icon(painter, mark[0], mark[1], place, _MARK)
        half = area.height() // 2
        font = QFont(option.font)
        font.setWeight(QFont.DemiBold)
        lines = ((str(index.data()), font, "text", area.top() + 2, Qt.AlignBottom, Qt.ElideMiddle),
                 (model.words(row), option.font, "bad" if row in model.table.errors else "muted", area.top() + half + 1,
                  Qt.AlignTop, Qt.ElideRight))  # fmt: skip
        for words, face, role, top, align, cut in lines:
            painter.setFont(face)
            painter.setPen(colour(role))
            shown = painter.fontMetrics().elidedText(words, cut, room)
            painter.drawText(QRect(left, top, room, half - 3), Qt.AlignLeft | align, shown)

    def _picture(self, painter: QPainter, place: QRect, row: int) -> None:
        found = self._view.pictures.find(row, "small")
        if not isinstance(found, QImage):
            painter.fillRect(place, colour("hover"))
            painter.setPen(colour("muted"))
            painter.drawText(place, Qt.AlignCenter, "?" if found is None else "…")
            return
        target = QRect(place.topLeft(), found.size().scaled(place.size(), Qt.KeepAspectRatio))
        target.moveCenter(place.center())
        painter.setRenderHint(QPainter.SmoothPixmapTransform)
        painter.drawImage(target, found)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(240, self._view.line_height())


class PredictionList(QTableView):
    """The list; several images can be selected and decided together.

    Attributes:
        images: Its model.
        pictures: The small pictures.
        folder: Where the overlays lie.

    Signals:
        wanted(int): This row of the table is the current one; -1 for none.
    """

    wanted = pyqtSignal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.folder, self._current = Path(), -1
        self._planned: tuple[Any, ...] = ()
        self.images = PredictionsModel(self)
        self.pictures = SmallPictures(self)
        self.pictures.loaded.connect(lambda _: self.viewport().update())
        self.setModel(self.images)
        self.setItemDelegate(_Cell(self))
        self.setAccessibleName("Predicted images")
        self.setEditTriggers(QAbstractItemView.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectRows)
        self.setSelectionMode(QAbstractItemView.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollPerPixel)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.horizontalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.Stretch)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.Fixed)
        self._dress()
        theme().changed.connect(self._dress)

    def line_height(self) -> int:
        """Of an image."""
        return max(_SIDE + 6, 2 * self.fontMetrics().height() + 14)

    def _dress(self) -> None:
        self.verticalHeader().setDefaultSectionSize(self.line_height())
        self.viewport().update()

    def show_table(self, table: ImageTable, folder: Path) -> None:
        """Other images."""
        self.folder, self._current, self._planned = folder, -1, ()
        self.pictures.forget()
        self.images.put(table)

    def show_only(self, wanted: Filter) -> None:
        """Filter and order; the current image stays the current one where it is still shown."""
        row = self._current
        self._current, self._planned = -1, ()
        self.images.show_only(wanted)
        line = self.images.line_of(row)
        if line >= 0:
            self._current = row
            self.go_to(line)
        elif len(self.images.rows):
            self.go_to(0)
        else:
            self.wanted.emit(-1)

    def go_to(self, line: int) -> None:
        """Make a line the current one and show it."""
        self.setCurrentIndex(self.images.index(line))

    def step(self, step: int) -> bool:
        """Go so many lines further; False at the ends."""
        line = self.currentIndex().row() + step
        if not 0 <= line < len(self.images.rows):
            return False
        self.go_to(line)
        return True

    def chosen(self) -> Array:
        """Rows of the table that are selected, or the current one."""
        parts = [
            self.images.rows[part.top() : part.bottom() + 1] for part in self.selectionModel().selection()
        ]
        if not parts and self.currentIndex().isValid():
            parts = [self.images.rows[[self.currentIndex().row()]]]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    def currentChanged(self, current: QModelIndex, previous: QModelIndex) -> None:
        super().currentChanged(current, previous)
        row = int(self.images.rows[current.row()]) if current.isValid() else -1
        if row != self._current and row >= 0:
            self._current = row
            self.wanted.emit(row)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        self._plan()

    def _plan(self) -> None:
        """Pictures of the lines that are seen first, then of those that scrolling shows next."""
        first = max(0, self.rowAt(0))
        many = self.viewport().height() // max(1, self.line_height()) + 2
        rows = self.images.rows
        plan = (first, many, len(rows) if len(rows) < first + 2 * many else -1, self.folder)
        if plan == self._planned:
            return
        self._planned = plan
        table = self.images.table
        lines = [*rows[first : first + 2 * many].tolist(), *rows[max(0, first - many) : first].tolist()]
        paths = (
            (row, self.folder / table.pictures[row] if table.pictures[row] else Path(table.paths[row]))
            for row in lines
        )
        self.pictures.want(
            [(row, "small", path) for row, path in paths], round(_SIDE * self.devicePixelRatioF())
        )

    def forget_pictures(self) -> None:
        """Images were predicted again."""
        self.pictures.forget()
        self._planned = ()
        self.viewport().update()

    def stop(self) -> None:
        """End reading pictures."""
        self.pictures.stop()
