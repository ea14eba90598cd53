"""Spectra of the envelopes of a signal in several bands, at the low frequencies at which faults of bearings show."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
import scipy.fft
import scipy.signal

from src.tasks.bearing.signals.spectra import Array

#: A pair of frequencies in Hz, the whole signal, or the whole signal with all its frequencies brought to one amplitude,
#: which shows faults that resonances and tones hide (see ``envelope.whitened``).
SignalBand = tuple[float, float] | Literal["whole", "whitened"]

#: So many frequencies are computed as there would be samples in a window of this many lengths: reading between them then
#: loses little of a line.
FINER = 4
#: What the filter leaves of frequencies that fold back onto those that are wanted: 1e-5 of them.
_ATTENUATION_DB = 100.0
#: Complex values that are transformed at once: 8 bands of half a second at 50 kHz. More leave the cache of the processor.
_AT_ONCE = 1 << 18
#: scipy transforms so many rows of single precision side by side, and what is left over one by one.
_LANES = 4
_SMALLEST = 1e-18


def padded_length(length: int) -> int:
    """Samples of the transform of a window of this length."""
    return int(scipy.fft.next_fast_len(FINER * length, real=True))


def band_envelope_spectra(x: Array, rate: float, bands: Sequence[SignalBand], highest: float) -> Array:
    """Amplitude spectra of the envelopes (modulus of the analytic signal) in each band, Hann window, from one transform.

    Only frequencies up to ``highest`` are wanted, a small part of all: the envelopes are brought to a lower rate first, and
    the spectra divided by the response of the filter. The bands are cut out of a transform in double precision, and each is
    followed further in single precision, whose rounding is then of the size of that band, not of the whole signal. They are
    those of the whole transform in double precision to about 3e-5 of what lies around (to 1e-2 where one tone is a thousand
    times as loud as all else in its band), and an order of magnitude faster.

    Args:
        x: Samples, one dimension, float64.
        rate: Hz.
        bands: See `SignalBand`.
        highest: Hz; more than half the rate stands for that.

    Returns:
        bands×frequencies float32, at multiples of ``rate / padded_length(len(x))``, at least up to ``highest``. Each row is divided
        by the root of its energy: the unit of the signal must not matter where nothing stands out.
    """
    length, padded = len(x), padded_length(len(x))
    bins = min(padded // 2, int(np.ceil(max(highest, 0.0) * padded / rate)) + 2) + 1
    window, factor = _hann(length), _factor(length, padded, bins)
    half = scipy.fft.rfft(x)
    half[0] = 0
    if length % 2 == 0:
        half[-1] = 0
    rows = max(_LANES, _AT_ONCE // length // _LANES * _LANES)
    found = np.empty((len(bands), bins), np.float32)
    for first in range(0, len(bands), rows):
        some = bands[first : first + rows]
        envelopes = _envelopes(half, length, rate, some)
        envelopes -= envelopes.mean(1, keepdims=True)
        envelopes *= window
        energy = np.sqrt(np.einsum("ij,ij->i", envelopes, envelopes))
        spectra = _low_spectra(envelopes, padded, factor, bins)
        found[first : first + len(some)] = spectra / np.maximum(energy, _SMALLEST)[:, None]
    return found


def _envelopes(half: Array, length: int, rate: float, bands: Sequence[SignalBand]) -> Array:
    """Bands×samples, float32; the whitened one squared. ``half``: the transform at frequencies from 0 on."""
    frequency = np.arange(len(half)) * (rate / length)
    analytic = np.zeros((-(-len(bands) // _LANES) * _LANES, length), np.complex64)
    for row, band in zip(analytic[:, : len(half)], bands, strict=False):
        if band == "whole":
            row[:] = 2 * half
        elif band == "whitened":
            size = 2 * np.abs(half)
            row[:] = 2 * half / np.maximum(size, 1e-9)
        else:
            low, high = np.searchsorted(frequency, band)
            row[low:high] = 2 * half[low:high]
    found: Array = np.abs(scipy.fft.ifft(analytic, overwrite_x=True)[: len(bands)])
    for row, band in zip(found, bands, strict=True):
        if band == "whitened":
            np.square(row, out=row)
    return found


@lru_cache(maxsize=8)
def _hann(length: int) -> Array:
    return np.hanning(length).astype(np.float32)


@lru_cache(maxsize=64)
def _factor(length: int, padded: int, bins: int) -> int:
    """By how much the rate can be lowered: the wanted frequencies end at a quarter of the lower rate, or before."""
    most = min(padded // (FINER * bins), (padded - length) // 16)
    return max((k for k in range(1, most + 1) if padded % k == 0), default=1)


@lru_cache(maxsize=16)
def _low_pass(factor: int, padded: int) -> tuple[Array, Array]:
    """Taps as blocks×factor, last block first, and the response up to a quarter of the lower rate; float32."""
    count, beta = scipy.signal.kaiserord(_ATTENUATION_DB, 1 / factor)
    taps = scipy.signal.firwin(count, 1 / factor, window=("kaiser", beta))
    response = np.abs(scipy.fft.rfft(taps, padded)) / factor
    whole = np.zeros(-(-count // factor) * factor, np.float32)
    whole[:count] = taps
    wanted = response[: padded // (FINER * factor) + 1].astype(np.float32)
    return np.ascontiguousarray(whole.reshape(-1, factor)), wanted


def _low_spectra(signals: Array, padded: int, factor: int, bins: int) -> Array:
    """Magnitudes of the first ``bins`` frequencies of the transforms of rows, filled with zeros to ``padded`` samples."""
    if factor == 1:
        whole: Array = np.abs(scipy.fft.rfft(signals, padded)[:, :bins])
        return whole
    taps, response = _low_pass(factor, padded)
    rows, blocks = len(signals), -(-signals.shape[1] // factor)
    if missing := blocks * factor - signals.shape[1]:
        signals = np.pad(signals, ((0, 0), (0, missing)))
    # A result is the sum of what each of its blocks gives; where the time begins does not change a magnitude
    parts = (taps @ signals.reshape(-1, factor).T).reshape(-1, rows, blocks)
    count = len(taps)
    lower = np.zeros((rows, blocks + count - 1), np.float32)
    for number, part in enumerate(parts):
        place = count - 1 - number
        lower[:, place : place + blocks] += part
    found: Array = np.abs(scipy.fft.rfft(lower, padded // factor)[:, :bins]) / response[:bins]
    return found
