"""Parts of large TIFF files, without reading them whole: tiles or strips by tifffile, from the level that is enough.

Pillow and OpenCV decode a TIFF as a whole. A photograph of 10,000 by 10,000 pixels is 300 MB then, for a window of
512 pixels. Files written in tiles, or in strips of few rows, hold each of them compressed by itself.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from src.core.dataset.files.image_files import MAX_PIXELS, UnreadableImageError, why

if TYPE_CHECKING:
    from tifffile import TiffPage

#: Smaller files are decoded as a whole, which is faster.
LARGE_PIXELS = 2**24
#: One tile or strip may hold at most so many pixels; a file in one piece gains nothing here.
_PIECE_PIXELS = 2**24
_SUFFIXES = (".tif", ".tiff")
#: Photometric interpretations that are read: dark is high, dark is low, RGB, and YCbCr, which JPEG turns to RGB.
_WHITE_IS_ZERO, _GREY, _RGB, _YCBCR = 0, 1, 2, 6

#: ``(top, left, height, width)`` in pixels.
Region = tuple[int, int, int, int]


@dataclass(frozen=True)
class LargeTiff:
    """A TIFF of which parts can be read.

    Attributes:
        path: The file.
        levels: The same picture in falling resolution, the full one first.
    """

    path: str
    levels: tuple[TiffPage, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return int(self.levels[0].imagelength), int(self.levels[0].imagewidth)

    @property
    def band(self) -> int:
        """Rows that are cheap to read at a time at full resolution: whole rows of pieces, 256 or more."""
        page = self.levels[0]
        high = int(page.tilelength if page.is_tiled else min(page.rowsperstrip, page.imagelength))
        return high * -(-256 // high)

    def read(self, region: Region) -> np.ndarray:
        """A part of the picture at full resolution.

        Args:
            region: ``(top, left, height, width)`` in pixels, within the picture.

        Returns:
            ``H×W`` or ``H×W×3``, of the file's own type.

        Raises:
            UnreadableImageError: a piece is damaged, or the file cannot be read any more.
        """
        return self._part(self.levels[0], region)

    def reduced(self, least: tuple[int, int], average: bool = True) -> np.ndarray:
        """The whole picture made smaller by a whole number, piece by piece.

        Args:
            least: ``(height, width)`` below which neither side falls.
            average: Means of blocks, from the smallest level that is large enough; else the pixel in the middle
                of each block of the full picture, as labels need it.

        Returns:
            As ``read``.
        """
        page = self.levels[0]
        if average:
            enough = [p for p in self.levels if p.imagelength >= least[0] and p.imagewidth >= least[1]]
            page = enough[-1] if enough else page
        height, width = int(page.imagelength), int(page.imagewidth)
        k = max(1, min(height // max(least[0], 1), width // max(least[1], 1)))
        # bands of whole blocks that hold at least one row of pieces
        band = -(-max(int(page.tilelength if page.is_tiled else page.rowsperstrip), 256) // k) * k
        parts = []
        for top in range(0, height - height % k, band):
            rows = min(band, height - height % k - top)
            part = self._part(page, (top, 0, rows, width - width % k))
            if k > 1 and average:
                size = (part.shape[1] // k, part.shape[0] // k)
                part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
            elif k > 1:
                part = part[k // 2 :: k, k // 2 :: k].copy()
            parts.append(part)
        return np.concatenate(parts)

    def _part(self, page: TiffPage, region: Region) -> np.ndarray:
        top, left, height, width = region
        samples = int(page.samplesperpixel)
        out = np.zeros((height, width, samples), page.dtype)
        try:
            for piece, at_row, at_column, plane in _pieces(self.path, page, region):
                rows, columns = piece.shape[0], piece.shape[1]
                y, x = max(at_row, top), max(at_column, left)
                bottom, right = min(at_row + rows, top + height), min(at_column + columns, left + width)
                source = piece[y - at_row : bottom - at_row, x - at_column : right - at_column]
                target = out[y - top : bottom - top, x - left : right - left]
                if plane is None:
                    target[...] = source
                else:
                    target[..., plane] = source[..., 0]
        except UnreadableImageError:
            raise
        except Exception as error:  # decoders raise whatever damaged data lead them to
            raise UnreadableImageError(self.path, f"is damaged ({why(error)})") from error
        if page.photometric == _WHITE_IS_ZERO and out.dtype.kind == "u":
            out = np.iinfo(out.dtype).max - out
        return np.ascontiguousarray(out[..., 0] if samples < 3 else out[..., :3])


def _pieces(path: str, page: TiffPage, region: Region) -> Iterator[tuple[np.ndarray, int, int, int | None]]:
    """The decoded tiles or strips that touch a region: ``H×W×C``, row, column, and the plane of separate ones."""
    top, left, height, width = region
    wide = int(page.tilewidth) if page.is_tiled else int(page.imagewidth)
    high = int(page.tilelength) if page.is_tiled else int(page.rowsperstrip)
    across, down = -(-int(page.imagewidth) // wide), -(-int(page.imagelength) // high)
    separate = int(page.planarconfig) == 2 and page.samplesperpixel > 1
    planes: list[int | None] = [*range(min(int(page.samplesperpixel), 3))] if separate else [None]
    with open(path, "rb") as stream:  # noqa: PTH123 - a Path would be made anew for every window
        for plane in planes:
            for row in range(top // high, min(down, -(-(top + height) // high))):
                for column in range(left // wide, min(across, -(-(left + width) // wide))):
                    index = (plane or 0) * across * down + row * across + column
                    count = page.databytecounts[index]
                    if not count:  # a sparse file leaves out pieces without content
                        continue
                    stream.seek(page.dataoffsets[index])
                    data = stream.read(count)
                    if len(data) < count:
                        raise UnreadableImageError(path, "is truncated")
                    tables: Any = {"jpegtables": page.jpegtables} if page.jpegtables is not None else {}
                    decoded, _, _ = page.decode(data, index, **tables)
                    if decoded is not None:
                        yield np.asarray(decoded)[0], row * high, column * wide, plane


def large_tiff(path: str | os.PathLike[str], least_pixels: int = LARGE_PIXELS) -> LargeTiff | None:
    """The file, if it is a large TIFF of which parts can be read; ``None`` for any other.

    Grey or RGB, 8 or 16 bits or float, with one picture and perhaps its smaller levels.
    """
    name = os.fspath(path)
    if not name.lower().endswith(_SUFFIXES):
        return None
    try:
        stat = os.stat(name)  # noqa: PTH116 - as above
    except OSError:
        return None
    return _opened(name, stat.st_mtime_ns, stat.st_size, least_pixels)


@functools.lru_cache(maxsize=64)
def _opened(path: str, _changed: int, _size: int, least_pixels: int) -> LargeTiff | None:
    try:
        from tifffile import TiffFile, TiffPage
    except ImportError:
        return None
    try:
        with TiffFile(path) as file:
            first = file.series[0]
            pages = [level.pages[0] for level in first.levels if len(level.pages) == 1]
            if len(file.series) > 1 and len(first.levels) == 1:
                return None  # several pictures, of which none is the picture
            levels = tuple(page for page in pages if isinstance(page, TiffPage) and _is_readable(page))
            for page in levels:
                _ = page.jpegtables, page.decode  # both look into the file, which is closed then
    except Exception:  # whatever is wrong with it, the reader of whole files says it in its own words
        return None
    if not levels or levels[0] is not pages[0]:
        return None
    if levels[0].imagelength * levels[0].imagewidth < least_pixels:
        return None
    return LargeTiff(path, levels)


def _is_readable(page: TiffPage) -> bool:
    piece = page.tilewidth * page.tilelength if page.is_tiled else page.imagewidth * page.rowsperstrip
    return (
        piece <= min(_PIECE_PIXELS, MAX_PIXELS)
        and page.dtype is not None
        and np.dtype(page.dtype).name in ("uint8", "uint16", "float32")
        and int(page.imagedepth) == 1
        and int(page.photometric) in (_WHITE_IS_ZERO, _GREY, _RGB, _YCBCR)
        and page.ndim in (2, 3)
        and not (int(page.photometric) in (_RGB, _YCBCR) and int(page.samplesperpixel) < 3)
    )
