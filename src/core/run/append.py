"""A file to which whole lines are appended, as logs are: what a process that died left half-written is closed off."""

from __future__ import annotations

import os
import threading
from pathlib import Path


class AppendFile:
    """Appends lines without buffering: they are with the operating system when `write` returns. Any thread may write.

    Attributes:
        lock: Held while a line is written; for callers that number their lines.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the file; raises OSError."""
        torn = False
        if path.exists():
            with path.open("rb") as handle:
                if handle.seek(0, os.SEEK_END):
                    handle.seek(-1, os.SEEK_END)
                    torn = handle.read(1) != b"\n"
        self.lock = threading.RLock()
        self._handle = path.open("ab", buffering=0)
        self._end = self._handle.seek(0, os.SEEK_END)
        if torn:  # the process before this one died in the middle of a line
            try:
                self._end += self._handle.write(b"\n")
            except OSError:
                self._handle.close()
                raise

    def write(self, line: bytes) -> int:
        """Append a line and its end; returns the offset at which it begins.

        Raises:
            OSError: The disk is full or gone; whoever opens the file next closes a half-written line off.
        """
        with self.lock:
            begins, rest = self._end, memoryview(line + b"\n")
            while rest:
                written = self._handle.write(rest) or 0
                self._end += written
                rest = rest[written:]
            return begins

    def close(self) -> None:
        """Flush to the disk and close; safe to call twice."""
        if not self._handle.closed:
            try:
                os.fsync(self._handle.fileno())
            finally:
                self._handle.close()
