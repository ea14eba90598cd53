"""A cache as readers see it: views into mapped files, checked at first sight."""

from __future__ import annotations

import json
import mmap
import os
import threading
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from src.core.dataset.files.large_tiff import Region
from src.core.dataset.records import Sample
from src.core.feed.cache.index import BLOCK, DamagedIndexError, Entry, Index, checksums
from src.core.feed.cache.leases import Lease
from src.core.feed.cache.recipe import Want, sample_key, stamps
from src.core.feed.cache.shards import shard_path

INDEX_PATTERN = "index-*.bin"
JOURNAL, SUSPECTS, ABOUT = "journal.jsonl", "suspects.txt", "cache.json"


#: Of mapped files, about as much stays in the resident memory of a process.
RESIDENT_BYTES = 1 << 26


class CacheWarning(UserWarning):
    """Something is wrong with a cache; training goes on from the files."""


class DamagedEntryError(ValueError):
    """The bytes of an entry are not those that were written.

    Attributes:
        number: Of the entry.
    """

    def __init__(self, number: int, place: str) -> None:
        super().__init__(f"entry {number} in {place} does not have its checksum")
        self.number = number


def index_files(folder: Path) -> list[Path]:
    """The indexes in a folder, the newest first."""
    return sorted(folder.glob(INDEX_PATTERN), reverse=True)


def newest_index(folder: Path) -> Index | None:
    """The newest index that is whole; None where there is none."""
    for path in index_files(folder):
        with suppress(OSError, DamagedIndexError):
            return Index(path)
    return None


