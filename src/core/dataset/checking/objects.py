"""The objects on a mask: connected components of each class, their sizes, and pixels on them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from src.core.dataset.anchors import MAX_ANCHORS
from src.core.dataset.masks import IGNORE_INDEX

#: Larger masks are looked at with a step, so that their labels need no more than 64 MiB.
MAX_LABELLED = 1 << 24
#: Sizes of so many objects of one sample are kept, spread over all of them.
MAX_SIZES = 256

_NO_SIZES = np.zeros((0, 4), dtype=np.float32)
_NO_POINTS = np.zeros((0, 3), dtype=np.int32)


@dataclass(slots=True)
class Objects:
    """What was found on one mask; an object is a connected component (8 neighbours) of a class but background.

    Attributes:
        packed_counts, packed_sizes, packed_anchors: What the properties give, without the weight of arrays and
            dicts: there is one of these for each of perhaps a hundred thousand images.
        border: Share of the pixels along the sides of the image that are not background.
    """

    packed_counts: tuple[int, ...] = ()
    packed_sizes: bytes = b""
    packed_anchors: bytes = b""
    border: float = 0.0

    @property
    def counts(self) -> dict[int, int]:
        """Objects of each class."""
        return dict(zip(self.packed_counts[::2], self.packed_counts[1::2], strict=True))

    @property
    def sizes(self) -> np.ndarray:
        """``K×4`` float32: class, area, width and height of the box in pixels; at most ``MAX_SIZES`` of them."""
        return np.frombuffer(self.packed_sizes, dtype=np.float32).reshape(-1, 4)

    @property
    def anchors(self) -> np.ndarray:
        """``K×3`` int32: class, row, column."""
        return np.frombuffer(self.packed_anchors, dtype=np.int32).reshape(-1, 3)

    @property
    def number(self) -> int:
        """Objects of all classes."""
        return sum(self.packed_counts[1::2])

    @property
    def smallest(self) -> float:
        """Area of the smallest in pixels; 0 without objects."""
        return float(self.sizes[:, 1].min()) if self.packed_sizes else 0.0


def step_for(pixels: int) -> int:
    """Every how many rows and columns of a mask of so many pixels are looked at."""
    return int(np.ceil(np.sqrt(max(1, pixels) / MAX_LABELLED)))


def find_objects(classes: np.ndarray, num_classes: int, taken: int = 0) -> Objects:
    """Look at ``H×W`` uint8 class numbers, ``IGNORE_INDEX`` for pixels that do not count.

    Args:
        classes: The class numbers.
        num_classes: Classes that there are.
        taken: ``classes`` already is every so many rows and columns of the mask; 0: it is the mask.
    """
    step = taken or step_for(classes.size)
    small = np.ascontiguousarray(classes if taken else classes[::step, ::step])
    sizes, points, counts = [], [], {}
    present = np.flatnonzero(cv2.calcHist([small], [0], None, [256], [0, 256]).ravel())
    for number in present[present != IGNORE_INDEX].tolist():
        if number == 0:
            if num_classes > 2:
                points.append(_spread(small, number))
            continue
        found, labels, stats, _ = cv2.connectedComponentsWithStats(
            (small == number).view(np.uint8), connectivity=8
        )
        counts[number] = found - 1
        points.append(_on_each(labels, stats, number))
        chosen = stats[_even(np.arange(1, found), MAX_SIZES)].astype(np.float32)
        columns = [
            np.full(len(chosen), number),
            chosen[:, 4] * step**2,
            chosen[:, 2] * step,
            chosen[:, 3] * step,
        ]
        sizes.append(np.stack(columns, axis=1))
    edge = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    anchors = np.concatenate([_NO_POINTS, *points]) * np.array([1, step, step], np.int32)
    border = float(((edge != 0) & (edge != IGNORE_INDEX)).mean())
    boxes = np.concatenate([_NO_SIZES, *sizes]).astype(np.float32)
    flat = tuple(number for pair in counts.items() for number in pair)
    return Objects(flat, boxes.tobytes(), anchors.astype(np.int32).tobytes(), border)


def _even(values: np.ndarray, most: int) -> np.ndarray:
    """Up to ``most`` of the values, evenly spread, the first and the last among them."""
    if len(values) <= most:
        return values
    return np.asarray(values[np.linspace(0, len(values) - 1, most).round().astype(np.int64)])


def _spread(classes: np.ndarray, number: int) -> np.ndarray:
    """Anchors of a class without asking for its components."""
    step = max(1, int(np.sqrt(classes.size / 4096)))
    rows, columns = np.nonzero(classes[::step, ::step] == number)
    if not len(rows):
        step = 1
        rows, columns = np.nonzero(classes == number)
    chosen = _even(np.arange(len(rows)), MAX_ANCHORS)
    return _points(number, rows[chosen] * step, columns[chosen] * step)


def _on_each(labels: np.ndarray, stats: np.ndarray, number: int) -> np.ndarray:
    """Anchors on the components: at least one on each as far as they reach, more on larger ones.

    Components are looked at inside their own box, so that thousands of specks on a large mask stay cheap.
    """
    chosen = _even(np.arange(1, len(stats)), MAX_ANCHORS)
    share = np.ones(len(chosen), dtype=np.int64)
    areas = stats[chosen, cv2.CC_STAT_AREA].astype(np.float64)
    for _ in range(MAX_ANCHORS - len(chosen)):
        share[np.argmax(areas / share)] += 1
    found = []
    for label, wanted in zip(chosen.tolist(), share.tolist(), strict=True):
        left, top, width, height, _ = stats[label].tolist()
        place = np.flatnonzero(labels[top : top + height, left : left + width] == label)
        # The middle of each of so many equal stretches, in reading order; never twice the same pixel.
        at = np.unique(((np.arange(wanted) + 0.5) * len(place) / wanted).astype(np.int64))
        found.append(_points(number, place[at] // width + top, place[at] % width + left))
    return np.concatenate([_NO_POINTS, *found])


def _points(number: int, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    return np.stack([np.full(len(rows), number), rows, columns], axis=1).astype(np.int32)
