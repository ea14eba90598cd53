"""Finding pictures of one and the same thing: copies, other exposures, small shifts, other crops and sizes.

Each picture is reduced to a small square from which brightness, contrast and long straight lines (grinding marks,
frames, shadows) are taken out, so that what is left tells one thing from another of the same kind. Pairs are found
by the cosine of a blurred copy of it, one matrix product for all of them, and verified by aligning the two squares
(Evangelidis and Psarakis, "Parametric image alignment using enhanced correlation coefficient maximization", PAMI
2008) and correlating them block by block: one bright object on two different pictures is not enough.
"""

from __future__ import annotations

import itertools
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import cv2
import numpy as np

from src.core.dataset.checking.signatures import COARSE, SIDE, Signature, signature, unpacked

__all__ = ["MIN_SCORE", "Match", "Signature", "clusters", "linked", "matches", "signature", "similarity"]

#: Least mean correlation of the blocks of two aligned pictures that are called near duplicates.
MIN_SCORE = 0.6
#: Cosines from which a pair is looked at: without and with a shift by one pixel of the blurred square.
_MIN_COARSE = 0.3
_MIN_SHIFTED = 0.45
#: Least correlation of the broad forms; without it smooth pictures would be alike by chance.
_MIN_BROAD = 0.65
#: The alignment may move by this many pixels of ``SIDE``, and stretch or shear by this much.
_MAX_SHIFT = 7.0
_MAX_LINEAR = 0.25
#: Two clusters become one when this share of their pairs was found alike, so that chains stay short.
_LINKED = 1 / 3
#: Pictures with which one is compared closely, the most alike first.
_NEIGHBOURS = 48
#: The closest ones by the cosine alone, before anything else is asked; and how many pairs are held until then.
_AT_FIRST_SIGHT = 64
_MOST_HELD = 1 << 21
#: A picture that was found alike with so many is compared with no more: it is a frame of a film.
_ENOUGH = 12
#: So many comparisons in a row without success end the search: those that come are less alike.
_IN_VAIN = 8
_BLOCK = 1024
_BLOCKS = 4
_PART = 4096
_ALL = np.ones((SIDE, SIDE), np.uint8)
_ECC_END = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 25, 1e-3)

Cancelled = Callable[[], bool]


class Match(NamedTuple):
    """Two pictures found alike; ``first < second``, ``score`` from ``MIN_SCORE`` to 1."""

    first: str
    second: str
    score: float


def clusters(signatures: Mapping[str, Signature], cancelled: Cancelled | None = None) -> dict[str, str]:
    """Name the cluster of each picture that has near duplicates.

    Args:
        signatures: By sample id.
        cancelled: Asked often; true ends the search with what was found so far.

    Returns:
        For the ids in clusters of two or more: the name of the cluster, which is the smallest id in it. A third
        of the pairs of a cluster was found alike, so that a slow film does not become one cluster. The order of
        ``signatures`` plays no part.
    """
    return linked(matches(signatures, cancelled))


def matches(signatures: Mapping[str, Signature], cancelled: Cancelled | None = None) -> list[Match]:
    """The pairs of pictures that are alike; of many equal signatures each is paired with the first one only.

    Memory: 512 bytes a picture and some tens of MiB. Time: a matrix product over all pairs and about 0.3 ms a
    candidate and core.
    """
    same: dict[bytes, list[str]] = defaultdict(list)
    for sample_id in sorted(signatures):
        same[signatures[sample_id].packed].append(sample_id)
    ids = [members[0] for members in same.values()]
    found = [Match(members[0], other, 1.0) for members in same.values() for other in members[1:]]
    chosen = [signatures[sample_id] for sample_id in ids]
    coarse = _stack(_coarse(s) for s in chosen)
    broad = _stack(_levels(unpacked(s.broad, COARSE)) for s in chosen)

    def verify(first: int, others: list[int]) -> list[Match]:
        alike: list[Match] = []
        in_vain = 0
        for other in others:
            if len(alike) == _ENOUGH or in_vain == _IN_VAIN or (cancelled is not None and cancelled()):
                break
            in_vain += 1
            score = similarity(chosen[first], chosen[other])
            if score >= MIN_SCORE:
                in_vain = 0
                low, high = sorted((ids[first], ids[other]))
                alike.append(Match(low, high, score))
        return alike

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1), "alike") as pool:
        for near in _candidates(coarse, broad):
            if cancelled is not None and cancelled():
                break
            found += itertools.chain.from_iterable(pool.map(verify, near.keys(), near.values()))
    return sorted(found, key=lambda m: (-m.score, m.first, m.second))


