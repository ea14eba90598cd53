"""Pictures of a signal over time and frequency: STFT, wavelets, Wigner-Ville."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pywt
import scipy.fft
import scipy.signal

from src.tasks.bearing.signals.envelope import analytic
from src.tasks.bearing.signals.spectra import Array, centred, checked

#: A full Wigner-Ville distribution has the square of the signal's length in values: 4,096 samples are 128 MB.
MOST_WIGNER_SAMPLES = 4096


@dataclass(frozen=True)
class TimeFrequency:
    """A picture of a signal.

    Attributes:
        values: ..., frequencies, times.
        frequencies: Hz, rising.
        times: Seconds from the start of the signal.
    """

    values: Array
    frequencies: Array
    times: Array


def stft(
    signal: Array, rate: float, length: int = 256, hop: int = 0, *, window: str = "hann"
) -> TimeFrequency:
    """Magnitudes of the short-time Fourier transform; a steady sine of amplitude A shows A.

    Args:
        signal: ..., samples.
        rate: Hz.
        length: Samples in a segment; at most the signal's.
        hop: Samples from segment to segment; 0: a quarter of the length.

    Returns:
        ``length // 2 + 1`` frequencies; only segments that lie wholly in the signal, each at the time of its middle.
    """
    signal = checked(signal, rate)
    if not 2 <= length <= signal.shape[-1]:
        raise ValueError(f"A segment of {length} samples does not fit into a window of {signal.shape[-1]}.")
    hop = hop or max(1, length // 4)
    weights = scipy.signal.get_window(window, length).astype(signal.dtype)
    parts = np.lib.stride_tricks.sliding_window_view(signal, length, axis=-1)[..., ::hop, :]
    values = np.abs(scipy.fft.rfft(parts * weights)) * (2.0 / weights.sum(dtype=np.float64))
    values[..., 0] /= 2
    if length % 2 == 0:
        values[..., -1] /= 2
    times = (np.arange(parts.shape[-2]) * hop + length / 2) / rate
    values = np.swapaxes(values, -1, -2).astype(signal.dtype, copy=False)
    return TimeFrequency(values, np.arange(length // 2 + 1) * (rate / length), times)


def cwt(
    signal: Array,
    rate: float,
    frequencies: Array | int = 64,
    *,
    wavelet: str = "cmor1.5-1.0",
    lowest: float = 0.0,
) -> TimeFrequency:
    """Magnitudes of the continuous wavelet transform (PyWavelets), weighted so that a tone is as bright at each frequency.

    With ``cmor`` wavelets a steady sine of amplitude A shows A (up to a fifth less near half the rate).

    Args:
        signal: ..., samples.
        rate: Hz.
        frequencies: Hz, rising; or how many, spaced evenly in their logarithm from ``lowest`` to 0.9 of half the rate.
        wavelet: A complex continuous wavelet of PyWavelets (``cmorB-C``: bandwidth B, centre C).
        lowest: Hz; 0: four periods in the signal.
    """
    signal = checked(signal, rate, 8)
    if isinstance(frequencies, int):
        lowest = lowest or 4 * rate / signal.shape[-1]
        frequencies = np.geomspace(lowest, 0.45 * rate, frequencies)
    frequencies = np.asarray(frequencies, dtype=np.float64)
    if (
        not len(frequencies)
        or frequencies.min() <= 0
        or frequencies.max() >= rate / 2
        or np.any(np.diff(frequencies) <= 0)
    ):
        raise ValueError(f"The frequencies of the wavelets must rise and lie between 0 and {rate / 2:g} Hz.")
    scales = pywt.central_frequency(wavelet) * rate / frequencies
    # The usual precision of 12 samples long wavelets too coarsely: a tone near half the rate then shows at all frequencies
    values, _ = pywt.cwt(centred(signal), scales, wavelet, 1 / rate, method="fft", axis=-1, precision=16)
    values = np.moveaxis(np.abs(values), 0, -2) * (2 / np.sqrt(scales))[:, None]
    values = values.astype(signal.dtype, copy=False)
    return TimeFrequency(values, frequencies, np.arange(signal.shape[-1]) / rate)


def _products(z: Array, lag: int) -> Array:
    """z[n + lag] · conj(z[n - lag]) for each n of the last axis; 0 where one lies outside."""
    length = z.shape[-1]
    found = np.zeros_like(z)
    if 2 * lag < length:
        found[..., lag : length - lag] = z[..., 2 * lag :] * z[..., : length - 2 * lag].conj()
    return found


def wigner_ville(signal: Array, rate: float) -> TimeFrequency:
    """Wigner-Ville distribution of the analytic signal z of a real signal.

    ``W[k, n] = Σ_m z[n+m] z*[n-m] e^(-2πi k m / N)``, with bin k at k · rate / (2N) Hz (Claasen and Mecklenbräuker, Philips
    J. Res. 35 (1980)). The sum over m has steps of one sample, a lag of two: with negative frequencies present it would
    fold, which is why the analytic signal is taken. The mean over k is the time marginal |z[n]|².

    Args:
        signal: samples, one dimension, 4,096 at most (the picture has the square of that in values).
        rate: Hz.

    Returns:
        N frequencies from 0 to half the rate × N times; real, in the squared unit of the signal, with negative values.
    """
    signal = checked(signal, rate)
    length = signal.shape[-1]
    if signal.ndim != 1 or length > MOST_WIGNER_SAMPLES:
        raise ValueError(
            f"A Wigner-Ville distribution is of one window of {MOST_WIGNER_SAMPLES} samples at most, not of shape "
            f"{signal.shape}. Choose a shorter window or the smoothed form."
        )
    z = analytic(centred(signal), rate)
    lags = np.zeros((length, length), z.dtype)
    for lag in range((length + 1) // 2):
        products = _products(z, lag)
        lags[lag] = products
        if lag:
            lags[-lag] = products.conj()
    values = scipy.fft.fft(lags, axis=0, overwrite_x=True).real
    return TimeFrequency(values, np.arange(length) * (rate / 2 / length), np.arange(length) / rate)


def smoothed_pseudo_wigner_ville(
    signal: Array, rate: float, *, bins: int = 128, hop: int = 0, lag_window: int = 0, time_window: int = 0
) -> TimeFrequency:
    """Wigner-Ville distribution of the analytic signal, smoothed over frequency and time apart.

    ``S[k, n] = Σ_m h[m] Σ_l g[l] z[n+l+m] z*[n+l-m] e^(-2πi k m / bins)``: h, a Hann window over the lag with h[0] = 1,
    smooths over frequency, and g, a Hann window over time with sum 1, weakens the products between components (Flandrin,
    "Time-frequency/time-scale analysis", 1999, section 3.2).

    Args:
        signal: ..., samples.
        rate: Hz.
        bins: Frequencies from 0 to half the rate.
        hop: Samples from column to column; 0: about 128 columns.
        lag_window: Samples of h, odd, at most ``bins``; 0: the most.
        time_window: Samples of g, odd; 1: none (the pseudo form); 0: an eighth of ``bins``.

    Returns:
        bins × ``ceil(samples / hop)``; real.
    """
    signal = checked(signal, rate, 4)
    hop = hop or max(1, signal.shape[-1] // 128)
    lag_window = lag_window or (bins - 1) | 1
    time_window = time_window or (bins // 8) | 1
    if (
        bins < 4
        or not (lag_window % 2 and time_window % 2)
        or lag_window > bins + 1
        or min(lag_window, time_window) < 1
    ):
        raise ValueError(
            "The windows of a smoothed distribution have an odd length; that over the lag is at most as long as bins."
        )
    half = min(lag_window // 2, bins // 2 - 1)
    h = np.hanning(lag_window + 2)[1:-1][lag_window // 2 :]
    g = np.hanning(time_window + 2)[1:-1]
    g /= g.sum()
    z = analytic(centred(signal), rate)
    columns = -(-signal.shape[-1] // hop)
    lags = np.zeros((*signal.shape[:-1], bins, columns), z.dtype)
    shape = (1,) * (signal.ndim - 1) + (-1,)
    for lag in range(half + 1):
        products = _products(z, lag)
        if time_window > 1:
            products = scipy.signal.oaconvolve(
                products, g.reshape(shape).astype(z.real.dtype), mode="same", axes=-1
            )
        products = products[..., ::hop] * h[lag]
        lags[..., lag, :] = products
        if lag:
            lags[..., -lag, :] = products.conj()
    values = scipy.fft.fft(lags, axis=-2, overwrite_x=True).real.astype(signal.dtype, copy=False)
    return TimeFrequency(values, np.arange(bins) * (rate / 2 / bins), np.arange(columns) * (hop / rate))
