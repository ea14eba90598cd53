"""Finding pictures of one and the same thing: copies, other exposures, small shifts, other crops and sizes.

Each picture is reduced to a small square from which brightness, contrast and long straight lines (grinding marks,
frames, shadows) are taken out, so that what is left tells one thing from another of the same kind. Pairs are found
by the cosine of a blurred copy of it, one matrix product for all of them, and verified by aligning the two squares,
first by a shift (Kuglin and Hines, "The phase correlation image alignment method", 1975), then by stretching too
(Evangelidis and Psarakis, "Parametric image alignment using enhanced correlation coefficient maximization", PAMI
2008), and correlating them block by block: one bright object on two different pictures is not enough.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import cv2
import numpy as np

from src.core.dataset.checking.candidates import candidates, correlations
from src.core.dataset.checking.signatures import COARSE, SIDE, Signature, signature, unpacked

__all__ = ["MIN_SCORE", "Match", "Signature", "clusters", "linked", "matches", "signature", "similarity"]

#: Least mean correlation of the blocks of two aligned pictures that are called near duplicates.
MIN_SCORE = 0.6
#: The alignment may move by this many pixels of ``SIDE``, and stretch or shear by this much.
_MAX_SHIFT = 7.0
_MAX_LINEAR = 0.25
#: Two clusters become one when this share of their pairs was found alike, so that chains stay short.
_LINKED = 1 / 3
#: A picture that was found alike with so many is compared with no more: it is a frame of a film.
_ENOUGH = 12
#: So many alignments in a row without success end the search, those that come are less alike; and so many in all.
_IN_VAIN = 8
_ALIGNED = 10
_BLOCKS = 4
#: Pictures that one task of a thread compares with their candidates.
_TASK = 32
_ALL = np.ones((SIDE, SIDE), np.uint8)
#: A lower peak of the phase correlation is no shift of the whole picture.
_MIN_PEAK = 0.08
_WINDOW = cv2.createHanningWindow((SIDE, SIDE), cv2.CV_32F)
_ECC_END = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 25, 1e-3)

Cancelled = Callable[[], bool]
#: Called with how many pictures are done and how many there are, from the calling thread.
Done = Callable[[int, int], None]


class Match(NamedTuple):
    """Two pictures found alike; ``first < second``, ``score`` from ``MIN_SCORE`` to 1."""

    first: str
    second: str
    score: float


def clusters(
    signatures: Mapping[str, Signature], cancelled: Cancelled | None = None, progress: Done | None = None
) -> dict[str, str]:
    """Name the cluster of each picture that has near duplicates.

    Args:
        signatures: By sample id.
        cancelled: Asked often; true ends the search with what was found so far.
        progress: Called with how many pictures are done, of how many.

    Returns:
        For the ids in clusters of two or more: the name of the cluster, which is the smallest id in it. A third
        of the pairs of a cluster was found alike, so that a slow film does not become one cluster. The order of
        ``signatures`` plays no part.
    """
    return linked(matches(signatures, cancelled, progress), cancelled)


def matches(
    signatures: Mapping[str, Signature], cancelled: Cancelled | None = None, progress: Done | None = None
) -> list[Match]:
    """The pairs of pictures that are alike; of many equal signatures each is paired with the first one only.

    Memory: 512 bytes a picture and some tens of MiB. Time: a matrix product over all pairs, and for each picture
    that resembles others at most ``_ALIGNED`` alignments of about 0.4 ms.
    """
    same: dict[bytes, list[str]] = defaultdict(list)
    for sample_id in sorted(signatures):
        same[signatures[sample_id].packed].append(sample_id)
    ids = [members[0] for members in same.values()]
    found = [Match(members[0], other, 1.0) for members in same.values() for other in members[1:]]
    chosen = [signatures[sample_id] for sample_id in ids]
    coarse = _stack(_coarse(s) for s in chosen)
    broad = _stack(_levels(unpacked(s.broad, COARSE)) for s in chosen)

    def verify(task: list[tuple[int, list[int]]]) -> list[Match]:
        numbers = sorted({number for first, others in task for number in (first, *others)})
        row_of = {number: row for row, number in enumerate(numbers)}
        even = _even_blocks(np.stack([chosen[number].square() for number in numbers]))
        alike: list[Match] = []
        for first, others in task:
            if cancelled is not None and cancelled():
                break
            plain = even[[row_of[other] for other in others]] @ even[row_of[first]]
            for other, score in _alike(chosen, first, others, plain.tolist()):
                low, high = sorted((ids[first], ids[other]))
                alike.append(Match(low, high, score))
        return alike

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1), "alike") as pool:
        before = 0
        for done, near in candidates(coarse, broad, pool):
            items = list(near.items())
            tasks = [items[at : at + _TASK] for at in range(0, len(items), _TASK)]
            for number, some in enumerate(pool.map(verify, tasks), start=1):
                found += some
                if progress is not None:
                    progress(before + (done - before) * number // len(tasks), len(ids))
            before = done
            if progress is not None:
                progress(done, len(ids))
            if cancelled is not None and cancelled():
                break
    return sorted(found, key=lambda m: (-m.score, m.first, m.second))


def _alike(
    chosen: Sequence[Signature], first: int, others: Sequence[int], plain: Sequence[float]
) -> Iterator[tuple[int, float]]:
    """Which of the candidates of a picture are alike with it; those that are so as they lie are not aligned."""
    number = in_vain = aligned = 0
    for other, score in zip(others, plain, strict=True):
        if score < MIN_SCORE:
            if in_vain == _IN_VAIN or aligned == _ALIGNED:
                continue
            in_vain, aligned = in_vain + 1, aligned + 1
            score = similarity(chosen[first], chosen[other])
            if score < MIN_SCORE:
                continue
        in_vain = 0
        yield other, score
        number += 1
        if number == _ENOUGH:
            return


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


def similarity(a: Signature, b: Signature) -> float:
    """How alike two pictures are when laid over each other: -1 to 1, the mean correlation of 16 blocks.

    Where a mere shift makes them near duplicates it is not improved upon, since stretching takes ten times as long.
    """
    if a.packed == b.packed:
        return 1.0
    fixed, moving = a.square(), b.square()
    best = _block_mean(fixed, moving)
    warp: np.ndarray = np.eye(2, 3, dtype=np.float32)
    shift, peak = cv2.phaseCorrelate(fixed, moving, _WINDOW)
    if best < MIN_SCORE and peak > _MIN_PEAK and max(map(abs, shift)) <= _MAX_SHIFT:
        warp[:, 2] = shift
        best = max(best, _block_mean(fixed, _moved(moving, warp)))
    if best >= MIN_SCORE:
        return best
    try:
        warp = np.asarray(cv2.findTransformECC(fixed, moving, warp, cv2.MOTION_AFFINE, _ECC_END, _ALL, 5)[1])
    except cv2.error:  # it did not converge: nothing in common
        return best
    if np.abs(warp[:, 2]).max() > _MAX_SHIFT or np.abs(warp[:, :2] - np.eye(2)).max() > _MAX_LINEAR:
        return best
    return max(best, _block_mean(fixed, _moved(moving, warp)))


def _moved(square: np.ndarray, warp: np.ndarray) -> np.ndarray:
    return cv2.warpAffine(square, warp, (SIDE, SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def _block_mean(a: np.ndarray, b: np.ndarray) -> float:
    return float(correlations(_in_blocks(a), _in_blocks(b)).mean())


def _in_blocks(square: np.ndarray) -> np.ndarray:
    side = SIDE // _BLOCKS
    return square.reshape(_BLOCKS, side, _BLOCKS, side).swapaxes(1, 2).reshape(_BLOCKS**2, side * side)


def _even_blocks(squares: np.ndarray) -> np.ndarray:
    """``N×K`` of ``N×SIDE×SIDE``, such that the product of two rows is the mean correlation of their blocks."""
    blocks = np.stack([_in_blocks(square) for square in squares])
    blocks -= blocks.mean(axis=2, keepdims=True)
    blocks /= _BLOCKS * np.maximum(np.sqrt((blocks * blocks).sum(axis=2, keepdims=True)), 1e-3)
    return blocks.reshape(len(squares), -1)


def linked(pairs: Sequence[Match], cancelled: Cancelled | None = None) -> dict[str, str]:
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
    while changed and not (cancelled is not None and cancelled()):
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
