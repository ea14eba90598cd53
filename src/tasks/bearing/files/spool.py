"""Signals of formats that cannot be read in parts: kept in memory while small, else written once as plain numbers."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from src.core.run.folder import workspace

#: Channels up to so many samples stay in memory, 64 MB each.
SMALL = 16_000_000
_MEMORY_BYTES = 256 * 2**20
_FOLDER = "signals"
#: The files of the folder together; the one used longest ago makes room.
_DISK_BYTES = 40 * 10**9

_lock = threading.RLock()
_kept: OrderedDict[tuple[str, int, int, str], np.ndarray] = OrderedDict()


def key_of(path: str | os.PathLike[str], channel: str) -> tuple[str, int, int, str]:
    """What names a channel of a file in the state in which it is now."""
    state = Path(path).stat()
    return os.fspath(path), state.st_size, state.st_mtime_ns, channel


def kept(path: str | os.PathLike[str], channel: str, make: Callable[[], np.ndarray]) -> np.ndarray:
    """A channel from memory, or made and kept there; those used longest ago go beyond 256 MB."""
    key = key_of(path, channel)
    with _lock:
        found = _kept.pop(key, None)
        if found is None:
            found = make()
        _kept[key] = found
        while len(_kept) > 1 and sum(a.nbytes for a in _kept.values()) > _MEMORY_BYTES:
            _kept.popitem(last=False)
        return found


def spooled(
    path: str | os.PathLike[str], channel: str, pieces: Callable[[], Iterable[np.ndarray]]
) -> np.ndarray:
    """A channel as a memory-mapped array of float32 in the workspace, written from ``pieces`` the first time.

    Raises:
        OSError: There is no room for it, or the workspace cannot be written.
    """
    digest = hashlib.sha256("\0".join(map(str, key_of(path, channel))).encode("utf-8", "surrogatepass"))
    folder = workspace() / _FOLDER
    target = folder / f"{digest.hexdigest()[:24]}.f32"
    with _lock:
        if not target.exists():
            folder.mkdir(parents=True, exist_ok=True)
            beside = target.with_suffix(f".{os.getpid()}.part")
            try:
                with beside.open("wb") as stream:
                    for piece in pieces():
                        stream.write(np.ascontiguousarray(piece, dtype="<f4").tobytes())
                beside.replace(target)
            finally:
                beside.unlink(missing_ok=True)
            _make_room(folder, target)
    with contextlib.suppress(OSError):
        os.utime(target)
    return np.memmap(target, dtype="<f4", mode="r") if target.stat().st_size else np.zeros(0, np.float32)


def _make_room(folder: Path, newest: Path) -> None:
    files = sorted(folder.glob("*.f32"), key=lambda p: p.stat().st_mtime, reverse=True)
    total = 0
    for path in files:
        total += path.stat().st_size
        if total > _DISK_BYTES and path != newest:
            with contextlib.suppress(OSError):  # another process may be reading it
                path.unlink()
