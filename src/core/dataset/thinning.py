"""Long signals for a screen: few points for any stretch, and no peak lost."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: Gives the samples from a start to a stop, one dimension.
Read = Callable[[int, int], np.ndarray]

_BLOCK = 256
_PIECE = 1 << 20


def thinned(values: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """The smallest and the largest value of each of at most ``columns`` stretches, in the order in which they come.

    Args:
        values: One dimension; a stretch that holds nothing but NaN gives NaN.
        columns: At least 1.

    Returns:
        Indices of the values kept, int64 and rising, and those values: all of them where there are at most four a column.
    """
    if len(values) <= 4 * max(1, columns):
        return np.arange(len(values)), values
    step = -(-len(values) // max(1, columns))
    groups = -(-len(values) // step)
    padded = np.full(groups * step, np.nan, values.dtype)
    padded[: len(values)] = values
    table = padded.reshape(groups, step)
    empty = np.isnan(table)
    low = np.where(empty, np.inf, table).argmin(1)
    high = np.where(empty, -np.inf, table).argmax(1)
    places = np.sort(np.stack([low, high], 1), axis=1) + np.arange(groups)[:, None] * step
    kept = np.minimum(places.reshape(-1), len(values) - 1)
    return kept, values[kept]


class Extremes:
    """The smallest and the largest value of each 256 samples of a signal, read once and piece by piece.

    Any stretch is then drawn from these, or from the samples themselves where it is short: an hour at 50 kHz costs 6 MB
    and is read once.
    """

    def __init__(
        self, read: Read, length: int, told: Callable[[int, int], None] = lambda done, total: None
    ) -> None:
        """Read the signal.

        Args:
            read: Gives its samples.
            length: Samples in it.
            told: Hears how many samples of how many are done; may raise to end the reading.
        """
        self._read, self.length = read, length
        blocks = -(-length // _BLOCK)
        self._low = np.full(blocks, np.nan, np.float32)
        self._high = np.full(blocks, np.nan, np.float32)
        for start in range(0, length, _PIECE):
            told(start, length)
            piece = np.asarray(read(start, min(length, start + _PIECE)))
            if not len(piece):
                break
            edges = np.arange(0, len(piece), _BLOCK)
            first = start // _BLOCK
            self._low[first : first + len(edges)] = np.fmin.reduceat(piece, edges)
            self._high[first : first + len(edges)] = np.fmax.reduceat(piece, edges)
        told(length, length)

    def stretch(self, first: int, last: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
        """Samples ``first`` to ``last`` for so many columns: at most four points a column.

        Returns:
            Places in samples, float64 and never falling, and values.
        """
        first, last = max(0, first), min(self.length, last)
        if (last - first) // max(1, columns) < 2 * _BLOCK:
            kept, values = thinned(np.asarray(self._read(first, last)), columns)
            return first + kept.astype(np.float64), values
        blocks = slice(first // _BLOCK, -(-last // _BLOCK))
        low, high = self._low[blocks], self._high[blocks]
        step = -(-len(low) // columns)
        edges = np.arange(0, len(low), step)
        places = (blocks.start + edges).astype(np.float64) * _BLOCK
        values = np.stack([np.fmin.reduceat(low, edges), np.fmax.reduceat(high, edges)], 1)
        return np.repeat(places, 2), values.reshape(-1)
