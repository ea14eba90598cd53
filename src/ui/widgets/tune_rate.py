"""The page on which a learning rate is measured: the loss while it rises, and a point that can be moved."""

from __future__ import annotations

from typing import Any

from PyQt5.QtWidgets import QLabel, QLineEdit, QWidget

from src.ui.widgets.form_editors import number_text, parse_number
from src.ui.widgets.tune_page import TunePage
from src.ui.widgets.tune_plots import RatePlot

KEY = "training.optimizer.learning_rate"


class RatePage(TunePage):
    """See `TunePage`."""

    about = (
        "Trains a copy of the model for up to a hundred updates while the learning rate rises from 0.0000001 to 1, and ends where "
        "the loss grows. Where the smoothed loss falls most steeply is a good learning rate. Drag the line to another one."
    )

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("lr", parent)

    def build(self) -> QWidget:
        """The plot."""
        self.plot = RatePlot()
        self.plot.moved.connect(self._moved)
        return self.plot

    def choosers(self) -> list[QWidget]:
        """The learning rate as a number."""
        self.rate = QLineEdit()
        self.rate.setMaximumWidth(9 * self.fontMetrics().horizontalAdvance("m"))
        self.rate.setAccessibleName("Learning rate to apply")
        self.rate.setEnabled(False)
        self.rate.textEdited.connect(self._typed)
        label = QLabel("Learning &rate")
        label.setBuddy(self.rate)
        return [label, self.rate]

    def clear(self) -> None:
        """An empty plot."""
        self.plot.rate = None
        self.plot.show_rows([])
        self.rate.clear()
        self.rate.setEnabled(False)

    def add_row(self, row: dict[str, Any]) -> None:
        """One update more."""
        self.plot.show_rows([*self.plot.rows, row])

    def show_found(self, result: dict[str, Any]) -> str:
        """The curve with the suggestion; where there is none, the lowest loss is where the line begins."""
        self.values = dict(result["values"])
        suggestion = self.values.get(KEY)
        self.plot.rate = suggestion
        self.plot.show_rows(result["curve"])
        self.rate.setEnabled(bool(suggestion))
        if not suggestion:
            return "The loss never falls: look at the data, the loss and the masks before the learning rate."
        self.rate.setText(number_text(float(suggestion)))
        lowest = result.get("lowest_loss_at")
        end = (
            f" It is lowest at {number_text(float(f'{lowest:.1e}'))}, which is usually too much to train with."
            if lowest
            else ""
        )
        return f"The loss falls fastest at a learning rate of {number_text(float(suggestion))}.{end}"

    def _moved(self, rate: float) -> None:
        rate = float(f"{rate:.1e}")
        self.values = {KEY: rate}
        self.rate.setText(number_text(rate))
        self.show_choice()

    def _typed(self, text: str) -> None:
        rate = parse_number(text)
        self.values = {KEY: rate} if rate and rate > 0 else {}
        if self.values:
            self.plot.set_rate(rate)
        self.show_choice()
