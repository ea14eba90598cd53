"""Columns that hold the time of each sample, from which the sampling rate follows."""

from __future__ import annotations

import re

import numpy as np

from src.tasks.bearing.naming import FACTS, usual

_TIME = re.compile(
    r"^(time|t|zeit|seconds?|sec|timestamp|temps)\b[\s_]*[\[(]?\s*(s|ms|us|µs)?\b", re.IGNORECASE
)
_CLOCK = re.compile(r"(?<!\d)(\d{1,2}):(\d{2})(?::(\d{1,2}(?:[.,]\d+)?))?")
_UNITS = {"ms": 1e-3, "us": 1e-6, "µs": 1e-6}


def is_time(name: str) -> bool:
    """Whether the name of a column says that it holds times."""
    return _TIME.match(name.strip().replace("_", " ")) is not None


def rate_of(values: np.ndarray, name: str = "") -> float:
    """Sampling rate in Hz of a column of times; 0 where the steps are not even (more than 1 % off their median)."""
    steps = np.diff(np.asarray(values, dtype=np.float64))
    if len(steps) < 2 or not np.all(np.isfinite(steps)):
        return 0.0
    middle = float(np.mean(steps))
    if middle <= 0 or np.min(steps) < 0 or np.max(np.abs(steps - middle)) > max(0.5 * middle, 1e-9):
        return 0.0
    match = _TIME.match(name.strip().replace("_", " "))
    scale = _UNITS.get((match[2] or "").lower(), 1.0) if match else 1.0
    return whole(1.0 / (middle * scale))


def whole(rate: float) -> float:
    """A rate that follows from times, which are written with few digits: 0.0000833 stands for 1/12000."""
    return float(round(rate)) if rate > 50 and abs(rate - round(rate)) < 2e-3 * rate else rate


def is_fact(name: str) -> bool:
    """Whether a column that repeats one number in each row is a fact of the recording, by its name."""
    return (
        any(usual(fact, [name]) for fact in FACTS)
        or re.search(r"rpm|speed|load|torque", name, re.IGNORECASE) is not None
    )


def seconds_of(stamp: str) -> float:
    """Seconds of the day of a time such as ``2024-05-01 12:00:00.25``; NaN where there is none in it."""
    match = _CLOCK.search(stamp)
    if not match:
        return float("nan")
    return 3600.0 * int(match[1]) + 60.0 * int(match[2]) + float((match[3] or "0").replace(",", "."))
