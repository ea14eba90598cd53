"""What a person says of a run (star, tags, notes), and taking runs away into the trash and back. Torch-free.

It lies in ``library.json`` of the run folder, the same file as for the run's model: a star on one is a star on the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src.core.run.folder import RunFolder
from src.core.run.library import LIBRARY_FILE, ModelRecord
from src.core.run.library_care import LibraryError, remove, restore, write_library
from src.core.run.library_work import jobs_in
from src.core.run.said import Said, read_said
from src.core.run.state import list_runs

_MOST_TAG = 40
__all__ = [
    "LibraryError",
    "Said",
    "Trashed",
    "keep_said",
    "list_trash",
    "read_said",
    "restore",
    "tags_of",
    "trash_run",
]


@dataclass(frozen=True)
class Trashed:
    """A run in the trash.

    Attributes:
        path: Where it lies now.
        name: What it was called.
        time: When it was begun (Unix time, s).
    """

    path: Path
    name: str
    time: float

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        return {"name": self.name, "folder": str(self.path), "time": self.time}


def keep_said(
    run: RunFolder,
    *,
    starred: bool | None = None,
    notes: str | None = None,
    tags: str | Iterable[str] | None = None,
) -> Said:
    """Keep what a person says of a run; None leaves that part as it is. Returns what is known now.

    Raises:
        LibraryError: It cannot be written.
    """
    changed: dict[str, Any] = {}
    if starred is not None:
        changed["starred"] = starred
    if notes is not None:
        changed["notes"] = notes
    if tags is not None:
        changed["tags"] = list(tags_of(tags))
    path = run.path / LIBRARY_FILE
    write_library(path, {"version": 1, **run.read_json(path), **changed})
    return read_said(run)


def tags_of(words: str | Iterable[str]) -> tuple[str, ...]:
    """Tags as they are kept: one word each, without ``#`` and commas, no one twice in any case."""
    parts = re.split(r"[,;\s]+", words) if isinstance(words, str) else list(words)
    found: dict[str, str] = {}
    for part in parts:
        tag = re.sub(r"\s+", "-", part.strip().lstrip("#"))[:_MOST_TAG]
        if tag:
            found.setdefault(tag.casefold(), tag)
    return tuple(found.values())


def trash_run(run: RunFolder) -> Path:
    """Move a run with all that belongs to it into the folder ``trash`` beside it; nothing is deleted. Returns where.

    Raises:
        LibraryError: A process works on it, or it cannot be moved.
    """
    record = ModelRecord(run.path, run.config, run, run.name, jobs=tuple(jobs_in(run.path)))
    target = remove(record)
    assert target is not None, "a run has a folder"
    return target


def list_trash(runs_dir: Path) -> list[Trashed]:
    """The runs in the trash of a folder of runs, the newest first."""
    found = []
    for folder in list_runs(runs_dir / "trash"):
        name = folder.name.partition("~")[0]
        found.append(Trashed(folder.path, name, folder.config.stat().st_mtime))
    return found
