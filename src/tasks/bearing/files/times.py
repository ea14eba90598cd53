"""Columns that hold the time of each sample, from which the sampling rate follows."""

from __future__ import annotations

import re

import numpy as np

_TIME = re.compile(
    r"^(time|t|zeit|seconds?|sec|timestamp|temps)\b[\s_]*[\[(]?\s*(s|ms|us|µs)?\b", re.IGNORECASE
)
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
    rate = 1.0 / (middle * scale)
    # Times are written with few digits: 0.0000833 stands for 1/12000.
    return float(round(rate)) if rate > 50 and abs(rate - round(rate)) < 2e-3 * rate else rate


def is_fact(name: str) -> bool:
    """Whether a column that repeats one number in each row is a fact of the recording, by its name."""
    return re.search(r"rpm|speed|load|rate|drehzahl|torque|^fs$", name, re.IGNORECASE) is not None
