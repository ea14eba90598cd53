"""What the bytes of an image file tell without decoding: size, orientation, whether it ends as it should."""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

#: File name suffixes that are taken for images and masks.
IMAGE_SUFFIXES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".bmp",
        ".dib",
        ".tif",
        ".tiff",
        ".webp",
        ".gif",
        ".pgm",
        ".ppm",
        ".pnm",
        ".pbm",
        ".jp2",
    ]
)
#: Larger images are refused before anything is allocated for them.
MAX_PIXELS = 2**28
#: Bytes at the end of a file within which its end marker is looked for.
TAIL_BYTES = 1 << 16

_NO_IMAGES = {
    b"PK\x03\x04": "a ZIP archive", b"PK\x05\x06": "an empty ZIP archive", b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive", b"\x1f\x8b": "a gzip archive", b"%PDF": "a PDF document",
    b"<!DOCTYPE": "a web page", b"<!doctype": "a web page", b"<html": "a web page",
}  # fmt: skip
_READ_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_PIECE = 1 << 24
_TURNED = (5, 6, 7, 8)


class UnreadableImageError(Exception):
    """An image or mask file cannot be used.

    Attributes:
        path: The file.
        reason: Half a sentence that follows the path, such as "is truncated".
    """

    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        self.path = os.fspath(path)
        self.reason = reason
        super().__init__(f"{self.path} {reason}")

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.path, self.reason))


class ColourMaskError(UnreadableImageError):
    """A mask is a coloured picture: its colours are not class numbers."""


@dataclass(frozen=True)
class JpegInfo:
    """Facts from the segments before a JPEG's picture data; width and height as stored, not turned."""

    width: int
    height: int
    components: int
    orientation: int
    scan_start: int

    @property
    def turned(self) -> bool:
        """Width and height change places when the EXIF orientation is applied."""
        return self.orientation in _TURNED


