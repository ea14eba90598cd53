"""What every plot on a card has: nothing to drag, axes in the colours of the theme, and a page that scrolls over it."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QFontMetricsF, QWheelEvent
from PyQt5.QtWidgets import QFrame

from src.ui.theme import colour, sized_font


class StillPlot(pg.PlotWidget):
    """A plot without menu, buttons and dragging; the page scrolls when the wheel turns over it."""

    def __init__(self, **axes: Any) -> None:
        super().__init__(axisItems=axes, enableMenu=False)
        self.hideButtons()
        self.setFocusPolicy(Qt.NoFocus)
        self.setFrameShape(QFrame.NoFrame)
        item = self.getPlotItem()
        item.setMouseEnabled(False, False)
        item.getViewBox().setDefaultPadding(0.0)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def dress(self, x_label: str, y_label: str, widest: str) -> float:
        """Colours, fonts and labels with units; ``widest`` is the widest number on the left. Returns the height of a line, px."""
        self.setBackground(colour("surface"))
        font = sized_font(self, 0.88)
        item, metrics = self.getPlotItem(), QFontMetricsF(font)
        for name, words in (("left", y_label), ("bottom", x_label)):
            axis = item.getAxis(name)
            axis.setPen(pg.mkPen(colour("border_strong")))
            axis.setTextPen(pg.mkPen(colour("muted")))
            axis.setStyle(tickFont=font, tickLength=-4, autoExpandTextSpace=False)
            axis.enableAutoSIPrefix(False)
            axis.label.setFont(font)
            item.setLabel(name, words, color=colour("muted").name())
            axis.resizeEvent()  # centres a label of another length
        item.getAxis("left").setWidth(metrics.horizontalAdvance(widest) + metrics.height() + 10)
        item.getAxis("bottom").setHeight(metrics.height() * 2 + 10)
        item.showGrid(x=False, y=True, alpha=0.22)
        return float(metrics.height())
