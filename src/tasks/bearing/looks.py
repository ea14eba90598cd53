"""What a channel is by its values: a vibration, or times, a counter, pulses of a tachometer, a constant."""

from __future__ import annotations

from typing import Literal

import numpy as np

from src.tasks.bearing.files import UnreadableSignalError, read_channel

Kind = Literal["", "constant", "rising", "pulses"]
#: So many samples of a channel are looked at.
LOOKED_AT = 50_000
_LEAST = 16
#: Pulses are hardly ever between their two levels.
_BETWEEN = 0.02
_AT_A_LEVEL = 2e-3


def kind_of(values: np.ndarray) -> Kind:
    """What the beginning of a channel shows; empty for what may be a vibration.

    ``rising`` in even steps are times and counters. ``pulses`` are at one of two levels nearly always: less than 2 % of the
    samples lie in the middle half of the range, where a vibration spends most of its time.
    """
    good = values[np.isfinite(values)].astype(np.float64)
    if len(good) < _LEAST:
        return ""
    low, high = float(good.min()), float(good.max())
    if low == high:
        return "constant"
    steps = np.diff(good)
    if steps.min() >= 0 and np.ptp(steps) <= max(0.5 * steps.mean(), 1e-6 * max(abs(low), abs(high))):
        return "rising"
    share = (good - low) / (high - low)
    between = np.mean((share > 0.25) & (share < 0.75))
    if between < _BETWEEN and min(np.mean(share >= 0.75), np.mean(share <= 0.25)) > _AT_A_LEVEL:
        return "pulses"
    return ""


def kind_in(path: str, channel: str, length: int) -> Kind:
    """The same of a channel of a file; empty where it cannot be read."""
    try:
        return kind_of(read_channel(path, channel, 0, min(length, LOOKED_AT)))
    except (UnreadableSignalError, OSError):
        return ""
