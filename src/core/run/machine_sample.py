"""What can be measured of the machine beside the process itself: memory altogether, disk. Torch-free."""

from __future__ import annotations

import contextlib
import shutil
import time
from pathlib import Path
from typing import Any

import psutil


class MachineSampler:
    """Measures since the last call; what a system does not tell is left out.

    Attributes:
        place: A folder on the disk that is watched.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self._last: tuple[float, int] | None = None

    def sample(self) -> dict[str, Any]:
        """``memory_used_mb`` and ``memory_total_mb`` of the machine, ``disk_free_gb`` of the run's disk, and
        ``disk_read_mb_s`` of all disks since the last call (absent in the first).
        """
        memory = psutil.virtual_memory()
        found: dict[str, Any] = {
            "memory_used_mb": (memory.total - memory.available) / 2**20,
            "memory_total_mb": memory.total / 2**20,
        }
        with contextlib.suppress(OSError):
            found["disk_free_gb"] = shutil.disk_usage(self.place).free / 1e9
        now, read = time.monotonic(), _read_bytes()
        if read is not None:
            if self._last is not None and now > self._last[0]:
                found["disk_read_mb_s"] = max(0, read - self._last[1]) / 1e6 / (now - self._last[0])
            self._last = now, read
        return found


def _read_bytes() -> int | None:
    """Bytes read from all disks since the start of the machine; None where the system does not say."""
    try:
        counters = psutil.disk_io_counters()
    except (OSError, RuntimeError, ValueError):
        return None
    return int(counters.read_bytes) if counters is not None else None
