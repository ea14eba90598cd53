"""The machine while a run trains: small plots, and in a sentence what they say and what helps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PyQt5.QtCore import Qt, QTimer
from PyQt5.QtGui import QHideEvent, QShowEvent
from PyQt5.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from src.core.config import ConfigError, flatten, read_yaml
from src.core.run.machine import Hint, hints
from src.ui.dialogs.transfer_parts import emptied, sentence
from src.ui.icons import icon
from src.ui.run_data import RunData
from src.ui.theme import set_role, theme
from src.ui.widgets.curve_plot import CurvePlot
from src.ui.widgets.empty import EmptyState
from src.ui.widgets.plot_legend import Curve
from src.ui.widgets.plot_range import Limits

_EVERY_MS = 1000
_LOOKED_AT = 60
_LOOK = {"good": ("state-completed", "good"), "info": ("info", "accent"), "warn": ("warning", "warn")}
#: Title, unit, and for each curve its name, colour, key and factor to the unit.
_PLOTS: tuple[tuple[str, str, tuple[tuple[str, str, str, float], ...]], ...] = (
    ("Waiting for data", " %", (("", "plot_c", "wait_share", 100.0),)),
    ("Processor", " %", (("", "plot_a", "cpu_percent", 1.0),)),
    (
        "Memory",
        " GB",
        (
            ("", "plot_a", "memory_mb", 1 / 1024),
            ("all", "plot_b", "memory_used_mb", 1 / 1024),
        ),
    ),
    ("GPU", " %", (("", "plot_b", "gpu_percent", 1.0),)),
    ("GPU memory", " GB", (("", "plot_b", "gpu_memory_mb", 1 / 1024),)),
    ("Disk reading", " MB/s", (("", "plot_rate", "disk_read_mb_s", 1.0),)),
    ("Disk space left", " GB", (("", "plot_rate", "disk_free_gb", 1.0),)),
)
_COLUMNS = 3


class MachinePage(QWidget):
    """Hints above, plots below; those without values are left out.

    Attributes:
        plots: Title to plot.
        hints: What is said now.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data = RunData()
        self._config: Path | None = None
        self._settings: dict[str, Any] = {}
        self.hints: list[Hint] = []
        self.plots: dict[str, CurvePlot] = {}
        self._cards: dict[str, QFrame] = {}
        self._clock = QTimer(self)
        self._clock.setSingleShot(True)
        self._clock.timeout.connect(self._draw)
        self._lay_out()
        theme().changed.connect(self._say)

    def _lay_out(self) -> None:
        page = QWidget()
        self._said = QVBoxLayout()
        self._said.setSpacing(6)
        self._grid = QGridLayout()
        self._grid.setSpacing(10)
        for title, unit, curves in _PLOTS:
            plot = CurvePlot(title, time=True, unit=unit)
            most = 100.0 if unit == " %" else None
            plot.set_limits(
                Limits(low=0.0, high=most, from_low=True) if most else Limits(low=0.0, from_low=True)
            )
            plot.setMinimumHeight(plot.fontMetrics().height() * 9)
            if len(curves) > 1:
                plot.setToolTip("Of this run, and of all programs on the machine")
            plot.changed.connect(plot.redraw)
            plot.hovered.connect(self._hover)
            card = QFrame()
            card.setProperty("role", "card")
            inner = QVBoxLayout(card)
            inner.setContentsMargins(1, 1, 6, 4)
            inner.addWidget(plot)
            # The page takes the height that is there; it scrolls where less is left than this
            card.setSizePolicy(QSizePolicy.Preferred, QSizePolicy.Ignored)
            card.setMinimumHeight(plot.minimumHeight() + 8)
            self.plots[title], self._cards[title] = plot, card
            assert curves, "a plot without curves shows nothing"
        column = QVBoxLayout(page)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(10)
        column.addLayout(self._said)
        column.addLayout(self._grid, 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.NoFocus)
        scroll.setWidget(page)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(
            EmptyState("monitor", "Nothing measured yet", "While a run trains, what it needs of the machine stands here, "
                       "and what would make it faster.")
        )  # fmt: skip
        self._stack.addWidget(scroll)

    def set_run(self, config: Path | None) -> None:
        """The configuration of the run, for advice that fits it."""
        self._config, self._settings = config, {}

    def set_data(self, data: RunData) -> None:
        """Show another run (or the same one, read again)."""
        self._data = data
        self.mark()

    def mark(self) -> None:
        """Something was measured; the plots follow once a second while they are seen."""
        if self.isVisible() and not self._clock.isActive():
            self._clock.start(_EVERY_MS)

    def _draw(self) -> None:
        resources = self._data.resources
        shown = []
        for title, unit, curves in _PLOTS:
            found = [
                Curve(name, role, resources[key], factor, unit=unit)
                for name, role, key, factor in curves
                if key in resources and np.isfinite(resources[key].y).any()
            ]
            if found:
                shown.append(title)
                self.plots[title].set_curves(found)
        self._place(shown)
        for title in shown:
            self.plots[title].redraw()
        self._stack.setCurrentIndex(int(bool(shown)))
        self.hints = hints(self._rows(), self._read_settings()) if shown else []
        self._say()

    def _place(self, shown: list[str]) -> None:
        """As few rows as they need."""
        if shown == [
            t for t, card in self._cards.items() if card.parent() is not None and not card.isHidden()
        ]:
            return
        for title, card in self._cards.items():
            self._grid.removeWidget(card)
            card.setVisible(title in shown)
        columns = 2 if len(shown) in (2, 4) else _COLUMNS
        for index, title in enumerate(shown):
            self._grid.addWidget(self._cards[title], index // columns, index % columns)
            self._grid.setColumnStretch(index % columns, 1)

    def _rows(self) -> list[dict[str, Any]]:
        """The newest samples, as the log has them."""
        newest = {key: series.y[-_LOOKED_AT:] for key, series in self._data.resources.items()}
        longest = max((len(values) for values in newest.values()), default=0)
        rows: list[dict[str, Any]] = [{} for _ in range(longest)]
        for key, values in newest.items():
            for row, value in zip(rows[longest - len(values) :], values, strict=True):
                if np.isfinite(value):
                    row[key] = float(value)
        return rows

    def _read_settings(self) -> dict[str, Any]:
        if not self._settings and self._config is not None:
            try:
                self._settings = flatten(read_yaml(self._config))
            except ConfigError:
                self._settings = {}
        return self._settings

    def _say(self) -> None:
        emptied(self._said)
        side = self.fontMetrics().height()
        for hint in self.hints:
            card = QFrame()
            row = QHBoxLayout(card)
            row.setContentsMargins(12, 8, 12, 8)
            row.setSpacing(10)
            mark = QLabel()
            mark.setPixmap(icon(*_LOOK[hint.severity]).pixmap(side, side))
            row.addWidget(mark, 0, Qt.AlignTop)
            row.addWidget(sentence(hint.said), 1)
            set_role(card, hint.severity)
            self._said.addWidget(card)

    def _hover(self, x: float | None) -> None:
        for plot in self.plots.values():
            plot.set_cross(x)

    def showEvent(self, event: QShowEvent) -> None:
        """What was measured meanwhile is drawn."""
        super().showEvent(event)
        self._clock.start(0)

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing is drawn that nobody sees."""
        self._clock.stop()
        super().hideEvent(event)
