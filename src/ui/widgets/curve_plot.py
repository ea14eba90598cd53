"""One live plot: curves, a legend with the values under the pointer, the best epoch, zoom by mouse and
keys."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PyQt5.QtCore import QEvent, QPointF, Qt, pyqtSignal
from PyQt5.QtGui import QFont, QFontMetricsF, QKeyEvent
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from src.ui.icons import icon
from src.ui.series import Series
from src.ui.text import number
from src.ui.theme import colour, sized_font, theme
from src.ui.widgets.plot_axes import EpochAxis, TimeAxis, ValueAxis

_SYMBOLS_UP_TO = 40
pg.setConfigOptions(antialias=False, useOpenGL=False)


@dataclass
class Curve:
    """One curve of a plot.

    Attributes:
        name: Shown in the legend.
        role: Colour role of `theme`.
        series: Its points.
        scale: Factor from the stored to the shown unit.
        pale: A thin background curve without values in the legend.
        unit: Behind the value in the legend.
    """

    name: str
    role: str
    series: Series
    scale: float = 1.0
    pale: bool = False
    unit: str = ""


class CurvePlot(QWidget):
    """A plot with a heading row above it. It redraws only when `redraw` is called.

    Signals:
        hovered(object): Position of the pointer on the x axis, or None when it left.
        changed(): The person zoomed or moved the view: it has to be drawn again.
    """

    hovered = pyqtSignal(object)
    changed = pyqtSignal()

    def __init__(
        self, title: str, *, time: bool = False, unit: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._title, self._unit, self._time = title, unit, time
        self._curves: list[Curve] = []
        self._items: list[tuple[pg.PlotCurveItem, pg.ScatterPlotItem]] = []
        self._best: int | None = None
        self._best_value: float | None = None
        self._log = False
        self._following = True
        self._at: float | None = None
        self._limits: tuple[float, float] | None = None
        self._build()
        self._dress()
        theme().changed.connect(self._dress)

    # ---- building

    def _build(self) -> None:
        self.heading = QLabel(self._title)
        self.heading.setTextFormat(Qt.PlainText)
        self._legend = QLabel()
        self._legend.setTextFormat(Qt.RichText)
        self._legend.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)  # never widens the window
        self._fit = QToolButton()
        self._fit.setToolTip("Show all (Home)")
        self._fit.setAccessibleName(f"Show all of {self._title}")
        self._fit.clicked.connect(self.show_all)
        self._fit.setVisible(False)
        self.row = QHBoxLayout()
        self.row.setContentsMargins(10, 6, 8, 0)
        self.row.setSpacing(10)
        self.row.addWidget(self.heading)
        self.row.addWidget(self._legend, 1)
        self.row.addWidget(self._fit)
        self._y = ValueAxis("left")
        axis = TimeAxis("bottom") if self._time else EpochAxis("bottom")
        self.heading.setMinimumHeight(
            int(self.fontMetrics().height() * 1.9)
        )  # as high as a row with a list in it
        self._plot = pg.PlotWidget(axisItems={"left": self._y, "bottom": axis})
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.setFocusPolicy(Qt.NoFocus)
        self._plot.setFrameShape(pg.PlotWidget.NoFrame)
        item = self._plot.getPlotItem()
        item.setClipToView(False)
        item.getViewBox().setDefaultPadding(0.0)
        item.disableAutoRange()
        item.getViewBox().sigRangeChangedManually.connect(self._moved_by_hand)
        self._plot.scene().sigMouseMoved.connect(self._mouse_moved)
        self._plot.viewport().installEventFilter(self)
        self._cross = pg.InfiniteLine(angle=90)
        self._best_line = pg.InfiniteLine(angle=90)
        for line in (self._cross, self._best_line):
            line.setVisible(False)
            item.addItem(line, ignoreBounds=True)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addLayout(self.row)
        outer.addWidget(self._plot, 1)
        self.setFocusPolicy(Qt.StrongFocus)
        self.setAccessibleName(self._title)

    def _dress(self) -> None:
        self._plot.setBackground(colour("surface"))
        font = sized_font(self, 0.88)
        item = self._plot.getPlotItem()
        metrics = QFontMetricsF(font)
        for name in ("left", "bottom"):
            axis = item.getAxis(name)
            axis.setPen(pg.mkPen(colour("border_strong")))
            axis.setTextPen(pg.mkPen(colour("muted")))
            axis.setStyle(tickFont=font, tickLength=-4, autoExpandTextSpace=False, hideOverlappingLabels=True)
            axis.enableAutoSIPrefix(False)
            axis.label.setFont(font)
        item.getAxis("left").setWidth(metrics.horizontalAdvance("0.000e-0") + 10)
        item.getAxis("bottom").setHeight(metrics.height() * 2 + 8)
        item.setLabel(
            "bottom", "Time since the start" if self._time else "Epoch", color=colour("muted").name()
        )
        item.showGrid(x=False, y=True, alpha=0.22)
        self._cross.setPen(pg.mkPen(colour("border_strong"), width=1))
        self._best_line.setPen(pg.mkPen(colour("plot_best"), width=1, style=Qt.DashLine))
        self.heading.setFont(sized_font(self, 1.0, QFont.DemiBold))
        self._fit.setIcon(icon("fit"))
        self._make_items()
        self.redraw()

    def _make_items(self) -> None:
        item = self._plot.getPlotItem()
        for pair in self._items:
            for thing in pair:
                item.removeItem(thing)
        self._items = []
        for curve in self._curves:
            shade = colour(curve.role)
            if curve.pale:
                shade.setAlphaF(0.38)
            line = pg.PlotCurveItem(
                pen=pg.mkPen(shade, width=1 if curve.pale else 2), antialias=not curve.pale
            )
            dots = pg.ScatterPlotItem(size=6, pen=None, brush=pg.mkBrush(shade), antialias=True)
            for thing in (line, dots):
                thing.setZValue(1 if curve.pale else 5)
                item.addItem(thing, ignoreBounds=True)
            self._items.append((line, dots))

    # ---- what is shown

    def set_curves(self, curves: list[Curve], unit: str | None = None) -> None:
        """Show these curves from now on; their points may go on growing."""
        same = [(c.name, c.role, id(c.series)) for c in curves] == [
            (c.name, c.role, id(c.series)) for c in self._curves
        ]
        self._curves = curves
        if unit is not None:
            self._unit = unit
        if not same:
            self._make_items()

    def set_title(self, title: str) -> None:
        """Another heading."""
        self._title = title
        self.heading.setText(title)
        self.setAccessibleName(title)

    def set_best(self, epoch: int | None, value: float | None = None) -> None:
        """Mark the best epoch."""
        self._best, self._best_value = epoch, value

    def set_log(self, on: bool) -> None:
        """Logarithmic y axis; values that are not positive become gaps."""
        self._log = self._y.log = on
        self._y.picture = None
        self._following = True
        self.redraw()

    def set_limits(self, low: float, high: float) -> None:
        """The values lie between these by their nature (0 and 1): the view never goes beyond."""
        self._limits = (low, high)

    def redraw(self) -> None:
        """Draw the curves as they are now: never more points than the screen shows."""
        box = self._plot.getPlotItem().getViewBox()
        if self._following:
            left, right = self._full_x()
        else:
            left, right = box.viewRange()[0]
        columns = max(64, int(self._plot.width() * self.devicePixelRatioF() / 2))
        low, high = np.inf, -np.inf
        for curve, (line, dots) in zip(self._curves, self._items, strict=True):
            x, y = curve.series.view(left, right, columns if not curve.pale else columns // 2)
            y = y * curve.scale
            if self._log:
                y = np.log10(np.where(y > 0, y, np.nan))
            line.setData(x, y, connect="finite")
            few = not curve.pale and len(x) <= _SYMBOLS_UP_TO and not self._time
            dots.setData(x[ok], y[ok]) if few and (ok := np.isfinite(y)).any() else dots.setData([], [])
            low, high = self._widen(low, high, y, curve.pale)
        if self._following:
            self._set_range(left, right, low, high)
        self._mark_best()
        self._write_legend()
        self._fit.setVisible(not self._following)

    def _full_x(self) -> tuple[float, float]:
        ends = [float(c.series.x[-1]) for c in self._curves if len(c.series)]
        right = max(ends, default=1.0)
        if self._time:
            return 0.0, max(right, 10.0)
        first = 0.0 if any(c.pale and len(c.series) for c in self._curves) or right <= 2 else 1.0
        margin = max(0.02 * (right - first), 0.04)
        return first - margin, right + margin

    @staticmethod
    def _widen(low: float, high: float, y: np.ndarray, pale: bool) -> tuple[float, float]:
        y = y[np.isfinite(y)]
        if not len(y):
            return low, high
        small, large = np.percentile(y, [1, 99]) if pale and len(y) > 50 else (y.min(), y.max())
        return min(low, float(small)), max(high, float(large))

    def _set_range(self, left: float, right: float, low: float, high: float) -> None:
        if not np.isfinite(low):
            low, high = (0.0, 1.0) if not self._log else (-2.0, 0.0)
        margin = max((high - low) * 0.07, abs(high) * 0.02, 1e-9)
        low, high = low - margin, high + margin
        if self._limits and not self._log:
            small, large = self._limits
            low, high = max(low, small - 0.02 * (large - small)), min(high, large + 0.02 * (large - small))
        box = self._plot.getPlotItem().getViewBox()
        if [left, right] != box.viewRange()[0] or [low, high] != box.viewRange()[1]:
            box.setRange(xRange=(left, right), yRange=(low, high), padding=0)

    def _mark_best(self) -> None:
        self._best_line.setVisible(self._best is not None and not self._time)
        if self._best is not None:
            self._best_line.setValue(self._best)

    def _write_legend(self) -> None:
        parts, spoken = [], []
        for curve in self._curves:
            if curve.pale:
                continue
            found = (
                curve.series.at(self._at if self._at is not None else np.inf) if len(curve.series) else None
            )
            value = self._value(found[1] * curve.scale, curve.unit) if found else "–"
            dot = f'<span style="color:{colour(curve.role).name()}">⬤</span>'
            name = (
                f'<span style="color:{colour("muted").name()}">{curve.name}</span>&nbsp;'
                if curve.name
                else ""
            )
            parts.append(f"{dot}&nbsp;{name}{value}".replace(" ", "&nbsp;").replace("<span&nbsp;", "<span "))
            spoken.append(f"{curve.name} {value}")
        if self._at is not None and not self._time:
            parts.insert(0, f"Epoch&nbsp;{max(0, round(self._at)):,}")
        if self._best is not None and self._at is None and not self._time:
            value = (
                f":&nbsp;{number(self._best_value, 3)}&nbsp;(epoch&nbsp;{self._best})"
                if self._best_value is not None
                else ""
            )
            parts.append(f'<span style="color:{colour("plot_best").name()}">┆&nbsp;best{value}</span>')
        self._legend.setText(self._fitting(parts))
        self.setAccessibleDescription(", ".join(spoken))

    def _fitting(self, parts: list[str]) -> str:
        """As many of the parts as there is room for: a number that is cut would be read as another one."""
        metrics, room = self._legend.fontMetrics(), self._legend.width()
        used = 0
        for count, part in enumerate(parts):
            plain = re.sub("<.*?>", "", part).replace("&nbsp;", " ")
            used += metrics.horizontalAdvance(plain + ("    " if count else ""))
            if used > room and count:
                parts = parts[:count]
                break
        return "&nbsp;&nbsp;&nbsp; ".join(parts)

    @staticmethod
    def _value(value: float, unit: str) -> str:
        return f"{value:.1f}{unit}" if unit and np.isfinite(value) else number(value, 3)

    # ---- pointer and keys

    def set_cross(self, x: float | None) -> None:
        """Show the values at ``x`` (None: the newest)."""
        if x is not None and not self._time:
            x = float(round(x))
        if x == self._at:
            return
        self._at = x
        self._cross.setVisible(x is not None)
        if x is not None:
            self._cross.setValue(x)
        self._write_legend()

    def _mouse_moved(self, place: QPointF) -> None:
        box = self._plot.getPlotItem().getViewBox()
        if box.sceneBoundingRect().contains(place):
            self.hovered.emit(float(box.mapSceneToView(place).x()))
        else:
            self.hovered.emit(None)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if event.type() == QEvent.Leave:
            self.hovered.emit(None)
        elif event.type() == QEvent.MouseButtonDblClick:
            self.show_all()
        elif event.type() == QEvent.MouseButtonPress:
            self.setFocus(Qt.MouseFocusReason)
        return False

    def _moved_by_hand(self, *_: object) -> None:
        self._following = False
        self.changed.emit()

    def show_all(self) -> None:
        """The whole of every curve, following as they grow."""
        self._following = True
        self.changed.emit()
        self.redraw()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, box = event.key(), self._plot.getPlotItem().getViewBox()
        if key in (Qt.Key_Left, Qt.Key_Right):
            ends = [float(c.series.x[-1]) for c in self._curves if len(c.series)]
            at = self._at if self._at is not None else max(ends, default=1.0)
            step = (box.viewRange()[0][1] / 50 if self._time else 1.0) * (1 if key == Qt.Key_Right else -1)
            self.hovered.emit(min(max(0.0, at + step), max(ends, default=1.0)))
        elif key in (Qt.Key_Plus, Qt.Key_Equal, Qt.Key_Minus):
            factor = 1.25 if key == Qt.Key_Minus else 0.8
            box.scaleBy((factor, factor))
            self._moved_by_hand()
        elif key == Qt.Key_Home:
            self.show_all()
        elif key == Qt.Key_Escape and self._at is not None:
            self.hovered.emit(None)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: object) -> None:
        self.heading.setText(f"▸ {self._title}")

    def focusOutEvent(self, event: object) -> None:
        self.heading.setText(self._title)
