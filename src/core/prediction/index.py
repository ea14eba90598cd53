"""``predictions.jsonl``: what is done, one line an image; appended and handed to the system at once.

A line that a killed process left half written is passed over; of two lines of one name the later counts. Windows, reports
and a job that goes on read the same file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from src.core.prediction.images import INDEX_NAME, ImageFile
from src.core.run.append import AppendFile

OBJECTS_NAME = "objects.jsonl"


@dataclass
class Prediction:
    """One image and where its results are; paths are relative to the folder of the results, with slashes.

    Attributes:
        name: Of the image, see `images.Names`.
        path, size, mtime_ns: The source file as it was read.
        width, height: Pixels.
        mask: Index PNG; ``probability``: 8-bit PNGs, a list; ``overlay``: JPEG. Empty where not asked for.
        objects: How many; ``by_class``: class number to objects, ``pixels``: class number to pixels.
        objects_at: Where in ``objects.jsonl`` the line with these objects begins, in bytes; -1: nowhere.
        tables: CSV files of what was found along it, such as over the time of a recording.
        changes: What the post-processing did, see `postprocess.Changes`; empty where nothing.
        scores: Lowest and highest mean score of its objects; empty without any.
        score: What else a job measured, such as the share of confident pixels.
        seconds: From the first rows of the image to its last file.
        notes: Sentences about this image.
        error: Why there is no result.
    """

    name: str
    path: str
    size: int = 0
    mtime_ns: int = 0
    width: int = 0
    height: int = 0
    mask: str = ""
    probability: list[str] = field(default_factory=list)
    overlay: str = ""
    tables: list[str] = field(default_factory=list)
    objects: int = 0
    by_class: dict[str, int] = field(default_factory=dict)
    pixels: dict[str, int] = field(default_factory=dict)
    objects_at: int = -1
    changes: dict[str, int] = field(default_factory=dict)
    scores: list[float] = field(default_factory=list)
    score: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    error: str = ""

    @property
    def files(self) -> list[str]:
        """All its files, relative to the folder of the results."""
        return [name for name in (self.mask, *self.probability, self.overlay, *self.tables) if name]

    def is_of(self, image: ImageFile) -> bool:
        """Whether the source is the same file, unchanged."""
        return (self.path, self.size, self.mtime_ns) == (image.path, image.size, image.mtime_ns)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types, without what is empty."""
        return {
            key: value for key, value in asdict(self).items() if value not in ("", [], {}) or key == "name"
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Prediction:
        """The inverse of ``to_dict``; what it does not know is passed over."""
        return cls(**{key: value for key, value in data.items() if key in _FIELDS})


_FIELDS = {f.name for f in fields(Prediction)}


def _parse(line: bytes) -> Prediction | None:
    try:
        raw = json.loads(line)
        found = Prediction.from_dict(raw)
        return found if isinstance(found.name, str) and isinstance(found.path, str) else None
    except (ValueError, TypeError, AttributeError):
        return None


class PredictionTail:
    """Reads an index from the beginning, and then whatever was added since."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.path = Path(folder) / INDEX_NAME
        self._offset = 0

    def read(self) -> Iterator[Prediction]:
        """The lines since the last call; raises OSError where the file is there and cannot be read."""
        for _, found in self.placed():
            yield found

    def placed(self) -> Iterator[tuple[int, Prediction]]:
        """As `read`, each with the place in the file at which its line begins, for `read_prediction`."""
        try:
            with self.path.open("rb") as handle:
                handle.seek(self._offset)
                for line in handle:
                    if not line.endswith(b"\n"):
                        return  # half written: the next call reads it again
                    begins = self._offset
                    self._offset += len(line)
                    if (found := _parse(line)) is not None:
                        yield begins, found
        except FileNotFoundError:
            return


def read_prediction(folder: str | os.PathLike[str], begins: int) -> Prediction | None:
    """The image whose line begins at this place of the index; None where it cannot be read."""
    try:
        with (Path(folder) / INDEX_NAME).open("rb") as handle:
            handle.seek(begins)
            return _parse(handle.readline())
    except (OSError, ValueError):
        return None


def read_index(folder: str | os.PathLike[str]) -> dict[str, Prediction]:
    """Name to the newest line of each image, in the order in which the names first appear."""
    return {found.name: found for found in PredictionTail(folder).read()}


class JsonLines:
    """Appends to a file of JSON lines; any thread may."""

    def __init__(self, path: Path) -> None:
        """Open or make the file; raises OSError."""
        self._file = AppendFile(path)

    def write(self, value: Mapping[str, Any]) -> int:
        """Append; the offset at which the line begins. Raises OSError; a half-written line is then closed off."""
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return self._file.write(text.encode("utf-8", "surrogateescape"))

    def close(self) -> None:
        """Flush to the disk and close; safe to call twice."""
        self._file.close()


def read_objects(folder: str | os.PathLike[str], prediction: Prediction) -> list[dict[str, Any]]:
    """The objects of one image; empty where there are none or their line is damaged.

    Each is a mapping as `objects.FoundObjects.listed` has them.
    """
    if prediction.objects_at < 0:
        return []
    try:
        with (Path(folder) / OBJECTS_NAME).open("rb") as handle:
            handle.seek(prediction.objects_at)
            line = json.loads(handle.readline())
        found = line["objects"] if line["image"] == prediction.name else []
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [entry for entry in found if isinstance(entry, dict)]
