"""The objects of a predicted mask, as tables and COCO say them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from src.core.dataset.formats import rle
from src.core.prediction.regions import find_regions, scores_of

#: So many objects of one image are listed, the largest; their number is always that of all.
MOST_LISTED = 100_000
COLUMNS = (
    "image", "object", "class", "class_name", "area_px", "left", "top", "width", "height", "centroid_x", "centroid_y",
    "score_mean", "score_max", "at_border",
)  # fmt: skip


@dataclass(frozen=True)
class FoundObjects:
    """The objects of one image.

    Attributes:
        total: How many there are.
        of_class: How many of each class number.
        pixels: Area of each class number that has objects.
        listed: The `MOST_LISTED` largest as mappings: ``class`` (number), ``area`` (pixels), ``box`` (left, top, width,
            height), ``centroid`` (x, y; the first pixel's centre is 0, 0), ``score_mean``, ``score_max`` (0 to 1),
            ``at_border`` (it may go on outside the image), and ``rle`` (COCO's packed run lengths) where asked for.
    """

    total: int
    of_class: dict[int, int]
    pixels: dict[int, int]
    listed: list[dict[str, Any]]


def find_objects(
    labels: np.ndarray, score: np.ndarray, background: bool = True, with_rle: bool = False
) -> FoundObjects:
    """Describe the connected regions (8 neighbours) of each class but the background.

    Args:
        labels: ``H×W`` uint8 class numbers.
        score: ``H×W`` uint8: how probable the class of the pixel is; 255 is 1.
        background: Class 0 is background, not an object.
        with_rle: Add run lengths.

    Raises:
        TooRaggedError: See `runs.find_runs`.
    """
    regions = find_regions(labels if background else labels + 1)
    value = regions.value if background else regions.value - 1
    mean, highest = scores_of(regions, score)
    numbers, times = np.unique(value, return_counts=True)
    chosen = np.arange(len(regions))
    if len(chosen) > MOST_LISTED:
        chosen = np.sort(np.argsort(-regions.area, kind="stable")[:MOST_LISTED])
    order = regions.order()
    limits = np.concatenate([[0], np.cumsum(np.bincount(regions.of_run, minlength=len(regions)))])
    border = regions.at_border
    listed = []
    for number in chosen.tolist():
        left, top, right, bottom = regions.box[number].tolist()
        entry: dict[str, Any] = {
            "class": int(value[number]),
            "area": int(regions.area[number]),
            "box": [left, top, right - left, bottom - top],
            "centroid": [round(float(v), 2) for v in regions.centroid[number]],
            "score_mean": round(float(mean[number]), 4),
            "score_max": round(float(highest[number]), 4),
            "at_border": bool(border[number]),
        }
        if with_rle:
            mine = regions.runs.only(order[limits[number] : limits[number + 1]])
            entry["rle"] = rle.pack(mine.counts())
        listed.append(entry)
    return FoundObjects(
        len(regions),
        {int(v): int(n) for v, n in zip(numbers, times, strict=True)},
        {int(v): int(regions.area[value == v].sum()) for v in numbers},
        listed,
    )


def table_rows(image: str, listed: Sequence[dict[str, Any]], classes: Sequence[str]) -> list[list[Any]]:
    """Rows of ``objects.csv`` for the objects of an image, in the order of `COLUMNS`."""
    rows = []
    for number, entry in enumerate(listed, start=1):
        name = classes[entry["class"]] if entry["class"] < len(classes) else ""
        rows.append([
            image, number, entry["class"], name, entry["area"], *entry["box"], *entry["centroid"], entry["score_mean"],
            entry["score_max"], int(entry["at_border"]),
        ])  # fmt: skip
    return rows
