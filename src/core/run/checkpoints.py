"""The index of a run's checkpoints with their hashes; which of them can be trusted. Knows nothing of tensors."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from src.core.run.folder import RunFolder, write_atomically


@dataclass(frozen=True)
class CheckpointEntry:
    """One checkpoint in the index.

    Attributes:
        file: Name in ``checkpoints/``; never reused, so that a crash leaves the old or the new one whole.
        roles: Why it is kept: ``last``, ``previous``, ``best``, ``keep``.
        epoch, step: Epoch (from 1) in which it stands, and training steps done in that epoch.
        split_hash: Of the split that it was trained on; empty for data that have none.
    """

    file: str
    sha256: str
    bytes: int
    epoch: int
    step: int
    roles: tuple[str, ...]
    value: float | None = None
    split_hash: str = ""


def file_hash(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while piece := handle.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


class CheckpointIndex:
    """Reads and writes ``checkpoints/index.json``. The file names are unique; the index gives them their roles."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.path = folder.checkpoints / "index.json"

    def entries(self) -> list[CheckpointEntry]:
        """All checkpoints, the newest first."""
        raw = self.folder.read_json(self.path).get("checkpoints", [])
        return [CheckpointEntry(**{**item, "roles": tuple(item["roles"])}) for item in raw]

    def with_role(self, role: str) -> CheckpointEntry | None:
        """The newest checkpoint of a role."""
        return next((e for e in self.entries() if role in e.roles), None)

    def file_of(self, entry: CheckpointEntry) -> Path:
        """Where it lies."""
        return self.folder.checkpoints / entry.file

    def problem(self, entry: CheckpointEntry) -> str:
        """Why a checkpoint cannot be trusted, as a sentence; empty when its bytes are those that were written."""
        path = self.file_of(entry)
        try:
            size = path.stat().st_size
            if size != entry.bytes:
                return f"{entry.file} has {size:,} bytes instead of {entry.bytes:,}: it is cut short or was changed."
            if file_hash(path) != entry.sha256:
                return f"{entry.file} was damaged: its bytes are not those that were written."
        except OSError as error:
            return f"{entry.file} cannot be read: {error.strerror or error}."
        return ""

    def newest_sound(self) -> tuple[CheckpointEntry | None, list[str]]:
        """The newest checkpoint from which training can go on, and what was wrong with newer ones."""
        problems: list[str] = []
        for entry in self.entries():
            if not {"last", "previous", "keep"} & set(entry.roles):
                continue
            problem = self.problem(entry)
            if not problem:
                return entry, problems
            problems.append(problem)
        return None, problems

    def add(self, written: Path, entry: CheckpointEntry) -> None:
        """Enter a file that was written, and let go of those that lost their last role."""
        entries = self.entries()
        changed = []
        for old in entries:
            roles = [r for r in old.roles if r not in entry.roles or r == "keep"]
            if "last" in entry.roles:
                roles = [r for r in roles if r != "previous"]
                if "last" in old.roles:
                    roles.append("previous")
            changed.append(CheckpointEntry(**{**asdict(old), "roles": tuple(roles)}))
        kept = [entry] + [e for e in changed if e.roles]
        listed: list[dict[str, Any]] = [asdict(e) for e in kept]
        self.folder.write_json(self.path, {"version": 1, "checkpoints": listed})
        names = {e.file for e in kept}
        for old in changed:
            if old.file not in names:
                self.file_of(old).unlink(missing_ok=True)
        assert written.name in names

    def sweep(self) -> None:
        """Remove what a killed process left half-written or not entered; only while holding the run's lock."""
        names = {e.file for e in self.entries()} | {"index.json"}
        for path in self.folder.checkpoints.glob("*"):
            if path.name not in names and (
                path.suffix in (".tmp", ".safetensors") or path.name.startswith(".")
            ):
                with contextlib.suppress(OSError):
                    path.unlink()


def write_verified(target: Path, data: bytes) -> str:
    """Write atomically, read back, and return the hash; the file then holds what is in memory.

    Raises:
        OSError: The disk is full, or what is read back is not what was written.
    """
    digest = hashlib.sha256(data).hexdigest()
    write_atomically(target, data)
    if file_hash(target) != digest:
        raise OSError(f"{target} reads back differently from what was written: the disk is failing.")
    return digest
