"""An index in the making: compact, since the process that builds a cache of 100,000 samples then trains."""

from __future__ import annotations

import hashlib
import json
import zlib
from array import array
from pathlib import Path

import numpy as np

from src.core.feed.cache.index import ENTRY, HEADER_BYTES, MAGIC, ROW, Entry, Index, Row
from src.core.run.folder import write_atomically

_Key = tuple[int, int]
_HALF = (1 << 64) - 1


class Draft:
    """Entries are appended, rows replaced. In memory about 400 bytes a sample.

    Attributes:
        place: Shard and offset behind the last entry.
    """

    def __init__(self, index: Index | None = None) -> None:
        self.place = (1, 0)
        self._entries = bytearray()
        self._sums = array("I")
        self._by_content: dict[int, int] = {}
        self._row_at: dict[int, int] = {}
        self._row_entries, self._row_stamps = array("I"), array("q")
        for number, entry in enumerate(index.entries() if index else ()):
            self._note(number, entry)
        if index:
            self._entries += index.entry_bytes()
            self._sums.extend(index.sums.tolist())
            for row in index.rows():
                self.put(row)

    def __len__(self) -> int:
        """Entries."""
        return len(self._entries) // ENTRY.itemsize

    def number_of(self, content: tuple[bytes, bytes, int]) -> int | None:
        """The entry that holds a content already."""
        return self._by_content.get(_short(content))

    def find(self, key: _Key) -> Row | None:
        """The row of a sample."""
        at = self._row_at.get(key[0] << 64 | key[1])
        if at is None:
            return None
        a, b, c, d = self._row_stamps[4 * at : 4 * at + 4]
        return Row(key, self._row_entries[at], (a, b, c, d))

    def add(self, entry: Entry, sums: list[int]) -> int:
        """Append an entry; returns its number."""
        number = len(self)
        self._entries += np.array(tuple(entry._replace(sums=len(self._sums))), dtype=ENTRY).tobytes()
        self._sums.extend(sums)
        self._note(number, entry)
        return number

    def _note(self, number: int, entry: Entry) -> None:
        self._by_content[_short(entry.content)] = number
        self.place = max(self.place, (entry.shard, entry.end))

    def put(self, row: Row) -> None:
        """Enter a sample, or replace what was known of it."""
        at = self._row_at.setdefault(row.key[0] << 64 | row.key[1], len(self._row_entries))
        if at == len(self._row_entries):
            self._row_entries.append(row.entry)
            self._row_stamps.extend(row.stamps)
        else:
            self._row_entries[at] = row.entry
            self._row_stamps[4 * at : 4 * at + 4] = array("q", row.stamps)

    def drop(self, numbers: set[int]) -> None:
        """Forget what stands in some entries, so that their samples are read anew; the space stays lost."""
        if numbers:
            self._row_at = {
                key: at for key, at in self._row_at.items() if self._row_entries[at] not in numbers
            }
            self._by_content = {key: n for key, n in self._by_content.items() if n not in numbers}

    def write(self, path: Path) -> None:
        """Write it as an index file, atomically.

        Raises:
            OSError: the disk is full or gone.
        """
        ordered = sorted(self._row_at)
        at = np.fromiter((self._row_at[key] for key in ordered), dtype=np.int64, count=len(ordered))
        keys = np.fromiter((key >> 64 for key in ordered), dtype="<u8", count=len(ordered))
        rows = np.zeros(len(ordered), dtype=ROW)
        rows["second"] = np.fromiter((key & _HALF for key in ordered), dtype="<u8", count=len(ordered))
        rows["entry"] = np.array(self._row_entries, dtype="<u4")[at]
        stamps = np.array(self._row_stamps, dtype="<i8").reshape(-1, 4)[at]
        for column, name in enumerate(("image_bytes", "image_ns", "mask_bytes", "mask_ns")):
            rows[name] = stamps[:, column]
        sums = np.array(self._sums, dtype="<u4")
        body = b"".join((keys.tobytes(), rows.tobytes(), bytes(self._entries), sums.tobytes()))
        head = MAGIC + json.dumps([len(rows), len(self), len(sums), zlib.crc32(body)]).encode()
        write_atomically(path, head.ljust(HEADER_BYTES) + body)


def _short(content: tuple[bytes, bytes, int]) -> int:
    """128 bits for a content."""
    image, mask, factor = content
    return int.from_bytes(hashlib.blake2b(image + mask + bytes((factor,)), digest_size=16).digest(), "big")
