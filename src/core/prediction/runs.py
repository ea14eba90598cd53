"""Connected regions of a mask by its runs: memory grows with how ragged the mask is, not with its number of pixels.

A run is a stretch of one value down a column, as in COCO's run-length codes. Runs of neighbouring columns that touch are
joined; so a mask of 10,000 by 10,000 pixels with a hundred objects needs a few megabytes, where an image of the regions'
numbers needs 400. Source of the idea: L. He, Y. Chao, K. Suzuki, "A Run-Based Two-Scan Labeling Algorithm" (2008); the
joining here is the hooking and pointer jumping of Y. Shiloach and U. Vishkin (1982), in numpy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Pixels of the columns that are turned over at a time.
_STRIP_PIXELS = 1 << 22
#: A mask with more runs is not asked for regions: about a gigabyte is needed for so many.
MOST_RUNS = 1 << 23


class TooRaggedError(ValueError):
    """A mask of more than `MOST_RUNS` runs.

    Attributes:
        runs: How many, at least.
    """

    def __init__(self, runs: int) -> None:
        self.runs = runs
        super().__init__(
            f"The mask has {runs:,} separate stretches of pixels, like noise: no objects can be told apart in it."
        )


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs of a mask, by columns from left to right and from top to bottom.

    Attributes:
        height, width: Of the mask.
        column, top, bottom: ``N`` int32; ``bottom`` is the first row behind the run.
        value: ``N`` uint8.
    """

    height: int
    width: int
    column: np.ndarray
    top: np.ndarray
    bottom: np.ndarray
    value: np.ndarray

    @property
    def length(self) -> np.ndarray:
        """Pixels of each run."""
        return self.bottom - self.top

    def only(self, chosen: np.ndarray) -> Runs:
        """Some of them: a mask or numbers of runs."""
        return Runs(
            self.height, self.width, self.column[chosen], self.top[chosen], self.bottom[chosen], self.value[chosen]
        )  # fmt: skip

    def counts(self) -> np.ndarray:
        """COCO's run lengths of all these pixels together, background first."""
        starts = self.column.astype(np.int64) * self.height + self.top
        ends = starts + self.length
        apart = starts[1:] != ends[:-1]
        starts = starts[np.concatenate([[True], apart])] if starts.size else starts
        ends = ends[np.concatenate([apart, [True]])] if ends.size else ends
        limits = np.column_stack([starts, ends]).ravel()
        whole = self.height * self.width
        last = [] if limits.size and limits[-1] == whole else [whole]
        return np.diff(np.concatenate([[0], limits, last])).astype(np.int64)


def find_runs(labels: np.ndarray, background: bool = False) -> Runs:
    """The runs of an ``H×W`` uint8 mask.

    Args:
        labels: Class numbers.
        background: The runs of value 0 instead of those of all other values.

    Raises:
        TooRaggedError: There are more than `MOST_RUNS`.
    """
    height, width = labels.shape
    step = max(1, _STRIP_PIXELS // max(1, height))
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
    total = 0
    for left in range(0, width, step):
        part = np.ascontiguousarray(labels[:, left : left + step].T)
        if part.all() if background else not part.any():
            continue
        changes = np.empty((part.shape[0], height + 1), bool)
        changes[:, 0] = changes[:, -1] = True
        np.not_equal(part[:, 1:], part[:, :-1], out=changes[:, 1:-1])
        # Every change but the last of a column begins a stretch that the next change ends
        at = np.flatnonzero(changes)
        column, row = at // (height + 1), at % (height + 1)
        begins = row < height
        column, top, bottom = column[begins], row[begins], row[1:][begins[:-1]]
        value = part[column, top]
        kept = (value == 0) if background else (value != 0)
        found.append(
            ((column[kept] + left).astype(np.int32), top[kept].astype(np.int32), bottom[kept].astype(np.int32),
             value[kept])
        )  # fmt: skip
        total += len(found[-1][0])
        if total > MOST_RUNS:
            raise TooRaggedError(total)
    if not found:
        nothing = np.zeros(0, np.int32)
        return Runs(height, width, nothing, nothing, nothing, np.zeros(0, np.uint8))
    return Runs(height, width, *(np.concatenate(kind) for kind in zip(*found, strict=True)))


def join(runs: Runs, corners: bool = True) -> tuple[np.ndarray, int]:
    """Which region each run belongs to; runs of different values are never joined.

    Args:
        runs: From `find_runs`.
        corners: Pixels that touch at a corner belong together (8 neighbours), else they do not (4).

    Returns:
        ``N`` int32 numbers from 0, in the order of the regions' first runs; and how many regions there are.
    """
    many = len(runs.column)
    if not many:
        return np.zeros(0, np.int32), 0
    stride = runs.height + 2  # a gap, so that the end of a column never touches the start of the next
    start = runs.column.astype(np.int64) * stride + runs.top
    end = start + runs.length
    first = np.searchsorted(end, start + stride, "left" if corners else "right")
    behind = np.searchsorted(start, end + stride, "right" if corners else "left")
    touching = np.maximum(behind - first, 0)
    here = np.repeat(np.arange(many, dtype=np.int64), touching)
    skipped = np.cumsum(touching) - touching
    there = np.arange(len(here)) - np.repeat(skipped - first, touching)
    same = runs.value[here] == runs.value[there]
    parent = _roots(many, here[same], there[same])
    roots, number = np.unique(parent, return_inverse=True)
    return number.astype(np.int32), len(roots)


def _roots(many: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The smallest number that each of ``many`` things is joined to by pairs."""
    parent = np.arange(many, dtype=np.int64)
    while len(first):
        one, other = parent[first], parent[second]
        apart = one != other
        first, second, one, other = first[apart], second[apart], one[apart], other[apart]
        np.minimum.at(parent, np.maximum(one, other), np.minimum(one, other))
        while True:
            further = parent[parent]
            if np.array_equal(further, parent):
                break
            parent = further
    return parent


def paint(labels: np.ndarray, runs: Runs, values: int | np.ndarray) -> None:
    """Write a value, or one for each run, on the runs' pixels of ``labels``.

    Columns are turned over strip by strip, so that no list of all pixels is made.
    """
    if not len(runs.column):
        return
    height = labels.shape[0]
    wanted = np.broadcast_to(np.asarray(values, np.uint8), runs.column.shape)
    step = max(1, _STRIP_PIXELS // max(1, height))
    for left in range(int(runs.column[0]), int(runs.column[-1]) + 1, step):
        low, high = np.searchsorted(runs.column, [left, left + step])
        if low == high:
            continue
        column, top = runs.column[low:high] - left, runs.top[low:high]
        length = (runs.bottom[low:high] - top).astype(np.int64)
        rows = np.arange(int(length.sum())) - np.repeat(np.cumsum(length) - length - top, length)
        labels[rows, np.repeat(column + left, length)] = np.repeat(wanted[low:high], length)
