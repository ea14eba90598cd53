"""The curves of a plot by name, each with its value under the pointer or its newest one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QResizeEvent
from PyQt5.QtWidgets import QLabel, QSizePolicy, QWidget

from src.ui.series import Series
from src.ui.text import number
from src.ui.theme import colour


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
        dashed: Drawn with a dashed stroke, so that it is told apart without its colour.
    """

    name: str
    role: str
    series: Series
    scale: float = 1.0
    pale: bool = False
    unit: str = ""
    dashed: bool = False


class PlotLegend(QLabel):
    """One line; what does not fit into it is left out."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._parts: list[str] = []
        self.setTextFormat(Qt.RichText)
        self.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)  # never widens the window

    def write(
        self,
        curves: Sequence[Curve],
        at: float | None,
        best: tuple[int, float | None] | None,
        *,
        epochs: bool,
    ) -> str:
        """Show the values at ``at`` (None: the newest), and ``best``, an epoch and its value.

        Returns:
            The same for those who cannot see it.
        """
        parts, spoken = [], []
        for curve in curves:
            if curve.pale:
                continue
            value = _value_at(curve, np.inf if at is None else at)
            name = f"{_coloured('muted', curve.name)}&nbsp;" if curve.name else ""
            parts.append(f"{_coloured(curve.role, '◌' if curve.dashed else '⬤')}&nbsp;{name}{value}")
            spoken.append(f"{curve.name} {value}")
        if at is not None and epochs:
            parts.insert(0, f"Epoch {round(at):,}")
        if best is not None and at is None:
            value = "" if best[1] is None else f": {number(best[1], 3)} (epoch {best[0]})"
            parts.append(_coloured("plot_best", f"┆ best{value}"))
        self._parts = [_unbroken(part) for part in parts]
        self.setText(self._fitting())
        return ", ".join(spoken)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """More room, or less."""
        super().resizeEvent(event)
        self.setText(self._fitting())

    def _fitting(self) -> str:
        """As many of the parts as there is room for: a number that is cut would be read as another one."""
        metrics, room, parts = self.fontMetrics(), self.width(), self._parts
        used = 0
        for count, part in enumerate(parts):
            plain = re.sub("<.*?>", "", part).replace("&nbsp;", " ")
            used += metrics.horizontalAdvance(plain + ("   " if count else ""))
            if used > room and count:
                parts = parts[:count]
                break
        return "&nbsp;&nbsp; ".join(parts)


def _coloured(role: str, text: str) -> str:
    return f'<span style="color:{colour(role).name()}">{text}</span>'


def _unbroken(part: str) -> str:
    return part.replace(" ", "&nbsp;").replace("<span&nbsp;", "<span ")


def _value_at(curve: Curve, x: float) -> str:
    found = curve.series.at(x)
    if found is None:
        return "–"
    value = found[1] * curve.scale
    return f"{value:.1f}{curve.unit}" if curve.unit and np.isfinite(value) else number(value, 3)
