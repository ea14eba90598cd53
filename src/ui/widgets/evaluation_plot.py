"""One plot of an evaluation: lines or bars with their intervals, the values under the pointer, a marked place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PyQt5.QtCore import QEvent, QPointF, Qt, pyqtSignal
from PyQt5.QtGui import QFont, QKeyEvent, QMouseEvent
from PyQt5.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from src.ui.theme import colour, sized_font, theme
from src.ui.widgets.elided import ElidedLabel
from src.ui.widgets.evaluation_graph import Bars, Graph, Line
from src.ui.widgets.plot_axes import ValueAxis
from src.ui.widgets.plot_card import StillPlot
from src.ui.widgets.stat_plot import NameAxis

_STYLES = {"solid": Qt.SolidLine, "dash": Qt.DashLine, "dot": Qt.DotLine}


class ScorePlot(QFrame):
    """A card; arrow keys go from point to point, and a click or Enter picks one.

    Attributes:
        graph: What is shown.
        value: The words about the point that is looked at.

    Signals:
        picked(int): A point was clicked, or reached by the keys.
    """

    picked = pyqtSignal(int)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setFocusPolicy(Qt.StrongFocus)
        self.graph = Graph(title, "", "", lambda _: "", 0)
        self._at, self._marked = -1, -1
        self._heading = QLabel(title)
        self._keys = QLabel()
        self._keys.setTextFormat(Qt.RichText)
        self._keys.setWordWrap(True)  # else two plots side by side are wider than a small window
        self.value = ElidedLabel()
        self.value.setProperty("role", "muted")
        self._x, self._y = ValueAxis("bottom"), ValueAxis("left")
        self._names = NameAxis("bottom")
        self._plot = StillPlot(left=self._y, bottom=self._x)
        self._line = pg.InfiniteLine(angle=90)
        self._dots: pg.ScatterPlotItem | None = None
        self._build()
        self._dress()
        theme().changed.connect(self._dress)

    def _build(self) -> None:
        self._plot.scene().sigMouseMoved.connect(self._mouse_moved)
        self._plot.viewport().installEventFilter(self)
        head = QHBoxLayout()
        head.setContentsMargins(12, 8, 12, 0)
        head.addWidget(self._heading)
        below = QVBoxLayout()
        below.setContentsMargins(12, 0, 12, 0)
        below.addWidget(self._keys)
        below.addWidget(self.value)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 4)
        column.setSpacing(2)
        column.addLayout(head)
        column.addLayout(below)
        column.addWidget(self._plot, 1)

    # ---- what is shown

    def put(self, graph: Graph) -> None:
        """Show this."""
        if (graph.bars is None) != (self.graph.bars is None):
            self._plot.getPlotItem().setAxisItems(
                {"bottom": self._names if graph.bars else ValueAxis("bottom")}
            )
        self.graph = graph
        self._at = self._marked = -1
        self._dress()

    def mark(self, place: int) -> None:
        """Mark a point by a line and dots; -1 none."""
        self._marked = place
        self._show_mark()
        if self._at < 0:
            self._tell()

    def _dress(self) -> None:
        self._heading.setText(self.graph.title)
        self._heading.setFont(sized_font(self, 1.0, QFont.DemiBold))
        marks = {"solid": "━━", "dash": "╍╍", "dot": "┅┅"}
        words = [f'<span style="color:{colour(line.role).name()}">{marks[line.style]}</span>&nbsp;{line.name}'
                 for line in self.graph.lines if line.name]  # fmt: skip
        self._keys.setText("&nbsp;&nbsp; ".join(words))
        self._keys.setVisible(len(words) > 1)
        line = self._plot.dress(self.graph.x_label, self.graph.y_label, "0.0000")
        item = self._plot.getPlotItem()
        item.showGrid(x=self.graph.bars is None, y=True, alpha=0.18)
        self.setMinimumHeight(round(line * 17))
        self.setAccessibleName(self.graph.title)
        self._draw()
        self._tell()

    def _draw(self) -> None:
        item = self._plot.getPlotItem()
        item.clear()
        for guide in self.graph.guides:
            item.addItem(pg.PlotCurveItem(guide.x, guide.y, pen=_pen(guide, 1)), ignoreBounds=True)
        for line in self.graph.lines:
            curve = pg.PlotCurveItem(line.x, line.y, pen=_pen(line, 2), antialias=True, connect="finite")
            item.addItem(curve, ignoreBounds=True)
            known = np.isfinite(line.x) & np.isfinite(line.y)
            if line.dots and known.any():
                dots = pg.ScatterPlotItem(line.x[known], line.y[known], size=7, pen=None,
                                          brush=pg.mkBrush(colour(line.role)))  # fmt: skip
                item.addItem(dots, ignoreBounds=True)
        if self.graph.bars is not None:
            self._draw_bars(item, self.graph.bars)
        self._line = pg.InfiniteLine(angle=90, pen=pg.mkPen(colour("text"), width=1, style=Qt.DashLine))
        self._dots = pg.ScatterPlotItem(size=10, pen=pg.mkPen(colour("surface"), width=2))
        for thing in (self._line, self._dots):
            thing.setZValue(9)
            item.addItem(thing, ignoreBounds=True)
        self._show_mark()
        (left, right), (low, high) = self.graph.x_range, self.graph.y_range
        air = 0.04
        item.getViewBox().setRange(
            xRange=(left - air * (right - left), right + air * (right - left)),
            yRange=(low - air * (high - low), high + air * (high - low)), padding=0,
        )  # fmt: skip

    def _draw_bars(self, item: pg.PlotItem, bars: Bars) -> None:
        self._names.names = bars.names
        place = np.arange(len(bars.names), dtype=np.float64)
        heights = np.nan_to_num(bars.heights)
        item.addItem(
            pg.BarGraphItem(
                x=place, width=0.7, height=heights, brush=pg.mkBrush(colour("plot_a")), pen=pg.mkPen(None)
            ),
            ignoreBounds=True,
        )
        known = np.isfinite(bars.low) & np.isfinite(bars.high)
        if known.any():
            whiskers = pg.ErrorBarItem(
                x=place[known], y=heights[known], top=(bars.high - heights)[known], bottom=(heights - bars.low)[known],
                beam=0.2, pen=pg.mkPen(colour("text"), width=1),
            )  # fmt: skip
            item.addItem(whiskers, ignoreBounds=True)

    def _show_mark(self) -> None:
        place = self._marked
        here = [(line, line.x[place], line.y[place]) for line in self.graph.lines if 0 <= place < len(line.x)]
        self._line.setVisible(bool(here) and self.graph.along)
        if here and self.graph.along:
            self._line.setValue(float(here[0][1]))
        if self._dots is not None:
            known = [
                (x, y, pg.mkBrush(colour(line.role)))
                for line, x, y in here
                if np.isfinite(x) and np.isfinite(y)
            ]
            self._dots.setData([k[0] for k in known], [k[1] for k in known], brush=[k[2] for k in known])

    def _tell(self) -> None:
        place = self._at if self._at >= 0 or self.graph.note else self._marked
        words = self.graph.describe(place) if 0 <= place < self.graph.places else self.graph.note
        self.value.setText(words)
        self.setAccessibleDescription(words)

    # ---- pointer and keys

    def look_at(self, place: int) -> None:
        """Tell the values of this point; -1: of the marked one."""
        self._at = place if 0 <= place < self.graph.places else -1
        self._tell()

    def _near(self, place: QPointF) -> int:
        box = self._plot.getPlotItem().getViewBox()
        if not box.sceneBoundingRect().contains(place):
            return -1
        spot = box.mapSceneToView(place)
        if self.graph.bars is not None:
            number = round(spot.x())
            return number if abs(spot.x() - number) <= 0.4 else -1
        if not self.graph.lines:
            return -1
        line = self.graph.lines[0]
        away = (
            np.abs(line.x - spot.x()) if self.graph.along else np.hypot(line.x - spot.x(), line.y - spot.y())
        )
        return int(np.nanargmin(away)) if np.isfinite(away).any() else -1

    def _mouse_moved(self, place: QPointF) -> None:
        self.look_at(self._near(place))

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if event.type() == QEvent.Leave:
            self.look_at(-1)
        elif event.type() == QEvent.MouseButtonPress and isinstance(event, QMouseEvent):
            self.setFocus(Qt.MouseFocusReason)
            place = self._near(self._plot.mapToScene(event.pos()))
            if place >= 0 and event.button() == Qt.LeftButton:
                self.picked.emit(place)
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key_Left: -1, Qt.Key_Right: 1, Qt.Key_PageUp: 10, Qt.Key_PageDown: -10}
        if event.key() in steps and self.graph.places:
            start = self._at if self._at >= 0 else self._marked
            self.look_at(min(max(0, start + steps[event.key()]), self.graph.places - 1))
            self.picked.emit(self._at)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: object) -> None:
        self._heading.setText(f"▸ {self.graph.title}")

    def focusOutEvent(self, event: object) -> None:
        self._heading.setText(self.graph.title)
        self.look_at(-1)


def _pen(line: Line, width: int) -> Any:
    return pg.mkPen(colour(line.role), width=width, style=_STYLES[line.style])
