"""A trained model asked about the windows of recordings: read and transformed in threads, computed in batches."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from src.core.config.job import ComputeConfig
from src.core.feed.workers import usable_cores
from src.core.inference.machine import choose_machine
from src.core.job import JobError
from src.core.run.model_source import ModelError, ModelSource, find_model
from src.tasks.bearing.inputs import InputMaker
from src.tasks.bearing.loaded import LoadedModel, load_model
from src.tasks.bearing.windows import Window, WindowIndex, WindowShape, read_windows

#: Windows computed at once unless a number is given; their inputs are small beside the network's own memory.
_BATCH = 32
#: Batches that are read ahead of the model.
_AHEAD = 2
#: Of some windows: inputs by name, or probabilities N×K where the network was asked already.
_Found = dict[str, Tensor] | np.ndarray


def source_of(model: str, checkpoint: str) -> ModelSource:
    """The file of a model; raises JobError."""
    try:
        return find_model(model, checkpoint)
    except ModelError as error:
        raise JobError(str(error), error.cure) from None


class Answerer:
    """A model at work.

    Attributes:
        loaded: The model.
        device, precision: Where and in which numbers it is computed.
        maker: Computes the inputs, for the bearing that is looked at.
        shape: Windows as in training, at the rate of the training whatever that of a recording is.
    """

    def __init__(self, source: ModelSource, compute: ComputeConfig) -> None:
        """Raises JobError where the model, the device or the precision cannot be used."""
        self.loaded: LoadedModel = load_model(source)
        self.device, self.precision = choose_machine(compute.device, compute.precision)
        self.network = self.loaded.network.to(self.device).requires_grad_(False)
        self.maker = self.loaded.maker
        shape = self.loaded.shape
        self.shape = WindowShape(shape.length, shape.hop, shape.rate or _known(self.maker.rate))
        self.workers = compute.cpu_threads or usable_cores()
        self._size = compute.batch_size or _BATCH
        if compute.cpu_threads:
            torch.set_num_threads(compute.cpu_threads)

    def look_at(self, orders: Mapping[str, float] | None) -> None:
        """Take the fault orders of another bearing; raises JobError where the model needs them and there are none."""
        if orders is not None:
            self.maker = InputMaker(self.loaded.maker.options, self.loaded.maker.rate, orders)

    def hop(self, overlap: float) -> None:
        """Another share of a window that the next one repeats."""
        hop = max(1, round(self.shape.length * (1 - overlap)))
        self.shape = WindowShape(self.shape.length, hop, self.shape.rate)

    def inputs(self, index: WindowIndex, numbers: range) -> dict[str, Tensor]:
        """The inputs of successive windows, N×….

        Raises:
            UnreadableSignalError, OSError: A window cannot be read.
            ValueError: An input cannot be computed; the message says why.
        """
        rows: list[dict[str, np.ndarray]] = []
        for window, samples in _read(index, numbers):
            rows.append(self.maker(samples, window.speed))
        return {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in self.maker.names}

    def probabilities(self, inputs: Mapping[str, Tensor]) -> np.ndarray:
        """N×K float32."""
        moved = {name: value.to(self.device) for name, value in inputs.items()}
        with torch.inference_mode(), self.precision.context(self.device):
            logits = self.network(moved)
        assert isinstance(logits, Tensor)
        logits = logits.float()
        found: np.ndarray = (logits.sigmoid() if self.loaded.several else logits.softmax(1)).cpu().numpy()
        return found

    def stream(self, index: WindowIndex, first: int = 0) -> Iterator[tuple[range, np.ndarray]]:
        """Answers for all windows from number ``first`` on, in order: numbers, and probabilities N×K.

        Each thread reads and transforms a part of a batch and, on the CPU, asks the network about it as well, alone: a
        network whose own threads waited for each other would wait for those that transform, which took two thirds of the
        time. Memory is bounded by a few batches. Stop by closing the iterator.

        Raises:
            UnreadableSignalError, OSError, ValueError: See `inputs`.
        """
        parts = (range(k, min(len(index), k + self._size)) for k in range(first, len(index), self._size))
        waiting: deque[tuple[range, list[Future[_Found]]]] = deque()
        share = max(1, -(-self._size // self.workers))
        on_cpu, threads = self.device.type == "cpu", torch.get_num_threads()
        alone = (lambda: torch.set_num_threads(1)) if on_cpu else None
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="windows", initializer=alone)

        def work(numbers: range) -> _Found:
            inputs = self.inputs(index, numbers)
            return self.probabilities(inputs) if on_cpu else inputs

        def submit() -> None:
            part = next(parts, None)
            if part is not None:
                pieces = [part[k : k + share] for k in range(0, len(part), share)]
                waiting.append((part, [pool.submit(work, piece) for piece in pieces]))

        try:
            for _ in range(1 + _AHEAD):
                submit()
            while waiting:
                part, futures = waiting.popleft()
                found = [future.result() for future in futures]
                submit()
                yield part, self._finite(self._joined(found))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            # what a thread sets for itself is what threads that come later begin with
            torch.set_num_threads(threads)

    def _joined(self, found: Sequence[_Found]) -> np.ndarray:
        """The probabilities of the parts of a batch, which are computed together where that was not done before."""
        done = [part for part in found if isinstance(part, np.ndarray)]
        if done:
            return np.concatenate(done)
        inputs = [part for part in found if not isinstance(part, np.ndarray)]
        return self.probabilities({name: torch.cat([i[name] for i in inputs]) for name in self.maker.names})

    def _finite(self, probabilities: np.ndarray) -> np.ndarray:
        if np.isfinite(probabilities).all():
            return probabilities
        cure = "Its training went wrong: choose another checkpoint."
        if self.precision.name != "fp32":
            cure = f"{self.precision.name} may be too coarse for it: set compute.precision to fp32."
        raise JobError("The model gave numbers that are not finite (NaN or infinite).", cure)


def _read(index: WindowIndex, numbers: range) -> Iterator[tuple[Window, np.ndarray]]:
    """Successive windows with their samples; what overlaps is read, and its rate converted, once."""
    done = 0
    while done < len(numbers):
        first = index[numbers[done]]
        left = int(index.counts[index.place(numbers[done])[0]]) - first.number
        count = min(left, len(numbers) - done)
        samples = read_windows(first.recording, first.shape, first.number, count)
        yield from (
            (index[number], row) for number, row in zip(numbers[done : done + count], samples, strict=True)
        )
        done += count


def _known(rate: float) -> float:
    """0 for the rate that stands for an unknown one."""
    return rate if rate > 1 else 0.0
