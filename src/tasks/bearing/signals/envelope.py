"""Analytic signal, envelope and envelope spectrum: how bearing defects are found.

A defect strikes once in each of its periods and rings a resonance far above its own frequency; the envelope of the
resonance's band has lines at the defect's frequency (McFadden and Smith 1984; Randall and Antoni 2011).
"""

from __future__ import annotations

import numpy as np
import scipy.fft
import scipy.ndimage

from src.tasks.bearing.signals.spectra import (
    Array,
    Spectrum,
    amplitude_spectrum,
    centred,
    checked,
    order_spectrum,
)

Band = tuple[float, float]


def checked_band(band: Band | None, rate: float) -> Band:
    """The band in Hz, the whole one for None. Raises ValueError where it does not lie below half the sampling rate."""
    low, high = band or (0.0, rate / 2)
    if not 0 <= low < high:
        raise ValueError(
            f"The band {low:g} to {high:g} Hz is empty; its upper edge must lie above its lower one."
        )
    if low >= rate / 2 or high > rate / 2 * (1 + 1e-9):
        raise ValueError(
            f"The band {low:g} to {high:g} Hz reaches above half the sampling rate ({rate / 2:g} Hz). Choose a lower band."
        )
    return low, high


def whitened(signal: Array, rate: float = 1.0, width: float = 0.0) -> Array:
    """The signal with a flat spectrum: each line is divided by the root mean square of those around it; phases stay.

    Resonances lose their weight, so that a band in which weak impulses show counts as much as a loud one. With a width of
    0 every line gets the magnitude 1, which removes the discrete tones of shaft, gears and mains as well, and with them
    impulses that come too regularly to be told from tones: that is cepstral pre-whitening, the real cepstrum set to zero
    but for quefrency 0 (Borghesani et al., Mechanical Systems and Signal Processing 36 (2013) 370-384).

    Args:
        signal: ..., samples; a silent one stays silent.
        rate: Hz.
        width: Hz over which the power is averaged; 0: line by line.
    """
    signal = checked(signal, rate)
    spectrum = scipy.fft.rfft(centred(signal))
    power = np.abs(spectrum) ** 2
    floor = power.max(-1, keepdims=True) * 1e-18
    bins = round(width * signal.shape[-1] / rate)
    if bins > 1:
        power = scipy.ndimage.uniform_filter1d(power, bins, axis=-1, mode="nearest")
    size = np.sqrt(np.maximum(power, np.finfo(power.dtype).tiny))
    return scipy.fft.irfft(np.where(power > floor, spectrum / size, 0), signal.shape[-1])


def analytic(signal: Array, rate: float = 1.0, band: Band | None = None) -> Array:
    """The analytic signal of a band: its spectrum has no negative frequencies and nothing outside the band.

    Args:
        signal: ..., samples.
        rate: Hz.
        band: Lower and upper edge in Hz; None: everything (the real part is then the signal, mean and all).

    Returns:
        ..., samples; complex.
    """
    signal = checked(signal, rate)
    length = signal.shape[-1]
    half = scipy.fft.rfft(signal)
    weights = np.full(half.shape[-1], 2.0, half.real.dtype)
    weights[0] = 1.0
    if length % 2 == 0:
        weights[-1] = 1.0
    if band is not None:
        low, high = checked_band(band, rate)
        frequency = np.arange(half.shape[-1]) * (rate / length)
        weights[(frequency < low) | (frequency > high)] = 0
    full = np.zeros(signal.shape, half.dtype)
    full[..., : half.shape[-1]] = half * weights
    return scipy.fft.ifft(full, overwrite_x=True)


def envelope(signal: Array, rate: float, band: Band | None = None) -> Array:
    """Magnitude of the analytic signal of a band; the mean is removed first.

    Args:
        signal: ..., samples.
        rate: Hz.
        band: Hz; None: all frequencies.

    Returns:
        ..., samples, in the unit of the signal.
    """
    return np.abs(analytic(centred(checked(signal, rate)), rate, band))


def envelope_spectrum(
    signal: Array, rate: float, band: Band | None = None, *, squared: bool = True, points: int = 0
) -> Spectrum:
    """Spectrum of the envelope on an axis of Hz.

    Args:
        signal: ..., samples.
        rate: Hz.
        band: Hz, chosen, or the ``best`` of `kurtogram`; None: all frequencies.
        squared: Of the squared envelope, which has no products of its own harmonics (Ho and Randall, Mechanical Systems
            and Signal Processing 14 (2000) 763-788).
        points: Length of the transform where it is padded; 0: the window's.
    """
    found = envelope(signal, rate, band)
    return amplitude_spectrum(found**2 if squared else found, rate, points=points)


def envelope_order_spectrum(
    signal: Array, rate: float, shaft: float | Array, band: Band | None = None, *, highest: float = 20.0,
    bins: int = 401, squared: bool = True,
) -> Spectrum:  # fmt: skip
    """Spectrum of the envelope on an axis of shaft orders, where a bearing's lines do not move with the speed.

    Args:
        shaft: Hz; see `order_spectrum`.
        highest, bins: Of the axis; bin k lies on order ``k · highest / (bins - 1)``.
    """
    found = envelope(signal, rate, band)
    return order_spectrum(found**2 if squared else found, rate, shaft, highest=highest, bins=bins)
