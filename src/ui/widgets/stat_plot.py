"""One plot of counts: bars by class or by range, one colour for each part of the split, values under the pointer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PyQt5.QtCore import QEvent, QPointF, Qt
from PyQt5.QtGui import QFont, QKeyEvent
from PyQt5.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from src.ui.theme import colour, sized_font, theme
from src.ui.widgets.elided import ElidedLabel
from src.ui.widgets.plot_axes import ValueAxis
from src.ui.widgets.plot_card import StillPlot

PART_ROLES = {"train": "plot_train", "val": "plot_val", "test": "plot_rate"}
PART_NAMES = {"train": "Training", "val": "Validation", "test": "Test"}
_NAME_LETTERS = 12
_AIR = 0.05


@dataclass(frozen=True)
class Chart:
    """What a plot shows.

    Attributes:
        title: Heading.
        x_label, y_label: With units.
        names: Of the places on the x axis; empty for a histogram.
        edges: ``n + 1`` borders of a histogram's ranges.
        values: ``n`` heights for each part of the split, not negative.
        unit: Of the x axis, behind hovered ranges.
        log_x, log_y: Logarithmic axes.
        percent: Heights are shares, written as per cent.
        line: A place on the x axis to be marked, and what it means.
        stacked: The parts stand on each other instead of side by side.
        note: Shown while no bar is pointed at.
    """

    title: str
    x_label: str
    y_label: str
    values: Mapping[str, Sequence[float]]
    names: tuple[str, ...] = ()
    edges: tuple[float, ...] = ()
    unit: str = ""
    log_x: bool = False
    log_y: bool = False
    percent: bool = False
    line: tuple[float, str] | None = None
    stacked: bool = False
    note: str = ""

    @property
    def places(self) -> int:
        """Classes or ranges."""
        return len(self.names) or max(0, len(self.edges) - 1)

    @property
    def whole(self) -> bool:
        """Whether each range of the histogram stands for one whole number."""
        return (
            len(self.edges) > 1
            and all(e % 1 == 0.5 for e in self.edges)
            and self.edges[1] - self.edges[0] == 1
        )

    def describe(self, place: int) -> str:
        """The values at a place in words."""
        if self.names:
            where = self.names[place]
        elif self.whole:
            where = f"{self.edges[place] + 0.5:,.0f} {self.unit}".rstrip()
        else:
            low, high = self.edges[place], self.edges[place + 1]
            where = f"{_short(low)} to {_short(high)} {self.unit}".rstrip()
        values = [f"{PART_NAMES.get(p, p)} {self._value(v[place])}" for p, v in self.values.items()]
        return f"{where}:  {',  '.join(values)}"

    def _value(self, value: float) -> str:
        if not self.percent:
            return f"{value:,.0f}"
        return f"{value:.2g} %" if 0 < value < 1 else f"{value:.1f} %"


class NameAxis(pg.AxisItem):
    """Names at whole numbers; as many as there is room for."""

    names: tuple[str, ...] = ()

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        room = max(1, int(size // (_NAME_LETTERS * 7)))
        step = max(1, math.ceil(len(self.names) / room))
        shown = [float(i) for i in range(0, len(self.names), step) if minVal <= i <= maxVal]
        return [(float(step), shown)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [_clip(self.names[round(v)]) if 0 <= round(v) < len(self.names) else "" for v in values]


class AmountAxis(ValueAxis):
    """Numbers of things: thousands are written out, also on a logarithmic axis.

    Attributes:
        whole: Only whole numbers of them are marked.
    """

    whole = False

    def tickSpacing(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, float]]:
        levels = super().tickSpacing(minVal, maxVal, size)
        if self.whole and not self.log:
            levels = list(dict.fromkeys((max(1.0, float(round(step))), 0.0) for step, _ in levels))
        return levels

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        if not self.log:
            return super().tickStrings(values, scale, spacing)
        return [f"{10.0**v:,.0f}" if v > -1e-9 else f"{10.0**v:.3g}" for v in values]


class StatPlot(QFrame):
    """A card with a heading, the values under the pointer, and the plot; arrow keys go from bar to bar."""

    def __init__(self, chart: Chart, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chart = chart
        self._at = -1
        self.setProperty("role", "card")
        self.setFocusPolicy(Qt.StrongFocus)
        self.setAccessibleName(chart.title)
        self.setToolTip("Pointer or arrow keys: the values of a bar")
        self._heading = QLabel(chart.title)
        self._keys = QLabel()
        self._keys.setTextFormat(Qt.RichText)
        self.value = ElidedLabel()
        self.value.setProperty("role", "muted")
        self._y = AmountAxis("left")
        self._y.log = chart.log_y
        self._y.whole = not chart.percent
        self._x: pg.AxisItem = NameAxis("bottom") if chart.names else AmountAxis("bottom")
        if isinstance(self._x, NameAxis):
            self._x.names = chart.names
        else:
            self._x.log, self._x.whole = chart.log_x, chart.whole
        self._plot = StillPlot(left=self._y, bottom=self._x)
        self._build()
        self._dress()
        theme().changed.connect(self._dress)

    def _build(self) -> None:
        self._plot.scene().sigMouseMoved.connect(self._mouse_moved)
        self._plot.viewport().installEventFilter(self)
        head = QHBoxLayout()
        head.setContentsMargins(12, 8, 12, 0)
        head.addWidget(self._heading)
        head.addStretch(1)
        head.addWidget(self._keys)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 4)
        column.setSpacing(2)
        column.addLayout(head)
        below = QHBoxLayout()
        below.setContentsMargins(12, 0, 12, 0)
        below.addWidget(self.value)
        column.addLayout(below)
        self.show_at(-1)
        column.addWidget(self._plot, 1)

    def _dress(self) -> None:
        self._heading.setFont(sized_font(self, 1.0, QFont.DemiBold))
        dots = [f'<span style="color:{colour(PART_ROLES[p]).name()}">⬤</span>&nbsp;{PART_NAMES[p]}'
                for p in self.chart.values if p in PART_ROLES]  # fmt: skip
        self._keys.setText("&nbsp;&nbsp;&nbsp;".join(dots))
        line = self._plot.dress(self.chart.x_label, self.chart.y_label, "100,000")
        self._draw()
        self.setMinimumHeight(round(line * 15))

    def _draw(self) -> None:
        item, chart = self._plot.getPlotItem(), self.chart
        item.clear()
        left, right = self._sides()
        top = 0.0
        base = np.zeros(chart.places)
        floor = self._floor()
        parts = [p for p, v in chart.values.items() if len(v) == chart.places]
        for number, part in enumerate(parts):
            heights = np.asarray(chart.values[part], np.float64)
            x0, x1 = left, right
            if not chart.stacked:
                wide = (right - left) / len(parts)
                x0, x1 = left + number * wide, left + (number + 1) * wide
            low = base.copy()
            high = base + heights
            if chart.log_y:
                low = np.full(chart.places, floor)
                high = np.maximum(floor, np.log10(np.where(heights > 0, heights, 10.0**floor)))
            bars = pg.BarGraphItem(
                x0=x0, x1=x1, y0=low, height=high - low,
                brush=pg.mkBrush(colour(PART_ROLES.get(part, "plot_train"))), pen=pg.mkPen(None),
            )  # fmt: skip
            item.addItem(bars, ignoreBounds=True)
            top = max(top if number or not chart.log_y else -math.inf, float(high.max(initial=floor)))
            if chart.stacked:
                base = high
        self._mark_line(item)
        self._set_range(left, right, floor, top)

    def _sides(self) -> tuple[np.ndarray, np.ndarray]:
        if self.chart.names:
            middle = np.arange(self.chart.places, dtype=np.float64)
            half = 0.4 * min(1.0, (self.chart.places + 1) / 5)  # a single bar is no wall
            return middle - half, middle + half
        edges = np.asarray(self.chart.edges, np.float64)
        if self.chart.log_x:
            edges = np.log10(np.maximum(edges, 1e-12))
        return edges[:-1], edges[1:]

    def _floor(self) -> float:
        """The lower end of the y axis, in its own measure."""
        if not self.chart.log_y:
            return 0.0
        found = [v for values in self.chart.values.values() for v in values if v > 0]
        return math.floor(math.log10(min(found))) if found else -1.0

    def _mark_line(self, item: pg.PlotItem) -> None:
        if self.chart.line is None:
            return
        place, words = self.chart.line
        at = math.log10(place) if self.chart.log_x else place
        line = pg.InfiniteLine(at, 90, pen=pg.mkPen(colour("bad"), width=1, style=Qt.DashLine))
        item.addItem(line, ignoreBounds=True)
        places = self._sides()
        right_half = 2 * at > places[0][0] + places[1][-1] if len(places[0]) else False
        text = pg.TextItem(words, color=colour("bad"), anchor=(int(right_half), 0))
        text.setFont(sized_font(self, 0.88))
        item.addItem(text, ignoreBounds=True)
        self._line_text = (text, at)

    def _set_range(self, left: np.ndarray, right: np.ndarray, floor: float, top: float) -> None:
        if not len(left):
            return
        low, high = float(left[0]), float(right[-1])
        if self.chart.names:
            low, high = -0.4, self.chart.places - 0.6
        if self.chart.line is not None:
            at = self._line_text[1]
            low, high = min(low, at), max(high, at)
        air = _AIR * max(high - low, 1e-6)
        top = top if top > floor else floor + 1
        ceiling = top + 0.08 * (top - floor)
        self._plot.getPlotItem().getViewBox().setRange(
            xRange=(low - air, high + air), yRange=(floor, ceiling), padding=0
        )
        if self.chart.line is not None:
            self._line_text[0].setPos(self._line_text[1], ceiling)

    # ---- pointer and keys

    def show_at(self, place: int) -> None:
        """Tell the values of this bar; -1: of none."""
        self._at = place if 0 <= place < self.chart.places else -1
        words = self.chart.describe(self._at) if self._at >= 0 else self.chart.note
        self.value.setText(words)
        self.value.setToolTip("")
        self.setAccessibleDescription(words)

    def _mouse_moved(self, place: QPointF) -> None:
        box = self._plot.getPlotItem().getViewBox()
        if not box.sceneBoundingRect().contains(place):
            self.show_at(-1)
            return
        left, right = self._sides()
        x = float(box.mapSceneToView(place).x())
        inside = np.flatnonzero((left <= x) & (x <= right))
        self.show_at(int(inside[0]) if len(inside) else -1)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if event.type() == QEvent.Leave:
            self.show_at(-1)
        elif event.type() == QEvent.MouseButtonPress:
            self.setFocus(Qt.MouseFocusReason)
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key_Left, Qt.Key_Right):
            step = 1 if event.key() == Qt.Key_Right else -1
            self.show_at(min(max(0, self._at + step), self.chart.places - 1))
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: object) -> None:
        self._heading.setText(f"▸ {self.chart.title}")

    def focusOutEvent(self, event: object) -> None:
        self._heading.setText(self.chart.title)


def _clip(name: str) -> str:
    return name if len(name) <= _NAME_LETTERS else name[: _NAME_LETTERS - 1] + "…"


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == round(value) else f"{value:.3g}"
