"""Who uses a cache: a locked file for each process, which the operating system unlocks when the process ends.

Unlike a file with a process number and a heartbeat, such a lock needs no thread, is never left behind by a crash,
and cannot be mistaken when a process number is given out again.
"""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

LEASES = "leases"


class Lease:
    """Keeps a cache from being evicted until `release`, or until this process ends.

    Take it while holding `registry`, so that no eviction is in the middle of its work.
    """

    def __init__(self, folder: Path) -> None:
        """
        Raises:
            OSError, NotImplementedError: the folder cannot be written, or its file system has no locks.
        """
        place = folder / LEASES
        place.mkdir(parents=True, exist_ok=True)
        self._path = place / f"{os.getpid()}-{uuid.uuid4().hex[:8]}.lock"
        self._lock = FileLock(self._path, thread_local=False)
        self._lock.acquire(timeout=0)

    def release(self) -> None:
        """Let go; safe to call twice."""
        self._lock.release()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def in_use(folder: Path) -> bool:
    """Whether a living process holds a lease on a cache; leases of dead ones are removed."""
    used = False
    try:
        paths = list((folder / LEASES).glob("*.lock"))
    except OSError:
        return True
    for path in paths:
        lock = FileLock(path, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            used = True
            continue
        except (OSError, NotImplementedError):
            used = True
            continue
        lock.release()
        with suppress(OSError):
            path.unlink(missing_ok=True)
    return used


def registry(caches: Path) -> FileLock:
    """The lock under which leases are taken and caches are evicted; held for moments only."""
    caches.mkdir(parents=True, exist_ok=True)
    return FileLock(caches / ".registry.lock", timeout=60, thread_local=False)
