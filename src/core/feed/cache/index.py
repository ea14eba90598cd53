"""Where each sample lies in the shards: arrays in one immutable file, mapped by every process that reads."""

from __future__ import annotations

import json
import mmap
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

#: Bytes that share a checksum, so that a crop of a large image is checked without reading all of it.
BLOCK = 1 << 18
MAGIC = b"LATHE-CACHE-INDEX-1\n"
HEADER_BYTES = 128
ROW = np.dtype(
    [("second", "<u8"), ("entry", "<u4"), ("image_bytes", "<i8"), ("image_ns", "<i8"), ("mask_bytes", "<i8"), ("mask_ns", "<i8")]
)  # fmt: skip
ENTRY = np.dtype(
    [("shard", "<u4"), ("offset", "<u8"), ("height", "<u4"), ("width", "<u4"), ("channels", "u1"), ("mask_height", "<u4"),
     ("mask_width", "<u4"), ("sums", "<u8"), ("factor", "u1"), ("image_digest", "V16"), ("mask_digest", "V16")]
)  # fmt: skip


class Entry(NamedTuple):
    """Where the decoded bytes of one content lie: the image, and behind it the mask.

    Attributes:
        shard, offset: Number of the file, and bytes from its beginning.
        height, width, channels: Of the image.
        mask_height, mask_width: 0 where nothing is on the image: its mask is zero everywhere and not stored.
        sums: Position of its first checksum: one for each `BLOCK` of the image, then one for each of the mask.
        factor: How many times the decoder reduced the image.
        image_digest, mask_digest: BLAKE2b of the files, 16 bytes.
    """

    shard: int
    offset: int
    height: int
    width: int
    channels: int
    mask_height: int
    mask_width: int
    sums: int
    factor: int
    image_digest: bytes
    mask_digest: bytes

    @property
    def image_bytes(self) -> int:
        """Of the decoded image."""
        return self.height * self.width * self.channels

    @property
    def mask_bytes(self) -> int:
        """Of the stored mask."""
        return self.mask_height * self.mask_width

    @property
    def end(self) -> int:
        """The first byte behind it in its shard."""
        return self.offset + self.image_bytes + self.mask_bytes

    @property
    def content(self) -> tuple[bytes, bytes, int]:
        """What determines its bytes, see `Content.key`."""
        return self.image_digest, self.mask_digest, self.factor


def checksums(data: np.ndarray) -> list[int]:
    """CRC-32 of each `BLOCK` of contiguous uint8."""
    view = data.reshape(-1).data
    return [zlib.crc32(view[at : at + BLOCK]) for at in range(0, len(view), BLOCK)]


class Row(NamedTuple):
    """A sample: its key, the number of its entry, and the stamps of its files when they were read."""

    key: tuple[int, int]
    entry: int
    stamps: tuple[int, int, int, int]


class DamagedIndexError(ValueError):
    """The file is not an index, or not whole."""


class Index:
    """An index as it was written; immutable.

    Attributes:
        path: Its file.
    """

    def __init__(self, path: Path) -> None:
        """Map a file.

        Raises:
            OSError: it cannot be opened.
            DamagedIndexError: it is not whole.
        """
        self.path = path
        with path.open("rb") as handle:
            head = handle.read(HEADER_BYTES)
            try:
                if not head.startswith(MAGIC):
                    raise ValueError
                rows, entries, sums, crc = json.loads(head[len(MAGIC) :])
                view = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
            except (ValueError, TypeError) as error:
                raise DamagedIndexError(f"{path} is not an index of a cache") from error
        self._map = view
        sizes = [rows * 8, rows * ROW.itemsize, entries * ENTRY.itemsize, sums * 4]
        if len(view) != HEADER_BYTES + sum(sizes) or zlib.crc32(memoryview(view)[HEADER_BYTES:]) != crc:
            raise DamagedIndexError(f"{path} is damaged")
        parts, at = [], HEADER_BYTES
        kinds: tuple[np.dtype[Any], ...] = (np.dtype("<u8"), ROW, ENTRY, np.dtype("<u4"))
        for size, kind in zip(sizes, kinds, strict=True):
            parts.append(np.frombuffer(view, kind, size // kind.itemsize, at))
            at += size
        self._keys, self._rows, self._entries, self.sums = parts

    def __len__(self) -> int:
        """Samples in it."""
        return len(self._keys)

    @property
    def entry_count(self) -> int:
        """Different contents in it."""
        return len(self._entries)

    def find(self, key: tuple[int, int]) -> Row | None:
        """The row of a sample."""
        at = int(self._keys.searchsorted(np.uint64(key[0])))
        while at < len(self._keys) and int(self._keys[at]) == key[0]:
            second, entry, *stamps = self._rows[at].item()
            if second == key[1]:
                return Row(key, entry, tuple(stamps))  # type: ignore[arg-type]
            at += 1
        return None

    def entry(self, number: int) -> Entry:
        """An entry by its number."""
        return Entry(*self._entries[number].item())

    def stale_share(self) -> float:
        """Share of the bytes that no row points at any more: their files changed."""
        e = self._entries
        sizes = (
            e["height"].astype(np.int64) * e["width"] * e["channels"]
            + e["mask_height"].astype(np.int64) * e["mask_width"]
        )
        total = int(sizes.sum())
        return 1 - int(sizes[np.unique(self._rows["entry"])].sum()) / total if total else 0.0

    def entry_bytes(self) -> bytes:
        """All entries as they are stored."""
        return self._entries.tobytes()

    def rows(self) -> Iterator[Row]:
        """All rows."""
        for first, row in zip(self._keys, self._rows, strict=True):
            second, entry, *stamps = row.item()
            yield Row((int(first), second), entry, tuple(stamps))  # type: ignore[arg-type]

    def entries(self) -> Iterator[Entry]:
        """All entries, by their numbers."""
        for fields in self._entries:
            yield Entry(*fields.item())
