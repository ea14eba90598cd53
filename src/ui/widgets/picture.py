"""A framed picture that fits its place and opens large on a double click, Enter or the space bar."""

from __future__ import annotations

from PyQt5.QtCore import QRectF, QSize, Qt
from PyQt5.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PyQt5.QtWidgets import QSizePolicy, QWidget

from src.ui.theme import colour


class Picture(QWidget):
    """Shows one pixmap. ``key`` is free for whoever uses it."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.key = ""
        self._pixmap = QPixmap()
        self._failed = False
        self._name = name
        self.setAccessibleName(name)
        self.setToolTip("Double click or Enter: large")
        self.setFocusPolicy(Qt.StrongFocus)
        self.setSizePolicy(QSizePolicy.Fixed, QSizePolicy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(200, 200)

    def set_pixmap(self, pixmap: QPixmap, failed: bool = False) -> None:
        """Show this; ``failed``: it should be there but cannot be read."""
        self._pixmap, self._failed = pixmap, failed
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.SmoothPixmapTransform)
        place = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        if self._pixmap.isNull():
            painter.fillRect(place, colour("hover"))
            painter.setPen(colour("muted"))
            painter.drawText(place, Qt.AlignCenter, "cannot be read" if self._failed else "…")
        else:
            size = QSize(self._pixmap.size()).scaled(place.size().toSize(), Qt.KeepAspectRatio)
            target = QRectF(0, 0, size.width(), size.height())
            target.moveTopLeft(place.topLeft())
            painter.drawPixmap(target, self._pixmap, QRectF(self._pixmap.rect()))
            place = target
        focused = self.hasFocus()
        painter.setPen(QPen(colour("accent") if focused else QColor(128, 128, 128, 90), 2 if focused else 1))
        painter.drawRect(place)

    def enlarge(self) -> None:
        """Open the picture in a window of its own."""
        if self._pixmap.isNull():
            return
        from src.ui.widgets.picture_window import PictureWindow

        PictureWindow.open_pixmap(self.window(), self._name, self._pixmap)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.enlarge()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key_Return, Qt.Key_Enter, Qt.Key_Space):
            self.enlarge()
        else:
            super().keyPressEvent(event)
