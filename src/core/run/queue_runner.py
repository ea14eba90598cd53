"""Carries the queue out: a process of its own that starts one run a device, follows them, and ends when nothing is left.

It may be killed at any moment. Runs are processes of their own and go on; the next one that is started finds them by
their process numbers, settles those that died, and goes on with what waits.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import psutil

from src.core.config import ConfigError, read_yaml
from src.core.run.device_slots import asked_for, environment_for, free_slot, taken, visible_cards
from src.core.run.folder import RunFolder, RunFolderError, default_runs_dir
from src.core.run.process import ChildProcess
from src.core.run.queue import QueueEntry, QueueError, QueueState, RunQueue
from src.core.run.state import claim, list_runs, process_alive, settle, summarise

#: A process that was started has this long to note itself in its run folder.
_GRACE_S = 30.0
_EVERY_S = 0.5
_LOST = "The process disappeared without a word: it was killed from outside, or the machine went down."
_CURE = "Resume goes on from the last checkpoint; the queue went on with the next run."


class Child(Protocol):
    """A run's process, as the queue needs it."""

    pid: int | None

    def poll(self) -> int | None:
        """Exit code, or None while it runs."""
        ...

    def settle(self) -> None:
        """After the end: make sure that the log says how it ended."""
        ...


def start_run(folder: RunFolder, resume: bool, environment: dict[str, str]) -> Child:
    """Start the process of a run; it outlives the queue."""
    child = ChildProcess(folder, detached=True, resume=resume, environment=environment)
    child.start()
    return child  # type: ignore[return-value]


class QueueRunner:
    """The loop.

    Attributes:
        queue: What it carries out.
        children: Entry number to the processes that it started itself.
    """

    def __init__(
        self,
        queue: RunQueue,
        start: Callable[[RunFolder, bool, dict[str, str]], Child] = start_run,
        cards: list[str] | None = None,
        every_s: float = _EVERY_S,
    ) -> None:
        self.queue = queue
        self.children: dict[int, Child] = {}
        self._start = start
        self._cards = visible_cards() if cards is None else cards
        self._every = every_s
        self._devices: dict[Path, list[str]] = {}

    def run(self) -> None:
        """Until nothing runs and nothing may be started; returns at once where another process does it."""
        try:
            lock = self.queue.folder.lock()
        except RunFolderError:
            return
        try:
            claim(self.queue.folder)
            while True:
                self.step()
                with self.queue.edit() as edit:  # who adds a run after this finds no runner, and starts one
                    if not edit.state.running and (edit.state.paused or not edit.state.waiting):
                        self.queue.folder.job.unlink(missing_ok=True)
                        lock.release()
                        return
                time.sleep(self._every)
        finally:
            lock.release()

    def step(self) -> None:
        """Note what has ended, then start what there is room for.

        A run is noted as running before its process is started: a queue that dies in between starts nothing twice.
        """
        for entry in self.queue.state().running:
            if not self._lives(entry):
                self._note_end(entry)
        elsewhere = self._busy_elsewhere(self.queue.state())
        with self.queue.edit() as edit:
            chosen = [] if edit.state.paused else self._choose(edit.state, elsewhere)
            for entry in chosen:
                edit.state = edit.state.with_entry(entry)
        for entry in chosen:
            self._change(self._begin(entry))

    # ---- what has ended

    def _lives(self, entry: QueueEntry) -> bool:
        child = self.children.get(entry.id)
        if child is not None:
            return child.poll() is None
        if process_alive(entry.folder):
            return True
        if entry.pid:
            return _same_process(entry.pid, entry.born)
        return time.time() - entry.started < _GRACE_S  # its starter died before it could note the process

    def _note_end(self, entry: QueueEntry) -> None:
        child = self.children.pop(entry.id, None)
        if child is None and not entry.pid and not _touched_since(entry.folder, entry.started):
            self._change(replace(entry, state="waiting", slot="", started=0.0))  # it was never started
            return
        try:
            if child is not None:
                child.settle()
            elif entry.run.is_dir():
                settle(entry.folder, _LOST, _CURE)
        except OSError as error:  # a full disk must not keep the others from being trained
            print(f"The ending of {entry.run.name} could not be written: {error}", file=sys.stderr)
        self._change(replace(entry, state="ended", ended=time.time()))

    def _change(self, entry: QueueEntry) -> None:
        with self.queue.edit() as edit:
            edit.state = edit.state.with_entry(entry)

    # ---- what can be started

    def _choose(self, state: QueueState, elsewhere: set[str]) -> list[QueueEntry]:
        """The entries that have a device now, as they are once they run."""
        busy = {name for e in state.running for name in taken(e.slot)} | elsewhere
        chosen = []
        for entry in state.waiting:
            slot = free_slot(entry.device, self._cards, busy, entry.devices)
            if slot is not None:
                busy.update(taken(slot))
                chosen.append(
                    replace(entry, state="running", slot=slot, started=time.time(), pid=0, born=0.0)
                )
        return chosen

    def _begin(self, entry: QueueEntry) -> QueueEntry:
        """Start it; the entry as it is then."""
        ended = replace(entry, state="ended", ended=time.time())
        folder = entry.folder
        if not folder.config.is_file():
            return replace(ended, problem="Its run folder is not there any more.")
        found = summarise(folder)
        if found.alive:  # somebody else has started it: it is followed like any other
            return entry
        if found.state == "completed":
            return ended
        if found.state == "killed":
            settle(folder, found.cause, found.cure)
        try:
            child = self._start(
                folder, found.state != "new", environment_for(entry.device, entry.slot, self._cards)
            )
        except OSError as error:
            return replace(ended, problem=f"It could not be started: {error.strerror or error}.")
        self.children[entry.id] = child
        pid = child.pid or 0
        return replace(entry, pid=pid, born=_born(pid), made=False)

    def _busy_elsewhere(self, state: QueueState) -> set[str]:
        """Devices on which runs are at work that were started by hand."""
        if state.paused or not state.waiting:
            return set()
        mine = {e.run for e in state.running}
        places = {default_runs_dir(), *(e.run.parent for e in state.waiting)}
        busy = set()
        for place in places:
            for folder in list_runs(place):
                if folder.path not in mine and process_alive(folder):
                    busy.update(self._wanted_by(folder))
        return busy

    def _wanted_by(self, folder: RunFolder) -> list[str]:
        """The devices that a run takes which nobody gave any."""
        if folder.path not in self._devices:
            try:
                device, count = asked_for(read_yaml(folder.config))
            except ConfigError:
                device, count = "auto", 1
            self._devices[folder.path] = taken(free_slot(device, self._cards, (), count) or "")
        return self._devices[folder.path]


def _touched_since(folder: RunFolder, since: float) -> bool:
    """Whether a process took the run after this moment (Unix time, s)."""
    return float(folder.read_json(folder.job).get("claimed") or 0.0) >= since


def _born(pid: int) -> float:
    try:
        return float(psutil.Process(pid).create_time())
    except (psutil.Error, ValueError):
        return 0.0


def _same_process(pid: int, born: float) -> bool:
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - born) < 2 and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError):
        return False


def run_queue(path: Path) -> int:
    """Entry of the process: carry out the queue in a folder. Returns 0 unless the queue cannot be read or written."""
    try:
        QueueRunner(RunQueue(path)).run()
    except QueueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
