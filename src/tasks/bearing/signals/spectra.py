"""Amplitude spectra, on an axis of hertz or of shaft orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

Array = NDArray[Any]
Unit = Literal["Hz", "order"]


@dataclass(frozen=True)
class Spectrum:
    """Values on an even axis that starts at 0.

    Attributes:
        values: ..., bins. Amplitudes (a sine of amplitude A shows A), in the unit of the signal.
        step: Distance of two bins, in ``unit``.
        unit: ``Hz``, or ``order`` for multiples of the shaft's frequency.
    """

    values: Array
    step: float
    unit: Unit = "Hz"

    @property
    def axis(self) -> Array:
        """Place of each bin, in ``unit``."""
        return np.arange(self.values.shape[-1]) * self.step

    def between(self, low: float, high: float) -> slice:
        """The bins from low to high, both in ``unit``; at least one where the axis reaches that far."""
        first = max(0, int(np.ceil(low / self.step - 1e-9)))
        last = int(np.floor(high / self.step + 1e-9))
        if last < first:
            first = last = round((low + high) / 2 / self.step)
        return slice(first, min(last + 1, self.values.shape[-1]))


def checked(signal: Array, rate: float | None = None, least: int = 2) -> Array:
    """The signal as floating point, 32 bits where it has no more. Raises ValueError for one that cannot be analysed."""
    signal = np.asarray(signal)
    if np.iscomplexobj(signal):
        raise ValueError("The signal is complex; give the real recording.")
    if signal.ndim == 0 or signal.shape[-1] < least:
        length = 0 if signal.ndim == 0 else signal.shape[-1]
        raise ValueError(
            f"The signal has {length} samples; at least {least} are needed. Choose a longer window."
        )
    if rate is not None and not (np.isfinite(rate) and rate > 0):
        raise ValueError(f"The sampling rate is {rate} Hz; it must be above 0.")
    return signal if signal.dtype in (np.float32, np.float64) else signal.astype(np.float64)


def centred(signal: Array) -> Array:
    """The signal without its mean over the last axis."""
    mean = signal.mean(-1, keepdims=True, dtype=np.float64)
    return signal - mean.astype(signal.dtype)


def amplitude_spectrum(signal: Array, rate: float, *, window: str = "hann", points: int = 0) -> Spectrum:
    """One-sided amplitude spectrum over the last axis; the mean is removed first.

    Args:
        signal: ..., samples.
        rate: Hz.
        window: A name that `scipy.signal.get_window` knows.
        points: Length of the transform where the window is padded with zeros for finer bins; 0: the window's own.
    """
    signal = checked(signal, rate)
    length = signal.shape[-1]
    points = max(points, length)
    weights = scipy.signal.get_window(window, length).astype(signal.dtype)
    values = np.abs(scipy.fft.rfft(centred(signal) * weights, points))
    values *= 2.0 / weights.sum(dtype=np.float64)
    values[..., 0] /= 2
    if points % 2 == 0:
        values[..., -1] /= 2
    return Spectrum(values, rate / points)


def averaged_spectrum(signal: Array, rate: float, length: int, *, window: str = "hann") -> Spectrum:
    """Root of the mean power of the amplitude spectra of half-overlapping segments (Welch 1967).

    Args:
        signal: samples, one dimension.
        rate: Hz.
        length: Samples in a segment; a shorter signal is one segment.
    """
    signal = checked(signal, rate)
    length = min(max(2, length), signal.shape[-1])
    power = np.zeros(length // 2 + 1)
    starts = range(0, signal.shape[-1] - length + 1, max(1, length // 2))
    step = 0.0
    for start in starts:
        part = amplitude_spectrum(signal[start : start + length], rate, window=window)
        power += part.values.astype(np.float64) ** 2
        step = part.step
    return Spectrum(np.sqrt(power / len(starts)), step)


def order_spectrum(
    signal: Array, rate: float, shaft: float | Array, *, highest: float, bins: int, window: str = "hann"
) -> Spectrum:
    """Amplitude spectrum on a fixed axis of shaft orders, so that windows at different speeds can be compared.

    Each bin shows the largest amplitude within it. The transform is evaluated on a grid finer than half the resolution
    of the window (chirp z-transform), so that no line falls between two bins.

    Args:
        signal: ..., samples.
        rate: Hz.
        shaft: Shaft frequency in Hz: one number; one a window (the signal's leading shape); or, for a signal of one
            dimension, one a sample: the signal is then resampled evenly in the shaft's angle first (order tracking).
        highest: Last order of the axis.
        bins: Number of bins; bin k is centred on order ``k · highest / (bins - 1)``.

    Returns:
        ..., bins. Orders above half the sampling rate are 0.
    """
    signal = checked(signal, rate)
    if bins < 2 or not highest > 0:
        raise ValueError(
            f"An axis of {bins} bins up to order {highest} is none; give 2 or more bins and an order above 0."
        )
    speeds = np.asarray(shaft, dtype=np.float64)
    if not (speeds.size and np.all(np.isfinite(speeds)) and np.all(speeds > 0)):
        raise ValueError(
            "The shaft's frequency must be above 0 Hz everywhere. Give the speed of the recording."
        )
    if signal.ndim == 1 and speeds.shape == signal.shape and signal.shape[-1] > 1:
        signal, rate = to_angle(signal, rate, speeds)
        speeds = np.asarray(1.0)
    speeds = np.broadcast_to(speeds, signal.shape[:-1])
    weights = scipy.signal.get_window(window, signal.shape[-1])
    flat = (centred(signal) * weights).reshape(-1, signal.shape[-1])
    step = highest / (bins - 1)
    found = np.empty((len(flat), bins))
    for row, (values, speed) in enumerate(zip(flat, speeds.reshape(-1), strict=True)):
        resolution = rate / len(values) / speed
        fine = max(1, int(np.ceil(2 * step / resolution)))
        fine += 1 - fine % 2
        grid = (np.arange(bins * fine) - fine // 2) * (step / fine)
        transform = scipy.signal.zoom_fft(
            values, [grid[0] * speed, (grid[-1] + step / fine) * speed], bins * fine, fs=rate
        )
        amplitude = np.abs(transform)
        amplitude[np.abs(grid * speed) > rate / 2] = 0
        found[row] = amplitude.reshape(bins, fine).max(1)
    found *= 2.0 / weights.sum()
    return Spectrum(found.reshape(*signal.shape[:-1], bins).astype(signal.dtype), step, "order")


def to_angle(signal: Array, rate: float, shaft: Array) -> tuple[Array, float]:
    """A signal at a varying speed, resampled evenly in the angle of the shaft (computed order tracking).

    Args:
        signal: samples, one dimension.
        rate: Hz.
        shaft: Shaft frequency in Hz at each sample.

    Returns:
        The signal and its samples in one revolution: as many as the fastest part needs to keep its time step.
    """
    signal = checked(signal, rate)
    angle = np.concatenate([[0.0], np.cumsum((shaft[1:] + shaft[:-1]) / 2)]) / rate
    per_turn = rate / float(np.min(shaft))
    places = np.arange(int(angle[-1] * per_turn) + 1) / per_turn
    return np.interp(places, angle, signal).astype(signal.dtype), per_turn
