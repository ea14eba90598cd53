"""Changes of colour, noise and blur on uint8 images of one or three channels (RGB)."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

Array = np.ndarray

#: Steps of the noise bank per standard deviation: 8 bits reach ±4.5 deviations.
_STEPS = 28.0
_BANK_SIZE = 1 << 21
_LEVELS = np.arange(256, dtype=np.float32)


def grey_plane(image: Array) -> Array | None:
    """The one plane of an RGB image whose channels are equal everywhere, or None when it has colour.

    A coarse grid decides for nearly every image with colour, so that only grey ones are compared in full.
    """
    height, width = image.shape[:2]
    grid = image[:: max(1, height // 32), :: max(1, width // 32)]
    if (grid[..., 0] != grid[..., 1]).any() or (grid[..., 1] != grid[..., 2]).any():
        return None
    red, green, blue = cv2.split(image)
    return red if np.array_equal(red, green) and np.array_equal(green, blue) else None


def tone(image: Array, brightness: float = 0.0, contrast: float = 0.0, value: float = 0.0) -> Array:
    """``image * (1 + contrast) + 255 * brightness + value``, clipped, by one table of 256 entries."""
    levels = _LEVELS * np.float32(1.0 + contrast)
    levels += np.float32(255.0 * brightness + value)
    np.rint(levels, out=levels)
    return cv2.LUT(image, np.minimum(np.maximum(levels, 0, out=levels), 255, out=levels).astype(np.uint8))


def hue_saturation_value(image: Array, hue: float, saturation: float, value: float) -> Array:
    """Shift an RGB image in HSV: hue on OpenCV's circle of 180, saturation and value of 255, clipped."""
    h, s, v = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2HSV_FULL))
    # The full circle of OpenCV has 256 steps, so that the unsigned byte wraps as the circle does.
    h = h + np.uint8(round(hue * 256 / 180) % 256)
    return cv2.cvtColor(cv2.merge((h, _shift(s, saturation), _shift(v, value))), cv2.COLOR_HSV2RGB_FULL)


def _shift(plane: Array, amount: float) -> Array:
    change = cv2.add if amount >= 0 else cv2.subtract
    return change(plane, float(abs(round(amount))))  # type: ignore[call-overload]


@lru_cache(maxsize=1)
def _bank() -> Array:
    normal = np.random.Generator(np.random.PCG64(0)).standard_normal(_BANK_SIZE, dtype=np.float32)
    bank = np.clip(np.rint(128.0 + _STEPS * normal), 0, 255).astype(np.uint8)
    bank.flags.writeable = False
    return bank


def gaussian_noise(image: Array, sigma: float, offset: float, negate: bool) -> Array:
    """Add Gaussian noise with standard deviation ``sigma`` (of 255), independent for pixels and channels.

    Drawing a million normal numbers costs more than decoding the image. So two million are drawn once,
    from a fixed seed and quantised to 1/28 of a deviation; an image takes a run of them that starts at
    ``offset`` (in [0, 1)) with either sign. One saturating weighted sum adds them: the same bytes in every
    thread and process.
    """
    rows = np.ascontiguousarray(image).reshape(image.shape[0], -1)
    noise = _bank()
    needed = rows.size
    if needed <= noise.size:
        start = int(offset * (noise.size - needed + 1))
        noise = noise[start : start + needed].reshape(rows.shape)
    else:  # wrap around: a pixel meets its twin two million values away
        noise = np.resize(np.roll(noise, -int(offset * noise.size)), rows.shape)
    factor = (-sigma if negate else sigma) / _STEPS
    return cv2.addWeighted(rows, 1.0, noise, factor, -128.0 * factor).reshape(image.shape)


def blur(image: Array, kernel: int, sigma: float) -> Array:
    """Gaussian blur with an odd kernel, in pixels."""
    return cv2.GaussianBlur(image, (kernel, kernel), sigma)
