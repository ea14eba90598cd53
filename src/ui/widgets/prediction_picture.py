"""A predicted image under its mask or probability, with a mark around the chosen object."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from PyQt5.QtCore import QPoint, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QColor, QImage, QLinearGradient, QMouseEvent, QPainter, QPaintEvent, QPen
from PyQt5.QtWidgets import QSizePolicy, QWidget

from src.ui.theme import colour
from src.ui.widgets.image_view import ImageView
from src.ui.widgets.overlay import Overlay

#: Of matplotlib's "inferno" (Smith, van der Walt 2015), seven of its colours: evenly brighter, also without colour vision.
_INFERNO = (
    (0, 0, 4),
    (51, 10, 95),
    (120, 28, 109),
    (187, 55, 84),
    (237, 105, 37),
    (252, 180, 26),
    (252, 255, 164),
)
#: Below this probability the heat map becomes transparent.
_CLEAR_BELOW = 0.25
_STILL = 4
_MARGIN = 3.0
#: An object is enlarged to this many screen pixels at least.
_SEEN = 24
#: A box of more than this part of the image is large.
_MUCH = 0.5


def heat_colours() -> np.ndarray:
    """``256×3`` RGB from 0 to 255 for a probability from 0 to 1."""
    at = np.linspace(0, 255, len(_INFERNO))
    return np.stack([np.interp(np.arange(256), at, channel) for channel in np.array(_INFERNO).T], axis=1)


@cache
def _heat_table() -> np.ndarray:
    share = np.arange(256) / 255
    alpha = np.clip(share / _CLEAR_BELOW, 0, 1)
    red, green, blue = (np.round(channel * alpha).astype(np.uint32) for channel in heat_colours().T)
    return np.round(255 * alpha).astype(np.uint32) << 24 | red << 16 | green << 8 | blue


@dataclass(frozen=True)
class HeatMap(Overlay):
    """Draws a probability, 0 to 255, in the place of class numbers."""

    def draw(self, labels: np.ndarray, pen: int = 1) -> QImage:
        """As of `Overlay`; what is improbable is transparent."""
        drawn = _heat_table()[labels]
        height, width = labels.shape
        return QImage(drawn.data, width, height, 4 * width, QImage.Format_ARGB32_Premultiplied).copy()


class HeatScale(QWidget):
    """The colours of the heat map from 0 to 1."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Colours of the probability, from 0 to 1")
        self.setToolTip("Colours of the probability, from 0 to 1")
        self.setSizePolicy(QSizePolicy.Fixed, QSizePolicy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().averageCharWidth() * 20, self.fontMetrics().height() + 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        wide = self.fontMetrics().horizontalAdvance("0 ")
        bar = QRectF(self.rect()).adjusted(wide + 2, 3, -wide - 2, -3)
        shades = QLinearGradient(bar.topLeft(), bar.topRight())
        for place, rgb in enumerate(_INFERNO):
            shades.setColorAt(place / (len(_INFERNO) - 1), QColor(*rgb))
        painter.fillRect(bar, shades)
        painter.setPen(colour("muted"))
        painter.drawText(self.rect(), Qt.AlignLeft | Qt.AlignVCenter, "0")
        painter.drawText(self.rect(), Qt.AlignRight | Qt.AlignVCenter, "1")


class ObjectPicture(ImageView):
    """A picture on which objects are pointed at.

    Signals:
        clicked(int, int): A pixel was clicked, without moving the picture.
    """

    clicked = pyqtSignal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._box: QRectF | None = None
        self._centre_of: QPointF | None = None
        self._pressed: QPoint | None = None

    def mark(self, box: tuple[int, int, int, int] | None, centre: tuple[float, float] | None = None) -> None:
        """Draw a frame around ``box`` (left, top, width, height) and a cross at its centroid; None takes it away."""
        self._box = QRectF(*map(float, box)) if box is not None else None
        self._centre_of = QPointF(centre[0] + 0.5, centre[1] + 0.5) if centre is not None else None
        self.update()

    @property
    def marked(self) -> QRectF | None:
        """The box that is framed."""
        return self._box

    def go_to(self, box: tuple[int, int, int, int]) -> None:
        """Bring a box to the middle: enlarged where it would hardly be seen, made smaller where it has no room. With a box
        that is a large part of the image, the whole image is shown.
        """
        left, top, width, height = box
        across, down = self._extent()
        if width > _MUCH * across or height > _MUCH * down:
            self.fit()
            return
        room = min(self.width() / max(1, width), self.height() / max(1, height))
        side = max(width, height, 1) * self.scale
        if room < self.scale:
            self.zoom_by(0.7 * room / self.scale)
        elif side < _SEEN:
            self.zoom_by(min(2 * _SEEN / side, 4 * max(1.0, 1 / self.scale)))
        self.centre_on(left + width / 2, top + height / 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._box is None:
            return
        painter = QPainter(self)
        corner = self.to_picture(QPointF(0, 0))
        frame = QRectF((self._box.topLeft() - corner) * self.scale, self._box.size() * self.scale)
        frame.adjust(-_MARGIN, -_MARGIN, _MARGIN, _MARGIN)
        lines = [(frame.topLeft(), frame.topRight()), (frame.topRight(), frame.bottomRight()),
                 (frame.bottomRight(), frame.bottomLeft()), (frame.bottomLeft(), frame.topLeft())]  # fmt: skip
        if self._centre_of is not None:
            middle = (self._centre_of - corner) * self.scale
            lines += [
                (middle - QPointF(5, 0), middle + QPointF(5, 0)),
                (middle - QPointF(0, 5), middle + QPointF(0, 5)),
            ]
        # Dark under light: seen on any image
        for shade, width in ((QColor(0, 0, 0, 200), 4), (QColor(255, 255, 255), 1.6)):
            painter.setPen(QPen(shade, width))
            for begin, end in lines:
                painter.drawLine(begin, end)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        self._pressed = event.pos() if event.button() == Qt.LeftButton else None

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if self._pressed is not None and (event.pos() - self._pressed).manhattanLength() <= _STILL:
            spot = self.to_picture(QPointF(event.pos()))
            picture = self.picture
            if picture is not None and 0 <= spot.x() < picture.width and 0 <= spot.y() < picture.height:
                self.clicked.emit(int(spot.x()), int(spot.y()))
        self._pressed = None
