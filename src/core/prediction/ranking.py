"""Which images are worth labelling next: what the model is unsure of, what it has not seen, and no two alike.

Picking the image that is both worth most and farthest from those picked already is the greedy k-centre of O. Sener,
S. Savarese, "Active Learning for Convolutional Neural Networks: A Core-Set Approach" (2018), weighted by worth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_ROWS = 2048
_SAMPLE = 1000
#: Features of length 1 that are nearer than this differ by rounding.
_SAME = 1e-3


@dataclass(frozen=True, eq=False)
class Ranking:
    """An order of ``N`` images, the most valuable first.

    Attributes:
        order: ``N`` numbers of images.
        worth: ``N`` from 0 to 1, by image: uncertainty and novelty together, before likeness counts.
        gain: ``N``, by image: worth times how far it is from what was picked before it; 0 for a copy.
        nearest: ``N``, by image: the picked image that is most like it; -1 for the first.
        copies: ``N`` bool, by image: it is (nearly) the same as an image before it.
    """

    order: np.ndarray
    worth: np.ndarray
    gain: np.ndarray
    nearest: np.ndarray
    copies: np.ndarray


def unit(features: np.ndarray) -> np.ndarray:
    """``N×D`` float32 with rows of length 1; a row of zeros stays."""
    features = np.asarray(features, np.float32)
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)


def novelty(features: np.ndarray, known: np.ndarray, neighbours: int = 5) -> np.ndarray:
    """Mean distance of each image to the ``neighbours`` known images that are most like it.

    Args:
        features: ``N×D``.
        known: ``M×D`` of the training images.

    Returns:
        ``N`` float64 from 0 (the same) to 2, between features of length 1.
    """
    ours, theirs = unit(features), unit(known)
    k = min(neighbours, len(theirs))
    found = np.zeros(len(ours))
    for first in range(0, len(ours), _ROWS):
        likeness = ours[first : first + _ROWS] @ theirs.T
        nearest = -np.partition(-likeness, k - 1, axis=1)[:, :k]
        found[first : first + _ROWS] = np.sqrt(np.maximum(0, 2 - 2 * nearest)).mean(axis=1)
    return found


def percentile(values: np.ndarray) -> np.ndarray:
    """Share of the others that are smaller, equal ones counted half: from 0 to 1; 0.5 where all are equal."""
    values = np.asarray(values, np.float64)
    if len(values) < 2:
        return np.full(len(values), 0.5)
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values, "left")
    above = np.searchsorted(ordered, values, "right")
    return np.asarray((below + above - 1) / 2 / (len(values) - 1))


def rank(
    uncertainty: np.ndarray,
    new: np.ndarray | None,
    features: np.ndarray,
    weight: float = 0.5,
    diversity: float = 1.0,
    most: int = 500,
) -> Ranking:
    """Put images in the order in which they are worth labelling.

    Args:
        uncertainty: ``N``.
        new: ``N``, from `novelty`; None where there is nothing to compare with.
        features: ``N×D``.
        weight: Share of novelty in the worth; the rest is uncertainty. Both count by their place among all images.
        diversity: 1: a copy of a picked image is worth nothing; 0: likeness does not count.
        most: So many are picked one by one; behind them comes what is left, by its gain.
    """
    many = len(uncertainty)
    worth = percentile(uncertainty)
    if new is not None:
        worth = (1 - weight) * worth + weight * percentile(new)
    ours = unit(features)
    scale = _usual_distance(ours)
    distance, nearest = np.full(many, np.inf), np.full(many, -1)
    left, picked = np.ones(many, bool), []
    # Worth 0 times any distance is 0: a little more than nothing keeps the farther one first
    base = np.maximum(worth, 1e-6)
    gain = base.copy()
    final = gain.copy()
    for _ in range(min(most, many)):
        best = int(np.argmax(np.where(left, gain, -1.0)))
        picked.append(best)
        left[best] = False
        final[best] = gain[best]
        there = np.sqrt(np.maximum(0, 2 - 2 * np.clip(ours @ ours[best], -1, 1)))
        closer = (there < distance) & left
        distance[closer], nearest[closer] = there[closer], best
        apart = np.minimum(1.0, np.where(distance < _SAME, 0.0, distance) / scale)
        gain = base * ((1 - diversity) + diversity * apart)
    rest = np.flatnonzero(left)
    final[rest] = gain[rest]
    rest = rest[np.lexsort((-worth[rest], -gain[rest]))]
    order = np.concatenate([np.array(picked, np.int64), rest]).astype(np.int64)
    return Ranking(order, worth, final, nearest, distance < _SAME)


def _usual_distance(features: np.ndarray) -> float:
    """The median distance of two images, of at most a thousand; 1 where all are alike."""
    some = (
        features[np.linspace(0, len(features) - 1, min(len(features), _SAMPLE)).astype(int)]
        if len(features)
        else features
    )
    if len(some) < 2:
        return 1.0
    distance = np.sqrt(np.maximum(0, 2 - 2 * (some @ some.T)))
    return max(float(np.median(distance[np.triu_indices(len(some), 1)])), 1e-2)
