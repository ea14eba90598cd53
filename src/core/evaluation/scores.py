"""Scores of confusion counts in numpy, defined exactly as in `src.models.metrics`, which needs torch.

All follow from three numbers of each class: pixels predicted rightly (`hit`), predicted, and true.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
MEASURES = ("iou", "dice", "accuracy", "precision", "recall", "f1")


def counts_of(matrix: Array) -> Array:
    """`hit`, `predicted` and `true`, …×3×K, of confusion matrices …×K×K (true class by row)."""
    hit = np.diagonal(matrix, axis1=-2, axis2=-1)
    return np.stack([hit, matrix.sum(-2), matrix.sum(-1)], axis=-2)


def class_scores(counts: Array) -> Array:
    """Scores …×K×6 in the order of `MEASURES` of counts …×3×K; `accuracy` is of the class against the rest.

    nan where a class neither is there nor was predicted; zero over zero is 0 where it is.
    """
    hit, predicted, true = (np.asarray(counts[..., i, :], np.float64) for i in range(3))
    union = predicted + true - hit
    total = true.sum(-1, keepdims=True)
    here = union > 0

    def ratio(part: Array, whole: Array) -> Array:
        return np.where(here, part / np.maximum(whole, 1), np.nan)

    dice = ratio(2 * hit, predicted + true)
    accuracy = np.where(total > 0, 1 - (union - hit) / np.maximum(total, 1), np.nan)
    return np.stack(
        [ratio(hit, union), dice, accuracy, ratio(hit, predicted), ratio(hit, true), dice], axis=-1
    )


def overall_scores(counts: Array, binary: bool) -> Array:
    """Scores …×6 in the order of `MEASURES` of counts …×3×K.

    Binary: of class 1, and 1 where nothing is there and nothing was predicted. Otherwise means over the classes
    that are there or were predicted. nan without a counted pixel.
    """
    by_class = class_scores(counts)
    total = np.asarray(counts[..., 2, :], np.float64).sum(-1)
    right = np.asarray(counts[..., 0, :], np.float64).sum(-1)
    if binary:
        front = by_class[..., 1, :]
        scores = np.where(np.isnan(front) & (total > 0)[..., None], 1.0, front)
    else:
        known = ~np.isnan(by_class)
        many = known.sum(-2)
        scores = np.where(many > 0, np.where(known, by_class, 0).sum(-2) / np.maximum(many, 1), np.nan)
    scores[..., 2] = np.where(total > 0, right / np.maximum(total, 1), np.nan)
    return scores
