"""Paints one cell of the grid of thumbnails: picture, mask, name and part of the split."""

from __future__ import annotations

from pathlib import PurePath

from PyQt5.QtCore import QPoint, QRect, Qt
from PyQt5.QtGui import QFont, QFontMetrics, QPainter

from src.core.dataset.sample_filter import SampleView
from src.core.dataset.sample_table import PARTS
from src.ui.theme import colour
from src.ui.widgets.overlay import Overlay
from src.ui.widgets.thumbnail_model import Thumb

#: Around a picture, in device-independent pixels.
AIR = 4
#: Outlines are thin: they are drawn at least this strong.
OUTLINE_STRENGTH = 0.9
_OUT_STRENGTH = 0.3
_SHORT = {"train": "Train", "val": "Val", "test": "Test", "out": "Left out"}
_SHADES = {"train": "accent", "val": "warn", "test": "good", "out": "muted"}


class CellPainter:
    """How the cells of a grid look.

    Attributes:
        font: Of the words.
        opacity: Of the masks, 0 to 1.
        overlay: How masks are drawn.
    """

    def __init__(self) -> None:
        self.font = QFont()
        self.opacity = 0.45
        self.overlay = Overlay()

    def paint(
        self,
        painter: QPainter,
        rect: QRect,
        view: SampleView,
        row: int,
        thumb: Thumb | str | None,
        chosen: bool,
    ) -> None:
        """One cell without its frame; ``thumb`` as `Thumbs.find` gives it."""
        out = bool(view.excluded[row])
        if chosen:
            painter.fillRect(rect.adjusted(1, 1, -1, -1), colour("selected"))
        area = rect.adjusted(AIR, AIR, -AIR, -AIR)
        line = QFontMetrics(self.font).height()
        place = QRect(area.left(), area.top(), area.width(), area.height() - line - 4)
        self._picture(painter, place, thumb, _OUT_STRENGTH if out else 1.0)
        self._words(painter, QRect(area.left(), place.bottom() + 4, area.width(), line), view, row, out)

    def _picture(self, painter: QPainter, place: QRect, thumb: Thumb | str | None, strength: float) -> None:
        if not isinstance(thumb, Thumb):
            painter.fillRect(place, colour("window"))
            painter.setPen(colour("muted"))
            painter.setFont(self.font)
            painter.drawText(place, Qt.AlignCenter, "cannot be read" if thumb is None else "…")
            return
        ratio = painter.device().devicePixelRatioF()
        size = thumb.picture.size() / ratio
        fitting = size.scaled(place.size(), Qt.KeepAspectRatio)
        near = abs(fitting.width() - size.width()) <= 2 and abs(fitting.height() - size.height()) <= 2
        target = QRect(QPoint(), size if near else fitting)
        target.moveCenter(place.center())
        painter.setOpacity(strength)
        painter.setRenderHint(QPainter.SmoothPixmapTransform, not near)
        painter.drawImage(target, thumb.picture)
        if self.opacity > 0 and (drawn := thumb.drawn(self.overlay)) is not None:
            painter.setOpacity(
                strength * (max(self.opacity, OUTLINE_STRENGTH) if self.overlay.outlines else self.opacity)
            )
            painter.setRenderHint(QPainter.SmoothPixmapTransform, False)
            painter.drawImage(target, drawn)
        painter.setOpacity(1.0)

    def _words(self, painter: QPainter, place: QRect, view: SampleView, row: int, out: bool) -> None:
        part = "out" if out else PARTS[int(view.table.part[row])]
        metrics = QFontMetrics(self.font)
        wide = metrics.horizontalAdvance(_SHORT[part])
        painter.setFont(self.font)
        painter.setPen(colour(_SHADES[part]))
        painter.drawText(place, Qt.AlignRight | Qt.AlignVCenter, _SHORT[part])
        painter.setPen(colour("disabled" if out else "muted"))
        name = view.table.ids[row].rsplit("/", 1)[-1]
        if metrics.horizontalAdvance(name) > place.width() - wide - 8:
            # The suffix tells least; the whole name is in the tooltip
            name = metrics.elidedText(PurePath(name).stem, Qt.ElideMiddle, place.width() - wide - 8)
        painter.drawText(place, Qt.AlignLeft | Qt.AlignVCenter, name)
