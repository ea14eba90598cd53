"""Windows with what the network sees of them and what is true of them, alone and as batches."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from src.core.engine.task import Batch
from src.models.mixing import Mixing
from src.tasks.bearing.augmenting import Augmenter
from src.tasks.bearing.files import UnreadableSignalError
from src.tasks.bearing.inputs import InputMaker
from src.tasks.bearing.mixed import pasted, place_of, rows_of, with_others
from src.tasks.bearing.windows import WindowIndex, read_window


class WindowSet:
    """Windows with their inputs and truths, by number; what comes back is a pure function of (seed, epoch, number).

    A mixed batch is one of (seed, epoch, numbers of its windows).

    Attributes:
        index: Which windows there are.
        size: Samples of each window that are used.
    """

    def __init__(
        self, index: WindowIndex, maker: InputMaker, classes: int, several: bool, conditions: Sequence[int],
        augmenter: Augmenter | None = None, mixing: Mixing | None = None, size: int = 0,
    ) -> None:  # fmt: skip
        """
        Args:
            index: Of the recordings of one part.
            maker: Of the inputs.
            classes: Their number.
            several: Truths are a vector of zeros and ones, as several classes may hold at once.
            conditions: Number of the operating condition of each recording, -1 where it is not known.
            augmenter: Changes windows; None leaves them as they are, as for validation.
            mixing: Says which batches are mixed, and how; None mixes none.
            size: Samples of each window that are used, from its middle; 0 takes all.
        """
        self.index, self.maker, self.size = index, maker, size or index.shape.length
        self._classes, self._several, self._conditions = classes, several, list(conditions)
        self._augmenter = augmenter if augmenter is not None and augmenter.acts else None
        self._mixing = mixing
        self._kept: dict[int, dict[str, np.ndarray]] = {}
        self._room = maker.options.memory_mb * 2**20
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.index)

    def window(self, number: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """The samples of a window, float32; ``rng`` shifts it where windows are shifted."""
        return self._read(number, self._offset(number, rng))

    def speed(self, number: int) -> float:
        """Of the shaft over a window, rev/min; 0 where it is not known."""
        return self._speed(number, self._offset(number, None))

    def _offset(self, number: int, rng: np.random.Generator | None) -> int:
        """First sample of the whole window, at the rate after conversion, counted from those of the recording."""
        place, inside = self.index.place(number)
        recording, shape = self.index.recordings[place], self.index.shape
        offset = inside * shape.hop
        if rng is None or self._augmenter is None:
            return offset
        last = int((recording.stop - recording.start) * shape.fraction(recording)) - shape.length
        return self._augmenter.moved(offset, last, shape.length, rng)

    def _read(self, number: int, offset: int) -> np.ndarray:
        values = read_window(self.index.recordings[self.index.place(number)[0]], self.index.shape, offset)
        first = (len(values) - self.size) // 2
        return values[first : first + self.size]

    def _speed(self, number: int, offset: int) -> float:
        recording, shape = self.index.recordings[self.index.place(number)[0]], self.index.shape
        first = offset + (shape.length - self.size) // 2
        return shape.speed(recording, first, self.size)

    def inputs(self, epoch: int, number: int) -> dict[str, np.ndarray]:
        """The inputs of a window and, as ``snr``, how far the lines of each fault stand out."""
        kept = self._kept.get(number)
        if kept is not None:
            return kept
        samples, speed, masks = self._drawn(epoch, number)
        found = self._computed(samples, speed, masks)
        if self._augmenter is None:
            with self._lock:
                size = sum(v.nbytes for v in found.values())
                if size <= self._room and number not in self._kept:
                    self._room -= size
                    self._kept[number] = found
        return found

    def _drawn(self, epoch: int, number: int) -> tuple[np.ndarray, float, np.random.Generator | None]:
        """Samples and speed of a window after all changes, and what draws its masks where pictures are masked."""
        augmenter = self._augmenter
        if augmenter is None:
            return self.window(number), self.speed(number), None
        rng = augmenter.rng(epoch, number)
        offset = self._offset(number, rng)
        samples, speed = self._read(number, offset), self._speed(number, offset)
        if not augmenter.chosen(rng):
            return samples, speed, None
        return augmenter.changed(samples, rng), speed, rng

    def _computed(
        self, samples: np.ndarray, speed: float, masks: np.random.Generator | None
    ) -> dict[str, np.ndarray]:
        found = self.maker(samples, speed)
        if masks is not None and self._augmenter is not None:
            found = self._augmenter.mask(found, masks)
        return found | {"snr": self.maker.line_snr(samples, speed)}

    def target(self, number: int) -> Any:
        """Class number, or a vector of zeros and ones."""
        classes = self.index.recordings[self.index.place(number)[0]].classes
        if not self._several:
            return classes[0]
        vector = np.zeros(self._classes, np.float32)
        vector[list(classes)] = 1
        return vector

    def batch(self, epoch: int, numbers: Sequence[int]) -> Batch:
        """A batch of the windows that can be read; the others are told under ``unreadable``.

        Of a mixed batch the keys of `mixed.OTHER` hold the truths of the windows that were mixed in.
        """
        choice = (
            self._mixing.choose(len(numbers), place_of(epoch, numbers)) if self._mixing is not None else None
        )
        cut = choice is not None and choice.kind == "cutmix"
        found: list[Any] = []
        read: list[int] = []
        unreadable: list[tuple[str, str]] = []
        for number in numbers:
            try:
                found.append(self._drawn(epoch, number) if cut else self.inputs(epoch, number))
                read.append(number)
            except (UnreadableSignalError, OSError) as error:
                recording = self.index.recordings[self.index.place(number)[0]]
                unreadable.append((recording.id, str(error)))
        if choice is not None and choice.shift >= len(
            read
        ):  # so few could be read that none is left to mix with
            choice = None
        share = choice.share if choice is not None else 1.0
        if cut:
            windows = [samples for samples, _, _ in found]
            if choice is not None:
                windows, share = pasted(windows, choice)
            found = [self._computed(w, speed, rng) for w, (_, speed, rng) in zip(windows, found, strict=True)]
        batch = self._truths(read, unreadable) | rows_of(found)
        return batch if choice is None else with_others(batch, choice, share)

    def _truths(self, read: Sequence[int], unreadable: list[tuple[str, str]]) -> Batch:
        places = [self.index.place(n) for n in read]
        targets = [np.asarray(self.target(n)) for n in read]
        return {
            "index": torch.tensor(read, dtype=torch.int64),
            "target": torch.from_numpy(np.stack(targets)) if read else torch.zeros(0),
            "recording": torch.tensor([p for p, _ in places], dtype=torch.int64),
            "place": torch.tensor([k for _, k in places], dtype=torch.int64),
            "condition": torch.tensor([self._conditions[p] for p, _ in places], dtype=torch.int64),
            "unreadable": unreadable,
        }
