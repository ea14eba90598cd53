"""Follows a folder of predictions while it grows, and keeps what a person decides. Both beside the window's thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PyQt5.QtCore import QObject, pyqtSignal

from src.core.prediction.decisions import Decisions, DecisionsError, Verdict
from src.core.prediction.index import Prediction, PredictionTail
from src.core.run import EventTail, RunFolder, process_alive
from src.threads.worker import Worker

_EVERY_S = 0.3
#: Images handed over at once, and the breath after them in which the window draws.
_BATCH = 500
_BREATH_S = 0.004
_MOST_CLASSES = 256
_WORD = (1 << 64) - 1
#: Verdicts as numbers.
UNDECIDED, ACCEPTED, REJECTED = range(3)
VERDICT_NUMBERS: dict[Verdict | None, int] = {None: UNDECIDED, "accepted": ACCEPTED, "rejected": REJECTED}
VERDICT_OF: dict[int, Verdict | None] = {number: verdict for verdict, number in VERDICT_NUMBERS.items()}


class Row(NamedTuple):
    """What a list needs of a `Prediction`, in types that cost the garbage collector nothing.

    ``classes`` are four words of 64 bits, one bit for each class that has objects; ``low`` and ``high`` are nan without
    objects; ``begins`` is for `read_prediction`.
    """

    name: str
    path: str
    picture: str
    error: str
    objects: int
    low: float
    high: float
    classes: tuple[int, int, int, int]
    begins: int
    size: int
    mtime_ns: int
    verdict: int


def row_of(begins: int, found: Prediction, verdict: int) -> Row | None:
    """A line of the list; None where the line of the index holds what it cannot hold."""
    try:
        bits = 0
        for key in found.by_class:
            if 0 <= (number := int(key)) < _MOST_CLASSES:
                bits |= 1 << number
        words = (bits & _WORD, bits >> 64 & _WORD, bits >> 128 & _WORD, bits >> 192 & _WORD)
        low, high = (float(v) for v in found.scores) if found.scores else (float("nan"), float("nan"))
        return Row(found.name, found.path, str(found.overlay), str(found.error), int(found.objects), low, high, words,
                   begins, int(found.size), int(found.mtime_ns), verdict)  # fmt: skip
    except (TypeError, ValueError, OverflowError):
        return None


class FolderTail(Worker):
    """Reads the index of a folder, and what is added while a process works on it; ends when none does.

    Attributes:
        folder: Of the predictions.

    Signals:
        begun(): ``prediction.json`` is there.
        rows(list): Further `Row`, at most 500 at a time; a name that comes again replaces what came before.
        told(str, object): ``geometry`` and words; ``speed`` and images a second, when the job has ended.
        caught_up(bool): All that is there was read; whether a process goes on.
        failed(str): A sentence; the decisions cannot be read, or the index cannot.
    """

    begun = pyqtSignal()
    rows = pyqtSignal(list)
    told = pyqtSignal(str, object)
    caught_up = pyqtSignal(bool)
    failed = pyqtSignal(str)

    def __init__(self, folder: Path, before: FolderTail | None = None, parent: QObject | None = None) -> None:
        """``before``: goes on where this one, which has ended, stopped."""
        super().__init__(parent)
        self.folder = folder
        self._index: PredictionTail = before._index if before else PredictionTail(folder)
        self._events: EventTail = before._events if before else EventTail(folder / "events.jsonl")
        self._decisions: Decisions | None = None

    def work(self) -> None:
        """Read, and look again, until the job has ended."""
        try:
            self._decisions = Decisions(self.folder)
        except DecisionsError as error:
            self.failed.emit(str(error))
        begun = False
        while not self.ending:
            alive = process_alive(RunFolder(self.folder))  # before reading: what it wrote last is read too
            if not begun and (self.folder / "prediction.json").is_file():
                begun = True
                self.begun.emit()
            try:
                if begun:
                    self._read()
                self._read_events()
            except OSError as error:
                self.failed.emit(f"{self._index.path} cannot be read: {error.strerror or error}.")
            if self.ending:
                return
            self.caught_up.emit(alive)
            if not alive:
                return
            self.pause_for(_EVERY_S)

    def crashed(self, error: Exception) -> None:
        self.failed.emit(f"The predictions cannot be followed by a fault of the program: {error}.")

    def _read(self) -> None:
        batch: list[Row] = []
        for begins, found in self._index.placed():
            if self.ending:
                return
            row = row_of(begins, found, self._verdict(found))
            if row is not None:
                batch.append(row)
            if len(batch) >= _BATCH:
                self.rows.emit(batch)
                batch = []
                time.sleep(_BREATH_S)
        if batch:
            self.rows.emit(batch)

    def _verdict(self, found: Prediction) -> int:
        if self._decisions is None:
            return UNDECIDED
        return VERDICT_NUMBERS[self._decisions.of(found.name, (found.size, found.mtime_ns))]

    def _read_events(self) -> None:
        for event in self._events.read():
            if event.type == "geometry":
                self.told.emit("geometry", str(event.get("words") or ""))
            elif event.type == "run_ended":
                self.told.emit("speed", event.get("images_per_second"))


class DecisionKeeper(Worker):
    """Writes decisions in their order; those that come while one is written are written together.

    Signals:
        failed(str, list): Why decisions could not be kept, and pairs of name and the number of the verdict that counts.
    """

    failed = pyqtSignal(str, list)

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._wanted: list[tuple[int, Sequence[str], np.ndarray]] = []
        self._busy = False
        self._wake = threading.Condition()

    def decide(self, verdict: int, names: Sequence[str], sources: np.ndarray) -> None:
        """Have a verdict kept for these images; ``sources`` are ``N×2``: size and time of their files."""
        with self._wake:
            self._wanted.append((verdict, names, sources))
            self._wake.notify_all()
        if not self.isRunning():
            self.start()

    def wait_kept(self) -> None:
        """Wait until all is written. For other threads than the window's."""
        with self._wake:
            while self._wanted or self._busy:
                self._wake.wait(0.1)

    def stop(self) -> None:
        super().stop()
        with self._wake:
            self._wake.notify_all()

    def release(self) -> None:
        """The program ends: what was decided is written first."""
        self.stop()

    def work(self) -> None:
        """Write until asked to end; what was decided before is written to the last."""
        while True:
            with self._wake:
                while not self._wanted and not self.ending:
                    self._wake.wait()
                if not self._wanted:
                    return
                wanted, self._wanted, self._busy = self._wanted, [], True
            try:
                self._keep(wanted)
            finally:
                with self._wake:
                    self._busy = False
                    self._wake.notify_all()

    def _keep(self, wanted: Sequence[tuple[int, Sequence[str], np.ndarray]]) -> None:
        newest: dict[str, tuple[int, tuple[int, int]]] = {}
        for verdict, names, sources in wanted:
            for name, (size, mtime_ns) in zip(names, sources.tolist(), strict=True):
                newest[name] = (verdict, (size, mtime_ns))
        try:
            decisions = Decisions(self._folder)  # another window may have decided too
            for number in dict.fromkeys(verdict for verdict, _ in newest.values()):
                chosen = {name: source for name, (verdict, source) in newest.items() if verdict == number}
                decisions.decide(chosen, VERDICT_OF[number], chosen)
        except DecisionsError as error:
            self.failed.emit(str(error), self._that_count(newest))

    def _that_count(self, newest: Mapping[str, tuple[int, tuple[int, int]]]) -> list[tuple[str, int]]:
        try:
            kept = Decisions(self._folder)
        except DecisionsError:
            return [(name, UNDECIDED) for name in newest]
        return [(name, VERDICT_NUMBERS[kept.of(name, source)]) for name, (_, source) in newest.items()]
