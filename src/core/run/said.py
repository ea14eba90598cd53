"""What a person said of a run, as it is read for lists: star, tags, notes."""

from __future__ import annotations

from dataclasses import dataclass

from src.core.run.folder import RunFolder

#: Where it lies in a run folder.
SAID_FILE = "library.json"


@dataclass(frozen=True)
class Said:
    """What a person said of a run."""

    starred: bool = False
    tags: tuple[str, ...] = ()
    notes: str = ""


NOTHING = Said()


def read_said(run: RunFolder) -> Said:
    """What was said of a run; nothing where the file is absent or damaged."""
    raw = run.read_json(run.path / SAID_FILE)
    if not raw:
        return NOTHING
    tags = raw.get("tags")
    words = tuple(str(tag) for tag in tags) if isinstance(tags, list) else ()
    return Said(bool(raw.get("starred")), words, str(raw.get("notes") or ""))
