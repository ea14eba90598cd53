"""SpecAugment: masks over frequency and time of a picture of a signal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from src.tasks.bearing.signals.spectra import Array


@dataclass(frozen=True)
class SpecAugment:
    """Frequency and time masking (D. S. Park et al., "SpecAugment", Interspeech 2019, arXiv:1904.08779), without time warp.

    Each mask over frequency has a width f drawn evenly from 0 to ``frequency_width`` and starts at a place drawn evenly
    from 0 to F - f; each over time likewise with ``time_width``, and never wider than ``time_share`` of the picture. The
    masks are filled with the picture's mean (the paper's 0, for pictures normalised to a mean of 0). The time warp is
    left out: it would move the impulses whose period is the diagnosis, and the paper found it to matter least.

    Attributes:
        frequency_masks, frequency_width: Number of masks m_F, and F in bins.
        time_masks, time_width: m_T, and T in columns.
        time_share: p, the most that one time mask may cover.
    """

    frequency_masks: int = 2
    frequency_width: int = 8
    time_masks: int = 2
    time_width: int = 16
    time_share: float = 0.2

    def __post_init__(self) -> None:
        numbers = (self.frequency_masks, self.frequency_width, self.time_masks, self.time_width)
        if min(numbers) < 0 or not 0 <= self.time_share <= 1:
            raise ValueError("Masks are counted and measured from 0, and the share of time lies from 0 to 1.")

    def __call__(self, picture: Array, rng: np.random.Generator) -> Array:
        """A masked copy.

        Args:
            picture: ..., frequencies, times; all leading entries (channels) get the same masks, each its own mean.
            rng: Where the masks come from.
        """
        masked = np.array(picture, copy=True)
        fill = np.mean(picture, axis=(-2, -1), keepdims=True, dtype=np.float64).astype(masked.dtype)
        bins, columns = masked.shape[-2:]
        for _ in range(self.frequency_masks):
            start, end = _place(bins, min(self.frequency_width, bins), rng)
            masked[..., start:end, :] = fill
        widest = min(self.time_width, int(self.time_share * columns))
        for _ in range(self.time_masks):
            start, end = _place(columns, widest, rng)
            masked[..., start:end] = fill
        return masked


def _place(length: int, widest: int, rng: np.random.Generator) -> tuple[int, int]:
    """Start and end of a mask on an axis."""
    width = int(rng.integers(0, widest + 1))
    start = int(rng.integers(0, max(1, length - width)))
    return start, start + width
