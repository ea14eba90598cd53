"""Corrections of predicted masks. Memory: one or two bytes a pixel beside the mask, and what `runs` needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import cv2
import numpy as np

from src.core.dataset.formats.book import BACKGROUND_NAMES
from src.core.prediction.options import PostprocessConfig
from src.core.prediction.regions import Regions, find_regions
from src.core.prediction.runs import paint

#: Pixels that are opened or closed at a time.
_BAND_PIXELS = 1 << 22


@dataclass
class Changes:
    """What the corrections did to a mask.

    Attributes:
        refined: Pixels that the dense CRF gave to another class, see `crf`.
        opened, closed, filled: Pixels.
        too_small, not_largest: Objects that were removed, and ``removed`` their pixels.
    """

    refined: int = 0
    opened: int = 0
    closed: int = 0
    filled: int = 0
    too_small: int = 0
    not_largest: int = 0
    removed: int = 0

    @property
    def objects(self) -> int:
        """Objects that were removed."""
        return self.too_small + self.not_largest

    def to_dict(self) -> dict[str, int]:
        """What is not 0, as plain JSON types."""
        return {key: value for key, value in asdict(self).items() if value}


def has_background(classes: list[str] | tuple[str, ...]) -> bool:
    """Whether class 0 is what surrounds objects: always with two classes of a binary mask, else by its name."""
    return bool(classes) and classes[0].strip().lower() in BACKGROUND_NAMES


def postprocess(
    labels: np.ndarray, config: PostprocessConfig, background: bool = True
) -> tuple[np.ndarray, Changes]:
    """Correct an ``H×W`` uint8 mask of class numbers: opening, closing, holes, small objects, largest objects.

    Without a background class every pixel belongs to something: what is removed takes the class around it, and there
    is nothing to close or to fill.

    Args:
        labels: May be changed.
        config: What is to be done.
        background: Class 0 is background.

    Returns:
        The mask, and what was changed.

    Raises:
        TooRaggedError: The regions of this mask cannot be found; ``labels`` then holds what was done before.
    """
    changes = Changes()
    if config.opening:
        changes.opened = _open(labels, config.opening, background)
    if config.closing and background:
        changes.closed = _close(labels, config.closing)
    if config.fill_holes and background:
        changes.filled = _fill(labels, config.largest_hole)
    if config.min_area > 1 or config.keep_largest:
        _remove(labels, config, background, changes)
    return labels, changes


def _values(labels: np.ndarray, background: bool) -> list[int]:
    present = np.flatnonzero(cv2.calcHist([labels], [0], None, [256], [0, 256]).ravel()).tolist()
    return [v for v in present if v or not background]


def _disc(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


def _bands(labels: np.ndarray, radius: int) -> Iterator[tuple[slice, np.ndarray, slice]]:
    """Rows some at a time, with as many around them as an opening or closing looks at.

    Yields:
        The rows; a view of them with those around; and where in this view the rows are.
    """
    height, around = labels.shape[0], 2 * radius
    step = max(around, _BAND_PIXELS // max(1, labels.shape[1]), 1)
    for top in range(0, height, step):
        bottom, first = min(height, top + step), max(0, top - around)
        yield slice(top, bottom), labels[first : bottom + around], slice(top - first, bottom - first)


def _open(labels: np.ndarray, radius: int, background: bool) -> int:
    removed, disc = np.zeros(labels.shape, bool), _disc(radius)
    for value in _values(labels, background):
        for rows, near, inner in _bands(labels, radius):
            # What lies outside counts as object, so that nothing is eaten away at the sides of the image
            of_class = (near == value).view(np.uint8)
            opened = cv2.dilate(cv2.erode(of_class, disc), disc)
            removed[rows] |= (of_class > opened)[inner]
    number = int(np.count_nonzero(removed))
    if number:
        _take_away(labels, removed, background)
    return number


def _close(labels: np.ndarray, radius: int) -> int:
    """Classes grow into the background only; where two could, the lower number comes first."""
    number, disc = 0, _disc(radius)
    for value in _values(labels, True):
        # A closing of what was closed in part already is the same, so bands may be changed one after the other
        for rows, near, inner in _bands(labels, radius):
            closed = cv2.erode(cv2.dilate((near == value).view(np.uint8), disc), disc)
            added = (closed[inner] > 0) & (labels[rows] == 0)
            number += int(np.count_nonzero(added))
            labels[rows][added] = value
    return number


def _fill(labels: np.ndarray, largest: int) -> int:
    holes = find_regions(labels, background=True)
    inside = ~holes.at_border
    if largest:
        inside &= holes.area <= largest
    if not inside.any():
        return 0
    mine = inside[holes.of_run]
    runs, of_run = holes.runs.only(mine), holes.of_run[mine]
    # A hole may lie between two classes: the one that borders on it most, above and below, takes it
    above, below = labels[runs.top - 1, runs.column], labels[runs.bottom, runs.column]
    pairs = np.concatenate([of_run, of_run]).astype(np.int64) * 256 + np.concatenate([above, below])
    votes, times = np.unique(pairs, return_counts=True)
    winner = np.zeros(len(holes), np.uint8)
    order = np.argsort(times, kind="stable")
    winner[votes[order] // 256] = votes[order] % 256
    paint(labels, runs, winner[of_run])
    return int(holes.area[inside].sum())


def _remove(labels: np.ndarray, config: PostprocessConfig, background: bool, changes: Changes) -> None:
    # Regions of class 0 are looked at too where it is a class like the others
    regions = find_regions(labels if background else labels + 1)
    small = regions.area < config.min_area
    beyond = np.zeros(len(regions), bool)
    if config.keep_largest:
        beyond = _beyond_largest(regions, config.keep_largest, ~small)
    gone = small | beyond
    if not background and gone.all():
        return  # something must be left to take their place
    changes.too_small, changes.not_largest = int(small.sum()), int(beyond.sum())
    changes.removed = int(regions.area[gone].sum())
    if not gone.any():
        return
    runs = regions.runs.only(gone[regions.of_run])
    if background:
        paint(labels, runs, 0)
        return
    removed = np.zeros(labels.shape, np.uint8)
    paint(removed, runs, 1)
    _take_away(labels, removed.view(bool), background)


def _beyond_largest(regions: Regions, most: int, counted: np.ndarray) -> np.ndarray:
    """The regions of a class behind its ``most`` largest; of equal ones those further left stay."""
    beyond = np.zeros(len(regions), bool)
    for value in np.unique(regions.value):
        mine = np.flatnonzero((regions.value == value) & counted)
        beyond[mine[np.argsort(-regions.area[mine], kind="stable")][most:]] = True
    return beyond


def _take_away(labels: np.ndarray, removed: np.ndarray, background: bool) -> None:
    """Give pixels to the background, or ring by ring to the classes around them."""
    if background:
        labels[removed] = 0
        return
    waiting = removed.copy()
    rows, columns = np.nonzero(waiting)
    height, width = labels.shape
    while rows.size:
        value = np.zeros(rows.size, np.uint8)
        reached = np.zeros(rows.size, bool)
        for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            y, x = np.clip(rows + down, 0, height - 1), np.clip(columns + right, 0, width - 1)
            fits = ~reached & ~waiting[y, x]
            value[fits], reached = labels[y[fits], x[fits]], reached | fits
        if not reached.any():
            return  # everything was removed: it stays as it was
        labels[rows[reached], columns[reached]] = value[reached]
        waiting[rows[reached], columns[reached]] = False
        rows, columns = rows[~reached], columns[~reached]
