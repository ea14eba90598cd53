"""Decoding image files to arrays: kornia-rs for plain PNG, OpenCV for what it does well, Pillow for the rest."""

from __future__ import annotations

import os
from typing import Any

import cv2
import numpy as np

from src.core.dataset.files.image_files import (
    TAIL_BYTES,
    PngInfo,
    UnreadableImageError,
    jpeg_info,
    missing_end,
    png_damage,
    too_large,
    why,
)
from src.core.dataset.files.plain_png import decode_plain_png

_RGB_FLAG = getattr(cv2, "IMREAD_COLOR_RGB", None)
_REDUCED = {
    (2, 3): cv2.IMREAD_REDUCED_COLOR_2,
    (4, 3): cv2.IMREAD_REDUCED_COLOR_4,
    (8, 3): cv2.IMREAD_REDUCED_COLOR_8,
    (2, 1): cv2.IMREAD_REDUCED_GRAYSCALE_2,
    (4, 1): cv2.IMREAD_REDUCED_GRAYSCALE_4,
    (8, 1): cv2.IMREAD_REDUCED_GRAYSCALE_8,
}


def pillow() -> Any:
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = (
        None  # its limit warns or raises by its own number; ours is checked before decoding
    )
    return Image


def bits_of(image: Any) -> int:
    if image.format == "PNG":
        depth = image.tile[0][3] if image.tile else ""
        return 16 if "16" in str(depth) else 8
    if image.format == "TIFF":
        return max(8, *(int(b) for b in image.tag_v2.get(258, (8,))))
    return 32 if image.mode in ("I", "F") else 16 if image.mode.startswith("I;16") else 8


def refuse_cut(path: str | os.PathLike[str], kind: str, view: memoryview) -> None:
    reason = missing_end(kind, view[:32], view[-TAIL_BYTES:], len(view))
    # Some cameras append films to their JPEGs: then the marker lies further to the front.
    if reason and not (kind == "jpeg" and len(view) > TAIL_BYTES and jpeg_end_inside(view)):
        raise UnreadableImageError(path, reason)
    if kind == "png" and (reason := png_damage(view)):
        raise UnreadableImageError(path, reason)


def jpeg_end_inside(view: memoryview) -> bool:
    """Whether a JPEG's end marker stands anywhere behind the start of its picture data."""
    info = jpeg_info(view)
    return info is not None and b"\xff\xd9" in bytes(view[info.scan_start :])


def refuse_large(path: str | os.PathLike[str], width: int, height: int) -> None:
    if reason := too_large(width, height):
        raise UnreadableImageError(path, reason)


def is_plain_grey(info: PngInfo, data: np.ndarray) -> bool:
    """Whether a PNG holds grey values and nothing else, so that reading one channel changes none of them."""
    return info.colour == 0 and info.bits == 8 and b"tRNS" not in bytes(data.data[:1024])


def decode_jpeg(
    path: str | os.PathLike[str],
    data: np.ndarray,
    channels: int,
    min_size: tuple[int, int] | None,
    keep_grey: bool = False,
) -> np.ndarray:
    info = jpeg_info(data.data)
    if info is None:
        raise UnreadableImageError(path, "is damaged (the JPEG has no picture data)")
    refuse_large(path, info.width, info.height)
    if keep_grey and info.components == 1:
        channels = 1
    if min_size is not None:
        height, width = (info.width, info.height) if info.turned else (info.height, info.width)
        for factor in (8, 4, 2):
            if height // factor >= min_size[0] and width // factor >= min_size[1]:
                reduced = imdecode(path, data, _REDUCED[factor, channels])
                return cv2.cvtColor(reduced, cv2.COLOR_BGR2RGB) if channels == 3 else reduced[..., None]
    return decode_8bit(path, data, channels)


def decode_8bit(path: str | os.PathLike[str], data: np.ndarray, channels: int) -> np.ndarray:
    plain = decode_plain_png(data, only_grey=channels == 1)
    if plain is not None:
        if plain.shape[2] == channels:
            return plain
        return cv2.cvtColor(plain, cv2.COLOR_GRAY2RGB if plain.shape[2] == 1 else cv2.COLOR_RGBA2RGB)
    if channels == 1:
        return imdecode(path, data, cv2.IMREAD_GRAYSCALE)[..., None]
    if _RGB_FLAG is not None:
        return imdecode(path, data, _RGB_FLAG)
    return cv2.cvtColor(imdecode(path, data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def imdecode(path: str | os.PathLike[str], data: np.ndarray, flags: int) -> np.ndarray:
    try:
        array = cv2.imdecode(data, flags)
    except cv2.error as error:
        raise UnreadableImageError(
            path, f"cannot be decoded ({str(error).strip().splitlines()[-1]})"
        ) from error
    if array is None:
        raise UnreadableImageError(path, "is damaged or not an image (the decoder gave up)")
    return array


def decode_cv2(path: str | os.PathLike[str], data: np.ndarray) -> np.ndarray:
    """As stored, RGB order, without alpha, not turned."""
    plain = decode_plain_png(data)
    if plain is not None:
        if plain.shape[2] == 1:
            return plain[..., 0]
        return plain if plain.shape[2] == 3 else cv2.cvtColor(plain, cv2.COLOR_RGBA2RGB)
    array = imdecode(path, data, cv2.IMREAD_UNCHANGED)
    if array.ndim == 2:
        return array
    if array.shape[2] == 2:
        return np.ascontiguousarray(array[..., 0])
    return np.ascontiguousarray(array[..., 2::-1]) if array.shape[2] >= 3 else array[..., 0]


def decode_pillow(path: str | os.PathLike[str], data: np.ndarray, indices: bool) -> np.ndarray:
    """Any format but JPEG and PNG, turned, without alpha; ``indices``: palette numbers instead of colours."""
    import io

    image_module = pillow()
    try:
        image = image_module.open(io.BytesIO(data.tobytes()))
        frames, deep = getattr(image, "n_frames", 1), image.mode in ("RGB", "RGBA") and bits_of(image) > 8
    except Exception:  # unknown to Pillow, or a header that it stumbles over: OpenCV has the last word
        array = decode_cv2(path, data)
        refuse_large(path, array.shape[1], array.shape[0])
        return array
    refuse_large(path, *image.size)
    if frames > 1:
        raise UnreadableImageError(path, f"holds {frames} pictures: save each as a file of its own")
    if deep:
        return decode_cv2(path, data)
    try:
        image.load()
        if image.format != "TIFF":  # Pillow has turned a TIFF already
            from PIL import ImageOps

            image = ImageOps.exif_transpose(image)
        return _pillow_array(image, indices)
    except Exception as error:  # Pillow's decoders raise whatever damaged data lead them to
        raise UnreadableImageError(path, f"is damaged ({why(error)})") from error


def _pillow_array(image: Any, indices: bool) -> np.ndarray:
    if image.mode == "P" and not indices:
        image = image.convert("RGB")
    elif image.mode == "1":
        image = image.convert("L")
    elif image.mode in ("LA", "PA", "La"):
        image = image.getchannel(0) if indices or image.mode != "PA" else image.convert("RGB")
    elif image.mode not in ("L", "P", "RGB", "I", "F") and not image.mode.startswith("I;16"):
        image = image.convert("RGB")
    return np.asarray(image)


def turned(array: np.ndarray, orientation: int) -> np.ndarray:
    """Apply an EXIF orientation (1 to 8) to ``H×W[×C]``."""
    if orientation in (5, 6, 7, 8):
        array = array.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    return np.ascontiguousarray(array)