def read_about(folder: Path) -> dict[str, Any]:
    """``cache.json``, or an empty mapping where it is absent or damaged."""
    try:
        value = json.loads((folder / ABOUT).read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def read_suspects(folder: Path) -> set[int]:
    """Entries that were found damaged and wait for the next build."""
    try:
        words = (folder / SUSPECTS).read_text("ascii", "replace").split()
    except OSError:
        return set()
    return {int(word) for word in words if word.isdecimal()}


class PackedCache:
    """Decoded samples, mapped. Pickles as its path: another process maps the files anew.

    Safe from several threads. While it is open, its lease keeps other processes from evicting it; a loader's worker
    processes rely on the lease of the process that started them.

    Attributes:
        folder: Where its files are.
        hits, misses: Reads that the cache could serve, and those that it could not (absent, changed, damaged).
    """

    def __init__(self, folder: Path, lease: Lease | None = None) -> None:
        """Open what is there.

        Raises:
            OSError, DamagedIndexError: there is no whole index.
        """
        index = newest_index(folder)
        if index is None:
            raise DamagedIndexError(f"there is no whole index in {folder}")
        self.folder = folder
        self.index = index
        self.hits = self.misses = 0
        self._lease = lease
        self._maps: dict[int, tuple[np.ndarray, mmap.mmap]] = {}
        self._touched = 0
        self._lock = threading.Lock()
        self._checked = np.zeros(len(index.sums), dtype=bool)
        self._hopeless = read_suspects(folder)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.folder,)

    def __len__(self) -> int:
        """Samples in it."""
        return len(self.index)

    def close(self) -> None:
        """Let go of the files, and let the cache be evicted. Views that were handed out stay valid."""
        with self._lock:
            self._maps.clear()
        if self._lease is not None:
            self._lease.release()
            self._lease = None

    def find(self, sample: Sample, least: tuple[int, int] | None) -> int | None:
        """The number of the entry of a sample; None where it is absent or a file changed since it was read."""
        row = self.index.find(sample_key(Want(sample, least)))
        if row is None or row.entry in self._hopeless:
            return None
        try:
            return row.entry if stamps(sample) == row.stamps else None
        except OSError:  # gone: the reader of the files has the words for it
            return None

    def entry(self, number: int) -> Entry:
        """Where an entry lies, and its size."""
        return self.index.entry(number)

    def view(self, number: int, region: Region | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The image, uint8 H×W×C, and the class numbers, uint8 H×W: read-only views, nothing is copied.

        The checksums of the blocks that the region touches are verified when it is the first time in this process.

        Args:
            region: Part of image and mask, which must then have one size.

        Raises:
            DamagedEntryError: a checksum is wrong, or the file too short.
        """
        entry = self.index.entry(number)
        data = self._shard(entry.shard)
        if data is None or len(data) < entry.end:
            raise DamagedEntryError(number, str(shard_path(self.folder, entry.shard)))
        middle = entry.offset + entry.image_bytes
        top, left, height, width = region or (0, 0, entry.height, entry.width)
        row_bytes = entry.width * entry.channels
        self._count(height * (row_bytes + entry.mask_width))
        self._check(
            number, entry, data, entry.offset, middle, entry.sums, top * row_bytes, (top + height) * row_bytes
        )
        image = data[entry.offset : middle].reshape(entry.height, entry.width, entry.channels)
        if not entry.mask_bytes:
            return (image, np.zeros(image.shape[:2], np.uint8)) if region is None else (
                image[top : top + height, left : left + width], np.zeros((height, width), np.uint8)
            )  # fmt: skip
        first = entry.sums + -(-entry.image_bytes // BLOCK)
        low, high = (
            (0, entry.mask_bytes)
            if region is None
            else (top * entry.mask_width, (top + height) * entry.mask_width)
        )
        self._check(number, entry, data, middle, entry.end, first, low, high)
        mask = data[middle : entry.end].reshape(entry.mask_height, entry.mask_width)
        if region is None:
            return image, mask
        return image[top : top + height, left : left + width], mask[top : top + height, left : left + width]

    def _check(
        self,
        number: int,
        entry: Entry,
        data: np.ndarray,
        start: int,
        end: int,
        first: int,
        low: int,
        high: int,
    ) -> None:
        """Verify the blocks of ``data[start:end]`` that hold its bytes ``low`` to ``high``."""
        for block in range(low // BLOCK, -(-min(high, end - start) // BLOCK)):
            if self._checked[first + block]:
                continue
            at = start + block * BLOCK
            if zlib.crc32(data[at : min(at + BLOCK, end)].data) != int(self.index.sums[first + block]):
                raise DamagedEntryError(number, str(shard_path(self.folder, entry.shard)))
            self._checked[first + block] = True

    def _shard(self, number: int) -> np.ndarray | None:
        found = self._maps.get(number)
        if found is None:
            with self._lock:
                found = self._maps.get(number)
                if found is None:
                    try:
                        with shard_path(self.folder, number).open("rb") as handle:
                            # shards only grow, so what is mapped never goes away under a reader
                            view = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
                    except (OSError, ValueError):
                        return None
                    found = self._maps[number] = np.frombuffer(view, np.uint8), view
        return found[0]

    def _count(self, touched: int) -> None:
        """Let go of pages now and then, so that the memory of this process does not grow to the size of the cache.

        They stay in the page cache of the system, from where the next look takes them without reading the disk.
        """
        self._touched += touched
        if self._touched < RESIDENT_BYTES or not hasattr(mmap, "MADV_DONTNEED"):
            return
        with self._lock:
            self._touched = 0
            for _, view in self._maps.values():
                view.madvise(mmap.MADV_DONTNEED)

    def repair(self, number: int, image: np.ndarray, mask: np.ndarray) -> bool:
        """Write the right bytes over damaged ones; several processes may do so at once, they write the same.

        Args:
            image, mask: As read from the files.

        Returns:
            False where these are not the bytes that belong there or where they cannot be written: then the
            entry is not used any more, and the next build replaces it.
        """
        entry = self.index.entry(number)
        parts = [np.ascontiguousarray(image), np.ascontiguousarray(mask)][: 2 if entry.mask_bytes else 1]
        wanted = [crc for part in parts for crc in checksums(part)]
        stored = self.index.sums[entry.sums : entry.sums + len(wanted)].tolist()
        size = sum(part.nbytes for part in parts)
        if wanted == stored and size == entry.end - entry.offset and self._overwrite(entry, parts):
            with suppress(DamagedEntryError):
                self._checked[entry.sums : entry.sums + len(wanted)] = False
                self.view(number)
                return True
        self._hopeless.add(number)
        with suppress(OSError), (self.folder / SUSPECTS).open("a") as handle:
            handle.write(f"{number}\n")
        return False

    def _overwrite(self, entry: Entry, parts: list[np.ndarray]) -> bool:
        path = shard_path(self.folder, entry.shard)
        try:
            with path.open("r+b" if path.exists() else "w+b") as handle:
                handle.seek(entry.offset)
                for part in parts:
                    handle.write(part.data)
                handle.flush()
                os.fsync(handle.fileno())
        except OSError:
            return False
        with self._lock:
            self._maps.pop(entry.shard, None)  # the file may have been too short before
        return True
