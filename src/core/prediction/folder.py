"""The folder of predictions of any task: for which settings it is, what is done already, one line for each file."""

from __future__ import annotations

import errno
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from src.core.dataset.files.image_files import why
from src.core.prediction.images import INDEX_NAME, ImageFile
from src.core.prediction.index import JsonLines, Prediction, PredictionTail
from src.core.run.folder import write_atomically

HEADER_NAME = "prediction.json"
VERSION = 1


class ResultsError(Exception):
    """The folder of results cannot be used or written; ``cure`` says what to do."""

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.cure = cure


def writing_failed(folder: Path, error: OSError) -> ResultsError:
    """The sentence for a folder that cannot be written."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", -1)):
        cure = "Free some space, then start the job again in the same folder: it goes on where it stopped."
        return ResultsError(f"The disk of {folder} is full.", cure)
    cure = "Choose another folder, or ask for permission to write."
    return ResultsError(f"{folder} cannot be written: {why(error)}.", cure)


class IndexedFolder:
    """Keeps ``prediction.json`` and ``predictions.jsonl``; what else is written of each file is up to the job.

    Attributes:
        path: The folder.
        index: Name to the newest line of each file, those of an earlier start too.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        """Begin in an empty folder, or go on in one with results of the same settings.

        Args:
            path: Of the job.
            header: Model and all else that decides about the results; kept in ``prediction.json``.

        Raises:
            ResultsError: It holds results of other settings, or cannot be written.
        """
        self.path = path
        self.index: dict[str, Prediction] = {}
        self._lock = threading.Lock()
        try:
            self._begin(json.loads(json.dumps({"version": VERSION, **header})))
            for found in PredictionTail(path).read():
                self.index[found.name] = found
            self._lines = JsonLines(path / INDEX_NAME)
        except OSError as error:
            raise writing_failed(path, error) from error

    def _begin(self, plain: Mapping[str, Any]) -> None:
        place = self.path / HEADER_NAME
        try:
            before = json.loads(place.read_bytes())
        except FileNotFoundError:
            before = None
        except ValueError:
            raise ResultsError(f"{place} is damaged: it cannot be said what the results in this folder are.",
                               "Choose another folder for the new results.") from None  # fmt: skip
        if before is not None:
            other = [key for key in plain if before.get(key) != plain[key]]
            if other:
                raise ResultsError(
                    f"{self.path} holds results of other settings ({', '.join(other)}): they are not mixed or overwritten.",
                    "Choose another folder, or leave it empty for a new one.",
                )
            return
        if (self.path / INDEX_NAME).exists():
            raise ResultsError(f"{self.path} holds results that this job did not write.",
                               "Choose another folder, or leave it empty for a new one.")  # fmt: skip
        self.path.mkdir(parents=True, exist_ok=True)
        self.begin_empty()
        write_atomically(place, json.dumps(plain, ensure_ascii=False, indent=1).encode())

    def begin_empty(self) -> None:
        """Write what a new folder needs besides, before the header; raises OSError."""

    @property
    def names(self) -> list[tuple[str, str]]:
        """Path and name of every file so far."""
        return [(found.path, found.name) for found in self.index.values()]

    def is_done(self, file: ImageFile) -> bool:
        """Whether this very file was worked on, successfully, and all its results are there."""
        found = self.index.get(file.name)
        if found is None or found.error or not found.is_of(file):
            return False
        return all((self.path / name).is_file() for name in found.files)

    def note(self, done: Prediction) -> None:
        """Write the line of a file; raises ResultsError."""
        try:
            with self._lock:
                self._lines.write(done.to_dict())
                self.index[done.name] = done
        except OSError as error:
            raise writing_failed(self.path, error) from error

    def failed(self, file: ImageFile, reason: str) -> Prediction:
        """Note that a file has no result; raises ResultsError."""
        done = Prediction(file.name, file.path, file.size, file.mtime_ns, error=reason)
        self.note(done)
        return done

    def close(self) -> None:
        """Flush to the disk; raises ResultsError."""
        try:
            self._lines.close()
        except OSError as error:
            raise writing_failed(self.path, error) from error
