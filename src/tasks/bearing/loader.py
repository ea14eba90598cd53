"""Ordered batches of windows, read and transformed ahead by threads; the same bytes however many there are."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch

from src.core.engine.task import Batch
from src.core.feed.shares import Share
from src.tasks.bearing.window_set import WindowSet

#: Batches that each thread may be ahead of the model.
_AHEAD = 2


class TooFewReadableError(RuntimeError):
    """None of the windows of an epoch can be read; the message says why."""


class WindowLoader:
    """Batches of windows in an order that is a pure function of ``(seed, epoch)``.

    Attributes:
        dataset: What is read.
        run: Successive windows of one recording that stay together when the order is shuffled.
    """

    def __init__(
        self,
        dataset: WindowSet,
        batch_size: int,
        seed: int = 0,
        shuffle: bool = False,
        workers: int = 0,
        run: int = 1,
    ) -> None:
        """
        Args:
            batch_size: Windows in a batch.
            seed: Of the order.
            shuffle: A new order each epoch, and a last batch that is not full is left out unless it is the only one.
            workers: Threads; 0 reads in the calling one.
            dataset, run: See the class.

        Raises:
            ValueError: There is no window.
        """
        if len(dataset) == 0:
            raise ValueError(
                "The recordings are shorter than a window, so there is nothing to load: choose a shorter window."
            )
        self.dataset, self.run = dataset, run
        self._size, self._seed, self._shuffle, self._workers = batch_size, seed, shuffle, workers
        self._threads: ThreadPoolExecutor | None = None
        self._running: Generator[Batch, None, None] | None = None
        self._told: set[str] = set()
        self._share: Share | None = None

    def take(self, share: Share) -> None:
        """Read only one device's part of each batch from now on; see `src.core.feed.loader.FeedLoader.take`."""
        self._share = share

    def __len__(self) -> int:
        full, rest = divmod(len(self.dataset), self._size)
        return full + (1 if rest and (not self._shuffle or full == 0) else 0)

    def order(self, epoch: int) -> np.ndarray:
        """Numbers of the windows of an epoch as they are drawn, int64."""
        count = len(self.dataset)
        if not self._shuffle:
            return np.arange(count, dtype=np.int64)
        rng = np.random.default_rng(np.random.SeedSequence((self._seed, epoch), spawn_key=(1,)))
        if self.run == 1:
            return rng.permutation(count).astype(np.int64)
        starts = []
        ends = np.cumsum(self.dataset.index.counts)
        for first, last in zip(np.r_[0, ends[:-1]], ends, strict=True):
            begins = np.arange(first - int(rng.integers(self.run)), last, self.run)
            starts += [np.arange(max(first, b), min(last, b + self.run)) for b in begins]
        pieces = [starts[k] for k in rng.permutation(len(starts))]
        return np.concatenate(pieces).astype(np.int64)

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from ``start_batch`` on; those before are not read.

        Raises:
            TooFewReadableError: No window of the epoch can be read.
        """
        if self._running is not None:
            self._running.close()
        self._running = self._run(epoch, start_batch)
        return self._running

    def _run(self, epoch: int, start: int) -> Generator[Batch, None, None]:
        order = self.order(epoch)
        whole = [order[k * self._size : (k + 1) * self._size].tolist() for k in range(start, len(self))]
        share = self._share
        batches = whole if share is None else [list(share.of(numbers)[0]) for numbers in whole]
        source = self._ahead(epoch, batches)
        pending: list[tuple[str, str]] = []
        given = False
        try:
            for number, batch in enumerate(source, start):
                pending += [bad for bad in batch["unreadable"] if bad[0] not in self._told]
                self._told |= {bad[0] for bad in batch["unreadable"]}
                if share is not None:
                    batch["whole"] = torch.tensor(whole[number - start], dtype=torch.int64)
                    batch["stands_in"] = share.of(batch["whole"])[1]
                if len(batch["index"]) or share is not None:
                    batch["unreadable"], pending = list(dict(pending).items()), []
                    given = given or len(batch["index"]) > 0
                    yield batch | {"epoch": epoch, "number": number}
        finally:
            source.close()
        if batches and not given:
            raise TooFewReadableError(
                "None of the recordings can be read any more. Are the files still there?"
            )

    def _ahead(self, epoch: int, batches: list[list[int]]) -> Generator[Batch, None, None]:
        if self._workers == 0:
            yield from (self.dataset.batch(epoch, numbers) for numbers in batches)
            return
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="loader")
        futures: deque[Future[Batch]] = deque()
        try:
            for numbers in batches:
                futures.append(self._threads.submit(self.dataset.batch, epoch, numbers))
                if len(futures) >= self._workers * _AHEAD:
                    yield futures.popleft().result()
            while futures:
                yield futures.popleft().result()
        finally:
            for future in futures:
                future.cancel()

    def close(self) -> None:
        """End the threads; safe to call twice."""
        running, self._running = self._running, None
        if running is not None:
            running.close()
        if self._threads is not None:
            self._threads.shutdown(wait=True, cancel_futures=True)
            self._threads = None
