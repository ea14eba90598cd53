"""Ordered batches of an epoch, read ahead by threads or processes; the same bytes whoever reads."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, overload

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader

from src.core.feed.dataset import ImageMaskDataset, Key, TooManyUnreadableError, Unreadable
from src.core.feed.sampling import Drawing
from src.core.feed.shares import Share
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
    usable_cores,
)

#: Batches that each worker may be ahead of the model.
_AHEAD = 2


class LoaderError(RuntimeError):
    """The workers cannot go on; the message says why and what to do."""


class Batches(Sequence[list[Key]]):
    """The keys of each batch, made when they are asked for: as objects those of a long epoch take 30 MB."""

    def __init__(self, epoch: int, order: np.ndarray, batch_size: int, count: int, start: int = 0) -> None:
        self._epoch, self._order, self._size, self._count = epoch, order, batch_size, count
        self._start = start
        # how often each item was drawn before, by its place in the order
        by_item = np.argsort(order, kind="stable")
        first = np.r_[True, np.diff(order[by_item]) != 0]
        begins = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
        self._repeat = np.empty(len(order), np.int32)
        self._repeat[by_item] = np.arange(len(order)) - begins

    def __len__(self) -> int:
        return max(0, self._count - self._start)

    @overload
    def __getitem__(self, number: int) -> list[Key]: ...
    @overload
    def __getitem__(self, number: slice) -> list[list[Key]]: ...
    def __getitem__(self, number: int | slice) -> list[Key] | list[list[Key]]:
        if isinstance(number, slice):
            return [self[k] for k in range(*number.indices(len(self)))]
        if not 0 <= number < len(self):
            raise IndexError(f"There is no batch {number}; there are {len(self)}.")
        first = (self._start + number) * self._size
        part = slice(first, first + self._size)
        pairs = zip(self._order[part].tolist(), self._repeat[part].tolist(), strict=True)
        return [Key(self._epoch, item, repeat) for item, repeat in pairs]


class Parts(Sequence[list[Key]]):
    """The keys of one device's part of each batch; see `Share.of`."""

    def __init__(self, batches: Sequence[list[Key]], share: Share) -> None:
        self._batches, self._share = batches, share

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, number: Any) -> Any:
        return list(self._share.of(self._batches[number])[0])


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
        class_balance: float = 0.0,
        pin: bool = False,
        device_type: str = "cpu",
    ) -> None:
        """
        Args:
            batch_size: A set that is smaller makes one batch of what there is.
            shuffle: A new order each epoch; without it the order of the data set (and no balance).
            workers: 0 reads in the calling thread, -1 chooses.
            drop_last: Leave out a last batch that is not full (a batch of one image breaks batch
                normalisation in some decoders), unless it is the only one. What is left out differs from
                epoch to epoch when shuffled.
            balance, class_balance: Shares of the draws that show an object, and that go to the classes in equal
                parts; see `Drawing`. Nothing without ``shuffle``.
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
        self.pin = pin
        self._wanted = workers, worker_kind, device_type
        self.workers, self.kind = resolve_workers(*self._wanted)
        self._share: Share | None = None
        self.quarantined: dict[str, str] = {}
        self._drawing = Drawing(
            len(dataset),
            dataset.has_object if shuffle and balance > 0 else None,
            balance,
            [dataset.holding(c) for c in range(1, dataset.meaning.num_classes)]
            if shuffle and class_balance
            else (),
            class_balance,
        )
        self._threads: ThreadPoolExecutor | None = None
        self._processes: DataLoader[Any] | None = None
        self._process_batches: Any = None
        self._plan = Plan()
        self._running: Generator[Batch, None, None] | None = None
        cv2.setNumThreads(0)

    def take(self, share: Share) -> None:
        """Read only one device's part of each batch from now on; the batches stay those of all devices together.

        They have two keys more, which `src.core.engine.devices.shards` explains, and come also where no item could be read.
        """
        self._share = share
        cores = max(1, usable_cores() // share.beside)
        self.workers, self.kind = resolve_workers(*self._wanted, cores=cores)

    def __len__(self) -> int:
        """Batches in an epoch."""
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full + (1 if rest and (not self.drop_last or full == 0) else 0)

    def order(self, epoch: int) -> np.ndarray:
        """The items of an epoch in the order in which they are drawn: int64, as long as the data set."""
        if not self.shuffle:
            return np.arange(len(self.dataset), dtype=np.int64)
        seeds = np.random.SeedSequence((self.seed, epoch), spawn_key=(1,))
        return self._drawing.order(np.random.Generator(np.random.PCG64(seeds)))

    def keys(self, epoch: int, start_batch: int = 0) -> Batches:
        """The keys of every batch of an epoch, from ``start_batch`` on."""
        return Batches(epoch, self.order(epoch), self.batch_size, len(self), start_batch)

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from ``start_batch`` on; those before it are not read.

        May be abandoned at any time. One epoch runs at a time: to begin another ends the one that runs.

        Raises:
            TooManyUnreadableError: more files are unusable than the data set allows.
            LoaderError: a worker process ended.
        """
        if self._running is not None:
            self._running.close()
        self._running = self._run(self.keys(epoch, start_batch), epoch, start_batch)
        return self._running

    def _run(self, batches: Sequence[list[Key]], epoch: int, start: int) -> Generator[Batch, None, None]:
        share, whole = self._share, batches
        if share is not None:
            batches = Parts(whole, share)
        if self.workers == 0:
            source = (assemble(self.dataset, keys, self.pin) for keys in batches)
        else:
            source = self._by_threads(batches) if self.kind == "thread" else self._by_processes(batches)
        pending: list[Unreadable] = []
        try:
            for number, batch in enumerate(source, start):
                pending += self._quarantine(batch["unreadable"])
                if share is not None:
                    batch["whole"] = torch.tensor([key.item for key in whole[number - start]])
                    batch["stands_in"] = share.of(batch["whole"])[1]
                if len(batch["index"]) or share is not None:
                    batch["unreadable"], pending = pending, []
                    batch["epoch"], batch["number"] = epoch, number
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

    def _by_threads(self, batches: Sequence[list[Key]]) -> Generator[Batch, None, None]:
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

    def _by_processes(self, batches: Sequence[list[Key]]) -> Generator[Batch, None, None]:
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
                generator=torch.Generator(),  # else it draws from the numbers that drop-out gets
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
