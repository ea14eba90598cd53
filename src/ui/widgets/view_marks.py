"""Marks on the x axis of a plot: lines in the colour of their group, which buttons show and hide."""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph as pg
from PyQt5.QtCore import QObject, Qt, pyqtSignal
from PyQt5.QtGui import QFontMetricsF
from PyQt5.QtWidgets import QToolButton

from src.core.dataset.shown import Mark
from src.ui.text import number
from src.ui.theme import colour, sized_font

ROLES = ("run_5", "run_6", "run_2", "run_8", "run_3", "run_4", "run_7", "run_1")
#: How strong a line is by what it marks: the place itself, a multiple of it, a sideband.
_MAIN, _HARMONIC, _SIDE = 0.95, 0.55, 0.5


class Marks(QObject):
    """The marks of one plot.

    Signals:
        grouped(list): The buttons of the groups are others now.
    """

    grouped = pyqtSignal(list)

    def __init__(self, plot: pg.PlotWidget, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._plot = plot
        self._marks: Sequence[Mark] = ()
        self._lines: list[tuple[Mark, pg.InfiniteLine, pg.TextItem | None]] = []
        self._hidden: set[str] = set()
        self._buttons: dict[str, QToolButton] = {}
        self._unit = ""
        self._top = 1.0

    def put(self, marks: Sequence[Mark], unit: str) -> None:
        """Show these."""
        if list(marks) == list(self._marks) and unit == self._unit:
            return
        self._marks, self._unit = marks, unit
        self._make_buttons()
        self.draw()

    def draw(self) -> None:
        """Make the lines anew, in the colours of the theme."""
        item = self._plot.getPlotItem()
        for _, line, text in self._lines:
            item.removeItem(line)
            if text is not None:
                item.removeItem(text)
        self._lines = []
        font = sized_font(self._plot, 0.8)
        for mark in self._marks:
            shade = colour(self._role(mark.group))
            shade.setAlphaF(_SIDE if mark.side else _MAIN if mark.harmonic == 1 else _HARMONIC)
            style = Qt.DotLine if mark.side else Qt.SolidLine if mark.harmonic == 1 else Qt.DashLine
            line = pg.InfiniteLine(mark.x, 90, pen=pg.mkPen(shade, width=1, style=style))
            line.setZValue(-5)
            item.addItem(line, ignoreBounds=True)
            text = None
            if mark.label:
                text = pg.TextItem(mark.label, color=colour(self._role(mark.group)), anchor=(0.0, 0.0))
                text.setFont(font)
                item.addItem(text, ignoreBounds=True)
            self._lines.append((mark, line, text))
        self.place()
        for group, button in self._buttons.items():
            self._dress(group, button)

    def place(self) -> None:
        """Put the words where the view is now: below each other where they would lie on each other, none that are far out."""
        box = self._plot.getPlotItem().getViewBox()
        (left, right), (bottom, top) = box.viewRange()
        metrics = QFontMetricsF(sized_font(self._plot, 0.8))
        wide, high = max(1.0, box.width()), max(1.0, box.height())
        step = (top - bottom) * metrics.height() / high
        rows = max(1, int(high / metrics.height() * 0.45))
        ends = [left] * rows
        for mark, line, text in sorted(self._lines, key=lambda found: found[0].x):
            seen = mark.group not in self._hidden
            line.setVisible(seen)
            if text is None:
                continue
            width = (metrics.horizontalAdvance(mark.label) + 10) / wide * (right - left)
            row = next((k for k, end in enumerate(ends) if end <= mark.x), -1)
            fits = seen and row >= 0 and left <= mark.x and mark.x + width <= right + 0.5 * width
            text.setVisible(fits)
            if fits:
                ends[row] = mark.x + width
                text.setPos(mark.x, top - row * step)

    def near(self, x: float, reach: float) -> Mark | None:
        """The mark that is shown nearest to ``x``, at most ``reach`` away."""
        found = [
            (abs(mark.x - x), mark.side != 0, k)
            for k, mark in enumerate(self._marks)
            if mark.group not in self._hidden
        ]
        best = min(found, default=(reach + 1, False, -1))
        return self._marks[best[2]] if best[0] <= reach else None

    # ---- groups

    def _make_buttons(self) -> None:
        groups = list(dict.fromkeys(mark.group for mark in self._marks))
        for group in [g for g in self._buttons if g not in groups]:
            self._buttons.pop(group).deleteLater()
        for group in groups:
            if group not in self._buttons:
                button = self._buttons[group] = QToolButton()
                button.setCheckable(True)
                button.setChecked(group not in self._hidden)
                button.toggled.connect(lambda on, group=group: self._toggled(group, on))
            self._dress(group, self._buttons[group])
        self.grouped.emit([self._buttons[group] for group in groups])

    def _dress(self, group: str, button: QToolButton) -> None:
        first = next(mark for mark in self._marks if mark.group == group and not mark.side)
        where = f"{number(first.x, 4)} {self._unit}".strip()
        button.setText(group)
        button.setFont(sized_font(button, 0.88))
        button.setToolTip(f"{group}: {where}. Show or hide its lines.")
        button.setAccessibleName(f"Lines of {group}, {where}")
        name = colour(self._role(group)).name()
        button.setStyleSheet(
            f"QToolButton {{ padding: 1px 4px; color: {colour('disabled').name()}; border-bottom: 2px solid transparent; }}"
            f"QToolButton:checked {{ color: {colour('text').name()}; background: transparent; border-bottom: 2px solid {name}; }}"
        )

    def _toggled(self, group: str, on: bool) -> None:
        (self._hidden.discard if on else self._hidden.add)(group)
        self.place()

    def _role(self, group: str) -> str:
        groups = list(dict.fromkeys(mark.group for mark in self._marks))
        return ROLES[groups.index(group) % len(ROLES)]
