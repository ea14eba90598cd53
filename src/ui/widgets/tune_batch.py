"""The page on which batch sizes are measured: images a second and memory."""

from __future__ import annotations

from typing import Any

from PyQt5.QtWidgets import QComboBox, QHBoxLayout, QLabel, QWidget

from src.ui.widgets.form_editors import guard_wheel
from src.ui.widgets.tune_page import TunePage
from src.ui.widgets.tune_plots import BatchPlot

KEY = "training.batch_size"


class BatchPage(TunePage):
    """See `TunePage`."""

    about = (
        "Trains on batches of 2, 4, 8, … samples, a few updates each, until memory is short, and measures how many samples a second "
        "each reaches. Suggested is the smallest that is nearly as fast as the fastest: smaller batches often learn better."
    )

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("batch", parent)

    def build(self) -> QWidget:
        """Two plots beside each other."""
        self.speed = BatchPlot("Speed", "images_per_second", "Samples a second", "0,000", "plot_a")
        self.memory = BatchPlot("Memory", "memory_mb", "Most memory in use, MB", "00,000", "plot_c")
        both = QWidget()
        row = QHBoxLayout(both)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(self.speed)
        row.addWidget(self.memory)
        return both

    def choosers(self) -> list[QWidget]:
        """The sizes that were measured."""
        self.box = QComboBox()
        self.box.setAccessibleName("Batch size to apply")
        self.box.setMinimumContentsLength(6)
        self.box.setEnabled(False)
        guard_wheel(self.box)
        self.box.activated.connect(lambda _: self._take(int(self.box.currentData())))
        label = QLabel("&Batch size")
        label.setBuddy(self.box)
        return [label, self.box]

    def clear(self) -> None:
        """Empty plots."""
        self.speed.size = self.memory.size = None
        self._show([])
        self.box.clear()
        self.box.setEnabled(False)

    def add_row(self, row: dict[str, Any]) -> None:
        """One size more."""
        self._show([*self.speed.rows, row])

    def show_found(self, result: dict[str, Any]) -> str:
        """The curves with the suggestion."""
        self._show(result["curve"])
        for row in result["curve"]:
            self.box.addItem(f"{row['batch_size']:,}", row["batch_size"])
        suggestion = result["values"].get(KEY)
        self.box.setEnabled(bool(suggestion))
        if not suggestion:
            return f"Not even two samples could be trained on: {result['ended']}. Choose smaller images or a smaller network."
        self.box.setCurrentIndex(self.box.findData(suggestion))
        self._take(int(suggestion))
        where = (
            " The memory is that of the process: this machine computes on the processor."
            if result.get("device_type") == "cpu"
            else ""
        )
        return f"{suggestion:,} samples are nearly as fast as the fastest. The measurement ended because {result['ended']}.{where}"

    def _show(self, rows: list[dict[str, Any]]) -> None:
        for plot in (self.speed, self.memory):
            plot.show_rows(rows)

    def _take(self, size: int) -> None:
        self.values = {KEY: size}
        for plot in (self.speed, self.memory):
            plot.mark(size)
        self.show_choice()
