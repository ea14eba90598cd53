"""A few pixels on every object of each sample: where to cut windows without reading the masks again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

ANCHORS_NAME = "anchors.npz"
#: Anchors of one class on one sample, at most.
MAX_ANCHORS = 16

_NONE = np.zeros((0, 3), dtype=np.int32)


class Anchors:
    """Pixels on the objects of samples, all in one array: 12 bytes an anchor and 8 a sample.

    A set that was saved beside a description is read when it is first asked for.
    """

    def __init__(self, found: Mapping[str, np.ndarray] | None = None) -> None:
        """Take ``K×3`` int32 arrays (class, row, column) by sample id."""
        found = found or {}
        ids = sorted(found)
        self._file: Path | None = None
        self._index = {sample_id: place for place, sample_id in enumerate(ids)}
        self._ends = np.cumsum([0, *(len(found[sample_id]) for sample_id in ids)], dtype=np.int64)
        self._points = np.concatenate([_NONE, *(found[sample_id] for sample_id in ids)]).astype(np.int32)

    def of(self, sample_id: str) -> np.ndarray:
        """``K×3`` int32 of one sample: class, row and column in pixels of the image; K is 0 where none is known.

        Each class that is present has up to ``MAX_ANCHORS``; class 0 only where there are more than two classes.
        """
        self._read()
        place = self._index.get(sample_id)
        return _NONE if place is None else self._points[self._ends[place] : self._ends[place + 1]]

    def __len__(self) -> int:
        """Samples that have anchors."""
        self._read()
        return len(self._index)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Anchors):
            return NotImplemented
        self._read()
        other._read()
        same = self._index == other._index and np.array_equal(self._ends, other._ends)
        return same and np.array_equal(self._points, other._points)

    __hash__ = None  # type: ignore[assignment]

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write ``anchors.npz`` into a folder, which must exist."""
        self._read()
        target = Path(folder) / ANCHORS_NAME
        beside = target.with_name(ANCHORS_NAME + ".part")
        names = "\n".join(self._index).encode("utf-8", "surrogatepass")
        with beside.open("wb") as stream:
            np.savez_compressed(
                stream, ids=np.frombuffer(names, dtype=np.uint8), ends=self._ends, points=self._points
            )
        beside.replace(target)

    @classmethod
    def beside(cls, folder: str | os.PathLike[str]) -> Anchors:
        """Those that ``save`` wrote; they are read when first asked for, and none where there is no such file."""
        anchors = cls()
        anchors._file = Path(folder) / ANCHORS_NAME
        return anchors

    def _read(self) -> None:
        path, self._file = self._file, None
        if path is None or not path.is_file():
            return
        try:
            with np.load(path, allow_pickle=False) as data:
                names = bytes(data["ids"]).decode("utf-8", "surrogatepass")
                ends, points = data["ends"], data["points"].astype(np.int32)
        except Exception as error:  # numpy's and zipfile's own kinds, whatever the damage leads them to
            raise ValueError(f"{path} is damaged ({error}): scan the data again") from error
        ids = names.split("\n") if names else []
        if len(ends) != len(ids) + 1 or points.ndim != 2 or int(ends[-1]) != len(points):
            raise ValueError(f"{path} is damaged (its arrays do not fit together): scan the data again")
        self._index = {sample_id: place for place, sample_id in enumerate(ids)}
        self._ends, self._points = ends, points
