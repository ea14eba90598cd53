"""Confidence intervals by drawing whole groups anew.

Efron and Tibshirani (1993), "An Introduction to the Bootstrap", percentile interval; whole groups are drawn because
images of one thing are not independent (Field and Welsh 2007, "Bootstrapping clustered data").
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from src.core.evaluation.pieces import Interval, IntervalRule

Array = np.ndarray[Any, Any]
LEVEL = 0.95
#: Draws that are held at once, times groups, times columns: bounds the memory.
_MOST_NUMBERS = 4_000_000


def defined(value: Any) -> float | None:
    """A float, or None for nan and infinities."""
    number = float(value)
    return number if np.isfinite(number) else None


class Bootstrap:
    """Draws of groups, the same for every statistic, so that intervals belong together.

    Attributes:
        members: Group number of each image, N.
        count: Number of groups.
        rule: What was done, for the document.
    """

    def __init__(
        self,
        groups: Sequence[str],
        samples: int = 1000,
        seed: int = 0,
        noun: tuple[str, str] = ("image", "images"),
    ) -> None:
        """`groups`: the group of each image (`noun`: one, and many); `samples`: draws, 0 for no intervals."""
        names, members = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
        self.members: Array = members.reshape(-1).astype(np.int64)
        self.count = len(names)
        reason = ""
        if samples <= 0:
            reason = "No intervals were asked for."
        elif self.count < 2:
            reason = (
                f"All {len(groups)} {noun[1]} belong to one group, so nothing can be said of other groups."
                if len(groups) > 1
                else f"With a single {noun[0]} nothing can be said of others."
            ) + " An interval needs two groups or more."
        self._draws: Array | None = None
        if not reason:
            self._draws = _draw(self.count, samples, seed)
        self.rule = IntervalRule(
            level=LEVEL, samples=0 if reason else samples, groups=self.count, seed=seed, reason=reason
        )

    def group_sums(self, columns: Array) -> Array:
        """Sums G×M over the images of each group, of columns N×M."""
        sums = np.zeros((self.count, columns.shape[1]))
        np.add.at(sums, self.members, columns)
        return sums

    def weights(self, columns: int) -> Iterator[Array]:
        """How often each group was drawn, b×G floats, in portions that leave room for so many columns."""
        if self._draws is None:
            return
        step = max(1, _MOST_NUMBERS // max(1, max(self.count, columns)))
        for start in range(0, len(self._draws), step):
            yield self._draws[start : start + step].astype(np.float64)

    def intervals(self, columns: Array, statistic: Callable[[Array], Array]) -> list[Interval]:
        """Values and intervals of statistics of sums over images.

        Args:
            columns: N×M, what is summed.
            statistic: From sums …×M to S statistics …×S.
        """
        columns = np.asarray(columns, np.float64).reshape(len(self.members), -1)
        value = np.asarray(statistic(columns.sum(0)))
        if self._draws is None:
            return [Interval(value=defined(v)) for v in value]
        sums = self.group_sums(columns)
        drawn = np.concatenate([statistic(w @ sums) for w in self.weights(columns.shape[1])])
        return self.percentiles(value, drawn)

    @staticmethod
    def percentiles(value: Array, drawn: Array) -> list[Interval]:
        """Intervals of S values from draws B×S; draws in which a statistic is not defined do not count."""
        tail = 50 * (1 - LEVEL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # nan where it was never defined
            low, high = np.nanpercentile(drawn, [tail, 100 - tail], axis=0)
        known = [defined(v) for v in value]
        return [
            Interval(
                value=v, low=defined(a) if v is not None else None, high=defined(b) if v is not None else None
            )
            for v, a, b in zip(known, low, high, strict=True)
        ]

    def means(self, values: Array) -> list[Interval]:
        """Means over images, and their intervals, of values N×S; nan does not count."""
        known = ~np.isnan(values)
        columns = np.concatenate([np.where(known, values, 0.0), known.astype(np.float64)], axis=1)
        size = values.shape[1]
        return self.intervals(columns, lambda sums: ratio(sums[..., :size], sums[..., size:]))

    def rates(self, part: Array, whole: Array) -> list[Interval]:
        """Rates of sums, and their intervals, of counts N×S among N×S.

        A rate of 0 or 1 is the same in every draw, which is no certainty: see `exact_interval`, with each group that has
        anything to count as one trial.
        """
        size = part.shape[1]
        found = self.intervals(
            np.concatenate([part, whole], axis=1), lambda sums: ratio(sums[..., :size], sums[..., size:])
        )
        trials = (self.group_sums(np.asarray(whole, np.float64)) > 0).sum(0)
        return [exact_interval(interval, int(n)) for interval, n in zip(found, trials, strict=True)]


def exact_interval(interval: Interval, trials: int) -> Interval:
    """That of Clopper and Pearson (1934) where a rate is 0 or 1, which every draw repeats; ``trials``: groups behind it."""
    if interval.low is None or trials < 1 or interval.value not in (0.0, 1.0):
        return interval
    bound = 1 - ((1 - LEVEL) / 2) ** (1 / trials)
    if interval.value == 0:
        return Interval(value=0.0, low=0.0, high=bound)
    return Interval(value=1.0, low=1 - bound, high=1.0)


def ratio(part: Array, whole: Array) -> Array:
    """part / whole, nan where whole is not positive."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)


def _draw(groups: int, samples: int, seed: int) -> Array:
    """How often each group occurs in each draw, samples×G uint16 (uint32 where that could overflow)."""
    rng = np.random.default_rng(seed)
    draws = np.zeros((samples, groups), np.uint16 if groups < 65536 else np.uint32)
    for row in draws:
        row[:] = np.bincount(rng.integers(0, groups, groups), minlength=groups)
    return draws
