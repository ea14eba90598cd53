"""Plots of a search: the values of its trials, and which options mattered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyqtgraph as pg
from PyQt5.QtCore import QEvent, QPointF, Qt, pyqtSignal
from PyQt5.QtGui import QFont, QFontMetricsF
from PyQt5.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from src.ui.text import metric_title, number
from src.ui.theme import colour, sized_font, theme
from src.ui.widgets.elided import ElidedLabel
from src.ui.widgets.plot_axes import EpochAxis, ValueAxis
from src.ui.widgets.plot_card import StillPlot


def words(value: Any) -> str:
    """A value of an option as people write it."""
    if value is None:
        return "not used"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def named(axis: Mapping[str, Any], value: Any) -> str:
    """A value of the option of an axis: a choice by its name."""
    if isinstance(value, str) and value in axis["choices"]:
        return str(axis["names"][axis["choices"].index(value)])
    return words(value)


class SearchPlot(QFrame):
    """A card with a heading, words about what the pointer is at, and a plot.

    Attributes:
        results: As `src.core.search.results.results_of` makes them.

    Signals:
        picked(int): The trial of this number was clicked.
    """

    picked = pyqtSignal(int)

    def __init__(self, title: str, axes: Mapping[str, pg.AxisItem], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.results: dict[str, Any] = {}
        self._at: int | None = None
        self.setProperty("role", "card")
        self.setAccessibleName(title)
        self._heading = QLabel(title)
        self._keys = QLabel()
        self._keys.setTextFormat(Qt.RichText)
        self.value = ElidedLabel()
        self.value.setProperty("role", "muted")
        self._plot = StillPlot(**axes)
        self._item = self._plot.getPlotItem()
        self._build()
        theme().changed.connect(self._dress)

    def _build(self) -> None:
        self._plot.scene().sigMouseMoved.connect(self._moved)
        self._plot.scene().sigMouseClicked.connect(self._clicked)
        self._plot.viewport().installEventFilter(self)
        head = QHBoxLayout()
        head.setContentsMargins(12, 8, 12, 0)
        head.addWidget(self._heading)
        head.addStretch(1)
        head.addWidget(self._keys)
        below = QHBoxLayout()
        below.setContentsMargins(12, 0, 12, 0)
        below.addWidget(self.value)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 4)
        column.setSpacing(2)
        column.addLayout(head)
        column.addLayout(below)
        column.addWidget(self._plot, 1)

    def show_results(self, results: dict[str, Any]) -> None:
        """Draw what is known now."""
        self.results = results
        self._at = None
        self._dress()

    def _dress(self) -> None:
        self._heading.setFont(sized_font(self, 1.0, QFont.DemiBold))
        line = self._plot.dress("", "", "0.0000")
        self.setMinimumHeight(round(line * 13))
        self._item.clear()
        if self.results:
            self._draw()
        self._tell(None)

    def _label(self, side: str, text: str) -> None:
        self._item.setLabel(side, text, color=colour("muted").name())

    def _text(self, text: str, x: float, y: float, anchor: tuple[float, float], role: str = "muted") -> None:
        made = pg.TextItem(text, color=colour(role), anchor=anchor)
        made.setFont(sized_font(self, 0.88))
        made.setPos(x, y)
        self._item.addItem(made, ignoreBounds=True)

    def _draw(self) -> None:
        raise NotImplementedError

    def _nearest(self, x: float, y: float) -> int | None:
        """The place under the pointer."""
        return None

    def _tell(self, at: int | None) -> None:
        """Words about a place; None: about the whole."""

    def _place(self, position: QPointF) -> int | None:
        box = self._item.getViewBox()
        if not self.results or not box.sceneBoundingRect().contains(position):
            return None
        point = box.mapSceneToView(position)
        return self._nearest(float(point.x()), float(point.y()))

    def _moved(self, position: QPointF) -> None:
        at = self._place(position)
        if at != self._at:
            self._at = at
            self._tell(at)

    def _clicked(self, event: Any) -> None:
        at = self._place(event.scenePos())
        if at is not None:
            self._pick(at)

    def _pick(self, at: int) -> None:
        """What a click on a place does."""

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if event.type() == QEvent.Leave and self._at is not None:
            self._at = None
            self._tell(None)
        return False


class HistoryPlot(SearchPlot):
    """The value of each trial in the order of drawing, and the best so far."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("History", {"left": ValueAxis("left"), "bottom": EpochAxis("bottom")}, parent)

    def _draw(self) -> None:
        rows = self.results["history"]
        self._label("bottom", "Trial")
        self._label("left", metric_title(self.results["metric"]))
        self._item.showGrid(x=False, y=True, alpha=0.22)
        done, early = ([r for r in rows if (r["state"] == "completed") == wanted] for wanted in (True, False))
        self._keys.setText(
            f'<span style="color:{colour("plot_train").name()}">●</span>&nbsp;to its end&nbsp;&nbsp;'
            f'<span style="color:{colour("muted").name()}">○</span>&nbsp;ended early&nbsp;&nbsp;'
            f'<span style="color:{colour("plot_best").name()}">━</span>&nbsp;best so far'
        )
        for chosen, brush, pen in ((early, None, "muted"), (done, "plot_train", "plot_train")):
            self._item.addItem(
                pg.ScatterPlotItem(
                    [r["number"] for r in chosen],
                    [r["value"] for r in chosen],
                    size=8,
                    pen=pg.mkPen(colour(pen)),
                    brush=pg.mkBrush(colour(brush)) if brush else pg.mkBrush(None),
                )
            )
        best = [(r["number"], r["best"]) for r in rows if r["best"] is not None]
        if best:
            line = np.repeat(
                np.asarray(best, np.float64), 2, axis=0
            )  # steps: it holds until a better one comes
            x, y = line[1:, 0], line[:-1, 1]
            self._item.addItem(pg.PlotCurveItem(x, y, pen=pg.mkPen(colour("plot_best"), width=2)))
        values = [r["value"] for r in rows] or [0.0, 1.0]
        low, high = min(values), max(values)
        air = 0.08 * (high - low) or 0.05
        last = max(int(self.results["planned"]), *(r["number"] for r in rows), 2) if rows else 2
        self._item.getViewBox().setRange(xRange=(0.3, last + 0.7), yRange=(low - air, high + air), padding=0)

    def _nearest(self, x: float, y: float) -> int | None:
        rows = self.results["history"]
        at = min(range(len(rows)), key=lambda n: abs(rows[n]["number"] - x), default=None)
        return at if at is not None and abs(rows[at]["number"] - x) < 1 else None

    def _tell(self, at: int | None) -> None:
        if at is None:
            best = self.results.get("best")
            self.value.setText(
                f"Best: trial {best['number']} with {number(best['value'], 4)}" if best else ""
            )
            return
        row = self.results["history"][at]
        ended = "" if row["state"] == "completed" else ", ended early"
        self.value.setText(f"Trial {row['number']}: {number(row['value'], 4)}{ended}")

    def _pick(self, at: int) -> None:
        self.picked.emit(int(self.results["history"][at]["number"]))


