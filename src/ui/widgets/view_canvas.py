"""The plot of a view: axes in the colours of the theme, wheel and drag along the x axis alone."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PyQt5.QtCore import QSize, Qt
from PyQt5.QtGui import QFontMetricsF, QResizeEvent
from PyQt5.QtWidgets import QFrame

from src.core.dataset.shown import Shown
from src.ui.theme import colour, sized_font
from src.ui.widgets.plot_axes import ValueAxis

#: Letters of a unit that says by itself what an axis counts, such as Hz.
_SHORT_UNIT = 3


class Canvas(pg.PlotWidget):
    """A plot without menu and buttons.

    Attributes:
        item, box: What is drawn in, and its range.
    """

    def __init__(self) -> None:
        super().__init__(
            axisItems={"left": ValueAxis("left"), "bottom": ValueAxis("bottom")}, enableMenu=False
        )
        self.hideButtons()
        self.setFocusPolicy(Qt.NoFocus)
        self.setFrameShape(QFrame.NoFrame)
        self.item: Any = self.getPlotItem()
        self.item.setMouseEnabled(x=True, y=False)
        self.item.disableAutoRange()
        self.box: Any = self.item.getViewBox()
        self._shown: Shown | None = None
        self.box.setDefaultPadding(0.0)

    def sizeHint(self) -> QSize:
        """It takes the room that there is."""
        return QSize(300, 110)

    def dress(self) -> None:
        """Colours and fonts of the theme."""
        self.setBackground(colour("surface"))
        font = sized_font(self, 0.88)
        metrics = QFontMetricsF(font)
        for name in ("left", "bottom"):
            axis = self.item.getAxis(name)
            axis.setPen(pg.mkPen(colour("border_strong")))
            axis.setTextPen(pg.mkPen(colour("muted")))
            axis.setStyle(
                tickFont=font,
                tickLength=-4,
                autoExpandTextSpace=False,
                hideOverlappingLabels=name == "bottom",
            )
            axis.enableAutoSIPrefix(False)
            axis.label.setFont(font)
        self.item.getAxis("left").setWidth(metrics.horizontalAdvance("-0.0000") + metrics.height() + 8)
        self.item.getAxis("bottom").setHeight(metrics.height() * 2 + 6)

    def label(self, shown: Shown | None) -> None:
        """Titles and units of the axes."""
        self._shown = shown
        self._label("bottom", shown.x.words if shown else "")
        self._label_left()
        drawn = shown is not None and shown.picture is not None
        self.item.showGrid(x=False, y=not drawn, alpha=0.22)
        self.item.getAxis("left").setStyle(hideOverlappingLabels=drawn)

    def _label_left(self) -> None:
        """Title and unit, or what of them fits: words that are cut are worse than none."""
        if self._shown is None:
            self._label("left", "")
            return
        y = self._shown.y
        room = self.height() - self.item.getAxis("bottom").height()
        fits = QFontMetricsF(sized_font(self, 0.88)).horizontalAdvance(y.words) <= room
        short = y.unit if 0 < len(y.unit) <= _SHORT_UNIT else y.title
        self._label("left", y.words if fits else short)

    def _label(self, side: str, words: str) -> None:
        self.item.setLabel(side, words, color=colour("muted").name())
        self.item.getAxis(side).resizeEvent()  # centres a label of another length

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if getattr(self, "_shown", None) is not None:  # the base resizes before all of it is made
            self._label_left()
