"""Where the cells of a grid of equal cells stand: a division, not a list, however many there are."""

from __future__ import annotations

from dataclasses import dataclass, field

from PyQt5.QtCore import QPoint, QRect, QSize
from PyQt5.QtWidgets import QAbstractItemView


@dataclass
class Places:
    """A grid of ``many`` cells in lines.

    Attributes:
        many: Cells.
        columns: Cells in a line.
        cell: Size of one.
        air: Around the whole grid.
        offset: How far the grid is scrolled down.
    """

    many: int = 0
    columns: int = 1
    cell: QSize = field(default_factory=lambda: QSize(160, 180))
    air: int = 4
    offset: int = 0

    @property
    def height(self) -> int:
        """Of all lines, with the air."""
        return -(-self.many // self.columns) * self.cell.height() + 2 * self.air

    def rect(self, position: int) -> QRect:
        """Of a cell, in the viewport."""
        line, column = divmod(position, self.columns)
        left = self.air + column * self.cell.width()
        return QRect(QPoint(left, self.air + line * self.cell.height() - self.offset), self.cell)

    def at(self, place: QPoint) -> int:
        """The cell at a place of the viewport; -1 where there is none."""
        column = (place.x() - self.air) // self.cell.width()
        line = (place.y() - self.air + self.offset) // self.cell.height()
        found = line * self.columns + column
        return found if 0 <= column < self.columns and 0 <= found < self.many else -1

    def between(self, low: int, high: int) -> range:
        """The cells of the lines that lie between two heights of the viewport."""
        height, offset = self.cell.height(), self.offset - self.air
        first = max(0, (low + offset) // height)
        last = max(first, (high + offset) // height + 1)
        return range(min(self.many, first * self.columns), min(self.many, last * self.columns))

    def moved(self, now: int, action: int, page_lines: int) -> int:
        """Where a key (Qt's ``CursorAction``) leads from a cell."""
        page = max(1, page_lines) * self.columns
        step = {
            QAbstractItemView.MoveLeft: -1,
            QAbstractItemView.MovePrevious: -1,
            QAbstractItemView.MoveRight: 1,
            QAbstractItemView.MoveNext: 1,
            QAbstractItemView.MoveUp: -self.columns,
            QAbstractItemView.MoveDown: self.columns,
            QAbstractItemView.MovePageUp: -page,
            QAbstractItemView.MovePageDown: page,
            QAbstractItemView.MoveHome: -now,
            QAbstractItemView.MoveEnd: self.many - 1 - now,
        }[action]
        wanted = now + step
        if action in (QAbstractItemView.MoveUp, QAbstractItemView.MoveDown) and not 0 <= wanted < self.many:
            last_line = (self.many - 1) // self.columns
            wanted = self.many - 1 if wanted // self.columns == last_line else now
        return min(max(0, wanted), self.many - 1)
