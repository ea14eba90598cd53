"""The small form of a picture by which near duplicates are recognised."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

#: Side of the square that is kept, and of the blurred one by which pairs are sought.
SIDE = 48
COARSE = 16
#: Grey values whose deviation is smaller have no structure.
_MIN_DEVIATION = 0.8
_STEP = 0.25


@dataclass(frozen=True, slots=True)
class Signature:
    """What is kept of a picture to recognise it again; about 1.2 KiB.

    Attributes:
        packed: ``SIDE * SIDE`` values of 4 bits, two in a byte: the fine detail, 8 is zero.
        broad: ``16 * 16`` values of 4 bits: what is larger than the detail.
        width, height: Pixels of the picture.
    """

    packed: bytes
    broad: bytes
    width: int
    height: int

    def square(self) -> np.ndarray:
        """``SIDE×SIDE`` float32, from -2 to 1.75."""
        return unpacked(self.packed, SIDE)


def signature(image: np.ndarray, size: tuple[int, int] | None = None) -> Signature | None:
    """The signature of a picture.

    Args:
        image: ``H×W`` or ``H×W×C`` uint8; may be reduced, 96 pixels a side are enough.
        size: Width and height of the picture in full, where ``image`` is reduced.

    Returns:
        ``None`` for a picture without structure: such pictures are all alike and tell nothing.
    """
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.shape[2] == 3 else image[..., 0]
    width, height = size or (image.shape[1], image.shape[0])
    grey = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    if float(grey.std()) < _MIN_DEVIATION:
        return None
    line = SIDE // 4 + 1
    detail = grey - _blurred(grey, SIDE / 19)
    detail -= cv2.blur(detail, (1, line), borderType=cv2.BORDER_REFLECT)
    detail -= cv2.blur(detail, (line, 1), borderType=cv2.BORDER_REFLECT)
    forms = _blurred(grey, SIDE / 24) - _blurred(grey, SIDE / 8)
    broad = cv2.resize(_even(forms, SIDE / 8), (COARSE, COARSE), interpolation=cv2.INTER_AREA)
    return Signature(_packed(_even(detail, SIDE / 9.6)), _packed(broad), width, height)


def _blurred(values: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)


def _even(values: np.ndarray, sigma: float) -> np.ndarray:
    """With the same contrast everywhere."""
    spread = np.sqrt(_blurred(values * values, sigma))
    # Part of the mean keeps the noise of empty areas from being raised to the level of real structure.
    return np.asarray(values / (spread + 0.3 * spread.mean() + 1e-3), dtype=np.float32)


def _packed(values: np.ndarray) -> bytes:
    levels = np.clip(np.rint(values / _STEP) + 8, 0, 15).astype(np.uint8).reshape(-1, 2)
    return (levels[:, 0] << 4 | levels[:, 1]).tobytes()


def unpacked(packed: bytes, side: int) -> np.ndarray:
    pairs = np.frombuffer(packed, dtype=np.uint8)
    levels = np.stack([pairs >> 4, pairs & 15], axis=1).reshape(side, side)
    return (levels.astype(np.float32) - 8) * np.float32(_STEP)
