"""What the queue of runs holds: its entries, and the queue at one moment. Torch-free."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from src.core.run.folder import RunFolder
from src.core.run.state import summarise

EntryState = Literal["waiting", "running", "ended"]


class QueueError(ValueError):
    """Something that cannot be done with the queue; the message says why and what to do."""


@dataclass(frozen=True)
class QueueEntry:
    """One run of the queue.

    Attributes:
        id: Number that is never used twice.
        run: The run folder.
        device: What its configuration asks for (``auto``, ``cpu``, ``cuda:0``, …).
        state: ``waiting``, ``running`` (it was started), ``ended``; how it ended the run itself says.
        devices: How many of them; 0 stands for all GPUs.
        slot: The device that it was given, while it runs and afterwards; several are joined by a plus.
        added, started, ended: Unix time, s; 0 where it did not happen yet.
        pid, born: Its process and when that was created, as far as known.
        made: The run was made for the queue and has nothing in it yet.
        problem: Why it could not be started; empty otherwise.
    """

    id: int
    run: Path
    device: str = "auto"
    devices: int = 1
    state: EntryState = "waiting"
    slot: str = ""
    added: float = 0.0
    started: float = 0.0
    ended: float = 0.0
    pid: int = 0
    born: float = 0.0
    made: bool = False
    problem: str = ""

    @property
    def folder(self) -> RunFolder:
        """The run."""
        return RunFolder(self.run)

    def shown_state(self) -> str:
        """``waiting``, or the state of the run (see `src.core.run.state.STATES`), or ``gone``."""
        if not (self.run / "config.yaml").is_file():
            return "gone"
        if self.state == "waiting":
            return "waiting"
        if self.problem:
            return "failed"
        found = summarise(self.folder).state
        return "starting" if self.state == "running" and found in ("new", "killed") else found

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        return {
            "id": self.id, "run": str(self.run), "name": self.run.name, "status": self.shown_state(),
            "device": self.slot or self.device, "added": self.added, "started": self.started or None,
            "ended": self.ended or None, "problem": self.problem or None,
        }  # fmt: skip


@dataclass(frozen=True)
class QueueState:
    """The queue at one moment.

    Attributes:
        entries: Running and waiting ones in their order; among them those that have ended, until they are cleared.
        paused: Nothing further is started.
        next: Number of the next entry.
    """

    entries: tuple[QueueEntry, ...] = ()
    paused: bool = False
    next: int = 1

    @property
    def waiting(self) -> list[QueueEntry]:
        """Those that wait, the next first."""
        return [e for e in self.entries if e.state == "waiting"]

    @property
    def running(self) -> list[QueueEntry]:
        """Those that were started and have not ended."""
        return [e for e in self.entries if e.state == "running"]

    @property
    def ended(self) -> list[QueueEntry]:
        """Those that have ended, the newest first."""
        return sorted((e for e in self.entries if e.state == "ended"), key=lambda e: e.ended, reverse=True)

    def with_entry(self, entry: QueueEntry) -> QueueState:
        """The same with one entry replaced."""
        return replace(self, entries=tuple(entry if e.id == entry.id else e for e in self.entries))


def entry_from(raw: dict[str, Any]) -> QueueEntry:
    """An entry as the file has it; fields that are not known are passed over.

    Raises:
        ValueError, KeyError, TypeError: It is damaged.
    """
    known = {k: v for k, v in raw.items() if k in QueueEntry.__dataclass_fields__}
    entry = QueueEntry(**{**known, "id": int(raw["id"]), "run": Path(str(raw["run"]))})
    if entry.state not in ("waiting", "running", "ended"):
        raise ValueError(f"the state {entry.state!r} is not known")
    return entry
