"""Which place in the queue a run has, for lists that only want to show it. Reads the queue's file; locks nothing."""

from __future__ import annotations

import json
from pathlib import Path

from src.core.run.folder import workspace

#: Of the file that was read last: where it is, when it was written (ns), and its places.
_read: tuple[Path | None, int, dict[str, int]] = (None, 0, {})


def queue_place(run: Path) -> int:
    """Place of a run among those that wait in the workspace's queue, from 1; 0 where it does not wait there."""
    return _places().get(str(run), 0)


def _places() -> dict[str, int]:
    global _read
    file = workspace() / "queue" / "queue.json"
    try:
        written = file.stat().st_mtime_ns
        if (file, written) != _read[:2]:
            _read = (file, written, _waiting(file))
    except (OSError, ValueError, KeyError, TypeError):  # the queue's own page says what is wrong with it
        return {}
    return _read[2]


def _waiting(file: Path) -> dict[str, int]:
    entries = json.loads(file.read_bytes())["entries"]
    waiting = [str(e["run"]) for e in entries if e.get("state", "waiting") == "waiting"]
    return {run: place for place, run in enumerate(waiting, 1)}
