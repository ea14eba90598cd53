"""Ordered batches of an epoch, read ahead by threads or processes; the same bytes whoever reads."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
from torch.utils.data import DataLoader

from src.core.feed.dataset import ImageMaskDataset, Key, TooManyUnreadableError, Unreadable
from src.core.feed.workers import (
    Batch,
    Failure,
    Plan,
    ProcessView,
    WorkerKind,
    as_it_is,
    assemble,
    resolve_workers,
    start_worker,
)

#: Batches that each worker may be ahead of the model.
_AHEAD = 2


class LoaderError(RuntimeError):
    """The workers cannot go on; the message says why and what to do."""


class FeedLoader:
    """Batches of a data set, in an order that is a pure function of ``(seed, epoch)``.

    Nothing is remembered between epochs, so that a run that resumes in the middle of an epoch gets the
    batches that it would have got: ``epoch(7, start_batch=120)``. Use it as a context manager, or call
    `close`.

    OpenCV is told to use one thread for the whole process: parallelism is over images, which is faster and
    leaves the other cores to the model.

    Attributes:
        dataset: What is read.
        workers, kind: As resolved by `resolve_workers`.
        quarantined: Reason by path for every file that was found unusable so far.
    """

    def __init__(
        self,
        dataset: ImageMaskDataset,
        batch_size: int,
        seed: int = 0,
        shuffle: bool = False,
        workers: int = 0,
        worker_kind: WorkerKind = "auto",
        drop_last: bool = False,
        balance: float = 0.0,
        pin: bool = False,
        device_type: str = "cpu",
    ) -> None:
        """
        Args:
            batch_size: A set that is smaller makes one batch of what there is.
            shuffle: A new order each epoch; without it the order of the data set (and no ``balance``).
            workers: 0 reads in the calling thread, -1 chooses.
            drop_last: Leave out a last batch that is not full (a batch of one image breaks batch
                normalisation in some decoders), unless it is the only one. What is left out differs from
                epoch to epoch when shuffled.
            balance: Least share of the drawn items that show an object. Those items are then drawn more
                often, each as often as any other (plus or minus one), with new randomness each time, and
                fewer of the others, chosen anew each epoch; the epoch keeps its length. Does nothing where
                the share is reached, where no item or every item has an object, or without ``shuffle``.
            pin: Put batches into memory from which a GPU copies without waiting. Takes a GPU.
            device_type: Where the model computes, for ``workers=-1``.
        """
        if batch_size < 1:
            raise ValueError(
                f"The batch size is the number of images in a batch, at least 1; got {batch_size}."
            )
        if len(dataset) == 0:
            raise ValueError(
                "The data set has no images, so there is nothing to load. Check the folders and the split."
            )
        self.dataset = dataset
        self.batch_size = batch_size
        self.seed = seed
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.balance = balance
        self.pin = pin
        self.workers, self.kind = resolve_workers(workers, worker_kind, device_type)
        self.quarantined: dict[str, str] = {}
        self._has_object = dataset.has_object if shuffle and balance > 0 else None
        self._threads: ThreadPoolExecutor | None = None
        self._processes: DataLoader[Any] | None = None
        self._process_batches: Any = None
        self._plan = Plan()
        self._running: Generator[Batch, None, None] | None = None
        cv2.setNumThreads(0)

    def __len__(self) -> int:
        """Batches in an epoch."""
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full + (1 if rest and (not self.drop_last or full == 0) else 0)

    def order(self, epoch: int) -> np.ndarray:
        """The items of an epoch in the order in which they are drawn: int64, as long as the data set."""
        count = len(self.dataset)
        if not self.shuffle:
            return np.arange(count, dtype=np.int64)
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((self.seed, epoch), spawn_key=(1,))))
        if self._has_object is None:
            return rng.permutation(count)
        having, others = np.flatnonzero(self._has_object), np.flatnonzero(~self._has_object)
        wanted = int(np.ceil(self.balance * count - 1e-9))
        if not len(having) or not len(others) or wanted <= len(having):
            return rng.permutation(count)
        times, rest = divmod(wanted, len(having))
        chosen = [
            np.tile(having, times),
            rng.permutation(having)[:rest],
            rng.permutation(others)[: count - wanted],
        ]
        return rng.permutation(np.concatenate(chosen))

    def keys(self, epoch: int) -> list[list[Key]]:
        """The keys of every batch of an epoch."""
        seen: dict[int, int] = {}
        keys = []
        for index in self.order(epoch).tolist():
            repeat = seen.get(index, 0)
            seen[index] = repeat + 1
            keys.append(Key(epoch, index, repeat))
        return [keys[k * self.batch_size : (k + 1) * self.batch_size] for k in range(len(self))]

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from ``start_batch`` on; those before it are not read.

        May be abandoned at any time. One epoch runs at a time: to begin another ends the one that runs.

        Raises:
            TooManyUnreadableError: more files are unusable than the data set allows.
            LoaderError: a worker process ended.
        """
        if self._running is not None:
            self._running.close()
        self._running = self._run(self.keys(epoch)[start_batch:])
        return self._running

    def _run(self, batches: list[list[Key]]) -> Generator[Batch, None, None]:
        if self.workers == 0:
            source = (assemble(self.dataset, keys, self.pin) for keys in batches)
        else:
            source = self._by_threads(batches) if self.kind == "thread" else self._by_processes(batches)
        pending: list[Unreadable] = []
        try:
            for batch in source:
                pending += self._quarantine(batch["unreadable"])
                if len(batch["index"]):
                    batch["unreadable"], pending = pending, []
                    yield batch
        finally:
            source.close()

    def _quarantine(self, found: list[Unreadable]) -> list[Unreadable]:
        new = []
        for bad in found:
            if bad.path not in self.quarantined:
                self.quarantined[bad.path] = bad.reason
                new.append(bad)
        if len(self.quarantined) > self.dataset.allowed_unreadable:
            every = [Unreadable(*entry) for entry in self.quarantined.items()]
            raise TooManyUnreadableError(every, self.dataset.allowed_unreadable, len(self.dataset.samples))
        return new

    def _by_threads(self, batches: list[list[Key]]) -> Generator[Batch, None, None]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="loader")
        waiting = iter(batches)
        futures: deque[Future[Batch]] = deque()
        try:
            for keys in waiting:
                futures.append(self._threads.submit(assemble, self.dataset, keys, self.pin))
                if len(futures) >= self.workers * _AHEAD:
                    yield futures.popleft().result()
            while futures:
                yield futures.popleft().result()
        finally:
            for future in futures:
                future.cancel()

    def _by_processes(self, batches: list[list[Key]]) -> Generator[Batch, None, None]:
        if self._processes is None:
            self._processes = DataLoader(
                ProcessView(self.dataset),  # type: ignore[arg-type]
                batch_sampler=self._plan,
                num_workers=self.workers,
                collate_fn=as_it_is,  # type: ignore[arg-type]
                multiprocessing_context="spawn",
                persistent_workers=True,
                prefetch_factor=_AHEAD,
                pin_memory=self.pin,
                worker_init_fn=start_worker,
            )
        if not batches:
            return
        self._plan.batches = batches
        try:
            self._process_batches = iter(self._processes)
            for batch in self._process_batches:
                if isinstance(batch, Failure):
                    raise batch.error
                yield batch
        except (RuntimeError, EOFError, ConnectionError) as error:
            # a process that dies while it sends leaves half a message, and torch's own words come later or never
            if isinstance(error, RuntimeError) and "DataLoader worker" not in str(error):
                raise
            self._process_batches = self._processes = None
            raise LoaderError(
                "A loader process was ended from outside, most often because memory ran out. "
                f"Use fewer loader workers, or threads. ({str(error) or type(error).__name__})"
            ) from error

    def close(self) -> None:
        """End the workers; waits for them. Safe to call twice; a later `epoch` starts new ones."""
        running, self._running = self._running, None
        if running is not None:
            running.close()
        if self._threads is not None:
            self._threads.shutdown(wait=True, cancel_futures=True)
            self._threads = None
        # torch ends persistent workers, and waits for them, when the last reference to their iterator goes
        self._process_batches = None
        self._processes = None

    def __enter__(self) -> FeedLoader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
