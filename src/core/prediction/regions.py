"""The regions of a mask, each with what a table says of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from src.core.prediction.runs import Runs, find_runs, join

#: Pixels whose scores are summed at a time.
_PIXELS_AT_ONCE = 1 << 22


@dataclass(frozen=True, eq=False)
class Regions:
    """Connected regions (8 neighbours) of the values of a mask.

    Attributes:
        runs: The mask's runs.
        of_run: ``N`` int32: the region of each run.
        value: ``K`` uint8.
        area: ``K`` int64, pixels.
        box: ``K×4`` int32: left, top, right, bottom; the last two are the first pixels outside.
        centroid: ``K×2`` float64: mean column and row of the pixels' centres, the first pixel's centre at 0.
    """

    runs: Runs
    of_run: np.ndarray
    value: np.ndarray
    area: np.ndarray
    box: np.ndarray
    centroid: np.ndarray

    def __len__(self) -> int:
        return len(self.value)

    @property
    def at_border(self) -> np.ndarray:
        """``K`` bool: the region touches a side of the image, so it may go on outside."""
        limits = np.array([self.runs.width, self.runs.height])
        return (self.box[:, :2] == 0).any(axis=1) | (self.box[:, 2:] == limits).any(axis=1)

    def order(self) -> np.ndarray:
        """The numbers of the runs, region by region; inside a region as they were."""
        return np.argsort(self.of_run, kind="stable")


def find_regions(labels: np.ndarray, background: bool = False) -> Regions:
    """The regions of an ``H×W`` uint8 mask.

    Args:
        labels: Class numbers.
        background: The regions of value 0 (4 neighbours, as it fits to 8 for the objects) instead of all others.

    Raises:
        TooRaggedError: See `find_runs`.
    """
    runs = find_runs(labels, background)
    number, many = join(runs, corners=not background)
    length = runs.length.astype(np.int64)
    area = np.bincount(number, length, many).astype(np.int64)
    value = np.zeros(many, np.uint8)
    value[number] = runs.value
    box = np.empty((many, 4), np.int32)
    box[:, :2], box[:, 2:] = np.iinfo(np.int32).max, 0
    np.minimum.at(box[:, 0], number, runs.column)
    np.minimum.at(box[:, 1], number, runs.top)
    np.maximum.at(box[:, 2], number, runs.column + 1)
    np.maximum.at(box[:, 3], number, runs.bottom)
    middle = (runs.top + runs.bottom - 1) / 2.0
    sums = [np.bincount(number, length * at, many) for at in (runs.column, middle)]
    centroid = np.stack(sums, axis=1) / np.maximum(area, 1)[:, None]
    return Regions(runs, number, value, area, box, centroid)


def scores_of(regions: Regions, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and highest score of each region.

    Args:
        regions: Of a mask.
        score: ``H×W`` uint8, 255 is a probability of 1.

    Returns:
        Two times ``K`` float64, from 0 to 1, to within 1/510.
    """
    runs, many = regions.runs, len(regions)
    total, highest = np.zeros(many, np.int64), np.zeros(many, np.uint8)
    length = runs.length.astype(np.int64)
    ends = np.cumsum(length)
    first = 0
    while first < len(length):
        so_far = ends[first] - length[first]
        last = max(first + 1, int(np.searchsorted(ends, so_far + _PIXELS_AT_ONCE, "right")))
        some = slice(first, last)
        begins = ends[some] - length[some] - so_far
        rows = np.arange(int(ends[last - 1] - so_far)) - np.repeat(begins - runs.top[some], length[some])
        found = score[rows, np.repeat(runs.column[some], length[some])]
        np.add.at(total, regions.of_run[some], np.add.reduceat(found, begins, dtype=np.int64))
        np.maximum.at(highest, regions.of_run[some], np.maximum.reduceat(found, begins))
        first = last
    return total / np.maximum(regions.area, 1) / 255.0, highest / 255.0
