"""What state a run is in: read from its log and from whether its process lives. The same answer for every reader."""

from __future__ import annotations

import re
import shutil
import socket
import time
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

import psutil

from src.core.run.events import Event, EventTail, EventWriter, history
from src.core.run.folder import RunFolder, RunFolderError
from src.core.run.queue_place import queue_place
from src.core.run.said import NOTHING, Said, read_said

#: Bytes; with fewer than these an ending cannot be relied upon to be written.
_LEAST_FREE = 1 << 20
#: How systems say that the disk is full.
_NO_SPACE = re.compile(r"(?i)no space left|not enough space on the disk|disk quota")
#: A process of another machine counts as alive while its log was touched within this time.
REMOTE_SILENCE_S = 90.0
#: The states of a run; those after ``running`` are endings.
STATES = ("new", "starting", "running", "completed", "stopped_early", "stopped", "paused", "failed", "killed")
TITLES = {
    "new": "Not started", "starting": "Starting", "running": "Running", "completed": "Completed",
    "stopped_early": "Stopped early", "stopped": "Stopped", "paused": "Paused", "failed": "Failed", "killed": "Killed",
}  # fmt: skip


@dataclass(frozen=True)
class RunSummary:
    """One line in a list of runs.

    Attributes:
        folder: The run.
        state: One of `STATES`.
        epoch, epochs: Epochs completed, and planned.
        metric: Name of the value by which the best model is chosen.
        best_value, best_epoch: The best so far.
        cause, cure: Of the ending, or empty.
        verdict: Of a run that went to its end and taught next to nothing, in a few words: ``found only background``.
        said: Star, tags and notes.
        queued: Place among the runs that wait in the queue, from 1; 0 where it does not wait.
    """

    folder: RunFolder
    state: str
    started: float = 0.0
    updated: float = 0.0
    epoch: int = 0
    epochs: int = 0
    metric: str = ""
    best_value: float | None = None
    best_epoch: int | None = None
    cause: str = ""
    cure: str = ""
    verdict: str = ""
    task: str = ""
    checkpoint: str = ""
    model: str = ""
    report: str = ""
    said: Said = NOTHING
    queued: int = 0
    history: list[Event] = field(default_factory=list, repr=False, compare=False)

    @property
    def title(self) -> str:
        """The state in words: ``Running``, ``Queued (2nd)``, ``Paused, queued (next)``, ``Completed, found nothing``."""
        if not self.queued:
            return f"{TITLES[self.state]}, {self.verdict}" if self.verdict else TITLES[self.state]
        place = f"({'next' if self.queued == 1 else ordinal(self.queued)})"
        return f"Queued {place}" if self.state == "new" else f"{TITLES[self.state]}, queued {place}"

    @property
    def alive(self) -> bool:
        """Whether a process works on it now."""
        return self.state in ("starting", "running")

    @property
    def resumable(self) -> bool:
        """Whether `resume` makes sense: it is not running and has epochs left."""
        return not self.alive and self.state != "completed"

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        return {
            "status": self.state, "run": str(self.folder.path), "name": self.folder.name, "task": self.task,
            "epochs": self.epoch, "epochs_planned": self.epochs, "metric": self.metric, "best_value": self.best_value,
            "best_epoch": self.best_epoch, "checkpoint": self.checkpoint or None, "model": self.model or None,
            "report": self.report or None, "verdict": self.verdict or None, "cause": self.cause or None,
            "cure": self.cure or None,
            "started": self.started or None, "updated": self.updated or None, "starred": self.said.starred,
            "tags": list(self.said.tags), "notes": self.said.notes or None, "queued": self.queued or None,
        }  # fmt: skip


