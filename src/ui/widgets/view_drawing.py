"""Draws what a view holds into a plot: lines, shares that stand on each other, a picture; and reads values back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyqtgraph as pg
from PyQt5.QtCore import QRectF
from PyQt5.QtGui import QColor, QImage, QPainter, QPaintEvent
from PyQt5.QtWidgets import QSizePolicy, QWidget

from src.core.dataset.shown import Curve, Mark, Picture, Shown
from src.ui.text import number
from src.ui.theme import colour

CURVE_ROLES = ("plot_a", "plot_b", "plot_rate", "plot_c", "run_6", "run_7", "run_8", "run_5")
_MAP = "viridis"
_AIR = 0.06


def role_of(place: int) -> str:
    """Colour role of a curve by its number."""
    return CURVE_ROLES[place % len(CURVE_ROLES)]


def items_of(shown: Shown) -> list[Any]:
    """The items that show it, in the order in which they lie on each other."""
    found: list[Any] = []
    if shown.picture is not None:
        found.append(_image(shown.picture))
    if shown.stacked:
        return found + _stack(shown)
    for place, curve in enumerate(shown.curves):
        x, y = np.asarray(curve.x), np.asarray(curve.y, np.float64)
        if shown.stepped:
            x, y = np.repeat(x, 2)[1:-1], np.repeat(y[:-1], 2)
        line = pg.PlotCurveItem(
            pen=pg.mkPen(colour(role_of(place)), width=2 if shown.stepped else 1), antialias=False
        )
        line.setData(x, y, connect="finite")
        found.append(line)
    return found


def _stack(shown: Shown) -> list[Any]:
    """Areas on each other, constant between two points; where there is no value there is a gap."""
    found: list[Any] = []
    below = np.zeros(0)
    for place, curve in enumerate(shown.curves):
        x = np.repeat(curve.x, 2)[1:-1]
        y = np.repeat(np.nan_to_num(np.asarray(curve.y, np.float64))[:-1], 2)
        below = below if len(below) else np.zeros(len(y))
        low, high = pg.PlotCurveItem(x, below), pg.PlotCurveItem(x, below + y)
        shade = QColor(colour(role_of(place)))
        shade.setAlphaF(0.75)
        found.append(pg.FillBetweenItem(low, high, brush=pg.mkBrush(shade)))
        below = below + y
    return found


def _image(picture: Picture) -> pg.ImageItem:
    made = pg.ImageItem(picture.levels, axisOrder="row-major", levels=(0, 255))
    made.setLookupTable(pg.colormap.get(_MAP).getLookupTable(nPts=256))
    (left, right), (bottom, top) = picture.x, picture.y
    made.setRect(QRectF(left, bottom, right - left, top - bottom))
    return made


def y_range(shown: Shown) -> tuple[float, float]:
    """The range of the y axis in which all of it is seen."""
    if shown.picture is not None:
        return max(0.0, shown.picture.y[0]), shown.picture.y[1]
    if shown.stacked:
        return 0.0, 1.0  # shares of one
    known = [c.y[np.isfinite(c.y)] for c in shown.curves]
    values = np.concatenate(known) if known else np.zeros(0)
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    if low >= 0:
        return 0.0, high * (1 + 2 * _AIR) or 1.0
    room = (high - low) or abs(high) or 1.0
    return low - _AIR * room, high + _AIR * room


def value_at(curve: Curve, x: float, reach: float, *, steps: bool) -> float:
    """The value of a curve nearest to ``x``; NaN where there is none within ``reach``. With ``steps``: of the step there."""
    if not len(curve.x):
        return float("nan")
    right = int(np.searchsorted(curve.x, x, side="right"))
    if steps:
        return float(curve.y[right - 1]) if 0 < right < len(curve.x) else float("nan")
    places = [k for k in (right - 2, right - 1, right, right + 1) if 0 <= k < len(curve.x)]
    best = min(places, key=lambda k: (abs(float(curve.x[k]) - x), -abs(float(curve.y[k]))))
    return float(curve.y[best]) if abs(float(curve.x[best]) - x) <= reach else float("nan")


def level_at(picture: Picture, x: float, y: float) -> float:
    """The value of a picture at a place of its axes; NaN outside."""
    rows, columns = picture.levels.shape
    column = int((x - picture.x[0]) / (picture.x[1] - picture.x[0]) * columns // 1)
    row = int((y - picture.y[0]) / (picture.y[1] - picture.y[0]) * rows // 1)
    if not (0 <= row < rows and 0 <= column < columns):
        return float("nan")
    return picture.low + float(picture.levels[row, column]) / 255 * (picture.high - picture.low)


def words_at(shown: Shown, x: float | None, y: float | None, reach: float, mark: Mark | None) -> str:
    """The values at a place as rich text; without a place the names of the curves, where there are several."""
    many = len(shown.curves) > 1
    names = [f'<span style="color:{colour(role_of(k)).name()}">⬤</span>&nbsp;{c.name}' if many else c.name
             for k, c in enumerate(shown.curves)]  # fmt: skip
    if x is None:
        return "&nbsp;&nbsp; ".join(names) if many else ""
    parts = [f"{number(float(x), 5)} {shown.x.unit}".strip()]
    if shown.picture is not None and y is not None:
        level = level_at(shown.picture, x, y)
        parts += [
            f"{number(float(y), 4)} {shown.y.unit}".strip(),
            f"{number(level, 3)} {shown.picture.axis.unit}".strip(),
        ]
    for name, curve in zip(names, shown.curves, strict=True):
        value = value_at(curve, x, reach, steps=shown.stepped)
        parts.append(f"{name} {'–' if math.isnan(value) else number(value, 4)}")
    if mark is not None:
        side = f" {mark.side:+d} sideband" if mark.side else ""
        parts.append(f"{mark.label or f'{mark.harmonic}·{mark.group}'}{side} at {number(mark.x, 5)}")
    return "&nbsp;&nbsp; ".join(parts)


class ColourScale(QWidget):
    """The colours of a picture with their lowest and highest value."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture: Picture | None = None
        self.setSizePolicy(QSizePolicy.Fixed, QSizePolicy.Fixed)
        self.hide()

    def put(self, picture: Picture | None) -> None:
        """Those of another picture."""
        self._picture = picture
        self.setVisible(picture is not None)
        if picture is not None:
            metrics = self.fontMetrics()
            self.setFixedSize(sum(map(metrics.horizontalAdvance, self._words())) + 92, metrics.height() + 2)
            self.setToolTip(f"{picture.axis.title}: {' to '.join(self._words())}")
            self.update()

    def _words(self) -> tuple[str, str]:
        assert self._picture is not None
        low, high = (number(float(v), 3) for v in (self._picture.low, self._picture.high))
        return low, f"{high} {self._picture.axis.unit}".strip()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._picture is None:
            return
        painter, metrics = QPainter(self), self.fontMetrics()
        low, high = self._words()
        left = metrics.horizontalAdvance(low) + 6
        painter.setPen(colour("muted"))
        baseline = (self.height() + metrics.ascent() - metrics.descent()) // 2
        painter.drawText(0, baseline, low)
        painter.drawText(left + 86, baseline, high)
        table = np.ascontiguousarray(
            pg.colormap.get(_MAP).getLookupTable(nPts=80)[None, :, :3].astype(np.uint8)
        )
        stripe = QImage(table.data, 80, 1, 240, QImage.Format_RGB888).copy()
        painter.drawImage(QRectF(left, 3, 80, self.height() - 6), stripe)
