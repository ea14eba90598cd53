"""Whether an image shows an object at all, decided by one score an image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from src.core.evaluation.bootstrap import Bootstrap, defined, ratio
from src.core.evaluation.pieces import Decision, Interval

Array = np.ndarray[Any, Any]
#: The score of an image is the highest probability that so many of its pixels reach: a spot of 3 × 3.
SCORE_PIXELS = 9
#: A curve on a screen shows no more points.
_MOST_POINTS = 512


def score_sentence(binary: bool) -> str:
    """What the score of an image is."""
    what = "probability of the object" if binary else "probability of not being background (class 0)"
    return f"The highest {what} that at least {SCORE_PIXELS} pixels of the image reach."


def auroc(scores: Array, with_object: Array, weights: Array | None = None) -> Array:
    """Area under the receiver operating characteristic; ties count half (Mann-Whitney). nan without both kinds.

    Args:
        scores: N.
        with_object: N booleans.
        weights: B×N, how often each image counts; None counts each once.

    Returns:
        B values (one without weights).
    """
    order = np.argsort(scores, kind="stable")
    weights = np.ones((1, len(scores))) if weights is None else weights
    if not len(scores):
        return np.full(len(weights), np.nan)
    ranked = scores[order]
    starts = np.concatenate([[0], np.flatnonzero(ranked[1:] != ranked[:-1]) + 1])
    sorted_weights, kind = weights[:, order], with_object[order]
    objects = np.add.reduceat(np.where(kind, sorted_weights, 0.0), starts, axis=1)
    others = np.add.reduceat(np.where(kind, 0.0, sorted_weights), starts, axis=1)
    below = others.cumsum(1) - others
    pairs = objects.sum(1) * others.sum(1)
    return ratio((objects * (below + 0.5 * others)).sum(1), pairs)


def threshold_for_rate(scores_without: Array, rate: float) -> float | None:
    """The lowest score above which no more than `rate` of the images without an object lie; None without any."""
    if not len(scores_without):
        return None
    descending = np.sort(scores_without)[::-1]
    allowed = min(math.floor(rate * len(descending) + 1e-9), len(descending) - 1)
    return float(descending[allowed])


def roc(scores: Array, with_object: Array) -> tuple[list[float], list[float], list[float]]:
    """Thresholds from high to low with true and false positive rates; an image counts as positive above a threshold."""
    values = np.unique(scores)[::-1]
    if len(values) > _MOST_POINTS:
        values = values[np.unique(np.linspace(0, len(values) - 1, _MOST_POINTS).astype(int))]
    with_scores, without = np.sort(scores[with_object]), np.sort(scores[~with_object])
    true = 1 - np.searchsorted(with_scores, values, side="right") / max(1, len(with_scores))
    false = 1 - np.searchsorted(without, values, side="right") / max(1, len(without))
    if values[-1] <= 0:
        return values.tolist(), true.tolist(), false.tolist()
    return [*values.tolist(), 0.0], [*true.tolist(), 1.0], [*false.tolist(), 1.0]


def average_precision(scores: Array, with_object: Array) -> float:
    """Σ (R_n - R_{n-1}) P_n over the distinct scores from the highest down; nan without an image with an object."""
    if not with_object.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], with_object[order].cumsum()
    last = np.concatenate([np.flatnonzero(ranked[1:] != ranked[:-1]), [len(ranked) - 1]])
    precision, recall = hits[last] / (last + 1), hits[last] / hits[-1]
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def decide(
    scores: Array,
    with_object: Array,
    bootstrap: Bootstrap,
    *,
    binary: bool,
    rate: float,
    threshold: float | None,
    threshold_from: str,
    fitted_here: bool,
    reason: str = "",
) -> Decision:
    """The image-level part of the document.

    Args:
        scores: N; nan where an image has no counted pixel, which then counts nowhere.
        with_object: N booleans, by the mask.
        rate: Wanted rate of false alarms.
        threshold: Above it an image counts as one with an object; None leaves the rates out, with `reason`.
    """
    known = ~np.isnan(scores)
    positive, negative = known & with_object, known & ~with_object
    n_with, n_without = int(positive.sum()), int(negative.sum())
    result = Decision(
        score=score_sentence(binary), pixels=SCORE_PIXELS, images_with=n_with, images_without=n_without,
        asked_false_alarm_rate=rate, threshold=threshold, threshold_from=threshold_from, fitted_here=fitted_here,
        reason=reason,
    )  # fmt: skip
    if not n_with or not n_without:
        all_or_none = f"all {n_with} have one" if n_with else f"none of the {n_without} has one"
        text = f"AUROC needs images with and images without an object, and {all_or_none}."
        result.reason = f"{text} {reason}".strip()
    result.average_precision = defined(average_precision(scores[known], with_object[known]))
    if n_with and n_without:
        curve = roc(scores[known], with_object[known])
        result.thresholds, result.true_positive_rate, result.false_positive_rate = curve
        result.auroc = _auroc_interval(scores[known], with_object[known], bootstrap, known)
    if threshold is not None:
        said = np.where(known, scores, -1.0) > threshold
        part = np.stack([positive & ~said, negative & said], 1).astype(np.float64)
        whole = np.stack([positive, negative], 1).astype(np.float64)
        result.miss_rate, result.false_alarm_rate = bootstrap.rates(part, whole)
        result.missed = np.flatnonzero(positive & ~said).tolist()
        result.false_alarms = np.flatnonzero(negative & said).tolist()
    return result


def _auroc_interval(scores: Array, with_object: Array, bootstrap: Bootstrap, known: Array) -> Interval:
    value = auroc(scores, with_object)
    members = bootstrap.members[known]
    drawn = [auroc(scores, with_object, w[:, members]) for w in bootstrap.weights(4 * len(scores))]
    if not drawn:
        return Interval(value=defined(value[0]))
    return bootstrap.percentiles(value, np.concatenate(drawn)[:, None])[0]
