"""The answers for the windows of one file, over time, as CSV: grows with the prediction, and is gone on with after a stop."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from src.core.evaluation.classified_files import SCORE
from src.core.evaluation.files import safe_cell
from src.core.run.folder import sync_folder
from src.tasks.bearing.windows import WindowIndex


class WindowsTable:
    """A row a window: ``recording``, ``start_s``, ``end_s``, and ``score_<class>``, the probability of each class.

    While it grows it has ``.part`` behind its name; `finish` gives it its name. What an interrupted process wrote of the same
    file, unchanged, is kept. Without a sampling rate times are in samples, and it is noted.

    Attributes:
        done: Windows that are written.
        notes: Sentences about it.
    """

    def __init__(
        self, path: Path, classes: Sequence[str], index: WindowIndex, state: tuple[int, int]
    ) -> None:
        """Begin, or go on; raises OSError.

        Args:
            path: The file.
            classes: Names.
            index: All windows of the file.
            state: Size and time of the source, by which a changed one is known.
        """
        self.path, self._classes, self._index = path, list(classes), index
        self._part = path.with_name(path.name + ".part")
        self._about = path.with_name(path.name + ".about")
        self.done = 0
        rate = index.shape.rate
        self._unit = rate or 1.0
        self.notes = (
            [] if rate else ["The sampling rate is not known: times are samples, from the first of the file."]
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        mark = json.dumps([*state, len(index), index.shape.hop, self._classes])
        if not self._goes_on(mark):
            self._about.write_text(mark, "utf-8")
            head = ["recording", "start_s", "end_s", *(SCORE + name for name in self._classes)]
            self._part.write_bytes(b"\xef\xbb\xbf" + _line(head))
        self._stream = self._part.open("ab", buffering=0)

    def _goes_on(self, mark: str) -> bool:
        """Cut off a half-written row, and count the others; False where there is nothing to go on with."""
        try:
            if self._about.read_text("utf-8") != mark:
                return False
            with self._part.open("r+b") as stream:
                lines = end = 0
                for line in stream:
                    if not line.endswith(b"\n"):
                        break
                    lines, end = lines + 1, end + len(line)
                if not lines:
                    return False
                stream.truncate(end)
        except (FileNotFoundError, UnicodeDecodeError):
            return False
        self.done = lines - 1
        return True

    def add(self, numbers: range, probabilities: np.ndarray) -> None:
        """Append the windows ``numbers``, which follow those that are written; probabilities N×K. Raises OSError."""
        if numbers.start != self.done:
            raise ValueError(f"window {numbers.start} does not follow window {self.done - 1}")
        text = []
        length = self._index.shape.length / self._unit
        for number, row in zip(numbers, probabilities, strict=True):
            window = self._index[number]
            start = window.seconds if self._index.shape.rate else window.start
            cells = [safe_cell(window.recording.id), f"{start:.9g}", f"{start + length:.9g}"]
            text.append(_line([*cells, *(f"{p:.6g}" for p in row)]))
        left = memoryview(b"".join(text))
        while left:
            left = left[self._stream.write(left) or 0 :]
        self.done = numbers.stop

    def finish(self) -> list[np.ndarray]:
        """Give the whole table its name; the probabilities of each recording, n×K, as they are written.

        Raises:
            OSError: It cannot be written, or read back.
            ValueError: Windows are missing.
        """
        if self.done != len(self._index):
            raise ValueError(f"{len(self._index) - self.done} windows are missing")
        with self._part.open(encoding="utf-8-sig", newline="") as stream:
            rows = [row[3:] for row in csv.reader(stream)][1:]
        scores = np.array(rows, np.float64).reshape(len(self._index), len(self._classes))
        self._part.replace(self.path)
        self._about.unlink(missing_ok=True)
        sync_folder(self.path.parent)
        ends = np.cumsum(self._index.counts)[:-1]
        return np.split(scores, ends)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode("utf-8", "surrogateescape")
