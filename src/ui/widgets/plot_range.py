"""Which values a plot shows: all of them, with some air, and never a range so small that it means nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_MARGIN = 0.07
#: Of the size of the values: a flat curve is shown as flat, not as noise in the fifth digit.
_LEAST_SHARE = 0.04
_OUTLIERS_FROM = 50


@dataclass(frozen=True)
class Limits:
    """What is known of values by their nature.

    Attributes:
        low, high: No value lies beyond; infinite where nothing is known.
        least: The range shown is not smaller than this.
        from_low: The range begins at ``low``.
    """

    low: float = -math.inf
    high: float = math.inf
    least: float = 0.0
    from_low: bool = False


def widened(low: float, high: float, y: np.ndarray, *, rough: bool) -> tuple[float, float]:
    """``low`` and ``high`` moved apart so that ``y`` fits between; of a rough curve without its outliers."""
    y = y[np.isfinite(y)]
    if not len(y):
        return low, high
    small, large = np.percentile(y, [1, 99]) if rough and len(y) > _OUTLIERS_FROM else (y.min(), y.max())
    return min(low, float(small)), max(high, float(large))


def padded(low: float, high: float, limits: Limits) -> tuple[float, float]:
    """The range to show for values from ``low`` to ``high`` (infinite: there are none yet)."""
    if not math.isfinite(low):
        low, high = (0.0, 1.0) if not math.isfinite(limits.high) else (limits.low, limits.high)
    if limits.from_low:
        low = min(low, limits.low)
    least = max(limits.least, _LEAST_SHARE * max(abs(low), abs(high))) or 1.0
    if (lack := least - (high - low)) > 0:
        low, high = low - lack / 2, high + lack / 2
        if low < limits.low:
            low, high = limits.low, limits.low + least
        elif high > limits.high:
            low, high = limits.high - least, limits.high
    air = _MARGIN * (high - low)
    bottom, top = low - air, high + air
    # A hair beyond the limits, so that a curve that lies on one is seen whole.
    hair = 0.02 * (high - low)
    return max(bottom, limits.low - hair), min(top, limits.high + hair)


def padded_powers(low: float, high: float) -> tuple[float, float]:
    """As `padded`, for the logarithms of values: at least a fifth of a power of ten."""
    if not math.isfinite(low):
        low, high = -2.0, 0.0
    air = max((high - low) * _MARGIN, 0.1)
    return low - air, high + air
