"""A picture of any size that can be zoomed and moved by mouse and by keys, down to its single pixels."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import QPoint, QPointF, QRectF, Qt, pyqtSignal
from PyQt5.QtGui import (
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PyQt5.QtWidgets import QWidget

from src.ui.theme import colour, theme
from src.ui.widgets.overlay import Overlay
from src.ui.widgets.pyramid import Pyramid

_MOST = 64.0
_LEAST_SIDE = 16
#: From this size of a pixel on the pixels are drawn as squares.
_SQUARES_FROM = 2.0
_STEP = 0.15


class ImageView(QWidget):
    """Shows a `Pyramid`, or a pixmap. Starts fitted to the window; draws only what is seen.

    Attributes:
        opacity: Of the classes, 0 to 1.
        overlay: How the classes are drawn.

    Signals:
        scaled(float): Screen pixels for each pixel of the picture.
        pointed(int, int): Pixel under the pointer or the cross of the keys; -1 outside.
    """

    scaled = pyqtSignal(float)
    pointed = pyqtSignal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.opacity = 0.45
        self.overlay = Overlay()
        self._picture: Pyramid | None = None
        self._pixmap = QPixmap()
        self._scale, self._centre, self._fitted = 1.0, QPointF(), True
        self._grabbed: QPoint | None = None
        self._drawn: tuple[Any, QImage] | None = None
        self.setFocusPolicy(Qt.StrongFocus)
        self.setMouseTracking(True)
        self.setCursor(Qt.CrossCursor)
        self.setAccessibleName("Picture")
        self.setToolTip("")
        theme().changed.connect(self.update)

    # ---- what is shown

    def set_pixmap(self, pixmap: QPixmap) -> None:
        """Show this and nothing over it."""
        self._pixmap, self._picture = pixmap, None
        self._drawn = None
        self.fit()

    def set_picture(self, picture: Pyramid | None) -> None:
        """Show this; the place and scale stay where the size is that of what was shown."""
        old = self._extent()
        self._picture, self._pixmap, self._drawn = picture, QPixmap(), None
        if self._extent() != old or self._fitted:
            self.fit()
        self.update()

    def set_opacity(self, opacity: float) -> None:
        """How much of the classes is seen, 0 to 1."""
        self.opacity = opacity
        self.update()

    def set_overlay(self, overlay: Overlay) -> None:
        """Draw the classes another way."""
        self.overlay = overlay
        self.update()

    @property
    def picture(self) -> Pyramid | None:
        """What is shown."""
        return self._picture

    @property
    def scale(self) -> float:
        """Screen pixels (device-independent) for each pixel of the picture."""
        return self._scale

    def _extent(self) -> tuple[int, int]:
        if self._picture is not None:
            return self._picture.width, self._picture.height
        return self._pixmap.width(), self._pixmap.height()

    # ---- scale and place

    def fit(self) -> None:
        """The whole picture, as large as the window allows."""
        width, height = self._extent()
        self._fitted = True
        if width and height:
            self._scale = min(self.width() / width, self.height() / height)
            self._centre = QPointF(width / 2, height / 2)
        self._tell()

    def actual(self) -> None:
        """One pixel of the picture for one of the screen."""
        self.zoom_by(1.0 / self.devicePixelRatioF() / self._scale)

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Larger or smaller, within sense; what is at this place of the widget (None: the middle) stays there."""
        width, height = self._extent()
        if not width or not height:
            return
        self._fitted = False
        place = at or QPointF(self.width() / 2, self.height() / 2)
        before = self.to_picture(place)
        least = min(1.0, _LEAST_SIDE / max(width, height))
        self._scale = min(max(self._scale * factor, least), _MOST)
        self._centre += before - self.to_picture(place)
        self._keep_inside()
        self._tell()

    def move_by(self, across: float, down: float) -> None:
        """Move the view by parts of the window."""
        self._fitted = False
        self._centre += QPointF(across * self.width() / self._scale, down * self.height() / self._scale)
        self._keep_inside()
        self.update()

    def centre_on(self, x: float, y: float) -> None:
        """Bring a pixel of the picture to the middle."""
        self._fitted = False
        self._centre = QPointF(x, y)
        self._keep_inside()
        self.update()

    def _keep_inside(self) -> None:
        width, height = self._extent()
        self._centre = QPointF(
            min(max(self._centre.x(), 0.0), width), min(max(self._centre.y(), 0.0), height)
        )

    def _tell(self) -> None:
        self.update()
        self.scaled.emit(self._scale * self.devicePixelRatioF())

    def to_picture(self, place: QPointF) -> QPointF:
        """From the widget to the picture."""
        middle = QPointF(self.width() / 2, self.height() / 2)
        return (place - middle) / self._scale + self._centre

    # ---- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), colour("window"))
        width, height = self._extent()
        if not width or not height:
            return
        corner = self.to_picture(QPointF(0, 0))
        painter.scale(self._scale, self._scale)
        painter.translate(-corner)
        painter.setRenderHint(
            QPainter.SmoothPixmapTransform, self._scale * self.devicePixelRatioF() < _SQUARES_FROM
        )
        if self._picture is None:
            painter.drawPixmap(QPointF(0, 0), self._pixmap)
        else:
            end = self.to_picture(QPointF(self.width(), self.height()))
            self._draw(painter, self._picture, (corner.x(), corner.y(), end.x(), end.y()))

    def _draw(self, painter: QPainter, picture: Pyramid, seen: tuple[float, float, float, float]) -> None:
        level = picture.level(self._scale * self.devicePixelRatioF())
        (left, top, right, bottom), (across, down) = picture.crop(level, *seen)
        if right <= left or bottom <= top:
            return
        target = QRectF(left * across, top * down, (right - left) * across, (bottom - top) * down)
        part = picture.pixels[level][top:bottom, left:right]
        # A view of the same memory: no copy, however large the image is
        shown = QImage(part.data if part.flags.c_contiguous else _address(part), part.shape[1], part.shape[0],
                       part.strides[0], QImage.Format_RGB888)  # fmt: skip
        painter.drawImage(target, shown)
        if not picture.labels or self.opacity <= 0:
            return
        key = (id(picture), level, left, top, right, bottom, self.overlay)
        if self._drawn is None or self._drawn[0] != key:
            labels = picture.labels[level][top:bottom, left:right]
            self._drawn = (key, self.overlay.draw(labels, 1 if self._scale > 1 else 2))
        painter.setRenderHint(QPainter.SmoothPixmapTransform, False)
        painter.setOpacity(max(self.opacity, 0.9) if self.overlay.outlines else self.opacity)
        painter.drawImage(target, self._drawn[1])

    # ---- mouse and keys

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom_by(1.0015 ** event.angleDelta().y(), QPointF(event.position()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.MouseFocusReason)
        if event.button() in (Qt.LeftButton, Qt.MiddleButton):
            self._grabbed = event.pos()
            self.setCursor(Qt.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grabbed is not None:
            moved = event.pos() - self._grabbed
            self._grabbed = event.pos()
            self.move_by(-moved.x() / max(1, self.width()), -moved.y() / max(1, self.height()))
        self._point(QPointF(event.pos()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grabbed = None
        self.setCursor(Qt.CrossCursor)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.actual() if self._fitted else self.fit()

    def leaveEvent(self, event: object) -> None:
        self.pointed.emit(-1, -1)

    def _point(self, place: QPointF) -> None:
        spot = self.to_picture(place)
        width, height = self._extent()
        inside = 0 <= spot.x() < width and 0 <= spot.y() < height
        self.pointed.emit(int(spot.x()) if inside else -1, int(spot.y()) if inside else -1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {Qt.Key_Left: (-1, 0), Qt.Key_Right: (1, 0), Qt.Key_Up: (0, -1), Qt.Key_Down: (0, 1)}
        if event.key() in (Qt.Key_Plus, Qt.Key_Equal):
            self.zoom_by(1.25)
        elif event.key() == Qt.Key_Minus:
            self.zoom_by(0.8)
        elif event.key() in (Qt.Key_0, Qt.Key_Home):
            self.fit()
        elif event.key() == Qt.Key_1:
            self.actual()
        elif event.key() in moves:
            across, down = moves[event.key()]
            one = event.modifiers() & Qt.ShiftModifier  # one pixel of the picture
            self.move_by(across * (self._scale / self.width() if one else _STEP),
                         down * (self._scale / self.height() if one else _STEP))  # fmt: skip
            self._point(QPointF(self.width() / 2, self.height() / 2))
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._fitted:
            self.fit()


def _address(part: Any) -> Any:
    """The address of an array that is a window into a larger one, as Qt takes it."""
    from PyQt5 import sip

    return sip.voidptr(
        part.ctypes.data, size=part.strides[0] * (part.shape[0] - 1) + part.shape[1] * part.shape[2]
    )
