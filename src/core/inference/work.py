"""One image at work: its pieces to the network, and what comes back to its sink."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import Any, NamedTuple

import torch
from torch import Tensor

from src.core.feed.geometry import Array, Placement
from src.core.inference.fitting import fit_image
from src.core.inference.plan import Plan
from src.core.inference.resample import Bands
from src.core.inference.rows import Statistics, Windows, statistics_of
from src.core.inference.sinks import Sink
from src.core.inference.sources import Source
from src.core.inference.windows import weights

SinkFor = Callable[[Source, tuple[int, int]], Sink]


class Piece(NamedTuple):
    """What the network sees at once; ``number`` counts within the image."""

    work: Work
    number: int
    pixels: Array
    statistics: Statistics | None


class Work:
    """An image between its source and its sink.

    Attributes:
        error: Why there is no prediction; then nothing more is computed for it.
        fed: All its pieces were handed out.
    """

    def __init__(self, source: Source, plan: Plan | None = None) -> None:
        self.source, self.plan = source, plan
        self.error: Exception | None = None
        self.fed = False
        self.left = 0
        self._sink: Sink | None = None
        self._sink_for: SinkFor | None = None

    def prepare(self) -> None:
        """Read what is needed first; called in a thread of its own."""

    def pieces(self, pool: Executor) -> Iterator[list[Piece]]:
        """All pieces, some at a time; what comes next is read in ``pool`` meanwhile."""
        yield from ()

    def take(self, number: int, probabilities: Tensor) -> None:
        """The network's answer to a piece, K×h×w; pieces come in order."""

    def aim(self, sink_for: SinkFor) -> None:
        """Where the bands go."""
        self._sink_for = sink_for

    def _band(self, top: int, probabilities: Tensor) -> None:
        if self._sink is None:
            assert self._sink_for is not None and self.plan is not None
            self._sink = self._sink_for(self.source, self.plan.size)
        self._sink.band(top, probabilities)

    def end(self) -> Any:
        """What the sink returns."""
        assert self._sink is not None
        sink, self._sink = self._sink, None
        return sink.end()

    def close(self) -> None:
        """Let go of the image; a sink that was not ended is told so."""
        self.source.close()
        sink, self._sink = self._sink, None
        if sink is not None and hasattr(sink, "abandon"):
            sink.abandon()


class WholeWork(Work):
    """An image that the model sees as a whole, as in training."""

    plan: Plan

    def __init__(self, source: Source, plan: Plan, channels: int, by_image: bool) -> None:
        """As `WindowWork`."""
        super().__init__(source, plan)
        self._channels, self._by_image = channels, by_image
        self._statistics: Statistics | None = None
        self._pixels: Array | None = None
        self._place: Placement | None = None

    def prepare(self) -> None:
        """See `Work.prepare`."""
        self._pixels, self._place = fit_image(self.source, self.plan, self._channels)
        if self._by_image:  # in this thread, which has the time
            self._statistics = statistics_of(self._pixels)
        self.source.close()

    def pieces(self, pool: Executor) -> Iterator[list[Piece]]:
        """See `Work.pieces`."""
        assert self._pixels is not None
        pixels, self._pixels = self._pixels, None
        yield [Piece(self, 0, pixels, self._statistics)]

    def take(self, number: int, probabilities: Tensor) -> None:
        """See `Work.take`."""
        at = self._place
        assert at is not None
        shown = probabilities[:, at.top : at.top + at.height, at.left : at.left + at.width]
        Bands((at.height, at.width), self.plan.size, self._band).add(shown)


class WindowWork(Work):
    """An image over which a window slides; rows of windows are blended and given on as they are complete."""

    plan: Plan

    def __init__(self, source: Source, plan: Plan, channels: int, by_image: bool) -> None:
        """``by_image``: the model normalises by the statistics of the whole image."""
        super().__init__(source, plan)
        self._channels, self._by_image = channels, by_image
        self._statistics: Statistics | None = None
        self._first: Array | None = None
        self._sum: Tensor | None = None
        self._bands = Bands(plan.scaled, plan.size, self._band)

    def prepare(self) -> None:
        """See `Work.prepare`."""
        self._windows = Windows(self.source, self.plan, self._channels)
        if self._by_image:
            self._statistics = self._windows.statistics()
        self._first = self._windows.cut(0)

    def pieces(self, pool: Executor) -> Iterator[list[Piece]]:
        """See `Work.pieces`."""
        down, across = len(self._windows.tops), len(self._windows.lefts)
        row, self._first = self._first, None
        for number in range(down):
            coming = pool.submit(self._windows.cut, number + 1) if number + 1 < down else None
            assert row is not None
            yield [Piece(self, number * across + k, pixels, self._statistics) for k, pixels in enumerate(row)]
            row = coming.result() if coming is not None else None

    def take(self, number: int, probabilities: Tensor) -> None:
        """See `Work.take`."""
        windows, plan = self._windows, self.plan
        row, column = divmod(number, len(windows.lefts))
        top, left, rows, columns = windows.inside
        shown = probabilities[:, top : top + rows, left : left + columns]
        if len(windows.tops) == len(windows.lefts) == 1:
            self._bands.add(shown)
            return
        if self._sum is None:
            self._sum = shown.new_zeros((shown.shape[0], rows, plan.scaled[1]))
            self._down, self._across = (
                torch.from_numpy(weights(*axis)).to(shown.device)
                for axis in zip(plan.scaled, plan.canvas, plan.overlap, strict=True)
            )
        at = windows.lefts[column]
        share = self._down[row][:, None] * self._across[column]
        self._sum[:, :, at : at + columns].addcmul_(shown, share)
        if column == len(windows.lefts) - 1:
            self._give_on(row)

    def _give_on(self, row: int) -> None:
        """The rows to which no later window adds anything."""
        assert self._sum is not None
        tops = self._windows.tops
        last = row == len(tops) - 1
        done = self._sum.shape[1] if last else tops[row + 1] - tops[row]
        self._bands.add(self._sum[:, :done])
        if last:
            self._sum = None
            return
        # in place: with many classes a second sum would be what takes the most memory
        kept = self._sum.shape[1] - done
        self._sum[:, :kept] = self._sum[:, done:].clone()
        self._sum[:, kept:] = 0
