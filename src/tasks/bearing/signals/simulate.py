"""Simulated vibration of a damaged bearing: impulses that ring a resonance, with slip, modulation and noise."""

from __future__ import annotations

import numpy as np
import scipy.signal

from src.tasks.bearing.geometry import PARTS, RollingBearing, revolutions_per_second
from src.tasks.bearing.signals.spectra import Array


def impulse_train(
    frequency: float, rate: float, seconds: float, rng: np.random.Generator, *, slip: float = 0.0,
    modulation: float = 0.0, depth: float = 0.0,
) -> Array:  # fmt: skip
    """Impulses at a mean frequency; each interval is drawn anew, so the phase wanders as it does with slipping elements.

    The model of Antoni and Randall, "Differential diagnosis of gear and bearing faults", J. Vib. Acoust. 124 (2002).
    An impulse that falls between two samples is shared between them.

    Args:
        frequency: Hz.
        rate: Hz; at least twice the frequency.
        seconds: Length.
        rng: Where the randomness comes from.
        slip: Standard deviation of an interval, as a share of its mean.
        modulation: Hz at which the load on the defect changes; 0: it stays.
        depth: How much, from 0 to 1.

    Returns:
        samples; impulses of height 1 on average.
    """
    if not 0 < frequency <= rate / 2:
        raise ValueError(f"Impulses at {frequency:g} Hz cannot be written at a sampling rate of {rate:g} Hz.")
    if not (slip >= 0 and 0 <= depth <= 1):
        raise ValueError("Slip must not be negative, and the depth of modulation lies from 0 to 1.")
    length = round(seconds * rate)
    count = int(seconds * frequency * (1 + 4 * slip)) + 8
    intervals = np.maximum(1 + slip * rng.standard_normal(count), 0.1) / frequency
    times = np.cumsum(intervals) - intervals[0] * rng.random()
    times = times[times * rate < length - 1]
    heights = 1 + depth * np.cos(2 * np.pi * (modulation * times + rng.random()))
    places = times * rate
    left = places.astype(int)
    train = np.zeros(length)
    np.add.at(train, left, heights * (1 - (places - left)))
    np.add.at(train, left + 1, heights * (places - left))
    return train


def ringing(rate: float, resonance: float, damping: float) -> Array:
    """Response of a damped oscillator to an impulse, until it has fallen to a thousandth; its peak is about 1.

    Args:
        rate: Hz.
        resonance: Hz, below half the rate.
        damping: Share of the critical damping, between 0 and 1.
    """
    if not (0 < resonance < rate / 2 and 0 < damping < 1):
        raise ValueError(
            f"A resonance at {resonance:g} Hz with damping {damping:g} cannot be written at {rate:g} Hz."
        )
    decay = 2 * np.pi * resonance * damping
    time = np.arange(int(np.ceil(np.log(1000) / decay * rate)) + 1) / rate
    return np.exp(-decay * time) * np.sin(2 * np.pi * resonance * np.sqrt(1 - damping**2) * time)


def bearing_signal(
    bearing: RollingBearing, part: str, speed_rpm: float, rate: float, seconds: float, rng: np.random.Generator, *,
    slip: float = 0.01, snr_db: float = 0.0, resonance: float = 0.0, damping: float = 0.05, depth: float = 0.5,
) -> Array:  # fmt: skip
    """Vibration of a bearing with one damaged part, in white noise.

    Args:
        part: ``inner``, ``outer`` or ``ball``; the impulses come at its order, modulated as it passes the loaded zone.
        speed_rpm: rev/min.
        rate, seconds: Of the recording, in Hz and s.
        slip: See `impulse_train`.
        snr_db: Power of the defect's vibration over that of the noise; infinite for none.
        resonance: Hz; 0: 0.3 of the sampling rate.
        damping: Of the resonance.
        depth: Of the modulation.

    Returns:
        samples; the defect's vibration has a mean square of 1.
    """
    if part not in PARTS:
        raise ValueError(f"A bearing has no part {part!r}; choose one of {', '.join(PARTS)}.")
    shaft = revolutions_per_second(speed_rpm)
    modulation = bearing.modulation_orders()[part] * shaft
    train = impulse_train(
        bearing.defect_orders()[part] * shaft, rate, seconds, rng, slip=slip, modulation=modulation,
        depth=depth if modulation else 0.0,
    )  # fmt: skip
    clean = scipy.signal.oaconvolve(train, ringing(rate, resonance or 0.3 * rate, damping))[: len(train)]
    clean /= max(np.sqrt(np.mean(clean**2)), 1e-12)
    return clean + 10 ** (-snr_db / 20) * rng.standard_normal(len(clean))
