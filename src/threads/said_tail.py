"""Follows a folder of predictions whose results are verdicts with what led to them along each sample."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QObject, pyqtSignal

from src.core.prediction.index import Prediction, PredictionTail
from src.core.run import RunFolder, process_alive
from src.threads.worker import Worker

_EVERY_S = 0.3
_BATCH = 500


@dataclass(frozen=True)
class Said:
    """What was said of one sample of a file.

    Attributes:
        name, path: Of the file: in the index, and on the disk.
        recording: Id of the sample.
        verdict: In words; empty where there is none.
        sure: Mean score of the likeliest class; NaN where there is none.
        seconds: Its length; 0 where that is not known.
        table: CSV file of the scores along it, relative to the folder.
        error: Why there is no verdict.
    """

    name: str
    path: str
    recording: str
    verdict: str = ""
    sure: float = float("nan")
    seconds: float = 0.0
    table: str = ""
    error: str = ""

    def sample(self, folder: Path) -> dict[str, Any]:
        """As ``Views.open`` takes it."""
        prediction = {"folder": str(folder), "name": self.name, "table": self.table, "recording": self.recording,
                      "verdict": self.verdict}  # fmt: skip
        return {"id": self.recording, "file": self.path, "prediction": prediction}


def said_of(found: Prediction) -> list[Said]:
    """The samples of a line of the index; those that cannot be understood are left out."""
    if found.error:
        return [Said(found.name, found.path, found.name, error=str(found.error))]
    made = []
    for entry in found.score.get("recordings") or ():
        try:
            scores = [float(score) for score in entry["scores"]]
            made.append(
                Said(found.name, found.path, str(entry["recording"]), str(entry["words"]), max(scores, default=float("nan")),
                     float(entry.get("seconds") or 0.0), found.tables[0] if found.tables else "")
            )  # fmt: skip
        except (KeyError, TypeError, ValueError):
            continue
    return made


class SaidTail(Worker):
    """Reads the index, and what is added while a process works on it; ends when none does.

    Signals:
        told(list): Further `Said`; a name and recording that come again replace what came before.
        ended(): The job has ended, and all was read.
        failed(str): The index cannot be read.
    """

    told = pyqtSignal(list)
    ended = pyqtSignal()
    failed = pyqtSignal(str)

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self._index = PredictionTail(folder)

    def work(self) -> None:
        """Read, and look again, until the job has ended."""
        while not self.ending:
            alive = process_alive(RunFolder(self.folder))  # before reading: what it wrote last is read too
            try:
                self._read()
            except OSError as error:
                self.failed.emit(f"{self._index.path} cannot be read: {error.strerror or error}.")
            if not alive:
                if not self.ending:
                    self.ended.emit()
                return
            self.pause_for(_EVERY_S)

    def crashed(self, error: Exception) -> None:
        self.failed.emit(f"The predictions cannot be followed by a fault of the program: {error}.")

    def _read(self) -> None:
        batch: list[Said] = []
        for found in self._index.read():
            if self.ending:
                return
            batch += said_of(found)
            if len(batch) >= _BATCH:
                self.told.emit(batch)
                batch = []
        if batch:
            self.told.emit(batch)
