"""The queue of runs: which wait, in which order, for which device. A file in the workspace, safe for several processes.

Runs are queued as run folders that exist already, so that a configuration is checked when it is queued, not hours later.
Who carries the queue out is said in `src.core.run.queue_runner`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from filelock import FileLock, Timeout

from src.core.config import ConfigError, read_yaml
from src.core.run.device_slots import asked_for
from src.core.run.folder import RunFolder, workspace, write_atomically
from src.core.run.process import ChildProcess
from src.core.run.queue_state import QueueEntry, QueueError, QueueState, entry_from
from src.core.run.state import process_alive, summarise

VERSION = 1
_PATIENCE_S = 20.0
_KEPT = 100


class QueueFolder(RunFolder):
    """The folder of the queue. Its ``job.json`` names the process that carries it out, whose words are in ``queue.log``."""

    log = property(lambda self: self.path / "queue.log")


def default_queue_dir() -> Path:
    """Where the queue lies: ``queue`` in the workspace."""
    return workspace() / "queue"


class RunQueue:
    """The queue in a folder (default: that of the workspace).

    Attributes:
        folder: Where it lies; made when something is queued.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.folder = QueueFolder(path or default_queue_dir())
        self.file = self.folder.path / "queue.json"

    # ---- reading and writing

    def state(self) -> QueueState:
        """The queue now.

        Raises:
            QueueError: It cannot be read.
        """
        if not self.file.exists():
            return QueueState()
        with self._locked():
            return self._read()

    def _read(self) -> QueueState:
        try:
            raw = json.loads(self.file.read_bytes())
            entries = tuple(entry_from(item) for item in raw["entries"])
            return QueueState(entries, bool(raw.get("paused")), int(raw.get("next") or len(entries) + 1))
        except FileNotFoundError:
            return QueueState()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            reason = error.strerror if isinstance(error, OSError) else f"it is damaged ({error})"
            raise QueueError(
                f"The queue {self.file} cannot be read: {reason}. Move this file away to begin an empty queue; "
                "the runs themselves are in their folders."
            ) from None

    @contextmanager
    def edit(self) -> Iterator[_Edit]:
        """Change the queue while nobody else does: set ``state`` of what this gives.

        Raises:
            QueueError: It cannot be read or written.
        """
        try:
            self.folder.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise QueueError(
                f"The queue cannot be kept in {self.folder.path}: {error.strerror or error}."
            ) from None
        with self._locked():
            before = self._read()
            change = _Edit(before)
            yield change
            if change.state != before:
                self._write(change.state)

    def _write(self, state: QueueState) -> None:
        gone = {e.id for e in state.ended[_KEPT:]}
        entries = [{**asdict(e), "run": str(e.run)} for e in state.entries if e.id not in gone]
        value = {"version": VERSION, "paused": state.paused, "next": state.next, "entries": entries}
        try:
            write_atomically(self.file, json.dumps(value, ensure_ascii=False, indent=1).encode())
        except OSError as error:
            raise QueueError(
                f"The queue {self.file} cannot be written: {error.strerror or error}. Free some space, or mend its permissions."
            ) from None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = FileLock(self.folder.path / "edit.lock")
        try:
            lock.acquire(timeout=_PATIENCE_S)
        except (Timeout, OSError) as error:
            why = "another process holds it" if isinstance(error, Timeout) else error.strerror or error
            raise QueueError(
                f"The queue {self.file} cannot be used now: {why}. Try again in a moment."
            ) from None
        try:
            yield
        finally:
            lock.release()

    # ---- what people ask for

    def add(self, run: RunFolder, made: bool = False) -> QueueEntry:
        """Put a run at the end; ``made`` says that it was made for this.

        Raises:
            QueueError: It is queued or runs already, is completed, or the queue cannot be written.
        """
        try:
            device, devices = asked_for(read_yaml(run.config))
        except (ConfigError, AttributeError) as error:
            raise QueueError(
                f"{run.name} cannot be queued: its configuration cannot be read. {error}"
            ) from None
        found = summarise(run)
        if found.alive:
            raise QueueError(f"The run {run.name} is at work already.")
        if found.state == "completed":
            raise QueueError(
                f"The run {run.name} is completed: there is nothing left to do. Clone it to train again."
            )
        with self.edit() as edit:
            if any(e.run == run.path and e.state != "ended" for e in edit.state.entries):
                raise QueueError(f"The run {run.name} is in the queue already.")
            entry = QueueEntry(edit.state.next, run.path, device, devices, added=time.time(), made=made)
            edit.state = replace(edit.state, entries=(*edit.state.entries, entry), next=entry.id + 1)
        return entry

    def find(self, word: str | int) -> QueueEntry:
        """The entry of this number, or the newest one of this run (its name or folder).

        Raises:
            QueueError: There is none.
        """
        entries = self.state().entries
        text = str(word)
        for entry in reversed(entries):
            if text in (str(entry.id), entry.run.name, str(entry.run)) or str(Path(text).resolve()) == str(
                entry.run
            ):
                return entry
        raise QueueError(f"{text} is not in the queue. “app.py queue” lists what is.")

    def remove(self, number: int) -> QueueEntry:
        """Take an entry off the queue; the run folder stays where it is.

        Raises:
            QueueError: It runs now, or is not there.
        """
        with self.edit() as edit:
            entry = _one(edit.state, number)
            if entry.state == "running":
                raise QueueError(
                    f"{entry.run.name} is training now. Stop the run; the queue then goes on with the next one."
                )
            edit.state = replace(edit.state, entries=tuple(e for e in edit.state.entries if e.id != number))
        return entry

    def clear_ended(self) -> int:
        """Take all that have ended off the list; returns how many."""
        with self.edit() as edit:
            kept = tuple(e for e in edit.state.entries if e.state != "ended")
            count = len(edit.state.entries) - len(kept)
            edit.state = replace(edit.state, entries=kept)
        return count

    def move(self, number: int, place: int) -> int:
        """Put a waiting entry at a place (from 1) among those that wait; returns where it is now.

        Raises:
            QueueError: It does not wait, or is not there.
        """
        with self.edit() as edit:
            entry = _one(edit.state, number)
            if entry.state != "waiting":
                raise QueueError(f"{entry.run.name} does not wait any more: only what waits can be moved.")
            rest = [e for e in edit.state.waiting if e.id != number]
            place = min(max(1, place), len(rest) + 1)
            rest.insert(place - 1, entry)
            others = tuple(e for e in edit.state.entries if e.state != "waiting")
            edit.state = replace(edit.state, entries=(*others, *rest))
        return place

    def pause(self) -> None:
        """Start nothing further; what runs goes on."""
        with self.edit() as edit:
            edit.state = replace(edit.state, paused=True)

    def go(self) -> ChildProcess | None:
        """Go on, and make sure that a process carries the queue out."""
        with self.edit() as edit:
            edit.state = replace(edit.state, paused=False)
        return self.ensure_runner()

    # ---- the process that carries it out

    @property
    def runner_alive(self) -> bool:
        """Whether a process carries the queue out now."""
        return process_alive(self.folder)

    def ensure_runner(self) -> ChildProcess | None:
        """Start that process where there is something to do and none does it; it outlives whoever starts it.

        A second one that is started at the same moment ends by itself.

        Raises:
            QueueError: It cannot be started.
        """
        state = self.state()
        if self.runner_alive or not (state.running or (state.waiting and not state.paused)):
            return None
        child = ChildProcess(self.folder, "queue", detached=True)
        try:
            child.start()
        except OSError as error:
            raise QueueError(
                f"The queue could not be started: {error.strerror or error}. Free memory or disk space."
            ) from None
        return child


class _Edit:
    """What `RunQueue.edit` gives: the state, to be replaced."""

    def __init__(self, state: QueueState) -> None:
        self.state = state


def _one(state: QueueState, number: int) -> QueueEntry:
    found = next((e for e in state.entries if e.id == number), None)
    if found is None:
        raise QueueError(f"Number {number} is not in the queue any more.")
    return found
