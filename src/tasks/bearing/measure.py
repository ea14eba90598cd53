"""What the check measures of a signal: read once, in pieces, so that its length costs no memory."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.core.dataset.contract import DescriptionCancelledError
from src.tasks.bearing.files import read_channel

PIECE = 1_000_000
#: Samples of a quick look.
QUICK = 1_000_000
_WHOLE = 256 * 2**20
_SAMPLED = 64


@dataclass(frozen=True)
class SignalFacts:
    """Of one channel.

    Attributes:
        low, high, mean, deviation: Of the samples that are numbers; NaN where there is none.
        missing: Samples that are no numbers.
        clipped: Samples at the lowest or highest value, where two or more of them come in a row; else 0.
        flat: The longest run of one value, in samples.
        seen: Samples that were looked at.
    """

    low: float
    high: float
    mean: float
    deviation: float
    missing: int
    clipped: int
    flat: int
    seen: int


def measure(path: str, channel: str, length: int, cancelled: Callable[[], bool]) -> SignalFacts:
    """Go through the first ``length`` samples of a channel.

    Raises:
        DescriptionCancelledError: ``cancelled`` said so.
        UnreadableSignalError: The file is damaged.
        OSError: It cannot be opened.
    """
    low, high, total, squares, missing, seen, flat = math.inf, -math.inf, 0.0, 0.0, 0, 0, 0
    at_low, at_high = (0, 0), (0, 0)  # samples, and the longest run of them
    last, run = math.nan, 0
    for start in range(0, length, PIECE):
        if cancelled():
            raise DescriptionCancelledError
        values = read_channel(path, channel, start, min(length, start + PIECE))
        if not len(values):
            break
        seen += len(values)
        good = values[np.isfinite(values)]
        missing += len(values) - len(good)
        starts, lengths = _runs(values)
        heads = values[starts]
        joined = run if heads[0] == last else 0
        flat = max(flat, int(lengths.max()), int(lengths[0]) + joined)
        run = int(lengths[-1]) + (joined if len(lengths) == 1 else 0)
        last = float(heads[-1])
        if not len(good):
            continue
        exact = good.astype(np.float64)
        total, squares = total + float(exact.sum()), squares + float(np.dot(exact, exact))
        bottom, top = float(good.min()), float(good.max())
        if bottom < low:
            low, at_low = bottom, (0, 0)
        if top > high:
            high, at_high = top, (0, 0)
        at_low = _more(at_low, lengths[heads == low])
        at_high = _more(at_high, lengths[heads == high])
    count = seen - missing
    if not count:
        return SignalFacts(math.nan, math.nan, math.nan, math.nan, missing, 0, flat, seen)
    mean = total / count
    deviation = math.sqrt(max(0.0, squares / count - mean * mean))
    clipped = sum(count for count, longest in (at_low, at_high) if longest > 1)
    return SignalFacts(low, high, mean, deviation, missing, clipped, flat, seen)


def _more(before: tuple[int, int], lengths: np.ndarray) -> tuple[int, int]:
    """Samples and longest run, with further runs."""
    return before[0] + int(lengths.sum()), max(before[1], int(lengths.max(initial=0)))


def _runs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Beginnings and lengths of the runs of one value; values that are no numbers are runs of one."""
    starts = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    return starts, np.diff(np.append(starts, len(values)))


def content_hash(path: str) -> str:
    """sha256 of a file; of one beyond 256 MB of its size and 64 pieces spread over it.

    Raises:
        OSError: It cannot be read.
    """
    digest, size = hashlib.sha256(), Path(path).stat().st_size
    with Path(path).open("rb") as stream:
        if size <= _WHOLE:
            while piece := stream.read(2**20):
                digest.update(piece)
        else:
            digest.update(str(size).encode())
            for number in range(_SAMPLED):
                stream.seek(number * (size - 2**16) // (_SAMPLED - 1))
                digest.update(stream.read(2**16))
    return digest.hexdigest()
