"""The figures of an evaluation: curves over the threshold, reliability, detection by size, the matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter

from src.core.dataset.palette import class_colours
from src.core.evaluation.document import Evaluation
from src.core.evaluation.pieces import Calibration, Curve
from src.core.report.figures import (
    BEST,
    INK,
    MOST_CLASSES,
    QUIET,
    STYLE,
    THIRD,
    TRAIN,
    VAL,
    Drawing,
    rendered,
)
from src.core.report.text import number

#: A matrix of more classes is a table of thousands of cells that nobody reads.
MOST_MATRIX = 30
_DASHED = (0, (4, 3))


def figure_axes(title: str, x: str, y: str, height: float = 3.1) -> tuple[Figure, Axes]:
    """A figure of the size of all figures of a page, with its one pair of axes."""
    figure = Figure(figsize=(6.4, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return figure, axes


def _floats(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if v is None else v for v in values])


def _colour(document: Evaluation, number: int) -> Any:
    """The class's own colour; the background, drawn as nothing in pictures, is quiet."""
    if document.binary:
        return TRAIN
    return "#{:02x}{:02x}{:02x}".format(*class_colours(len(document.classes))[number]) if number else QUIET


def _chosen(document: Evaluation) -> list[Curve]:
    curves = [curve for curve in document.curves if sum(curve.objects)]
    return curves if document.binary else curves[:MOST_CLASSES]


def _over_threshold(document: Evaluation) -> Drawing | None:
    if not document.binary or not sum(document.curves[0].objects):
        return None
    curve, value = document.curves[0], document.threshold.value
    x = np.arange(len(curve.iou)) / len(curve.iou)
    figure, axes = figure_axes("Over the threshold", "Threshold", "")
    lines = (("IoU", curve.iou, TRAIN), ("precision", curve.precision, VAL), ("recall", curve.recall, THIRD))
    for name, values, colour in lines:
        axes.plot(x, _floats(values), color=colour, label=name)
    if value is not None:
        axes.axvline(value, color=BEST, linewidth=1, linestyle=_DASHED, label=f"threshold {value:.3f}")
    axes.set_ylim(0, 1.02)
    axes.legend(fontsize=8.5, labelcolor=INK)
    return rendered(
        figure, "threshold", "Over the threshold", "IoU, precision and recall over the threshold."
    )


def _precision_recall(document: Evaluation) -> Drawing | None:
    curves = _chosen(document)
    if not curves:
        return None
    figure, axes = figure_axes("Precision and recall", "Recall", "Precision")
    for curve in curves:
        label = f"{curve.name}, average precision {number(curve.average_precision, 3)}"
        axes.plot(
            _floats(curve.recall),
            _floats(curve.precision),
            color=_colour(document, curve.number),
            label=label,
        )
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)
    if len(curves) > 4:
        figure.legend(fontsize=8, labelcolor=INK, loc="outside right upper")
    else:
        axes.legend(fontsize=8.5, labelcolor=INK, loc="lower left")
    return rendered(
        figure, "precision_recall", "Precision and recall", "Precision over recall of the pixels."
    )


def _decision(document: Evaluation) -> Drawing | None:
    decision = document.decision
    if not decision.thresholds:
        return None
    figure, axes = figure_axes("Defective or not", "False alarms", "Found images")
    x, y = [0.0, *decision.false_positive_rate], [0.0, *decision.true_positive_rate]
    axes.plot(x, y, color=TRAIN, label=f"AUROC {number(decision.auroc.value, 4)}")
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle=_DASHED)
    alarm, miss = decision.false_alarm_rate.value, decision.miss_rate.value
    if alarm is not None and miss is not None:
        axes.plot([alarm], [1 - miss], marker="o", markersize=7, markerfacecolor="none", markeredgecolor=BEST,
                  markeredgewidth=1.8, linestyle="none", label="at the chosen threshold")  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.legend(fontsize=8.5, labelcolor=INK, loc="lower right")
    return rendered(figure, "decision", "Defective or not", "Found images over false alarms.")


