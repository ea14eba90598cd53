"""The statistics of a data set as plots, made from what the check counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PyQt5.QtCore import Qt, QTimer
from PyQt5.QtGui import QResizeEvent, QShowEvent
from PyQt5.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from src.ui.widgets.discard import Discard
from src.ui.widgets.stat_plot import PART_NAMES, Chart, StatPlot

_TITLES = {
    "width": ("Width of the images", "Images"),
    "height": ("Height of the images", "Images"),
    "brightness": ("Mean brightness", "Images"),
    "contrast": ("Contrast", "Images"),
    "object_area": ("Area of objects", "Objects"),
    "object_side": ("Shorter side of objects", "Objects"),
    "objects_per_image": ("Objects on an image", "Images"),
    "group_size": ("Images in a group", "Groups"),
}


def charts(statistics: Mapping[str, Any], sizes: Mapping[str, Any], resize: str = "letterbox") -> list[Chart]:
    """What there is to plot.

    Args:
        statistics: See ``DatasetDescription.statistics``.
        sizes: Its ``sizes``: the median size tells what resizing does to objects.
        resize: Option ``data.resize``; ``crop`` leaves objects as large as they are.
    """
    found = _class_charts(statistics)
    for name, histogram in (statistics.get("histograms") or {}).items():
        values = {p: c for p, c in (histogram.get("counts") or {}).items() if p in PART_NAMES and sum(c)}
        if not values:
            continue
        title, what = _TITLES.get(name, (str(histogram.get("label") or name), "Number"))
        unit, log = str(histogram.get("unit") or ""), histogram.get("scale") == "log"
        label = str(histogram.get("label") or title)
        x_label = f"{label} ({unit})" if unit and f"({unit})" not in label else label
        line = _erased(statistics, sizes, resize) if name == "object_side" else None
        found.append(
            Chart(title, x_label, what, values, edges=tuple(histogram["edges"]), unit=unit, log_x=log,
                  line=line, stacked=True, note=_small(statistics) if line else "")
        )  # fmt: skip
    return found


def _class_charts(statistics: Mapping[str, Any]) -> list[Chart]:
    classes = tuple(map(str, statistics.get("classes") or ()))
    parts = statistics.get("parts") or {}
    found = []
    shares = {
        part: [100 * v / sum(pixels) for v in pixels]
        for part, pixels in (statistics.get("class_pixels") or {}).items()
        if part in PART_NAMES and sum(pixels)
    }
    if classes and shares:
        found.append(
            Chart(
                "Classes by pixels",
                "Class",
                "Share of pixels (%)",
                shares,
                names=classes,
                log_y=True,
                percent=True,
            )
        )
    shares = {
        part: [100 * v / images for v in counts]
        for part, counts in (statistics.get("class_images") or {}).items()
        if part in PART_NAMES and (images := (parts.get(part) or {}).get("images"))
    }
    if classes and shares:
        found.append(Chart("Classes by images", "Class", "Images (%)", shares, names=classes, percent=True))
    objects = {
        part: counts[1:]
        for part, counts in (statistics.get("class_objects") or {}).items()
        if part in PART_NAMES and sum(counts[1:])
    }
    if len(classes) > 1 and objects:
        found.append(Chart("Objects of each class", "Class", "Objects", objects, names=classes[1:]))
    return found


def _erased(statistics: Mapping[str, Any], sizes: Mapping[str, Any], resize: str) -> tuple[float, str] | None:
    """How large an object has to be in the files to have some pixels left when the model sees it."""
    small, median = statistics.get("small_objects") or {}, sizes.get("median") or ()
    side, under = small.get("image_size"), small.get("under", 3)
    if not side or len(median) != 2:
        return None
    scale = 1.0 if resize == "crop" else side / max(median)
    return under / scale, f" {under:g} px at image size {side} "


def _small(statistics: Mapping[str, Any]) -> str:
    small = statistics.get("small_objects") or {}
    if "share" not in small:
        return ""
    return (
        f"{small['share']:.1%} of the objects are under {small.get('under', 3):g} px when the model sees them"
    )


class StatisticsPage(QScrollArea):
    """Plots in as many columns as there is room for. They are made one at a time when the page is first seen, so
    that the window never waits for all of them.

    Attributes:
        plots: Those that are made.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plots: list[StatPlot] = []
        self._waiting: list[Chart] = []
        self._columns = 1
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setAccessibleName("Statistics")
        inner = QWidget()
        self._none = QLabel("There are no numbers to show: the check could not read the images.")
        self._none.setProperty("role", "muted")
        self._grid = QGridLayout()
        self._grid.setSpacing(10)
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 8, 0)
        column.addWidget(self._none)
        column.addLayout(self._grid)
        column.addStretch(1)
        self.setWidget(inner)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._make_next)
        self._discard = Discard(self)

    def put(self, found: list[Chart]) -> None:
        """Show these."""
        self._timer.stop()
        for plot in self.plots:
            self._grid.removeWidget(plot)
        self._discard.take(self.plots)
        self.plots, self._waiting = [], list(found)
        self._none.setVisible(not found)
        if self.isVisible():
            self._timer.start()

    def close_page(self) -> None:
        """Make no further plot."""
        self._timer.stop()
        self._waiting = []

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._waiting:
            self._timer.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        columns = max(1, self.viewport().width() // (self.fontMetrics().averageCharWidth() * 58))
        if columns != self._columns:
            self._columns = columns
            for plot in self.plots:
                self._grid.removeWidget(plot)
            for number, plot in enumerate(self.plots):
                self._place(number, plot)

    def _place(self, number: int, plot: StatPlot) -> None:
        self._grid.addWidget(plot, number // self._columns, number % self._columns)
        for column in range(3):
            self._grid.setColumnStretch(column, int(column < self._columns))

    def _make_next(self) -> None:
        if self._waiting and self.isVisible():
            plot = StatPlot(self._waiting.pop(0))
            self._place(len(self.plots), plot)
            self.plots.append(plot)
            self._timer.start()
