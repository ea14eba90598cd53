"""Augmentation of windows of a signal: each a pure function of its input and of a generator of random numbers.

`AUGMENTATIONS` says of each what it breaks. A bearing is diagnosed by the period of its impulses and, where impulses are
modulated, by their phase: what breaks one of them may teach a model to look at something else, and is off unless asked
for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
from scipy.ndimage import map_coordinates

from src.tasks.bearing.signals.spectra import Array, checked


class Mixed(NamedTuple):
    """A window made of two.

    Attributes:
        signal: samples.
        share: How much of the first one it holds; its label counts so much, that of the second the rest.
    """

    signal: Array
    share: float


def _of_type(values: Array, like: Array) -> Array:
    return values.astype(like.dtype, copy=False)


def add_noise(signal: Array, rng: np.random.Generator, snr_db: float = 20.0) -> Array:
    """White Gaussian noise at exactly the stated signal-to-noise ratio of this window; a silent window stays silent.

    Args:
        signal: ..., samples; each window gets noise of its own.
        snr_db: 10 log10 of the signal's power (about its mean) over that of the noise.
    """
    signal = checked(signal)
    noise = rng.standard_normal(signal.shape)
    noise -= noise.mean(-1, keepdims=True)
    noise /= noise.std(-1, keepdims=True)
    return _of_type(signal + noise * signal.std(-1, keepdims=True) * 10 ** (-snr_db / 20), signal)


def drift_amplitude(signal: Array, rng: np.random.Generator, decibels: float = 6.0) -> Array:
    """Louder and softer: the gain moves evenly, in decibels, from one value to another, both from -decibels to +decibels.

    The gain is about the mean of the window. One gain for all of a window would do nothing to a network whose windows are
    standardised.
    """
    signal = checked(signal)
    first, last = rng.uniform(-decibels, decibels, (2, *signal.shape[:-1], 1))
    gain = 10 ** ((first + (last - first) * np.linspace(0, 1, signal.shape[-1])) / 20)
    mean = signal.mean(-1, keepdims=True)
    return _of_type((signal - mean) * gain + mean, signal)


def shift_time(signal: Array, rng: np.random.Generator, most: float = 1.0) -> Array:
    """The window turned about by up to a share of its length. Breaks phase: its end is joined to its start at one place."""
    signal = checked(signal)
    length = signal.shape[-1]
    return np.roll(signal, int(rng.integers(0, max(1, int(most * length)) + 1)), -1)


def mask_time(signal: Array, rng: np.random.Generator, most: float = 0.1, count: int = 1) -> Array:
    """Stretches of up to a share of the window set to its mean. The impulses that are left keep their period."""
    signal = checked(signal)
    masked = signal.copy()
    length = signal.shape[-1]
    for _ in range(count):
        width = int(rng.integers(0, int(most * length) + 1))
        start = int(rng.integers(0, length - width + 1))
        masked[..., start : start + width] = signal.mean(-1, keepdims=True)
    return masked


def jitter(signal: Array, rng: np.random.Generator, deviation: float = 0.03) -> Array:
    """Noise of a sensor, of a standard deviation relative to that of the signal (Um et al. 2017, arXiv:1706.00527)."""
    signal = checked(signal)
    noise = rng.standard_normal(signal.shape) * (deviation * signal.std(-1, keepdims=True))
    return _of_type(signal + noise, signal)


def drop_patches(signal: Array, rng: np.random.Generator, share: float = 0.2, patches: int = 32) -> Array:
    """A share of the window's equal patches set to its mean. Breaks periodicity: many gaps, at random distances."""
    signal = checked(signal)
    edges = np.linspace(0, signal.shape[-1], patches + 1).astype(int)
    masked = signal.copy()
    for patch in rng.choice(patches, round(share * patches), replace=False):
        masked[..., edges[patch] : edges[patch + 1]] = signal.mean(-1, keepdims=True)
    return masked


def permute(signal: Array, rng: np.random.Generator, pieces: int = 4) -> Array:
    """Pieces of random lengths in another order (Um et al. 2017). Breaks phase and periodicity at each joint."""
    signal = checked(signal)
    length = signal.shape[-1]
    if length < pieces:
        raise ValueError(
            f"{length} samples cannot be cut into {pieces} pieces. Choose fewer pieces or a longer window."
        )
    cuts = np.sort(rng.choice(np.arange(1, length), pieces - 1, replace=False))
    parts = np.split(signal, cuts, axis=-1)
    return np.concatenate([parts[index] for index in rng.permutation(pieces)], -1)


def jitter_time(signal: Array, rng: np.random.Generator, most: float = 0.01, knots: int = 8) -> Array:
    """The window runs faster and slower by up to a share of its speed. Breaks phase and periodicity.

    The speed is a line through ``knots + 1`` values drawn evenly; beginning and end stay where they are. Samples in
    between are read by cubic splines.
    """
    signal = checked(signal)
    last = signal.shape[-1] - 1
    speed = np.interp(
        np.arange(last) * (knots / max(1, last)), np.arange(knots + 1), rng.uniform(-1, 1, knots + 1)
    )
    place = np.concatenate([[0.0], np.cumsum(1 + most * speed)])
    place *= last / place[-1] if last else 1.0
    rows = signal.reshape(-1, last + 1)
    moved = np.stack([map_coordinates(row.astype(np.float64), place[None], mode="nearest") for row in rows])
    return _of_type(moved.reshape(signal.shape), signal)


