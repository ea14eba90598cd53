"""Entries that are finished while a cache is built: a line each, so that a killed build loses only what it was at."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

from src.core.feed.cache.draft import Draft
from src.core.feed.cache.index import Entry, Row


class Journal:
    """Appends lines; each carries a checksum, so that a torn or damaged one is passed over."""

    def __init__(self, path: Path) -> None:
        self.path = path
        torn = path.exists() and path.stat().st_size > 0
        self._handle = path.open("ab", buffering=0)
        if torn:  # the process before this one may have died in the middle of a line
            self._handle.write(b"\n")

    def entry(self, number: int, entry: Entry, sums: list[int]) -> None:
        """Note a new entry.

        Raises:
            OSError: the disk is full or gone.
        """
        fields = [field.hex() if isinstance(field, bytes) else field for field in entry]
        self._write(["entry", number, fields, sums])

    def row(self, row: Row) -> None:
        """Note a sample whose entry was noted before.

        Raises:
            OSError: the disk is full or gone.
        """
        self._write(["row", row.key, row.entry, row.stamps])

    def _write(self, value: list[object]) -> None:
        text = json.dumps(value, separators=(",", ":")).encode()
        self._handle.write(b"%08x %s\n" % (zlib.crc32(text), text))

    def close(self) -> None:
        """Close the file."""
        self._handle.close()


def replay(path: Path, draft: Draft) -> int:
    """Enter what a build that did not end had finished; returns the number of entries.

    Entries whose bytes never reached the disk are found by their checksums when they are read.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return 0
    numbers: dict[int, int] = {}
    before, count = len(draft), 0
    for line in lines:
        try:
            if zlib.crc32(line[9:]) != int(line[:8], 16):
                continue
            value = json.loads(line[9:])
        except ValueError:
            continue
        if value[0] == "entry":
            entry = Entry(*value[2][:-2], *map(bytes.fromhex, value[2][-2:]))
            # an index may have been written with it before the journal could be removed
            known = draft.number_of(entry.content)
            numbers[value[1]] = draft.add(entry, value[3]) if known is None else known
            count += 1
        elif value[0] == "row" and (value[2] in numbers or value[2] < before):
            row = Row((value[1][0], value[1][1]), numbers.get(value[2], value[2]), tuple(value[3]))
            draft.put(row)
    return count