def ordinal(number: int) -> str:
    """``1st``, ``2nd``, ``3rd``, ``11th``."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return f"{number:,}{ending}"


def full_disk(place: Path) -> tuple[str, str] | None:
    """Cause and cure of a run that could not even write down why it ended; None where there is room."""
    try:
        free = shutil.disk_usage(place).free
    except OSError:
        return None
    return _full(place) if free < _LEAST_FREE else None


def _full(place: Path) -> tuple[str, str]:
    return (
        f"The disk that holds {place} is full: the run could save nothing more, nor write down why it ended.",
        "Free some space. Resume then goes on from the last checkpoint, or from the beginning where there is none.",
    )


def _vanished(folder: RunFolder, events: list[Event]) -> tuple[str, str]:
    """Why a process may have gone without an ending: the disk is full, or was when it last warned of something."""
    told = reversed([e for e in events if e.type in ("run_started", "warning")])
    warned = takewhile(lambda e: e.type == "warning", told)
    if any(_NO_SPACE.search(str(e.get("message", ""))) for e in warned):
        return _full(folder.path)
    return full_disk(folder.path) or (
        "The process disappeared without a word: it was killed from outside, or the machine went down.",
        "Resume goes on from the last checkpoint.",
    )


def process_alive(folder: RunFolder) -> bool:
    """Whether the process that last took this run still lives (a reused process number does not count)."""
    job = folder.read_json(folder.job)
    if not job:
        return False
    if job.get("host") != socket.gethostname():
        try:
            return time.time() - folder.events.stat().st_mtime < REMOTE_SILENCE_S
        except OSError:
            return False
    try:
        process = psutil.Process(int(job["pid"]))
        return (
            abs(process.create_time() - float(job["create_time"])) < 2
            and process.status() != psutil.STATUS_ZOMBIE
        )
    except (psutil.Error, KeyError, ValueError):
        return False


def claim(folder: RunFolder) -> None:
    """Note that this process works on the run; called by the job when it holds the lock."""
    me = psutil.Process()
    folder.write_json(
        folder.job,
        {
            "pid": me.pid,
            "create_time": me.create_time(),
            "host": socket.gethostname(),
            "claimed": time.time(),
        },
    )


def summarise(folder: RunFolder) -> RunSummary:
    """Read a run's state. Never raises for a damaged run: what cannot be read is left empty."""
    events = history(list(EventTail(folder.events).read(skip=("batch_progress", "resource_sample"))))
    return summarise_events(folder, events, process_alive(folder))


def summarise_events(folder: RunFolder, events: list[Event], alive: bool) -> RunSummary:
    """The summary of events that were already read (those that count, see `history`)."""
    started = [e for e in events if e.type in ("run_started", "job_started")]
    completed = [e for e in events if e.type == "epoch_completed"]
    first, last = (started[0], started[-1]) if started else (None, None)
    ended = _ending(folder, events)
    if alive and ended is None:
        state = "running" if last and events[-1].type != "run_ended" else "starting"
    elif ended is not None:
        state = str(ended["status"])
    else:
        state = "killed" if events or folder.read_json(folder.job) else "new"
    newest = completed[-1] if completed else None
    cause, cure = (ended.get("cause", ""), ended.get("cure", "")) if ended else ("", "")
    if state == "killed" and not cause:
        cause, cure = _vanished(folder, events)
    return RunSummary(
        folder=folder,
        state=state,
        started=first.time if first else _mtime(folder.config),
        updated=events[-1].time if events else _mtime(folder.config),
        epoch=int(newest["epoch"]) if newest else 0,
        epochs=int(last.get("epochs") or 0) if last else 0,
        metric=str(last.get("metric") or "") if last else "",
        best_value=newest.get("best_value") if newest else None,
        best_epoch=newest.get("best_epoch") if newest else None,
        cause=cause or "",
        cure=cure or "",
        verdict=(ended.get("verdict") or "") if ended else "",
        task=str(last.get("task", "")) if last else "",
        checkpoint=(ended.get("checkpoint") or "") if ended else "",
        model=(ended.get("model") or "") if ended else "",
        report=(ended.get("report") or "") if ended else "",
        said=read_said(folder),
        queued=queue_place(folder.path),
        history=events,
    )


def _ending(folder: RunFolder, events: list[Event]) -> Event | None:
    """The ending of the newest attempt: one that was written before a process took the run again is an older one's."""
    if not events or events[-1].type != "run_ended":
        return None
    claimed = float(folder.read_json(folder.job).get("claimed", 0.0))
    return events[-1] if events[-1].time >= claimed else None


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def list_runs(runs_dir: Path) -> list[RunFolder]:
    """The run folders in a folder, the newest first."""
    if not runs_dir.is_dir():
        return []
    found = [RunFolder(p) for p in runs_dir.iterdir() if (p / "config.yaml").is_file()]
    return sorted(found, key=lambda f: _mtime(f.config), reverse=True)


def settle(folder: RunFolder, cause: str, cure: str, status: str = "killed") -> bool:
    """Write the ending of a run whose process died without one; returns whether it was needed.

    Safe from several readers at once: only the one that gets the run's lock writes. Where the disk is full or gone
    nothing is written, and whoever reads the run explains it anew.
    """
    try:
        lock = folder.lock(timeout=1.0)
    except RunFolderError:
        return False
    try:
        events = history(list(EventTail(folder.events).read(skip=("batch_progress", "resource_sample"))))
        if _ending(folder, events) is not None:
            return False
        summary = summarise_events(folder, events, alive=False)
        writer = EventWriter(folder.events)
        try:
            writer.write(
                "run_ended", status=status, cause=cause, cure=cure, epoch=summary.epoch,
                best_value=summary.best_value, best_epoch=summary.best_epoch, checkpoint=None, model=None, report=None,
            )  # fmt: skip
        finally:
            writer.close()
        return True
    except OSError:
        return False
    finally:
        lock.release()
