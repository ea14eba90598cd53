"""Plots of the measuring window: loss over learning rate with a point that can be moved, and values over batch size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QFont
from PyQt5.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from src.ui.theme import colour, sized_font, theme
from src.ui.widgets.plot_axes import ValueAxis
from src.ui.widgets.plot_card import StillPlot


class TunePlot(QFrame):
    """A card with a heading and a plot that is drawn anew from its rows."""

    def __init__(
        self, title: str, bottom: pg.AxisItem, left: pg.AxisItem | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.rows: list[dict[str, Any]] = []
        self._heading = QLabel(title)
        self.key = QLabel()
        self.key.setTextFormat(Qt.RichText)
        self.plot = StillPlot(left=left or ValueAxis("left"), bottom=bottom)
        self.plot.setAccessibleName(title)
        self.item = self.plot.getPlotItem()
        head = QHBoxLayout()
        head.setContentsMargins(12, 8, 12, 0)
        head.addWidget(self._heading)
        head.addStretch(1)
        head.addWidget(self.key)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 4)
        column.setSpacing(2)
        column.addLayout(head)
        column.addWidget(self.plot, 1)
        theme().changed.connect(self.dress)

    def show_rows(self, rows: Sequence[dict[str, Any]]) -> None:
        """Draw these."""
        self.rows = list(rows)
        self.dress()

    def dress(self) -> None:
        """Colours and fonts of the theme; everything is drawn again."""
        self._heading.setFont(sized_font(self, 1.0, QFont.DemiBold))
        line = self.plot.dress(*self.words())
        self.setMinimumHeight(round(10 * line))
        self.item.clear()
        self.draw()

    def words(self) -> tuple[str, str, str]:
        """Labels of both axes with their units, and the widest number on the left."""
        raise NotImplementedError

    def draw(self) -> None:
        """Curves and ranges; the plot is empty before."""
        raise NotImplementedError


class RatePlot(TunePlot):
    """Loss over the logarithm of the learning rate: of single updates, and smoothed.

    Attributes:
        rate: Where the point is; None where there is none.

    Signals:
        moved(float): The person moved the point to this learning rate.
    """

    moved = pyqtSignal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        axis = ValueAxis("bottom")
        axis.log = True
        self.rate: float | None = None
        self._line: pg.InfiniteLine | None = None
        super().__init__("Loss while the learning rate rises", axis, parent=parent)
        self.dress()

    def set_rate(self, rate: float | None) -> None:
        """Mark this learning rate."""
        self.rate = rate
        if self._line is not None and rate:
            self._line.blockSignals(True)
            self._line.setValue(math.log10(rate))
            self._line.blockSignals(False)
        else:
            self.dress()

    def words(self) -> tuple[str, str, str]:
        return "Learning rate", "Loss", "0.000"

    def draw(self) -> None:
        self._line = None
        self.key.setText(
            f'<span style="color:{colour("plot_a").name()}">━ smoothed</span>&nbsp;&nbsp;'
            f'<span style="color:{colour("muted").name()}">━ each update</span>'
        )
        if not self.rows:
            self.item.setXRange(-7, 0, padding=0.01)
            self.item.setYRange(0, 1, padding=0)
            return
        x = np.log10([row["lr"] for row in self.rows])
        raw, smooth = (np.array([row[name] for row in self.rows]) for name in ("loss", "smooth"))
        pale = colour("muted")
        pale.setAlphaF(0.55)
        self.item.plot(x, raw, pen=pg.mkPen(pale, width=1))
        self.item.plot(x, smooth, pen=pg.mkPen(colour("plot_a"), width=2), antialias=True)
        low, high = float(min(raw.min(), smooth.min())), float(max(np.quantile(raw, 0.97), smooth.max()))
        room = max(1e-6, high - low) * 0.06
        self.item.setXRange(-7, max(-6.0, float(x[-1]), -0.0 if len(x) > 90 else -7), padding=0.01)
        self.item.setYRange(low - room, high + room, padding=0)
        if self.rate:
            self._mark(float(x[0]), float(x[-1]))

    def _mark(self, first: float, last: float) -> None:
        pen = pg.mkPen(colour("plot_b"), width=2)
        line = pg.InfiniteLine(
            math.log10(self.rate or 1.0), angle=90, movable=True, pen=pen, bounds=(first, last),
            hoverPen=pg.mkPen(colour("plot_b"), width=4),
        )  # fmt: skip
        line.addMarker("<|>", 0.06, 12)
        line.setCursor(Qt.SizeHorCursor)
        line.setToolTip("Drag it to another learning rate")
        line.sigPositionChanged.connect(self._dragged)
        self.item.addItem(line, ignoreBounds=True)
        self._line = line

    def _dragged(self, line: Any) -> None:
        self.rate = 10.0 ** float(line.value())
        self.moved.emit(self.rate)


class PowerAxis(pg.AxisItem):
    """Powers of two, of their logarithm."""

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[Any]:
        return [(1.0, [float(v) for v in range(math.ceil(minVal - 1e-6), math.floor(maxVal + 1e-6) + 1)])]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [f"{round(2.0**v):,}" for v in values]


class BatchPlot(TunePlot):
    """One value over the batch size."""

    def __init__(
        self, title: str, field: str, unit: str, widest: str, role: str, parent: QWidget | None = None
    ) -> None:
        self._field, self._unit, self._widest, self._role = field, unit, widest, role
        self.size: int | None = None
        super().__init__(title, PowerAxis("bottom"), parent=parent)
        self.dress()

    def mark(self, size: int | None) -> None:
        """Mark this batch size."""
        self.size = size
        self.dress()

    def words(self) -> tuple[str, str, str]:
        return "Batch size", self._unit, self._widest

    def draw(self) -> None:
        if not self.rows:
            self.item.setXRange(1, 6, padding=0.02)
            self.item.setYRange(0, 1, padding=0)
            return
        x = np.log2([row["batch_size"] for row in self.rows])
        y = np.array([row[self._field] for row in self.rows], float)
        shade = colour(self._role)
        self.item.plot(
            x, y, pen=pg.mkPen(shade, width=2), symbol="o", symbolSize=7, symbolBrush=shade, symbolPen=None
        )
        self.item.setXRange(float(x[0]), max(float(x[-1]), float(x[0]) + 1), padding=0.04)
        self.item.setYRange(0, float(y.max()) * 1.1, padding=0)
        if self.size:
            pen = pg.mkPen(colour("plot_b"), width=1, style=Qt.DashLine)
            self.item.addItem(pg.InfiniteLine(math.log2(self.size), angle=90, pen=pen), ignoreBounds=True)


__all__ = ["BatchPlot", "PowerAxis", "RatePlot", "TunePlot"]
