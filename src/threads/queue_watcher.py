"""Watches the queue of runs for a window: what waits, what runs and how far it is."""

from __future__ import annotations

from dataclasses import dataclass

from PyQt5.QtCore import QObject, pyqtSignal

from src.core.run import ChildProcess, summarise
from src.core.run.queue import QueueEntry, QueueError, QueueState, RunQueue
from src.threads.resume import keep
from src.threads.worker import Worker

_EVERY_S = 1.0


@dataclass(frozen=True)
class QueueRow:
    """One line of the queue.

    Attributes:
        entry: The entry.
        state: As `QueueEntry.shown_state` says it.
        place: Among those that wait, from 1; 0 for others.
        epoch, epochs: Done, and planned.
        metric, best: What the best model is chosen by, and what it reached.
        cause: Why it ended, or could not be started.
    """

    entry: QueueEntry
    state: str
    place: int = 0
    epoch: int = 0
    epochs: int = 0
    metric: str = ""
    best: float | None = None
    cause: str = ""


def rows_of(state: QueueState, before: dict[int, QueueRow] | None = None) -> list[QueueRow]:
    """Running, waiting, then ended entries; what is known of ended ones is taken from ``before``."""
    rows = []
    places = {e.id: place for place, e in enumerate(state.waiting, 1)}
    for entry in (*state.running, *state.waiting, *state.ended):
        known = (before or {}).get(entry.id)
        rows.append(
            known if known and known.entry == entry and entry.state == "ended" else _row(entry, places)
        )
    return rows


def _row(entry: QueueEntry, places: dict[int, int]) -> QueueRow:
    shown = entry.shown_state()
    if entry.state == "waiting" or shown == "gone":
        return QueueRow(entry, shown, places.get(entry.id, 0), cause=entry.problem)
    found = summarise(entry.folder)
    return QueueRow(
        entry,
        shown,
        0,
        found.epoch,
        found.epochs,
        found.metric,
        found.best_value,
        entry.problem or found.cause,
    )


class QueueWatcher(Worker):
    """Looks once a second. The queue is carried out by a process of its own, which this starts where it died.

    Signals:
        shown(list, bool, bool): The `QueueRow` objects, whether the queue is paused, and whether it is carried out;
            once at the start, then when something changed.
        failed(str): The queue cannot be read; cause and cure.
    """

    shown = pyqtSignal(list, bool, bool)
    failed = pyqtSignal(str)

    def __init__(self, queue: RunQueue | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue = queue or RunQueue()

    def work(self) -> None:
        """Look every second until `stop`."""
        last: tuple[list[QueueRow], bool, bool] | None = None
        said = ""
        while True:
            try:
                hold(self._queue.ensure_runner())
                state = self._queue.state()
                before = {row.entry.id: row for row in last[0]} if last else None
                found = (rows_of(state, before), state.paused, self._queue.runner_alive)
                if found != last:
                    last = found
                    self.shown.emit(*found)
                said = ""
            except QueueError as error:
                if str(error) != said:
                    said = str(error)
                    self.failed.emit(said)
            if not self.pause_for(_EVERY_S):
                return


def hold(child: ChildProcess | None) -> None:
    """Keep the process of a queue that this program started, so that its remains are taken away when it has ended."""
    if child is not None:
        keep(child)
