"""What the pages of the measuring window share: a button to measure, progress, the result in words, and *Apply*."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from src.ui.dialogs.train_bars import button
from src.ui.dialogs.transfer_parts import sentence
from src.ui.text import duration
from src.ui.theme import set_role


class TunePage(QWidget):
    """One kind of measurement. Derived pages write `build`, `add_row`, `show_found` and `clear`.

    Attributes:
        about: What is measured and how, in a sentence or two.
        measure, apply: Their buttons.
        values: Dotted option to the value that *Apply* gives it; empty before anything was found.

    Signals:
        start_asked(str): Measure this kind.
        cancel_asked(): End the measurement.
        chosen(dict): The person applies `values`.
    """

    start_asked = pyqtSignal(str)
    cancel_asked = pyqtSignal()
    chosen = pyqtSignal(dict)
    about = ""

    def __init__(self, kind: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind = kind
        self.values: dict[str, Any] = {}
        self.measure = button("&Measure", "Measure with the settings as they are now")
        self.apply = button("&Apply to the settings", "Nothing was measured yet")
        set_role(self.apply, "primary")
        self.apply.setEnabled(False)
        self.cancel = button("&Cancel", "End the measurement; nothing of it is kept")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(6)
        self.progress.setAccessibleName("Progress of the measurement")
        self.doing = QLabel()
        self.doing.setProperty("role", "muted")
        self.said = sentence("", "muted")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(16, 14, 16, 14)
        self._column.setSpacing(10)
        self._lay_out()
        self.measure.clicked.connect(lambda _: self.start_asked.emit(self.kind))
        self.cancel.clicked.connect(lambda _: self.cancel_asked.emit())
        self.apply.clicked.connect(lambda _: self.chosen.emit(dict(self.values)))
        self._show_busy(False)

    def _lay_out(self) -> None:
        self._column.addWidget(sentence(self.about, "muted"))
        row = QHBoxLayout()
        row.setSpacing(8)
        for made in self.measure_buttons():
            row.addWidget(made)
        row.addWidget(self.cancel)
        row.addSpacing(8)
        row.addWidget(self.progress, 1)
        row.addWidget(self.doing)
        row.addStretch(0)
        self._column.addLayout(row)
        self._column.addWidget(self.build(), 1)
        below = QHBoxLayout()
        below.setSpacing(8)
        below.addStretch(1)
        for widget in (*self.choosers(), self.apply):
            below.addWidget(widget)
        self._column.addWidget(self.said)
        self._column.addLayout(below)

    # ---- what pages write

    def measure_buttons(self) -> list[QPushButton]:
        """The buttons that begin a measurement."""
        return [self.measure]

    def build(self) -> QWidget:
        """Plots or a table."""
        raise NotImplementedError

    def choosers(self) -> list[QWidget]:
        """What stands left of *Apply*."""
        return []

    def add_row(self, row: dict[str, Any]) -> None:
        """A row of the result, while the measurement goes on."""
        raise NotImplementedError

    def show_found(self, result: dict[str, Any]) -> str:
        """The whole result; sets `values` and returns what came of it in words."""
        raise NotImplementedError

    def clear(self) -> None:
        """Nothing was measured."""
        raise NotImplementedError

    # ---- a measurement

    def begin(self) -> None:
        """A measurement of this page begins."""
        self.values = {}
        self.clear()
        self._tell("", "muted")
        self.advance(0, 0, "Starting", -1.0)
        self._show_busy(True)

    def advance(self, done: int, total: int, what: str, left: float) -> None:
        """How far it is; ``left`` in seconds, negative where that is not known."""
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        self.doing.setText(f"{what}, about {duration(left)} left" if left >= 1 else f"{what}…")

    def finish(self, result: dict[str, Any]) -> None:
        """It ended; where it was cancelled nothing is shown of it."""
        self._show_busy(False)
        if result.get("status") != "completed":
            self.clear()
            self._tell("Cancelled: nothing was kept.", "muted")
        else:
            self._tell(self.show_found(result), "")
        self.show_choice()

    def fail(self, text: str) -> None:
        """There is no result."""
        self._show_busy(False)
        self.clear()
        self._tell(text, "error")
        self.show_choice()

    def show_choice(self) -> None:
        """Whether there is something to apply."""
        self.apply.setEnabled(bool(self.values))
        self.apply.setToolTip(
            "Write it into the settings of the training window" if self.values else "Nothing was measured yet"
        )

    def set_free(self, free: bool) -> None:
        """Whether a measurement may begin: one at a time, or they would measure each other."""
        for made in self.measure_buttons():
            made.setEnabled(free)

    def applied(self, text: str) -> None:
        """What was done with the choice."""
        self._tell(text, "good")

    def _show_busy(self, busy: bool) -> None:
        for widget in (self.cancel, self.progress, self.doing):
            widget.setVisible(busy)
        for made in self.measure_buttons():
            made.setVisible(not busy)
        if busy:
            self.apply.setEnabled(False)

    def _tell(self, text: str, role: str) -> None:
        self.said.setText(text)
        set_role(self.said, role)