def _coarse(mark: Signature) -> np.ndarray:
    """``16×16`` int8: the square blurred."""
    blurred = cv2.GaussianBlur(mark.square(), (0, 0), SIDE / 21)
    return _levels(cv2.resize(blurred, (COARSE, COARSE), interpolation=cv2.INTER_AREA))


def _levels(values: np.ndarray) -> np.ndarray:
    """As int8 with mean 0 and deviation 48."""
    even = values - values.mean()
    return np.clip(np.rint(even * (48 / max(float(even.std()), 1e-3))), -127, 127).astype(np.int8)


def _stack(squares: Iterable[np.ndarray]) -> np.ndarray:
    return np.array(list(squares), dtype=np.int8).reshape(-1, COARSE, COARSE)


def _candidates(coarse: np.ndarray, broad: np.ndarray) -> Iterator[dict[int, list[int]]]:
    """For each picture those worth a closer look, the most alike first; a block of pictures at a time."""
    flat, flat_broad = (squares.reshape(-1, COARSE * COARSE) for squares in (coarse, broad))
    lengths = np.sqrt((flat.astype(np.float32) ** 2).sum(axis=1)) + 1e-6
    for top in range(0, len(flat), _BLOCK):
        rows = flat[top : top + _BLOCK].astype(np.float32) / lengths[top : top + _BLOCK, None]
        parts = []
        for left in range(top, len(flat), _BLOCK):
            columns = flat[left : left + _BLOCK].astype(np.float32) / lengths[left : left + _BLOCK, None]
            cosine = rows @ columns.T
            near = cosine > _MIN_COARSE
            if left == top:
                near = np.triu(near, 1)
            first, second = np.nonzero(near)
            parts.append((first + top, second + left, cosine[first, second]))
            if sum(len(part[0]) for part in parts) > _MOST_HELD:
                parts = [_nearest(parts)]
        first, second, cosines = _nearest(parts)
        keep = _in_parts(_correlations, flat_broad, first, second) > _MIN_COARSE  # the cheaper question first
        first, second, cosines = first[keep], second[keep], cosines[keep]
        keep = _in_parts(_shifted, broad, first, second) > _MIN_BROAD
        first, second, cosines = first[keep], second[keep], cosines[keep]
        order = np.lexsort((-cosines, first))
        first, second = first[order], second[order]
        rank = np.arange(len(first)) - np.searchsorted(first, first, side="left")
        first, second = first[rank < _NEIGHBOURS], second[rank < _NEIGHBOURS]
        keep = _in_parts(_shifted, coarse, first, second) > _MIN_SHIFTED
        near_ones: dict[int, list[int]] = defaultdict(list)
        for one, other in zip(first[keep].tolist(), second[keep].tolist(), strict=True):
            near_ones[one].append(other)
        yield near_ones


