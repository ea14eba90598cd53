"""One live plot: curves, a legend with the values under the pointer, the best epoch, zoom by mouse and
keys."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PyQt5.QtCore import QEvent, QPointF, Qt, pyqtSignal
from PyQt5.QtGui import QFont, QFontMetricsF, QKeyEvent
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from src.ui.icons import icon
from src.ui.theme import colour, sized_font, theme
from src.ui.widgets.plot_axes import EpochAxis, TimeAxis, ValueAxis
from src.ui.widgets.plot_legend import Curve, PlotLegend
from src.ui.widgets.plot_range import Limits, padded, padded_powers, widened

_SYMBOLS_UP_TO = 40
pg.setConfigOptions(antialias=False, useOpenGL=False)


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
        self._limits = Limits()
        self._build()
        self._dress()
        theme().changed.connect(self._dress)

    # ---- building

    def _build(self) -> None:
        self.heading = QLabel(self._title)
        self.heading.setTextFormat(Qt.PlainText)
        self.legend = PlotLegend()
        self._fit = QToolButton()
        self._fit.setToolTip("Show all (Home)")
        self._fit.setAccessibleName(f"Show all of {self._title}")
        self._fit.clicked.connect(self.show_all)
        self._fit.setVisible(False)
        self.row = QHBoxLayout()
        self.row.setContentsMargins(10, 6, 8, 0)
        self.row.setSpacing(10)
        self.row.addWidget(self.heading)
        self.row.addWidget(self.legend, 1)
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
            axis.setStyle(
                tickFont=font,
                tickLength=-4,
                autoExpandTextSpace=False,
                hideOverlappingLabels=name
                == "bottom",  # 0 at the lower end of a value axis stands out a little
            )
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
                pen=pg.mkPen(
                    shade, width=1 if curve.pale else 2, style=Qt.DashLine if curve.dashed else Qt.SolidLine
                ),
                antialias=not curve.pale,
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

    def set_limits(self, limits: Limits) -> None:
        """What is known of the values before the first of them comes."""
        self._limits = limits

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
            low, high = widened(low, high, y, rough=curve.pale)
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

    def _set_range(self, left: float, right: float, low: float, high: float) -> None:
        low, high = padded(low, high, self._limits) if not self._log else padded_powers(low, high)
        box = self._plot.getPlotItem().getViewBox()
        if [left, right] != box.viewRange()[0] or [low, high] != box.viewRange()[1]:
            box.setRange(xRange=(left, right), yRange=(low, high), padding=0)

    def _mark_best(self) -> None:
        self._best_line.setVisible(self._best is not None and not self._time)
        if self._best is not None:
            self._best_line.setValue(self._best)

    def _write_legend(self) -> None:
        at = self._at if self._at is None or self._time else max(0.0, self._at)
        best = None if self._time or self._best is None else (self._best, self._best_value)
        self.setAccessibleDescription(self.legend.write(self._curves, at, best, epochs=not self._time))

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
