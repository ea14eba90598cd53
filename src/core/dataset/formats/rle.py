"""COCO's run-length codes: runs down the columns, background first; as numbers or packed into text.

Source: ``rleToString`` and ``rleFrString`` in maskApi.c of the COCO API: each number in groups of five bits, the low
ones first, a sixth bit says that more follow, the fifth of the last group is the sign; from the fourth number on
the difference to the one two before is stored. 48 is added to make printable letters.
"""

from __future__ import annotations

import numpy as np


def unpack(text: str | bytes) -> np.ndarray:
    """The run lengths that a text holds.

    Raises:
        ValueError: letters that such a text does not have, or a number that is cut off.
    """
    raw = text.encode("ascii") if isinstance(text, str) else text
    groups = np.frombuffer(raw, np.uint8).astype(np.int64) - 48
    if groups.size == 0:
        return np.zeros(0, np.int64)
    if groups.min() < 0 or groups.max() > 63:
        raise ValueError("letters that compressed run lengths do not have")
    ends = np.flatnonzero((groups & 32) == 0)
    if ends.size == 0 or ends[-1] != groups.size - 1:
        raise ValueError("the last number is cut off")
    starts = np.concatenate([[0], ends[:-1] + 1])
    place = np.arange(groups.size) - np.repeat(starts, ends - starts + 1)
    if place.max() > 11:
        raise ValueError("a number is too long")
    numbers = np.add.reduceat((groups & 31) << (5 * place), starts)
    negative = (groups[ends] & 16) != 0
    numbers = np.where(negative, numbers - (np.int64(1) << (5 * (place[ends] + 1))), numbers)
    numbers[2::2] = np.cumsum(numbers[2::2])
    numbers[1::2] = np.cumsum(numbers[1::2])
    return numbers


def pack(counts: np.ndarray) -> str:
    """The text of run lengths; the inverse of ``unpack``."""
    counts = np.asarray(counts, np.int64)
    numbers = counts.copy()
    numbers[3:] -= counts[1:-2]
    letters = bytearray()
    for number in numbers.tolist():
        more = True
        while more:
            group = number & 31
            number >>= 5
            more = number != (-1 if group & 16 else 0)
            letters.append((group | (32 if more else 0)) + 48)
    return letters.decode("ascii")


def encode(piece: np.ndarray, left: int, top: int, width: int, height: int) -> np.ndarray:
    """Run lengths of an object in an image.

    Args:
        piece: ``h×w`` bool, inside the image.
        left, top: Where it lies.
        width, height: Of the image.
    """
    padded = np.zeros((piece.shape[1], piece.shape[0] + 2), np.int8)
    padded[:, 1:-1] = piece.T
    changes = np.diff(padded, axis=1)
    (column, row), (column_of_end, row_of_end) = np.nonzero(changes > 0), np.nonzero(changes < 0)
    starts = (column + left) * height + row + top
    ends = (column_of_end + left) * height + row_of_end + top
    apart = (
        starts[1:] != ends[:-1]
    )  # at the lower edge of the image a run goes on at the top of the next column
    starts = starts[np.concatenate([[True], apart])] if starts.size else starts
    ends = ends[np.concatenate([apart, [True]])] if ends.size else ends
    limits = np.column_stack([starts, ends]).ravel()
    last = [] if limits.size and limits[-1] == width * height else [width * height]
    return np.diff(np.concatenate([[0], limits, last])).astype(np.int64)


def decode(counts: np.ndarray, width: int, height: int) -> tuple[np.ndarray, int, int]:
    """The pixels of run lengths, cut to the columns that hold any.

    Returns:
        ``h×w`` bool, and the column and row of the image at which it lies; 0×0 without pixels.

    Raises:
        ValueError: the runs are negative or do not fill the image.
    """
    check(counts, width, height)
    ends = np.cumsum(counts)
    starts, stops = ends[:-1:2], ends[1::2]
    full = stops > starts
    starts, stops = starts[full], stops[full]
    if starts.size == 0:
        return np.zeros((0, 0), bool), 0, 0
    left, right = int(starts[0]) // height, (int(stops[-1]) - 1) // height + 1
    turns = np.zeros((right - left) * height + 1, np.uint8)
    np.bitwise_xor.at(turns, starts - left * height, 1)
    np.bitwise_xor.at(turns, stops - left * height, 1)
    inside = np.bitwise_xor.accumulate(turns[:-1]).reshape(right - left, height).T.astype(bool)
    rows = np.flatnonzero(inside.any(axis=1))
    return inside[rows[0] : rows[-1] + 1], left, int(rows[0])


def check(counts: np.ndarray, width: int, height: int) -> None:
    """Raise ``ValueError`` where runs are negative or do not fill an image of this size."""
    if counts.size and counts.min() < 0:
        raise ValueError("a run is negative")
    total = int(counts.sum())
    if total != width * height:
        raise ValueError(f"the runs have {total} pixels, an image of {width} x {height} has {width * height}")


def area(counts: np.ndarray) -> int:
    """Pixels of the object."""
    return int(counts[1::2].sum())
