"""Axes that people can read: whole epochs, times, plain numbers."""

from __future__ import annotations

import math
from typing import Any

import pyqtgraph as pg

#: Steps of 0.0001 and larger are written without a power of ten.
_MOST_DECIMALS = 4
#: None more than twice and a half the one before it: else a narrow plot may show no time at all.
_HOUR, _DAY = 3600, 86400
_TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, _HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR,
               _DAY, 2 * _DAY, 4 * _DAY, 7 * _DAY, 14 * _DAY, 28 * _DAY)  # fmt: skip


class EpochAxis(pg.AxisItem):
    """Epochs: whole numbers only, also when one epoch fills the plot."""

    def tickSpacing(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, float]]:
        levels = [
            (max(1.0, float(round(spacing))), 0.0) for spacing, _ in super().tickSpacing(minVal, maxVal, size)
        ]
        distinct = list(dict.fromkeys(levels))
        return distinct[:2]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [f"{round(v):,}" if v >= 0 else "" for v in values]


class TimeAxis(pg.AxisItem):
    """Seconds as ``m:ss`` and, for long times, ``h:mm`` or days."""

    def tickSpacing(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, float]]:
        wanted = (maxVal - minVal) / max(2.0, size / 90.0)
        return [(float(next((s for s in _TIME_STEPS if s >= wanted), _TIME_STEPS[-1])), 0.0)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [_clock(v, spacing) if v >= 0 else "" for v in values]


def _clock(seconds: float, spacing: float) -> str:
    whole = round(seconds)
    if spacing >= 86400:
        return f"{whole // 86400} d"
    if spacing >= 300:
        return f"{whole // 3600}:{whole % 3600 // 60:02d} h"
    return f"{whole // 60}:{whole % 60:02d} min"


class ValueAxis(pg.AxisItem):
    """Plain numbers; very small ones with a power of ten. In a logarithmic plot it takes the logarithm."""

    log = False

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[Any]:
        if not self.log:
            return super().tickValues(minVal, maxVal, size)  # type: ignore[no-any-return]
        first, last = math.floor(minVal), math.ceil(maxVal)
        if last - first > 12:
            return [(1.0, [float(e) for e in range(first, last + 1, -(-(last - first) // 6))])]
        steps: tuple[float, ...] = (1, 2, 5) if last - first <= 4 else (1,)
        if maxVal - minVal < 0.7:
            steps = tuple(range(1, 10)) if maxVal - minVal > 0.3 else tuple(1 + i / 4 for i in range(36))
        found = [e + math.log10(s) for e in range(first - 1, last + 1) for s in steps]
        return [(1.0, [v for v in found if minVal <= v <= maxVal])]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        if self.log:
            return [_short(10.0**v) for v in values]
        return [_plain(v, spacing) for v in values]


def _exponent(value: float) -> int:
    return math.floor(math.log10(value) + 1e-9) if value > 0 else 0


def _plain(value: float, spacing: float) -> str:
    """With as many digits as tell neighbouring ticks apart, and no more."""
    step = _exponent(spacing)
    if step >= -_MOST_DECIMALS:
        return f"{value:,.{max(0, -step)}f}"
    if abs(value) < spacing / 2:
        return "0"
    mantissa, _, power = f"{value:.{max(0, _exponent(abs(value)) - step)}e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{int(power)}"


def _short(value: float) -> str:
    return f"{value:.2g}".replace("e-0", "e-") if abs(value) < 1e-3 else f"{value:.3g}"
