"""Probabilities as 256 levels, and what follows from how many pixels have each: curves and calibration.

Level i holds the probabilities in ((i-1)/255, i/255], level 0 only 0. So a probability exceeds k/255 exactly
when its level exceeds k, and the 255 thresholds k/255 need no pixels any more.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from src.core.evaluation.bootstrap import defined
from src.core.evaluation.pieces import Calibration, Curve, ReliabilityBin

Array = np.ndarray[Any, Any]
LEVELS = 256
THRESHOLDS = np.arange(LEVELS - 1) / (LEVELS - 1)
#: Bins of the reliability diagram, as Guo et al. (2017), "On Calibration of Modern Neural Networks".
BINS = 15
_LEVELS_A_BIN = (LEVELS - 1) // BINS
#: Levels of the upper ends of the bins but the last.
BIN_EDGES = _LEVELS_A_BIN * np.arange(1, BINS)
#: OpenCV counts in float32, which is exact up to 2^24.
_MOST_PIXELS = 1 << 24


def to_levels(probability: Array) -> Array:
    """Levels, uint8, of probabilities between 0 and 1."""
    return np.ceil(np.asarray(probability, np.float32) * np.float32(LEVELS - 1)).astype(np.uint8)


def histogram(levels: Array, where: Array) -> Array:
    """How many pixels have each level: 256 int64, of levels H×W uint8 where `where` (H×W uint8) is not 0."""
    height, width = levels.shape
    rows = max(1, _MOST_PIXELS // max(1, width))
    total = np.zeros(LEVELS, np.int64)
    for top in range(0, height, rows):
        part = np.ascontiguousarray(levels[top : top + rows])
        mask = np.ascontiguousarray(where[top : top + rows])
        total += cv2.calcHist([part], [0], mask, [LEVELS], [0, LEVELS]).ravel().astype(np.int64)
    return total


def above(histograms: Array) -> Array:
    """Pixels …×255 whose probability exceeds k/255, for each k, of histograms …×256."""
    return (histograms[..., ::-1].cumsum(-1)[..., ::-1] - histograms)[..., :-1]


def counts_at(others: Array, objects: Array) -> Array:
    """`hit`, `predicted`, `true` of background and object at each threshold: …×255×3×2, of histograms …×256."""
    found, false = above(objects), above(others)
    with_object = objects.sum(-1, keepdims=True) + 0 * found
    without = others.sum(-1, keepdims=True) + 0 * found
    total = with_object + without
    predicted = found + false
    parts = [
        np.stack([without - false, found], -1),
        np.stack([total - predicted, predicted], -1),
        np.stack([without, with_object], -1),
    ]
    return np.stack(parts, -2)


def curve_of(name: str, number: int, others: Array, objects: Array) -> Curve:
    """The curves of a class from histograms of its pixels and of the others (256 each).

    Precision is 1 where nothing is predicted, as in scikit-learn; recall is not defined without a true pixel.
    """
    found, false, true = above(objects), above(others), int(objects.sum())
    predicted = found + false
    precision = np.where(predicted > 0, found / np.maximum(predicted, 1), 1.0)
    recall = found / true if true else np.full(len(found), np.nan)
    union = true + false
    iou = np.where(union > 0, found / np.maximum(union, 1), np.nan)
    both = predicted + true
    dice = np.where(both > 0, 2 * found / np.maximum(both, 1), np.nan)
    best = {key: best_threshold(values) for key, values in (("iou", iou), ("dice", dice), ("f1", dice))}
    return Curve(
        name=name,
        number=number,
        objects=objects.tolist(),
        others=others.tolist(),
        precision=_plain(precision),
        recall=_plain(recall),
        iou=_plain(iou),
        dice=_plain(dice),
        average_precision=defined(average_precision(others, objects)),
        auroc=defined(auroc_of_histograms(others, objects)),
        best=best if true else dict.fromkeys(best),
    )


def _plain(values: Array) -> list[float | None]:
    return [defined(value) for value in values]


def best_threshold(values: Array) -> float | None:
    """The threshold with the largest of 255 values: the middle of the longest stretch of equal largest ones."""
    if np.isnan(values).all():
        return None
    at = np.flatnonzero(values >= np.nanmax(values) - 1e-12)
    stretches = np.split(at, np.flatnonzero(np.diff(at) > 1) + 1)
    longest = max(stretches, key=len)
    return float(THRESHOLDS[longest[len(longest) // 2]])


def average_precision(others: Array, objects: Array) -> float:
    """Σ (R_n - R_{n-1}) P_n over the levels from the highest down, as in scikit-learn; nan without a true pixel."""
    true = float(objects.sum())
    if true == 0:
        return float("nan")
    found, false = objects[::-1].cumsum(), others[::-1].cumsum()
    gained = objects[::-1] / true
    return float((gained * found / np.maximum(found + false, 1)).sum())


def auroc_of_histograms(others: Array, objects: Array) -> float:
    """Chance that an object pixel has a higher level than another; ties count half. nan without both kinds."""
    with_object, without = float(objects.sum()), float(others.sum())
    if not with_object or not without:
        return float("nan")
    below = others.cumsum() - others
    return float((objects / with_object * (below + 0.5 * others) / without).sum())


def calibration_of(name: str, number: int | None, others: Array, objects: Array, sums: Array) -> Calibration:
    """Reliability of a probability.

    Args:
        others, objects: Pixels of each level that are not, and are, of the class: 256 each.
        sums: Sum of the probabilities of all counted pixels in each of the 15 bins.
    """
    cut = np.concatenate([[0], BIN_EDGES + 1])
    right = np.add.reduceat(objects, cut)
    pixels = right + np.add.reduceat(others, cut)
    known = pixels > 0
    confidence = np.where(known, sums / np.maximum(pixels, 1), np.nan)
    frequency = np.where(known, right / np.maximum(pixels, 1), np.nan)
    gap = np.abs(np.where(known, confidence - frequency, 0))
    total = int(pixels.sum())
    edges = np.arange(BINS + 1) / BINS
    bins = [
        ReliabilityBin(low=float(edges[i]), high=float(edges[i + 1]), pixels=int(pixels[i]),
                       confidence=defined(confidence[i]), frequency=defined(frequency[i]))
        for i in range(BINS)
    ]  # fmt: skip
    ece = float((gap * pixels).sum() / total) if total else None
    return Calibration(name=name, number=number, bins=bins, ece=ece, mce=float(gap.max()) if total else None)
