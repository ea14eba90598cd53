"""Long curves: growing arrays that give back, for any view, no more points than the screen can show."""

from __future__ import annotations

import numpy as np

_BLOCK = 64


class Series:
    """Points ``(x, y)`` with rising ``x``; ``y`` may hold NaN, which is a gap.

    A summary (smallest and largest value of each block of 64 points) is kept up to date while points arrive,
    so that a view of a million points costs as little as one of a few thousand.
    """

    def __init__(self) -> None:
        self._x = np.empty(1024)
        self._y = np.empty(1024)
        self._low = np.empty(16)
        self._high = np.empty(16)
        self._n = 0
        self._blocks = 0

    def __len__(self) -> int:
        return self._n

    @property
    def x(self) -> np.ndarray:
        """All ``x``, a view of length ``len(self)``."""
        return self._x[: self._n]

    @property
    def y(self) -> np.ndarray:
        """All ``y``, a view of length ``len(self)``."""
        return self._y[: self._n]

    def append(self, x: float, y: float | None) -> None:
        """Add one point; ``None`` is a gap."""
        if self._n == len(self._x):
            self._x = np.concatenate([self._x, np.empty_like(self._x)])
            self._y = np.concatenate([self._y, np.empty_like(self._y)])
        self._x[self._n] = x
        self._y[self._n] = np.nan if y is None else y
        self._n += 1

    def cut(self, x: float) -> None:
        """Forget the points after ``x``: a resumed run goes on from there."""
        self._n = int(np.searchsorted(self.x, x, side="right"))
        self._blocks = min(self._blocks, self._n // _BLOCK)

    def clear(self) -> None:
        """Forget everything."""
        self._n = self._blocks = 0

    def _summarise(self) -> None:
        full = self._n // _BLOCK
        if full == self._blocks:
            return
        while len(self._low) < full:
            self._low = np.concatenate([self._low, np.empty_like(self._low)])
            self._high = np.concatenate([self._high, np.empty_like(self._high)])
        new = self._y[self._blocks * _BLOCK : full * _BLOCK].reshape(-1, _BLOCK)
        self._low[self._blocks : full] = np.fmin.reduce(new, axis=1)
        self._high[self._blocks : full] = np.fmax.reduce(new, axis=1)
        self._blocks = full

    def view(self, left: float, right: float, columns: int) -> tuple[np.ndarray, np.ndarray]:
        """The points between ``left`` and ``right`` and one beyond each, thinned to about two a column.

        Thinning keeps the smallest and the largest value of each stretch, so that no peak is lost.

        Returns:
            ``x`` and ``y`` of equal length, at most about ``4 * columns``.
        """
        first = max(0, int(np.searchsorted(self.x, left, side="left")) - 1)
        last = min(self._n, int(np.searchsorted(self.x, right, side="right")) + 1)
        many = last - first
        columns = max(16, columns)
        if many <= 4 * columns:
            return self._x[first:last].copy(), self._y[first:last].copy()
        step = -(-many // columns)
        if step < _BLOCK:
            return self._thin(self._y, self._y, first, last, step, 1)
        self._summarise()
        step = max(1, -(-many // _BLOCK // columns))
        found = self._thin(self._low, self._high, first // _BLOCK, last // _BLOCK, step, _BLOCK)
        if last == self._n and self._n % _BLOCK:  # what is not yet a whole block
            rest = slice(self._blocks * _BLOCK, self._n)
            found = np.concatenate([found[0], self._x[rest]]), np.concatenate([found[1], self._y[rest]])
        return found

    def _thin(
        self, low: np.ndarray, high: np.ndarray, first: int, last: int, step: int, scale: int
    ) -> tuple[np.ndarray, np.ndarray]:
        first -= first % step  # the same stretches at every call: a growing curve does not flicker
        groups = (last - first) // step
        stop = first + groups * step
        small = np.fmin.reduce(low[first:stop].reshape(groups, step), axis=1)
        large = np.fmax.reduce(high[first:stop].reshape(groups, step), axis=1)
        x = self._x[first * scale : stop * scale : step * scale]
        rest = slice(stop * scale, min(self._n, max(last * scale, stop * scale)))
        tail_x, tail_y = self._x[rest], self._y[rest]
        if len(tail_x) > 2 * step:
            tail_x, tail_y = tail_x[::step], tail_y[::step]
        end = slice(rest.stop - 1, rest.stop)  # the newest point is always shown
        return (
            np.concatenate([np.repeat(x, 2), tail_x, self._x[end]]),
            np.concatenate([np.column_stack([small, large]).ravel(), tail_y, self._y[end]]),
        )

    def at(self, x: float) -> tuple[float, float] | None:
        """The point nearest to ``x``, or None while there is none."""
        if not self._n:
            return None
        right = min(self._n - 1, int(np.searchsorted(self.x, x)))
        left = max(0, right - 1)
        nearest = left if abs(self._x[left] - x) <= abs(self._x[right] - x) and x < self._x[right] else right
        return float(self._x[nearest]), float(self._y[nearest])
