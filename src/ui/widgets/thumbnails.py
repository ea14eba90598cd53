"""Thumbnails of a data set as a virtual grid: a hundred thousand images cost what is on the screen."""

from __future__ import annotations

from typing import Any

import numpy as np
from PyQt5.QtCore import (
    QItemSelection,
    QItemSelectionRange,
    QModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    pyqtSignal,
)
from PyQt5.QtGui import (
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QRegion,
    QResizeEvent,
    QWheelEvent,
)
from PyQt5.QtWidgets import QAbstractItemView, QWidget

from src.ui.theme import colour, sized_font, theme
from src.ui.widgets.grid_places import Places
from src.ui.widgets.overlay import Overlay
from src.ui.widgets.thumbnail_model import SPLIT_TITLES, ThumbnailModel, Thumbs
from src.ui.widgets.thumbnail_paint import AIR, CellPainter

SIDES = (80, 256)

__all__ = ["SIDES", "SPLIT_TITLES", "Thumbnails"]


class Thumbnails(QAbstractItemView):
    """The grid. All cells are of one size, so that where each stands is a division, not a list.

    Attributes:
        samples: The model.
        places: Where its images stand.
        thumbs: The pictures.
        cells: How they are painted: overlay and opacity.

    Signals:
        order_asked(str): A key was pressed that orders something for the selection: ``exclude``.
        side_changed(int): The thumbnails were made larger or smaller by the wheel.
    """

    order_asked = pyqtSignal(str)
    side_changed = pyqtSignal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cells = CellPainter()
        self._side = 148
        self.places = Places(air=AIR)
        self._planned: tuple[Any, ...] = ()
        self.samples = ThumbnailModel(self)
        self.thumbs = Thumbs(self)
        self.thumbs.loaded.connect(self._loaded)
        self.setModel(self.samples)
        self.setSelectionMode(QAbstractItemView.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarAlwaysOn)  # its coming and going would change the columns
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.setAccessibleName("Images of the data set")
        self._hovered = QModelIndex()
        self._dress()
        theme().changed.connect(self._dress)

    def _dress(self) -> None:
        self.cells.font = sized_font(self, 0.85)
        self._lay()

    # ---- what is shown

    def set_side(self, side: int) -> None:
        """Larger or smaller thumbnails; the image that was first stays in sight."""
        if side == self._side:
            return
        first = self.places.at(QPoint(AIR + 1, AIR + 1))
        self._side = side
        self._lay()
        if 0 <= first < len(self.samples.rows):
            self.verticalScrollBar().setValue(first // self.places.columns * self.places.cell.height())

    def set_opacity(self, opacity: float) -> None:
        """Show the masks stronger or weaker."""
        self.cells.opacity = opacity
        self.viewport().update()

    def set_overlay(self, overlay: Overlay) -> None:
        """Draw the masks another way."""
        self.cells.overlay = overlay
        self.viewport().update()

    def selected_rows(self) -> list[int]:
        """Rows of the table that are selected, in the order shown."""
        spans = [(r.top(), r.bottom() + 1) for r in self.selectionModel().selection()]
        places = [p for low, high in sorted(spans) for p in range(low, high)]
        return [int(v) for v in self.samples.rows[places]]

    def current_row(self) -> int:
        """Row of the table of the current image; -1 without one."""
        index = self.currentIndex()
        return int(self.samples.rows[index.row()]) if index.isValid() else -1

    def go_to(self, row: int) -> None:
        """Make an image the current one and show it."""
        position = self.samples.position(row)
        if position >= 0:
            self.setCurrentIndex(self.samples.index(position))

    # ---- where things are

    def _lay(self) -> None:
        room = max(1, self.viewport().width() - 2 * AIR)
        self.places.columns = max(1, room // (self._side + 14))
        wide = room // self.places.columns
        self.places.cell = QSize(wide, wide - 8 + QFontMetrics(self.cells.font).height() + 12)
        self.updateGeometries()
        self.viewport().update()

    def updateGeometries(self) -> None:
        bar, height = self.verticalScrollBar(), self.viewport().height()
        self.places.many = len(self.samples.rows)
        bar.setSingleStep(max(1, self.places.cell.height() // 3))
        bar.setPageStep(max(1, height - self.places.cell.height() // 3))
        bar.setRange(0, max(0, self.places.height - height))
        super().updateGeometries()

    def visible(self) -> range:
        """Positions that are at least partly on the screen."""
        return self.places.between(0, self.viewport().height() - 1)

    def visualRect(self, index: QModelIndex) -> QRect:
        return self.places.rect(index.row()) if index.isValid() else QRect()

    def indexAt(self, place: QPoint) -> QModelIndex:
        position = self.places.at(place)
        return self.samples.index(position) if position >= 0 else QModelIndex()

    def scrollTo(self, index: QModelIndex, hint: int = QAbstractItemView.EnsureVisible) -> None:
        if not index.isValid():
            return
        rect, bar, height = self.places.rect(index.row()), self.verticalScrollBar(), self.viewport().height()
        if hint == QAbstractItemView.PositionAtCenter:
            bar.setValue(bar.value() + rect.center().y() - height // 2)
        elif rect.top() < 0 or hint == QAbstractItemView.PositionAtTop:
            bar.setValue(bar.value() + rect.top() - AIR)
        elif rect.bottom() > height:
            bar.setValue(bar.value() + min(rect.top(), rect.bottom() - height + AIR))

    def horizontalOffset(self) -> int:
        return 0

    def verticalOffset(self) -> int:
        return self.verticalScrollBar().value()

    def isIndexHidden(self, index: QModelIndex) -> bool:
        return False

    def moveCursor(self, action: int, modifiers: Any) -> QModelIndex:
        if not len(self.samples.rows):
            return QModelIndex()
        if not self.currentIndex().isValid():
            return self.samples.index(0)
        lines = self.viewport().height() // self.places.cell.height()
        return self.samples.index(self.places.moved(self.currentIndex().row(), action, lines))

    def setSelection(self, rect: QRect, command: Any) -> None:
        rect = rect.normalized()
        found = QItemSelection()
        first = (rect.left() - AIR) // self.places.cell.width()
        last = min(self.places.columns - 1, (rect.right() - AIR) // self.places.cell.width())
        for start in self.places.between(rect.top(), rect.bottom())[:: self.places.columns]:
            low, high = start + max(0, first), min(start + last, len(self.samples.rows) - 1)
            if low <= high:
                found.append(QItemSelectionRange(self.samples.index(low), self.samples.index(high)))
        self.selectionModel().select(found, command)

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        region, shown = QRegion(), self.visible()
        for part in selection:
            for position in range(max(part.top(), shown.start), min(part.bottom() + 1, shown.stop)):
                region += self.places.rect(position)
        return region

    # ---- events

    def reset(self) -> None:
        super().reset()
        self._planned = ()
        self._hovered = QModelIndex()
        self.updateGeometries()
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        self.places.offset = self.verticalScrollBar().value()
        self.viewport().scroll(0, dy)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.ControlModifier:
            low, high = SIDES
            self.set_side(min(high, max(low, self._side + (12 if event.angleDelta().y() > 0 else -12))))
            self.side_changed.emit(self._side)
            event.accept()
        else:
            super().wheelEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.pos())
        if index != self._hovered:
            for other in (self._hovered, index):
                self.viewport().update(self.visualRect(other))
            self._hovered = index
        super().mouseMoveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key_Delete:
            self.order_asked.emit("exclude")
        elif event.key() in (Qt.Key_Return, Qt.Key_Enter, Qt.Key_Space) and self.currentIndex().isValid():
            self.activated.emit(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def keyboardSearch(self, search: str) -> None:
        """Qt would ask the model for every name; the field above the grid finds names at once."""

    def _loaded(self, row: int) -> None:
        shown = self.visible()
        places = np.flatnonzero(self.samples.rows[shown.start : shown.stop] == row)
        if len(places):
            self.viewport().update(self.places.rect(shown.start + int(places[0])))

    def _plan(self) -> None:
        """Visible images first, then those that scrolling shows next; nothing else is read."""
        shown = self.visible()
        side = self.picture_side()
        plan = (shown, side, len(self.samples.rows), id(self.samples.rows))
        if plan == self._planned:
            return
        self._planned = plan
        many, rows = len(shown), self.samples.rows
        ahead = rows[shown.stop : shown.stop + many]
        behind = rows[max(0, shown.start - many // 2) : shown.start][::-1]
        self.thumbs.want(
            [int(r) for r in np.concatenate([rows[shown.start : shown.stop], ahead, behind])], side
        )

    def look_again(self) -> None:
        """Ask anew for the pictures on the screen: others were asked for meanwhile."""
        self._planned = ()
        self.viewport().update()

    def picture_side(self) -> int:
        """Longest side of a picture in pixels of the screen."""
        return max(16, round((self.places.cell.width() - 2 * AIR - 2) * self.devicePixelRatioF()))

    # ---- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        view = self.samples.view
        if view is None:
            return
        painter = QPainter(self.viewport())
        area = event.rect()
        focused = self.hasFocus()
        selection, current = self.selectionModel(), self.currentIndex().row() if focused else -1
        for position in self.places.between(area.top(), area.bottom()):
            rect = self.places.rect(position)
            if rect.intersects(area):
                chosen = selection.isRowSelected(position, QModelIndex())
                row = int(self.samples.rows[position])
                self.cells.paint(painter, rect, view, row, self.thumbs.find(row), chosen)
                if chosen or position in (current, self._hovered.row()):
                    marked = chosen or position == current
                    painter.setPen(
                        QPen(colour("accent" if marked else "border_strong"), 2 if position == current else 1)
                    )
                    painter.drawRect(rect.adjusted(1, 1, -2, -2))
        painter.end()
        self._plan()
