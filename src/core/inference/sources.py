"""Where the pixels of an image to be predicted come from."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Protocol

import numpy as np

from src.core.dataset.files.image_files import UnreadableImageError
from src.core.dataset.files.images import as_model_sees, read_header, read_image
from src.core.dataset.files.large_tiff import Region, large_tiff
from src.core.feed.geometry import Array


class Source(Protocol):
    """One image. Its methods may be called from any thread, by one thread at a time."""

    name: str
    path: Path | None

    @property
    def size(self) -> tuple[int, int]:
        """``(height, width)`` in pixels, as the image is shown (turned by its EXIF orientation).

        Raises:
            UnreadableImageError: there is no image.
        """
        ...

    @property
    def band(self) -> int:
        """Rows that are cheap to read at a time; 0 where all of it is decoded at once anyway."""
        ...

    def read(self, region: Region | None = None, least: tuple[int, int] | None = None) -> Array:
        """Pixels; not to be written to.

        Args:
            region: ``(top, left, height, width)`` of a part; None for all of it.
            least: Without a region: ``(height, width)`` below which the image must not be reduced while it is
                decoded; None reads it in full.

        Returns:
            uint8 H×W×C, with one channel where the image has no colour.

        Raises:
            UnreadableImageError: with the reason.
        """
        ...

    def close(self) -> None:
        """Let go of decoded pixels; reading again decodes again."""
        ...


class FileSource:
    """An image file, read as the loader of a training reads it.

    A large TIFF of tiles or strips is read by parts; any other file is decoded once and kept until `close`.

    Attributes:
        name: For results; by default the file's name.
        path: The file.
        channels: 3 (RGB) or 1 (grey), as the model takes it; files without colour stay at one channel.
        intensity_range: Values that become black and white in images of more than 8 bits.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        channels: int = 3,
        intensity_range: tuple[float, float] | None = None,
        name: str = "",
    ) -> None:
        self.path: Path | None = Path(path)
        self._file = os.fspath(path)
        self.name = name or self.path.name  # type: ignore[union-attr]
        self.channels, self.intensity_range = channels, intensity_range
        self._size: tuple[int, int] | None = None
        self._pixels: Array | None = None
        self._lock = threading.Lock()

    @property
    def size(self) -> tuple[int, int]:
        """See `Source.size`; reads the header only."""
        if self._size is None:
            large = large_tiff(self._file)
            if large is not None:
                self._size = large.size
            else:
                header = read_header(self._file)
                self._size = header.height, header.width
        return self._size

    @property
    def band(self) -> int:
        """See `Source.band`."""
        large = large_tiff(self._file)
        return 0 if large is None else large.band

    def read(self, region: Region | None = None, least: tuple[int, int] | None = None) -> Array:
        """See `Source.read`."""
        large = large_tiff(self._file)
        if large is not None:
            if large.size != self.size:
                raise self._changed(large.size)
            if region is None and least is not None:
                raw = large.reduced(least)
            else:
                raw = large.read(region or (0, 0, *large.size))
            return as_model_sees(raw, self.channels, self.intensity_range, keep_grey=True)
        if region is None and least is not None and self._pixels is None:
            pixels = read_image(self._file, self.channels, self.intensity_range, least, keep_grey=True)
            if not any(
                pixels.shape[:2] == (-(-self.size[0] // k), -(-self.size[1] // k)) for k in (1, 2, 4, 8)
            ):
                raise self._changed((pixels.shape[0], pixels.shape[1]))
            return pixels
        whole = self._whole()
        if region is None:
            return whole
        top, left, height, width = region
        return whole[top : top + height, left : left + width]

    def _whole(self) -> Array:
        with self._lock:
            if self._pixels is None:
                pixels = read_image(self._file, self.channels, self.intensity_range, keep_grey=True)
                if pixels.shape[:2] != self.size:
                    raise self._changed((pixels.shape[0], pixels.shape[1]))
                self._pixels = pixels
            return self._pixels

    def _changed(self, size: tuple[int, int]) -> UnreadableImageError:
        expected = self.size
        return UnreadableImageError(
            self._file,
            f"has {size[1]} x {size[0]} pixels where {expected[1]} x {expected[0]} were expected: it changed while it "
            "was read, or its header is wrong; save it anew",
        )

    def close(self) -> None:
        """See `Source.close`."""
        self._pixels = None


class ArraySource:
    """An image in memory: uint8 H×W, H×W×1 or H×W×3 (RGB)."""

    path: Path | None = None

    def __init__(self, pixels: Array, name: str = "image", path: Path | None = None) -> None:
        """Raises ValueError for anything else."""
        if pixels.ndim == 2:
            pixels = pixels[..., None]
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or not pixels.size:
            raise ValueError(
                f"An image is uint8 with 1 or 3 channels and at least one pixel; this one is {pixels.dtype} of shape "
                f"{pixels.shape}. Convert it first."
            )
        self.name, self.path, self._pixels = name, path, pixels

    @property
    def size(self) -> tuple[int, int]:
        """See `Source.size`."""
        return self._pixels.shape[0], self._pixels.shape[1]

    @property
    def band(self) -> int:
        """See `Source.band`."""
        return 0

    def read(self, region: Region | None = None, least: tuple[int, int] | None = None) -> Array:
        """See `Source.read`."""
        if region is None:
            return self._pixels
        top, left, height, width = region
        return self._pixels[top : top + height, left : left + width]

    def close(self) -> None:
        """Nothing to let go of: the array is its owner's."""
