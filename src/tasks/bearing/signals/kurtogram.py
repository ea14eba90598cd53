"""The fast kurtogram: which band of a signal is most impulsive.

J. Antoni, "Fast computation of the kurtogram for the detection of transient faults", Mechanical Systems and Signal
Processing 21 (2007) 108-124. Written from the paper: a tree of quasi-analytic filters, each step halving a band or
dividing it by three, with decimation, and the kurtosis of the complex output of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2

import numpy as np
import scipy.signal

from src.tasks.bearing.signals.envelope import Band
from src.tasks.bearing.signals.spectra import Array, centred, checked

#: Samples that the narrowest band must keep: the kurtosis of fewer is mostly chance (the paper's advice, N / 2^7).
_LEAST = 128
#: Length of the filter that halves, and its cut-off as a share of half the sampling rate; the paper's.
_TAPS, _CUT = 16, 0.4


@dataclass(frozen=True)
class KurtogramLevel:
    """One row of the kurtogram.

    Attributes:
        level: log2 of the number of bands: 0, 1, 1.58, 2, 2.58, ...
        width: Hz of each band.
        values: Kurtosis of each band from 0 Hz upwards; 0 for stationary Gaussian noise, negative for a tone.
    """

    level: float
    width: float
    values: Array


@dataclass(frozen=True)
class Kurtogram:
    """All rows, coarse to fine.

    Attributes:
        best: Edges in Hz of the band with the greatest kurtosis.
        kurtosis: Its value.
    """

    levels: tuple[KurtogramLevel, ...]
    best: Band
    kurtosis: float


def _kurtosis(bands: Array, edge: int) -> Array:
    """(E|c|⁴ - |E c²|²) / E²|c|² - 2 over the last axis, without the filters' start; 0 where there is no signal.

    The paper leaves the second term out: it is 0 for a perfectly analytic c. The short filters of the bands at 0 Hz and
    at half the rate let some negative frequencies through, and there it keeps the value of Gaussian noise at 0.
    """
    bands = bands[..., edge:]
    power = np.abs(bands) ** 2
    mean = np.maximum(power.mean(-1), np.finfo(np.float64).tiny ** 0.5)
    excess = ((power**2).mean(-1) - np.abs((bands**2).mean(-1)) ** 2) / mean**2 - 2
    return np.where(power.any(-1), excess, 0.0)


def _filters() -> tuple[list[Array], list[Array]]:
    """Band-pass filters for the lower and upper half, and for the three thirds, of the frequencies up to half the rate."""
    place = np.arange(_TAPS + 1)
    low = scipy.signal.firwin(_TAPS + 1, _CUT)
    halves = [low * np.exp(2j * np.pi * place * centre) for centre in (1 / 8, 3 / 8)]
    longer = np.arange(_TAPS * 3 // 2 + 1)
    narrow = scipy.signal.firwin(len(longer), _CUT * 2 / 3)
    thirds = [narrow * np.exp(2j * np.pi * longer * centre) for centre in (1 / 12, 3 / 12, 5 / 12)]
    return halves, thirds


def _split(bands: Array, filters: list[Array]) -> Array:
    """Bands × samples to (bands · filters) × (samples / filters), in the order of their frequencies."""
    share = len(filters)
    count = bands.shape[-1] // share
    parts = [scipy.signal.upfirdn(taps, bands, down=share, axis=-1)[..., :count] for taps in filters]
    return np.stack(parts, 1).reshape(-1, count)


def kurtogram(signal: Array, rate: float, depth: int = 0) -> Kurtogram:
    """The kurtogram of a signal and its most impulsive band.

    Args:
        signal: samples, one dimension; 256 or more.
        rate: Hz.
        depth: Halvings; 0: as many as leave 128 samples in a band, at most 7.
    """
    signal = checked(signal, rate, 2 * _LEAST)
    if signal.ndim != 1:
        raise ValueError(f"A kurtogram is of one signal, not of an array of shape {signal.shape}.")
    most = int(log2(signal.shape[-1] / _LEAST))
    if depth > most:
        raise ValueError(
            f"{signal.shape[-1]} samples allow {most} halvings, not {depth}. Choose a longer window."
        )
    depth = depth or min(most, 7)
    halves, thirds = _filters()
    bands = centred(signal.astype(np.float64))[None]
    rows = [KurtogramLevel(0.0, rate / 2, _kurtosis(scipy.signal.hilbert(bands), _TAPS))]
    for level in range(1, depth + 1):
        in_thirds = _split(bands, thirds)
        bands = _split(bands, halves)
        # The upper half lies at 1/2 to 1 of the new rate: brought to 0 to 1/2, so that the next step finds it there
        bands[1::2] *= (-1.0) ** np.arange(bands.shape[-1])
        rows.append(KurtogramLevel(float(level), rate / 2 ** (level + 1), _kurtosis(bands, len(halves[0]))))
        if in_thirds.shape[-1] >= _LEAST and level < depth:
            count = len(in_thirds)
            rows.append(KurtogramLevel(log2(count), rate / 2 / count, _kurtosis(in_thirds, len(thirds[0]))))
    best = max(rows, key=lambda row: float(row.values.max()))
    index = int(best.values.argmax())
    return Kurtogram(tuple(rows), (index * best.width, (index + 1) * best.width), float(best.values[index]))
