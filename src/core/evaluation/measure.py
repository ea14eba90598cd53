"""One image: its truth and its prediction to counts, a few thousand numbers whatever its size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from src.core.dataset.masks import IGNORE_INDEX
from src.core.evaluation.decision import SCORE_PIXELS
from src.core.evaluation.levels import BINS, LEVELS, histogram
from src.core.evaluation.objects import SIZE_EDGES, Rule, by_size, match_objects

Array = np.ndarray[Any, Any]
#: Pixels whose joint counts are taken at once: bounds the memory.
_MOST_PIXELS = 1 << 24


@dataclass(frozen=True)
class Rules:
    """How images are judged.

    Attributes:
        classes: Number of classes, the background included; 2 for binary.
        binary: One probability, of class 1; otherwise one for each class.
        detailed: False counts only what a threshold is chosen by: histograms (binary) and scores of images.
        rule, at: Of matching objects.
    """

    classes: int
    binary: bool
    detailed: bool = True
    rule: Rule = "overlap"
    at: float = 0.5

    @property
    def planes(self) -> int:
        """Probabilities that are looked at: the object's; or of each class, then that of the likeliest."""
        if self.binary:
            return 1
        return self.classes + 1 if self.detailed else 0


@dataclass(frozen=True)
class BandCounts:
    """Some rows of an image.

    Attributes:
        histograms: planes×2×256 int64: pixels that are not, and are, of the plane's class, by level.
        matrix: K×K int64, true class by row.
        sums: planes×15, the probabilities of the counted pixels summed in bins.
        top: The highest probabilities of an object, at most 9.
    """

    histograms: Array
    matrix: Array
    sums: Array
    top: Array


@dataclass(frozen=True)
class ImageMeasure:
    """An image; see `BandCounts` for histograms, matrix and sums.

    Attributes:
        score: Of the image decision; nan without a counted pixel.
        with_object: A counted pixel is of a class other than background.
        sizes: Objects and found ones in each size bin, bins×2.
        objects: Objects, found ones, predicted and false ones of each class, K×4.
        truth, labels: Class numbers H×W uint8; for pictures.
    """

    width: int
    height: int
    ignored: int
    histograms: Array
    matrix: Array
    sums: Array
    score: float
    with_object: bool
    sizes: Array = field(default_factory=lambda: np.zeros((len(SIZE_EDGES), 2), np.int64))
    objects: Array = field(default_factory=lambda: np.zeros((0, 4), np.int64))
    truth: Array | None = None
    labels: Array | None = None


def confusion(labels: Array, truth: Array, classes: int) -> Array:
    """Pixel counts K×K int64 of labels and truth H×W uint8, true class by row; ignored pixels are left out."""
    rows = max(1, _MOST_PIXELS // max(1, labels.shape[1]))
    total = np.zeros(classes * classes, np.int64)
    for top in range(0, labels.shape[0], rows):
        true = truth[top : top + rows].astype(np.uint16)
        index = true * np.uint16(classes) + labels[top : top + rows]
        if (true == IGNORE_INDEX).any():
            index = index[true != IGNORE_INDEX]
        total += np.bincount(index.ravel(), minlength=classes * classes)
    return total.reshape(classes, classes)


def count_band(
    levels: Array, labels: Array | None, truth: Array, sums: Array, top: Array, rules: Rules
) -> BandCounts:
    """Counts of some rows.

    Args:
        levels: planes×h×w uint8, see `Rules.planes`.
        labels: h×w uint8 predicted classes; None where the rules are not detailed.
        truth: h×w uint8, 255 where ignored.
        sums, top: See `BandCounts`.
    """
    counted = (truth != IGNORE_INDEX).astype(np.uint8)
    histograms = np.zeros((rules.planes, 2, LEVELS), np.int64)
    for plane in range(rules.planes):
        if plane < rules.classes:
            of_class = (truth == (1 if rules.binary else plane)).astype(np.uint8)
        else:
            of_class = (truth == labels).astype(np.uint8)  # the likeliest class was the true one
        histograms[plane, 1] = histogram(levels[plane], of_class)
        histograms[plane, 0] = histogram(levels[plane], counted) - histograms[plane, 1]
    k = rules.classes
    if labels is not None and rules.detailed:
        matrix = confusion(labels, truth, k)
    else:  # the truth alone: nothing was decided yet
        matrix = np.diag(np.bincount(truth.ravel(), minlength=256)[:k]).astype(np.int64)
    return BandCounts(histograms, matrix, sums, top)


def finish_image(
    bands: Sequence[BandCounts], truth: Array, labels: Array | None, rules: Rules
) -> ImageMeasure:
    """Put the bands of an image together and match its objects."""
    matrix = np.sum([b.matrix for b in bands], axis=0)
    tops = np.concatenate([b.top for b in bands])
    tops = np.sort(tops[tops >= 0])[::-1][:SCORE_PIXELS]
    pixels = int(matrix.sum())
    measure: dict[str, Any] = {}
    if labels is not None and rules.detailed:
        present = np.flatnonzero(matrix.sum(0) + matrix.sum(1))
        objects = np.zeros((rules.classes, 4), np.int64)
        sizes = np.zeros((len(SIZE_EDGES), 2), np.int64)
        for number in present[present > 0]:
            found = match_objects(truth, labels, int(number), rules.rule, rules.at)
            objects[number] = len(found.areas), int(found.found.sum()), found.predicted, found.false
            sizes += by_size(found.areas, found.found)
        measure = {"sizes": sizes, "objects": objects, "truth": truth, "labels": labels}
    return ImageMeasure(
        width=truth.shape[1],
        height=truth.shape[0],
        ignored=truth.size - pixels,
        histograms=np.sum([b.histograms for b in bands], axis=0),
        matrix=matrix,
        sums=np.asarray(sum(b.sums for b in bands), np.float64).reshape(rules.planes, BINS),
        score=float(tops[-1]) if len(tops) else float("nan"),
        with_object=bool(matrix[1:].sum() > 0),
        **measure,
    )


def measure_arrays(probability: Array, truth: Array, rules: Rules, threshold: float = 0.5) -> ImageMeasure:
    """Measure an image from its whole probabilities: what the evaluation does in bands on the device, in numpy.

    Args:
        probability: H×W of the object (binary), or K×H×W of the classes.
        truth: H×W uint8, 255 where ignored.
        threshold: Binary: above it a pixel is of the object.
    """
    from src.core.evaluation.levels import BIN_EDGES, to_levels

    p = np.asarray(probability, np.float32)
    labels = (p > np.float32(threshold)).astype(np.uint8) if rules.binary else p.argmax(0).astype(np.uint8)
    stack = p[None] if rules.binary else np.concatenate([p, p.max(0)[None]])[: rules.planes]
    levels = to_levels(stack)
    counted = truth != IGNORE_INDEX
    bins = np.digitize(levels, BIN_EDGES, right=True)
    sums = np.array([[stack[i][counted & (bins[i] == b)].sum(dtype=np.float64) for b in range(BINS)]
                     for i in range(len(stack))])  # fmt: skip
    top = np.sort((p if rules.binary else 1 - p[0])[counted])[::-1][:SCORE_PIXELS]
    band = count_band(levels, labels, truth, sums, top, rules)
    return finish_image([band], truth, labels, rules)
