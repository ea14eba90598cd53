"""The learning rate of the coming run as a curve, drawn from the same formula that the loop uses."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PyQt5.QtWidgets import QFrame, QVBoxLayout, QWidget

from src.core.config.schedule_shape import ScheduleShape
from src.core.config.training import TrainingConfig
from src.ui.dialogs.transfer_parts import heading, sentence
from src.ui.theme import colour, theme
from src.ui.widgets.plot_axes import EpochAxis, ValueAxis
from src.ui.widgets.plot_card import StillPlot

#: Updates an epoch where the data are not known yet: only the look of a very short warm-up depends on it.
_PER_EPOCH = 100
_MOST_POINTS = 2000


class SchedulePreview(QFrame):
    """A card below the options of the schedule.

    Attributes:
        epochs, rates: What is drawn: N epochs done, N learning rates.
        words: The same in a sentence.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setObjectName("schedule")
        self.epochs = self.rates = np.zeros(0)
        self._training: TrainingConfig | None = None
        self._images = 0
        self.words = sentence("", "muted")
        self._plot = StillPlot(left=ValueAxis("left"), bottom=EpochAxis("bottom"))
        self._plot.setAccessibleName("Learning rate over the epochs of the run")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(6)
        column.addWidget(heading("The coming learning rate"))
        column.addWidget(self.words)
        column.addWidget(self._plot)
        self._dress()
        theme().changed.connect(self._dress)

    def show_schedule(self, training: TrainingConfig | None, images: int) -> None:
        """Draw it; ``training`` None where a setting cannot be used, ``images`` of the training part, or 0."""
        if training == self._training and images == self._images:
            return
        self._training, self._images = training, images
        self._compute()
        self._draw()

    def _compute(self) -> None:
        training = self._training
        if training is None:
            self.epochs = self.rates = np.zeros(0)
            self.words.setText("It is drawn once all settings can be used.")
            return
        batches = max(1, self._images // training.batch_size) if self._images else 0
        per_epoch = -(-batches // training.accumulate) or _PER_EPOCH
        shape = ScheduleShape(training.schedule, per_epoch, training.epochs)
        updates = np.unique(
            np.linspace(0, shape.total - 1, min(shape.total, _MOST_POINTS)).round().astype(int)
        )
        peak = training.optimizer.learning_rate
        self.epochs = updates / per_epoch
        self.rates = np.array([peak * shape.factor(int(update)) for update in updates])
        what = f"From {self.rates[0]:.2g} over {self.rates.max():.2g} to {self.rates[-1]:.2g}"
        count = f" in {shape.total:,} updates" if self._images else ""
        stall = (
            ", without the reductions that a stalled validation brings"
            if training.schedule.name == "plateau"
            else ""
        )
        self.words.setText(f"{what}{count}{stall}.")

    def _draw(self) -> None:
        item = self._plot.getPlotItem()
        item.clear()
        if not len(self.rates):
            return
        item.plot(self.epochs, self.rates, pen=pg.mkPen(colour("plot_rate"), width=2))
        end = float(self._training.epochs) if self._training else 1.0
        item.setXRange(0, max(end, 1.0), padding=0.01)
        item.setYRange(0, float(self.rates.max()) * 1.05, padding=0)

    def _dress(self) -> None:
        self._plot.setFixedHeight(round(12 * self._plot.dress("Epoch", "Learning rate", "0.00005")))
        self._draw()
