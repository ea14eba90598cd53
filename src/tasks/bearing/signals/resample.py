"""Conversion of the sampling rate, with a filter that lets nothing fold back."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np
import scipy.signal

from src.tasks.bearing.signals.spectra import Array, checked

#: Attenuation of everything above half the lower of the two rates, and the share of that half that passes untouched.
_ATTENUATION_DB = 80.0
_PASS = 0.9


def _ratio(rate: float, new_rate: float) -> Fraction:
    ratio = Fraction(new_rate / rate).limit_denominator(10_000)
    if ratio <= 0 or ratio.numerator > 10_000:
        raise ValueError(
            f"The rate cannot be converted from {rate:g} to {new_rate:g} Hz: the factor must lie between 1/10,000 and 10,000."
        )
    return ratio


@lru_cache(maxsize=16)
def _taps(up: int, down: int) -> Array:
    """Kaiser low-pass for `scipy.signal.resample_poly`: its stop band begins at half the lower rate."""
    edge = 1.0 / max(up, down)
    count, beta = scipy.signal.kaiserord(_ATTENUATION_DB, edge * (1 - _PASS))
    return scipy.signal.firwin(count | 1, edge * (1 + _PASS) / 2, window=("kaiser", beta))


def resample(signal: Array, rate: float, new_rate: float) -> Array:
    """The signal at another sampling rate.

    What lies above half of the lower rate is weakened by 80 dB before samples are left out, so that no tone comes back at
    a wrong frequency; up to 0.9 of that half it passes unchanged. The signal is taken as its mean outside its ends.

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
    taps = _taps(ratio.numerator, ratio.denominator)
    mean = signal.mean(-1, keepdims=True, dtype=np.float64)
    moved = scipy.signal.resample_poly(
        signal - mean.astype(signal.dtype),
        ratio.numerator,
        ratio.denominator,
        axis=-1,
        window=taps.astype(signal.dtype),
    )
    return (moved + mean).astype(signal.dtype, copy=False)


def resample_margin(rate: float, new_rate: float) -> int:
    """Samples before and after a window that its conversion looks at.

    A window that is cut with this margin, converted and trimmed is the same as one cut from the converted recording.
    """
    ratio = _ratio(rate, new_rate)
    return 0 if ratio == 1 else len(_taps(ratio.numerator, ratio.denominator)) // (2 * ratio.numerator) + 1
