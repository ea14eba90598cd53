"""Class weights and priors from pixel counts."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

WeightMethod = Literal["inverse", "inverse_sqrt", "median_frequency", "effective"]

#: Cui et al. 2019. Per pixel the effective number saturates at once; the count is scaled so that the most
#: frequent class stands for this many independent observations.
_EFFECTIVE_OBSERVATIONS = 1e4
_EFFECTIVE_BETA = 0.9999


def class_weights(counts: ArrayLike, method: WeightMethod = "inverse_sqrt") -> np.ndarray:
    """Weight of each class from its number of pixels.

    Args:
        counts: ``C`` pixel counts of the training set, ignored pixels left out.
        method: With the frequency f of a class, ``inverse`` is 1/f, ``inverse_sqrt`` is 1/sqrt(f),
            ``median_frequency`` is median(f)/f (after the normalisation below the same as ``inverse``) and
            ``effective`` is (1-b)/(1-b^n).

    Returns:
        ``C`` float64 weights whose mean over the classes that occur is 1. A class without a pixel gets 0:
        there is nothing to learn it from, and any other number would only punish false positives.

    Raises:
        ValueError: for an unknown method, negative counts, or counts that are all zero.
    """
    pixels = np.asarray(counts, dtype=np.float64)
    if pixels.ndim != 1 or pixels.size == 0 or (pixels < 0).any() or not np.isfinite(pixels).all():
        raise ValueError("counts must be a list of numbers, one a class, none negative")
    present = pixels > 0
    if not present.any():
        raise ValueError("no class has a pixel: class weights cannot be made from empty masks")
    frequency = pixels[present] / pixels.sum()
    if method in ("inverse", "median_frequency"):
        raw = np.median(frequency) / frequency
    elif method == "inverse_sqrt":
        raw = 1.0 / np.sqrt(frequency)
    elif method == "effective":
        observations = frequency / frequency.max() * _EFFECTIVE_OBSERVATIONS
        raw = (1.0 - _EFFECTIVE_BETA) / -np.expm1(observations * np.log(_EFFECTIVE_BETA))
    else:
        raise ValueError(
            f"unknown weighting '{method}': use inverse, inverse_sqrt, median_frequency or effective"
        )
    weights = np.zeros_like(pixels)
    weights[present] = raw / raw.mean()
    return weights


def foreground_prior(counts: ArrayLike, floor: float = 1e-4) -> np.ndarray:
    """Share of the pixels of each class, kept within ``[floor, 1 - floor]``.

    The bias of the last layer starts from it (``log(p / (1 - p))`` for one channel, ``log p`` for several),
    so that the first predictions match how rare the object is. Without any pixel all classes get the same
    share.

    Args:
        counts: ``C`` pixel counts of the training set; for a binary set background and object.
    """
    pixels = np.asarray(counts, dtype=np.float64)
    if pixels.ndim != 1 or pixels.size == 0 or (pixels < 0).any():
        raise ValueError("counts must be a list of numbers, one a class, none negative")
    total = pixels.sum()
    share = pixels / total if total > 0 else np.full_like(pixels, 1.0 / pixels.size)
    return np.clip(share, floor, 1.0 - floor)
