"""Variables of large MATLAB files of version 5, mapped into memory or unpacked in pieces.

scipy reads a variable as a whole: an hour at 50 kHz would take 1.4 GB. Here only its place in the file is looked up
(MAT-File Format, The MathWorks, chapter 1: tags of eight bytes, then flags, dimensions, name and values). Compressed
variables are unpacked once into the workspace.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from src.tasks.bearing.files.facts import UnreadableSignalError
from src.tasks.bearing.files.spool import spooled

_MATRIX, _COMPRESSED = 14, 15
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
#: Array classes of plain numbers: double, single and the eight kinds of integers.
_CLASSES = range(6, 16)
_HEAD = 4096
_PIECE = 4 * 2**20


@dataclass(frozen=True)
class _Variable:
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    start: int
    """Bytes from the beginning of the matrix element to its values."""


def mapped(path: Path, name: str) -> np.ndarray | None:
    """A variable of plain numbers of a MATLAB file of version 5; None where it is of another kind or version.

    Raises:
        UnreadableSignalError: The file is shorter than it says.
    """
    with path.open("rb") as stream:
        header = stream.read(128)
        if len(header) < 128 or header[126:128] not in (b"IM", b"MI"):
            return None
        order = "<" if header[126:128] == b"IM" else ">"
        while len(tag := stream.read(8)) == 8:
            kind, size = struct.unpack(f"{order}II", tag)
            at = stream.tell()
            if kind == _MATRIX and (found := _variable(stream.read(_HEAD), order)) and found.name == name:
                return _map(path, found, at + found.start)
            if kind == _COMPRESSED:
                stream.seek(at)
                # The element begins with a tag of its own inside the compressed bytes.
                head = zlib.decompressobj().decompress(stream.read(min(size, _HEAD)), _HEAD)
                if (found := _variable(head[8:], order)) and found.name == name:
                    return _unpacked(path, found, at, size)
            stream.seek(at + size)
    return None


def _map(path: Path, found: _Variable, offset: int) -> np.ndarray:
    try:
        return np.memmap(path, found.dtype, "r", offset, found.shape, order="F")
    except ValueError as error:
        raise UnreadableSignalError(f"“{found.name}” is cut off: the file is incomplete") from error


def _variable(head: bytes, order: str) -> _Variable | None:
    """What the beginning of a matrix element says; None for complex numbers, structures, cells and texts."""
    try:
        flags = struct.unpack_from(f"{order}I", head, 8)[0]
        if flags & 0xFF not in _CLASSES or flags >> 8 & 8:  # 8: complex
            return None
        _, dims, at = _element(head, 16, order)
        shape = struct.unpack(f"{order}{len(dims) // 4}i", dims)
        _, name, at = _element(head, at, order)
        small = struct.unpack_from(f"{order}I", head, at)[0]
        kind, start = (small & 0xFFFF, at + 4) if small >> 16 else (small, at + 8)
    except (struct.error, IndexError):
        return None
    if kind not in _TYPES or min(shape, default=0) < 1:
        return None
    return _Variable(name.decode("ascii", "replace"), shape, np.dtype(order + _TYPES[kind]), start)


def _element(head: bytes, at: int, order: str) -> tuple[int, bytes, int]:
    """Type, bytes and end of a data element; those of up to four bytes lie in the tag itself."""
    kind, size = struct.unpack_from(f"{order}II", head, at)
    if kind >> 16:
        return kind & 0xFFFF, head[at + 4 : at + 4 + (kind >> 16)], at + 8
    return kind, head[at + 8 : at + 8 + size], at + 8 + (size + 7) // 8 * 8


def _unpacked(path: Path, found: _Variable, at: int, size: int) -> np.ndarray:
    def pieces() -> Iterator[np.ndarray]:
        with path.open("rb") as stream:
            yield from _inflate(stream, found, at, size)

    flat = spooled(path, found.name, pieces)
    return flat.reshape(found.shape, order="F")


def _inflate(stream: BinaryIO, found: _Variable, at: int, size: int) -> Iterator[np.ndarray]:
    wanted = int(np.prod(found.shape, dtype=np.int64)) * found.dtype.itemsize
    skip, rest, left = found.start + 8, b"", size
    unpacker = zlib.decompressobj()
    stream.seek(at)
    waiting = b""
    while wanted > 0:
        if not waiting:
            waiting = stream.read(min(_PIECE, left))
            left -= len(waiting)
        try:
            got = unpacker.decompress(waiting, _PIECE)
        except zlib.error as error:
            raise UnreadableSignalError(f"“{found.name}” is damaged ({error})") from error
        waiting = unpacker.unconsumed_tail
        if not got and not waiting and (left <= 0 or unpacker.eof):
            raise UnreadableSignalError(f"“{found.name}” is cut off: the file is incomplete")
        cut = min(skip, len(got))
        skip -= cut
        rest += got[cut:]
        whole = min(len(rest), wanted) // found.dtype.itemsize * found.dtype.itemsize
        if whole:
            yield np.frombuffer(rest[:whole], found.dtype).astype(np.float32)
            rest, wanted = rest[whole:], wanted - whole
