"""The door: images in, probabilities at their own size out, in order, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch

from src.core.config.job import ComputeConfig
from src.core.dataset.findings import Finding
from src.core.feed.normalise import ImageStandardiser
from src.core.feed.workers import resolve_workers
from src.core.inference.ahead import ReadAhead
from src.core.inference.compute import VIEWS, Network, auto_batch
from src.core.inference.model import LoadedModel
from src.core.inference.plan import Options, Plan, choose
from src.core.inference.sources import Source
from src.core.inference.work import Piece, SinkFor, WholeWork, WindowWork, Work
from src.core.job import JobCancelledError

_Key = tuple[tuple[int, ...], bool]


class Predictor:
    """A model over images of any size.

    ::

        predictor = Predictor(load_model(find_model("my run")), InferenceConfig(), ComputeConfig())
        for source, result in predictor.stream([FileSource("a.png")], lambda source, size: ArraySink(size)):
            ...
    """

    def __init__(
        self,
        loaded: LoadedModel,
        inference: Options,
        compute: ComputeConfig,
        note: Callable[[Finding], None] = lambda _finding: None,
    ) -> None:
        """``note`` is told what a person should know, such as a batch that was halved."""
        self.loaded, self.options = loaded, inference
        if compute.cpu_threads:
            torch.set_num_threads(compute.cpu_threads)
        side = inference.tile or loaded.size
        batch = compute.batch_size or auto_batch(loaded.device, side, loaded.out_channels)
        self._network = Network(loaded, inference.tta, batch, note)

    @property
    def batch_size(self) -> int:
        """Pieces computed at once; it falls where the memory is not enough."""
        return self._network.batch

    def plan(self, size: tuple[int, int]) -> Plan:
        """What will be done with an image of ``(height, width)``."""
        return choose(self.options, self.loaded.facts, size)

    def explain(self, size: tuple[int, int]) -> str:
        """The same in words, with the reason."""
        said = self.plan(size).words()
        views = len(VIEWS[self.options.tta])
        if views > 1:
            kind = "mirrored" if views == 4 else "mirrored and turned"
            said += f" The probabilities are the mean of {views} {kind} views."
        return said

    def stream(
        self,
        sources: Iterable[Source],
        sink_for: SinkFor,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[tuple[Source, Any]]:
        """Predict images one after the other.

        Args:
            sources: Read ahead in threads, so each is asked for some images early, in this thread.
            sink_for: Makes the sink of an image from it and its ``(height, width)``, when its first rows are ready.
            cancelled: Asked between batches; then the stream ends without the images that are not complete.

        Yields:
            Each source in order, with what its sink's ``end`` returned; or with the exception for which it has
            none (UnreadableImageError, PredictionError, or what its sink raised). A `JobCancelledError` of a
            sink passes through.
        """
        gpu = self.loaded.device.type != "cpu"
        threads = max(1, min(8, resolve_workers(-1, "thread", self.loaded.device.type)[0]))
        ahead = ReadAhead(sources, self._work, threads, 2 * self.batch_size + 2 * threads, gpu)
        cutter = ThreadPoolExecutor(1, "cut-windows")
        order: deque[Work] = deque()
        waiting = _Waiting()
        try:
            for work in ahead:
                order.append(work)
                work.aim(sink_for)
                for pieces in self._pieces(work, cutter):
                    waiting.add(pieces)
                    while (batch := waiting.full(self.batch_size)) and not cancelled():
                        self._run(batch)
                    if cancelled():
                        return
                work.fed = True
                yield from self._complete(order, ahead)
            while (batch := waiting.rest()) and not cancelled():
                self._run(batch)
                yield from self._complete(order, ahead)
        finally:
            cutter.shutdown(wait=True, cancel_futures=True)
            ahead.close()
            for work in order:
                work.close()

    def _work(self, source: Source) -> Work:
        plan = self.plan(source.size)
        loaded = self.loaded
        kind = WindowWork if plan.fit == "crop" else WholeWork
        return kind(source, plan, loaded.channels, isinstance(loaded.normaliser, ImageStandardiser))

    def _pieces(self, work: Work, cutter: ThreadPoolExecutor) -> Iterator[list[Piece]]:
        """The pieces of an image, up to its end or its first error."""
        if work.error is not None:
            return
        rows = work.pieces(cutter)
        while work.error is None:
            try:
                pieces = next(rows, None)
            except Exception as error:  # the file, further down
                work.error = error
                return
            if pieces is None:
                return
            work.left += len(pieces)
            yield pieces

    def _run(self, batch: list[Piece]) -> None:
        wanted = [piece for piece in batch if piece.work.error is None]
        found = self._network([p.pixels for p in wanted], [p.statistics for p in wanted])
        for piece, probabilities in zip(wanted, found, strict=True):
            work = piece.work
            work.left -= 1
            if work.error is not None:
                continue
            if isinstance(probabilities, Exception):
                work.error = probabilities
                continue
            try:
                with torch.no_grad():
                    work.take(piece.number, probabilities)
            except JobCancelledError:
                raise
            except Exception as error:  # of its sink, which writes files
                work.error = error

    def _complete(self, order: deque[Work], ahead: ReadAhead) -> Iterator[tuple[Source, Any]]:
        """The images at the front that are done."""
        while order and order[0].fed and (order[0].error is not None or not order[0].left):
            work = order.popleft()
            result: Any = work.error
            try:
                if result is None:
                    result = work.end()
            except JobCancelledError:
                raise
            except Exception as error:
                result = error
            finally:
                work.close()
                ahead.done(work)
            yield work.source, result


class _Waiting:
    """Pieces until there are enough of one size for a batch."""

    def __init__(self) -> None:
        self._pieces: dict[_Key, deque[Piece]] = {}

    def add(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            key = piece.pixels.shape, piece.statistics is not None
            self._pieces.setdefault(key, deque()).append(piece)

    def full(self, size: int) -> list[Piece]:
        """A whole batch, or nothing; where many sizes wait, the oldest as it is."""
        for waiting in self._pieces.values():
            if len(waiting) >= size:
                return [waiting.popleft() for _ in range(size)]
        if sum(map(len, self._pieces.values())) > 4 * size:
            return self.rest()
        return []

    def rest(self) -> list[Piece]:
        """All that wait of one size."""
        while self._pieces:
            waiting = self._pieces.pop(next(iter(self._pieces)))
            if waiting:
                return list(waiting)
        return []
