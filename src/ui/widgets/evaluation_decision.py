"""Whether an image shows an object at all, which objects are found by their size, and what a probability is worth."""

from __future__ import annotations

import numpy as np
from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QResizeEvent
from PyQt5.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from src.core.report.text import DASH, percent
from src.ui.widgets.evaluation_data import EvaluationData, between, chosen_on, figure
from src.ui.widgets.evaluation_graph import Bars, Graph, Line
from src.ui.widgets.evaluation_plot import ScorePlot

_WIDE_FROM = 100  # letters
#: Of more classes the table on the first page tells.
_MOST_CLASSES = 4
_DIAGONAL = Line("", "border_strong", np.array([0.0, 1.0]), np.array([0.0, 1.0]), "dash")


class DecisionPage(QScrollArea):
    """Three plots with a sentence each.

    Signals:
        missed_asked(), alarms_asked(): The images that the decision got wrong are wanted.
    """

    missed_asked = pyqtSignal()
    alarms_asked = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data: EvaluationData | None = None
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setAccessibleName("Images, objects and calibration")
        self.roc = ScorePlot("Image with or without object")
        self.sizes = ScorePlot("Objects found by size")
        self.calibration = ScorePlot("Calibration")
        self.of = QComboBox()
        self.of.setAccessibleName("Class of the calibration")
        self.of.currentIndexChanged.connect(self._show_calibration)
        self.missed, self.alarms = (
            QPushButton("Show the &missed images"),
            QPushButton("Show the &false alarms"),
        )
        self.missed.clicked.connect(self.missed_asked)
        self.alarms.clicked.connect(self.alarms_asked)
        self._words = [QLabel() for _ in range(3)]
        for label in self._words:
            label.setWordWrap(True)
            label.setTextFormat(Qt.PlainText)
            label.setProperty("role", "muted")
        self._cards = [QWidget() for _ in range(3)]
        for card, plot, label in zip(
            self._cards, (self.roc, self.sizes, self.calibration), self._words, strict=True
        ):
            column = QVBoxLayout(card)
            column.setContentsMargins(0, 0, 0, 0)
            column.addWidget(plot, 1)
            column.addWidget(label)
        below = QHBoxLayout()
        below.addWidget(self.missed)
        below.addWidget(self.alarms)
        below.addStretch(1)
        self._cards[0].layout().addLayout(below)  # type: ignore[attr-defined]
        self._cards[2].layout().addWidget(self.of, 0, Qt.AlignLeft)  # type: ignore[call-arg]
        inner = QWidget()
        self._grid = QGridLayout()
        self._grid.setSpacing(14)
        outer = QVBoxLayout(inner)
        outer.setContentsMargins(16, 14, 16, 16)
        outer.addLayout(self._grid)
        outer.addStretch(1)
        self.setWidget(inner)
        self._columns = 0
        self._place(2)

    def _place(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        for card in self._cards:
            self._grid.removeWidget(card)
        for number, card in enumerate(self._cards):
            self._grid.addWidget(card, number // columns, number % columns)
        for column in range(3):
            self._grid.setColumnStretch(column, int(column < columns))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        letters = self.viewport().width() / self.fontMetrics().averageCharWidth()
        self._place(3 if letters >= 2 * _WIDE_FROM else 2 if letters >= _WIDE_FROM else 1)

    def put(self, data: EvaluationData) -> None:
        """Show an evaluation."""
        self._data = data
        self._show_roc(data)
        self._show_sizes(data)
        self.of.blockSignals(True)
        self.of.clear()
        self.of.addItems([one.name for one in data.document.calibration])
        last = len(data.document.calibration) - 1
        self.of.setCurrentIndex(last)  # of several: that of the predicted class
        self.of.blockSignals(False)
        self.of.setVisible(last > 0)
        self._show_calibration()

    # ---- images

    def _show_roc(self, data: EvaluationData) -> None:
        decision = data.document.decision
        false, true = np.array(decision.false_positive_rate), np.array(decision.true_positive_rate)
        rates, kept = (false, true), decision.thresholds

        def words(place: int) -> str:
            return (f"Score above {kept[place]:.3f}:  {percent(rates[1][place])} of the images with an object found,  "
                    f"{percent(rates[0][place])} false alarms")  # fmt: skip

        interval = between(decision.auroc)
        area = f"AUROC {figure(decision.auroc.value)}" + (f" ({interval})" if interval else "")
        line = Line("", "plot_a", false, true)
        self.roc.put(Graph("Image with or without object", "False alarms (share of the images without an object)",
                           "Found (share of the images with an object)", words, len(kept),
                           (line,) if len(kept) else (), note=area if kept else decision.reason, along=False,
                           guides=(_DIAGONAL,)))  # fmt: skip
        if decision.threshold is not None and kept:
            self.roc.mark(int(np.abs(np.array(kept) - decision.threshold).argmin()))
        self._words[0].setText(self._decision_words(data))
        self.missed.setEnabled(bool(decision.missed))
        self.alarms.setEnabled(bool(decision.false_alarms))

    def _decision_words(self, data: EvaluationData) -> str:
        decision = data.document.decision
        words = decision.score
        if decision.miss_rate.value is not None:
            source = f", {chosen_on(decision.threshold_from)}"
            words += (f" At the threshold {figure(decision.threshold)}{source}: {percent(decision.miss_rate.value)} missed "
                      f"({len(decision.missed):,} of {decision.images_with:,}), "
                      f"{percent(decision.false_alarm_rate.value)} false alarms "
                      f"({len(decision.false_alarms):,} of {decision.images_without:,}).")  # fmt: skip
        return f"{words} {decision.reason}".strip()

    # ---- objects

    def _show_sizes(self, data: EvaluationData) -> None:
        objects = data.document.objects
        there = [i for i, b in enumerate(objects.bins) if b.objects]
        bins = objects.bins[there[0] : there[-1] + 1] if there else []
        names = tuple(f"{_short(b.low)}{'+' if b.high is None else '–' + _short(b.high)}" for b in bins)
        rate = np.array([_nan(b.rate.value) for b in bins])
        bars = Bars(
            names,
            rate,
            *(np.array([_nan(getattr(b.rate, end)) for b in bins]) for end in ("low", "high")),
        )

        note = f"All sizes: {percent(objects.rate.value)}" if names else "There are no objects."

        def words(place: int) -> str:
            one = bins[place]
            if not one.objects:
                return f"{_range(one.low, one.high)} px: no object"
            interval = between(one.rate, share=True)
            tail = f" (95 % interval {interval})" if interval else ""
            return f"{_range(one.low, one.high)} px:  {one.found:,} of {one.objects:,} found, {percent(one.rate.value)}{tail}"

        self.sizes.put(Graph("Objects found by size", "Area of the object (pixels)", "Share found", words, len(names),
                             bars=bars if names else None, note=note,
                             x_range=(-0.5, len(names) - 0.5)))  # fmt: skip
        few = objects.classes if len(objects.classes) <= _MOST_CLASSES else []
        by_class = [f"{c.name}: {percent(c.rate) if c.rate is not None else DASH} of {c.objects:,} found, {c.false:,} of "
                    f"{c.predicted:,} predicted ones false" for c in few]  # fmt: skip
        self._words[1].setText(f"{objects.sentence} {'; '.join(by_class)}{'.' if few else ''}".strip())

    # ---- calibration

    def _show_calibration(self) -> None:
        known = self._data.document.calibration if self._data is not None else []
        place = self.of.currentIndex()
        if not 0 <= place < len(known):
            self.calibration.put(Graph("Calibration", "Predicted probability", "Share", lambda _: "", 0))
            self._words[2].setText("")
            return
        one = known[place]

        def words(number: int) -> str:
            piece = one.bins[number]
            if not piece.pixels:
                return f"Probability {piece.low:.2f} to {piece.high:.2f}: no pixel"
            return (f"Probability {piece.low:.2f} to {piece.high:.2f}:  mean {figure(piece.confidence)},  "
                    f"share of pixels {figure(piece.frequency)},  {piece.pixels:,} pixels")  # fmt: skip

        x = np.array([(b.low + b.high) / 2 if b.confidence is None else b.confidence for b in one.bins])
        y = np.array([_nan(b.frequency) for b in one.bins])
        what = "predicted rightly" if one.number is None else f"that are {one.name}"
        self.calibration.put(Graph("Calibration", f"Predicted probability of {one.name}", f"Share of the pixels {what}",
                                   words, len(one.bins), (Line("", "plot_a", x, y, dots=True),),
                                   note=f"ECE {figure(one.ece)}, largest difference {figure(one.mce)}",
                                   guides=(_DIAGONAL,)))  # fmt: skip
        self._words[2].setText(
            "On the dashed line a probability is what it says: of the pixels with probability 0.8, eight in ten are right. "
            f"Below it the model is too sure. Expected calibration error (ECE) {figure(one.ece)}."
        )


def _nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _short(pixels: int) -> str:
    """``64``, ``4k``, ``1M``."""
    for size, letter in ((1_000_000, "M"), (1000, "k")):
        if pixels >= size:
            return f"{pixels / size:.0f}{letter}"
    return str(pixels)


def _range(low: int, high: int | None) -> str:
    return f"{low:,}+" if high is None else f"{low:,}–{high - 1:,}"
