"""Objects of a mask, and outlines along the edges of their pixels from which every pixel can be drawn again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

Point = tuple[int, int]
#: East, south, west, north: the directions of an outline that has its object on the right.
_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))


@dataclass(frozen=True, eq=False)
class Object:
    """A connected component (8 neighbours) of one class.

    Attributes:
        value: Class number.
        piece: ``h×w`` bool.
        left, top: Where it lies in the image.
    """

    value: int
    piece: np.ndarray
    left: int
    top: int


def objects(labels: np.ndarray, value: int) -> Iterator[Object]:
    """The objects of one class in an ``H×W`` mask, from top to bottom."""
    count, numbers, boxes, _ = cv2.connectedComponentsWithStats(
        (labels == value).view(np.uint8), connectivity=8
    )
    for number in range(1, count):
        left, top, width, height = (int(v) for v in boxes[number][:4])
        yield Object(value, numbers[top : top + height, left : left + width] == number, left, top)


def outline(thing: Object) -> np.ndarray:
    """One closed polygon along the edges of an object's pixels, its holes joined by bridges inside the object.

    A bridge is walked to and fro, which changes nothing by the even-odd rule; where pixels touch at a corner
    only, the outline passes that corner twice.

    Returns:
        ``N×2`` whole numbers as float64, x and y from the corner of the image; ``fill_polygon`` of it gives the
        object's pixels.
    """
    loops = _loops(thing.piece)
    outer, *holes = sorted(loops, key=min)  # the loop of the leftmost vertex is the outer one
    bridges: dict[Point, list[list[Point]]] = defaultdict(list)
    for hole in holes:
        x, y = min(hole)
        row = thing.piece[y]
        start = x
        while start > 0 and row[start - 1]:
            start -= 1
        at = hole.index((x, y))
        bridges[start, y].append(hole[at:] + hole[:at])
    points = np.array(_corners(_joined(outer, bridges)), np.float64)
    return points + np.array([thing.left, thing.top])


def _loops(piece: np.ndarray) -> list[list[Point]]:
    """Closed walks along the edges, every grid point of them."""
    padded = np.pad(piece, 1)
    inner, sides = padded[1:-1, 1:-1], ((-1, 0), (0, 1), (1, 0), (0, -1))
    leaving: dict[Point, list[int]] = defaultdict(list)
    for direction, (dy, dx) in enumerate(
        sides
    ):  # upper, right, lower, left edge; walked east, south, west, north
        beside = padded[1 + dy : padded.shape[0] - 1 + dy, 1 + dx : padded.shape[1] - 1 + dx]
        rows, columns = np.nonzero(inner & ~beside)
        shift_x, shift_y = ((0, 0), (1, 0), (1, 1), (0, 1))[direction]
        for point in zip((columns + shift_x).tolist(), (rows + shift_y).tolist(), strict=True):
            leaving[point].append(direction)
    found = []
    while leaving:
        here = next(iter(leaving))
        loop: list[Point] = []
        direction = leaving[here][0]
        while here in leaving:
            ways = leaving[here]
            # Where two ways leave, pixels touch at a corner: turning left goes on along the other pixel.
            turn = (direction - 1) % 4
            direction = turn if turn in ways else ways[0]
            ways.remove(direction)
            if not ways:
                del leaving[here]
            loop.append(here)
            here = (here[0] + _STEPS[direction][0], here[1] + _STEPS[direction][1])
        found.append(loop)
    return found


def _joined(outer: list[Point], bridges: dict[Point, list[list[Point]]]) -> list[Point]:
    """The outer walk with a side trip round each hole where its bridge begins."""
    path: list[Point] = []
    waiting: list[Iterator[Point]] = [iter(outer)]
    while waiting:
        point = next(waiting[-1], None)
        if point is None:
            waiting.pop()
            continue
        path.append(point)
        for hole in bridges.pop(point, ()):
            waiting.append(iter([*hole, hole[0], point]))
    return path


def _corners(path: list[Point]) -> list[Point]:
    """Without the points at which the walk goes straight on."""
    kept = []
    for before, here, after in zip([path[-1], *path], path, [*path[1:], path[0]], strict=False):
        first, second = (here[0] - before[0], here[1] - before[1]), (after[0] - here[0], after[1] - here[1])
        cross = first[0] * second[1] - first[1] * second[0]
        if cross or first[0] * second[0] + first[1] * second[1] < 0:
            kept.append(here)
    return kept