def why(error: BaseException) -> str:
    """The system's words for an error, without its number and path."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def read_bytes(path: str | os.PathLike[str]) -> np.ndarray:
    """The whole file as a 1-D uint8 array; works for any file name on any system.

    Raises:
        UnreadableImageError: the file is absent, empty or not readable.
    """
    try:
        # by the system's own calls: most files are small, and Python's layers above cost more than the reading
        handle = os.open(path, _READ_FLAGS)
        try:
            size = os.fstat(handle).st_size
            content = os.read(handle, size + 1)
            if len(content) != size:  # it grew, or is too large for one call
                parts = [content]
                while parts[-1]:
                    parts.append(os.read(handle, _PIECE))
                content = b"".join(parts)
        finally:
            os.close(handle)
    except FileNotFoundError:
        raise UnreadableImageError(path, "does not exist") from None
    except OSError as error:
        raise UnreadableImageError(path, f"cannot be read: {why(error)}") from error
    if not content:
        raise UnreadableImageError(path, "is empty (0 bytes)")
    return np.frombuffer(content, dtype=np.uint8)


def kind_of(head: bytes) -> str:
    """``jpeg``, ``png``, ``tiff``, ``bmp``, ``gif``, ``webp`` or ``other``, from the first 16 bytes."""
    if head[:3] == b"\xff\xd8\xff":
        return "jpeg"
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tiff"
    if head[:2] == b"BM":
        return "bmp"
    if head[:4] == b"GIF8":
        return "gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    return "other"


def exif_orientation(block: bytes) -> int:
    """Orientation 1 to 8 from an EXIF block; 1 when it says nothing sensible."""
    from PIL import Image

    exif = Image.Exif()
    try:
        exif.load(block)
        value = exif.get(0x0112, 1)
    except Exception:  # damaged metadata never makes the picture unusable
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def jpeg_info(data: bytes | memoryview) -> JpegInfo | None:
    """Walk the segments of a JPEG up to its picture data.

    Returns:
        ``None`` when the picture data or the frame header are not reached: the file is cut or damaged.
    """
    size, at, orientation = len(data), 2, 1
    width = height = components = 0
    while at + 4 <= size:
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF or 0xD0 <= marker <= 0xD8 or marker == 0x01:
            at += 1 if marker == 0xFF else 2
            continue
        length = (data[at + 2] << 8) | data[at + 3]
        if marker == 0xDA:
            return JpegInfo(width, height, components, orientation, at + 2 + length) if width else None
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and at + 10 <= size:
            height, width = (data[at + 5] << 8) | data[at + 6], (data[at + 7] << 8) | data[at + 8]
            components = data[at + 9]
        elif marker == 0xE1 and bytes(data[at + 4 : at + 10]) == b"Exif\0\0":
            orientation = exif_orientation(bytes(data[at + 4 : at + 2 + length]))
        at += 2 + length
    return None


@dataclass(frozen=True)
class PngInfo:
    """From the header chunk of a PNG; ``colour``: 0 grey, 2 RGB, 3 palette, 4 and 6 with alpha."""

    width: int
    height: int
    bits: int
    colour: int


def png_info(data: bytes | memoryview) -> PngInfo | None:
    """Read the header chunk; ``None`` when it is cut off."""
    if len(data) < 29 or bytes(data[12:16]) != b"IHDR":
        return None
    width, height, bits, colour = struct.unpack(">IIBB", data[16:26])
    return PngInfo(width, height, bits, colour)


def png_orientation(data: bytes | memoryview) -> int:
    """Orientation from an ``eXIf`` chunk before the picture data; 1 without one."""
    at = 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        chunk = bytes(data[at + 4 : at + 8])
        if chunk == b"eXIf":
            return exif_orientation(b"Exif\0\0" + bytes(data[at + 8 : at + 8 + length]))
        if chunk in (b"IDAT", b"IEND"):
            return 1
        at += 12 + length
    return 1


def no_image(head: bytes | memoryview) -> str:
    """What a file is that has the name of an image and is none, as half a sentence; empty where nobody knows."""
    start = bytes(head[:16])
    for mark, name in _NO_IMAGES.items():
        if start.startswith(mark):
            return f"is {name}, not an image"
    return ""


def missing_end(kind: str, head: bytes | memoryview, tail: bytes | memoryview, size: int) -> str:
    """Why a file cannot be complete, or cannot be an image; empty when nothing speaks against it.

    Decoders fill what is missing with grey and say nothing, so this is looked at before they are asked.
    Formats without an end marker (TIFF) give no answer here.

    Args:
        kind: From ``kind_of``.
        head: The first bytes, at least 32 of them.
        tail: The last ``TAIL_BYTES`` bytes, or all of a smaller file.
        size: Bytes in the file.
    """
    end = bytes(tail[-TAIL_BYTES:])
    if kind == "other":
        return no_image(head)
    if kind == "jpeg" and not end.endswith(b"\xff\xd9") and b"\xff\xd9" not in end:
        return "is truncated (the JPEG has no end marker)"
    if kind == "png" and b"IEND\xae\x42\x60\x82" not in end:
        return "is truncated (the PNG has no end chunk)"
    if kind == "bmp" and len(head) >= 6 and size < int.from_bytes(head[2:6], "little"):
        return "is truncated (shorter than its header says)"
    if kind == "webp" and len(head) >= 8 and size < int.from_bytes(head[4:8], "little") + 8:
        return "is truncated (shorter than its header says)"
    if kind == "gif" and not end.rstrip(b"\0").endswith(b";"):
        return "is truncated (the GIF has no end marker)"
    return ""


def too_large(width: int, height: int) -> str:
    """Why an image of this size is refused; empty when it is not."""
    if width * height <= MAX_PIXELS:
        return ""
    return f"has {width} x {height} pixels, more than the {MAX_PIXELS} that are read: cut it into tiles"


def png_damage(data: bytes | memoryview) -> str:
    """Why a whole PNG cannot be decoded, by the lengths and checksums of its chunks; empty when right.

    Costs a few hundredths of the decoding. OpenCV 5 can hang on a wrong length, so this comes first.
    Checksums of chunks that the picture does not need (small first letter) are not looked at.
    """
    view, at = memoryview(data), 8
    while at + 12 <= len(view):
        length = int.from_bytes(view[at : at + 4], "big")
        end = at + 8 + length
        if end + 4 > len(view):
            break
        name = bytes(view[at + 4 : at + 8])
        if name[:1].isupper() and zlib.crc32(view[at + 4 : end]) != int.from_bytes(
            view[end : end + 4], "big"
        ):
            return "is damaged (a checksum of the PNG is wrong)"
        if name == b"IEND":
            return ""
        at = end + 4
    return "is damaged (the chunks of the PNG do not fit its length)"
