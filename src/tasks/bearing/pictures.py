"""Time-frequency pictures of a window, of one size whatever its length. Torch-free."""

from __future__ import annotations

import cv2
import numpy as np

from src.tasks.bearing.signals.time_frequency import cwt, smoothed_pseudo_wigner_ville, stft

#: Decibels below the largest value at which a picture ends: what lies deeper is noise of the computation.
DEPTH_DB = 80.0
#: Samples of a column of the spectrogram to a row of the picture: two rows' worth of frequencies are computed.
_FINER = 4


def spectrogram_grid(samples: int, side: int) -> tuple[int, int]:
    """Samples of a segment of the spectrogram of a window, and from one segment to the next."""
    length = min(_FINER * side, samples)
    return length, max(1, min(length // 4, samples // side))


def picture(kind: str, window: np.ndarray, rate: float, side: int) -> np.ndarray:
    """``stft``, ``cwt`` or ``wvd`` (smoothed pseudo Wigner-Ville) of a window in decibels, mean 0 and deviation 1.

    Args:
        kind: Which.
        window: Samples, one dimension.
        rate: Hz.
        side: Rows (low frequencies first) and columns of the result.

    Returns:
        side×side, float32. Finer ones are averaged to that size.
    """
    if kind == "stft":
        values = stft(window, rate, *spectrogram_grid(len(window), side)).values
    elif kind == "cwt":
        values = cwt(window, rate, side).values
    else:
        values = np.sqrt(np.abs(smoothed_pseudo_wigner_ville(window, rate, bins=2 * side).values))
    values = np.asarray(values, np.float32)
    if values.shape[1] > side:  # energy, not decibels, is what may be averaged
        values = np.sqrt(cv2.resize(values**2, (side, values.shape[0]), interpolation=cv2.INTER_AREA))
    level = 20 * np.log10(np.maximum(values, max(float(values.max()), 1e-30) * 10 ** (-DEPTH_DB / 20)))
    level = cv2.resize(
        level, (side, side), interpolation=cv2.INTER_AREA if values.shape[0] > side else cv2.INTER_LINEAR
    )
    deviation = float(level.std())
    found: np.ndarray = (level - level.mean()) / (deviation if deviation > 1e-6 else 1.0)
    return found