def _nearest(
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each first picture the second ones that are nearest at first sight; ten thousand frames of one camera
    would else be compared each with each."""
    first, second, cosines = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((-cosines, first))
    first, second, cosines = first[order], second[order], cosines[order]
    keep = np.arange(len(first)) - np.searchsorted(first, first, side="left") < _AT_FIRST_SIGHT
    return first[keep], second[keep], cosines[keep]


def _in_parts(
    compare: Callable[[np.ndarray, np.ndarray], np.ndarray], of: np.ndarray, a: np.ndarray, b: np.ndarray
) -> np.ndarray:
    """Compare the rows ``a`` with the rows ``b``, a part at a time so that memory stays bounded."""
    parts = [compare(of[a[at : at + _PART]], of[b[at : at + _PART]]) for at in range(0, len(a), _PART)]
    return np.concatenate([np.zeros(0, np.float32), *parts])


def _shifted(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Largest correlation of ``N×S×S`` with ``N×S×S`` moved by up to one pixel each way."""
    best, size = np.full(len(a), -1.0, np.float32), a.shape[1]
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            x = a[:, max(0, down) : size + min(0, down), max(0, right) : size + min(0, right)]
            y = b[:, max(0, -down) : size + min(0, -down), max(0, -right) : size + min(0, -right)]
            np.maximum(best, _correlations(x.reshape(len(a), -1), y.reshape(len(b), -1)), out=best)
    return best


def _correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of the rows of ``N×K`` with those of ``N×K``; 0 where a row is constant."""
    x, y = a.astype(np.float32), b.astype(np.float32)
    x -= x.mean(axis=1, keepdims=True)
    y -= y.mean(axis=1, keepdims=True)
    lengths = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    return np.asarray((x * y).sum(axis=1) / np.maximum(lengths, 1e-3))


def similarity(a: Signature, b: Signature) -> float:
    """How alike two pictures are when laid over each other: -1 to 1, the mean correlation of 16 blocks."""
    if a.packed == b.packed:
        return 1.0
    fixed, moving = a.square(), b.square()
    plain = _block_mean(fixed, moving)
    warp: np.ndarray = np.eye(2, 3, dtype=np.float32)
    try:
        warp = np.asarray(cv2.findTransformECC(fixed, moving, warp, cv2.MOTION_AFFINE, _ECC_END, _ALL, 5)[1])
    except cv2.error:  # it did not converge: nothing in common
        return plain
    if np.abs(warp[:, 2]).max() > _MAX_SHIFT or np.abs(warp[:, :2] - np.eye(2)).max() > _MAX_LINEAR:
        return plain
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return max(plain, _block_mean(fixed, cv2.warpAffine(moving, warp, (SIDE, SIDE), flags=flags)))


def _block_mean(a: np.ndarray, b: np.ndarray) -> float:
    return float(_correlations(_in_blocks(a), _in_blocks(b)).mean())


def _in_blocks(square: np.ndarray) -> np.ndarray:
    side = SIDE // _BLOCKS
    return square.reshape(_BLOCKS, side, _BLOCKS, side).swapaxes(1, 2).reshape(_BLOCKS**2, side * side)


def linked(pairs: Sequence[Match]) -> dict[str, str]:
    """Clusters from matches, the most alike first; see ``clusters``."""
    copies = {name: name for match in pairs for name in match[:2]}
    nodes = {name: {name} for name in copies}
    for match in (m for m in pairs if m.score == 1.0):
        _merge(copies, nodes, match.first, match.second)
    # Copies are one from here on: each was paired with the first of them only, and they must not outvote others.
    edges = [(a, b) for m in pairs if (a := copies[m.first]) != (b := copies[m.second])]
    friends: dict[str, set[str]] = defaultdict(set)
    for a, b in edges:
        friends[a].add(b)
        friends[b].add(a)
    home, members = {node: node for node in nodes}, {node: {node} for node in nodes}
    changed = True
    while changed:
        changed = False
        for a, b in edges:
            small, large = sorted((members[home[a]], members[home[b]]), key=len)
            if small is large:
                continue
            links = sum(len(friends[node] & large) for node in small)
            # One of very many near duplicates is compared with some of them only.
            if links >= _LINKED * min(len(small) * len(large), _ENOUGH * len(small)):
                _merge(home, members, a, b)
                changed = True
    whole = {key: set().union(*(nodes[node] for node in group)) for key, group in members.items()}
    names = {key: min(group) for key, group in whole.items()}
    return {name: names[home[copies[name]]] for name in sorted(copies) if len(whole[home[copies[name]]]) > 1}


def _merge(home: dict[str, str], members: dict[str, set[str]], a: str, b: str) -> None:
    keep, gone = home[a], home[b]
    if keep == gone:
        return
    if len(members[keep]) < len(members[gone]):
        keep, gone = gone, keep
    for name in members[gone]:
        home[name] = keep
    members[keep] |= members.pop(gone)
