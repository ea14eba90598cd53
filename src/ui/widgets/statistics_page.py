"""The statistics of a data set as plots, made from what the check counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PyQt5.QtCore import Qt, QTimer
from PyQt5.QtGui import QResizeEvent, QShowEvent
from PyQt5.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from src.core.dataset.findings import IMAGE
from src.ui.widgets.discard import Discard
from src.ui.widgets.stat_plot import PART_NAMES, Chart, StatPlot

_TITLES = {
    "width": ("Width of the images", ""),
    "height": ("Height of the images", ""),
    "brightness": ("Mean brightness", ""),
    "contrast": ("Contrast", ""),
    "object_area": ("Area of objects", "Objects"),
    "object_side": ("Shorter side of objects", "Objects"),
    "objects_per_image": ("Objects on an image", ""),
    "group_size": ("", "Groups"),
}


def charts(statistics: Mapping[str, Any], sizes: Mapping[str, Any], resize: str = "letterbox") -> list[Chart]:
    """What there is to plot.

    Args:
        statistics: See ``DatasetDescription.statistics``.
        sizes: Its ``sizes``: the median size tells what resizing does to objects.
        resize: Option ``data.resize``; ``crop`` leaves objects as large as they are.
    """
    many = str((statistics.get("noun") or IMAGE)[1]).capitalize()
    found = _class_charts(statistics, many)
    for name, histogram in (statistics.get("histograms") or {}).items():
        values = {p: c for p, c in (histogram.get("counts") or {}).items() if p in PART_NAMES and sum(c)}
        if not values:
            continue
        title, what = _TITLES.get(name, (str(histogram.get("label") or name), ""))
        title, what = title or f"{many} in a group", what or many
        unit, log = str(histogram.get("unit") or ""), histogram.get("scale") == "log"
        label = str(histogram.get("label") or title)
        x_label = f"{label} ({unit})" if unit and f"({unit})" not in label else label
        line = _erased(statistics, sizes, resize) if name == "object_side" else None
        found.append(
            Chart(title, x_label, what, values, names=tuple(map(str, histogram.get("names") or ())),
                  edges=tuple(histogram.get("edges") or ()), unit=unit, log_x=log, line=line, stacked=True,
                  note=_small(statistics) if line else "")
        )  # fmt: skip
    return found


def _class_charts(statistics: Mapping[str, Any], many: str) -> list[Chart]:
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
        found.append(
            Chart(f"Classes by {many.lower()}", "Class", f"{many} (%)", shares, names=classes, percent=True)
        )
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
    that the window never waits for all of them, each in one turn of the event loop and shown in the next; their places
    are kept free from the first one on, so that none that comes later moves and redraws the others.

    Attributes:
        plots: Those that are shown.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plots: list[StatPlot] = []
        self._waiting: list[Chart] = []
        self._made: StatPlot | None = None
        self._columns = 1
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setAccessibleName("Statistics")
        inner = QWidget()
        self._none = QLabel("There are no numbers to show: the check could not read the files.")
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
        self._take_back()
        self.plots, self._waiting = [], list(found)
        self._keep_free(0)
        self._none.setVisible(not found)
        if self.isVisible():
            self._timer.start()

    def close_page(self) -> None:
        """Make no further plot."""
        self._timer.stop()
        self._take_back()
        self._waiting = []

    def _take_back(self) -> None:
        if self._made is not None:
            self._discard.take([self._made])
            self._made = None

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._waiting or self._made is not None:
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
            if self.plots:
                self._keep_free(self.plots[0].minimumHeight())

    def _place(self, number: int, plot: StatPlot) -> None:
        self._grid.addWidget(plot, number // self._columns, number % self._columns)

    def _keep_free(self, height: int) -> None:
        """Rows and columns for the plots that are there and those that will come, ``height`` pixels each."""
        number = len(self.plots) + len(self._waiting) + (self._made is not None)
        used = -(-number // self._columns)
        for row in range(max(used, self._grid.rowCount())):
            self._grid.setRowMinimumHeight(row, height if row < used else 0)
        for column in range(max(self._columns, self._grid.columnCount())):
            self._grid.setColumnStretch(column, int(column < self._columns))

    def _make_next(self) -> None:
        if not self.isVisible() or not (self._waiting or self._made):
            return
        if self._made is not None:
            self._place(len(self.plots), self._made)
            self.plots.append(self._made)
            self._made = None
        else:
            self._made = StatPlot(self._waiting.pop(0), self.widget())
            if not self.plots:
                self._keep_free(self._made.minimumHeight())
        self._timer.start()