def mix_up(signal: Array, other: Array, rng: np.random.Generator, alpha: float = 0.2) -> Mixed:
    """``share · signal + (1 - share) · other``, share from Beta(alpha, alpha) (Zhang et al. 2018, arXiv:1710.09412).

    Both keep their periods: vibrations add. The two must have the same rate and axis.
    """
    share = float(rng.beta(alpha, alpha))
    return Mixed(_of_type(share * checked(signal) + (1 - share) * checked(other), np.asarray(signal)), share)


def cut_mix(signal: Array, other: Array, rng: np.random.Generator, alpha: float = 1.0) -> Mixed:
    """One stretch replaced by that of another window, its length from Beta(alpha, alpha) (Yun et al. 2019, arXiv:1905.04899).

    Breaks phase and periodicity at both ends of the stretch; see `paste`.
    """
    return paste(signal, other, rng, float(rng.beta(alpha, alpha)))


def paste(signal: Array, other: Array, rng: np.random.Generator, share: float) -> Mixed:
    """All but a share of the window, in one stretch at a random place, replaced by the same stretch of another window.

    The share of the result is that of the samples that stayed.
    """
    mixed, length = checked(signal).copy(), np.shape(signal)[-1]
    width = round((1 - share) * length)
    start = int(rng.integers(0, length - width + 1))
    mixed[..., start : start + width] = other[..., start : start + width]
    return Mixed(mixed, 1 - width / length)


@dataclass(frozen=True)
class Augmentation:
    """What is known of one augmentation.

    Attributes:
        name, label: For the configuration and for people.
        apply: (signal, rng, strength) to the signal, or (signal, other, rng, strength) to `Mixed`.
        strength, weakest, strongest: Of its one number: usual, and the ends between which a policy draws; ``weakest``
            may be the greater number (of decibels of signal over noise).
        unit: Of the strength.
        breaks: What it destroys, as a warning shows it; empty for nothing. Where not empty, it is off unless chosen.
        mixes: Takes a second window.
    """

    name: str
    label: str
    apply: Callable[..., Any]
    strength: float
    weakest: float
    strongest: float
    unit: str = ""
    breaks: str = ""
    mixes: bool = False

    @property
    def on_by_default(self) -> bool:
        return not self.breaks


_SEAM = "phase: the window has a seam where its end meets its start"
_GAPS = "periodicity: gaps at random distances"
_BOTH = "phase and periodicity: the speed wavers"
_JOINTS = "phase and periodicity at each joint"
_ALL = (
    Augmentation("noise", "Noise at a signal-to-noise ratio", add_noise, 20.0, 40.0, 0.0, "dB"),
    Augmentation("amplitude", "Amplitude", drift_amplitude, 6.0, 0.0, 12.0, "dB"),
    Augmentation("time_mask", "Time mask", mask_time, 0.1, 0.0, 0.3, "of the window"),
    Augmentation("jitter", "Jitter", jitter, 0.03, 0.0, 0.2, "deviations"),
    Augmentation("mix_up", "Mix-up", mix_up, 0.2, 0.05, 1.0, "α", mixes=True),
    Augmentation("time_shift", "Time shift", shift_time, 1.0, 0.0, 1.0, "of the window", _SEAM),
    Augmentation("patch_drop", "Patch drop", drop_patches, 0.2, 0.0, 0.5, "of the patches", _GAPS),
    Augmentation("time_jitter", "Jitter of time", jitter_time, 0.01, 0.0, 0.05, "of the speed", _BOTH),
    Augmentation("permutation", "Permutation", lambda s, rng, k: permute(s, rng, round(k)), 4, 2, 8, "pieces", _JOINTS),
    Augmentation("cut_mix", "CutMix", cut_mix, 1.0, 0.2, 1.0, "α", _JOINTS, mixes=True),
)  # fmt: skip

#: Every augmentation of this module by name, those that break nothing first.
AUGMENTATIONS: Final[Mapping[str, Augmentation]] = MappingProxyType({item.name: item for item in _ALL})


@dataclass(frozen=True)
class RandomPolicy:
    """For each window a few augmentations drawn at random, at one magnitude (RandAugment, Cubuk et al. 2020).

    Attributes:
        names: To draw from; by default those of one window that break nothing.
        count: How many, without repetition.
        magnitude: 0: the weakest of each, 1: the strongest.

    Raises ValueError for a name that is unknown or mixes two windows.
    """

    names: Sequence[str] = tuple(item.name for item in _ALL if item.on_by_default and not item.mixes)
    count: int = 2
    magnitude: float = 0.5

    def __post_init__(self) -> None:
        single = [item.name for item in _ALL if not item.mixes]
        if wrong := [name for name in self.names if name not in single]:
            raise ValueError(f"A policy cannot draw {', '.join(wrong)}; choose from {', '.join(single)}.")
        if not (0 <= self.count <= len(self.names) and 0 <= self.magnitude <= 1):
            raise ValueError(
                f"A policy draws 0 to {len(self.names)} augmentations at a magnitude from 0 to 1."
            )

    def __call__(self, signal: Array, rng: np.random.Generator) -> Array:
        """The augmented window(s): ..., samples."""
        for index in rng.choice(len(self.names), self.count, replace=False):
            item = AUGMENTATIONS[self.names[index]]
            strength = item.weakest + self.magnitude * (item.strongest - item.weakest)
            signal = item.apply(signal, rng, strength)
        return signal