class _NamesAxis(pg.AxisItem):
    """Names at whole numbers of a vertical axis."""

    names: tuple[str, ...] = ()

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        return [(1.0, [float(n) for n in range(len(self.names))])]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [self.names[round(v)] for v in values if 0 <= round(v) < len(self.names)]


class ImportancePlot(SearchPlot):
    """Which options made trials good or bad, the most important on top."""

    _MOST = 12

    def __init__(self, parent: QWidget | None = None) -> None:
        self._names = _NamesAxis("left")
        super().__init__("Importance", {"left": self._names, "bottom": ValueAxis("bottom")}, parent)

    def _rows(self) -> list[tuple[str, float]]:
        labels = {a["key"]: a["label"] for a in self.results["parallel"]["axes"]}
        found = list(self.results["importance"].items())[: self._MOST]
        return [(labels.get(key, key), float(share)) for key, share in reversed(found)]

    def _draw(self) -> None:
        rows = self._rows()
        self._names.names = tuple(label for label, _ in rows)
        metrics = QFontMetricsF(sized_font(self, 0.88))
        widest = max((metrics.horizontalAdvance(label) for label, _ in rows), default=0.0)
        self._names.setWidth(widest + 16)
        self._label("bottom", "Share (%)")
        self._item.showGrid(x=False, y=False)  # lines at the middle of the bars would only cross them
        places = np.arange(len(rows), dtype=np.float64)
        shares = np.asarray([100 * share for _, share in rows])
        self._item.addItem(
            pg.BarGraphItem(
                x0=np.zeros(len(rows)),
                x1=shares,
                y0=places - 0.35,
                y1=places + 0.35,
                brush=pg.mkBrush(colour("plot_train")),
                pen=pg.mkPen(None),
            )
        )
        self._item.getViewBox().setRange(xRange=(0, 105), yRange=(-0.6, max(len(rows), 1) - 0.4), padding=0)

    def _nearest(self, x: float, y: float) -> int | None:
        at = round(y)
        return at if 0 <= at < len(self._rows()) else None

    def _tell(self, at: int | None) -> None:
        rows = self._rows() if self.results else []
        if at is not None:
            label, share = rows[at]
            self.value.setText(f"{label}: {100 * share:.1f} % of what made trials good")
        else:
            self.value.setText(
                "What made trials good" if rows else "Known once four trials have run to their end"
            )
