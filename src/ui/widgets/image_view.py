"""A picture that can be zoomed and moved by mouse and by keys."""

from __future__ import annotations

from PyQt5.QtCore import QRectF, Qt, pyqtSignal
from PyQt5.QtGui import QKeyEvent, QPainter, QPixmap, QResizeEvent, QWheelEvent
from PyQt5.QtWidgets import QFrame, QGraphicsPixmapItem, QGraphicsScene, QGraphicsView, QWidget

from src.ui.theme import colour, theme

_MOST = 32.0


class ImageView(QGraphicsView):
    """Shows layers of equal size above each other. Starts fitted to the window.

    Signals:
        scaled(float): Screen pixels for each pixel of the picture.
    """

    scaled = pyqtSignal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setScene(QGraphicsScene(self))
        self._layers = [QGraphicsPixmapItem(), QGraphicsPixmapItem()]
        for layer in self._layers:
            self.scene().addItem(layer)
        self._fitted = True
        self.setFrameShape(QFrame.NoFrame)
        self.setDragMode(QGraphicsView.ScrollHandDrag)
        self.setTransformationAnchor(QGraphicsView.AnchorUnderMouse)
        self.setRenderHint(QPainter.SmoothPixmapTransform, True)
        self.setAccessibleName("Picture")
        self._dress()
        theme().changed.connect(self._dress)

    def _dress(self) -> None:
        self.setBackgroundBrush(colour("window"))

    def set_layer(self, index: int, pixmap: QPixmap) -> None:
        """Layer 0 is the picture, layer 1 what lies over it."""
        self._layers[index].setPixmap(pixmap)
        if index == 0:
            self.scene().setSceneRect(QRectF(pixmap.rect()))
            self.fit()

    def set_opacity(self, index: int, opacity: float) -> None:
        """How much of a layer is seen, 0 to 1."""
        self._layers[index].setOpacity(opacity)

    def fit(self) -> None:
        """The whole picture, as large as the window allows."""
        self._fitted = True
        if not self.sceneRect().isEmpty():
            self.fitInView(self.sceneRect(), Qt.KeepAspectRatio)
        self._tell()

    def actual(self) -> None:
        """One pixel of the picture for one of the screen."""
        self.zoom_by(1.0 / max(1e-9, self.transform().m11()))

    def zoom_by(self, factor: float) -> None:
        """Larger or smaller, within sense."""
        self._fitted = False
        scale = self.transform().m11()
        factor = min(max(factor, 0.02 / scale), _MOST / scale)
        self.scale(factor, factor)
        self._tell()

    def _tell(self) -> None:
        scale = self.transform().m11()
        self.setRenderHint(QPainter.SmoothPixmapTransform, scale < 3)
        self.scaled.emit(scale)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom_by(1.0015 ** event.angleDelta().y())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key_Plus, Qt.Key_Equal):
            self.zoom_by(1.25)
        elif event.key() == Qt.Key_Minus:
            self.zoom_by(0.8)
        elif event.key() in (Qt.Key_0, Qt.Key_Home):
            self.fit()
        elif event.key() == Qt.Key_1:
            self.actual()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._fitted:
            self.fit()
