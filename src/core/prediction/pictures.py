"""Masks, probabilities and overlays as image files: each appears under its name when it is complete."""

from __future__ import annotations

import errno
import os
import struct
import threading
import zlib
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from src.core.dataset.files.image_files import UnreadableImageError
from src.core.dataset.files.images import read_header, read_image

#: Overlays of larger images are made smaller: they are for looking at.
MOST_OVERLAY_PIXELS = 1 << 24
#: A JPEG has at most 65,535 rows and columns.
_MOST_SIDE = 60_000
_QUALITY = 92
_PNG_HEAD = b"\x89PNG\r\n\x1a\n"


def part_name(path: Path) -> Path:
    """Where a file is written until it is complete; of this thread alone."""
    return path.with_name(f".{path.name[-80:]}.{os.getpid()}-{threading.get_ident()}.part")


def write_file(path: Path, data: bytes | memoryview) -> None:
    """Write beside the target and rename; raises OSError and leaves nothing half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = part_name(path)
    try:
        beside.write_bytes(data)
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def _encoded(kind: str, array: np.ndarray, options: list[int]) -> memoryview:
    done, data = cv2.imencode(kind, array, options)
    if not done:
        raise OSError(errno.EIO, "the picture could not be encoded")
    return memoryview(data).cast("B")  # type: ignore[arg-type]


def write_mask(path: Path, values: np.ndarray) -> None:
    """Write ``H×W`` uint8 as a grey PNG; raises OSError."""
    # Masks are a few large areas: the run-length strategy is as small and three times as fast as the usual one
    options = [cv2.IMWRITE_PNG_COMPRESSION, 3, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    write_file(path, _encoded(".png", values, options))


class BandedPng:
    """A grey PNG of 8 bits that is written from top to bottom, so that the picture is never in memory as a whole."""

    def __init__(self, path: Path, width: int, height: int) -> None:
        """Begin; raises OSError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self._width, self._left = path, width, height
        self._beside = part_name(path)
        self._file: BinaryIO | None = self._beside.open("wb")
        self._packer = zlib.compressobj(1, strategy=zlib.Z_RLE)
        self._file.write(_PNG_HEAD)
        self._chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))

    def write(self, rows: np.ndarray) -> None:
        """Append ``h×W`` uint8; raises OSError."""
        lines = np.zeros((rows.shape[0], self._width + 1), np.uint8)  # each line begins with its filter: none
        lines[:, 1:] = rows
        self._left -= rows.shape[0]
        if data := self._packer.compress(lines.tobytes()):
            self._chunk(b"IDAT", data)

    def end(self) -> None:
        """Write what is left and give the file its name; raises OSError.

        Raises:
            ValueError: rows are missing, or there were too many.
        """
        assert self._file is not None
        if self._left:
            raise ValueError(f"{self.path.name}: {self._left} rows are missing")
        self._chunk(b"IDAT", self._packer.flush())
        self._chunk(b"IEND", b"")
        self._file.close()
        self._file = None
        self._beside.replace(self.path)

    def discard(self) -> None:
        """Leave nothing behind; does nothing after `end`."""
        if self._file is not None:
            self._file.close()
            self._file = None
            self._beside.unlink(missing_ok=True)

    def _chunk(self, name: bytes, data: bytes) -> None:
        assert self._file is not None
        self._file.write(
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )


def picture_for_overlay(
    path: str, size: tuple[int, int], intensity_range: tuple[float, float] | None
) -> np.ndarray:
    """The image, made smaller where it has more than `MOST_OVERLAY_PIXELS`.

    Args:
        path: Of the image.
        size: Height and width of its mask.
        intensity_range: See `read_image`.

    Returns:
        ``h×w×3`` uint8 RGB.

    Raises:
        UnreadableImageError: it changed or vanished since it was predicted.
    """
    height, width = size
    scale = min(1.0, (MOST_OVERLAY_PIXELS / (height * width)) ** 0.5, _MOST_SIDE / max(height, width))
    wanted = (max(1, int(height * scale)), max(1, int(width * scale)))
    if scale < 1:
        header = read_header(path)
        found = (header.height, header.width)
        image = read_image(path, 3, intensity_range, min_size=wanted)
    else:
        image = read_image(path, 3, intensity_range)
        found = image.shape[:2]  # type: ignore[assignment]
    if found != size:
        raise UnreadableImageError(path, "changed its size while it was worked on")
    if image.shape[:2] != wanted:
        image = cv2.resize(image, wanted[::-1], interpolation=cv2.INTER_AREA)
    return image


def labels_for_overlay(labels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """``H×W`` class numbers at the size of the picture for the overlay."""
    if labels.shape == size:
        return labels
    return cv2.resize(labels, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)


def write_overlay(path: Path, picture: np.ndarray) -> None:
    """Write ``H×W×3`` uint8 RGB as a JPEG; raises OSError."""
    write_file(
        path, _encoded(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    )
