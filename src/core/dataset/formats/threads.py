"""Work in parallel threads with a bounded number of results in memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from src.core.dataset.formats.book import Cancelled, watch

T = TypeVar("T")
R = TypeVar("R")


def in_threads(
    function: Callable[[T], R], things: Iterable[T], cancelled: Cancelled | None = None
) -> Iterator[R]:
    """The results in the order of the things; at most four a thread are under way.

    Raises:
        ImportCancelledError: ``cancelled`` said so; what is under way is ended first.
    """
    workers = min(8, (os.cpu_count() or 1) + 1)
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="import") as pool:
        try:
            for thing in things:
                watch(cancelled)
                waiting.append(pool.submit(function, thing))
                if len(waiting) >= 4 * workers:
                    yield waiting.popleft().result()
            while waiting:
                watch(cancelled)
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
