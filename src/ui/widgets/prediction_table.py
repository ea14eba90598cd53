"""All images of a folder of predictions in columns: filtering and sorting a hundred thousand takes milliseconds."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from src.threads.predictions_tail import ACCEPTED, REJECTED, UNDECIDED, Row

Array = np.ndarray[Any, Any]
_COLUMNS = np.dtype(
    [("objects", np.int64), ("low", np.float32), ("high", np.float32), ("classes", np.uint64, (4,)), ("begins", np.int64),
     ("size", np.int64), ("mtime_ns", np.int64), ("verdict", np.int8), ("failed", np.bool_)]
)  # fmt: skip
#: What `Filter.which` may be, with its words.
ALL, TO_DECIDE, ONLY_ACCEPTED, ONLY_REJECTED, FAILED, WITH, WITHOUT = range(7)
WHICH = ("All images", "Undecided", "Accepted", "Rejected", "Failed", "With objects", "Without objects")
#: What `Filter.order` may be, with its words.
AS_PREDICTED, MOST, FEWEST, LEAST_SURE, SUREST = range(5)
ORDERS = (
    "As predicted",
    "Most objects first",
    "Fewest objects first",
    "Lowest score first",
    "Highest score first",
)


@dataclass(frozen=True)
class Filter:
    """Which images are shown, in which order; ``kind`` is the number of a class that must be on them, -1 for any."""

    which: int = ALL
    kind: int = -1
    text: str = ""
    order: int = AS_PREDICTED


class Rate:
    """Images a second over the last seconds, by when they came."""

    def __init__(self, seconds: float = 10.0) -> None:
        self._seconds = seconds
        self._arrived: deque[tuple[float, int]] = deque()

    def note(self, total: int) -> None:
        """So many there are now."""
        self._arrived.append((time.monotonic(), total))

    @property
    def value(self) -> float | None:
        """None while nothing can be said."""
        while len(self._arrived) > 2 and self._arrived[-1][0] - self._arrived[0][0] > self._seconds:
            self._arrived.popleft()
        if len(self._arrived) < 2:
            return None
        (begun, before), (ended, now) = self._arrived[0], self._arrived[-1]
        return (now - before) / max(ended - begun, 0.3)


class ImageTable:
    """The images in the order in which they were predicted.

    Attributes:
        names, paths, pictures: Name, source file and overlay (relative, may be empty) of each.
        errors: Row to the reason, of those that failed.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.paths: list[str] = []
        self.pictures: list[str] = []
        self.errors: dict[int, str] = {}
        self._places: dict[str, int] = {}
        self._data = np.zeros(1024, _COLUMNS)

    def __len__(self) -> int:
        return len(self.names)

    def column(self, name: str) -> Array:
        """The values of all images; a view: ``verdict`` may be written."""
        return self._data[name][: len(self.names)]

    def row(self, name: str) -> int | None:
        """Where an image stands."""
        return self._places.get(name)

    def add(self, rows: Sequence[Row]) -> list[int]:
        """Take further images in; returns the rows of those that were known and are replaced."""
        again: list[int] = []
        while len(self.names) + len(rows) > len(self._data):
            self._data = np.concatenate([self._data, np.zeros(len(self._data), _COLUMNS)])
        for row in rows:
            place = self._places.get(row.name)
            if place is None:
                place = self._places[row.name] = len(self.names)
                self.names.append(row.name)
                self.paths.append(row.path)
                self.pictures.append(row.picture)
            else:
                again.append(place)
                self.paths[place], self.pictures[place] = row.path, row.picture
                self.errors.pop(place, None)
            self._data[place] = (row.objects, row.low, row.high, row.classes, row.begins, row.size, row.mtime_ns,
                                 row.verdict, bool(row.error))  # fmt: skip
            if row.error:
                self.errors[place] = row.error
        return again

    def chosen(self, wanted: Filter, first: int = 0) -> Array:
        """Rows from ``first`` on that pass a filter, in its order."""
        part = self._data[first : len(self.names)]
        keep = np.ones(len(part), np.bool_)
        verdicts = {TO_DECIDE: UNDECIDED, ONLY_ACCEPTED: ACCEPTED, ONLY_REJECTED: REJECTED}
        if wanted.which in verdicts:
            keep = (part["verdict"] == verdicts[wanted.which]) & ~part["failed"]
        elif wanted.which == FAILED:
            keep = part["failed"].copy()
        elif wanted.which in (WITH, WITHOUT):
            keep = ((part["objects"] > 0) == (wanted.which == WITH)) & ~part["failed"]
        if wanted.kind >= 0:
            word, bit = divmod(wanted.kind, 64)
            keep &= (part["classes"][:, word] >> np.uint64(bit)) & np.uint64(1) == 1
        rows = np.flatnonzero(keep) + first
        text = wanted.text.strip().casefold()
        if text:
            rows = np.array([row for row in rows.tolist() if text in self.names[row].casefold()], np.int64)
        return rows[self._order(rows, wanted.order)]

    def _order(self, rows: Array, order: int) -> Array:
        if order in (MOST, FEWEST):
            many = np.where(self._data["failed"][rows], np.inf, self._data["objects"][rows])
            return np.argsort(
                many if order == FEWEST else np.where(np.isinf(many), np.inf, -many), kind="stable"
            )
        if order in (LEAST_SURE, SUREST):
            score = self._data["low"][rows] if order == LEAST_SURE else -self._data["high"][rows]
            return np.argsort(score, kind="stable")  # nan, images without objects, at the end
        return np.arange(len(rows))

    def decide(self, rows: Array, verdict: int) -> tuple[list[str], Array]:
        """Note a verdict; failed images have nothing to decide.

        Returns:
            The names of the others, and ``N×2`` size and time of their files.
        """
        rows = np.asarray(rows, np.int64)
        rows = rows[~self._data["failed"][rows]]
        self._data["verdict"][rows] = verdict
        sources = np.stack([self._data["size"][rows], self._data["mtime_ns"][rows]], axis=1)
        return [self.names[row] for row in rows.tolist()], sources

    def totals(self) -> dict[str, int]:
        """``images``, ``objects``, ``failed``, ``accepted``, ``rejected``."""
        verdict, failed = self.column("verdict"), self.column("failed")
        return {
            "images": int((~failed).sum()), "objects": int(self.column("objects").sum()), "failed": int(failed.sum()),
            "accepted": int((verdict == ACCEPTED).sum()), "rejected": int((verdict == REJECTED).sum()),
        }  # fmt: skip
