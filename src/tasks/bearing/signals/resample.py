"""Conversion of the sampling rate, with a filter that lets nothing fold back."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np
import scipy.fft
import scipy.signal

from src.tasks.bearing.signals.spectra import Array, checked

#: Attenuation of everything above half the lower of the two rates, and the share of that half that passes untouched.
_ATTENUATION_DB = 80.0
_PASS = 0.9
#: Samples of one transform: longer ones compute fewer samples twice, shorter ones fit the cache of the processor.
_BLOCK = 1 << 17


def _ratio(rate: float, new_rate: float) -> Fraction:
    ratio = Fraction(new_rate / rate).limit_denominator(10_000)
    if ratio <= 0 or ratio.numerator > 10_000:
        raise ValueError(
            f"The rate cannot be converted from {rate:g} to {new_rate:g} Hz: the factor must lie between 1/10,000 and 10,000."
        )
    return ratio


@lru_cache(maxsize=16)
def _taps(ratio: Fraction) -> Array:
    """Kaiser low-pass at the old rate, of odd length: its stop band begins at half the lower rate."""
    edge = min(1.0, float(ratio))
    count, beta = scipy.signal.kaiserord(_ATTENUATION_DB, edge * (1 - _PASS))
    return scipy.signal.firwin(count | 1, edge * (1 + _PASS) / 2, window=("kaiser", beta))


@lru_cache(maxsize=16)
def _response(ratio: Fraction, length: int, kind: str) -> Array:
    """Of the low-pass at the frequencies of a real transform, without delay."""
    taps = _taps(ratio)
    half = len(taps) // 2
    centred = np.zeros(length)
    centred[: half + 1] = taps[half:]
    centred[-half:] = taps[:half]
    return scipy.fft.rfft(centred).real.astype(kind)


def resample(signal: Array, rate: float, new_rate: float) -> Array:
    """The signal at another sampling rate.

    What lies above half of the lower rate is weakened by 80 dB before samples are left out, so that no tone comes back at
    a wrong frequency; up to 0.9 of that half it passes unchanged. Measured from 44.1, 48, 50 and 97.656 kHz to 12 kHz and
    back up: the response stays within 1.2e-4 of 1 up to there (0.001 dB), and is at most 1.2e-4 above half of the lower rate
    (-78.7 dB). The signal is taken as its mean outside its ends.

    Computed block by block (overlap-save): the spectrum of a block times the low-pass, cut off or filled up to the new
    rate. Since nothing is left at the cut, that is the polyphase filter of the same taps to 80 dB, and many times faster.

    Args:
        signal: ..., samples.
        rate, new_rate: Hz. Their ratio is taken as a fraction with terms up to 10,000.

    Returns:
        ..., ``ceil(samples · new_rate / rate)``, of the signal's type.
    """
    signal = checked(signal, rate, 1)
    checked(signal, new_rate, 1)
    ratio = _ratio(rate, new_rate)
    if ratio == 1:
        return signal
    up, down, samples = ratio.numerator, ratio.denominator, signal.shape[-1]
    mean = signal.mean(-1, keepdims=True, dtype=np.float64).astype(signal.dtype)
    # Sample k·up of the result is sample k·down of the signal: all lengths are counted in such pairs.
    pairs, edge = -(-samples // down), -(-len(_taps(ratio)) // 2 // down) + 1
    length = int(scipy.fft.next_fast_len(min(pairs, max(1, _BLOCK // down)) + 2 * edge, real=True))
    inner = length - 2 * edge
    response = _response(ratio, length * down, signal.dtype.str)
    kept = min(length * down, length * up) // 2 + 1
    found = np.empty((*signal.shape[:-1], -(-pairs // inner) * inner * up), signal.dtype)
    for first in range(0, pairs, inner):
        begin = (first - edge) * down
        low, high = max(0, begin), min(samples, begin + length * down)
        block = np.zeros((*signal.shape[:-1], length * down), signal.dtype)
        block[..., low - begin : high - begin] = signal[..., low:high] - mean
        spectrum = scipy.fft.rfft(block)[..., :kept] * response[:kept]
        moved = scipy.fft.irfft(spectrum, length * up)[..., edge * up : (edge + inner) * up]
        np.multiply(moved, up / down, out=found[..., first * up : (first + inner) * up])
    return found[..., : -(-samples * up // down)] + mean


def resample_margin(rate: float, new_rate: float) -> int:
    """Samples before and after a window that its conversion looks at.

    A window that is cut with this margin, converted and trimmed is the same as one cut from the converted recording.
    """
    ratio = _ratio(rate, new_rate)
    return 0 if ratio == 1 else len(_taps(ratio)) // 2 + 1
