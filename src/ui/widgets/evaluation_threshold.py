"""What another threshold would do: read from the curves at once, and kept for predictions only when asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from src.threads.errand import Errand
from src.ui.widgets.elided import ElidedLabel
from src.ui.widgets.evaluation_data import PARTS, EvaluationData, figure
from src.ui.widgets.evaluation_graph import Graph, Line
from src.ui.widgets.evaluation_keep import STEPS, keep_threshold, kept_now, restore_threshold
from src.ui.widgets.evaluation_plot import ScorePlot
from src.ui.widgets.evaluation_tiles import Number
from src.ui.widgets.note_bar import NoteBar

if TYPE_CHECKING:
    from src.core.evaluation.pieces import Curve

_LINES = (("iou", "IoU", "plot_a", "solid"), ("dice", "Dice", "plot_rate", "dash"),
          ("precision", "Precision", "plot_b", "dot"), ("recall", "Recall", "plot_c", "dash"))  # fmt: skip


class ThresholdPage(QWidget):
    """Slider, two plots, the figures at the slider.

    Attributes:
        place: Of the slider: threshold ``place / 255``.

    Signals:
        kept(float): A threshold was written for predictions.
    """

    kept = pyqtSignal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data: EvaluationData | None = None
        self._errand: Errand | None = None
        self._before: bytes | None = None
        self.of = QComboBox()
        self.of.setAccessibleName("Class of the curves")
        self.of.currentIndexChanged.connect(self._show_curve)
        self.slider = QSlider(Qt.Horizontal)
        self.slider.setRange(0, STEPS - 1)
        self.slider.setPageStep(10)
        self.slider.setAccessibleName("Threshold")
        self.slider.setToolTip("Arrow keys step by 1/255, Page up and Page down by 10/255")
        self.slider.valueChanged.connect(self._moved)
        self.at = QLabel()
        self.at.setMinimumWidth(self.fontMetrics().horizontalAdvance("Threshold 0.000 "))
        self.best, self.chosen = QPushButton("&Best IoU"), QPushButton("As e&valuated")
        self.best.setToolTip("The threshold with the highest IoU on these images")
        self.chosen.setToolTip("The threshold that this evaluation used")
        self.best.clicked.connect(self._to_best)
        self.chosen.clicked.connect(self._to_chosen)
        self.use = QPushButton("&Use this threshold for predictions")
        self.use.clicked.connect(self._keep)
        self.says = QLabel()
        self.says.setProperty("role", "muted")
        self.says.setWordWrap(True)
        self.note = NoteBar()
        self.note.undo_asked.connect(self._undo)
        self.figures = _Figures()
        self.scores, self.trade = ScorePlot("Scores over the threshold"), ScorePlot("Precision and recall")
        for plot in (self.scores, self.trade):
            plot.picked.connect(self.slider.setValue)
        self._lay()

    def _lay(self) -> None:
        self._of_label = QLabel("&Class")
        self._of_label.setBuddy(self.of)
        row = QHBoxLayout()
        row.setSpacing(10)
        for widget in (self._of_label, self.of, self.at):
            row.addWidget(widget)
        row.addWidget(self.slider, 1)
        for widget in (self.best, self.chosen, self.use):
            row.addWidget(widget)
        plots = QHBoxLayout()
        plots.setSpacing(10)
        plots.addWidget(self.scores, 1)
        plots.addWidget(self.trade, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 16)
        column.setSpacing(10)
        column.addLayout(row)
        column.addWidget(self.says)
        column.addWidget(self.note)
        column.addWidget(self.figures)
        column.addLayout(plots, 1)

    # ---- what is shown

    def put(self, data: EvaluationData) -> None:
        """Show the curves of an evaluation."""
        self._data = data
        document = data.document
        self.note.hide()
        self.of.blockSignals(True)
        self.of.clear()
        self.of.addItems([curve.name for curve in document.curves])
        first = next((i for i, c in enumerate(document.curves) if c.number), 0)
        self.of.setCurrentIndex(first if document.curves else -1)
        self.of.blockSignals(False)
        for widget in (self.of, self._of_label):
            widget.setVisible(len(document.curves) > 1)
        self.chosen.setVisible(document.threshold.value is not None)
        why = self._why_not()
        self.use.setEnabled(not why)
        self.use.setVisible(document.binary)
        self.use.setToolTip(why or f"Writes it beside the model: {document.model.run}")
        self.says.setText(self._sentence())
        self._show_curve()

    def _why_not(self) -> str:
        """Why no threshold can be kept; empty where it can."""
        assert self._data is not None
        document = self._data.document
        if not document.curves:
            return "There are no curves."
        if document.model.run is None:
            return "The model belongs to no run of Lathe; give the threshold when you predict."
        return "" if Path(document.model.run).is_dir() else f"The run is gone: {document.model.run}"

    def _sentence(self) -> str:
        assert self._data is not None
        document = self._data.document
        if not document.curves:
            return "There are no curves in this evaluation."
        if not document.binary:
            return ("With several classes no threshold is used: the likeliest class is taken. The curves show each class "
                    "against all others.")  # fmt: skip
        words = (
            f"{document.threshold.sentence} The curves are of {self._data.data_words}, all pixels together."
        )
        kept = kept_now(document.model.run)
        if kept is None:
            return words
        return f"{words} Predictions of this model use {kept[0]:.3f} ({_chosen(kept[1])})."

    @property
    def place(self) -> int:
        return self.slider.value()

    @property
    def curve(self) -> Curve | None:
        """Of the class that is chosen."""
        if self._data is None or not 0 <= self.of.currentIndex() < len(self._data.document.curves):
            return None
        return self._data.document.curves[self.of.currentIndex()]

    def _show_curve(self) -> None:
        curve = self.curve
        for widget in (self.slider, self.scores, self.trade, self.figures, self.best):
            widget.setEnabled(curve is not None)
        if curve is None or self._data is None:
            return
        x = np.arange(STEPS) / STEPS
        values = {key: np.array(getattr(curve, key), np.float64) for key, *_ in _LINES}
        lines = tuple(Line(title, role, x, values[key], style) for key, title, role, style in _LINES)
        self.scores.put(
            Graph("Scores over the threshold", "Threshold (probability)", "Score", self._words, STEPS, lines)
        )
        area = (
            f"Average precision {figure(curve.average_precision)}, AUROC of the pixels {figure(curve.auroc)}"
        )
        trade = Line("", "plot_a", values["recall"], values["precision"])
        self.trade.put(Graph("Precision and recall", "Recall (share of true pixels found)",
                             "Precision (share that is right)", self._words, STEPS, (trade,),
                             note=area, along=False))  # fmt: skip
        self._to_chosen() if self._data.document.threshold.value is not None else self._to_best()
        self._moved(self.place)

    def _words(self, place: int) -> str:
        curve = self.curve
        if curve is None:
            return ""
        scores = [f"{title} {figure(getattr(curve, key)[place])}" for key, title, *_ in _LINES]
        return f"At {place / STEPS:.3f}: {', '.join(scores)}"

    def _moved(self, place: int) -> None:
        curve = self.curve
        if curve is None or self._data is None:
            return
        self.at.setText(f"Threshold {place / STEPS:.3f}")
        self.slider.setAccessibleDescription(self._words(place))
        self.scores.mark(place)
        self.trade.mark(place)
        index = self.of.currentIndex()
        found, false = int(self._data.found[index][place]), int(self._data.false[index][place])
        missed = int(sum(curve.objects)) - found
        self.figures.put(
            [Number(t, figure(getattr(curve, k)[place]), "", "") for k, t, *_ in _LINES],
            f"{found:,} pixels of {curve.name} found, {missed:,} missed, {false:,} falsely predicted",
        )

    def _to_best(self) -> None:
        curve = self.curve
        value = curve.best.get("iou") if curve is not None else None
        if value is not None:
            self.slider.setValue(round(value * STEPS))

    def _to_chosen(self) -> None:
        if self._data is not None and self._data.document.threshold.value is not None:
            self.slider.setValue(round(self._data.document.threshold.value * STEPS))

    # ---- keeping it

    def _keep(self) -> None:
        if self._data is None or self._data.document.model.run is None or self._errand is not None:
            return
        run, data, place = Path(self._data.document.model.run), self._data, self.place
        self._run(lambda: keep_threshold(run, data, place), lambda old: self._told(run, place, *old))

    def _run(self, work: Any, then: Any) -> None:
        self._errand = Errand(work, self)
        self._errand.done.connect(then)
        self._errand.failed.connect(
            lambda words: self.note.tell(f"The threshold was not kept. {words}", "bad")
        )
        self._errand.finished.connect(self._free)
        self.use.setEnabled(False)
        self._errand.start()

    def _free(self) -> None:
        self._errand = None
        self.use.setEnabled(self._data is not None and not self._why_not())

    def _told(self, run: Path, place: int, before: bytes | None, old: float | None) -> None:
        assert self._data is not None
        self._before = before
        part = self._data.document.data.part
        words = f"Predictions of {run.name} use the threshold {place / STEPS:.3f} from now on"
        words += f" (before: {old:.3f}). " if old is not None else ". "
        words += f"It was chosen on {self._data.data_words}."
        if part != "val":
            words += " Scores on these images are no test of it any more: they judge a threshold that was chosen on them."
        self.note.tell(words, "info" if part == "val" else "warn", undo=True)
        self.says.setText(self._sentence())
        self.kept.emit(place / STEPS)

    def _undo(self) -> None:
        if self._data is None or self._data.document.model.run is None or self._errand is not None:
            return
        run, before = Path(self._data.document.model.run), self._before
        self._run(
            lambda: restore_threshold(run, before),
            lambda _: self._taken_back(),
        )

    def _taken_back(self) -> None:
        self.note.tell("The threshold is what it was before.")
        self.says.setText(self._sentence())

    def stop(self) -> None:
        """The page is closed; what is being written is written to its end."""
        if self._errand is not None:
            self._errand.stop()


def _chosen(part: str) -> str:
    return f"chosen on the {PARTS[part]}" if part in PARTS else "chosen by hand"


class _Figures(QWidget):
    """Four scores and a sentence; they change many times a second, so that labels are kept."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.values = [QLabel() for _ in _LINES]
        self.words = ElidedLabel()
        self.words.setProperty("role", "muted")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(28)
        for column, label in enumerate(self.values):
            grid.addWidget(label, 0, column)
        grid.addWidget(self.words, 0, len(self.values))
        grid.setColumnStretch(len(self.values), 1)

    def put(self, numbers: list[Number], words: str) -> None:
        """Show these."""
        for label, number in zip(self.values, numbers, strict=True):
            label.setText(f"{number.title} <b>{number.value}</b>")
        self.words.setText(words)
        self.setAccessibleName(", ".join(f"{n.title} {n.value}" for n in numbers) + f"; {words}")
