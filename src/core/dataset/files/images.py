"""Reading images from files: always RGB or grey, always uint8, always turned as the camera meant it."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from src.core.dataset.files.decoding import (
    bits_of,
    decode_8bit,
    decode_cv2,
    decode_jpeg,
    decode_pillow,
    is_plain_grey,
    pillow,
    refuse_cut,
    refuse_large,
    turned,
)
from src.core.dataset.files.image_files import (
    MAX_PIXELS,
    ColourMaskError,
    UnreadableImageError,
    exif_orientation,
    kind_of,
    png_info,
    png_orientation,
    read_bytes,
    why,
)
from src.core.dataset.files.large_tiff import large_tiff
from src.core.dataset.files.mask_files import decode_mask, read_mask

__all__ = [
    "MAX_PIXELS",
    "ColourMaskError",
    "ImageHeader",
    "UnreadableImageError",
    "decode_image",
    "decode_mask",
    "read_header",
    "read_image",
    "read_mask",
    "read_native",
    "read_some_values",
]


@dataclass(frozen=True)
class ImageHeader:
    """What a file says of its picture.

    Attributes:
        width, height: Pixels, after the EXIF orientation.
        channels: 1 grey or 3 colour; alpha is not counted.
        bits: Per channel: 8 (also for 1, 2 and 4), 16 or 32.
        frames: Pictures in the file; only files with one are read.
    """

    width: int
    height: int
    channels: int
    bits: int
    frames: int = 1


def read_header(path: str | os.PathLike[str]) -> ImageHeader:
    """Size and depth of an image without decoding it (formats that only OpenCV knows are decoded).

    Raises:
        UnreadableImageError: the file is absent, empty or not an image.
    """
    image_module = pillow()
    try:
        with image_module.open(path) as image:
            width, height = image.size
            bits, turned = bits_of(image), _orientation(image) in (5, 6, 7, 8)
            grey = image.mode in ("1", "L", "LA", "I", "F") or image.mode.startswith("I;16")
            frames = int(getattr(image, "n_frames", 1)) if image.format in ("TIFF", "GIF", "WEBP") else 1
            return ImageHeader(
                *((height, width) if turned else (width, height)), 1 if grey else 3, bits, frames
            )
    except FileNotFoundError:
        raise UnreadableImageError(path, "does not exist") from None
    except image_module.UnidentifiedImageError:
        array = decode_cv2(path, read_bytes(path))
        return ImageHeader(
            array.shape[1], array.shape[0], 1 if array.ndim == 2 else 3, array.dtype.itemsize * 8
        )
    except OSError as error:
        raise UnreadableImageError(path, f"cannot be read: {why(error)}") from error
    except Exception as error:  # Pillow's parsers raise whatever damaged metadata leads them to
        raise UnreadableImageError(path, f"has a damaged header ({why(error)})") from error


def _orientation(image: Any) -> int:
    """From what is read already: Pillow decodes a whole PNG to look for a mark behind the picture."""
    if image.format == "TIFF":  # Pillow turns these itself
        return 1
    if image.format == "PNG":
        return exif_orientation(block) if isinstance(block := image.info.get("exif"), bytes) else 1
    return int(image.getexif().get(0x0112, 1))


def read_image(
    path: str | os.PathLike[str],
    channels: int = 3,
    intensity_range: tuple[float, float] | None = None,
    min_size: tuple[int, int] | None = None,
    keep_grey: bool = False,
) -> np.ndarray:
    """Read an image as the model sees it, before any resizing.

    Args:
        path: JPEG, PNG, TIFF, BMP, WebP, GIF with one frame, PNM or JPEG 2000; 8 or 16 bits or float; grey or
            colour; alpha is dropped.
        channels: 3 for RGB, 1 for grey.
        intensity_range: The values that become 0 and 255 for images of more than 8 bits; what lies outside is
            clipped. Without it 0 to 65535 for integers and 0 to 1 for float. Does nothing for 8-bit images.
        min_size: ``(height, width)`` of the finished image. A JPEG may then come out 2, 4 or 8 times smaller,
            which is much faster, as long as neither side falls below it; and a large TIFF of tiles or strips
            smaller by any whole number.
        keep_grey: Give one channel for a grey file also where three are asked for: a third of the memory.

    Returns:
        ``H×W×channels`` uint8.

    Raises:
        UnreadableImageError: with the reason, also for files that are cut off.
    """
    if min_size is not None and (large := large_tiff(path)) is not None:
        return as_model_sees(large.reduced(min_size), channels, intensity_range, keep_grey)
    return decode_image(read_bytes(path), path, channels, intensity_range, min_size, keep_grey)


def decode_image(
    data: np.ndarray,
    path: str | os.PathLike[str] = "",
    channels: int = 3,
    intensity_range: tuple[float, float] | None = None,
    min_size: tuple[int, int] | None = None,
    keep_grey: bool = False,
) -> np.ndarray:
    """As ``read_image``, from the bytes of a file (1-D uint8); ``path`` is only for messages."""
    if channels not in (1, 3):
        raise ValueError(f"channels is {channels}: images are read with 1 (grey) or 3 (colour)")
    view = data.data
    kind = kind_of(bytes(view[:16]))
    refuse_cut(path, kind, view)
    if kind == "jpeg":
        return decode_jpeg(path, data, channels, min_size, keep_grey)
    if kind == "png":
        info = png_info(view)
        if info is None:
            raise UnreadableImageError(path, "is truncated")
        refuse_large(path, info.width, info.height)
        if info.bits <= 8:
            return decode_8bit(path, data, 1 if keep_grey and is_plain_grey(info, data) else channels)
        array = turned(decode_cv2(path, data), png_orientation(view))
    else:
        array = decode_pillow(path, data, indices=False)
    return as_model_sees(array, channels, intensity_range, keep_grey)


def read_native(path: str | os.PathLike[str]) -> np.ndarray:
    """An image with its own depth: ``H×W`` or ``H×W×3``, RGB, turned, without alpha.

    Raises:
        UnreadableImageError: with the reason.
    """
    data = read_bytes(path)
    view = data.data
    kind = kind_of(bytes(view[:16]))
    refuse_cut(path, kind, view)
    if kind in ("jpeg", "png"):
        return turned(decode_cv2(path, data), png_orientation(view) if kind == "png" else 1)
    return decode_pillow(path, data, indices=False)


def read_some_values(path: str | os.PathLike[str], most: int) -> np.ndarray:
    """About ``most`` values of an image in its own depth, spread evenly over it: 1-D.

    Raises:
        UnreadableImageError: with the reason.
    """
    large = large_tiff(path)
    side = int(most**0.5)
    values = (read_native(path) if large is None else large.reduced((side, side), average=False)).ravel()
    return values[:: max(1, values.size // most)]


@functools.lru_cache(maxsize=4)
def _scale_table(low: float, high: float) -> np.ndarray:
    return _scale(np.arange(65536, dtype=np.float32), low, high)


def _scale(values: np.ndarray, low: float, high: float) -> np.ndarray:
    if not high > low:
        raise ValueError(f"intensity_range is ({low}, {high}): the second number must be the larger one")
    scaled = (values.astype(np.float32, copy=False) - np.float32(low)) * np.float32(255.0 / (high - low))
    return (np.clip(np.nan_to_num(scaled, nan=0.0), 0, 255) + np.float32(0.5)).astype(np.uint8)


def _to_uint8(array: np.ndarray, intensity_range: tuple[float, float] | None) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    low, high = intensity_range or ((0.0, 65535.0) if array.dtype.kind in "iu" else (0.0, 1.0))
    if array.dtype == np.uint16:
        return _scale_table(float(low), float(high))[array]
    return _scale(array, float(low), float(high))


def as_model_sees(
    array: np.ndarray, channels: int, intensity_range: tuple[float, float] | None, keep_grey: bool = False
) -> np.ndarray:
    """``H×W`` or ``H×W×3`` of the file's own depth as ``H×W×C`` uint8; see `read_image`."""
    return _as_channels(_to_uint8(array, intensity_range), 1 if keep_grey and array.ndim == 2 else channels)


def _as_channels(array: np.ndarray, channels: int) -> np.ndarray:
    if array.ndim == 2:
        return array[..., None] if channels == 1 else cv2.cvtColor(array, cv2.COLOR_GRAY2RGB)
    return array if channels == 3 else cv2.cvtColor(array, cv2.COLOR_RGB2GRAY)[..., None]
