"""Parallel coordinates of a search: a line for each trial over one axis for each option."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PyQt5.QtGui import QColor
from PyQt5.QtWidgets import QWidget

from src.ui.text import metric_title, number
from src.ui.theme import colour
from src.ui.widgets.search_plots import SearchPlot, named, words

#: Shades from the worst to the best trial.
_SHADES = 8


class ParallelPlot(SearchPlot):
    """A line for each trial over one axis for each option; the last axis is the value. Good trials are drawn last."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Trials and their options", {}, parent)
        self._lines: np.ndarray = np.zeros((0, 0))
        self._marked: pg.PlotCurveItem | None = None
        self._passing = False

    def _axes(self) -> list[dict[str, Any]]:
        values = [line["value"] for line in self.results["parallel"]["lines"]]
        low, high = (min(values), max(values)) if values else (0.0, 1.0)
        last = {
            "label": metric_title(self.results["metric"]),
            "kind": "float",
            "low": low,
            "high": high,
            "log": False,
        }
        return [*self.results["parallel"]["axes"], {**last, "choices": [], "names": []}]

    def _draw(self) -> None:
        axes, rows = self._axes(), self.results["parallel"]["lines"]
        for name in ("left", "bottom"):
            self._item.getAxis(name).setStyle(showValues=False)
            self._item.getAxis(name).setPen(pg.mkPen(None))
        self._item.getAxis("left").setWidth(8)
        self._item.getAxis("bottom").setHeight(4)
        places = np.asarray(
            [
                [place(axis, v) for axis, v in zip(axes, [*r["values"], r["value"]], strict=True)]
                for r in rows
            ],
            np.float64,
        ).reshape(len(rows), len(axes))
        self._lines = np.array([bridged(line) for line in places]).reshape(places.shape)
        self._passing = bool(np.isnan(places).any())
        self._draw_lines(len(axes))
        for x, axis in enumerate(axes):
            self._item.addItem(
                pg.PlotCurveItem([x, x], [0, 1], pen=pg.mkPen(colour("border_strong"))), ignoreBounds=True
            )
            side = 0.0 if x == 0 else 1.0 if x == len(axes) - 1 else 0.5
            self._text(axis["label"], x, 1.16, (side, 0.5), "text")
            for y, text in marks(axis):
                self._text(text, x, y, (0.0 if x < len(axes) - 1 else 1.0, 1.0 if y < 0.5 else 0.0) if 0 < y < 1
                           else (side, 0.0 if y == 0 else 1.0))  # fmt: skip
        self._item.getViewBox().setRange(xRange=(-0.06, len(axes) - 0.94), yRange=(-0.14, 1.24), padding=0)
        self._marked = pg.PlotCurveItem([], [], pen=pg.mkPen(colour("text"), width=3), connect="finite")
        self._item.addItem(self._marked, ignoreBounds=True)

    def _draw_lines(self, width: int) -> None:
        """One curve a shade: a thousand trials are drawn as fast as ten."""
        if not len(self._lines):
            return
        good = self._lines[:, -1] if self.results["mode"] == "max" else 1 - self._lines[:, -1]
        shade = np.clip((good * _SHADES).astype(int), 0, _SHADES - 1)
        gap = np.full((1,), np.nan)
        for step in range(_SHADES):
            chosen = self._lines[shade == step]
            if not len(chosen):
                continue
            x = np.concatenate([np.concatenate([np.arange(width, dtype=np.float64), gap]) for _ in chosen])
            y = np.concatenate([np.concatenate([line, gap]) for line in chosen])
            pen = pg.mkPen(
                blend(colour("border_strong"), colour("accent"), step / (_SHADES - 1)), width=1 + step / 5
            )
            self._item.addItem(pg.PlotCurveItem(x, y, pen=pen, connect="finite"))

    def _nearest(self, x: float, y: float) -> int | None:
        if not len(self._lines):
            return None
        left = min(max(math.floor(x), 0), self._lines.shape[1] - 2)
        share = min(max(x - left, 0.0), 1.0)
        at = self._lines[:, left] * (1 - share) + self._lines[:, left + 1] * share
        away = np.where(np.isnan(at), np.inf, np.abs(at - y))
        best = int(np.argmin(away))
        return best if away[best] < 0.05 else None

    def _tell(self, at: int | None) -> None:
        if at is None or not self.results:
            if self._marked is not None:
                self._marked.setData([], [])
            self.value.setText(
                "A line is a trial; the stronger, the better. Point at one to read it, click to choose it."
                + (" Over an option that its trial did not use it passes straight." if self._passing else "")
            )
            return
        row = self.results["parallel"]["lines"][at]
        if self._marked is not None:
            self._marked.setData(np.arange(self._lines.shape[1], dtype=np.float64), self._lines[at])
        said = [
            f"{a['label']} {named(a, v)}"
            for a, v in zip(self._axes(), row["values"], strict=False)
            if v is not None
        ]
        self.value.setText(f"Trial {row['number']}: {number(row['value'], 4)};  {',  '.join(said)}")

    def _pick(self, at: int) -> None:
        self.picked.emit(int(self.results["parallel"]["lines"][at]["number"]))


def place(axis: Mapping[str, Any], value: Any) -> float:
    """Where a value lies on its axis, 0 to 1; NaN where the option was not used."""
    if value is None and None not in axis["choices"]:
        return math.nan
    if axis["kind"] == "choice":
        return (
            axis["choices"].index(value) / max(1, len(axis["choices"]) - 1)
            if value in axis["choices"]
            else math.nan
        )
    low, high = float(axis["low"]), float(axis["high"])
    if axis["log"]:
        low, high, value = math.log(low), math.log(high), math.log(float(value))
    return (float(value) - low) / (high - low) if high > low else 0.5


def bridged(line: np.ndarray) -> np.ndarray:
    """Places along a line, A numbers or NaN, with straight ways over the axes without one: what lies beyond stays joined."""
    axes, known = np.arange(len(line)), ~np.isnan(line)
    return np.interp(axes, axes[known], line[known]) if known.any() else line


def marks(axis: Mapping[str, Any]) -> Sequence[tuple[float, str]]:
    """The words along an axis: the choices, or both ends."""
    if axis["kind"] == "choice":
        return [(place(axis, choice), named(axis, choice)) for choice in axis["choices"]]
    if axis["low"] == axis["high"]:
        return [(0.5, words(axis["low"]))]
    return [(0.0, words(axis["low"])), (1.0, words(axis["high"]))]


def blend(first: QColor, second: QColor, share: float) -> QColor:
    """A colour between two."""
    parts = zip(first.getRgbF()[:3], second.getRgbF()[:3], strict=True)
    return QColor.fromRgbF(*(a + (b - a) * share for a, b in parts))
