"""Reading the values of mask files, unchanged."""

from __future__ import annotations

import os
from collections.abc import Iterator

import cv2
import numpy as np

from src.core.dataset.files.decoding import (
    decode_cv2,
    decode_jpeg,
    decode_pillow,
    refuse_cut,
    refuse_large,
    turned,
)
from src.core.dataset.files.image_files import (
    ColourMaskError,
    UnreadableImageError,
    kind_of,
    png_info,
    png_orientation,
    read_bytes,
)
from src.core.dataset.files.large_tiff import Region, large_tiff

#: Channels of a JPEG mask may differ by this much and still be one grey value.
_JPEG_GREY_TOLERANCE = 8


def read_mask(
    path: str | os.PathLike[str], region: Region | None = None, least: tuple[int, int] | None = None
) -> np.ndarray:
    """Read the values of a mask as they are stored.

    Palette files give their indices, never their colours. Colour files whose three channels are equal give
    that value. Black-and-white files of one bit give 0 and 255. Alpha is dropped, the EXIF orientation is
    applied.

    Args:
        path: Of any kind that images may have.
        region: ``(top, left, height, width)`` of the part that is wanted. Only a large TIFF of tiles or strips is
            spared the rest.
        least: ``(height, width)`` below which neither side falls when such a TIFF is read reduced, every k-th
            pixel of it. Does nothing for other files.

    Returns:
        ``H×W`` uint8 or uint16.

    Raises:
        ColourMaskError: the mask is a coloured picture.
        UnreadableImageError: with the reason.
    """
    large = large_tiff(path)
    if large is None:
        mask = decode_mask(read_bytes(path), path)
        return mask if region is None else part_of(mask, region)
    if region is not None:
        array = large.read(region)
    elif least is not None:
        array = large.reduced(least, average=False)
    else:
        array = large.read((0, 0, *large.size))
    return _whole_numbers(path, _one_channel(path, array, 0))


def read_mask_bands(path: str | os.PathLike[str]) -> Iterator[np.ndarray]:
    """The values of a mask from top to bottom, as ``read_mask`` gives them: of a large TIFF of tiles or strips some
    rows at a time, of any other file all at once.

    Yields:
        ``H×W`` uint8 or uint16, all as wide as the mask.

    Raises:
        ColourMaskError, UnreadableImageError: as ``read_mask``.
    """
    large = large_tiff(path)
    if large is None or large.levels[0].dtype not in (np.uint8, np.uint16):
        yield read_mask(path)
        return
    height, width = large.size
    for top in range(0, height, large.band):
        array = large.read((top, 0, min(large.band, height - top), width))
        yield _one_channel(path, array, 0)


def part_of(array: np.ndarray, region: Region) -> np.ndarray:
    """A view of ``(top, left, height, width)``."""
    top, left, height, width = region
    return array[top : top + height, left : left + width]


def decode_mask(data: np.ndarray, path: str | os.PathLike[str] = "") -> np.ndarray:
    """As ``read_mask``, from the bytes of a file (1-D uint8); ``path`` is only for messages."""
    view = data.data
    kind = kind_of(bytes(view[:16]))
    refuse_cut(path, kind, view)
    if kind == "png" and (info := png_info(view)) is not None:
        refuse_large(path, info.width, info.height)
        if info.colour == 3:
            array = decode_pillow(path, data, indices=True)
        else:
            array = turned(decode_cv2(path, data), png_orientation(view))
    elif kind == "jpeg":
        array = decode_jpeg(path, data, 3, None)
    else:
        array = decode_pillow(path, data, indices=True)
    return _whole_numbers(path, _one_channel(path, array, _JPEG_GREY_TOLERANCE if kind == "jpeg" else 0))


def _one_channel(path: str | os.PathLike[str], array: np.ndarray, tolerance: int) -> np.ndarray:
    if array.ndim == 2:
        return array
    first = np.ascontiguousarray(array[..., 1])
    for other in (0, 2):
        if cv2.absdiff(first, np.ascontiguousarray(array[..., other])).max() > tolerance:
            raise ColourMaskError(
                path,
                "is a coloured picture, and colours are not class numbers: save the masks with one channel, "
                "as grey or palette PNG whose values are the class numbers",
            )
    return first


def _whole_numbers(path: str | os.PathLike[str], array: np.ndarray) -> np.ndarray:
    if array.dtype in (np.uint8, np.uint16):
        return array
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= 65535) or (array.dtype.kind == "f" and (array != np.floor(array)).any()):
        raise UnreadableImageError(
            path,
            f"has values from {low:g} to {high:g} that are not all whole numbers from 0 to 65535: "
            "save the mask with 8 or 16 bits",
        )
    return array.astype(np.uint8 if high <= 255 else np.uint16)
