"""Object by object: which true ones were found, which predicted ones are false.

An object is a connected component (8 neighbours) of one class. Ignored pixels belong to none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np

from src.core.dataset.masks import IGNORE_INDEX

Array = np.ndarray[Any, Any]
Rule = Literal["overlap", "iou"]
#: Lower ends of the size bins, in pixels.
SIZE_EDGES = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144)


def rule_sentence(rule: Rule, at: float) -> str:
    """The rule of matching, for people."""
    if rule == "overlap":
        return (
            f"A true object is found when at least {at:.0%} of its pixels are predicted as its class; a predicted one "
            f"is false when less than {at:.0%} of it lies on true pixels of the class."
        )
    return (
        f"True and predicted objects of a class are paired one to one, the highest IoU first; a pair counts from an IoU "
        f"of {at:g} on. True objects without a pair are missed, predicted ones are false."
    )


@dataclass(frozen=True)
class Matches:
    """Objects of one class on one image: area (px) of each true object and whether it was found; predicted, false."""

    areas: Array
    found: Array
    predicted: int
    false: int


_NOTHING = Matches(np.zeros(0, np.int64), np.zeros(0, bool), 0, 0)


def match_objects(truth: Array, labels: Array, number: int, rule: Rule, at: float) -> Matches:
    """Match the objects of class `number`.

    Args:
        truth: H×W uint8 class numbers, 255 where ignored.
        labels: H×W uint8 predicted class numbers.
        at: Share of pixels (overlap) or IoU from which on objects match, above 0.
    """
    of_class = truth == number
    said = (labels == number) & (truth != IGNORE_INDEX)
    has_true, has_predicted = bool(of_class.any()), bool(said.any())
    if not has_true and not has_predicted:
        return _NOTHING
    both = of_class & said
    true, predicted = of_class.view(np.uint8), said.view(np.uint8)
    true_areas, true_places = _components(true, both) if has_true else _EMPTY
    areas, places = _components(predicted, both) if has_predicted else _EMPTY
    if rule == "iou":
        found, false = _paired(true_areas, true_places, areas, places, at)
    else:
        covered = np.bincount(true_places, minlength=len(true_areas) + 1)[1:] if has_true else np.zeros(0)
        lying = np.bincount(places, minlength=len(areas) + 1)[1:] if has_predicted else np.zeros(0)
        found = covered >= at * true_areas - 1e-9
        false = int((lying < at * areas - 1e-9).sum())
    return Matches(true_areas, found, len(areas), false)


_EMPTY: tuple[Array, Array] = (np.zeros(0, np.int64), np.zeros(0, np.int64))


def _components(mask: Array, both: Array) -> tuple[Array, Array]:
    """Area of each component, and the component (from 1) at each pixel of `both`."""
    _, places, statistics, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_32S)
    return statistics[1:, cv2.CC_STAT_AREA].astype(np.int64), places[both].astype(np.int64)


def _paired(
    true_areas: Array, true_places: Array, areas: Array, places: Array, at: float
) -> tuple[Array, int]:
    """Which true objects have a partner, and how many predicted ones have none."""
    found, taken = np.zeros(len(true_areas), bool), np.zeros(len(areas), bool)
    pairs, shared = np.unique(true_places * (len(areas) + 1) + places, return_counts=True)
    true, predicted = pairs // (len(areas) + 1) - 1, pairs % (len(areas) + 1) - 1
    iou = shared / (true_areas[true] + areas[predicted] - shared) if len(pairs) else np.zeros(0)
    for index in np.lexsort((predicted, true, -iou)):
        if iou[index] < at - 1e-9:
            break
        if not found[true[index]] and not taken[predicted[index]]:
            found[true[index]] = taken[predicted[index]] = True
    return found, int((~taken).sum())


def by_size(areas: Array, found: Array) -> Array:
    """Objects and found ones in each size bin: bins×2 int64."""
    place = np.searchsorted(SIZE_EDGES, areas, side="right") - 1
    bins = len(SIZE_EDGES)
    return np.stack([np.bincount(place, minlength=bins), np.bincount(place[found], minlength=bins)], 1)
