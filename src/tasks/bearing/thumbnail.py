"""The small picture of a recording: its waveform above its spectrum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from src.tasks.bearing.files import inspect_file, read_channel
from src.tasks.bearing.recordings import filled

_PAPER, _WAVE, _SPECTRUM, _LINE = (250, 250, 250), (31, 119, 180), (214, 90, 40), (205, 205, 205)
_SAMPLES = 2**16


def thumbnail(sample: Mapping[str, Any], side: int) -> np.ndarray:
    """Draw the first 65,536 samples: ``H×W×3`` uint8, a square of ``side`` pixels.

    Raises:
        UnreadableSignalError, OSError: The file cannot be read.
    """
    channel = str(sample["channel"])
    _, _, first = str(sample["id"]).rpartition("@")
    start = int(first) if first.isdigit() and "#" not in first else 0
    length = inspect_file(sample["file"]).channels.get(channel, 0)
    stop = min(length, start + _SAMPLES)
    values = filled(read_channel(sample["file"], channel, start if start < length else 0, stop))
    width = height = max(16, side)
    picture = np.full((height, width, 3), _PAPER, np.uint8)
    half = height // 2
    picture[half] = _LINE
    if len(values) > 1:
        low, high = _envelope(values - values.mean(), width)
        reach = max(float(np.abs(low).max()), float(np.abs(high).max())) or 1.0
        _columns(picture[: half - 1], 0.5 - 0.48 * high / reach, 0.5 - 0.48 * low / reach, _WAVE)
        power = np.abs(np.fft.rfft((values - values.mean()) * np.hanning(len(values))))[1:]
        _, peaks = _envelope(20 * np.log10(np.maximum(power, power.max() * 1e-4 or 1e-12)), width)
        span = float(np.ptp(peaks)) or 1.0
        _columns(picture[half + 2 :], 0.95 - 0.9 * (peaks - peaks.min()) / span, np.ones(width), _SPECTRUM)
    return picture


def _envelope(values: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest value of each of ``width`` pieces of about the same length."""
    edges = np.linspace(0, len(values), width + 1).astype(int)[:-1]
    edges = np.minimum(edges, len(values) - 1)
    return np.minimum.reduceat(values, edges), np.maximum.reduceat(values, edges)


def _columns(area: np.ndarray, top: np.ndarray, bottom: np.ndarray, colour: tuple[int, int, int]) -> None:
    """Fill each column from ``top`` to ``bottom``, both shares of the height."""
    rows = np.arange(len(area))[:, None] / max(1, len(area) - 1)
    step = 0.5 / max(1, len(area) - 1)
    area[(rows >= top[None] - step) & (rows <= bottom[None] + step)] = colour
