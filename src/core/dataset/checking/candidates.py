"""Which pictures are worth a closer look: those whose blurred squares are alike, found for all pairs at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Executor

import numpy as np

#: Cosines from which a pair is looked at: without and with a shift by one pixel of the blurred square.
_MIN_COARSE = 0.3
_MIN_SHIFTED = 0.45
#: Least correlation of the broad forms; without it smooth pictures would be alike by chance.
_MIN_BROAD = 0.65
#: Pictures with which one is compared closely, the most alike first.
_NEIGHBOURS = 48
#: The closest ones by the cosine alone, before anything else is asked; and how many pairs are held until then.
_AT_FIRST_SIGHT = 64
_MOST_HELD = 1 << 21
_BLOCK = 1024
_PART = 4096

_Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]
_Compare = Callable[[np.ndarray, np.ndarray], np.ndarray]


def candidates(
    coarse: np.ndarray, broad: np.ndarray, pool: Executor
) -> Iterator[tuple[int, dict[int, list[int]]]]:
    """For each picture those worth a closer look, the most alike first; a block of pictures at a time.

    Args:
        coarse: ``N×S×S`` int8 with mean 0, the blurred squares.
        broad: ``N×S×S`` int8 with mean 0, the broad forms.
        pool: Threads in which pairs are compared.

    Yields:
        How many pictures are done with this block, and for each picture of it that has any the later ones that
        may be alike. Of a picture no more than 48 are given, so that ten thousand frames of one camera are not
        compared each with each.
    """
    number, side = coarse.shape[:2]
    flat, flat_broad = coarse.reshape(number, side * side), broad.reshape(number, side * side)
    lengths = np.sqrt((flat.astype(np.float32) ** 2).sum(axis=1)) + 1e-6
    for top in range(0, len(flat), _BLOCK):
        first, second, cosines = _at_first_sight(flat, lengths, top)
        values = _in_parts(pool, correlations, flat_broad, first, second)  # the cheaper question first
        keep = values > _MIN_COARSE
        first, second, cosines, values = first[keep], second[keep], cosines[keep], values[keep]
        keep = _over(pool, broad, first, second, values, _MIN_BROAD)
        first, second, cosines = first[keep], second[keep], cosines[keep]
        order = np.lexsort((-cosines, first))
        first, second, cosines = first[order], second[order], cosines[order]
        near = _rank(first) < _NEIGHBOURS
        first, second, cosines = first[near], second[near], cosines[near]
        keep = _over(pool, coarse, first, second, cosines, _MIN_SHIFTED)
        found: dict[int, list[int]] = defaultdict(list)
        for one, other in zip(first[keep].tolist(), second[keep].tolist(), strict=True):
            found[one].append(other)
        yield min(top + _BLOCK, len(flat)), found


def _at_first_sight(flat: np.ndarray, lengths: np.ndarray, top: int) -> _Pairs:
    """Of each picture of a block the later ones that are nearest by the cosine of the blurred squares."""
    rows = flat[top : top + _BLOCK].astype(np.float32) / lengths[top : top + _BLOCK, None]
    parts: list[_Pairs] = []
    for left in range(top, len(flat), _BLOCK):
        columns = flat[left : left + _BLOCK].astype(np.float32) / lengths[left : left + _BLOCK, None]
        cosine = rows @ columns.T
        near = cosine > _MIN_COARSE
        if left == top:
            near = np.triu(near, 1)
        if cosine.shape[1] > _AT_FIRST_SIGHT and np.count_nonzero(near) > _AT_FIRST_SIGHT * len(rows):
            # Frames of a film: nearly every pair is alike, and sorting all of them would take the longest.
            masked = np.where(near, cosine, np.float32(-1))
            best = np.argpartition(-masked, _AT_FIRST_SIGHT, axis=1)[:, :_AT_FIRST_SIGHT]
            only = np.zeros_like(near)
            np.put_along_axis(only, best, True, axis=1)
            near &= only
        first, second = np.nonzero(near)
        parts.append((first + top, second + left, cosine[first, second]))
        if sum(len(part[0]) for part in parts) > _MOST_HELD:
            parts = [_nearest(parts)]
    return _nearest(parts)


def _nearest(parts: list[_Pairs]) -> _Pairs:
    """Of each first picture the second ones that are nearest."""
    first, second, cosines = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((-cosines, first))
    first, second, cosines = first[order], second[order], cosines[order]
    keep = _rank(first) < _AT_FIRST_SIGHT
    return first[keep], second[keep], cosines[keep]


def _rank(first: np.ndarray) -> np.ndarray:
    """The place of each pair among those with the same first picture; they stand together."""
    return np.arange(len(first)) - np.searchsorted(first, first, side="left")


def _over(
    pool: Executor, of: np.ndarray, a: np.ndarray, b: np.ndarray, unmoved: np.ndarray, least: float
) -> np.ndarray:
    """Which pairs are more alike than ``least`` where one may be moved by a pixel; those that are so as they lie
    need no moving."""
    found = unmoved > least
    rest = np.flatnonzero(~found)
    found[rest] = _in_parts(pool, _shifted, of, a[rest], b[rest]) > least
    return found


def _in_parts(pool: Executor, compare: _Compare, of: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Compare the rows ``a`` with the rows ``b``, a part at a time so that memory stays bounded."""
    parts = pool.map(
        lambda at: compare(of[a[at : at + _PART]], of[b[at : at + _PART]]), range(0, len(a), _PART)
    )
    return np.concatenate([np.zeros(0, np.float32), *parts])


def _shifted(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Largest correlation of ``N×S×S`` with ``N×S×S`` moved by up to one pixel each way."""
    best, size = np.full(len(a), -1.0, np.float32), a.shape[1]
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            x = a[:, max(0, down) : size + min(0, down), max(0, right) : size + min(0, right)]
            y = b[:, max(0, -down) : size + min(0, -down), max(0, -right) : size + min(0, -right)]
            np.maximum(best, correlations(x.reshape(len(a), -1), y.reshape(len(b), -1)), out=best)
    return best


def correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of the rows of ``N×K`` with those of ``N×K``; 0 where a row is constant."""
    x, y = a.astype(np.float32), b.astype(np.float32)
    x -= x.mean(axis=1, keepdims=True)
    y -= y.mean(axis=1, keepdims=True)
    lengths = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    return np.asarray((x * y).sum(axis=1) / np.maximum(lengths, 1e-3))
