"""Probabilities from the size at which they were computed to the image's own, in bands from top to bottom."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

#: Numbers in one band at most: 64 MB of float32.
_MOST = 1 << 24


class Bands:
    """Takes rows of probabilities in order and gives bands at another size, by bilinear interpolation.

    Where the image is smaller than what the model saw, the triangle is as wide as a pixel of the image, so that
    every prediction counts. Equal to ``torch.nn.functional.interpolate(antialias=True)`` of the whole.
    """

    def __init__(
        self, scaled: tuple[int, int], size: tuple[int, int], give: Callable[[int, Tensor], None]
    ) -> None:
        """``scaled`` and ``size`` are ``(height, width)``; ``give`` takes the first row and K×h×W."""
        self._scaled, self._size, self._give = scaled, size, give
        self._ratio = scaled[0] / size[0]
        self._reach = max(1.0, self._ratio)
        self._start = self._end = self._next = 0
        self._rows: Tensor | None = None

    def add(self, rows: Tensor) -> None:
        """Take K×h×w, the rows that follow those given so far."""
        self._end += rows.shape[1]
        if self._scaled == self._size:
            self._step(rows, lambda part: part)
            return
        if self._rows is None and self._end == self._scaled[0] and rows.shape[0] * self._area() <= _MOST:
            smaller = self._size[0] < self._scaled[0] or self._size[1] < self._scaled[1]
            out = F.interpolate(rows[None], self._size, mode="bilinear", antialias=smaller)[0]
            self._give(0, out.clamp_(0, 1))
            return
        # a copy: what was taken may be written over by whoever gave it
        self._rows = rows.clone() if self._rows is None else torch.cat([self._rows, rows], 1)
        while self._next < self._ready():
            self._interpolate()
        kept = max(self._start, self._low(self._next))
        self._rows = self._rows[:, kept - self._start :]
        self._start = kept

    def _area(self) -> int:
        return self._size[0] * self._size[1]

    def _step(self, rows: Tensor, change: Callable[[Tensor], Tensor]) -> None:
        step = max(1, _MOST // (rows.shape[0] * self._size[1]))
        for top in range(0, rows.shape[1], step):
            part = change(rows[:, top : top + step]).clamp(0, 1)
            self._give(self._next, part)
            self._next += part.shape[1]

    def _low(self, row: int) -> int:
        """The first row taken that a row given needs."""
        return max(0, int((row + 0.5) * self._ratio - self._reach - 0.5))

    def _ready(self) -> int:
        """Rows that can be given with those that are there."""
        if self._end == self._scaled[0]:
            return self._size[0]
        return max(self._next, int((self._end - self._reach - 0.5) / self._ratio - 0.5))

    def _interpolate(self) -> None:
        assert self._rows is not None
        rows = self._rows
        step = max(1, _MOST // (rows.shape[0] * max(self._size[1], rows.shape[2])))
        bottom = min(self._ready(), self._next + step)
        first = self._low(self._next) - self._start
        last = min(self._end, int((bottom + 0.5) * self._ratio + self._reach + 1)) - self._start
        centres = (torch.arange(self._next, bottom, dtype=torch.float64) + 0.5) * self._ratio
        places = torch.arange(self._start + first, self._start + last, dtype=torch.float64) + 0.5
        share = (1 - (places[None] - centres[:, None]).abs() / self._reach).clamp_(min=0)
        share = (share / share.sum(1, keepdim=True)).to(rows.device, rows.dtype)
        down = torch.matmul(share, rows[:, first:last])
        width = self._size[1]
        if width != down.shape[2]:
            smaller = width < down.shape[2]
            down = F.interpolate(down[None], (down.shape[1], width), mode="bilinear", antialias=smaller)[0]
        self._give(self._next, down.clamp_(0, 1))
        self._next = bottom
