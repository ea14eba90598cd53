"""Ordered batches of windows, read and transformed ahead by threads; the same bytes however many there are."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from src.core.engine.task import Batch
from src.tasks.bearing.files import UnreadableSignalError
from src.tasks.bearing.inputs import InputMaker
from src.tasks.bearing.windows import WindowIndex, read_window

#: Batches that each thread may be ahead of the model.
_AHEAD = 2
#: Prefix of the keys of the inputs in a batch.
INPUT = "input:"


class WindowSet:
    """Windows with their inputs and truths, by number; what comes back is a pure function of (seed, epoch, number).

    Attributes:
        index: Which windows there are.
        training: Windows are shifted, and get noise and masks, where the options say so.
    """

    def __init__(
        self, index: WindowIndex, maker: InputMaker, classes: int, several: bool, conditions: Sequence[int], training: bool,
        seed: int, size: int = 0,
    ) -> None:  # fmt: skip
        """
        Args:
            index: Of the recordings of one part.
            maker: Of the inputs.
            classes: Their number.
            several: Truths are a vector of zeros and ones, as several classes may hold at once.
            conditions: Number of the operating condition of each recording, -1 where it is not known.
            training, seed: See the class.
            size: Samples of each window that are used, from its middle; 0 takes all.
        """
        self.index, self.maker, self.training = index, maker, training
        self._classes, self._several, self._conditions = classes, several, list(conditions)
        self._seed, self.size = seed, size or index.shape.length
        options = maker.options
        masked = options.mask_frequencies + options.mask_times > 0 and (
            options.stft or options.cwt or options.wvd
        )
        self._noisy = training and (options.noise_snr is not None or masked)
        self._shifted = training and options.shift > 0
        self._kept: dict[int, dict[str, np.ndarray]] = {}
        self._room = options.memory_mb * 2**20
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.index)

    def window(self, number: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """The samples of a window, float32."""
        place, inside = self.index.place(number)
        recording, shape = self.index.recordings[place], self.index.shape
        offset = inside * shape.hop
        if rng is not None and self._shifted:
            most = int(self.maker.options.shift * shape.length)
            last = int((recording.stop - recording.start) * shape.fraction(recording)) - shape.length
            offset = int(np.clip(offset + rng.integers(-most, most + 1), 0, max(0, last)))
        values = read_window(recording, shape, offset)
        first = (len(values) - self.size) // 2
        return values[first : first + self.size]

    def inputs(self, epoch: int, number: int) -> dict[str, np.ndarray]:
        """The inputs of a window and, as ``snr``, how far the lines of each fault stand out."""
        kept = self._kept.get(number)
        if kept is not None:
            return kept
        speed = self.index.recordings[self.index.place(number)[0]].speed
        rng = None
        if self._noisy or self._shifted:
            rng = np.random.default_rng(np.random.SeedSequence((self._seed, epoch, number), spawn_key=(2,)))
        samples = self.window(number, rng)
        found = self.maker(samples, speed, rng if self._noisy else None)
        found["snr"] = self.maker.line_snr(samples, speed)
        if rng is None:
            with self._lock:
                size = sum(v.nbytes for v in found.values())
                if size <= self._room and number not in self._kept:
                    self._room -= size
                    self._kept[number] = found
        return found

    def target(self, number: int) -> Any:
        """Class number, or a vector of zeros and ones."""
        classes = self.index.recordings[self.index.place(number)[0]].classes
        if not self._several:
            return classes[0]
        vector = np.zeros(self._classes, np.float32)
        vector[list(classes)] = 1
        return vector

    def batch(self, epoch: int, numbers: Sequence[int]) -> Batch:
        """A batch of the windows that can be read; the others are told under ``unreadable``."""
        rows: list[dict[str, np.ndarray]] = []
        read: list[int] = []
        unreadable: list[tuple[str, str]] = []
        for number in numbers:
            try:
                rows.append(self.inputs(epoch, number))
                read.append(number)
            except (UnreadableSignalError, OSError) as error:
                recording = self.index.recordings[self.index.place(number)[0]]
                unreadable.append((recording.id, str(error)))
        places = [self.index.place(n) for n in read]
        batch: Batch = {
            "index": torch.tensor(read, dtype=torch.int64),
            "target": torch.from_numpy(np.stack([np.asarray(self.target(n)) for n in read]))
            if read
            else torch.zeros(0),
            "recording": torch.tensor([p for p, _ in places], dtype=torch.int64),
            "place": torch.tensor([k for _, k in places], dtype=torch.int64),
            "condition": torch.tensor([self._conditions[p] for p, _ in places], dtype=torch.int64),
            "unreadable": unreadable,
        }
        names = rows[0] if rows else {}
        return batch | {
            name if name == "snr" else INPUT + name: torch.from_numpy(np.stack([row[name] for row in rows]))
            for name in names
        }


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
        batches = [order[k * self._size : (k + 1) * self._size].tolist() for k in range(start, len(self))]
        source = self._ahead(epoch, batches)
        pending: list[tuple[str, str]] = []
        given = False
        try:
            for number, batch in enumerate(source, start):
                pending += [bad for bad in batch["unreadable"] if bad[0] not in self._told]
                self._told |= {bad[0] for bad in batch["unreadable"]}
                if len(batch["index"]):
                    batch["unreadable"], pending, given = list(dict(pending).items()), [], True
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
