"""Reading a log in the background without holding up the window: in pieces, thinned where it is very long."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from src.core.run import Event
from src.core.run.events import parse

_PIECE = 1 << 20
#: A log longer than this is read with fewer of its batches: a plot cannot show more points than this anyway.
_FULL_BYTES = 8 << 20
_BATCH = b'"type":"batch_progress"'
_SAMPLE = b'"type":"resource_sample"'


class PieceTail:
    """Like `EventTail`, in pieces of at most 1 MB, so that no single call holds Python's lock for long.

    Attributes:
        path: The event log.
        batches: Whether batch progress and resource samples are wanted at all.
    """

    def __init__(self, path: Path, *, batches: bool = True) -> None:
        self.path = path
        self.batches = batches
        self._offset = 0
        self._rest = b""
        self._count = 0

    def skip_to_end(self) -> None:
        """Pass over all that is there now."""
        try:
            self._offset, self._rest = self.path.stat().st_size, b""
        except OSError:
            self._offset, self._rest = 0, b""

    def pieces(self) -> Iterator[list[Event]]:
        """What was added since the last call, piece by piece."""
        stride = 1 + max(0, self._size() - self._offset) // _FULL_BYTES
        while True:
            data = self._read()
            if not data:
                return
            *lines, self._rest = (self._rest + data).split(b"\n")
            found = [event for line in lines if self._wanted(line, stride) and (event := parse(line))]
            if found:
                yield found

    def read(self) -> list[Event]:
        """All that was added since the last call."""
        return [event for piece in self.pieces() for event in piece]

    def _size(self) -> int:
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def _read(self) -> bytes:
        try:
            with self.path.open("rb") as handle:
                handle.seek(self._offset)
                data = handle.read(_PIECE)
        except OSError:
            return b""
        self._offset += len(data)
        return data

    def _wanted(self, line: bytes, stride: int) -> bool:
        head = line[:120]
        if _BATCH not in head and _SAMPLE not in head:
            return bool(line)
        self._count += 1
        return self.batches and self._count % stride == 0


class TextTail:
    """New text of a log file that another process writes.

    Attributes:
        path: The file.
        first: Of an old log, at most this many bytes from its end are read.
    """

    def __init__(self, path: Path, first: int = 200_000) -> None:
        self.path = path
        self.first = first
        self._offset: int | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def read(self) -> str:
        """Text since the last call, at most 1 MB of it."""
        try:
            with self.path.open("rb") as handle:
                size = handle.seek(0, 2)
                if self._offset is None:
                    self._offset = max(0, size - self.first)
                if size < self._offset:
                    self._offset = 0
                handle.seek(self._offset)
                data = handle.read(_PIECE)
        except OSError:
            return ""
        self._offset += len(data)
        return self._decoder.decode(data)
