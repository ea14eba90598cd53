"""Reading every mask, the ends of every image and a small form of it, in threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from src.core.dataset.checking.objects import Objects, find_objects, step_for
from src.core.dataset.checking.row_facts import (
    CHANGED,
    END_BYTES,
    WHOLE_BYTES,
    Facts,
    MaskContent,
    count_values,
    one_at_a_time,
    read_row,
)
from src.core.dataset.contract import DescriptionCancelledError
from src.core.dataset.files.image_files import UnreadableImageError
from src.core.dataset.files.mask_files import read_mask_bands
from src.core.dataset.masks import MaskMeaning, MaskValueError
from src.core.dataset.sources.source_rows import Row

__all__ = [
    "END_BYTES",
    "WHOLE_BYTES",
    "DescriptionCancelledError",
    "Facts",
    "Progress",
    "count_values",
    "in_threads",
    "read_row",
    "scan",
    "scan_objects",
]

_REPORT_EVERY = 8
#: How many files wait for each thread: a queue of a hundred thousand would need memory of its own.
_AHEAD = 8

Progress = Callable[[int, int, str], None]


def scan(
    rows: Sequence[Row],
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    workers: int | None = None,
    quick: bool = False,
) -> list[Facts]:
    """Read the masks and check the images of all rows.

    Args:
        rows: What to read.
        progress: Called with done, total and a word about what is done, at most about 200 times.
        cancelled: Asked between files.
        workers: Threads; decoders run outside the interpreter lock.
        quick: Do not decode the images: no signatures, no brightness.

    Returns:
        One entry a row, in their order.

    Raises:
        DescriptionCancelledError: ``cancelled`` said so.
    """
    results = [Facts()] * len(rows)

    def read(place: int) -> None:
        results[place] = read_row(rows[place], quick)

    in_threads(read, range(len(rows)), "Reading images and masks", progress, cancelled, workers)
    return results


def scan_objects(
    rows: Sequence[Row],
    facts: Sequence[Facts],
    meaning: MaskMeaning,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    workers: int | None = None,
) -> None:
    """Find the objects on the masks that hold any, once it is known what their values mean.

    Puts ``objects`` into the facts, and into their ``problems`` a mask that changed since it was read.

    Raises:
        DescriptionCancelledError: ``cancelled`` said so.
    """

    def read(place: int) -> None:
        row, fact = rows[place], facts[place]
        try:
            fact.objects = _objects(row.mask or "", fact, meaning)
        except MaskValueError:
            fact.objects = None  # values that no class has: said elsewhere
        except UnreadableImageError as error:
            fact.problems.append((row.mask or "", error.reason))

    marked = [
        place
        for place, (row, fact) in enumerate(zip(rows, facts, strict=True))
        if row.mask is not None
        and (meaning.num_classes > 2 or meaning.encode_counts(fact.values)[0][1:].any())
    ]
    in_threads(read, marked, "Looking at objects", progress, cancelled, workers)


def _objects(path: str, fact: Facts, meaning: MaskMeaning) -> Objects:
    width, height = fact.mask_size or (1, 1)
    step, top, kept, content = step_for(width * height), 0, [], MaskContent((height, width))
    with one_at_a_time((width, height)):
        for band in read_mask_bands(path):
            content.add(band)
            kept.append(meaning.encode(band[-top % step :: step, ::step]))
            top += len(band)
        if content.digest() != fact.mask_content:
            raise UnreadableImageError(path, CHANGED)
        return find_objects(np.concatenate(kept), meaning.num_classes, step)


def in_threads(
    work: Callable[[int], None],
    places: Sequence[int],
    title: str,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    workers: int | None = None,
) -> None:
    """Call ``work`` with each number in threads; a few wait at a time, so memory does not grow with their count.

    Raises:
        DescriptionCancelledError: ``cancelled`` said so; work that has begun is waited for.
    """
    total, threads = len(places), workers or min(8, os.cpu_count() or 1)
    every, ahead = max(_REPORT_EVERY, total // 200), threads * _AHEAD
    with ThreadPoolExecutor(threads, "scan") as pool:
        waiting: deque[Future[None]] = deque()
        left = iter(places)
        try:
            for done in range(1, total + 1):
                while len(waiting) < ahead and (place := next(left, None)) is not None:
                    waiting.append(pool.submit(work, place))
                waiting.popleft().result()
                if cancelled is not None and cancelled():
                    raise DescriptionCancelledError(f"stopped after {done} of {total} images")
                if progress is not None and (done % every == 0 or done == total):
                    progress(done, total, title)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
