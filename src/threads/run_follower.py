"""Follows one run folder, whoever works on it: the events as they come, the state, the log."""

from __future__ import annotations

import socket
import time

from PyQt5.QtCore import QObject, pyqtSignal

from src.core.run import Event, RunFolder, RunSummary, history, process_alive, settle, summarise_events
from src.threads.tail import PieceTail, TextTail
from src.threads.worker import Worker

_EVERY_S = 0.1
_LOOK_S = 0.5
#: A run counts as dead without an ending when its process was gone for this long; whoever started it speaks
#: first.
_DEAD_S = 3.0
_LIGHT = ("batch_progress", "resource_sample")


class RunState:
    """The summary of a run, kept up to date from its events. For one thread at a time.

    Attributes:
        folder: The run.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._events: list[Event] = []

    def add(self, events: list[Event]) -> None:
        """Take in new events; what an interrupted attempt did too much is dropped."""
        kept = [e for e in events if e.type not in _LIGHT]
        if not kept:
            return
        self._events += kept
        if any(e.type == "run_started" and e.get("attempt", 1) > 1 for e in kept):
            self._events = history(self._events)

    def summary(self) -> RunSummary:
        """The state now; looks whether the process lives."""
        return summarise_events(self.folder, list(self._events), process_alive(self.folder))

    @property
    def ended(self) -> bool:
        """Whether the log says how the run ended."""
        return bool(self._events) and self._events[-1].type == "run_ended"

    @property
    def begun(self) -> bool:
        """Whether a process ever took this run."""
        return bool(self._events) or self.folder.job.exists()


class RunFollower(Worker):
    """Follows one run: shows all of its past when attached late, goes on when the run is resumed, and writes
    the ending of a run whose process died without one.

    Attributes:
        folder: The run.

    Signals:
        restarted(): Forget what is shown; the whole history follows in `events`. Comes when a resumed attempt
            took over from a point before the end of what was shown.
        events(list): New events (`Event`), at most ten times a second; the first lists are the whole history.
            A very long history has fewer of its ``batch_progress`` events.
        summary(object): The `RunSummary`, whenever it changed.
        log(str): New text of train.log; of a long old log only the end.
    """

    restarted = pyqtSignal()
    events = pyqtSignal(list)
    summary = pyqtSignal(object)
    log = pyqtSignal(str)

    def __init__(self, folder: RunFolder, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self._tail = PieceTail(folder.events)
        self._text = TextTail(folder.log)
        self._state = RunState(folder)
        self._shown: RunSummary | None = None
        self._looked = 0.0
        self._dead_since = 0.0

    def work(self) -> None:
        """Look every 100 ms until `stop`."""
        self._emit_history()
        while True:
            changed = self._emit_new()
            if text := self._text.read():
                self.log.emit(text)
            if changed or time.monotonic() - self._looked >= _LOOK_S:
                self._emit_summary()
            if not self.pause_for(_EVERY_S):
                return

    def _emit_history(self) -> None:
        """Everything so far, without what later attempts replaced."""
        past = history(self._tail.read())
        self._state = RunState(self.folder)
        self._state.add(past)
        if past:
            self.events.emit(past)

    def _emit_new(self) -> bool:
        """New events; returns whether one of them changes the summary."""
        new = self._tail.read()
        if not new:
            return False
        if any(e.type == "run_started" and e.get("attempt", 1) > 1 for e in new):
            self._tail = PieceTail(self.folder.events)
            self.restarted.emit()
            self._emit_history()
            return True
        self._state.add(new)
        self.events.emit(new)
        return any(e.type not in _LIGHT for e in new)

    def _emit_summary(self) -> None:
        self._looked = time.monotonic()
        found = self._state.summary()
        self._settle(found)
        if found != self._shown:
            self._shown = found
            self.summary.emit(found)

    def _settle(self, found: RunSummary) -> None:
        if found.alive or self._state.ended or not self._state.begun:
            self._dead_since = 0.0
            return
        now = time.monotonic()
        self._dead_since = self._dead_since or now
        if now - self._dead_since >= _DEAD_S and self._is_of_this_machine():
            self._dead_since = now
            settle(self.folder, found.cause, found.cure)

    def _is_of_this_machine(self) -> bool:
        return bool(self.folder.read_json(self.folder.job).get("host") == socket.gethostname())
