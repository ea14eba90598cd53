"""Which caches there are, how much they take, and how room is made: the one used longest ago goes first."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from src.core.feed.cache.building import BUILD_LOCK
from src.core.feed.cache.leases import in_use, registry
from src.core.feed.cache.packed import ABOUT, newest_index, read_about

_GB = 10**9
_LAST_USE = "last-use"
_DELETED = ".deleted-"


@dataclass(frozen=True)
class CacheInfo:
    """One cache.

    Attributes:
        folder: Where it is; ``name`` is the folder's own name.
        dataset, root: What people call the data set, and where its images are.
        samples: Images in it.
        bytes: On the disk.
        last_used: Unix time.
        in_use: A living process reads or builds it.
    """

    folder: Path
    dataset: str
    root: str
    samples: int
    bytes: int
    last_used: float
    in_use: bool

    @property
    def name(self) -> str:
        """By which the command line calls it."""
        return self.folder.name

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {
            "name": self.name, "folder": str(self.folder), "dataset": self.dataset, "root": self.root,
            "samples": self.samples, "bytes": self.bytes, "last_used": self.last_used, "in_use": self.in_use,
        }  # fmt: skip


@dataclass(frozen=True)
class Room:
    """Space for a cache.

    Attributes:
        bytes: That may be written.
        free, reserve: Bytes free on the disk, and those of them that are to stay free.
        evicted: Caches that were deleted for it.
    """

    bytes: int
    free: int
    reserve: int
    evicted: tuple[CacheInfo, ...] = ()


def reserve_of(total: int) -> int:
    """Bytes that a cache leaves free on a disk of ``total`` bytes: 5 %, at least 2 GB and at most 20 GB."""
    return min(max(total // 20, 2 * _GB), 20 * _GB)


def touch(folder: Path) -> None:
    """Note that a cache is used now."""
    with suppress(OSError):
        (folder / _LAST_USE).touch()


def list_caches(caches: Path) -> list[CacheInfo]:
    """All caches, the one used last first."""
    found = []
    with suppress(OSError):
        for folder in caches.iterdir():
            if (folder / ABOUT).is_file() and not folder.name.startswith("."):
                found.append(_info(folder))
    return sorted(found, key=lambda info: (-info.last_used, info.name))


def _info(folder: Path) -> CacheInfo:
    about, index = read_about(folder), newest_index(folder)
    last = 0.0
    for name in (_LAST_USE, ABOUT):
        with suppress(OSError):
            last = max(last, (folder / name).stat().st_mtime)
    return CacheInfo(
        folder, str(about.get("dataset", "")), str(about.get("root", "")), len(index) if index else 0, size_of(folder), last,
        _is_building(folder) or in_use(folder),
    )  # fmt: skip


def size_of(folder: Path) -> int:
    """Bytes of the files of a cache."""
    total = 0
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                total += entry.stat().st_size if entry.is_file(follow_symlinks=False) else 0
    return total


def _is_building(folder: Path) -> bool:
    lock = FileLock(folder / BUILD_LOCK, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except (OSError, NotImplementedError):
        return True
    lock.release()
    return False


def _delete(info: CacheInfo) -> bool:
    """Delete a cache that nobody uses; call it while holding the registry."""
    if _is_building(info.folder) or in_use(info.folder):
        return False
    gone = info.folder.with_name(f"{_DELETED}{uuid.uuid4().hex[:8]}")
    try:
        info.folder.rename(gone)  # at once, so that nobody finds half a cache
    except OSError:
        return False
    shutil.rmtree(gone, ignore_errors=True)
    return True


def discard_if_stale(folder: Path) -> bool:
    """Delete a cache of which more than half is of files that changed since, unless it is in use."""
    index = newest_index(folder)
    if index is None or index.stale_share() <= 0.5:
        return False
    del index
    with registry(folder.parent):
        return _delete(_info(folder))


def _sweep(caches: Path) -> None:
    """Remove what an eviction that was killed left."""
    for path in caches.glob(f"{_DELETED}*"):
        shutil.rmtree(path, ignore_errors=True)


def clear(
    caches: Path, names: Collection[str] | None = None, older_than_days: float | None = None
) -> tuple[list[CacheInfo], list[CacheInfo]]:
    """Delete caches: those named (None: all), not used for so many days.

    Returns:
        Those that were deleted, and those that are kept because they are in use.
    """
    if not caches.is_dir():
        return [], []
    removed: list[CacheInfo] = []
    kept: list[CacheInfo] = []
    with registry(caches):
        _sweep(caches)
        for info in list_caches(caches):
            if names is not None and info.name not in names:
                continue
            if older_than_days is not None and time.time() - info.last_used < older_than_days * 86400:
                continue
            (removed if _delete(info) else kept).append(info)
    return removed, kept


def make_room(caches: Path, needed: int, limit: int, keep: str, evict: bool = True) -> Room:
    """Find room for ``needed`` bytes more in the cache called ``keep``.

    Caches that nobody uses are deleted, the one used longest ago first, until all together fit into ``limit`` bytes and
    the disk keeps its reserve; never more of them than necessary.

    Args:
        evict: False only tells what there would be.
    """
    caches.mkdir(parents=True, exist_ok=True)
    with registry(caches):
        _sweep(caches)
        found = list_caches(caches)
        usage = shutil.disk_usage(caches)
        reserve = reserve_of(usage.total)
        held, free = sum(info.bytes for info in found), usage.free
        evicted: list[CacheInfo] = []
        for info in reversed(found):
            if min(limit - held, free - reserve) >= needed:
                break
            if info.name == keep or info.in_use or (evict and not _delete(info)):
                continue
            evicted.append(info)
            held, free = held - info.bytes, free + info.bytes
        return Room(max(0, min(limit - held, free - reserve)), free, reserve, tuple(evicted))
