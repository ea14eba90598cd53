"""Watches a folder of runs: which there are, and what state each is in."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import QObject, pyqtSignal

from src.core.run import RunFolder, RunSummary, list_runs
from src.core.run.queue_place import queue_place
from src.core.run.said import SAID_FILE
from src.threads.run_follower import RunState
from src.threads.tail import PieceTail
from src.threads.worker import Worker

_EVERY_S = 1.0


class _Watched:
    """One run of the list: read once, then only what is added."""

    def __init__(self, folder: RunFolder) -> None:
        self._tail = PieceTail(folder.events, batches=False)
        self._state = RunState(folder)
        self._last: RunSummary | None = None
        self._said = 0

    def summary(self) -> RunSummary:
        new = self._tail.read()
        said = _changed(self._state.folder.path / SAID_FILE)
        queued = queue_place(self._state.folder.path)
        same = said == self._said and self._last is not None and queued == self._last.queued
        if new or self._last is None or not same or not self._state.ended:
            self._state.add(new)
            self._said = said
            self._last = self._state.summary()
        return self._last


def _changed(path: Path) -> int:
    """When a file was written (ns); 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


class RunsWatcher(Worker):
    """Looks once a second at the runs of a folder.

    Attributes:
        runs_dir: The folder; it need not exist yet.

    Signals:
        runs(list): The `RunSummary` of each run, the newest first; once at the start, then when something
            changed.
    """

    runs = pyqtSignal(list)

    def __init__(self, runs_dir: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.runs_dir = Path(runs_dir)
        self._watched: dict[Path, _Watched] = {}

    def work(self) -> None:
        """Look every second until `stop`."""
        shown: list[RunSummary] | None = None
        while True:
            found = self._look()
            if found != shown:
                shown = found
                self.runs.emit(found)
            if not self.pause_for(_EVERY_S):
                return

    def _look(self) -> list[RunSummary]:
        try:
            folders = list_runs(self.runs_dir)
        except OSError:  # the folder went away between two calls, or may not be read
            folders = []
        self._watched = {f.path: self._watched.get(f.path) or _Watched(f) for f in folders}
        return [self._watched[f.path].summary() for f in folders]