def _sizes(document: Evaluation) -> Drawing | None:
    bins = [b for b in document.objects.bins if b.objects]
    if not bins:
        return None
    figure, axes = figure_axes("Found objects by size", "Pixels of the object", "Found")
    x = np.arange(len(bins))
    rates = [b.found / b.objects for b in bins]
    axes.bar(x, rates, color=TRAIN, width=0.7)
    for place, item, rate in zip(x, bins, rates, strict=True):
        if item.rate.low is not None and item.rate.high is not None:
            axes.plot([place, place], [item.rate.low, item.rate.high], color=INK, linewidth=1.2)
        axes.annotate(f"{item.objects:,}", (float(place), max(rate, item.rate.high or 0)), ha="center", va="bottom",
                      fontsize=8, color=QUIET)  # fmt: skip
    axes.set_xticks(x, [f"{b.low:,}-{b.high - 1:,}" if b.high else f"{b.low:,}+" for b in bins], fontsize=7.5,
                    rotation=20 if len(bins) > 5 else 0)  # fmt: skip
    axes.set_ylim(0, 1.12)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.grid(visible=False, axis="x")
    return rendered(
        figure, "sizes", "Found objects by size", "Share of found objects by their size in pixels."
    )


def _calibration(document: Evaluation) -> Drawing | None:
    return draw_reliability(document.calibration)


def draw_reliability(calibration: Sequence[Calibration]) -> Drawing | None:
    """The last reliability that is known: of the object, or of the likeliest class."""
    found = [c for c in calibration if c.ece is not None]
    if not found:
        return None
    item = found[-1]
    figure, axes = figure_axes("Reliability", "Predicted probability", "Share that is right")
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle=_DASHED)
    points = [
        (b.confidence, b.frequency) for b in item.bins if b.confidence is not None and b.frequency is not None
    ]
    axes.plot([p[0] for p in points], [p[1] for p in points], color=TRAIN, marker="o", markersize=4,
              label=f"{item.name}, ECE {number(item.ece, 3)}")  # fmt: skip
    axes.legend(fontsize=8.5, labelcolor=INK)
    return rendered(
        figure, "calibration", "Reliability", "Share that is right over the predicted probability."
    )


def _matrix(document: Evaluation) -> Drawing | None:
    return draw_matrix(document.classes, document.confusion.matrix, "pixels")


def draw_matrix(names: Sequence[str], matrix: Sequence[Sequence[int]], many: str) -> Drawing | None:
    """The confusion of what ``many`` names; None for fewer than two classes, or for more than anybody reads."""
    if not 2 <= len(names) <= MOST_MATRIX:
        return None
    counts = np.array(matrix, float)
    rows = counts.sum(1, keepdims=True)
    shares = np.divide(counts, rows, out=np.zeros_like(counts), where=rows > 0)
    title = f"Confusion of {many}"
    figure, axes = figure_axes(title, "Predicted", "True", height=max(3.1, 0.32 * len(names) + 1.2))
    for i, j in np.ndindex(*counts.shape):
        colour = TRAIN if i == j else VAL
        tone = 0.85 * float(shares[i, j])
        axes.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, color=colour, alpha=tone, linewidth=0))
        if len(names) <= 12:
            text = f"{shares[i, j]:.1%}" if rows[i, 0] else "–"
            axes.annotate(text, (j, i), ha="center", va="center", fontsize=9 if len(names) < 6 else 7)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(len(names) - 0.5, -0.5)
    shown = [n if len(n) <= 14 else n[:13] + "…" for n in names]
    turned, side = (0, "center") if len(names) <= 4 else (45, "right")
    axes.set_xticks(range(len(names)), shown, fontsize=8, rotation=turned, ha=side)
    axes.set_yticks(range(len(names)), shown, fontsize=8)
    axes.grid(visible=False)
    name = "confusion" if many == "pixels" else f"confusion_{many}"
    return rendered(figure, name, title, f"Of each true class, the share of {many} predicted as each.")


def draw_evaluation(document: Evaluation) -> list[Drawing]:
    """The figures for which there is something to draw."""
    makers = (_over_threshold, _precision_recall, _decision, _sizes, _calibration, _matrix)
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": document.created}):
        return [drawing for make in makers if (drawing := make(document)) is not None]
