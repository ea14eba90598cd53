"""The files that hold the pixels, one sample after the other."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

#: A shard is closed when it has grown to this: many small files are slow to handle, and copying one huge one too.
SHARD_BYTES = 1 << 28
#: The room on the disk is looked at again after so many bytes.
_LOOK_EVERY = 1 << 26


class DiskShortError(OSError):
    """Writing on would leave less than the reserve on the disk."""


def shard_path(folder: Path, number: int) -> Path:
    """The file of a shard, numbered from 1."""
    return folder / f"shard-{number:04}.bin"


class ShardWriter:
    """Appends to the last shard of a cache. One thread at a time.

    Written by calls, not through a map: a full disk is then an error and not a signal that ends the process.
    """

    def __init__(self, folder: Path, reserve: int) -> None:
        """``reserve``: bytes that stay free on the disk."""
        self.folder, self.reserve = folder, reserve
        self._file: BinaryIO | None = None
        self._number, self._at = 1, 0
        self._unlooked = _LOOK_EVERY

    def go_on(self, place: tuple[int, int]) -> None:
        """Go on at a shard and an offset; what a killed build left behind it is written over."""
        self._number, self._at = place

    def append(self, parts: list[np.ndarray]) -> tuple[int, int]:
        """Write arrays one behind the other; returns the shard and the offset of the first.

        Raises:
            OSError: the disk is full, gone, or has only its reserve left.
        """
        size = sum(part.nbytes for part in parts)
        self._look_at_disk(size)
        if self._at >= SHARD_BYTES:
            self.close()
            self._number, self._at = self._number + 1, 0
        if self._file is None:
            path = shard_path(self.folder, self._number)
            self._file = path.open("r+b" if path.exists() else "w+b")
        self._file.seek(self._at)
        for part in parts:
            self._file.write(part.data)
        self._file.flush()
        start = self._at
        self._at += size
        return self._number, start

    def _look_at_disk(self, size: int) -> None:
        self._unlooked += size
        if self._unlooked < _LOOK_EVERY:
            return
        self._unlooked = 0
        free = shutil.disk_usage(self.folder).free
        if free - max(size, _LOOK_EVERY) < self.reserve:
            raise DiskShortError(
                f"only {free / 1e9:.1f} GB are free on the disk, and {self.reserve / 1e9:.1f} GB are to stay free"
            )

    def close(self) -> None:
        """Close the file; a later `append` opens it again."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None
