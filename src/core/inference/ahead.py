"""Reading ahead: images are decoded in threads while the network computes, within a budget of memory."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from src.core.dataset.files.plain_png import may_keep_lock
from src.core.inference.sources import Source
from src.core.inference.work import Work

#: Bytes of decoded images that may wait, beside the one that is next.
_MOST_BYTES = 256 << 20


class _Budget:
    """Memory for what is read; the oldest reader always gets what it needs, so nobody waits forever."""

    def __init__(self, most: int) -> None:
        self._most, self._used, self._oldest, self._ended = most, 0, 0, False
        self._changed = threading.Condition()

    def take(self, number: int, cost: int) -> None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._ended or number <= self._oldest or self._used + cost <= self._most
            )
            self._used += cost

    def give(self, cost: int) -> None:
        with self._changed:
            self._used -= cost
            self._changed.notify_all()

    def move_to(self, number: int) -> None:
        with self._changed:
            self._oldest = max(self._oldest, number)
            self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()


class ReadAhead:
    """Work that is prepared, in the order of its sources."""

    def __init__(
        self,
        sources: Iterable[Source],
        make: Callable[[Source], Work],
        threads: int,
        most: int,
        beside_gpu: bool,
    ) -> None:
        """``make`` looks at the header of an image only; at most ``most`` images are read ahead."""
        self._sources, self._make, self._most = iter(sources), make, most
        self._budget = _Budget(_MOST_BYTES)
        self._pool = ThreadPoolExecutor(
            threads, "read-ahead", initializer=may_keep_lock, initargs=(not beside_gpu,)
        )
        self._held: dict[int, int] = {}

    def __iter__(self) -> Iterator[Work]:
        waiting: deque[tuple[int, Future[Work]]] = deque()
        number, ended = 0, False
        while waiting or not ended:
            while not ended and len(waiting) < self._most:
                source = next(self._sources, None)
                if source is None:
                    ended = True
                    break
                waiting.append((number, self._pool.submit(self._prepare, number, source)))
                number += 1
            if waiting:
                oldest, future = waiting.popleft()
                self._budget.move_to(oldest)
                yield future.result()

    def _prepare(self, number: int, source: Source) -> Work:
        work = Work(source)
        try:
            work = self._make(source)
            assert work.plan is not None
            height, width = work.plan.size
            rows = source.band or height
            cost = 3 * rows * width
            self._budget.take(number, cost)
            self._held[id(work)] = cost
            work.prepare()
            if work.plan.fit != "crop":  # only its canvas is left
                self.done(work)
        except Exception as error:  # of this image alone; the stream says it and goes on
            work.error = error
        return work

    def done(self, work: Work) -> None:
        """The image takes no memory any more."""
        self._budget.give(self._held.pop(id(work), 0))

    def close(self) -> None:
        """End all threads; what they are reading is read to its end."""
        self._budget.end()
        self._pool.shutdown(wait=True, cancel_futures=True)
